"""Fetches one window of usage from OpenRouter: complete, attributed, and checked against totals.

Missing data is unknown, not 0: a response that lacks a metric, has no readable row, has rows twice,
or is empty although usage is stored is rejected as a whole, so that the stored usage stays.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.openrouter import (
    IdFilter,
    OpenRouter,
    OpenRouterError,
    QueryGrouping,
    TimedOutError,
    UsageAnswer,
    WireRow,
)
from bot.openrouter.wire import OPTIONAL, repeated
from bot.runtime.priority import pausing_for_requests
from bot.store import Store
from bot.store.encoding import to_seconds
from bot.store.sync_state import parts
from bot.store.usage.diff import RowKey
from bot.store.usage.directory import Directory
from bot.store.usage.selection import Selection
from bot.store.usage.trace_members import SYNTHETIC_REFS
from bot.sync.attribution import DIMENSION, AttributedUsage, MemberRow, NameResolver
from reports.time.time_range import HOUR, STEP, Granularity, floor
from reports.usage.coverage import gaps, merge
from reports.usage.dimensions import Dimension, Metric
from reports.usage.figure_table import FIGURES, OPTIONAL_NAMES, FigureKind
from reports.usage.format import money, number
from reports.usage.usage import ZERO, Usage, minus, plus, total
from reports.usage.windows_to_fetch import MINUTE, Window

log = logging.getLogger(__name__)

LISTS = {QueryGrouping.KEY: ("keys", "workspaces"), QueryGrouping.CREATOR: ("members",)}
"""The parts of the directory that name the members of a view."""
MOST_QUERIES = 120
"""Queries per window (two minutes' worth): more than any real window needs, but a limit if
responses stay truncated however small the parts are."""

SETTLED = 3 * MINUTE
"""How long after its end a bucket may still be incomplete."""
ROUNDING = 1_000
"""Nano-dollars by which sums may differ, because OpenRouter returns rounded decimals."""
_FIELDS = {figure.wire: figure.name for figure in FIGURES}
TOLERANCES = [
    (index, ROUNDING if figure.kind is FigureKind.MONEY else 0)
    for index, figure in enumerate(FIGURES)
    if not figure.optional
]
"""The allowed difference of each figure between the views and the totals, except optional ones."""


class PartialAnswerError(OpenRouterError):
    """OpenRouter's response for a window is incomplete, so none of it can be stored."""


@dataclass(frozen=True, slots=True)
class PulledWindow:
    """The rows of a window in both views, notes on problems, and the number of fetched rows.

    `known` are the optional figures that all rows have, `queries` the number of queries made.
    """

    rows: tuple[tuple[RowKey, Usage], ...]
    notes: tuple[str, ...]
    count: int
    known: frozenset[str] = OPTIONAL_NAMES
    queries: int = 0


@dataclass(slots=True)
class _Part:
    """The response for one view of a window.

    `unused` are metrics that are null in all rows, `lacking` optional metrics that not all rows
    have.
    """

    rows: list[WireRow]
    notes: list[str]
    unused: frozenset[str] = frozenset()
    lacking: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Callbacks of `pull`.

    `alive` is called before each query, `listed` after usage was fetched and before names are
    resolved, `refresh` if a name isn't in the directory.
    """

    refresh: Callable[[], object]
    listed: Callable[[], object] = lambda: None
    alive: Callable[[], object] = lambda: None


def pull(
    api: OpenRouter, store: Store, window: Window, calls: Callbacks, now: datetime | None = None
) -> PulledWindow:
    """Fetch both views of a window.

    If the views don't add up to the ungrouped total, they are fetched once more; if they still
    don't, the notes say so. Only buckets that ended three minutes before `now` (default: the
    window's end) are compared, because younger ones still change. Raises OpenRouterError, and
    PartialAnswerError if the response can't be stored.
    """
    settled = (now or window.end) - SETTLED
    pulled, mismatches = _views(_Fetching(api, store, calls.alive), store, window, calls, settled)
    queries = pulled.queries
    if mismatches:
        pulled, mismatches = _views(
            _Fetching(api, store, calls.alive), store, window, calls, settled
        )
        queries += pulled.queries
    return replace(pulled, notes=(*pulled.notes, *mismatches), queries=queries)


@dataclass(frozen=True, slots=True)
class ModelTotals:
    """OpenRouter's totals of a window by bucket and model.

    `notes` say what is wrong with them, `lacking` are the optional metrics that they lack,
    `queries` is the number of queries made.
    """

    by_bucket: Mapping[datetime, Mapping[str, Usage]]
    notes: tuple[str, ...]
    lacking: frozenset[str]
    queries: int


def fetch_model_totals(
    api: OpenRouter, store: Store, window: Window, alive: Callable[[], object]
) -> ModelTotals:
    """Fetch the totals of a window by model.

    Raises OpenRouterError, and PartialAnswerError if the response lacks anything.
    """
    fetching = _Fetching(api, store, alive)
    part = fetching.fetch(QueryGrouping.MODEL, window, None, ())
    lacking = part.lacking | _check_unused(store, window, part)
    found: dict[datetime, dict[str, Usage]] = defaultdict(dict)
    for row in pausing_for_requests(part.rows):
        models = found[row.bucket]
        models[row.model] = plus(models.get(row.model, ZERO), row.usage)
    return ModelTotals(dict(found), tuple(part.notes), lacking, fetching.queries)


def _views(
    fetching: _Fetching, store: Store, window: Window, calls: Callbacks, settled: datetime
) -> tuple[PulledWindow, tuple[str, ...]]:
    totals = fetching.fetch(QueryGrouping.TOTAL, window, None, ())
    lacking = totals.lacking | _check_unused(store, window, totals)
    calls.listed()
    rows: list[tuple[RowKey, Usage]] = []
    notes = list(totals.notes)
    mismatches: list[str] = []
    count = 0
    for view, dimension in DIMENSION.items():
        stored = Selection(dimension).view
        owned, part = _view(fetching, store, view, window, calls.refresh, totals.rows)
        count = max(count, len(part.rows))
        lacking |= part.lacking
        notes += [note for note in part.notes if note not in notes]
        mismatches += differences(window, view, owned, totals.rows, settled)
        models = model_ids(store, {o.model for o in pausing_for_requests(owned)})
        rows += [
            ((stored, to_seconds(o.bucket), o.member, models[o.model]), o.usage)
            for o in pausing_for_requests(owned)
        ]
    known = OPTIONAL_NAMES - {_FIELDS[name] for name in lacking}
    return PulledWindow(tuple(rows), tuple(notes), count, known, fetching.queries), tuple(
        mismatches
    )


def _check_unused(store: Store, window: Window, totals: _Part) -> frozenset[str]:
    """Reject a response in which a metric is null in all rows although usage of it is stored.

    With fewer requests than stored, usage was removed upstream, and the metric with it. Returns the
    optional metrics that are null like this: they are unknown. Raises PartialAnswerError for
    required ones.
    """
    if not totals.unused:
        return frozenset()
    stored = store.sum(window)
    if sum(row.usage.requests for row in totals.rows) < stored.requests:
        return frozenset()
    lost = [name for name in _FIELDS if name in totals.unused and getattr(stored, _FIELDS[name])]
    if required := [name for name in lost if _FIELDS[name] not in OPTIONAL_NAMES]:
        raise _incomplete_error(window, required)
    return frozenset(lost)


def _view(
    fetching: _Fetching,
    store: Store,
    view: QueryGrouping,
    window: Window,
    refresh: Callable[[], object],
    totals: Sequence[WireRow],
) -> tuple[Sequence[AttributedUsage], _Part]:
    dimension = DIMENSION[view]
    pool = _ids(store.directory(), dimension)
    part = fetching.fetch(view, window, None, pool)
    if _surplus_repeats(part.rows, totals):
        part = fetching.fetch(view, window, None, pool)
        if count := _surplus_repeats(part.rows, totals):
            raise _repeated_error(window, count)
    names = NameResolver(view, store.directory())
    if names.unknown(part.rows):
        refresh()
        names = NameResolver(view, store.directory(), listed=is_listed(store, view))
        if found := names.unknown(part.rows):
            names = NameResolver(view, store.add_members(dimension, found))
    shared = names.shared(part.rows)
    member_rows: list[MemberRow] = []
    for members in names.rounds(shared):
        ids = tuple(m.ref for m in members.values())
        again = fetching.fetch(view, window, IdFilter(ids), ())
        if count := len(again.rows) - len(set(again.rows)):  # each id has a name of its own
            raise _repeated_error(window, count)
        part.lacking |= again.lacking
        part.notes += [note for note in again.notes if note not in part.notes]
        for row in again.rows:
            member = members.get((row.member, row.email))
            if member:
                member_rows.append((member, row))
    if found := names.namesakes(part.rows, member_rows, shared):
        names = NameResolver(view, store.add_members(dimension, found))
    return tuple(names.assign(part.rows, member_rows, shared)), part


def is_listed(store: Store, view: QueryGrouping) -> bool:
    """Whether the last directory listing had all members of a view."""
    unavailable = parts(store)
    return not any(part in unavailable for part in LISTS[view])


@dataclass(frozen=True, slots=True)
class _Query:
    """One query: a window, optionally filtered by ids; `pool` are ids to split it by."""

    window: Window
    only: IdFilter | None
    pool: tuple[str, ...]

    def split(self) -> tuple[_Query, ...]:
        """Two halves: by time if there are several buckets, else by ids; empty if impossible."""
        if halves := self.window.halves():
            return tuple(_Query(half, self.only, self.pool) for half in halves)
        if parts := _halves(self.only):
            return tuple(_Query(self.window, part, ()) for part in parts)
        if not self.pool:
            return ()
        half = (len(self.pool) + 1) // 2
        excluded = (*(self.only.ids if self.only else ()), *self.pool[:half])
        return (
            _Query(self.window, IdFilter(self.pool[:half]), ()),
            _Query(self.window, IdFilter(excluded, but=True), self.pool[half:]),
        )


class _Fetching:
    """Fetches all rows of a window, however many, within MOST_QUERIES."""

    def __init__(self, api: OpenRouter, store: Store, alive: Callable[[], object]) -> None:
        self._api = api
        self._store = store
        self._alive = alive
        self._queries_left = MOST_QUERIES

    @property
    def queries(self) -> int:
        """The number of queries made."""
        return MOST_QUERIES - self._queries_left

    def fetch(
        self, view: QueryGrouping, window: Window, only: IdFilter | None, pool: tuple[str, ...]
    ) -> _Part:
        """Fetch all rows of a window, split by time until no response is truncated, then by ids.

        `pool` are the ids by which the view can be split. Raises OpenRouterError.
        """
        piece = _Query(window, only, pool)
        return self._rows_of(view, piece, self._ask(view, piece))

    def _rows_of(self, view: QueryGrouping, piece: _Query, answer: UsageAnswer | None) -> _Part:
        """The rows of a query, given its first response (None: it timed out)."""
        if answer and not answer.truncated:
            return self._complete_rows(view, piece, answer)
        pieces = piece.split()
        if self._queries_left <= 0 and piece.window.halves():
            words = f"The {piece.window.granularity}s take more than {MOST_QUERIES} queries."
            raise TimedOutError(words)
        if self._queries_left <= 0 or not pieces:
            return _cut_off(piece.window, answer)
        answers = [self._ask(view, one) for one in pieces]
        if answer and _splitting_is_useless(answer, answers):
            return _cut_off(piece.window, answer)
        return _merged(
            self._rows_of(view, one, found) for one, found in zip(pieces, answers, strict=True)
        )

    def _ask(self, view: QueryGrouping, piece: _Query) -> UsageAnswer | None:
        """The response to one query; None if it timed out and can be split."""
        window = piece.window
        try:
            answer = self._usage(view, piece)
            if repeated(_rows_with_usage(answer, window), view):
                answer = self._usage(view, piece)
        except TimedOutError:
            if not piece.split():
                raise
            return None
        if answer.missing:
            raise _incomplete_error(window, answer.missing)
        if answer.bad and not answer.rows:
            raise PartialAnswerError(
                f"OpenRouter's response {_window_words(window)} can't be read:"
                f" {_rows(answer.bad)} without a known time, name or count."
                " Earlier figures are kept."
            )
        if count := repeated(_rows_with_usage(answer, window), view):
            raise _repeated_error(window, count)
        return answer

    def _usage(self, view: QueryGrouping, piece: _Query) -> UsageAnswer:
        window = piece.window
        self._alive()
        self._queries_left -= 1
        return self._api.usage(view, window.granularity, window.start, window.end, piece.only)

    def _is_used(self, window: Window) -> bool:
        """Whether usage of a window is stored, or has to be there by what is stored by hour."""
        if self._store.sum(window) != ZERO:
            return True
        state = self._store.state()
        if window.granularity is not Granularity.MINUTE or Granularity.HOUR not in state.synced:
            return False
        start = floor(window.start, Granularity.HOUR)
        end = floor(window.end - MINUTE, Granularity.HOUR) + HOUR
        # all other minutes that the hours contain have to be stored
        known = merge([*state.coverage.get(Granularity.MINUTE, ()), (window.start, window.end)])
        if gaps((start, min(end, state.synced[Granularity.HOUR])), known):
            return False
        hours, minutes = (
            self._store.sum(Window(granularity, start, end)).requests
            for granularity in (Granularity.HOUR, Granularity.MINUTE)
        )
        return hours > minutes

    def _complete_rows(self, view: QueryGrouping, piece: _Query, answer: UsageAnswer) -> _Part:
        window = piece.window
        rows = _rows_with_usage(answer, window)
        if not rows and piece.only is None and self._is_used(window):
            answer = self._ask(view, piece) or answer
            rows = _rows_with_usage(answer, window)
            if not rows:
                by_hour = " by hour" if self._store.sum(window) == ZERO else ""
                outside = f"{_rows(len(answer.rows))} of other dates" if answer.rows else "no rows"
                raise PartialAnswerError(
                    f"OpenRouter responded with {outside} {_window_words(window)}, although usage"
                    f" is stored{by_hour}. Earlier figures are kept."
                )
        if not rows and _outside(answer, window):
            raise PartialAnswerError(
                f"All {_rows(len(answer.rows))} of OpenRouter's response {_window_words(window)}"
                " have other dates."
            )
        return _Part(rows, _notes(window, answer), frozenset(answer.unused), answer.lacking)


def _splitting_is_useless(answer: UsageAnswer, parts: Sequence[UsageAnswer | None]) -> bool:
    """Whether splitting doesn't help: all parts are truncated, with no more rows in total."""
    rows = [len(part.rows) for part in parts if part and part.truncated]
    return len(rows) == len(parts) and sum(rows) <= len(answer.rows)


def _cut_off(window: Window, answer: UsageAnswer | None) -> _Part:
    rows = _rows_with_usage(answer, window) if answer else []
    notes = [f"OpenRouter sent only part of the rows of some {window.granularity}s"]
    return _Part(rows, notes, lacking=frozenset(OPTIONAL))


def _incomplete_error(window: Window, names: Iterable[str]) -> PartialAnswerError:
    listed = ", ".join(names)
    return PartialAnswerError(
        f"OpenRouter's response {_window_words(window)} has no {listed}. Earlier figures are kept."
    )


def _repeated_error(window: Window, count: int) -> PartialAnswerError:
    return PartialAnswerError(
        f"OpenRouter's response {_window_words(window)} has {_rows(count)} twice."
        " Earlier figures are kept."
    )


def _surplus_repeats(rows: Sequence[WireRow], totals: Iterable[WireRow]) -> int:
    """The number of rows of a view that come again and are more than the totals have.

    Keys or members of one name may be used alike, but then the totals have the usage of each.
    """
    if len(set(pausing_for_requests(rows))) == len(rows):
        return 0
    surplus: dict[datetime, Usage] = defaultdict(lambda: ZERO)
    repeats: dict[datetime, Usage] = defaultdict(lambda: ZERO)
    found: Counter[datetime] = Counter()
    seen: set[WireRow] = set()
    for row in totals:
        surplus[row.bucket] = minus(surplus[row.bucket], row.usage)
    for row in pausing_for_requests(rows):
        surplus[row.bucket] = plus(surplus[row.bucket], row.usage)
        if row in seen:
            repeats[row.bucket] = plus(repeats[row.bucket], row.usage)
            found[row.bucket] += 1
        seen.add(row)
    return sum(
        count
        for bucket, count in found.items()
        if all(surplus[bucket][n] >= repeats[bucket][n] - most for n, most in TOLERANCES)
    )


def _window_words(window: Window) -> str:
    """The window in words: `for the hours from 2026-11-22 12:00 to 14:23 UTC`."""
    end = "%H:%M" if window.start.date() == window.end.date() else "%Y-%m-%d %H:%M"
    if window.granularity is Granularity.DAY:
        return f"for the days from {window.start:%Y-%m-%d} to {window.end:%Y-%m-%d}"
    return (
        f"for the {window.granularity}s from {window.start:%Y-%m-%d %H:%M} to"
        f" {window.end.strftime(end)} UTC"
    )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _outside(answer: UsageAnswer, window: Window) -> int:
    """The number of rows with usage whose date is outside the window."""
    return sum(
        not window.start <= row.bucket < window.end and row.usage != ZERO
        for row in pausing_for_requests(answer.rows)
    )


def _rows_with_usage(answer: UsageAnswer, window: Window) -> list[WireRow]:
    """The rows with usage inside the window; other buckets are incomplete."""
    return [
        row
        for row in pausing_for_requests(answer.rows)
        if window.start <= row.bucket < window.end and row.usage != ZERO
    ]


def _halves(only: IdFilter | None) -> tuple[IdFilter, IdFilter] | None:
    if only is None or only.but or len(only.ids) < 2:
        return None
    middle = len(only.ids) // 2
    return IdFilter(only.ids[:middle]), IdFilter(only.ids[middle:])


def _merged(parts: Iterable[_Part]) -> _Part:
    whole = _Part([], [])
    unused: list[frozenset[str]] = []
    for part in parts:
        whole.rows += part.rows
        whole.notes += [note for note in part.notes if note not in whole.notes]
        unused += [part.unused] if part.rows else []
        whole.lacking |= part.lacking
    whole.unused = frozenset.intersection(*unused) if unused else frozenset()
    return whole


def _notes(window: Window, answer: UsageAnswer) -> list[str]:
    notes = []
    if answer.bad:
        log.warning("Unreadable rows for %s: %d", window, answer.bad)
        notes.append(f"{_rows(answer.bad)} left out: unreadable")
    if outside := _outside(answer, window):
        log.warning("Rows dated outside of %s: %d", window, outside)
        notes.append(f"{_rows(outside)} left out: dated outside the requested period")
    return notes


def differences(
    window: Window,
    view: QueryGrouping,
    rows: Iterable[AttributedUsage],
    totals: Iterable[WireRow],
    settled: datetime,
) -> list[str]:
    """A note if the rows of a view don't add up to the total.

    Only buckets that ended before `settled` are compared. The amount is only logged, because it
    changes between pulls.
    """
    remainder: dict[datetime, Usage] = defaultdict(lambda: ZERO)
    for row in totals:
        remainder[row.bucket] = plus(remainder[row.bucket], row.usage)
    for owned in pausing_for_requests(rows):
        remainder[owned.bucket] = minus(remainder[owned.bucket], owned.usage)
    step = STEP[window.granularity]
    wrong_buckets = sorted(
        at
        for at, usage in remainder.items()
        if at + step <= settled and not _is_within_tolerance(usage)
    )
    if not wrong_buckets:
        return []
    difference = _difference_words(total(remainder[at] for at in wrong_buckets))
    log.warning(
        "Usage by %s is off by %s, %s to %s",
        DIMENSION[view],
        difference,
        wrong_buckets[0],
        wrong_buckets[-1],
    )
    return [f"usage by {DIMENSION[view]} does not add up to OpenRouter's total"]


def _difference_words(usage: Usage) -> str:
    """The first nonzero figure, in words."""
    if spend := usage.value(Metric.SPEND):
        return money(abs(spend))
    metric = Metric.TOKENS if usage.tokens else Metric.REQUESTS
    return f"{number(abs(usage.value(metric)))} {metric}"


def _is_within_tolerance(usage: Usage) -> bool:
    return all(abs(usage[index]) <= most for index, most in TOLERANCES)


def _ids(directory: Directory, dimension: Dimension) -> tuple[str, ...]:
    members = directory.of[dimension]
    return tuple(sorted(m.ref for m in members if m.ref and not m.ref.startswith(SYNTHETIC_REFS)))


def model_ids(store: Store, named: Collection[str]) -> dict[str, int]:
    """The ids of models by their names; new ones are added to the directory."""
    directory = store.directory()
    new = sorted(name for name in named if (Dimension.MODEL, name) not in directory.ids)
    if new:
        directory = store.add_members(Dimension.MODEL, [(name, name, "") for name in new])
    return {name: directory.ids[Dimension.MODEL, name] for name in named}
