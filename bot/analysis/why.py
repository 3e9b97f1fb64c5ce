"""Gathers what a change is explained from: the usage of each API key with each model, twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.analysis.request import (
    AnalysisRequest,
    PlannedAnalysis,
    planned,
    usage_by_cell,
    usage_by_group,
)
from bot.store import Store
from bot.store.usage.selection import Selection
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
from reports.usage.dimensions import Dimension, Metric, MoneySource

_Spent = tuple[int, int, int, int, int]
"""Ids of key, model and creator; tokens; spend in nano-dollars."""
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
        both = _moved(store, found, before), _moved(store, found, plan.source)
        return moved_answer(plan.query, ranges, both, status)
    return why_answer(plan.query, ranges, _cells(store, found, before), status)


def _gaps(of: AnswerableRange) -> bool:
    """Whether a bucket that is over has no data."""
    last = {len(of.range.buckets) - 1} if of.range.unfinished else set[int]()
    return bool(of.unknown - last)


def _moved(store: Store, found: PlannedAnalysis, of: AnswerableRange) -> Mapping[Names, int]:
    """Tokens or requests of each group; without a grouping, of each API key with each model."""
    selection, metric = found.plan.selection, found.plan.query.metric or Metric.TOKENS
    if found.plan.query.by:
        groups = usage_by_group(store, selection, of)
        return {(found.labels[id_],): usage.value(metric) for id_, usage in groups.items()}
    cells = usage_by_cell(store, selection.grouped(Dimension.KEY), of)
    return {
        (found.labels[key], found.labels[model]): usage.value(metric)
        for (key, model), usage in cells.items()
    }


def _cells(store: Store, found: PlannedAnalysis, before: AnswerableRange) -> list[CellUsage]:
    """Those used now first, in the order in which they are read."""
    wanted, money, now = found.plan.selection, found.plan.query.source, found.plan.source
    if wanted.by is Dimension.CREATOR:
        return _cells_by_creator(store, found, before)
    labels, names = found.labels, _model_names(store)
    by_key = wanted.grouped(Dimension.KEY)
    earlier = {
        (key, model): (tokens, spend)
        for key, model, tokens, spend in store.pair_sums(by_key, before.range, before.stored, money)
    }
    cells = []
    for key, model, tokens, spend in store.pair_sums(by_key, now.range, now.stored, money):
        was, spent = earlier.pop((key, model), _NOTHING)
        cells.append(CellUsage(labels[key], names[model], was, tokens, spent, spend))
    for (key, model), (was, spent) in earlier.items():
        cells.append(CellUsage(labels[key], names[model], was, 0, spent, 0))
    return cells


def _cells_by_creator(
    store: Store, found: PlannedAnalysis, before: AnswerableRange
) -> list[CellUsage]:
    """The same, each with its creator."""
    wanted, money, labels = found.plan.selection, found.plan.query.source, found.labels
    names = _model_names(store)
    earlier = {
        (key, model, creator): (tokens, spend)
        for key, model, creator, tokens, spend in _by_creator(store, wanted, before, money)
    }
    cells = []
    for key, model, creator, tokens, spend in _by_creator(store, wanted, found.plan.source, money):
        was, spent = earlier.pop((key, model, creator), _NOTHING)
        who = labels[creator]
        cells.append(CellUsage(labels[key], names[model], was, tokens, spent, spend, who))
    for (key, model, creator), (was, spent) in earlier.items():
        cells.append(CellUsage(labels[key], names[model], was, 0, spent, 0, labels[creator]))
    return cells


def _model_names(store: Store) -> Mapping[int, str]:
    return {one.id: one.name for one in store.directory().of[Dimension.MODEL]}


def _by_creator(
    store: Store, wanted: Selection, of: AnswerableRange, money: MoneySource
) -> list[_Spent]:
    """What each key of each creator spent on each model. No view of the store has all three: a key
    is its creator's, and what a creator used beyond their keys went through the chatroom.
    """
    directory, allowed = store.directory(), wanted.ids(Dimension.CREATOR)
    owners = directory.owners
    others = tuple(one for one in wanted.members if one[0] is not Dimension.CREATOR)
    by_key = Selection(Dimension.KEY, others)
    if allowed is not None:
        keys = frozenset(key for key, owner in owners.items() if owner in allowed)
        known = by_key.ids(Dimension.KEY)
        by_key = by_key.only(Dimension.KEY, keys if known is None else keys & known)
    whole = store.tokens_and_spend(wanted, of.range, of.stored, money)
    tokens_left = {creator: tokens for creator, (tokens, _) in whole.items()}
    spend_left = {creator: spend for creator, (_, spend) in whole.items()}
    cells: list[_Spent] = []
    for key, model, tokens, spend in store.pair_sums(by_key, of.range, of.stored, money):
        owner = owners.get(key)
        if owner in tokens_left:
            cells.append((key, model, owner, tokens, spend))
            tokens_left[owner] -= tokens
            spend_left[owner] -= spend
    # only of those whose keys don't explain all of it, the models are read too
    beyond = frozenset(one for one in whole if tokens_left[one] or spend_left[one])
    if not beyond:
        return cells
    of_creators = wanted.only(Dimension.CREATOR, beyond)
    return _with_chatroom(
        cells,
        store.pair_sums(of_creators, of.range, of.stored, money),
        directory.ids[Dimension.KEY, ""],
        beyond,
    )


def _with_chatroom(
    cells: Sequence[_Spent], of_creators: Iterable[PairSums], chatroom: int, beyond: frozenset[int]
) -> list[_Spent]:
    """The cells of keys, and the usage of the creators in `beyond` beyond their own keys."""
    remaining = {(creator, model): (tokens, spend) for creator, model, tokens, spend in of_creators}
    found = []
    for cell in cells:
        _, model, owner, tokens, spend = cell
        if owner in beyond:
            left = remaining.get((owner, model))
            if left is None:
                continue
            remaining[owner, model] = left[0] - tokens, left[1] - spend
        found.append(cell)
    found += [
        (chatroom, model, creator, tokens, spend)
        for (creator, model), (tokens, spend) in remaining.items()
        if tokens or spend
    ]
    return found
