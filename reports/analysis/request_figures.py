"""How many requests failed and how long the others took: the figures behind both answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from reports.analysis.document import TableColumn
from reports.questions.query import Query
from reports.questions.wording import DIMENSION_WORDS, capitalize_first
from reports.time.time_range import TimeRange
from reports.usage.dimensions import NAMES

FEWEST_TIMED = 20
"""Requests from which a group is ranked by p95: of fewer, it is nothing but the slowest request."""
DASH = "–"


@dataclass(frozen=True, slots=True)
class RequestFigures:
    """Requests of a group or time: all of them, and how many failed.

    `timed` did not fail and have a known duration; `p50` and `p95` are quantiles of it in
    microseconds, None without any.
    """

    label: str
    requests: int = 0
    failed: int = 0
    timed: int = 0
    p50: int | None = None
    p95: int | None = None

    @property
    def share(self) -> Fraction | None:
        """The share that failed; None without any requests."""
        return Fraction(self.failed, self.requests) if self.requests else None


@dataclass(frozen=True, slots=True)
class EarlierRequests:
    """The range that requests are compared with: all of them, and by group."""

    range: TimeRange
    whole: RequestFigures
    groups: tuple[RequestFigures, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasuredRequests:
    """The requests of a range: all of them, by bucket (its index), and by group.

    `before` is what they are compared with; None if they aren't, or nothing is known about it.
    """

    range: TimeRange
    whole: RequestFigures
    buckets: Mapping[int, RequestFigures]
    groups: tuple[RequestFigures, ...] = ()
    before: EarlierRequests | None = None

    def by_bucket(self) -> tuple[RequestFigures, ...]:
        """The requests of each bucket."""
        nothing = RequestFigures("")
        return tuple(self.buckets.get(index, nothing) for index in range(len(self.range.buckets)))


def slowest_first(groups: Sequence[RequestFigures]) -> tuple[RequestFigures, ...]:
    """Groups by p95, the highest first; those with few requests after the others."""
    return tuple(
        sorted(
            groups,
            key=lambda one: (one.timed < FEWEST_TIMED, -(one.p95 or 0), -one.requests, one.label),
        )
    )


def most_failed_first(groups: Sequence[RequestFigures]) -> tuple[RequestFigures, ...]:
    """Groups by the number of failed requests, the most first."""
    return tuple(sorted(groups, key=lambda one: (-one.failed, -one.requests, one.label)))


def together(groups: Sequence[RequestFigures], label: str) -> RequestFigures:
    """The counts of several groups; quantiles of parts don't make one of the whole."""
    return RequestFigures(
        label,
        sum(one.requests for one in groups),
        sum(one.failed for one in groups),
        sum(one.timed for one in groups),
    )


def first_column(query: Query) -> TableColumn:
    """The column of the groups' names."""
    return TableColumn(capitalize_first(DIMENSION_WORDS[query.by]) if query.by else "", right=False)


def csv_name(query: Query) -> str:
    """The name of that column in files."""
    return (NAMES[query.by].csv or "Slug") if query.by else "Group"


def millis(micros: int | None) -> float | None:
    """Microseconds as milliseconds with at most three decimals."""
    return None if micros is None else micros / 1000


def counts(one: RequestFigures) -> dict[str, Any]:
    """The counts as JSON values."""
    return {"requests": one.requests, "failed": one.failed}
