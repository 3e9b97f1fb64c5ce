"""What the gatherer of every kind gets, and the parts of the work that several of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.answers import visibility
from bot.answers.answer import Plan, make_plan, missing
from bot.answers.visibility import ANYONE, Asker
from bot.store import Store
from bot.store.usage.selection import Ids, Selection
from reports.questions.grammar import CommandError
from reports.questions.query import Query
from reports.usage.coverage import AnswerableRange
from reports.usage.usage import Usage

if TYPE_CHECKING:
    from bot.clickhouse import ClickHouse


@dataclass(frozen=True, slots=True)
class AnalysisRequest:
    """A question, its moment (UTC), the default zone of calendar periods, and who asks.

    `traces` is the organization's ClickHouse, if it is connected. Without `whole`, figures that
    only JSON has may be left out, which is enough for messages.
    """

    store: Store
    query: Query
    now: datetime
    zone: str
    asker: Asker = ANYONE
    traces: ClickHouse | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class PlannedAnalysis:
    """A question made exact, what its members are called, and how good the data is."""

    plan: Plan
    labels: Mapping[int, str]
    as_of: datetime | None
    partial: tuple[str, ...]


def planned(request: AnalysisRequest) -> PlannedAnalysis | CommandError:
    """Make a question exact, narrowed to what the asker may see; or say why it means nothing."""
    store = request.store
    plan = make_plan(store, request.query, request.now, request.zone, request.asker)
    if isinstance(plan, CommandError):
        return plan
    as_of = store.state().synced.get(plan.source.stored)
    labels = visibility.labels(store.directory(), request.asker)
    return PlannedAnalysis(plan, labels, as_of, missing(store, plan))


BILLED = ("requests", "prompt", "completion", "credits", "byok")
"""The figures behind requests, tokens and spend."""


def usage_by_cell(
    store: Store,
    selection: Selection,
    of: AnswerableRange,
    groups: Ids | None = None,
    figures: Sequence[str] = Usage._fields,
) -> Mapping[tuple[int, int], Usage]:
    """Usage of a whole range by group and model, as their ids; the group is 0 unless the selection
    is by key or creator. `groups` are those that are asked for (None: all), `figures` the names of
    those that are read.
    """
    return store.pair_usage(selection, of.range, of.stored, groups, figures)


def usage_by_group(
    store: Store,
    selection: Selection,
    of: AnswerableRange,
    figures: Sequence[str] = Usage._fields,
) -> Mapping[int, Usage]:
    """Usage of a whole range by the ids of the groups of a selection; 0 without a grouping.

    `figures` are the names of those that are read.
    """
    return store.group_sums(selection, of.range, of.stored, figures)
