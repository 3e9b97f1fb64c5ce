"""Faults that the local OpenRouter can simulate."""

from __future__ import annotations

import json
import socket
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, cycle, repeat
from typing import Literal

Kind = Literal["answer", "drop", "reset", "half", "cut", "html", "hang", "gzip_bomb", "null_data"]

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP response."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": JSON})


@dataclass(frozen=True, slots=True)
class Fault:
    """One simulated failure.

    "answer": this `status`, `headers` and `body` instead of the correct ones; "drop": the
    connection is closed before answering; "reset": the same, with a TCP reset; "half": half of the
    correct body, sent as if it were complete; "cut": half of it, then the connection is closed;
    "html": a page with status 200; "hang": the correct response, `seconds` late; "gzip_bomb": 199
    KiB that decompress to 200 MiB; "null_data": no data.
    """

    kind: Kind
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 30.0


def answer(status: int, body: object = None, headers: Mapping[str, str] | None = None) -> Fault:
    """A fault that answers with this status; a `body` other than bytes is sent as JSON."""
    if body is None:
        body = error_body(status, f"Injected {status}")
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Fault("answer", status, {"Content-Type": JSON, **(headers or {})}, raw)


def hang(seconds: float) -> Fault:
    """A fault that answers correctly, but late."""
    return Fault("hang", seconds=seconds)


def error_body(status: int, message: str) -> dict[str, object]:
    """The body of every error of OpenRouter."""
    return {"error": {"code": status, "message": message}}


class Plan:
    """Faults for paths that start with `prefix`, one for each request, repeated `times` times."""

    def __init__(
        self, prefix: str, faults: tuple[Fault | Kind | int, ...], times: int | None
    ) -> None:
        self._prefix = prefix
        whole = tuple(_fault(one) for one in faults)
        self._left = cycle(whole) if times is None else chain.from_iterable(repeat(whole, times))

    def next(self, path: str) -> Fault | None:
        """The fault for a request to `path`; None if none applies or all are used up."""
        return next(self._left, None) if path.startswith(self._prefix) else None


def _fault(one: Fault | Kind | int) -> Fault:
    if isinstance(one, Fault):
        return one
    return answer(one) if isinstance(one, int) else Fault(one)


def spoilt(fault: Fault, right: Answer) -> Answer:
    """The response that a fault sends instead of the correct one."""
    if fault.kind == "answer":
        return Answer(fault.status, fault.body, fault.headers)
    if fault.kind == "half":
        return Answer(right.status, right.body[: len(right.body) // 2], right.headers)
    if fault.kind == "html":
        page = b"<!doctype html><title>Just a moment...</title><h1>Checking your browser</h1>"
        return Answer(200, page, {"Content-Type": "text/html; charset=utf-8"})
    if fault.kind == "gzip_bomb":
        return Answer(200, gzip_bomb(), {"Content-Type": JSON, "Content-Encoding": "gzip"})
    if fault.kind == "null_data":
        return Answer(200, b'{"data":null}')
    return right


@cache
def gzip_bomb() -> bytes:
    """About 199 KiB of gzip that unpack to 200 MiB of JSON."""
    packer = zlib.compressobj(9, wbits=31)
    packed = [packer.compress(b'{"data":"')]
    packed += [packer.compress(b"0" * 2**20) for _ in range(200)]
    return b"".join([*packed, packer.compress(b'"}'), packer.flush()])


def reset(connection: socket.socket) -> None:
    """Close a connection with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
