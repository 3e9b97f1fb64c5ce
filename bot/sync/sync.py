"""Keeps the cache in sync with OpenRouter: fetches what is due, then what is missing."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from time import monotonic

from bot.clickhouse import ClickHouse, ClickHouseError
from bot.openrouter import OpenRouter, OpenRouterError, RefusedError, TimedOutError
from bot.store import Store, StoreError
from bot.store.sync_state import FIRST_SYNC, TROUBLE
from bot.store.usage.traces import NOTE
from bot.sync.directory import DirectorySync
from bot.sync.measured_intervals import RefreshPlanner
from bot.sync.pull_from_clickhouse import PulledPart, TracePuller
from bot.sync.pull_window import Callbacks, PartialAnswerError, pull
from reports.time.time_range import DAY, HOUR, Granularity, floor
from reports.usage.coverage import Coverage, Interval, gaps, merge
from reports.usage.figure_table import OPTIONAL_NAMES
from reports.usage.windows_to_fetch import (
    FIRST_WINDOW,
    HISTORY,
    MAX_GROWTH,
    Window,
    has_fractional_hour_offset,
    is_due,
    look_back_window,
    missing_windows,
    newest_window,
    next_length,
    next_missing,
    split_off_newest,
    stored_share,
)

log = logging.getLogger(__name__)

ORDER = (Granularity.MINUTE, Granularity.HOUR, Granularity.DAY)
KEEP = {Granularity.MINUTE: 2 * DAY, Granularity.HOUR: 100 * DAY}
"""How long usage by minute and hour is kept; days and months are kept forever."""
LOOK_BACK_HOUR = 3  # UTC; a quiet hour for most organizations
AFTER_REFUSAL = timedelta(minutes=15)  # permanent errors need a person to fix them
AFTER_TROUBLE = timedelta(seconds=30)  # transient errors pass soon
RETRY_AFTER = HOUR
"""How long to wait before retrying a past window that couldn't be fetched."""
BACKFILL_EVERY = timedelta(seconds=10)
"""A window takes three queries, so this is at most about 18 of the 60 queries per minute."""
BACKFILL_TRIES = 3  # windows per day without the figures before the backfill stops
PAST_SECONDS = 30.0
"""How long past rows are read from ClickHouse before the newest usage is fetched again."""
_QUARTERS = "quarters"
"""The fact with the time through which minutes have been summed into quarter hours."""
_SECONDS_A_QUERY = 1.0
"""OpenRouter allows about one query per second; if responses are slower, that is measured."""
_QUERIES_A_WINDOW = 3  # totals and two views


@dataclass(frozen=True, slots=True)
class Progress:
    """The stored share of OpenRouter's history (0 to 1), and the last window in words.

    `left` is the remaining time, such as `about 3 minutes left for 12 keys`; "" when done.
    """

    done: float
    words: str
    left: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """The result of a turn: changed rows, whether history is missing, and an error if any."""

    changed: int
    more: bool
    error: OpenRouterError | ClickHouseError | StoreError | None = None


class Sync:
    """Keeps the cache up to date, one turn at a time; the database says what is due.

    `alive` is called before each query, so that the process can renew its lease; `zones` returns
    time zones of questions, besides those of schedules and rules. With `traces`, usage is read from
    ClickHouse and compared with OpenRouter's totals.
    """

    def __init__(
        self,
        api: OpenRouter,
        store: Store,
        clock: Callable[[], datetime],
        report: Callable[[Progress], object] = lambda _: None,
        alive: Callable[[], object] = lambda: None,
        zones: Callable[[], Iterable[str]] = tuple,
        traces: ClickHouse | None = None,
    ) -> None:
        self._api = api
        self._traces = TracePuller(traces, api, store) if traces else None
        self._store = store
        self._zones = zones
        self._clock = clock
        self._report = report
        self._alive = alive
        self._planner = RefreshPlanner(store)
        self._directory = DirectorySync(api, store, clock, alive, self._planner)
        self._lengths = dict(HISTORY if traces else FIRST_WINDOW)
        self._looking_back: list[Window] = []
        self._given_up: list[tuple[Window, datetime]] = []
        self._backfilled: datetime | None = None
        self._still_unknown: list[Window] = []
        self._checked_sums: datetime | None = None
        self._paused: Interval | None = None
        self._is_first_sync: bool | None = None
        self._windows = 0
        self._shares = 0.0
        self._queries = 0
        self._seconds = 0.0

    def turn(self) -> Turn:
        """Fetch the newest buckets that are due, then one missing window.

        After a failure the stored usage stays, the error is recorded for answers and the status,
        and the next turns do nothing for a while.
        """
        now = self._clock()
        if self._paused and self._paused[0] <= now < self._paused[1]:
            return Turn(0, more=False)
        try:
            self._begin_first_sync(now)
            changed, failed = self._newest(now)
            more = self._older(now)
            self._check_model_sums(now)
            if failed:
                raise failed
            if self._store.fact(TROUBLE):
                self._store.keep_fact(TROUBLE, "")
            if not more:
                self._end_first_sync()
        except (OpenRouterError, ClickHouseError, StoreError) as error:
            return self._failed(error)
        self._paused = None
        return Turn(changed, more)

    def _check_model_sums(self, now: datetime) -> None:
        """Repair sums that an earlier version left out or, during an update, still does."""
        due = self._checked_sums is None or now - self._checked_sums >= HOUR
        if due and self._store.repair_model_sums():
            self._checked_sums = now

    def crashed(self, error: Exception) -> None:
        """Record an unexpected exception of a turn for answers and the status, and pause.

        Its text is not included, because it is meant for the log and not for people.
        """
        now = self._clock()
        self._paused = now, now + AFTER_TROUBLE
        self._record(now, f"an unexpected error ({type(error).__name__}); the log has the details")

    def list_directory(self) -> None:
        """Fetch the directory, credits and budgets now."""
        self._directory.list_now()

    def up_to_date(self) -> bool:
        """Whether nothing is due or missing."""
        now, state = self._clock(), self._store.state()
        every = self._planner.plan.every
        fresh = not any(is_due(granularity, now, state.synced, every) for granularity in ORDER)
        return fresh and next_missing(now, state.pulled) is None

    def _failed(self, error: OpenRouterError | ClickHouseError | StoreError) -> Turn:
        now, pause = self._clock(), AFTER_TROUBLE
        if isinstance(error, ClickHouseError) and error.permanent:
            pause = AFTER_REFUSAL
        if isinstance(error, OpenRouterError):
            pause = AFTER_REFUSAL if error.permanent else max(pause, timedelta(seconds=error.wait))
        self._paused = now, now + pause
        self._record(now, str(error))
        return Turn(0, more=False, error=error)

    def _record(self, now: datetime, words: str) -> None:
        """Record why a turn failed, for answers and the status."""
        try:
            self._store.keep_fact(TROUBLE, json.dumps({"at": now.isoformat(), "words": words}))
        except StoreError as worse:
            log.warning("Sync: the failure could not be recorded: %s", worse)

    def _newest(self, now: datetime) -> tuple[int, OpenRouterError | None]:
        """Fetch the newest buckets of all due granularities; returns changed rows, and an error if
        any.

        A failing granularity doesn't stop the others.
        """
        changed = 0
        failed: OpenRouterError | None = None
        for granularity in ORDER:
            if not is_due(granularity, now, self._store.state().synced, self._planner.plan.every):
                continue
            self._queries = 0
            at = self._clock().replace(microsecond=0)
            newest = newest_window(granularity, at)
            remaining: Window | None = newest
            try:
                while remaining:
                    part, older = split_off_newest(remaining, self._lengths[granularity])
                    try:
                        changed += self._keep(part, None if older else at)[0]
                    except TimedOutError:
                        if not self._shorten(part):
                            raise
                    else:
                        remaining = older
                self._planner.fetched(granularity, self._queries)
                if granularity is Granularity.DAY:
                    self._store.fill_months(newest.start)
            except (TimedOutError, PartialAnswerError) as error:
                failed = error
        self._planner.store(self._directory.key_count)
        return changed, failed

    def _shorten(self, part: Window) -> bool:
        """Fetch half as much from now on; False if the part is a single bucket."""
        halves = part.halves()
        if halves:
            self._lengths[part.granularity] = halves[1].end - halves[1].start
        return halves is not None

    def _older(self, now: datetime) -> bool:
        """Fetch one window: a missing one, else of the nightly look-back, else of the backfill.

        Returns whether there may be more missing or look-back windows.
        """
        window = next_missing(now, self._known())
        if window:
            self._fetch_past(window)
            return True
        if self._look_back(now):
            return True
        self._backfill(now)
        return False

    def _backfill(self, now: datetime) -> None:
        """Fetch one window again that was stored without the optional figures.

        The database knows these windows, so a restart continues where it was. This is the least
        urgent work: one window at a time, newest first, with pauses. If OpenRouter still doesn't
        provide the figures, only three windows a day are tried.
        """
        if self._api.refused_metrics() or len(self._still_unknown) >= BACKFILL_TRIES:
            return
        if not self._figures():
            return
        if self._backfilled and timedelta() <= now - self._backfilled < BACKFILL_EVERY:
            return
        known = self._with(self._store.known(self._figures()), self._still_unknown)
        window = next_missing(now, known)
        if window is None:
            return
        self._backfilled = now
        remaining = self._fetch_past(window)
        if remaining == window:  # it timed out, so windows are shorter from now on
            return
        part = Window(window.granularity, remaining.end if remaining else window.start, window.end)
        if gaps((part.start, part.end), self._store.known(self._figures())[part.granularity]):
            self._still_unknown.append(part)

    def _figures(self) -> frozenset[str]:
        """The optional figures that the source of usage has."""
        return self._traces.figures() if self._traces else OPTIONAL_NAMES

    def _known(self) -> Coverage:
        """The coverage of the cache, plus windows that were given up recently."""
        return self._with(self._store.state().pulled, ())

    def _with(self, known: Coverage, others: Iterable[Window]) -> Coverage:
        """Coverage, with recently given up windows and other windows added."""
        now = self._clock()
        self._given_up = [
            (window, at) for window, at in self._given_up if timedelta() <= now - at < RETRY_AFTER
        ]
        added: dict[Granularity, list[Interval]] = {g: [] for g in ORDER}
        for window in (*(window for window, _ in self._given_up), *others):
            added[window.granularity].append((window.start, window.end))
        return {g: merge([*known.get(g, ()), *added[g]]) for g in ORDER}

    def _fetch_past(self, window: Window) -> Window | None:
        """Fetch the newest part of a past window; returns the remaining window.

        After a timeout, smaller parts are fetched. A bucket that can't be fetched, or a part with
        an incomplete response, is recorded and not retried for an hour.
        """
        part, remaining = split_off_newest(window, self._lengths[window.granularity])
        try:
            _, left = self._keep(part, None)
            if left:
                return Window(left.granularity, window.start, left.end)
        except (TimedOutError, RefusedError) as error:
            if self._shorten(part):
                return window
            self._give_up(part, error)
        except PartialAnswerError as error:
            self._give_up(part, error)
            self._store.note(part, [str(error).removesuffix(".")])
        return remaining

    def _give_up(self, part: Window, error: OpenRouterError) -> None:
        log.warning(
            "Sync: giving up on the %ss from %s for an hour: %s",
            part.granularity,
            part.start,
            error,
        )
        self._given_up.append((part, self._clock()))

    def _look_back(self, now: datetime) -> bool:
        today = now.date().isoformat()
        if (
            self._store.fact("looked_back") is None
        ):  # everything has just been fetched for the first time
            self._store.keep_fact("looked_back", today)
        if not self._looking_back and now.hour >= LOOK_BACK_HOUR:
            if self._store.fact("looked_back") == today:
                return False
            self._given_up.clear()
            self._still_unknown.clear()
            self._looking_back = [
                look_back_window(g, now) for g in (Granularity.HOUR, Granularity.DAY)
            ]
            self._forget(now)
        if not self._looking_back:
            return False
        remaining = self._fetch_past(self._looking_back[-1])
        self._looking_back[-1:] = [remaining] if remaining else []
        if not self._looking_back:
            self._store.keep_fact("looked_back", today)
        return bool(self._looking_back)

    def _forget(self, now: datetime) -> None:
        """Delete old usage by minute and hour, which coarser buckets also contain.

        If a zone in use has a fractional-hour offset, minutes are summed to quarter hours, which
        are kept as long as hours.
        """
        kept_for = dict(KEEP)
        zones = {*self._zones(), *self._store.zones()}
        if any(has_fractional_hour_offset(zone, now) for zone in zones):
            kept_for[Granularity.MINUTE] = KEEP[Granularity.HOUR]
            end = floor(now - KEEP[Granularity.MINUTE], Granularity.HOUR)
            coverage = self._store.state().coverage.get(Granularity.MINUTE, ())
            done = self._store.fact(_QUARTERS)
            starts = [now - kept_for[Granularity.MINUTE], coverage[0][0] if coverage else end]
            starts += [datetime.fromisoformat(done)] if done else []
            self._store.to_quarters(floor(max(starts), Granularity.HOUR), end)
            self._store.keep_fact(_QUARTERS, end.isoformat())
        for granularity, length in kept_for.items():
            self._store.forget(granularity, floor(now - length, granularity))

    def _keep(self, window: Window, synced_at: datetime | None) -> tuple[int, Window | None]:
        """Fetch and store a window; returns changed rows, and the rest of a long past window."""
        now, begun = self._clock(), monotonic()
        calls = Callbacks(
            refresh=lambda: self._directory.list_for(window),
            listed=self._directory.list_when_old,
            alive=self._alive,
        )
        changed = count = 0
        left: Window | None = None
        first: float | None = None
        with closing(self._pull(window, calls, now)) as parts:
            for part, pulled in parts:
                self._queries += pulled.queries
                is_last = part.start <= window.start
                changed += self._store.replace(
                    part, pulled.rows, synced_at if is_last else None, pulled.notes, pulled.known
                )
                count += pulled.count
                for note in pulled.notes:
                    if note == NOTE:  # each time with sampling; answers say how much
                        log.info("Sync: %s", note)
                    else:
                        log.warning("Sync: %s", note)
                first = monotonic() if first is None else first
                if not is_last and synced_at is None and monotonic() - first > PAST_SECONDS:
                    left = Window(window.granularity, window.start, part.start)
                    break
        fetched = replace(window, start=left.end) if left else window
        self._lengths[window.granularity] = self._next_length(fetched, count, cut=bool(left))
        self._windows += 1
        self._shares += (fetched.end - fetched.start) / HISTORY[fetched.granularity]
        self._seconds += monotonic() - begun
        log.debug("Fetched %s: %d rows, %d changed", fetched, count, changed)
        self._report_progress(fetched)
        return changed, left

    def _pull(
        self, window: Window, calls: Callbacks, now: datetime
    ) -> Generator[PulledPart, None, None]:
        """The usage of a window, in parts: all of it at once from OpenRouter."""
        if self._traces:
            yield from self._traces.pull(window, calls, now)
        else:
            yield PulledPart(window, pull(self._api, self._store, window, calls, now))

    def _next_length(self, fetched: Window, rows: int, *, cut: bool) -> timedelta:
        """The length of the next window, from that of the last one; `cut`: only part of it was
        fetched.

        From ClickHouse, it is as much as can be stored in PAST_SECONDS.
        """
        if not self._traces:
            return next_length(fetched, rows)
        if cut:
            return 2 * (fetched.end - fetched.start)
        length = self._lengths[fetched.granularity]
        return min(length * MAX_GROWTH, HISTORY[fetched.granularity])

    # -- progress

    def _report_progress(self, window: Window) -> None:
        coverage = self._store.state().pulled
        now = self._clock()
        done = [stored_share(granularity, now, coverage) for granularity in ORDER]
        is_complete = next_missing(now, self._known()) is None
        words = f"{window.granularity}s back to {window.start:%Y-%m-%d %H:%M}"
        progress = Progress(
            1.0 if is_complete else sum(done) / len(done),
            words,
            "" if is_complete else self._time_left(now),
        )
        self._report(progress)
        if self._is_first_sync and not is_complete:
            fact = {"done": round(progress.done, 2), "left": progress.left, "at": now.isoformat()}
            self._store.keep_fact(FIRST_SYNC, json.dumps(fact))

    def _time_left(self, now: datetime) -> str:
        """The remaining time at the current pace, in words."""
        known = self._known()
        windows = [
            window for granularity in ORDER for window in missing_windows(granularity, now, known)
        ]
        if self._traces:  # windows are as long as possible, and their time depends on their rows
            missing = sum((one.end - one.start) / HISTORY[one.granularity] for one in windows)
            seconds = missing * self._seconds / max(self._shares, 0.001)
        else:
            count = sum(
                ceil((one.end - one.start) / self._lengths[one.granularity]) for one in windows
            )
            each = self._seconds / max(self._windows, 1)
            seconds = count * max(each, _QUERIES_A_WINDOW * _SECONDS_A_QUERY)
        minutes = max(1, ceil(seconds / 60))
        keys = self._directory.key_count
        for_keys = f" for {keys:,} key{'' if keys == 1 else 's'}" if keys else ""
        return f"about {minutes:,} minute{'' if minutes == 1 else 's'} left{for_keys}"

    def _begin_first_sync(self, now: datetime) -> None:
        """Record that the first sync has started, so that answers and the status mention it."""
        if self._is_first_sync is None:
            fact = self._store.fact(FIRST_SYNC)
            self._is_first_sync = bool(fact) or (fact is None and not self._store.state().synced)
            if self._is_first_sync and not fact:
                first_progress = {"done": 0.0, "left": "", "at": now.isoformat()}
                self._store.keep_fact(FIRST_SYNC, json.dumps(first_progress))

    def _end_first_sync(self) -> None:
        if self._is_first_sync:
            self._is_first_sync = False
            self._store.keep_fact(FIRST_SYNC, "")
