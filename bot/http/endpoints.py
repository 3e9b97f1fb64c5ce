"""The HTTP endpoints: Slack's signed requests, health, readiness and metrics."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler

from bot.runtime import priority

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

EVENTS = "/slack/events"
HEALTH = "/healthz"
LARGEST_BODY = 2**20
"""Bytes. Slack's requests are smaller: the largest carry one message or modal."""
UNREADABLE = "The body is not a Slack request."
TOLERANCE_SECONDS = 300
"""Seconds by which a request's timestamp may be off, as Slack recommends."""
REMEMBERED_SECONDS = 600.0
"""Seconds for which a signature is remembered: its timestamp may be 300 s ahead and is accepted
until 300 s after, so a repeated request is refused for as long as its timestamp is valid."""

Health = Callable[[], str | None]
"""A problem of the process, or None. Must return immediately even if the database is locked."""
Reply = tuple[str, str, bytes]
"""Status, content type, body."""


class Signatures:
    """Verifies request signatures; rejects forged, old and repeated requests."""

    def __init__(self, signing_secret: str, now: Callable[[], float]) -> None:
        self._secret = signing_secret.encode()
        self._now = now
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._order: deque[tuple[float, str]] = deque()

    def refusal(self, body: bytes, timestamp: str, signature: str) -> str | None:
        """Why a request is rejected, as a sentence, or None. Accepted signatures are remembered.

        The signature covers the bytes of the body, whether or not they are UTF-8.
        """
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            return "The X-Slack-Request-Timestamp header is missing or malformed."
        if not signature.isascii():
            return "The signature is wrong."
        signed = b"v0:" + timestamp.encode() + b":" + body
        right = "v0=" + hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
        on_time = abs(self._now() - int(timestamp)) <= TOLERANCE_SECONDS
        if not (hmac.compare_digest(right, signature) and on_time):
            return "The signature is wrong, or the request is more than five minutes old."
        return None if self._is_new(signature) else "This request was already processed."

    def _is_new(self, signature: str) -> bool:
        now = self._now()
        with self._lock:
            while self._order and now - self._order[0][0] > REMEMBERED_SECONDS:
                self._seen.discard(self._order.popleft()[1])
            if signature in self._seen:
                return False
            self._seen.add(signature)
            self._order.append((now, signature))
            return True


def is_immediate(path: str, body: bytes) -> bool:
    """Whether a request is answered without waiting, judging by the beginning of its body.

    Commands and events are acknowledged before any work, and health only reads flags. Modal
    submissions may wait for a result, readiness and metrics for the database.
    """
    return path == HEALTH or (path == EVENTS and not body.startswith(b"payload="))


class HttpEndpoints:
    """A WSGI application. Without `slack` (in Socket Mode) it serves only health and metrics."""

    def __init__(
        self,
        slack: tuple[App, Signatures] | None,
        healthy: Health,
        ready: Health,
        metrics: Callable[[], bytes | None],
    ) -> None:
        self._slack = slack and (SlackRequestHandler(slack[0], EVENTS), slack[1])
        self._pages: dict[str, Callable[[], Reply]] = {
            HEALTH: lambda: _health(healthy()),
            "/readyz": lambda: _health(ready()),
            "/metrics": lambda: _metrics(metrics()),
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request."""
        path, method = environ.get("PATH_INFO", ""), environ.get("REQUEST_METHOD", "")
        if path == EVENTS and self._slack:
            if method != "POST":
                return _respond(
                    start_response, _plain("405 Method Not Allowed", "Only POST is allowed here.")
                )
            return self._events(environ, start_response, *self._slack)
        page = self._pages.get(path)
        if page is None:
            return _respond(start_response, _plain("404 Not Found", "Not found."))
        if method not in {"GET", "HEAD"}:
            return _respond(
                start_response, _plain("405 Method Not Allowed", "Only GET is allowed here.")
            )
        return _respond(start_response, page())

    def _events(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        handler: SlackRequestHandler,
        signatures: Signatures,
    ) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()) or int(length) > LARGEST_BODY:
            return _respond(
                start_response, _plain("413 Content Too Large", "The body is too long.")
            )
        body = environ["wsgi.input"].read(int(length))
        timestamp = environ.get("HTTP_X_SLACK_REQUEST_TIMESTAMP", "")
        refused = signatures.refusal(body, timestamp, environ.get("HTTP_X_SLACK_SIGNATURE", ""))
        if refused:
            log.warning("Refused a request to %s: %s", EVENTS, refused)
            return _respond(start_response, _plain("401 Unauthorized", refused))
        if not _is_utf8(body):
            return _respond(
                start_response, _plain("400 Bad Request", "The body is not UTF-8 text.")
            )
        environ["wsgi.input"] = io.BytesIO(body)
        try:
            with priority.handling_request():
                return handler(environ, start_response)
        except Exception as error:  # Bolt assumes that bodies are always as Slack sends them
            log.warning("Could not parse a signed request: %s", type(error).__name__)
            log.debug("Bolt raised this", exc_info=True)
            return _respond(start_response, _plain("400 Bad Request", UNREADABLE))


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _health(problem: str | None) -> Reply:
    status = "503 Service Unavailable" if problem else "200 OK"
    content = {"ok": False, "reason": problem} if problem else {"ok": True}
    return status, "application/json", json.dumps(content).encode()


def _metrics(text: bytes | None) -> Reply:
    if text is None:
        return _plain("503 Service Unavailable", "The database did not answer.")
    return "200 OK", "text/plain; version=0.0.4", text


def _plain(status: str, words: str) -> Reply:
    return status, "text/plain; charset=utf-8", words.encode()


def _respond(start_response: StartResponse, reply: Reply) -> Iterable[bytes]:
    status, kind, body = reply
    headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]
