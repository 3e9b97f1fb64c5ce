"""The street from OpenRouter into the cache: what is due is pulled, newest first, and kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.flows.pull import pull
from bot.openrouter import (
    KeyInfo,
    OpenRouter,
    OpenRouterError,
    RefusedError,
    TimedOutError,
    Workspace,
)
from bot.store import Store, StoreError
from reports.coverage import Held, Interval, merge
from reports.timerange import DAY, Granularity, floor
from reports.windows import (
    FIRST_WINDOW,
    Window,
    due,
    held_part,
    look_back,
    most_missing,
    newest,
    newest_part,
    next_length,
)

log = logging.getLogger(__name__)

ORDER = (Granularity.MINUTE, Granularity.HOUR, Granularity.DAY)
KEEP = {Granularity.MINUTE: 2 * DAY, Granularity.HOUR: 100 * DAY}
"""How long fine usage is kept; days and months stay for good."""
LOOK_BACK_HOUR = 3
AFTER_REFUSAL = timedelta(minutes=15)
AFTER_TROUBLE = timedelta(seconds=30)
DIRECTORY_EVERY = timedelta(minutes=15)
DIRECTORY_AT_MOST_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of what OpenRouter has is held (0 to 1), and what was pulled last."""

    done: float
    words: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn did: rows changed, whether history is still missing, and what went wrong."""

    changed: int
    more: bool
    error: OpenRouterError | StoreError | None = None


class Sync:
    """Keeps the cache fresh. One turn at a time; the database says what is due, not this object."""

    def __init__(
        self,
        api: OpenRouter,
        store: Store,
        clock: Callable[[], datetime],
        report: Callable[[Progress], object] = lambda _: None,
    ) -> None:
        self._api = api
        self._store = store
        self._clock = clock
        self._report = report
        self._lengths = dict(FIRST_WINDOW)
        self._looking_back: list[Window] = []
        self._given_up: dict[Granularity, tuple[Interval, ...]] = {}
        self._rest: Interval | None = None
        self._listed: datetime | None = None

    def turn(self) -> Turn:
        """Pull the newest buckets that are due, then one window of what is still missing.

        A failure keeps what is held, is noted for whoever asks, and makes the next turns wait.
        """
        now = self._clock()
        if self._rest and self._rest[0] <= now < self._rest[1]:
            return Turn(0, more=False)
        try:
            changed, slow = self._newest(now)
            more = self._older(now)
            if slow:
                raise slow
            if self._store.fact("trouble"):
                self._store.keep_fact("trouble", "")
        except (OpenRouterError, StoreError) as error:
            return self._failed(now, error)
        self._rest = None
        return Turn(changed, more)

    def _failed(self, now: datetime, error: OpenRouterError | StoreError) -> Turn:
        rest = AFTER_TROUBLE
        if isinstance(error, OpenRouterError):
            rest = AFTER_REFUSAL if error.permanent else max(rest, timedelta(seconds=error.wait))
        self._rest = now, now + rest
        trouble = {"at": now.isoformat(), "words": str(error)}
        try:
            self._store.keep_fact("trouble", json.dumps(trouble))
        except StoreError as worse:
            log.debug("The failed sync cannot be noted: %s", worse)
        return Turn(0, more=False, error=error)

    def _newest(self, now: datetime) -> tuple[int, TimedOutError | None]:
        """The newest buckets of what is due: rows changed, and what took OpenRouter too long."""
        changed, slow = 0, None
        for granularity in ORDER:
            if due(granularity, now, self._store.state().synced):
                at = self._clock().replace(microsecond=0)
                self._list_when_old()
                rest: Window | None = newest(granularity, at)
                try:
                    while rest:
                        part, rest = newest_part(rest, self._lengths[granularity])
                        changed += self._keep(part, None if rest else at)
                except TimedOutError as error:
                    slow = error
        return changed, slow

    def _older(self, now: datetime) -> bool:
        """One window of what is not held, or of the nightly look back. Whether more may remain."""
        window = most_missing(now, self._known())
        if window:
            self._past(window)
            return True
        return self._look_back(now)

    def _known(self) -> Held:
        """What is held, or was given up."""
        pulled = self._store.state().pulled
        return {g: merge([*pulled.get(g, ()), *self._given_up.get(g, ())]) for g in ORDER}

    def _past(self, window: Window) -> Window | None:
        """Pull the newest part of a window of the past; what remains of it.

        What OpenRouter does not answer is asked for in smaller parts, and a bucket that it does not
        answer is given up until the next look back.
        """
        part, rest = newest_part(window, self._lengths[window.granularity])
        try:
            self._keep(part, None)
        except (TimedOutError, RefusedError) as error:
            if halves := part.halves():
                self._lengths[window.granularity] = halves[1].end - halves[1].start
                return window
            log.warning("Sync: the %s %s is given up: %s", part.granularity, part.start, error)
            given_up = self._given_up.get(window.granularity, ())
            self._given_up[window.granularity] = merge([*given_up, (part.start, part.end)])
        return rest

    def _look_back(self, now: datetime) -> bool:
        today = now.date().isoformat()
        if self._store.fact("looked_back") is None:  # everything has only just been pulled
            self._store.keep_fact("looked_back", today)
        if not self._looking_back and now.hour >= LOOK_BACK_HOUR:
            if self._store.fact("looked_back") == today:
                return False
            self._given_up.clear()
            self._looking_back = [look_back(g, now) for g in (Granularity.HOUR, Granularity.DAY)]
            for granularity, age in KEEP.items():
                self._store.forget(granularity, floor(now - age, granularity))
        if not self._looking_back:
            return False
        rest = self._past(self._looking_back[-1])
        self._looking_back[-1:] = [rest] if rest else []
        if not self._looking_back:
            self._store.keep_fact("looked_back", today)
        return bool(self._looking_back)

    def _keep(self, window: Window, synced_at: datetime | None) -> int:
        now = self._clock()
        pulled = pull(self._api, self._store, window, lambda: self._list_again(window), now)
        changed = self._store.replace(window, pulled.rows, synced_at, pulled.notes)
        self._lengths[window.granularity] = next_length(window, pulled.count)
        for note in pulled.notes:
            log.warning("Sync: %s", note)
        log.debug("Pulled %s: %d rows, %d changed", window, pulled.count, changed)
        self._report(self._progress(window))
        return changed

    def _progress(self, window: Window) -> Progress:
        held = self._store.state().pulled
        now = self._clock()
        done = [held_part(granularity, now, held) for granularity in ORDER]
        whole = most_missing(now, self._known()) is None
        words = f"{window.granularity}s back to {window.start:%Y-%m-%d %H:%M}"
        return Progress(1.0 if whole else sum(done) / len(done), words)

    def _list_when_old(self) -> None:
        if not self._listed_within(DIRECTORY_EVERY):
            self.list_directory()

    def _list_again(self, window: Window) -> None:
        """The directory anew, because a name of a window was not in it.

        What was used before the directory was listed may be a deleted key's; then not more than
        once a minute.
        """
        listed = self._listed_within(DIRECTORY_AT_MOST_EVERY)
        if not listed or self._listed is None or window.end > self._listed:
            self.list_directory()

    def _listed_within(self, age: timedelta) -> bool:
        return self._listed is not None and timedelta() <= self._clock() - self._listed < age

    def list_directory(self) -> None:
        """Fetch the keys and people, credits and budgets and keep them."""
        at = self._clock()
        workspaces = self._api.workspaces()
        keys = self._api.keys(workspaces)
        people = self._api.people()
        self._store.list_members(
            [(key.hash, key.name, key.label) for key in keys],
            [(person.id, person.name, person.email) for person in people],
            [(key.hash, key.creator_id or "") for key in keys],
            [(key.hash, key.created) for key in keys if key.created],
        )
        self._listed = at
        try:
            self._keep_limits(workspaces, keys, at)
        except OpenRouterError as error:
            log.warning("Sync: credits and budgets stay as they were: %s", error)

    def _keep_limits(self, workspaces: list[Workspace], keys: list[KeyInfo], at: datetime) -> None:
        credits_ = self._api.credits()
        budgets = {w.name: self._api.budgets(w) for w in workspaces}
        limits = {
            "credits": {"total": credits_.total, "used": credits_.used},
            "budgets": {
                name: [{"limit": b.limit, "reset": b.reset} for b in found]
                for name, found in budgets.items()
            },
            "keys": {
                key.hash: {
                    "limit": key.limit,
                    "remaining": key.remaining,
                    "reset": key.reset,
                    "byok": key.include_byok,
                }
                for key in keys
                if key.limit is not None
            },
            "workspaces": {
                w.name: [key.hash for key in keys if key.workspace_id == w.id] for w in workspaces
            },
            "at": at.isoformat(),
        }
        self._store.keep_fact("limits", json.dumps(limits))
