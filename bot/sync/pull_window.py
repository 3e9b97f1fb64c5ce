"""Fetching one window of usage from OpenRouter: whole, with owners found, checked against totals.

What did not come is unknown, not 0: an answer that lacks a metric, has no readable row, or is empty
where usage was known is refused as a whole, so that stored usage stays.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
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
from bot.openrouter.wire import OPTIONAL
from bot.runtime.priority import pausing_for_requests
from bot.store import Store
from bot.store.encoding import to_seconds
from bot.store.sync_state import parts
from bot.store.usage.diff import RowKey
from bot.store.usage.directory import Directory
from bot.store.usage.selection import Selection
from bot.sync.attribution import DIMENSION, MADE_UP, AttributedUsage, MemberRow, NameResolver
from reports.time.timerange import STEP, Granularity
from reports.usage.dimensions import Dimension, Metric
from reports.usage.figures import FIGURES, OPTIONAL_NAMES, FigureKind
from reports.usage.format import money, number
from reports.usage.sync_windows import MINUTE, Window
from reports.usage.usage import ZERO, Usage, minus, plus, total

log = logging.getLogger(__name__)

LISTS = {QueryGrouping.KEY: ("keys", "workspaces"), QueryGrouping.CREATOR: ("members",)}
"""The parts of the directory that name the members of a view."""
MOST_QUERIES = 120
"""Queries for one window, two minutes' worth: more than any real one needs, so that an answer that
is always cut short is not split without end."""

_SETTLED = 3 * MINUTE
_ROUNDING = 1_000
"""Nano-dollars by which sums of a window's rows may differ: they come as rounded decimals."""
_FIELDS = {figure.wire: figure.name for figure in FIGURES}
_TOLERANCES = [
    (index, _ROUNDING if figure.kind is FigureKind.MONEY else 0)
    for index, figure in enumerate(FIGURES)
    if not figure.optional
]
"""By how much each figure of the views may differ from the totals; optional ones are not
compared."""


class PartialAnswerError(OpenRouterError):
    """OpenRouter's answer for a window lacks something, so that none of it can be stored."""


@dataclass(frozen=True, slots=True)
class PulledWindow:
    """The rows of a window in both views, notes on what is wrong with them, and how many came.

    `known` are the optional figures that came with all rows, `queries` how many were made.
    """

    rows: tuple[tuple[RowKey, Usage], ...]
    notes: tuple[str, ...]
    count: int
    known: frozenset[str] = OPTIONAL_NAMES
    queries: int = 0


@dataclass(slots=True)
class _Part:
    """What came for one view of a window.

    `unused` are metrics that were null throughout, `lacking` optional ones that did not come with
    all rows.
    """

    rows: list[WireRow]
    notes: list[str]
    unused: frozenset[str] = frozenset()
    lacking: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What `pull` calls on the way.

    `alive` is called before each query, `listed` once usage has been read and before names are
    looked up, `refresh` where a name is not in the directory.
    """

    refresh: Callable[[], object]
    listed: Callable[[], object] = lambda: None
    alive: Callable[[], object] = lambda: None


def pull(
    api: OpenRouter, store: Store, window: Window, calls: Callbacks, now: datetime | None = None
) -> PulledWindow:
    """Fetch both views of a window.

    Raises OpenRouterError; PartialAnswerError where nothing of the answer can be stored. Where the
    views do not add up to the ungrouped total they are fetched once more; if they still do not, the
    notes say so. Only buckets that ended a while before `now` (default: the window's end) are
    compared: in the others, usage still arrives.
    """
    settled = (now or window.end) - _SETTLED
    pulled, off = _views(_Fetching(api, store, calls.alive), store, window, calls, settled)
    queries = pulled.queries
    if off:
        pulled, off = _views(_Fetching(api, store, calls.alive), store, window, calls, settled)
        queries += pulled.queries
    return replace(pulled, notes=(*pulled.notes, *off), queries=queries)


def _views(
    fetching: _Fetching, store: Store, window: Window, calls: Callbacks, settled: datetime
) -> tuple[PulledWindow, tuple[str, ...]]:
    totals = fetching.fetch(QueryGrouping.TOTAL, window, None, ())
    lacking = totals.lacking | _check_unused(store, window, totals)
    calls.listed()
    rows: list[tuple[RowKey, Usage]] = []
    notes = list(totals.notes)
    off: list[str] = []
    count = 0
    for view, dimension in DIMENSION.items():
        stored = Selection(dimension).view
        owned, part = _view(fetching, store, view, window, calls.refresh)
        count = max(count, len(part.rows))
        lacking |= part.lacking
        notes += [note for note in part.notes if note not in notes]
        off += differences(window, view, owned, totals.rows, settled)
        models = _models(store, owned)
        rows += [
            ((stored, to_seconds(o.bucket), o.member, models[o.model]), o.usage)
            for o in pausing_for_requests(owned)
        ]
    known = OPTIONAL_NAMES - {_FIELDS[name] for name in lacking}
    return PulledWindow(tuple(rows), tuple(notes), count, known, fetching.queries), tuple(off)


def _check_unused(store: Store, window: Window, totals: _Part) -> frozenset[str]:
    """Refuse an answer in which a metric is null throughout that was used before.

    Where there are fewer requests than before, usage was taken back, and the metric with it.
    Returns the optional metrics of which this is so: they are unknown. Raises PartialAnswerError.
    """
    if not totals.unused:
        return frozenset()
    stored = store.sum(window)
    if sum(row.usage.requests for row in totals.rows) < stored.requests:
        return frozenset()
    lost = [name for name in _FIELDS if name in totals.unused and getattr(stored, _FIELDS[name])]
    if required := [name for name in lost if _FIELDS[name] not in OPTIONAL_NAMES]:
        raise _lacking(window, required)
    return frozenset(lost)


def _view(
    fetching: _Fetching,
    store: Store,
    view: QueryGrouping,
    window: Window,
    refresh: Callable[[], object],
) -> tuple[Sequence[AttributedUsage], _Part]:
    dimension = DIMENSION[view]
    part = fetching.fetch(view, window, None, _ids(store.directory(), dimension))
    names = NameResolver(view, store.directory())
    if names.unknown(part.rows):
        refresh()
        names = NameResolver(view, store.directory(), listed=_listed(store, view))
        if found := names.unknown(part.rows):
            names = NameResolver(view, store.add_members(dimension, found))
    shared = names.shared(part.rows)
    member_rows: list[MemberRow] = []
    for members in names.rounds(shared):
        ids = tuple(m.ref for m in members.values())
        again = fetching.fetch(view, window, IdFilter(ids), ())
        part.lacking |= again.lacking
        part.notes += [note for note in again.notes if note not in part.notes]
        for row in again.rows:
            member = members.get((row.member, row.email))
            if member:
                member_rows.append((member, row))
    if found := names.namesakes(part.rows, member_rows, shared):
        names = NameResolver(view, store.add_members(dimension, found))
    return tuple(names.assign(part.rows, member_rows, shared)), part


def _listed(store: Store, view: QueryGrouping) -> bool:
    """Whether OpenRouter's last directory listing had all members of a view."""
    unavailable = parts(store)
    return not any(part in unavailable for part in LISTS[view])


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is asked for at once: a window, narrowed by ids; `pool` are ids to split it by."""

    window: Window
    only: IdFilter | None
    pool: tuple[str, ...]

    def split(self) -> tuple[_Piece, ...]:
        """The same in two: by time where it has several buckets, else by ids; or not at all."""
        if halves := self.window.halves():
            return tuple(_Piece(half, self.only, self.pool) for half in halves)
        if parts := _halves(self.only):
            return tuple(_Piece(self.window, part, ()) for part in parts)
        if not self.pool:
            return ()
        half = (len(self.pool) + 1) // 2
        excluded = (*(self.only.ids if self.only else ()), *self.pool[:half])
        return (
            _Piece(self.window, IdFilter(self.pool[:half]), ()),
            _Piece(self.window, IdFilter(excluded, but=True), self.pool[half:]),
        )


class _Fetching:
    """Fetches all rows of a window, however many, within MOST_QUERIES."""

    def __init__(self, api: OpenRouter, store: Store, alive: Callable[[], object]) -> None:
        self._api = api
        self._store = store
        self._alive = alive
        self._left = MOST_QUERIES

    @property
    def queries(self) -> int:
        """How many queries were made."""
        return MOST_QUERIES - self._left

    def fetch(
        self, view: QueryGrouping, window: Window, only: IdFilter | None, pool: tuple[str, ...]
    ) -> _Part:
        """All rows of a window: split by time until none are cut off, then by ids.

        `pool` are the ids by which the view can be split.
        """
        piece = _Piece(window, only, pool)
        return self._rows_of(view, piece, self._ask(view, piece))

    def _rows_of(self, view: QueryGrouping, piece: _Piece, answer: UsageAnswer | None) -> _Part:
        """The rows of a piece after its first answer (None: it took too long)."""
        if answer and not answer.truncated:
            return self._whole(view, piece, answer)
        pieces = piece.split()
        if self._left <= 0 and piece.window.halves():
            words = f"The {piece.window.granularity}s take more than {MOST_QUERIES} queries."
            raise TimedOutError(words)
        if self._left <= 0 or not pieces:
            return _cut_off(piece.window, answer)
        answers = [self._ask(view, one) for one in pieces]
        if answer and _in_vain(answer, answers):
            return _cut_off(piece.window, answer)
        return _joined(
            self._rows_of(view, one, found) for one, found in zip(pieces, answers, strict=True)
        )

    def _ask(self, view: QueryGrouping, piece: _Piece) -> UsageAnswer | None:
        """One query; None where it took too long and can be split."""
        window = piece.window
        self._alive()
        self._left -= 1
        try:
            answer = self._api.usage(view, window.granularity, window.start, window.end, piece.only)
        except TimedOutError:
            if not piece.split():
                raise
            return None
        if answer.missing:
            raise _lacking(window, answer.missing)
        if answer.bad and not answer.rows:
            raise PartialAnswerError(
                f"OpenRouter's answer {_about(window)} cannot be read: {_rows(answer.bad)} without"
                " a known time or name. Earlier figures are kept."
            )
        return answer

    def _whole(self, view: QueryGrouping, piece: _Piece, answer: UsageAnswer) -> _Part:
        window = piece.window
        rows = _used(answer, window)
        if not rows and piece.only is None and self._store.sum(window) != ZERO:
            answer = self._ask(view, piece) or answer
            rows = _used(answer, window)
            if not rows:
                outside = f"{_rows(len(answer.rows))} of other dates" if answer.rows else "no rows"
                raise PartialAnswerError(
                    f"OpenRouter answered with {outside} {_about(window)}, where usage was known."
                    " Earlier figures are kept."
                )
        if not rows and _outside(answer, window):
            raise PartialAnswerError(
                f"All {_rows(len(answer.rows))} of OpenRouter's answer {_about(window)} have other"
                " dates."
            )
        return _Part(rows, _notes(window, answer), frozenset(answer.unused), answer.lacking)


def _in_vain(answer: UsageAnswer, parts: Sequence[UsageAnswer | None]) -> bool:
    """Whether splitting does not help: all parts are cut off too, and bring no further rows."""
    rows = [len(part.rows) for part in parts if part and part.truncated]
    return len(rows) == len(parts) and sum(rows) <= len(answer.rows)


def _cut_off(window: Window, answer: UsageAnswer | None) -> _Part:
    rows = _used(answer, window) if answer else []
    notes = [f"OpenRouter sent only part of the rows of some {window.granularity}s"]
    return _Part(rows, notes, lacking=frozenset(OPTIONAL))


def _lacking(window: Window, names: Iterable[str]) -> PartialAnswerError:
    listed = ", ".join(names)
    return PartialAnswerError(
        f"OpenRouter's answer {_about(window)} has no {listed}. Earlier figures are kept."
    )


def _about(window: Window) -> str:
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
    """How many rows with usage have a date that was not asked for."""
    return sum(
        not window.start <= row.bucket < window.end and row.usage != ZERO
        for row in pausing_for_requests(answer.rows)
    )


def _used(answer: UsageAnswer, window: Window) -> list[WireRow]:
    """The rows with usage that belong to the window; of other buckets only a part came."""
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


def _joined(parts: Iterable[_Part]) -> _Part:
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
        notes.append(f"{_rows(answer.bad)} left out: not readable")
    if outside := _outside(answer, window):
        log.warning("Rows dated outside of %s: %d", window, outside)
        notes.append(f"{_rows(outside)} left out: dated outside the period that was asked for")
    return notes


def differences(
    window: Window,
    view: QueryGrouping,
    rows: Iterable[AttributedUsage],
    totals: Iterable[WireRow],
    settled: datetime,
) -> list[str]:
    """A note where the rows of a view do not add up to the total.

    Only buckets that ended before `settled` are compared. The amount goes to the log: it changes
    from one pull to the next.
    """
    off: dict[datetime, Usage] = defaultdict(lambda: ZERO)
    for row in totals:
        off[row.bucket] = plus(off[row.bucket], row.usage)
    for owned in pausing_for_requests(rows):
        off[owned.bucket] = minus(off[owned.bucket], owned.usage)
    step = STEP[window.granularity]
    wrong = sorted(at for at, usage in off.items() if at + step <= settled and not _nothing(usage))
    if not wrong:
        return []
    apart = _apart(total(off[at] for at in wrong))
    log.warning("Usage by %s is off by %s, %s to %s", DIMENSION[view], apart, wrong[0], wrong[-1])
    return [f"usage by {DIMENSION[view]} does not add up to OpenRouter's total"]


def _apart(usage: Usage) -> str:
    """The first figure that is not 0, in words."""
    if spend := usage.value(Metric.SPEND):
        return money(abs(spend))
    metric = Metric.TOKENS if usage.tokens else Metric.REQUESTS
    return f"{number(abs(usage.value(metric)))} {metric}"


def _nothing(usage: Usage) -> bool:
    return all(abs(usage[index]) <= most for index, most in _TOLERANCES)


def _ids(directory: Directory, dimension: Dimension) -> tuple[str, ...]:
    members = directory.of[dimension]
    return tuple(sorted(m.ref for m in members if m.ref and not m.ref.startswith(MADE_UP)))


def _models(store: Store, rows: Iterable[AttributedUsage]) -> dict[str, int]:
    """The ids of all models that the rows name; new ones are added."""
    named = {row.model for row in pausing_for_requests(rows)}
    directory = store.directory()
    new = sorted(name for name in named if (Dimension.MODEL, name) not in directory.ids)
    if new:
        directory = store.add_members(Dimension.MODEL, [(name, name, "") for name in new])
    return {name: directory.ids[Dimension.MODEL, name] for name in named}
