"""The HTTP layer of the local Slack: parses calls, writes answers, and simulates failures."""

import json
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from bot.demo.slack.api import arguments, strict_json
from bot.demo.slack.faults import Fault
from bot.demo.slack.workspace import Json, SlackError

if TYPE_CHECKING:
    from bot.demo.slack.server import LocalSlack

LARGEST_BODY = 64 * 1024 * 1024
AT_ONCE = 12
"""Requests that are answered at a time, if none hangs. On a busy machine, those that nobody
waits for any more would delay those that are repeated, until no answer came in time."""
LONGEST_WAIT = 1.0
"""Seconds after which a request is answered although others hang."""
_STATUS = {"ratelimited": 429}


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response."""

    body: bytes
    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


class BrokenConnection(Exception):  # noqa: N818 - what happens, not what went wrong
    """Break the connection instead of answering."""


class Server(ThreadingHTTPServer):
    """A threading server that can break its open connections."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    """Connections that wait to be accepted. With the default of 5, answers sent at the same time on
    a busy machine are refused, or delayed by up to 20 s of TCP retransmissions."""

    def __init__(self, address: tuple[str, int], slack: "LocalSlack") -> None:
        super().__init__(address, Handler)
        self.slack = slack
        self.connections: set[socket.socket] = set()
        self.slots = BoundedSemaphore(AT_ONCE)

    def break_connections(self) -> None:
        """Close the connections that clients keep open."""
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as given
        """Ignore clients that disconnected."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: Server

    def setup(self) -> None:
        """Remember the connection."""
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        """Forget the connection."""
        self.server.connections.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log nothing: the local Slack records the calls."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The workspace's own time, in the ``Date`` of every answer."""
        now = self.server.slack.workspace.clock().timestamp()
        return super().date_time_string(now if timestamp is None else timestamp)

    def do_GET(self) -> None:
        """Answer a GET."""
        self._handle()

    def do_POST(self) -> None:
        """Answer a POST."""
        self._handle()

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self._write(Reply(b"", 413))
            self.close_connection = True
            return
        body = self.rfile.read(length)
        slot = self.server.slots.acquire(timeout=LONGEST_WAIT)
        try:
            if self._is_abandoned():
                self.close_connection = True
            else:
                self._answer(body)
        finally:
            if slot:
                self.server.slots.release()

    def _answer(self, body: bytes) -> None:
        path = unquote(urlsplit(self.path).path)
        try:
            if path.startswith("/api/"):
                reply = self._call(path.removeprefix("/api/"), body)
            else:
                reply = self._elsewhere(path, body)
            self._write(reply)
        except BrokenConnection:
            self._break()

    def _is_abandoned(self) -> bool:
        """Whether the client has closed the connection already, because it gave up waiting."""
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:  # it was reset
            return True

    def _break(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _write(self, reply: Reply) -> None:
        self.send_response(reply.status)
        headers = {"Content-Type": reply.content_type, "Content-Length": str(len(reply.body))}
        for name, value in {**headers, **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def _before(self, fault: Fault | None, refused_with: int = 200) -> Reply | None:
        """The answer of a fault that occurs before the call is processed."""
        if fault is None or fault.kind in ("drop_after", "half"):
            return None
        if fault.kind == "hang":
            self.server.slack.stopping.wait(600)
            raise BrokenConnection
        if fault.kind == "drop":
            raise BrokenConnection
        if fault.kind in (429, "ratelimited"):
            waiting = SlackError("ratelimited", retry_after=fault.retry_after)
            return _refused(waiting, 429, {})
        if isinstance(fault.kind, int):
            return _refused(SlackError("internal_error"), fault.kind, {})
        return _refused(SlackError(fault.kind), refused_with, {})

    def _after(self, fault: Fault | None, reply: Reply) -> Reply:
        """The answer, unless a fault occurs after the call was processed."""
        if fault and fault.kind == "drop_after":
            raise BrokenConnection
        if fault and fault.kind == "half":
            whole = {"Content-Length": str(len(reply.body))}
            half = reply.body[: len(reply.body) // 2]
            self._write(Reply(half, reply.status, reply.content_type, {**reply.headers, **whole}))
            self.wfile.flush()
            raise BrokenConnection
        return reply

    def _call(self, method: str, body: bytes) -> Reply:
        slack = self.server.slack
        try:
            fields = self._fields(body)
        except SlackError as refused:
            slack.record(method, {}, refused.error)
            return _refused(refused, 200, {})
        token = self._token() or fields.pop("token", None)
        fault = slack.faults.take(method)
        if fault and fault.kind not in ("drop_after", "half"):
            slack.record(method, fields, str(fault.kind))
        if struck := self._before(fault):
            return struck
        scopes = {"X-OAuth-Scopes": ",".join(sorted(slack.api.scopes))}
        args = fields
        try:
            args = arguments(fields)
            answer = slack.api.call(method, args, token)
            slack.record(method, args, None)
            reply = Reply(_json(answer), headers=scopes)
        except SlackError as refused:
            slack.record(method, args, refused.error, refused.details)
            reply = _refused(refused, _STATUS.get(refused.error, 200), scopes)
        return self._after(fault, reply)

    def _token(self) -> str | None:
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" and token.strip() else None

    def _fields(self, body: bytes) -> Json:
        fields: Json = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        content_type = self.headers.get_content_type()
        if content_type == "application/json":
            fields |= _object(body)
        elif content_type == "multipart/form-data":
            fields |= {k: v.decode("utf-8", "replace") for k, v in self._parts(body).items()}
        else:
            text = body.decode("utf-8", "replace")
            fields |= dict(parse_qsl(text, keep_blank_values=True))
        return fields

    def _parts(self, body: bytes) -> dict[str, bytes]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = BytesParser(policy=HTTP).parsebytes(head + body).iter_parts()
        found = {}
        for part in parts:
            content = part.get_payload(decode=True)
            name = part.get_param("name", header="content-disposition")
            found[str(name)] = content if isinstance(content, bytes) else b""
        return found

    def _elsewhere(self, path: str, body: bytes) -> Reply:
        answer: Callable[[str, bytes], Reply]
        if path.startswith("/upload/v1/"):
            name, answer = "upload", self._upload
        elif path.startswith(("/commands/", "/actions/")):
            name, answer = "response_url", self._response
        elif path.startswith("/files-pri/"):
            name, answer = "download", self._download
        else:
            return Reply(b"not found", 404, "text/plain")
        fault = self.server.slack.faults.take(name)
        return self._before(fault, 404) or self._after(fault, answer(path, body))

    def _upload(self, path: str, body: bytes) -> Reply:
        data = body
        if self.headers.get_content_type() == "multipart/form-data":
            data = next(iter(self._parts(body).values()), b"")
        slack = self.server.slack
        try:
            with slack.workspace.lock:
                slack.uploads.upload(path.rpartition("/")[2], data)
        except SlackError as refused:
            return Reply(refused.error.encode(), 400, "text/plain")
        return Reply(f"OK - {len(data)}".encode(), 200, "text/plain")

    def _response(self, path: str, body: bytes) -> Reply:
        slack = self.server.slack
        try:
            payload = strict_json(body)
        except ValueError:
            return Reply(b"invalid_payload", 400, "text/plain")
        try:
            with slack.workspace.lock:
                slack.hooks.use(path, payload if isinstance(payload, dict) else {})
        except SlackError as refused:
            notice = {"method": "response_url", "error": refused.error, "args": payload}
            notice |= {"details": refused.details, **slack.hooks.place(path)}
            slack.workspace.changed("refused", notice)
            return _refused(refused, 404, {})
        return Reply(b"ok", 200, "text/plain")

    def _download(self, path: str, _body: bytes) -> Reply:
        slack = self.server.slack
        if self._token() != slack.bot_token or "files:read" not in slack.api.scopes:
            page = b"<!DOCTYPE html><title>Sign in to the workspace</title>"
            return Reply(page, 200, "text/html; charset=utf-8")
        file_id = path.split("/")[2].rpartition("-")[2]
        file = slack.uploads.by_id.get(file_id)
        if file is None or file.data is None:
            return Reply(b"not found", 404, "text/plain")
        return Reply(file.data, 200, file.mimetype)


def _object(body: bytes) -> Json:
    if not body:
        return {}
    try:
        given = strict_json(body)
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(given, dict):
        raise SlackError("json_not_object")
    return given


def _json(answer: Json) -> bytes:
    return json.dumps(answer).encode()


def _refused(refused: SlackError, status: int, headers: dict[str, str]) -> Reply:
    details = dict(refused.details)
    if "retry_after" in details:
        headers = {**headers, "Retry-After": str(details.pop("retry_after"))}
    body = _json({"ok": False, "error": refused.error, **details})
    return Reply(body, status, headers=headers)
