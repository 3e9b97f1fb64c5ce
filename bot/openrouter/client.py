"""The OpenRouter client: sends requests within the rate limit and retries transient errors.

The management key could create and delete keys, so only the few read-only requests that the bot
needs are allowed; any other request is blocked before it is sent.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import zlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from math import isfinite
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import quote
from urllib.request import getproxies, proxy_bypass

import httpx

from bot import __version__
from bot.openrouter import wire
from bot.openrouter.deadline import Deadline, DeadlineTransport
from bot.openrouter.guardrails import (
    Guardrail,
    GuardrailAssignment,
    read_guardrails,
    read_key_assignments,
    read_member_assignments,
)
from bot.openrouter.models import ListedModel, read_models
from bot.openrouter.rate_limiter import RateLimiter
from reports.time.time_range import Granularity

T = TypeVar("T")

log = logging.getLogger(__name__)

REQUESTS_A_MINUTE = 60  # four below OpenRouter's limit, for other users of the key
TRIES = 5  # with exponential delays, within CALL_SECONDS
_NO_CONNECTION = "no connection"
_TOO_SLOW = "the response took too long"
LONGEST_WAIT = 60.0
"""The longest delay between tries, in seconds; for longer ones the caller has to retry."""
LONGEST_RETRY_AFTER = 3600.0
"""The longest `Retry-After` that is obeyed, in seconds, in case the header is wrong."""
ANSWER_SECONDS = 35.0
"""The time for one complete response, so that a call has time for a second try."""
CALL_SECONDS = 70.0
"""The time for a call with all its tries, so that failures are recorded within 90 s."""
EXTRA_TRIES = 3  # for data that usage does not depend on
EXTRA_SECONDS = 15.0
"""The time for a response about names and limits, which usage must not wait for long."""
REFUSED_SECONDS = 3600.0
"""How long rejected metrics are left out: a fix is noticed within the hour, and retrying costs one
query in several hundred."""
MAX_RESPONSE_BYTES = 32 * 2**20  # in bytes; far more than a response of 10,000 rows
PAGE = 100  # entries per page: OpenRouter's maximum
MOST_PAGES = 1000  # a limit in case pages never end

_READS = {"/activity", "/analytics/meta", "/keys", "/key", "/organization/members",
          "/credits", "/workspaces", "/guardrails", "/guardrails/assignments/members",
          "/guardrails/assignments/keys", "/models"}  # fmt: skip
_QUERY = "/analytics/query"
_TIMEOUT = httpx.Timeout(ANSWER_SECONDS, connect=10.0)


class OpenRouterError(Exception):
    """A call failed. `permanent`: retrying doesn't help.

    `wait` is the delay that OpenRouter requested, in seconds, at most an hour; 0 for none.
    """

    permanent = False

    def __init__(self, words: str, wait: float = 0.0) -> None:
        super().__init__(words)
        self.wait = wait


class KeyRefusedError(OpenRouterError):
    """The key is unknown or not a management key; the text says which key is required."""

    permanent = True


class TimedOutError(OpenRouterError):
    """OpenRouter timed out on the query: query a shorter window."""


class RefusedError(OpenRouterError):
    """OpenRouter rejected the request, or the key isn't allowed to make it."""

    permanent = True


class BadQueryError(RefusedError):
    """OpenRouter considers the request itself invalid."""


class NotFoundError(RefusedError):
    """OpenRouter has no such resource."""


class NotAllowedError(RuntimeError):
    """A request that isn't allowed, and wasn't sent."""


class OpenRouter:
    """Reads usage and the directory of one organization. Every call may raise OpenRouterError.

    The constructor raises KeyRefusedError for a key that cannot be sent in a header. A whole
    response may take `answer_seconds`, a call with its retries `call_seconds`.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        wait: Callable[[float], object] | None = None,
        requests_a_minute: int = REQUESTS_A_MINUTE,
        tries: int = TRIES,
        answer_seconds: float = ANSWER_SECONDS,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise KeyRefusedError(
                "OPENROUTER_MANAGEMENT_KEY contains characters that can't be in a key; copy it "
                "again."
            )
        self._tries = tries
        self._answer_seconds, self._call_seconds = answer_seconds, call_seconds
        self._deadline = Deadline()
        self._base = httpx.URL(base_url.rstrip("/"))
        self._key = key.encode()
        self._wait = threading.Event().wait if wait is None else wait
        self._rate_limiter = RateLimiter(requests_a_minute, self._wait)
        self._refused: frozenset[str] = frozenset()
        self._refused_at = 0.0
        self._http = httpx.Client(
            headers={
                "Authorization": f"Bearer {key}",
                "User-Agent": f"activity/{__version__}",
                "Accept-Encoding": "gzip",
            },
            timeout=_TIMEOUT,
            transport=None if _proxied(self._base) else DeadlineTransport(self._deadline),
            event_hooks={"request": [self._block_writes]},
        )

    def __repr__(self) -> str:
        return f"OpenRouter({str(self._base)!r})"

    @property
    def requests(self) -> int:
        """The number of requests made so far, including retries."""
        return self._rate_limiter.started

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def usage(
        self,
        view: wire.QueryGrouping,
        granularity: Granularity,
        start: datetime,
        end: datetime,
        only: wire.IdFilter | None = None,
    ) -> wire.UsageAnswer:
        """Usage of a window (UTC, end exclusive).

        If OpenRouter rejects optional metrics, the query is repeated without them. Raises
        TimedOutError if the window is too large, KeyRefusedError for a key without access.
        """

        def ask(without: frozenset[str]) -> wire.UsageAnswer:
            body = wire.usage_query(view, granularity, start, end, only, without)
            read = partial(wire.read_usage, view=view, granularity=granularity, without=without)
            return self._call("POST", _QUERY, read, body=body)

        without = initially_without = self.refused_metrics()
        while True:
            try:
                answer = ask(without)
            except BadQueryError as error:
                rejected = wire.possibly_rejected(str(error), without)
                if not rejected:
                    raise
                without |= rejected
            else:
                break
        if without != initially_without:
            refused = ", ".join(sorted(without))
            log.warning("OpenRouter rejected the metrics %s; fetching usage without them", refused)
            self._refused, self._refused_at = without, monotonic()
        return answer

    def refused_metrics(self) -> frozenset[str]:
        """The optional metrics that OpenRouter rejected recently, which are left out for now."""
        if self._refused and monotonic() - self._refused_at >= REFUSED_SECONDS:
            self._refused = frozenset()
        return self._refused

    def probe(self, now: datetime) -> None:
        """Fetch the usage of the last hour, to check that the key has access.

        Raises OpenRouterError, also for a response that a sync would not store.
        """
        answer = self.usage(
            wire.QueryGrouping.TOTAL, Granularity.HOUR, now - timedelta(hours=1), now
        )
        if problems := _problems(answer):
            raise OpenRouterError(
                f"OpenRouter's response has {problems}, so such usage is not stored; earlier"
                " figures are kept. Report it to OpenRouter if it stays."
            )

    def workspaces(self) -> list[wire.Workspace]:
        """All workspaces."""
        return list(self._pages("/workspaces", wire.read_workspaces, {"limit": str(PAGE)}))

    def keys(self, workspace: wire.Workspace | None = None) -> list[wire.KeyInfo]:
        """The keys of a workspace (None: the default one), including disabled ones."""
        place = {"workspace_id": workspace.id} if workspace else {}
        return list(self._pages("/keys", wire.read_keys, {"include_disabled": "true"} | place))

    def people(self) -> list[wire.OrganizationMember]:
        """The organization's members; none for a personal account."""
        try:
            return list(
                self._pages("/organization/members", wire.read_people, {"limit": str(PAGE)})
            )
        except NotFoundError:
            return []

    def budgets(self, workspace: wire.Workspace) -> wire.Budgets:
        """The budgets of a workspace."""
        path = f"/workspaces/{quote(workspace.id, safe='')}/budgets"
        return self._call("GET", path, wire.read_budgets)

    def guardrails(self) -> list[Guardrail]:
        """All guardrails, including those without a budget."""
        return list(self._pages("/guardrails", read_guardrails, {"limit": str(PAGE)}))

    def member_guardrails(self) -> list[GuardrailAssignment]:
        """All assignments of guardrails to members."""
        path, read = "/guardrails/assignments/members", read_member_assignments
        return list(self._pages(path, read, {"limit": str(PAGE)}))

    def key_guardrails(self) -> list[GuardrailAssignment]:
        """All assignments of guardrails to keys."""
        path, read = "/guardrails/assignments/keys", read_key_assignments
        return list(self._pages(path, read, {"limit": str(PAGE)}))

    def models(self) -> tuple[ListedModel, ...]:
        """All models that are offered, with their list prices."""
        return self._call("GET", "/models", read_models)

    def credits(self) -> wire.CreditTotals:
        """Credits bought and used."""
        return self._call("GET", "/credits", wire.read_credits)

    def is_management(self) -> bool:
        """Whether the key is a management key."""
        return self._call("GET", "/key", wire.read_is_management)

    def _pages(
        self, path: str, read: Callable[[bytes], Sequence[T]], params: dict[str, str]
    ) -> Iterable[T]:
        """All entries of a paginated list, without duplicates.

        The list may grow meanwhile, and pages lack invalid entries, so it ends with an empty or
        repeated page and not with a short one.
        """
        found: dict[T, None] = {}
        offset = 0
        previous_page: Sequence[T] = ()
        for _ in range(MOST_PAGES):
            page = self._call("GET", path, read, params=params | {"offset": str(offset)})
            if not page or page == previous_page:
                break
            found |= dict.fromkeys(page)
            offset += len(page)
            previous_page = page
        return found

    def _call(
        self,
        method: str,
        path: str,
        read: Callable[[bytes], T],
        *,
        params: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
    ) -> T:
        problem, requested_delay = "", None
        essential = path == _QUERY
        tries = self._tries if essential else min(self._tries, EXTRA_TRIES)
        seconds_left = self._call_seconds
        for attempt in range(tries):
            self._rate_limiter.take()
            begun = monotonic()
            try:
                self._deadline.start(min(seconds_left, self._seconds(path)))
                status, headers, raw = self._send(method, path, params, body)
                if status == 200:
                    return read(raw)
            except (httpx.TransportError, wire.BadAnswerError, zlib.error) as error:
                problem, status, requested_delay = _problem_words(error), 0, None
            else:
                # an error may contain the key, and its text is shown and stored
                raw = raw.replace(self._key, b"***")
                _raise_final(status, raw, path)
                problem = wire.read_error(raw) or f"HTTP {status}"
                requested_delay = _requested_delay(headers)
            delay = _retry_delay(attempt) if requested_delay is None else requested_delay
            seconds_left -= monotonic() - begun + delay
            if (
                delay > LONGEST_WAIT
                or seconds_left <= 0
                or (problem == _TOO_SLOW and not essential)
            ):
                break
            if attempt + 1 < tries:
                log.info("OpenRouter: %s (%s); retrying in %.1f s", problem, path, delay)
                self._wait(delay)
        raise OpenRouterError(
            _failure_text(path, attempt + 1, problem, requested_delay),
            min(requested_delay or 0.0, LONGEST_RETRY_AFTER),
        )

    def _seconds(self, path: str) -> float:
        """The time limit for a complete response, in seconds."""
        most = EXTRA_SECONDS if path != _QUERY else ANSWER_SECONDS
        return min(most, self._answer_seconds)

    def _send(
        self, method: str, path: str, params: dict[str, str] | None, body: dict[str, Any] | None
    ) -> tuple[int, httpx.Headers, bytes]:
        content = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"} if content else None
        url = f"{self._base}{path}"
        with self._http.stream(
            method, url, params=params, content=content, headers=headers
        ) as response:
            return response.status_code, response.headers, _body(response, self._deadline)

    def _block_writes(self, request: httpx.Request) -> None:
        """Block any request that isn't an allowed read, or goes to another host.

        Raises NotAllowedError.
        """
        origin = (request.url.scheme, request.url.host, request.url.port)
        full_path, base = _path(request.url), _path(self._base).rstrip("/")
        path = full_path.removeprefix(base)
        budgets = path.startswith("/workspaces/") and path.endswith("/budgets")
        allowed = request.method == "GET" and (path in _READS or (budgets and path.count("/") == 3))
        allowed = allowed or (request.method == "POST" and path == _QUERY)
        same_origin = origin == (self._base.scheme, self._base.host, self._base.port)
        if not (allowed and same_origin and full_path.startswith(f"{base}/")):
            raise NotAllowedError(f"{request.method} {path} isn't an allowed request")


def _problems(answer: wire.UsageAnswer) -> str:
    """What is wrong with a response to a query for totals, in words; "" if nothing is."""
    repeated = wire.repeated(answer.rows, wire.QueryGrouping.TOTAL)
    found = [f"no {', '.join(answer.missing)}"] if answer.missing else []
    for count, words in ((answer.bad, "unreadable"), (repeated, "twice")):
        if count:
            found.append(f"{count:,} {'row' if count == 1 else 'rows'} {words}")
    return " and ".join(found)


def _problem_words(error: Exception) -> str:
    """The problem with a response, in words."""
    if isinstance(error, wire.BadAnswerError):
        return str(error)
    timed_out = isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout)
    return _TOO_SLOW if timed_out else _NO_CONNECTION


def _failure_text(path: str, tries: int, problem: str, wait: float | None) -> str:
    """The error text of a call that failed for good; `wait` is OpenRouter's requested delay."""
    tries_text = f"{tries} {'try' if tries == 1 else 'tries'}"
    if wait and wait > LONGEST_RETRY_AFTER:
        next_step = f"OpenRouter asks to wait {_duration_words(wait)}; the next try is in an hour"
    elif wait and wait > LONGEST_WAIT:
        next_step = f"OpenRouter asks to wait {_duration_words(wait)}; the next try is after that"
    else:
        next_step = "the next sync tries again"
    advice = " Check the network and OPENROUTER_BASE_URL." if problem == _NO_CONNECTION else ""
    return f"The request to {path} failed after {tries_text} ({problem}); {next_step}.{advice}"


def _duration_words(seconds: float) -> str:
    """A wait in words, in the largest unit that fits: `20 minutes`, `more than a year`."""
    for size, unit in ((365 * 86_400, "year"), (86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            if unit == "year":
                return "more than a year"
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{int(seconds)} seconds"


def _raise_final(status: int, raw: bytes, path: str) -> None:
    """Raise an error for a status that a retry wouldn't change.

    Only a rejected usage query says that the key is wrong: other endpoints may be unavailable to an
    account that can read its usage. Raises KeyRefusedError, TimedOutError or RefusedError.
    """
    message = wire.read_error(raw)
    if status == 401:
        raise KeyRefusedError(
            "OpenRouter does not know the key in OPENROUTER_MANAGEMENT_KEY (401). Create a"
            " management key at openrouter.ai/settings/management-keys and set it there."
        )
    if status == 403 and path == _QUERY:
        raise KeyRefusedError(
            "OpenRouter refuses the key in OPENROUTER_MANAGEMENT_KEY (403): a management key is"
            " required, not a regular API key. Create one at"
            " openrouter.ai/settings/management-keys."
        )
    if status == 408 and path == _QUERY:
        raise TimedOutError("The query took OpenRouter too long; it is split into smaller ones.")
    if 300 <= status < 500 and status not in {408, 429}:
        kinds = {400: BadQueryError, 404: NotFoundError, 422: BadQueryError}
        kind = kinds.get(status, RefusedError)
        raise kind(f"OpenRouter refused {path}: HTTP {status}{message and f', {message}'}")


def _path(url: httpx.URL) -> str:
    """The path of a URL as it is sent, still percent-encoded."""
    return url.raw_path.partition(b"?")[0].decode("ascii")


def _retry_delay(attempt: int) -> float:
    """The delay before a retry, in seconds: exponential with jitter."""
    return random.uniform(0.25, 1.0) * min(0.5 * 2.0 ** (2 * attempt), LONGEST_WAIT)


def _requested_delay(headers: httpx.Headers) -> float | None:
    """The delay that OpenRouter requested, in seconds, from a number or a date.

    None without such a header, or if it isn't in the future.
    """
    retry_after = headers.get("retry-after", "")
    try:
        seconds: float | None = float(retry_after)
    except ValueError:
        seconds = _seconds_between(headers.get("date", ""), retry_after)
    if seconds is None or not isfinite(seconds) or seconds <= 0:
        return None
    return seconds


def _seconds_between(now: str, then: str) -> float | None:
    """Seconds between two HTTP dates of the server, so that the local clock doesn't matter."""
    try:
        span = parsedate_to_datetime(then) - parsedate_to_datetime(now)
    except (ValueError, TypeError, OverflowError):
        return None
    return span.total_seconds()


def _proxied(url: httpx.URL) -> bool:
    """Whether the environment configures a proxy for a URL, which needs httpx's own transport.

    Then the deadline is only checked between chunks of a response.
    """
    proxies = getproxies()
    named = url.scheme in proxies or "all" in proxies
    return named and not proxy_bypass(url.host)


def _body(response: httpx.Response, deadline: Deadline) -> bytes:
    """The body, decompressed with a size limit so that a small response can't fill the memory.

    Raises httpx.ReadTimeout after the deadline, BadAnswerError beyond MAX_RESPONSE_BYTES.
    """
    packed = response.headers.get("content-encoding", "").lower() == "gzip"
    unpack = zlib.decompressobj(47) if packed else None
    body = bytearray()
    for chunk in response.iter_raw():
        room = MAX_RESPONSE_BYTES + 1 - len(body)
        body += unpack.decompress(chunk, room) if unpack else chunk
        if deadline.passed:
            raise httpx.ReadTimeout("the response took too long")
        if len(body) > MAX_RESPONSE_BYTES:
            raise wire.BadAnswerError("the answer is larger than 32 MiB")
    return bytes(body)
