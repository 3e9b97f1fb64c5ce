"""Gathers what a change is explained from: the usage of each API key with each model, twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import sub

from bot.analysis.request import AnalysisRequest, PlannedAnalysis, planned
from bot.store import Store
from bot.store.usage.selection import Ids, Selection
from bot.store.usage.sums import PairSums
from reports.analysis.document import AnalysisDocument
from reports.analysis.moved_answer import Names, moved_answer
from reports.analysis.why import CellUsage
from reports.analysis.why_answer import (
    ComparedRanges,
    DataStatus,
    no_comparison,
    why_answer,
)
from reports.questions.grammar import CommandError
from reports.usage.coverage import AnswerableRange, answerable_range, is_stored
from reports.usage.dimensions import Dimension, Metric

_Spent = tuple[int, int, int, int, int]
"""Ids of key, model and creator; tokens; spend in nano-dollars."""
_TOKENS_AND_SPEND = (Metric.TOKENS, Metric.SPEND)
_NOTHING = (0, 0)
"""The tokens and spend of a pair that was not used."""


def gather_why(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """Why spend, tokens or requests changed against the period before."""
    found = planned(request)
    if isinstance(found, CommandError):
        return found
    store, plan = request.store, found.plan
    coverage = store.state().coverage
    before = answerable_range(plan.ranges.previous, coverage)
    ranges = ComparedRanges(before.range, plan.source.range)
    earlier = () if plan.source.partial else before.partial  # what is a part needs no more
    partial = (*found.partial, *(f"for the period before, {words}" for words in earlier))
    status = DataStatus(found.as_of, partial, gaps=_gaps(plan.source) or _gaps(before))
    if not is_stored(before.range, before.stored, coverage):
        return no_comparison(plan.query, ranges, DataStatus(found.as_of, found.partial))
    if plan.query.metric not in {None, Metric.SPEND}:
        return moved_answer(plan.query, ranges, _moved(store, found, before), status)
    return why_answer(plan.query, ranges, _cells(store, found, before), status)


def _gaps(of: AnswerableRange) -> bool:
    """Whether a bucket that is over has no data."""
    last = {len(of.range.buckets) - 1} if of.range.unfinished else set[int]()
    return bool(of.unknown - last)


def _moved(
    store: Store, found: PlannedAnalysis, before: AnswerableRange
) -> tuple[Mapping[Names, int], Mapping[Names, int]]:
    """Tokens or requests of each group before and now; without a grouping, of each API key with
    each model.
    """
    selection, metrics = found.plan.selection, (found.plan.query.metric or Metric.TOKENS,)
    was: dict[Names, int] = {}
    now: dict[Names, int] = {}
    if found.plan.query.by:
        for of, groups in ((before, was), (found.plan.source, now)):
            sums = store.metric_sums(selection, of.range, of.stored, metrics)
            groups.update({(found.labels[id_],): value for id_, (value,) in sums.items()})
        return was, now
    pairs = _read(store, selection.grouped(Dimension.KEY), found, before, metrics)
    for key, model, used_before, used_now in pairs:
        names = found.labels[key], found.labels[model]
        was[names], now[names] = used_before, used_now
    return was, now


def _cells(store: Store, found: PlannedAnalysis, before: AnswerableRange) -> list[CellUsage]:
    """Those used now first, in the order in which they are read."""
    wanted = found.plan.selection
    if wanted.by is Dimension.CREATOR:
        return _cells_by_creator(store, found, before)
    return _compared(_read(store, wanted.grouped(Dimension.KEY), found, before), store, found)


def _read(
    store: Store,
    wanted: Selection,
    found: PlannedAnalysis,
    before: AnswerableRange,
    metrics: Sequence[Metric] = _TOKENS_AND_SPEND,
) -> list[PairSums]:
    """Pairs with each metric before and now."""
    now = found.plan.source
    ranges = (before.range, before.stored), (now.range, now.stored)
    return store.pair_sums(wanted, ranges, metrics, found.plan.query.source)


def _compared(
    pairs: Iterable[PairSums],
    store: Store,
    found: PlannedAnalysis,
    owners: Mapping[int, int] | None = None,
) -> list[CellUsage]:
    """The cells of pairs of key and model; with `owners`, each with the key's creator."""
    labels, names = found.labels, _model_names(store)
    who = {key: labels[owner] for key, owner in owners.items()} if owners else defaultdict(str)
    used_now: list[CellUsage] = []
    only_before: list[CellUsage] = []
    for key, model, tokens_was, tokens, was, spend in pairs:
        cell = CellUsage(labels[key], names[model], tokens_was, tokens, was, spend, who[key])
        (used_now if tokens or spend else only_before).append(cell)
    return used_now + only_before


def _cells_by_creator(
    store: Store, found: PlannedAnalysis, before: AnswerableRange
) -> list[CellUsage]:
    """The same, each with its creator.

    No view of the store has keys, models and creators: a key is its creator's, and what a creator
    used beyond their keys went through the chatroom.
    """
    owners, wanted = store.directory().owners, found.plan.selection
    ranges = before, found.plan.source
    left: dict[int, list[int]] = {}
    """What each creator used besides the keys read so far: tokens and spend of each range."""
    whole = [
        store.metric_sums(wanted, of.range, of.stored, _TOKENS_AND_SPEND, found.plan.query.source)
        for of in ranges
    ]
    for at, creators in enumerate(whole):
        for creator, (tokens, spend) in creators.items():
            of_creator = left.setdefault(creator, [0, 0, 0, 0])
            of_creator[at], of_creator[at + 2] = tokens, spend
    pairs = [
        pair
        for pair in _read(store, _of_their_keys(store, wanted), found, before)
        if owners.get(pair[0]) in left
    ]
    for key, _, *used in pairs:
        of_creator = left[owners[key]]
        of_creator[:] = map(sub, of_creator, used)
    if not any(map(any, left.values())):
        return _compared(pairs, store, found, owners)
    earlier, now = (
        _with_chatroom(
            store,
            found,
            of,
            [
                (key, model, owners[key], used[at], used[at + 2])
                for key, model, *used in pairs
                if owners[key] in whole[at] and (used[at] or used[at + 2])
            ],
            frozenset(
                creator for creator in whole[at] if left[creator][at] or left[creator][at + 2]
            ),
        )
        for at, of in enumerate(ranges)
    )
    names, labels = _model_names(store), found.labels
    were = {cell[:3]: cell[3:] for cell in earlier}
    cells = []
    for key, model, creator, tokens, spend in now:
        was, spent = were.pop((key, model, creator), _NOTHING)
        who = labels[creator]
        cells.append(CellUsage(labels[key], names[model], was, tokens, spent, spend, who))
    for (key, model, creator), (was, spent) in were.items():
        cells.append(CellUsage(labels[key], names[model], was, 0, spent, 0, labels[creator]))
    return cells


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
