"""Pulling one window from OpenRouter: whole, with owners found, and checked against its total."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.courtesy import giving_way
from bot.flows.identify import DIMENSION, MADE_UP, Names, Owned, Told
from bot.openrouter import Answer, Only, OpenRouter, TimedOutError, View, WireRow
from bot.store import Store
from bot.store.codes import View as StoredView
from bot.store.codes import seconds
from bot.store.directory import Directory
from bot.store.rewrite import RowKey, minus, plus
from reports.query import Dimension, Metric
from reports.text import money, number
from reports.timerange import STEP
from reports.usage import ZERO, Usage, total
from reports.windows import MINUTE, Window

log = logging.getLogger(__name__)

_SETTLED = 3 * MINUTE
_STORED = {View.KEY: StoredView.KEY, View.CREATOR: StoredView.CREATOR}
_ROUNDING = 1_000
"""Nano-dollars by which sums of a window's rows may differ: they come as rounded decimals."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """The rows of a window in both views, what is wrong with them, and how many came."""

    rows: tuple[tuple[RowKey, Usage], ...]
    notes: tuple[str, ...]
    count: int


@dataclass(slots=True)
class _Part:
    """What came for one view of a window."""

    rows: list[WireRow]
    notes: list[str]


def pull(
    api: OpenRouter,
    store: Store,
    window: Window,
    refresh: Callable[[], object],
    now: datetime | None = None,
) -> Pulled:
    """Both views of a window. `refresh` fetches the directory anew where a name is unknown.

    Raises OpenRouterError. Where the views do not add up to the ungrouped total they are pulled
    once more; if they still do not, the notes say so. Only buckets that ended a while before `now`
    (the window's end, where it is not given) are compared: in the others, usage still arrives.
    """
    settled = (now or window.end) - _SETTLED
    pulled, off = _views(api, store, window, refresh, settled)
    if off:
        pulled, off = _views(api, store, window, refresh, settled)
    return Pulled(pulled.rows, (*pulled.notes, *off), pulled.count)


def _views(
    api: OpenRouter,
    store: Store,
    window: Window,
    refresh: Callable[[], object],
    settled: datetime,
) -> tuple[Pulled, tuple[str, ...]]:
    totals = _fetch(api, View.TOTAL, window, None, ())
    rows: list[tuple[RowKey, Usage]] = []
    notes = list(totals.notes)
    off: list[str] = []
    count = 0
    for view in (View.KEY, View.CREATOR):
        owned, part = _view(api, store, view, window, refresh)
        count = max(count, len(part.rows))
        notes += [note for note in part.notes if note not in notes]
        off += differences(window, view, owned, totals.rows, settled)
        models = _models(store, owned)
        rows += [
            ((_STORED[view], seconds(o.bucket), o.member, models[o.model]), o.usage)
            for o in giving_way(owned)
        ]
    return Pulled(tuple(rows), tuple(notes), count), tuple(off)


def _view(
    api: OpenRouter, store: Store, view: View, window: Window, refresh: Callable[[], object]
) -> tuple[Sequence[Owned], _Part]:
    dimension = DIMENSION[view]
    part = _fetch(api, view, window, None, _ids(store.directory(), dimension))
    names = Names(view, store.directory())
    if names.unknown(part.rows):
        refresh()
        names = Names(view, store.directory())
        if found := names.unknown(part.rows):
            names = Names(view, store.add_members(dimension, found))
    shared = names.shared(part.rows)
    told: list[Told] = []
    for members in names.rounds(shared):
        again = _fetch(api, view, window, Only(tuple(m.ref for m in members.values())), ())
        part.notes += [note for note in again.notes if note not in part.notes]
        for row in again.rows:
            member = members.get((row.member, row.email))
            if member:
                told.append((member, row))
    if found := names.namesakes(part.rows, told, shared):
        names = Names(view, store.add_members(dimension, found))
    return tuple(names.assign(part.rows, told, shared)), part


def _fetch(
    api: OpenRouter, view: View, window: Window, only: Only | None, pool: tuple[str, ...]
) -> _Part:
    """All rows of a window, however many: cut by time until it is whole, then by ids.

    `pool` are the ids by which the rest of the view can still be cut.
    """
    answer: Answer | None = None
    try:
        answer = api.usage(view, window.granularity, window.start, window.end, only)
    except TimedOutError:
        if not (window.halves() or pool or _halves(only)):
            raise
    if answer and not answer.truncated:
        return _Part(_used(answer, window), _notes(window, answer))
    if halves := window.halves():
        return _joined(_fetch(api, view, half, only, pool) for half in halves)
    if parts := _halves(only):
        return _joined(_fetch(api, view, window, part, ()) for part in parts)
    if pool:
        half, rest = pool[: (len(pool) + 1) // 2], pool[(len(pool) + 1) // 2 :]
        excluded = (*(only.ids if only else ()), *half)
        return _joined(
            (
                _fetch(api, view, window, Only(half), ()),
                _fetch(api, view, window, Only(excluded, but=True), rest),
            )
        )
    rows = _used(answer, window) if answer else []
    return _Part(rows, [f"of some {window.granularity}s with very many rows only a part is held"])


def _used(answer: Answer, window: Window) -> list[WireRow]:
    """The rows of the window that anything was used in; of buckets beside it only a part came."""
    return [
        row
        for row in giving_way(answer.rows)
        if window.start <= row.bucket < window.end and row.usage != ZERO
    ]


def _halves(only: Only | None) -> tuple[Only, Only] | None:
    if only is None or only.but or len(only.ids) < 2:
        return None
    middle = len(only.ids) // 2
    return Only(only.ids[:middle]), Only(only.ids[middle:])


def _joined(parts: Iterable[_Part]) -> _Part:
    whole = _Part([], [])
    for part in parts:
        whole.rows += part.rows
        whole.notes += [note for note in part.notes if note not in whole.notes]
    return whole


def _notes(window: Window, answer: Answer) -> list[str]:
    if not answer.bad:
        return []
    log.warning("Not readable, of %s: %d rows", window, answer.bad)
    return [f"{'1 row' if answer.bad == 1 else f'{answer.bad} rows'} left out: not readable"]


def differences(
    window: Window,
    view: View,
    rows: Iterable[Owned],
    totals: Iterable[WireRow],
    settled: datetime,
) -> list[str]:
    """Words that say so where the rows of a view do not add up to the total.

    Only buckets that ended before `settled` are compared. By how much goes to the log: it changes
    from one pull to the next, and would be told many times over.
    """
    off: dict[datetime, Usage] = defaultdict(lambda: ZERO)
    for row in totals:
        off[row.bucket] = plus(off[row.bucket], row.usage)
    for owned in giving_way(rows):
        off[owned.bucket] = minus(off[owned.bucket], owned.usage)
    step = STEP[window.granularity]
    wrong = sorted(at for at, usage in off.items() if at + step <= settled and not _nothing(usage))
    if not wrong:
        return []
    apart = _apart(total(off[at] for at in wrong))
    log.warning("Usage by %s: %s apart, %s to %s", DIMENSION[view], apart, wrong[0], wrong[-1])
    return [f"usage by {DIMENSION[view]} does not add up to OpenRouter's total"]


def _apart(usage: Usage) -> str:
    """The first figure that is not nothing, in words."""
    if spend := usage.value(Metric.SPEND):
        return money(abs(spend))
    metric = Metric.TOKENS if usage.tokens else Metric.REQUESTS
    return f"{number(abs(usage.value(metric)))} {metric}"


def _nothing(usage: Usage) -> bool:
    counts = (usage.requests, usage.byok_requests, usage.prompt, usage.completion, usage.reasoning)
    return not any(counts) and abs(usage.credits) <= _ROUNDING and abs(usage.byok) <= _ROUNDING


def _ids(directory: Directory, dimension: Dimension) -> tuple[str, ...]:
    members = directory.of[dimension]
    return tuple(sorted(m.ref for m in members if m.ref and not m.ref.startswith(MADE_UP)))


def _models(store: Store, rows: Iterable[Owned]) -> dict[str, int]:
    """The ids of all models that the rows name; new ones are taken up."""
    named = {row.model for row in giving_way(rows)}
    directory = store.directory()
    new = sorted(name for name in named if (Dimension.MODEL, name) not in directory.ids)
    if new:
        directory = store.add_members(Dimension.MODEL, [(name, name, "") for name in new])
    return {name: directory.ids[Dimension.MODEL, name] for name in named}
