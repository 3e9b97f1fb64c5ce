"""Gathers what a change is explained from: the usage of each API key with each model, twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.analysis.request import (
    AnalysisRequest,
    PlannedAnalysis,
    planned,
    usage_by_cell,
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
from reports.usage.coverage import AnswerableRange, answerable_range, is_stored
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import ZERO, Usage, minus

_Place = tuple[int, int, int]
"""Key, model and creator, as ids; the creator is 0 where it is not looked at."""


def gather_why(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """Why spend, tokens or requests changed against the period before."""
    query = request.query
    if query.metric not in {None, Metric.SPEND} and query.by is None:
        request = replace(request, query=replace(query, by=Dimension.MODEL))
    found = planned(request)
    if isinstance(found, CommandError):
        return found
    store, plan = request.store, found.plan
    held = store.state().coverage
    before = answerable_range(plan.ranges.previous, held)
    ranges = ComparedRanges(before.range, plan.source.range)
    earlier = () if plan.source.partial else before.partial  # what is a part needs no more
    partial = (*found.partial, *(f"for the period before, {words}" for words in earlier))
    status = DataStatus(found.as_of, partial)
    if not is_stored(before.range, before.stored, held):
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
    query, directory = found.plan.query, store.directory()
    was = _usage(store, found, before)
    is_ = _usage(store, found, found.plan.source)
    cells = []
    for place in {**is_, **was}:
        key, model, creator = place
        earlier, later = was.get(place, ZERO), is_.get(place, ZERO)
        cells.append(
            CellUsage(
                found.labels[key],
                directory.members[model].name,
                earlier.tokens,
                later.tokens,
                earlier.value(Metric.SPEND, query.source),
                later.value(Metric.SPEND, query.source),
                found.labels[creator] if creator else "",
            )
        )
    return cells


def _usage(store: Store, found: PlannedAnalysis, of: AnswerableRange) -> Mapping[_Place, Usage]:
    """Usage by key and model; by creator, with the creator whose it is."""
    wanted = found.plan.selection
    by_key = wanted.grouped(Dimension.KEY)
    if wanted.by is Dimension.CREATOR:
        return _by_creator(store, wanted, of)
    return {
        (key, model, 0): used for (key, model), used in usage_by_cell(store, by_key, of).items()
    }


def _by_creator(store: Store, wanted: Selection, of: AnswerableRange) -> Mapping[_Place, Usage]:
    """Usage by key, model and creator. No view of the store has all three: a key is its creator's,
    and what a creator used beyond their keys went through the chatroom.
    """
    directory = store.directory()
    chatroom, owners = directory.ids[Dimension.KEY, ""], directory.owners
    rest = dict(usage_by_cell(store, wanted, of))
    cells: dict[_Place, Usage] = {}
    others = tuple(one for one in wanted.members if one[0] is not Dimension.CREATOR)
    by_key = Selection(Dimension.KEY, others)
    for (key, model), used in usage_by_cell(store, by_key, of).items():
        owner = owners.get(key)
        if owner is None or (owner, model) not in rest:
            continue
        cells[key, model, owner] = used
        rest[owner, model] = minus(rest[owner, model], used)
    for (creator, model), used in rest.items():
        if used != ZERO:
            cells[chatroom, model, creator] = used
    return cells
