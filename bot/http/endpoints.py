"""The HTTP endpoints: Slack's signed requests, health, readiness and metrics."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler

from bot.http.slack_signatures import Signatures
from bot.runtime import current_request, priority

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

EVENTS = "/slack/events"
HEALTH = "/healthz"
LARGEST_BODY = 2**20
"""Bytes. Slack's requests are smaller: the largest carry one message or modal."""
UNREADABLE = "The body is not a Slack request."
Health = Callable[[], str | None]
"""Returns a problem of the process, or None; at once, even if the database is locked."""
Reply = tuple[str, str, bytes]
"""Status, content type, body."""


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
        signature = environ.get("HTTP_X_SLACK_SIGNATURE", "")
        refused = signatures.refusal(body, timestamp, signature)
        if refused:
            log.warning("Refused a request to %s: %s", EVENTS, refused)
            return _respond(start_response, _plain("401 Unauthorized", refused))
        if not _is_utf8(body):
            return _respond(
                start_response, _plain("400 Bad Request", "The body is not UTF-8 text.")
            )
        environ["wsgi.input"] = io.BytesIO(body)
        try:
            with priority.handling_request(), current_request.handling(signature):
                return handler(environ, start_response)
        except Exception as error:  # Bolt assumes that Slack's bodies are always well-formed
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
