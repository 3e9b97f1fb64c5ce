"""A local OpenRouter: the management API over real HTTP on 127.0.0.1.

It follows the documentation and its limits, and can simulate failures. It is read-only: a write is
refused, and recorded like every request.
"""

from __future__ import annotations

import json
import math
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import perf_counter
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from bot.demo.openrouter import directory, guardrails, models
from bot.demo.openrouter.directory import ApiError
from bot.demo.openrouter.faults import Answer, Fault, Kind, Plan, error_body, reset, spoilt
from bot.demo.openrouter.organization import Organization
from bot.demo.openrouter.usage_cube import Dialect, run
from bot.demo.openrouter.usage_query import MAX_LIMIT, QueryError, meta, parse

BASE = "/api/v1"
MANAGEMENT_KEY = "sk-or-v1-" + "d3" * 32
INFERENCE_KEY = "sk-or-v1-" + "1f" * 32
MINUTE = timedelta(minutes=1)
READ_ONLY = "Only management keys can perform this operation"
QUERY = "/analytics/query"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as received; `path` excludes the base, and `body` is parsed if it is JSON."""

    method: str
    path: str
    arguments: Mapping[str, str]
    body: Any


def utc_now() -> datetime:
    """The system clock, in UTC."""
    return datetime.now(UTC)


class LocalOpenRouter:
    """OpenRouter's management API for one organization, from `start()` until `stop()`.

    Can be set at any time: `requests_per_minute` (None: no limit), `retry_after` (how a 429 says
    when), `timeout_over` (408 for longer ranges), `row_limit` (truncate earlier), `refused_metrics`
    (400 for queries with any of them), `mangle` (change or, with None, drop each row), `warnings`
    and `cached_at` of every answer, and `dialect`.
    """

    def __init__(
        self,
        organization: Organization,
        *,
        key: str = MANAGEMENT_KEY,
        inference_key: str = INFERENCE_KEY,
        clock: Callable[[], datetime] = utc_now,
        port: int = 0,
    ) -> None:
        self.organization, self.key, self.inference_key = organization, key, inference_key
        self.clock = clock
        self.requests: list[Request] = []
        self.requests_per_minute: int | None = 64
        self.retry_after: Literal["seconds", "date"] | None = "seconds"
        self.timeout_over: timedelta | None = None
        self.row_limit = MAX_LIMIT
        self.refused_metrics: set[str] = set()
        self.mangle: Callable[[Row], Row | None] | None = None
        self.warnings: list[str] = []
        self.cached_at: datetime | None = None
        self.dialect = Dialect()
        self.stopping = threading.Event()
        self._plans: list[Plan] = []
        self._recent: deque[datetime] = deque()
        self._lock = threading.Lock()
        self._port = port
        self._server: _Server | None = None

    @property
    def base_url(self) -> str:
        """The URL of the API, to be used as OPENROUTER_BASE_URL; known once started."""
        return f"http://127.0.0.1:{self._port}{BASE}"

    @property
    def writes(self) -> list[Request]:
        """Requests that would have changed something; a read-only client makes none."""
        return [one for one in self.requests if one.method != "GET" and one.path != QUERY]

    def start(self) -> Self:
        """Listen; after a `stop()`, at the same address as before."""
        self.stopping.clear()
        self._server = _Server(("127.0.0.1", self._port), self)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening and close every connection."""
        if self._server is not None:
            self.stopping.set()
            self._server.shutdown()
            self._server.server_close()
            self._server.hang_up()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def fail(self, path_prefix: str, *faults: Fault | Kind | int, times: int | None = 1) -> None:
        """Make the next requests to paths with this prefix fail, one fault each, `times` times.

        A number is a status; with None for `times`, they never end. Plans are used in order.
        """
        with self._lock:
            self._plans.append(Plan(path_prefix, faults, times))

    def heal(self) -> None:
        """Drop all faults that are still to come."""
        with self._lock:
            self._plans.clear()

    def receive(self, request: Request, token: str | None) -> tuple[Answer, Fault | None]:
        """The correct response to a request, and the fault to apply to it (None if there is
        none)."""
        with self._lock:
            self.requests.append(request)
            fault = next(filter(None, (plan.next(request.path) for plan in self._plans)), None)
            wait = self._must_wait()
        if wait is not None:
            return self._slow_down(wait), fault
        try:
            return _json(200, self._answer(request, token)), fault
        except QueryError as error:
            return _json(400, error_body(400, str(error))), fault
        except ApiError as error:
            return _json(error.status, error_body(error.status, error.message)), fault

    def _must_wait(self) -> timedelta | None:
        now = self.clock()
        while self._recent and now - self._recent[0] >= MINUTE:
            self._recent.popleft()
        if self.requests_per_minute is not None and len(self._recent) >= self.requests_per_minute:
            return self._recent[0] + MINUTE - now
        self._recent.append(now)
        return None

    def _slow_down(self, wait: timedelta) -> Answer:
        limited = _json(429, error_body(429, "Rate limit exceeded"))
        if self.retry_after is None:
            return limited
        seconds = math.ceil(wait.total_seconds())
        when = self.clock() + timedelta(seconds=seconds)
        value = (
            str(seconds) if self.retry_after == "seconds" else format_datetime(when, usegmt=True)
        )
        return replace(limited, headers={**limited.headers, "Retry-After": value})

    def _answer(self, request: Request, token: str | None) -> object:
        path, known = request.path, self._routes(request)
        if path not in known and not _budgets_of(path):
            raise ApiError(404, "Resource not found")
        if request.method != ("POST" if path == QUERY else "GET"):
            raise ApiError(405, "Method not allowed")
        self._authorise(path, token)
        if path == "/key":
            management = token == self.key
            return directory.own_key(
                f"{str(token)[:12]}...{str(token)[-3:]}", management=management
            )
        workspace = _budgets_of(path)
        return directory.budgets(self.organization, workspace) if workspace else known[path]()

    def _routes(self, request: Request) -> dict[str, Callable[[], object]]:
        organization, arguments = self.organization, request.arguments
        return {
            QUERY: lambda: self._query(request.body),
            "/analytics/meta": lambda: {"data": meta()},
            "/keys": lambda: directory.keys(organization, arguments, self.clock()),
            "/key": dict,
            "/organization/members": lambda: directory.members(organization, arguments),
            "/credits": lambda: directory.credit(organization, self.clock()),
            "/workspaces": lambda: directory.workspaces(organization, arguments),
            "/guardrails": lambda: directory.page(
                guardrails.listed(organization.guardrails), arguments
            ),
            "/guardrails/assignments/members": lambda: directory.page(
                guardrails.member_assignments(organization.guardrails), arguments
            ),
            "/guardrails/assignments/keys": lambda: directory.page(
                guardrails.key_assignments(organization.guardrails), arguments
            ),
            "/models": lambda: models.listed(organization.models),
            "/activity": lambda: directory.activity(organization, arguments, self.clock()),
        }

    def _authorise(self, path: str, token: str | None) -> None:
        if token is None:
            raise ApiError(401, "Missing Authentication header")
        if token not in {self.key, self.inference_key}:
            raise ApiError(401, "User not found.")
        if token != self.key and path != "/key":
            raise ApiError(403, READ_ONLY)

    def _query(self, body: object) -> object:
        started, now = perf_counter(), self.clock()
        query = parse(body, now)
        for name in query.metrics:
            if name in self.refused_metrics:
                raise QueryError(f"metrics: unknown name {name!r}")
        if self.timeout_over is not None and query.end - query.start > self.timeout_over:
            raise ApiError(408, "Operation timed out. Please try again later.")
        result = run(query, self.organization, now, self.dialect, self.row_limit)
        rows: list[Row | None] = list(result.rows)
        if self.mangle is not None:
            rows = [row for row in map(self.mangle, result.rows) if row is not None]
        data: Row = {
            "data": rows,
            "metadata": {
                "query_time_ms": round((perf_counter() - started) * 1000, 1),
                "row_count": len(rows),
                "truncated": result.truncated,
            },
        }
        if self.cached_at is not None:
            data["cachedAt"] = self.cached_at.timestamp() * 1000
        if warnings := [*result.warnings, *self.warnings]:
            data["warnings"] = warnings
        return {"data": data}


def _budgets_of(path: str) -> str:
    parts = path.split("/")
    matches = len(parts) == 4 and (parts[1], parts[3]) == ("workspaces", "budgets")
    return parts[2] if matches else ""


def _json(status: int, body: object) -> Answer:
    return Answer(status, json.dumps(body).encode())


class _Server(ThreadingHTTPServer):
    """A server that also closes its idle connections when it stops."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], local: LocalOpenRouter) -> None:
        self.local = local
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: object) -> None:  # noqa: ANN401
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore errors: tests include clients that disconnect."""

    def hang_up(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def serve(self) -> None:
        """Answer one request, correctly or with a fault."""
        local = self.server.local
        right, fault = local.receive(self._request(), self._token())
        if fault is None:
            self._send(right)
        elif fault.kind == "drop":
            self.close_connection = True
        elif fault.kind == "reset":
            self.close_connection = True
            reset(self.connection)
        elif fault.kind == "cut":
            self.close_connection = True
            self._send(right, len(right.body) // 2)
        elif fault.kind == "hang" and local.stopping.wait(fault.seconds):
            self.close_connection = True
        else:
            self._send(spoilt(fault, right))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815

    def _request(self) -> Request:
        url = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        inside = url.path.startswith(f"{BASE}/")
        path = url.path.removeprefix(BASE) if inside else f"(outside) {url.path}"
        arguments = dict(parse_qsl(url.query, keep_blank_values=True))
        return Request(self.command, path, arguments, _parsed(raw))

    def _token(self) -> str | None:
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None

    def _send(self, answer: Answer, upto: int | None = None) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[:upto])
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: requests are recorded in `requests`."""


def _parsed(raw: bytes) -> object:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")
