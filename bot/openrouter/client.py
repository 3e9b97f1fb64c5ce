"""The thin part: sends requests to OpenRouter, at its pace, and tries again what may pass.

The management key could create and delete keys, so only the few reading calls that this project
needs can leave the process; everything else is refused before it is sent.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import zlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from bot import __version__
from bot.openrouter import wire
from bot.openrouter.pace import Pace
from reports.timerange import Granularity

T = TypeVar("T")

log = logging.getLogger(__name__)

REQUESTS_A_MINUTE = 60  # four fewer than OpenRouter allows, for whoever else uses the key
TRIES = 5
_NO_CONNECTION = "no connection"
LONGEST_WAIT = 60.0
LARGEST_ANSWER = 32 * 2**20
PAGE = 100
MOST_PAGES = 1000

_READS = {"/activity", "/analytics/meta", "/keys", "/key", "/organization/members",
          "/credits", "/workspaces"}  # fmt: skip
_QUERY = "/analytics/query"
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)


class OpenRouterError(Exception):
    """OpenRouter could not be asked. `permanent`: asking again changes nothing.

    `wait` is how many seconds OpenRouter wants to be left alone, where it says so.
    """

    permanent = False

    def __init__(self, words: str, wait: float = 0.0) -> None:
        super().__init__(words)
        self.wait = wait


class KeyRefusedError(OpenRouterError):
    """The key is unknown or no management key; the text says which key is wanted."""

    permanent = True


class TimedOutError(OpenRouterError):
    """The query took OpenRouter too long: ask for less at once."""


class RefusedError(OpenRouterError):
    """OpenRouter does not take the request as it is."""

    permanent = True


class NotThereError(RefusedError):
    """OpenRouter has no such thing."""


class NotAllowedError(RuntimeError):
    """A request that this project never makes; it was stopped before it left the process."""


class OpenRouter:
    """Reads usage and the directory of one organisation. Every call may raise OpenRouterError.

    KeyRefusedError at once for a key that no header can carry.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        wait: Callable[[float], object] | None = None,
        requests_a_minute: int = REQUESTS_A_MINUTE,
        tries: int = TRIES,
    ) -> None:
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise KeyRefusedError(
                "OPENROUTER_MANAGEMENT_KEY holds characters that no key has; copy it anew."
            )
        self._tries = tries
        self._base = httpx.URL(base_url.rstrip("/"))
        self._wait = threading.Event().wait if wait is None else wait
        self._pace = Pace(requests_a_minute, self._wait)
        self._http = httpx.Client(
            headers={
                "Authorization": f"Bearer {key}",
                "User-Agent": f"activity/{__version__}",
                "Accept-Encoding": "gzip",
            },
            timeout=_TIMEOUT,
            event_hooks={"request": [self._allow]},
        )

    def __repr__(self) -> str:
        return f"OpenRouter({str(self._base)!r})"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def usage(
        self,
        view: wire.View,
        granularity: Granularity,
        start: datetime,
        end: datetime,
        only: wire.Only | None = None,
    ) -> wire.Answer:
        """Usage of a window (UTC, end exclusive). TimedOutError if the window is too large."""
        body = wire.usage_query(view, granularity, start, end, only)
        return self._call(
            "POST", _QUERY, lambda raw: wire.read_usage(raw, view, granularity), body=body
        )

    def workspaces(self) -> list[wire.Workspace]:
        """All workspaces."""
        return list(self._pages("/workspaces", wire.read_workspaces, {"limit": str(PAGE)}))

    def keys(self, workspaces: Iterable[wire.Workspace]) -> list[wire.KeyInfo]:
        """The keys of all workspaces, disabled ones too, each once."""
        found: dict[str, wire.KeyInfo] = {}
        places: list[dict[str, str]] = [{}, *({"workspace_id": w.id} for w in workspaces)]
        for place in places:
            for key in self._pages("/keys", wire.read_keys, {"include_disabled": "true"} | place):
                found.setdefault(key.hash, key)
        return list(found.values())

    def people(self) -> list[wire.Person]:
        """The organisation's members; none for a personal account."""
        try:
            return list(
                self._pages("/organization/members", wire.read_people, {"limit": str(PAGE)})
            )
        except NotThereError:
            return []

    def budgets(self, workspace: wire.Workspace) -> list[wire.Budget]:
        """The budgets of a workspace."""
        path = f"/workspaces/{quote(workspace.id, safe='')}/budgets"
        return list(self._call("GET", path, wire.read_budgets))

    def credits(self) -> wire.Credits:
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
        trouble = ""
        for attempt in range(self._tries):
            self._pace.take()
            try:
                status, headers, raw = self._send(method, path, params, body)
                if status == 200:
                    return read(raw)
            except (httpx.TransportError, wire.BadAnswerError, zlib.error) as error:
                status, headers = 0, httpx.Headers()
                bad = isinstance(error, wire.BadAnswerError)
                trouble = str(error) if bad else _NO_CONNECTION
            else:
                _raise_final(status, raw, path)
                trouble = wire.read_error(raw) or f"HTTP {status}"
            asked_for = _asked_for(headers)
            if asked_for and asked_for > LONGEST_WAIT:
                break
            if attempt + 1 < self._tries:
                pause = _pause(attempt) if asked_for is None else asked_for
                log.info("OpenRouter: %s (%s); asked again in %.1f s", trouble, path, pause)
                self._wait(pause)
        mend = " Check the network and OPENROUTER_BASE_URL." if trouble == _NO_CONNECTION else ""
        raise OpenRouterError(
            f"OpenRouter did not answer {path} after {attempt + 1} {'tries' if attempt else 'try'}"
            f" ({trouble}); it is asked again with the next sync.{mend}",
            asked_for or 0.0,
        )

    def _send(
        self, method: str, path: str, params: dict[str, str] | None, body: dict[str, Any] | None
    ) -> tuple[int, httpx.Headers, bytes]:
        content = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"} if content else None
        url = f"{self._base}{path}"
        with self._http.stream(
            method, url, params=params, content=content, headers=headers
        ) as response:
            return response.status_code, response.headers, _body(response)

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


def _raise_final(status: int, raw: bytes, path: str) -> None:
    """Raise for what asking again does not change."""
    said = wire.read_error(raw)
    if status == 401:
        raise KeyRefusedError(
            "OpenRouter does not know the key in OPENROUTER_MANAGEMENT_KEY (401). Make a management"
            " key at openrouter.ai/settings/management-keys and put it there."
        )
    if status == 403:
        raise KeyRefusedError(
            "OpenRouter refuses the key in OPENROUTER_MANAGEMENT_KEY (403): a management key is"
            " wanted, not an ordinary API key. Make one at openrouter.ai/settings/management-keys."
        )
    if status == 408 and path == _QUERY:
        raise TimedOutError("OpenRouter takes too long over this query; it is asked for less.")
    if 300 <= status < 500 and status not in {408, 429}:
        kind = NotThereError if status == 404 else RefusedError
        raise kind(f"OpenRouter refused {path}: HTTP {status}{said and f', {said}'}")


def _path(url: httpx.URL) -> str:
    """The path as it goes over the wire: what is escaped in it stays so."""
    return url.raw_path.partition(b"?")[0].decode("ascii")


def _pause(attempt: int) -> float:
    """Seconds to wait where the service does not say: a random time that grows each time."""
    return random.uniform(0.25, 1.0) * min(0.5 * 2.0 ** (2 * attempt), LONGEST_WAIT)


def _asked_for(headers: httpx.Headers) -> float | None:
    """Seconds that the service asks to wait, as a number or a date; None if it makes no sense."""
    retry_after = headers.get("retry-after", "")
    try:
        seconds = float(retry_after)
    except ValueError:
        return _seconds_between(headers.get("date", ""), retry_after)
    return max(seconds, 0.0) if isfinite(seconds) else None


def _seconds_between(now: str, then: str) -> float | None:
    """From the service's own clock to the time it names, so that ours need not be right."""
    try:
        span = parsedate_to_datetime(then) - parsedate_to_datetime(now)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(span.total_seconds(), 0.0)


def _body(response: httpx.Response) -> bytes:
    """The body, unpacked here so that a small answer cannot unpack into all of the memory."""
    packed = response.headers.get("content-encoding", "").lower() == "gzip"
    unpack = zlib.decompressobj(47) if packed else None
    body = bytearray()
    for chunk in response.iter_raw():
        room = LARGEST_ANSWER + 1 - len(body)
        body += unpack.decompress(chunk, room) if unpack else chunk
        if len(body) > LARGEST_ANSWER:
            raise wire.BadAnswerError("the answer is larger than 32 MiB")
    return bytes(body)
