"""The OpenRouter client: sends requests within the rate limit and retries what may succeed.

The management key could create and delete keys, so only the few read-only calls that this project
needs can leave the process; everything else is refused before it is sent.
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
from bot.openrouter.pace import RequestPacer
from reports.time.timerange import Granularity

T = TypeVar("T")

log = logging.getLogger(__name__)

REQUESTS_A_MINUTE = 60  # four fewer than OpenRouter allows, for whoever else uses the key
TRIES = 5
_NO_CONNECTION = "no connection"
_TOO_SLOW = "the response took too long"
LONGEST_WAIT = 60.0
"""Seconds to wait between two tries of one call; whoever called waits longer."""
LONGEST_REST = 3600.0
"""Seconds that a `Retry-After` can keep us from asking: a mistyped year must not cost a year."""
ANSWER_SECONDS = 35.0
"""For one whole response, so that a call has time for a second try."""
CALL_SECONDS = 70.0
"""For a call with all its retries, so that trouble is noted within 90 s, before the lease of 120 s
that the syncing process holds runs out."""
EXTRA_TRIES = 3
EXTRA_SECONDS = 15.0
"""For a whole response about names and limits, which usage does not wait for."""
REFUSED_SECONDS = 3600.0
"""How long metrics that OpenRouter refused are not asked for: a fix is noticed within the hour,
and a refusal costs one query in some hundreds."""
LARGEST_ANSWER = 32 * 2**20
PAGE = 100
MOST_PAGES = 1000

_READS = {"/activity", "/analytics/meta", "/keys", "/key", "/organization/members",
          "/credits", "/workspaces", "/guardrails", "/guardrails/assignments/members",
          "/guardrails/assignments/keys", "/models"}  # fmt: skip
_QUERY = "/analytics/query"
_TIMEOUT = httpx.Timeout(ANSWER_SECONDS, connect=10.0)


class OpenRouterError(Exception):
    """A call failed. `permanent`: another try would not change that.

    `wait` is how many seconds OpenRouter asks to wait, where it says so: an hour at most.
    """

    permanent = False

    def __init__(self, words: str, wait: float = 0.0) -> None:
        super().__init__(words)
        self.wait = wait


class KeyRefusedError(OpenRouterError):
    """The key is unknown or not a management key; the text says which key is required."""

    permanent = True


class TimedOutError(OpenRouterError):
    """The query took OpenRouter too long: query a shorter window."""


class RefusedError(OpenRouterError):
    """OpenRouter rejects the request, or the key may not make it."""

    permanent = True


class BadQueryError(RefusedError):
    """OpenRouter finds the request itself wrong."""


class NotThereError(RefusedError):
    """OpenRouter has no such thing."""


class NotAllowedError(RuntimeError):
    """A request that this project never makes; it was not sent."""


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
                "OPENROUTER_MANAGEMENT_KEY contains characters that no key has; copy it again."
            )
        self._tries = tries
        self._answer_seconds, self._call_seconds = answer_seconds, call_seconds
        self._deadline = Deadline()
        self._base = httpx.URL(base_url.rstrip("/"))
        self._key = key.encode()
        self._wait = threading.Event().wait if wait is None else wait
        self._pace = RequestPacer(requests_a_minute, self._wait)
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
            event_hooks={"request": [self._allow]},
        )

    def __repr__(self) -> str:
        return f"OpenRouter({str(self._base)!r})"

    @property
    def requests(self) -> int:
        """How many requests were made so far, retries included."""
        return self._pace.taken

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

        Raises TimedOutError if the window is too large, KeyRefusedError for a key without access.
        Where OpenRouter refuses the query only because of the optional metrics, it is made without
        them.
        """

        def ask(without: frozenset[str]) -> wire.UsageAnswer:
            body = wire.usage_query(view, granularity, start, end, only, without)
            read = partial(wire.read_usage, view=view, granularity=granularity, without=without)
            return self._call("POST", _QUERY, read, body=body)

        without = before = self.refused_metrics()
        while True:
            try:
                answer = ask(without)
            except BadQueryError as error:
                blamed = wire.blamed(str(error), without)
                if not blamed:
                    raise
                without |= blamed
            else:
                break
        if without != before:
            refused = ", ".join(sorted(without))
            log.warning("OpenRouter refuses the metrics %s; usage is read without them", refused)
            self._refused, self._refused_at = without, monotonic()
        return answer

    def refused_metrics(self) -> frozenset[str]:
        """The optional metrics that OpenRouter refused lately and that are not asked for now."""
        if self._refused and monotonic() - self._refused_at >= REFUSED_SECONDS:
            self._refused = frozenset()
        return self._refused

    def probe(self, now: datetime) -> None:
        """Read the usage of the last hour, to see whether that can be read at all."""
        self.usage(wire.QueryGrouping.TOTAL, Granularity.HOUR, now - timedelta(hours=1), now)

    def workspaces(self) -> list[wire.Workspace]:
        """All workspaces."""
        return list(self._pages("/workspaces", wire.read_workspaces, {"limit": str(PAGE)}))

    def keys(self, workspace: wire.Workspace | None = None) -> list[wire.KeyInfo]:
        """The keys of a workspace (None: the default one), disabled ones too."""
        place = {"workspace_id": workspace.id} if workspace else {}
        return list(self._pages("/keys", wire.read_keys, {"include_disabled": "true"} | place))

    def people(self) -> list[wire.OrganizationMember]:
        """The organization's members; none for a personal account."""
        try:
            return list(
                self._pages("/organization/members", wire.read_people, {"limit": str(PAGE)})
            )
        except NotThereError:
            return []

    def budgets(self, workspace: wire.Workspace) -> wire.Budgets:
        """The budgets of a workspace."""
        path = f"/workspaces/{quote(workspace.id, safe='')}/budgets"
        return self._call("GET", path, wire.read_budgets)

    def guardrails(self) -> list[Guardrail]:
        """All guardrails, those without a budget too."""
        return list(self._pages("/guardrails", read_guardrails, {"limit": str(PAGE)}))

    def member_guardrails(self) -> list[GuardrailAssignment]:
        """Which guardrails are assigned to which members."""
        path, read = "/guardrails/assignments/members", read_member_assignments
        return list(self._pages(path, read, {"limit": str(PAGE)}))

    def key_guardrails(self) -> list[GuardrailAssignment]:
        """Which guardrails are assigned to which keys."""
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
        """All entries of a list, each once.

        It may grow while it is read, and entries that make no sense are left out of a page, so it
        ends where a page is empty (or the same again).
        """
        found: dict[T, None] = {}
        offset = 0
        before: Sequence[T] = ()
        for _ in range(MOST_PAGES):
            page = self._call("GET", path, read, params=params | {"offset": str(offset)})
            if not page or page == before:
                break
            found |= dict.fromkeys(page)
            offset += len(page)
            before = page
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
        trouble, wait = "", None
        essential = path == _QUERY
        tries = self._tries if essential else min(self._tries, EXTRA_TRIES)
        left = self._call_seconds
        for attempt in range(tries):
            self._pace.take()
            begun = monotonic()
            try:
                self._deadline.start(min(left, self._seconds(path)))
                status, headers, raw = self._send(method, path, params, body)
                if status == 200:
                    return read(raw)
            except (httpx.TransportError, wire.BadAnswerError, zlib.error) as error:
                trouble, status, wait = _words(error), 0, None
            else:
                # an error may repeat the key, and its words are shown and stored
                raw = raw.replace(self._key, b"***")
                _raise_final(status, raw, path)
                trouble = wire.read_error(raw) or f"HTTP {status}"
                wait = _asked_for(headers)
            pause = _pause(attempt) if wait is None else wait
            left -= monotonic() - begun + pause
            if pause > LONGEST_WAIT or left <= 0 or (trouble == _TOO_SLOW and not essential):
                break
            if attempt + 1 < tries:
                log.info("OpenRouter: %s (%s); retrying in %.1f s", trouble, path, pause)
                self._wait(pause)
        raise OpenRouterError(
            _gave_up(path, attempt + 1, trouble, wait), min(wait or 0.0, LONGEST_REST)
        )

    def _seconds(self, path: str) -> float:
        """How long a whole response may take."""
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

    def _allow(self, request: httpx.Request) -> None:
        """Stop whatever is not one of the reading calls, or goes to another place."""
        here = (request.url.scheme, request.url.host, request.url.port)
        whole, base = _path(request.url), _path(self._base).rstrip("/")
        path = whole.removeprefix(base)
        budgets = path.startswith("/workspaces/") and path.endswith("/budgets")
        known = request.method == "GET" and (path in _READS or (budgets and path.count("/") == 3))
        known = known or (request.method == "POST" and path == _QUERY)
        home = here == (self._base.scheme, self._base.host, self._base.port)
        if not (known and home and whole.startswith(f"{base}/")):
            raise NotAllowedError(f"{request.method} {path} is not allowed to leave the process")


def _words(error: Exception) -> str:
    """What went wrong with a response, in words."""
    if isinstance(error, wire.BadAnswerError):
        return str(error)
    timed_out = isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout)
    return _TOO_SLOW if timed_out else _NO_CONNECTION


def _gave_up(path: str, tries: int, trouble: str, wait: float | None) -> str:
    """The sentence for a call that was given up; `wait` is what OpenRouter asked for, if it did."""
    asked = f"{tries} {'try' if tries == 1 else 'tries'}"
    if wait and wait > LONGEST_REST:
        then = f"it asks to wait {_length(wait)}; I will ask again in an hour"
    elif wait and wait > LONGEST_WAIT:
        then = f"it asks to wait {_length(wait)}; I will ask again after that"
    else:
        then = "it is asked again with the next sync"
    mend = " Check the network and OPENROUTER_BASE_URL." if trouble == _NO_CONNECTION else ""
    return f"OpenRouter did not answer {path} after {asked} ({trouble}); {then}.{mend}"


def _length(seconds: float) -> str:
    """A wait in words, in the largest unit that fits: `20 minutes`, `more than a year`."""
    for size, unit in ((365 * 86_400, "year"), (86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            if unit == "year":
                return "more than a year"
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{int(seconds)} seconds"


def _raise_final(status: int, raw: bytes, path: str) -> None:
    """Raise for a status that another try would not change.

    Only a refused usage query says something about the key: other endpoints may be closed to an
    account that can read its usage.
    """
    said = wire.read_error(raw)
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
        kinds = {400: BadQueryError, 404: NotThereError, 422: BadQueryError}
        kind = kinds.get(status, RefusedError)
        raise kind(f"OpenRouter refused {path}: HTTP {status}{said and f', {said}'}")


def _path(url: httpx.URL) -> str:
    """The path as it goes over the wire: what is escaped in it stays so."""
    return url.raw_path.partition(b"?")[0].decode("ascii")


def _pause(attempt: int) -> float:
    """Seconds to wait where OpenRouter does not say: random, and longer with each try."""
    return random.uniform(0.25, 1.0) * min(0.5 * 2.0 ** (2 * attempt), LONGEST_WAIT)


def _asked_for(headers: httpx.Headers) -> float | None:
    """Seconds that OpenRouter asks to wait, given as a number or a date.

    None where there is no such header, or where it is no time to come.
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
    """From the server's own clock to the time it names, so that ours need not be right."""
    try:
        span = parsedate_to_datetime(then) - parsedate_to_datetime(now)
    except (ValueError, TypeError, OverflowError):
        return None
    return span.total_seconds()


def _proxied(url: httpx.URL) -> bool:
    """Whether the environment names a proxy for a URL; httpx uses it with its own transport only.

    Then the deadline is kept between the pieces of a response.
    """
    proxies = getproxies()
    named = url.scheme in proxies or "all" in proxies
    return named and not proxy_bypass(url.host)


def _body(response: httpx.Response, deadline: Deadline) -> bytes:
    """The body, decompressed here so that a small response cannot fill the memory."""
    packed = response.headers.get("content-encoding", "").lower() == "gzip"
    unpack = zlib.decompressobj(47) if packed else None
    body = bytearray()
    for chunk in response.iter_raw():
        room = LARGEST_ANSWER + 1 - len(body)
        body += unpack.decompress(chunk, room) if unpack else chunk
        if deadline.passed:
            raise httpx.ReadTimeout("the response took too long")
        if len(body) > LARGEST_ANSWER:
            raise wire.BadAnswerError("the answer is larger than 32 MiB")
    return bytes(body)
