"""The street from OpenRouter into the cache: what is due is pulled, newest first, and kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.flows.pull import pull
from bot.openrouter import OpenRouter, OpenRouterError
from bot.store import Store
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
    error: OpenRouterError | None = None


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
        self._rest_until: datetime | None = None
        self._listed: datetime | None = None

    def turn(self) -> Turn:
        """Pull the newest buckets that are due, then one window of what is still missing.

        A failure keeps what is held, is noted for whoever asks, and makes the next turns wait.
        """
        now = self._clock()
        if self._rest_until and now < self._rest_until:
            return Turn(0, more=False)
        try:
            changed = self._newest(now)
            more = self._older(now)
        except OpenRouterError as error:
            wait = AFTER_REFUSAL if error.permanent else AFTER_TROUBLE
            self._rest_until = now + wait
            self._store.keep_fact(
                "trouble", json.dumps({"at": now.isoformat(), "words": str(error)})
            )
            return Turn(0, more=False, error=error)
        if self._rest_until:
            self._rest_until = None
        if self._store.fact("trouble"):
            self._store.keep_fact("trouble", "")
        return Turn(changed, more)

    def _newest(self, now: datetime) -> int:
        changed = 0
        for granularity in ORDER:
            if due(granularity, now, self._store.state().synced):
                at = self._clock().replace(microsecond=0)
                self._list_when_old(at)
                rest: Window | None = newest(granularity, at)
                while rest:
                    part, rest = newest_part(rest, self._lengths[granularity])
                    changed += self._keep(part, None if rest else at)
        return changed

    def _older(self, now: datetime) -> bool:
        """One window of what is not held, or of the nightly look back. Whether more may remain."""
        window = most_missing(now, self._store.state().pulled)
        if window:
            part, _ = newest_part(window, self._lengths[window.granularity])
            self._keep(part, None)
            return True
        return self._look_back(now)

    def _look_back(self, now: datetime) -> bool:
        today = now.date().isoformat()
        if self._store.fact("looked_back") is None:  # everything has only just been pulled
            self._store.keep_fact("looked_back", today)
        if not self._looking_back and now.hour >= LOOK_BACK_HOUR:
            if self._store.fact("looked_back") == today:
                return False
            self._looking_back = [look_back(g, now) for g in (Granularity.HOUR, Granularity.DAY)]
            for granularity, age in KEEP.items():
                self._store.forget(granularity, floor(now - age, granularity))
        if not self._looking_back:
            return False
        window = self._looking_back.pop()
        part, rest = newest_part(window, self._lengths[window.granularity])
        self._keep(part, None)
        if rest:
            self._looking_back.append(rest)
        if not self._looking_back:
            self._store.keep_fact("looked_back", today)
        return bool(self._looking_back)

    def _keep(self, window: Window, synced_at: datetime | None) -> int:
        pulled = pull(self._api, self._store, window, self._list_again)
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
        words = f"{window.granularity}s back to {window.start:%Y-%m-%d %H:%M}"
        return Progress(sum(done) / len(done), words)

    def _list_when_old(self, now: datetime) -> None:
        if self._listed is None or now - self._listed >= DIRECTORY_EVERY:
            self.list_directory()

    def _list_again(self) -> None:
        """The directory anew, because a name was not in it; not more than once a minute."""
        if self._listed is None or self._clock() - self._listed >= DIRECTORY_AT_MOST_EVERY:
            self.list_directory()

    def list_directory(self) -> None:
        """Fetch the keys, people, credits and budgets and keep them."""
        self._listed = self._clock()
        workspaces = self._api.workspaces()
        keys = self._api.keys(workspaces)
        people = self._api.people()
        self._store.list_members(
            [(key.hash, key.name, key.label) for key in keys],
            [(person.id, person.name, person.email) for person in people],
            [(key.hash, key.creator_id or "") for key in keys],
        )
        credits_ = self._api.credits()
        budgets = {w.name: self._api.budgets(w) for w in workspaces}
        limits = {
            "credits": {"total": credits_.total, "used": credits_.used},
            "budgets": {
                name: [{"limit": b.limit, "reset": b.reset} for b in found]
                for name, found in budgets.items()
            },
            "keys": {
                key.hash: {"limit": key.limit, "remaining": key.remaining, "reset": key.reset}
                for key in keys
                if key.limit is not None
            },
            "at": self._listed.isoformat(),
        }
        self._store.keep_fact("limits", json.dumps(limits))
