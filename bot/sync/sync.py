"""Keeping the cache in sync with OpenRouter: what is due first, then what is missing."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from time import monotonic

from bot.openrouter import OpenRouter, OpenRouterError, RefusedError, TimedOutError
from bot.store import Store, StoreError
from bot.store.sync_state import FIRST_SYNC, TROUBLE
from bot.sync.directory import DirectorySync
from bot.sync.pull_window import Callbacks, PartialAnswerError, pull
from bot.sync.refresh import RefreshPlanner
from reports.time.timerange import DAY, HOUR, Granularity, floor
from reports.usage.coverage import Held, Interval, gaps, merge
from reports.usage.sync_windows import (
    FIRST_WINDOW,
    Window,
    due,
    held_part,
    look_back,
    missing,
    most_missing,
    newest,
    newest_part,
    next_length,
    off_the_hour,
)

log = logging.getLogger(__name__)

ORDER = (Granularity.MINUTE, Granularity.HOUR, Granularity.DAY)
KEEP = {Granularity.MINUTE: 2 * DAY, Granularity.HOUR: 100 * DAY}
"""How long fine usage is kept; days and months stay for good."""
LOOK_BACK_HOUR = 3
AFTER_REFUSAL = timedelta(minutes=15)
AFTER_TROUBLE = timedelta(seconds=30)
GIVEN_UP = HOUR
"""How long a window of the past that could not be fetched is not asked for again."""
BACKFILL_EVERY = timedelta(seconds=10)
"""A window takes three queries, so this is about 18 of the 60 queries a minute at most."""
BACKFILL_TRIES = 3
_QUARTERS = "quarters"
"""The fact that says until when minutes were added up to quarter hours."""
_SECONDS_A_QUERY = 1.0
"""At OpenRouter's limit of about one query a second; a slower answer is measured."""
_QUERIES_A_WINDOW = 3


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of OpenRouter's history is stored (0 to 1), the last window, and what is left.

    `left` is in words, such as `about 3 minutes left for 12 keys`; empty once all is stored.
    """

    done: float
    words: str
    left: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn did: rows changed, whether history is still missing, and what went wrong."""

    changed: int
    more: bool
    error: OpenRouterError | StoreError | None = None


class Sync:
    """Keeps the cache fresh. One turn at a time; the database says what is due, not this object.

    `alive` is called before each query, so that the process that has the lease can renew it;
    `zones` are time zones in which people ask, besides those of schedules and rules.
    """

    def __init__(
        self,
        api: OpenRouter,
        store: Store,
        clock: Callable[[], datetime],
        report: Callable[[Progress], object] = lambda _: None,
        alive: Callable[[], object] = lambda: None,
        zones: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._api = api
        self._store = store
        self._zones = zones
        self._clock = clock
        self._report = report
        self._alive = alive
        self._planner = RefreshPlanner(store)
        self._directory = DirectorySync(api, store, clock, alive, self._planner)
        self._lengths = dict(FIRST_WINDOW)
        self._looking_back: list[Window] = []
        self._given_up: list[tuple[Window, datetime]] = []
        self._backfilled: datetime | None = None
        self._still_unknown: list[Window] = []
        self._paused: Interval | None = None
        self._first: bool | None = None
        self._windows = 0
        self._queries = 0
        self._seconds = 0.0

    def turn(self) -> Turn:
        """Fetch the newest buckets that are due, then one window of what is still missing.

        A failure keeps what is stored, is recorded for answers and status, and makes the next
        turns wait.
        """
        now = self._clock()
        if self._paused and self._paused[0] <= now < self._paused[1]:
            return Turn(0, more=False)
        try:
            self._begin_first(now)
            changed, failed = self._newest(now)
            more = self._older(now)
            if failed:
                raise failed
            if self._store.fact(TROUBLE):
                self._store.keep_fact(TROUBLE, "")
            if not more:
                self._end_first()
        except (OpenRouterError, StoreError) as error:
            return self._failed(error)
        self._paused = None
        return Turn(changed, more)

    def crashed(self, error: Exception) -> None:
        """Record an unexpected exception of a turn for answers and status, and pause.

        Nothing of its text is repeated, since it is meant for the log and not for people.
        """
        now = self._clock()
        self._paused = now, now + AFTER_TROUBLE
        self._record(now, f"an unexpected error ({type(error).__name__}); the log has the details")

    def list_directory(self) -> None:
        """Fetch keys and people, credits and budgets now."""
        self._directory.list_now()

    def up_to_date(self) -> bool:
        """Whether nothing is due and nothing is missing, whichever process fetched it."""
        now, state = self._clock(), self._store.state()
        every = self._planner.plan.every
        fresh = not any(due(granularity, now, state.synced, every) for granularity in ORDER)
        return fresh and most_missing(now, state.pulled) is None

    def _failed(self, error: OpenRouterError | StoreError) -> Turn:
        now, rest = self._clock(), AFTER_TROUBLE
        if isinstance(error, OpenRouterError):
            rest = AFTER_REFUSAL if error.permanent else max(rest, timedelta(seconds=error.wait))
        self._paused = now, now + rest
        self._record(now, str(error))
        return Turn(0, more=False, error=error)

    def _record(self, now: datetime, words: str) -> None:
        """Save why a turn failed, for answers and status."""
        try:
            self._store.keep_fact(TROUBLE, json.dumps({"at": now.isoformat(), "words": words}))
        except StoreError as worse:
            log.warning("Sync: the failure could not be recorded: %s", worse)

    def _newest(self, now: datetime) -> tuple[int, OpenRouterError | None]:
        """The newest buckets of what is due: rows changed, and what could not be fetched.

        A granularity that fails stops no other.
        """
        changed = 0
        failed: OpenRouterError | None = None
        for granularity in ORDER:
            if not due(granularity, now, self._store.state().synced, self._planner.plan.every):
                continue
            self._queries = 0
            at = self._clock().replace(microsecond=0)
            rest: Window | None = newest(granularity, at)
            try:
                while rest:
                    part, older = newest_part(rest, self._lengths[granularity])
                    try:
                        changed += self._keep(part, None if older else at)
                    except TimedOutError:
                        if not self._shorten(part):
                            raise
                    else:
                        rest = older
                self._planner.fetched(granularity, self._queries)
            except (TimedOutError, PartialAnswerError) as error:
                failed = error
        self._planner.store(self._directory.key_count)
        return changed, failed

    def _shorten(self, part: Window) -> bool:
        """Ask for half as much from now on; False where a part is a single bucket."""
        halves = part.halves()
        if halves:
            self._lengths[part.granularity] = halves[1].end - halves[1].start
        return halves is not None

    def _older(self, now: datetime) -> bool:
        """Fetch one window that is missing, of the nightly look back, or of the backfill.

        Returns whether more of the first two may remain.
        """
        window = most_missing(now, self._known())
        if window:
            self._past(window)
            return True
        if self._look_back(now):
            return True
        self._backfill(now)
        return False

    def _backfill(self, now: datetime) -> None:
        """Fetch one window again whose usage was stored without the optional figures.

        Which windows these are is in the database, so a restart goes on where it was. It is the
        least urgent work: one window at a time, newest first, with pauses. Where OpenRouter still
        does not give the figures, it is tried for three windows a day.
        """
        if self._api.refused_metrics() or len(self._still_unknown) >= BACKFILL_TRIES:
            return
        if self._backfilled and timedelta() <= now - self._backfilled < BACKFILL_EVERY:
            return
        known = self._with(self._store.known(), self._still_unknown)
        window = most_missing(now, known)
        if window is None:
            return
        self._backfilled = now
        rest = self._past(window)
        if rest == window:  # it took too long: shorter windows are asked for from now on
            return
        part = Window(window.granularity, rest.end if rest else window.start, window.end)
        if gaps((part.start, part.end), self._store.known()[part.granularity]):
            self._still_unknown.append(part)

    def _known(self) -> Held:
        """What is stored, or was given up a short time ago."""
        return self._with(self._store.state().pulled, ())

    def _with(self, known: Held, others: Iterable[Window]) -> Held:
        """These intervals, those of windows given up a short time ago, and those of others."""
        now = self._clock()
        self._given_up = [
            (window, at) for window, at in self._given_up if timedelta() <= now - at < GIVEN_UP
        ]
        added: dict[Granularity, list[Interval]] = {g: [] for g in ORDER}
        for window in (*(window for window, _ in self._given_up), *others):
            added[window.granularity].append((window.start, window.end))
        return {g: merge([*known.get(g, ()), *added[g]]) for g in ORDER}

    def _past(self, window: Window) -> Window | None:
        """Fetch the newest part of a window of the past; what remains of it.

        What takes OpenRouter too long is asked for in smaller parts. A bucket that it does not
        answer, and a part that it answers incompletely, are noted and not asked for for an hour.
        """
        part, rest = newest_part(window, self._lengths[window.granularity])
        try:
            self._keep(part, None)
        except (TimedOutError, RefusedError) as error:
            if self._shorten(part):
                return window
            self._give_up(part, error)
        except PartialAnswerError as error:
            self._give_up(part, error)
            self._store.note(part, [str(error).removesuffix(".")])
        return rest

    def _give_up(self, part: Window, error: OpenRouterError) -> None:
        log.warning("Sync: gave up the %ss from %s: %s", part.granularity, part.start, error)
        self._given_up.append((part, self._clock()))

    def _look_back(self, now: datetime) -> bool:
        today = now.date().isoformat()
        if self._store.fact("looked_back") is None:  # everything has only just been fetched
            self._store.keep_fact("looked_back", today)
        if not self._looking_back and now.hour >= LOOK_BACK_HOUR:
            if self._store.fact("looked_back") == today:
                return False
            self._given_up.clear()
            self._still_unknown.clear()
            self._looking_back = [look_back(g, now) for g in (Granularity.HOUR, Granularity.DAY)]
            self._forget(now)
        if not self._looking_back:
            return False
        rest = self._past(self._looking_back[-1])
        self._looking_back[-1:] = [rest] if rest else []
        if not self._looking_back:
            self._store.keep_fact("looked_back", today)
        return bool(self._looking_back)

    def _forget(self, now: datetime) -> None:
        """Drop fine usage that coarser buckets hold as well.

        Where the days of a zone in use begin within an hour, the minutes are added up to quarter
        hours and stay as long as hours do.
        """
        age = dict(KEEP)
        zones = {*self._zones(), *self._store.zones()}
        if any(off_the_hour(zone, now) for zone in zones):
            age[Granularity.MINUTE] = KEEP[Granularity.HOUR]
            end = floor(now - KEEP[Granularity.MINUTE], Granularity.HOUR)
            held = self._store.state().held.get(Granularity.MINUTE, ())
            done = self._store.fact(_QUARTERS)
            starts = [now - age[Granularity.MINUTE], held[0][0] if held else end]
            starts += [datetime.fromisoformat(done)] if done else []
            self._store.to_quarters(floor(max(starts), Granularity.HOUR), end)
            self._store.keep_fact(_QUARTERS, end.isoformat())
        for granularity, kept in age.items():
            self._store.forget(granularity, floor(now - kept, granularity))

    def _keep(self, window: Window, synced_at: datetime | None) -> int:
        now, begun = self._clock(), monotonic()
        calls = Callbacks(
            refresh=lambda: self._directory.list_for(window),
            listed=self._directory.list_when_old,
            alive=self._alive,
        )
        pulled = pull(self._api, self._store, window, calls, now)
        self._queries += pulled.queries
        changed = self._store.replace(window, pulled.rows, synced_at, pulled.notes, pulled.known)
        self._lengths[window.granularity] = next_length(window, pulled.count)
        self._windows += 1
        self._seconds += monotonic() - begun
        for note in pulled.notes:
            log.warning("Sync: %s", note)
        log.debug("Fetched %s: %d rows, %d changed", window, pulled.count, changed)
        self._report_progress(window)
        return changed

    # -- progress

    def _report_progress(self, window: Window) -> None:
        held = self._store.state().pulled
        now = self._clock()
        done = [held_part(granularity, now, held) for granularity in ORDER]
        whole = most_missing(now, self._known()) is None
        words = f"{window.granularity}s back to {window.start:%Y-%m-%d %H:%M}"
        progress = Progress(
            1.0 if whole else sum(done) / len(done), words, "" if whole else self._left(now)
        )
        self._report(progress)
        if self._first and not whole:
            said = {"done": round(progress.done, 2), "left": progress.left, "at": now.isoformat()}
            self._store.keep_fact(FIRST_SYNC, json.dumps(said))

    def _left(self, now: datetime) -> str:
        """How long what is missing will take at the pace so far, in words."""
        known = self._known()
        windows = sum(
            ceil((window.end - window.start) / self._lengths[granularity])
            for granularity in ORDER
            for window in missing(granularity, now, known)
        )
        each = max(self._seconds / max(self._windows, 1), _QUERIES_A_WINDOW * _SECONDS_A_QUERY)
        minutes = max(1, ceil(windows * each / 60))
        keys = self._directory.key_count
        for_keys = f" for {keys:,} key{'' if keys == 1 else 's'}" if keys else ""
        return f"about {minutes:,} minute{'' if minutes == 1 else 's'} left{for_keys}"

    def _begin_first(self, now: datetime) -> None:
        """Record that the first sync has begun, so that answers and status can say so."""
        if self._first is None:
            said = self._store.fact(FIRST_SYNC)
            self._first = bool(said) or (said is None and not self._store.state().synced)
            if self._first and not said:
                begun = {"done": 0.0, "left": "", "at": now.isoformat()}
                self._store.keep_fact(FIRST_SYNC, json.dumps(begun))

    def _end_first(self) -> None:
        if self._first:
            self._first = False
            self._store.keep_fact(FIRST_SYNC, "")
