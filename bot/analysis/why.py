"""Gathers what a change is explained from: the usage of each API key with each model, twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import add, sub
from typing import NamedTuple

from bot.analysis.request import AnalysisRequest, PlannedAnalysis, planned
from bot.answers.answer import Plan, missing
from bot.answers.comparison import stored_whole_part, without_groups
from bot.store import Store
from bot.store.usage.selection import Ids, Selection
from bot.store.usage.sums import PairSums
from reports.analysis.document import AnalysisDocument
from reports.analysis.moved import Moved, Names
from reports.analysis.moved_answer import moved_answer
from reports.analysis.why import Cells, CellUsage, Row
from reports.analysis.why_answer import AllUsage, DataStatus, group_of, no_comparison, why_answer
from reports.analysis.why_sentences import ComparedRanges
from reports.questions.grammar import CommandError
from reports.questions.unfinished import WholeChange, has_just_begun
from reports.time.period_to_range import by_hour
from reports.time.time_range import Granularity
from reports.time.whole_buckets import WholeBuckets, left_out
from reports.usage.coverage import AnswerableRange, answerable_range, is_stored
from reports.usage.dimensions import Dimension, Metric
from reports.usage.format import change

_Spent = tuple[int, int, int, int, int]
"""Ids of key, model and creator; tokens; spend in nano-dollars."""
BY_HOUR = "Compared by full hour, because not all minutes of the period before are stored."
_TOKENS_AND_SPEND = (Metric.TOKENS, Metric.SPEND)


def gather_why(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """Why spend, tokens or requests changed against the period before.

    Of a period that isn't over, its whole hours, days or months are explained; JSON has all of it
    as well.
    """
    found = planned(request)
    if isinstance(found, CommandError):
        return found
    store, coverage = request.store, request.store.state().coverage
    before = answerable_range(found.plan.ranges.previous, coverage)
    notes: tuple[str, ...] = ()
    if not is_stored(before.range, before.stored, coverage):
        hourly = _by_hour(store, found)
        if hourly is None:
            ranges = ComparedRanges(before.range, found.plan.source.range)
            return no_comparison(found.plan.query, ranges, DataStatus(found.as_of, found.partial))
        (found, before), notes = hourly, (BY_HOUR,)
    plan = found.plan
    earlier = () if plan.source.partial else before.partial  # what is a part needs no more
    partial = (*found.partial, *(f"for the period before, {words}" for words in earlier))
    gaps = _gaps(plan.source) or _gaps(before)
    status = DataStatus(found.as_of, partial, gaps=gaps, notes=notes)
    part = stored_whole_part(store, plan.query, plan.source, before)
    just_begun = part is None and has_just_begun(plan.source.range)
    periods = _periods(before, plan.source, part)
    by_hours = plan.source.range.granularity is Granularity.HOUR
    if plan.query.metric not in {None, Metric.SPEND}:
        used = _moved(store, found, periods)
        if part and not by_hours and not _totals(periods, list(map(sum, used.columns))).differ:
            part = None
        ranges = ComparedRanges(before.range, plan.source.range, part, just_begun)
        shown = used.of(_Periods(periods.ranges)) if part else None
        return moved_answer(plan.query, ranges, used.of(periods), status, shown)
    read = periods if request.whole else _Periods(periods.ranges[:2])
    pairs = _pairs(store, found, read)
    everything = None
    if part:
        totals = _totals(periods, _spent(store, plan, pairs, read, periods))
        if not totals.differ and not by_hours:
            part, read = None, _periods(before, plan.source, None)
            pairs = _pairs(store, found, read)
        else:
            cells = (lambda: _cells(store, found, pairs, periods)) if request.whole else None
            everything = AllUsage(totals.everything, cells)
    ranges = ComparedRanges(before.range, plan.source.range, part, just_begun)
    explained = _cells(store, found, pairs, _Periods(read.ranges))
    return why_answer(plan.query, ranges, explained, status, everything)


class _Periods(NamedTuple):
    """The ranges to read: first those that are explained, the earlier one and the later one, then
    what these leave out. `before` and `now` are the indexes of the ranges of each period.
    """

    ranges: tuple[AnswerableRange, ...]
    before: tuple[int, ...] = (0,)
    now: tuple[int, ...] = (1,)


def _periods(before: AnswerableRange, now: AnswerableRange, part: WholeBuckets | None) -> _Periods:
    if part is None:
        return _Periods((before, now))
    ranges = [replace(before, range=part.previous), replace(now, range=part.current)]
    places = [0], [1]
    rests = left_out(before.range, part.previous), left_out(now.range, part.current)
    for at, of, rest in zip(places, (before, now), rests, strict=True):
        if rest:
            at.append(len(ranges))
            ranges.append(replace(of, range=rest))
    return _Periods(tuple(ranges), tuple(places[0]), tuple(places[1]))


class _Totals(NamedTuple):
    """The figures of both periods, and without what is left out of them."""

    everything: WholeChange
    shown: WholeChange

    @property
    def differ(self) -> bool:
        """Whether the change is displayed differently without what is left out."""
        return change(self.everything.change) != change(self.shown.change)


def _totals(periods: _Periods, sums: Sequence[int]) -> _Totals:
    """The totals from the sums of each range."""
    before, now = (sum(sums[at] for at in places) for places in (periods.before, periods.now))
    return _Totals(WholeChange(now, before), WholeChange(sums[1], sums[0]))


def _spent(
    store: Store, plan: Plan, pairs: Sequence[_Pair], read: _Periods, periods: _Periods
) -> Sequence[int]:
    """The spend in each range: of those whose pairs were read, as much as these."""
    count, selection = len(read.ranges), without_groups(plan)
    sums = [sum(pair[2 + count + at] for pair in pairs) for at in range(count)]
    return sums + [
        store.sum_of(selection, of.range, of.stored).value(Metric.SPEND, plan.query.source)
        for of in periods.ranges[count:]
    ]


def _by_hour(
    store: Store, found: PlannedAnalysis
) -> tuple[PlannedAnalysis, AnswerableRange] | None:
    """The question by hour, and its earlier period, if that is stored by hour but not by minute.

    OpenRouter has minutes for three hours only, so those before the first sync are never known.
    """
    plan, coverage = found.plan, store.state().coverage
    if plan.ranges.current.granularity is not Granularity.MINUTE:
        return None
    both = by_hour(plan.ranges)
    before = answerable_range(both.previous, coverage)
    if not is_stored(before.range, before.stored, coverage):
        return None
    hourly = replace(plan, ranges=both, source=answerable_range(both.current, coverage))
    as_of = store.state().synced.get(hourly.source.stored)
    return replace(found, plan=hourly, as_of=as_of, partial=missing(store, hourly)), before


def _gaps(of: AnswerableRange) -> bool:
    """Whether a bucket that is over has no data."""
    last = {len(of.range.buckets) - 1} if of.range.unfinished else set[int]()
    return bool(of.unknown - last)


class _Used(NamedTuple):
    """What groups used in each range, a column each, and the names of the group at a place."""

    columns: Sequence[Sequence[int]]
    named: Callable[[int], Names]

    def of(self, periods: _Periods) -> Moved:
        """What each group used before and now."""
        before, now = (
            _added([self.columns[at] for at in places]) for places in (periods.before, periods.now)
        )
        return Moved(before, now, self.named)


def _added(columns: Sequence[Sequence[int]]) -> Sequence[int]:
    """The sum of columns, row by row."""
    first, *others = columns
    for other in others:
        first = list(map(add, first, other))
    return first


def _moved(store: Store, found: PlannedAnalysis, periods: _Periods) -> _Used:
    """Tokens or requests of each group; without a grouping, of each API key with each model."""
    selection, metrics = found.plan.selection, (found.plan.query.metric or Metric.TOKENS,)
    labels, count = found.labels, len(periods.ranges)
    rows: Sequence[Sequence[int]]
    if found.plan.query.by:
        groups: dict[int, list[int]] = {}
        for at, of in enumerate(periods.ranges, 1):
            sums = store.metric_sums(selection, of.range, of.stored, metrics)
            for id_, (value,) in sums.items():
                groups.setdefault(id_, [id_, *[0] * count])[at] = value
        rows, ids = list(groups.values()), 1
    else:
        by_key = selection.grouped(Dimension.KEY)
        rows, ids = _read(store, by_key, found, periods.ranges, metrics), 2
    return _Used(
        [[row[ids + at] for row in rows] for at in range(count)],
        lambda place: tuple(labels[id_] for id_ in rows[place][:ids]),
    )


_Pair = Sequence[int]
"""An API key and a model, by their ids; the tokens in each range, then the spend in each range; for
a question by creator, the creator's id.
"""


def _pairs(store: Store, found: PlannedAnalysis, periods: _Periods) -> Sequence[_Pair]:
    """The usage of each pair, in the order in which it is read."""
    wanted = found.plan.selection
    if wanted.by is Dimension.CREATOR:
        return _pairs_by_creator(store, found, periods.ranges)
    return _read(store, wanted.grouped(Dimension.KEY), found, periods.ranges)


def _cells(
    store: Store, found: PlannedAnalysis, pairs: Sequence[_Pair], periods: _Periods
) -> Cells:
    """The cells of pairs that were used in either period; those used now first."""
    rows = pairs if len(periods.ranges) == 2 else [_compared(one, periods) for one in pairs]
    used_now = [row for row in rows if row[3] or row[5]]
    only_before = [row for row in rows if not (row[3] or row[5]) and (row[2] or row[4])]
    rows, by = used_now + only_before, found.plan.query.by
    labels, models = found.labels, _model_names(store)

    def named(row: Row) -> CellUsage:
        key, model, tokens_was, tokens, spent, spend, *more = row
        creator = labels[more[0]] if more else ""
        return CellUsage(labels[key], models[model], tokens_was, tokens, spent, spend, creator)

    if not (_are_distinct(labels, rows, 0) and _are_distinct(models, rows, 1)):
        return Cells.of(map(named, rows), group_of(by))
    if by is None:
        return Cells(rows, named)
    at = {Dimension.KEY: 0, Dimension.MODEL: 1, Dimension.CREATOR: 6}[by]
    of_groups = models if by is Dimension.MODEL else labels
    return Cells(rows, named, lambda: [of_groups[row[at]] for row in rows])


def _are_distinct(names: Mapping[int, str], rows: Iterable[_Pair], at: int) -> bool:
    """Whether the ids at a place of rows all have different names."""
    ids = {row[at] for row in rows}
    return len({names[id_] for id_ in ids}) == len(ids)


def _compared(pair: _Pair, periods: _Periods) -> _Pair:
    """A pair with tokens before and now, spend before and now."""
    count = len(periods.ranges)
    return [
        *pair[:2],
        *(
            sum(pair[first + at] for at in places)
            for first in (2, 2 + count)
            for places in (periods.before, periods.now)
        ),
        *pair[2 + 2 * count :],
    ]


def _read(
    store: Store,
    wanted: Selection,
    found: PlannedAnalysis,
    ranges: Sequence[AnswerableRange],
    metrics: Sequence[Metric] = _TOKENS_AND_SPEND,
) -> list[PairSums]:
    """Pairs with each metric in each range."""
    read = [(one.range, one.stored) for one in ranges]
    return store.pair_sums(wanted, read, metrics, found.plan.query.source)


def _pairs_by_creator(
    store: Store, found: PlannedAnalysis, ranges: Sequence[AnswerableRange]
) -> Sequence[_Pair]:
    """The same, each with its creator.

    No view of the store has keys, models and creators: a key is its creator's, and what a creator
    used beyond their keys went through the chatroom.
    """
    owners, wanted = store.directory().owners, found.plan.selection
    count, source = len(ranges), found.plan.query.source
    left: dict[int, list[int]] = {}
    """What each creator used besides the keys read so far: tokens and spend of each range."""
    whole = [
        store.metric_sums(wanted, of.range, of.stored, _TOKENS_AND_SPEND, source) for of in ranges
    ]
    for at, creators in enumerate(whole):
        for creator, (tokens, spend) in creators.items():
            of_creator = left.setdefault(creator, [0] * (2 * count))
            of_creator[at], of_creator[at + count] = tokens, spend
    pairs = [
        pair
        for pair in _read(store, _of_their_keys(store, wanted), found, ranges)
        if owners.get(pair[0]) in left
    ]
    for key, _, *used in pairs:
        of_creator = left[owners[key]]
        of_creator[:] = map(sub, of_creator, used)
    if not any(map(any, left.values())):
        return [(*pair, owners[pair[0]]) for pair in pairs]
    merged: dict[tuple[int, int, int], list[int]] = {}
    # groups of the later range come first, then those that were only used before
    for at in (1, 0, *range(2, count)):
        for key, model, creator, tokens, spend in _with_chatroom(
            store,
            found,
            ranges[at],
            [
                (key, model, owners[key], used[at], used[at + count])
                for key, model, *used in pairs
                if owners[key] in whole[at] and (used[at] or used[at + count])
            ],
            frozenset(
                creator for creator in whole[at] if left[creator][at] or left[creator][at + count]
            ),
        ):
            used = merged.setdefault((key, model, creator), [0] * (2 * count))
            used[at] += tokens
            used[at + count] += spend
    return [(key, model, *used, creator) for (key, model, creator), used in merged.items()]


def _model_names(store: Store) -> Mapping[int, str]:
    return {one.id: one.name for one in store.directory().of[Dimension.MODEL]}


def _of_their_keys(store: Store, wanted: Selection) -> Selection:
    """The usage of the keys of the creators asked for, by key."""
    allowed = wanted.ids(Dimension.CREATOR)
    others = tuple(one for one in wanted.members if one[0] is not Dimension.CREATOR)
    by_key = Selection(Dimension.KEY, others)
    if allowed is None:
        return by_key
    keys = frozenset(key for key, owner in store.directory().owners.items() if owner in allowed)
    known = by_key.ids(Dimension.KEY)
    return by_key.only(Dimension.KEY, keys if known is None else keys & known)


def _with_chatroom(
    store: Store,
    found: PlannedAnalysis,
    of: AnswerableRange,
    cells: Sequence[_Spent],
    beyond: Ids,
) -> Sequence[_Spent]:
    """The cells of keys, and the usage of the creators in `beyond` beyond their own keys."""
    if not beyond:
        return cells
    chatroom, source = store.directory().ids[Dimension.KEY, ""], found.plan.query.source
    # only of those whose keys don't explain all of it, the models are read too
    of_creators = found.plan.selection.only(Dimension.CREATOR, beyond)
    remaining = {
        (creator, model): (tokens, spend)
        for creator, model, tokens, spend in store.pair_sums(
            of_creators, [(of.range, of.stored)], _TOKENS_AND_SPEND, source
        )
    }
    all_cells = []
    for cell in cells:
        _, model, owner, tokens, spend = cell
        if owner in beyond:
            left = remaining.get((owner, model))
            if left is None:
                continue
            remaining[owner, model] = left[0] - tokens, left[1] - spend
        all_cells.append(cell)
    all_cells += [
        (chatroom, model, creator, tokens, spend)
        for (creator, model), (tokens, spend) in remaining.items()
        if tokens or spend
    ]
    return all_cells
