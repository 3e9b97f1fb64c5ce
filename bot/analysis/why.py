"""Gathers what a change is explained from: the usage of each API key with each model, twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.analysis.request import (
    AnalysisRequest,
    PlannedAnalysis,
    planned,
    usage_by_group,
)
from bot.store import Store
from bot.store.usage.selection import Selection
from reports.analysis.document import AnalysisDocument
from reports.analysis.why import CellUsage
from reports.analysis.why_answer import (
    ComparedRanges,
    DataStatus,
    moved_answer,
    no_comparison,
    why_answer,
)
from reports.questions.grammar import CommandError
from reports.usage.coverage import AnswerableRange, reaches, source
from reports.usage.dimensions import Dimension, Metric, MoneySource

_Place = tuple[int, int, int]
"""Key, model and creator, as ids; the creator is 0 where it is not looked at."""
_Spent = tuple[int, int]
"""Tokens, and spend in nano-dollars."""
_NOTHING: _Spent = (0, 0)


def gather_why(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """Why spend, tokens or requests changed against the period before."""
    query = request.query
    if query.metric not in {None, Metric.SPEND} and query.by is None:
        request = replace(request, query=replace(query, by=Dimension.MODEL))
    found = planned(request)
    if isinstance(found, CommandError):
        return found
    store, plan = request.store, found.plan
    held = store.state().held
    before = source(plan.ranges.previous, held)
    ranges = ComparedRanges(before.range, plan.source.range)
    earlier = () if plan.source.partial else before.partial  # what is a part needs no more
    partial = (*found.partial, *(f"for the period before, {words}" for words in earlier))
    status = DataStatus(found.as_of, partial)
    if not reaches(before.range, before.stored, held):
        return no_comparison(plan.query, ranges, status)
    if plan.query.metric not in {None, Metric.SPEND}:
        both = _groups(store, found, before), _groups(store, found, plan.source)
        return moved_answer(plan.query, ranges, both, status)
    return why_answer(plan.query, ranges, _cells(store, found, before), status)


def _groups(store: Store, found: PlannedAnalysis, of: AnswerableRange) -> Mapping[str, int]:
    query = found.plan.query
    metric = query.metric or Metric.TOKENS
    groups = usage_by_group(store, found.plan.selection, of)
    return {found.labels[id_]: usage.value(metric) for id_, usage in groups.items()}


def _cells(store: Store, found: PlannedAnalysis, before: AnswerableRange) -> list[CellUsage]:
    directory, labels = store.directory(), found.labels
    was, is_ = _spent(store, found, before), _spent(store, found, found.plan.source)
    cells = []
    for place in is_ | was:
        key, model, creator = place
        tokens_before, spend_before = was.get(place, _NOTHING)
        tokens_now, spend_now = is_.get(place, _NOTHING)
        cells.append(
            CellUsage(
                labels[key],
                directory.members[model].name,
                tokens_before,
                tokens_now,
                spend_before,
                spend_now,
                labels[creator] if creator else "",
            )
        )
    return cells


def _spent(store: Store, found: PlannedAnalysis, of: AnswerableRange) -> dict[_Place, _Spent]:
    """Tokens and spend by key and model; by creator, with the creator whose it is."""
    wanted, source_ = found.plan.selection, found.plan.query.source
    if wanted.by is Dimension.CREATOR:
        return _by_creator(store, wanted, of, source_)
    pairs = store.pair_sums(wanted.grouped(Dimension.KEY), of.range, of.stored, source_)
    return {(key, model, 0): spent for (key, model), spent in pairs.items()}


def _by_creator(
    store: Store, wanted: Selection, of: AnswerableRange, money: MoneySource
) -> dict[_Place, _Spent]:
    """Tokens and spend by key, model and creator. No view of the store has all three: a key is its
    creator's, and what a creator used beyond their keys went through the chatroom.
    """
    directory, allowed = store.directory(), wanted.ids(Dimension.CREATOR)
    others = tuple(one for one in wanted.members if one[0] is not Dimension.CREATOR)
    by_key = Selection(Dimension.KEY, others)
    if allowed is not None:
        keys = frozenset(key for key, owner in directory.owners.items() if owner in allowed)
        known = by_key.ids(Dimension.KEY)
        by_key = by_key.only(Dimension.KEY, keys if known is None else keys & known)
    whole = {
        creator: (usage.tokens, usage.value(Metric.SPEND, money))
        for creator, usage in store.group_sums(wanted, of.range, of.stored).items()
    }
    cells: dict[_Place, _Spent] = {}
    rest = dict(whole)
    for (key, model), spent in store.pair_sums(by_key, of.range, of.stored, money).items():
        owner = directory.owners.get(key)
        if owner is not None and owner in rest:
            cells[key, model, owner] = spent
            rest[owner] = _less(rest[owner], spent)
    # only of those whose keys don't explain all of it, the models are read too
    beyond = frozenset(creator for creator, spent in rest.items() if spent != _NOTHING)
    if beyond:
        _add_chatroom(store, cells, wanted.only(Dimension.CREATOR, beyond), of, money)
    return cells


def _add_chatroom(
    store: Store,
    cells: dict[_Place, _Spent],
    wanted: Selection,
    of: AnswerableRange,
    money: MoneySource,
) -> None:
    """Add what creators used beyond their keys, model by model."""
    creators = wanted.ids(Dimension.CREATOR) or frozenset()
    chatroom = store.directory().ids[Dimension.KEY, ""]
    rest = dict(store.pair_sums(wanted, of.range, of.stored, money))
    for key, model, owner in list(cells):
        if owner not in creators:
            continue
        if (owner, model) in rest:
            rest[owner, model] = _less(rest[owner, model], cells[key, model, owner])
        else:
            del cells[key, model, owner]
    for (creator, model), spent in rest.items():
        if spent != _NOTHING:
            cells[chatroom, model, creator] = spent


def _less(one: _Spent, other: _Spent) -> _Spent:
    return one[0] - other[0], one[1] - other[1]
