"""The HTTP door: Slack's signed requests, and whether the process is well."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk.signature import Clock, SignatureVerifier

from bot import courtesy

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

EVENTS = "/slack/events"
LARGEST_BODY = 2**20
REMEMBERED = 600.0
"""Seconds for which a signature is remembered: Slack's own window is 300 s either way."""

Health = Callable[[], str | None]
"""Says what is wrong with the process, or None."""
Reply = tuple[str, str, bytes]
"""Status, content type, body."""


class Signatures:
    """Takes each signed request once; a forged, stale or repeated one is refused."""

    def __init__(self, signing_secret: str, now: Callable[[], float]) -> None:
        clock = Clock()
        clock.now = now  # type: ignore[method-assign] # the clock is read in one place
        self._verifier = SignatureVerifier(signing_secret, clock)
        self._now = now
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._order: deque[tuple[float, str]] = deque()

    def refusal(self, body: bytes, timestamp: str, signature: str) -> str | None:
        """Why a request is not taken, or None. It is remembered if it is."""
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            return "The request carries no timestamp of Slack's."
        if not signature.isascii():
            return "The signature is wrong."
        try:
            valid = self._verifier.is_valid(body, timestamp, signature)
        except (ValueError, UnicodeDecodeError):
            valid = False
        if not valid:
            return "The signature is wrong, or the request is more than five minutes old."
        return None if self._is_new(signature) else "This request was taken before."

    def _is_new(self, signature: str) -> bool:
        now = self._now()
        with self._lock:
            while self._order and now - self._order[0][0] > REMEMBERED:
                self._seen.discard(self._order.popleft()[1])
            if signature in self._seen:
                return False
            self._seen.add(signature)
            self._order.append((now, signature))
            return True


def at_once(path: str, body: bytes) -> bool:
    """Whether a request is answered without any waiting, by the beginning of its body.

    Commands and events are acknowledged before anything else is done. What is sent off in a modal
    may be waited for, and how the process is may be asked of the database.
    """
    return path == EVENTS and not body.startswith(b"payload=")


class Door:
    """A WSGI application. Without `slack` (in Socket Mode) it only tells how the process is."""

    def __init__(
        self,
        slack: tuple[App, Signatures] | None,
        healthy: Health,
        ready: Health,
        metrics: Callable[[], bytes],
    ) -> None:
        self._slack = slack and (SlackRequestHandler(slack[0], EVENTS), slack[1])
        self._pages: dict[str, Callable[[], Reply]] = {
            "/healthz": lambda: _health(healthy()),
            "/readyz": lambda: _health(ready()),
            "/metrics": lambda: ("200 OK", "text/plain; version=0.0.4", metrics()),
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path, method = environ.get("PATH_INFO", ""), environ.get("REQUEST_METHOD", "")
        if path == EVENTS and self._slack:
            if method != "POST":
                return _say(start_response, _plain("405 Method Not Allowed", "Slack posts here."))
            return self._events(environ, start_response, *self._slack)
        page = self._pages.get(path)
        if page is None:
            return _say(start_response, _plain("404 Not Found", "There is nothing here."))
        if method not in {"GET", "HEAD"}:
            return _say(start_response, _plain("405 Method Not Allowed", "This is only read."))
        return _say(start_response, page())

    def _events(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        handler: SlackRequestHandler,
        signatures: Signatures,
    ) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()) or int(length) > LARGEST_BODY:
            return _say(start_response, _plain("413 Content Too Large", "That is too long."))
        body = environ["wsgi.input"].read(int(length))
        timestamp = environ.get("HTTP_X_SLACK_REQUEST_TIMESTAMP", "")
        refused = signatures.refusal(body, timestamp, environ.get("HTTP_X_SLACK_SIGNATURE", ""))
        if refused:
            log.warning("A request was refused: %s", refused)
            return _say(start_response, _plain("401 Unauthorized", refused))
        environ["wsgi.input"] = io.BytesIO(body)
        try:
            with courtesy.first():
                return handler(environ, start_response)
        except Exception as error:  # Bolt reads bodies as if they were always what Slack sends
            log.warning("A signed request could not be read: %s", type(error).__name__)
            log.debug("It was Bolt that failed", exc_info=True)
            return _say(start_response, _plain("400 Bad Request", "The body makes no sense."))


def _health(wrong: str | None) -> Reply:
    status = "503 Service Unavailable" if wrong else "200 OK"
    said = {"ok": False, "reason": wrong} if wrong else {"ok": True}
    return status, "application/json", json.dumps(said).encode()


def _plain(status: str, words: str) -> Reply:
    return status, "text/plain; charset=utf-8", words.encode()


def _say(start_response: StartResponse, reply: Reply) -> Iterable[bytes]:
    status, kind, body = reply
    headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]
