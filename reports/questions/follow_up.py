"""Applies follow-ups: changes a question's metric, period, grouping, filter or comparison."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from reports.questions.grammar import LONGEST, QuestionCommand, parse
from reports.questions.query import Query, Versus
from reports.usage.dimensions import Dimension, Filter, Metric

EVERYTHING = "all"
UNGROUPED = "none"
NO_COMPARISON = "alone"
REFRESH = "now"
OUT = "out:"
PERIODS = (
    "1h", "1d", "1w", "1m", "3m", "1y", "today", "yesterday", "this week", "last week",
    "this month", "last month", "this year",
)  # fmt: skip


class FollowUpAction(StrEnum):
    """The part of a question that a select changes; the value is the select's action id."""

    METRIC = "follow_metric"
    PERIOD = "follow_period"
    BY = "follow_by"
    INSIDE = "follow_inside"
    VERSUS = "follow_versus"


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen option of a select."""

    follow: FollowUpAction
    value: str

    @property
    def renews(self) -> bool:
        """Whether the choice asks about now; all other choices keep the time of the answer."""
        return self.follow is FollowUpAction.PERIOD


def chosen(query: Query, choice: Choice) -> Query | None:
    """The question after a choice that needs no names; None if the choice is invalid."""
    match choice.follow:
        case FollowUpAction.METRIC:
            return _with_metric(query, choice.value)
        case FollowUpAction.PERIOD:
            return _with_period(query, choice.value)
        case FollowUpAction.BY:
            return _with_dimension(query, choice.value)
        case FollowUpAction.INSIDE:
            return without_filter(query, choice.value)
        case FollowUpAction.VERSUS:
            return _with_versus(query, choice.value)
    return None


def inside(query: Query, pattern: str) -> Query:
    """The question about one group, grouped by the next useful dimension (drill down)."""
    if query.by is None:
        return query
    other_filters = tuple(one for one in query.filters if one.dimension is not query.by)
    narrowed = replace(query, filters=(*other_filters, Filter(query.by, pattern)))
    return replace(narrowed, by=_next(narrowed))


def without_filter(query: Query, value: str) -> Query | None:
    """The question without one filter (`OUT` and its index), grouped by that filter's dimension."""
    index = value.removeprefix(OUT)
    if value == index or not (index.isascii() and index.isdigit() and len(index) < 3):
        return None
    if int(index) >= len(query.filters):
        return None
    removed = query.filters[int(index)]
    return replace(
        query,
        filters=tuple(one for one in query.filters if one is not removed),
        by=removed.dimension,
    )


def fits(query: Query) -> bool:
    """Whether the words of a question are within the length limit."""
    return len(query.words()) <= LONGEST


def _next(query: Query) -> Dimension | None:
    """The next dimension to drill into: model, then creator, then key, as far as unfiltered."""
    taken = {one.dimension for one in query.filters}
    order = (Dimension.MODEL, Dimension.CREATOR, Dimension.KEY)
    return next((one for one in order if one not in taken), None)


def _with_metric(query: Query, value: str) -> Query | None:
    if value == EVERYTHING:
        return replace(query, metric=None)
    known = {str(metric): metric for metric in Metric}
    return replace(query, metric=known[value]) if value in known else None


def _with_period(query: Query, value: str) -> Query | None:
    if value == REFRESH:
        return query
    read = parse(value)
    if not isinstance(read, QuestionCommand):
        return None
    # the comparison may be shorter than the new period
    versus = query.versus and Versus.BEFORE
    return replace(query, period=read.query.period, versus=versus)


def _with_versus(query: Query, value: str) -> Query | None:
    if value == NO_COMPARISON:
        return replace(query, versus=None)
    known = {str(versus): versus for versus in Versus}
    return replace(query, versus=known[value]) if value in known else None


def _with_dimension(query: Query, value: str) -> Query | None:
    if value == UNGROUPED:
        return replace(query, by=None)
    known = {str(dimension): dimension for dimension in Dimension}
    return replace(query, by=known[value]) if value in known else None
