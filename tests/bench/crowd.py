"""People who send their commands at the same moment: one thread and no waiting for each other.

It runs in a process of its own, so that nothing but the bot is in the times: requests come as JSON
on standard input, milliseconds go to standard output.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import sys
from time import perf_counter
from urllib.parse import urlsplit

Raw = tuple[str, dict[str, str]]
"""A body and its headers."""


def send_at_once(host: str, port: int, path: str, requests: list[Raw]) -> list[float]:
    """Milliseconds from the start of each connection to the whole acknowledgement."""
    begun: dict[socket.socket, float] = {}
    took: list[float] = []
    with selectors.DefaultSelector() as waiting:
        for body, headers in requests:
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            raw = f"POST {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n{head}".encode()
            raw += f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            at = perf_counter()
            connection = socket.create_connection((host, port))
            connection.sendall(raw)
            begun[connection] = at
            waiting.register(connection, selectors.EVENT_READ, bytearray())
        while begun:
            for key, _ in waiting.select(60):
                connection = key.fileobj  # type: ignore[assignment]
                key.data.extend(connection.recv(65_536))
                if not _whole(key.data):
                    continue
                took.append((perf_counter() - begun.pop(connection)) * 1_000)
                assert key.data.startswith(b"HTTP/1.1 200"), bytes(key.data)
                waiting.unregister(connection)
                connection.close()
    return took


def _whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return bool(end) and length is not None and len(body) >= int(length[1])


def main() -> None:
    """Send what comes as lines of JSON, one burst a line."""
    parts = urlsplit(sys.argv[1])
    for line in sys.stdin:
        took = send_at_once(parts.hostname or "", parts.port or 0, parts.path, json.loads(line))
        print(json.dumps(took), flush=True)


if __name__ == "__main__":
    main()
