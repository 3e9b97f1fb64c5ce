"""The sum: what a question's usage adds up to, for people, files and machines alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from reports.names import NO_CREATOR
from reports.query import Metric, Query
from reports.timerange import TimeRange
from reports.usage import ZERO, Usage, total

ALL = "all"


@dataclass(frozen=True, slots=True)
class Figures:
    """What the cache says to a question, before anything is made of it.

    `whole` is the usage of each bucket; `series` usage by bucket index, of all groups or of those
    that will be looked at; `count` how many groups there are; `previous` the usage of the range
    before, None where it is not known; where it is asked for, `before` is that of groups and
    `course` that of its buckets.
    """

    whole: tuple[Usage, ...]
    series: Mapping[str, Mapping[int, Usage]]
    count: int
    previous: Usage | None = None
    before: Mapping[str, Usage] | None = None
    course: tuple[Usage, ...] | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One group: a figure a bucket, and what they come to.

    Figures are nano-dollars, tokens or requests. `min` and `avg` run over the `active` buckets
    (with any request) only; `share` is of the whole. `before` is the sum of the range before, None
    where nobody asked or it is not known.
    """

    label: str
    buckets: tuple[int, ...]
    active: int
    min: int
    max: int
    avg: Fraction
    sum: int
    share: Fraction
    usage: Usage
    before: int | None = None


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """One metric over the range: the whole, its parts, and its groups by sum, largest first.

    `rest` counts the groups that have no series here, `rest_sum` is what they add up to, and
    `buckets` the whole by bucket, so that nothing is lost by looking at the top alone. `course` is
    the range before, bucket beside bucket, where that is compared.
    """

    metric: Metric
    buckets: tuple[int, ...]
    sum: int
    avg: Fraction
    previous: int | None
    change: Fraction | None
    parts: Mapping[str, int]
    groups: tuple[Series, ...]
    rest: int
    rest_sum: int
    course: tuple[int, ...] | None = None

    @property
    def rest_buckets(self) -> tuple[int, ...]:
        """What the groups without a series used, by bucket."""
        columns = zip(*(group.buckets for group in self.groups), strict=True)
        shown = [sum(column) for column in columns] or [0] * len(self.buckets)
        return tuple(whole - part for whole, part in zip(self.buckets, shown, strict=True))


@dataclass(frozen=True, slots=True)
class Summary:
    """The answer to a question: every renderer draws from this and from nothing else.

    `as_of` is when the cache was last synced (None: never), `partial` says in words what is
    missing, `totals` is all usage of the range.
    """

    query: Query
    range: TimeRange
    as_of: datetime | None
    partial: tuple[str, ...]
    metrics: Mapping[Metric, MetricSummary]
    totals: Usage

    @property
    def empty(self) -> bool:
        """Whether nothing at all was used."""
        return self.totals == ZERO


def in_order(groups: Iterable[Series]) -> list[Series]:
    """Groups as documents list them: usage without a creator comes last, however much it is."""
    return sorted(groups, key=lambda group: group.label == NO_CREATOR)


def summarize(
    query: Query,
    time_range: TimeRange,
    figures: Figures,
    as_of: datetime | None,
    partial: tuple[str, ...] = (),
) -> Summary:
    """Make the answer of what the cache said; groups without a series are counted as the rest."""
    metrics = {metric: _metric(query, metric, figures) for metric in query.metrics}
    return Summary(query, time_range, as_of, partial, metrics, total(figures.whole))


def _metric(query: Query, metric: Metric, figures: Figures) -> MetricSummary:
    buckets = tuple(usage.value(metric, query.source) for usage in figures.whole)
    whole = total(figures.whole)
    everything = whole.value(metric, query.source)
    previous = figures.previous and figures.previous.value(metric, query.source)
    found = [
        _series(label, by_bucket, query, metric, len(buckets), everything)
        for label, by_bucket in figures.series.items()
    ]
    if figures.before is not None:
        was = {label: used.value(metric, query.source) for label, used in figures.before.items()}
        found = [replace(group, before=was.get(group.label, 0)) for group in found]
    groups = tuple(sorted(found, key=lambda group: (-group.sum, group.label)))
    return MetricSummary(
        metric=metric,
        buckets=buckets,
        sum=everything,
        avg=Fraction(everything, len(buckets)),
        previous=previous,
        change=Fraction(everything - previous, previous) if previous else None,
        parts=whole.parts(metric, query.source),
        groups=groups,
        rest=figures.count - len(groups),
        rest_sum=everything - sum(group.sum for group in groups),
        course=_course(query, metric, figures),
    )


def _course(query: Query, metric: Metric, figures: Figures) -> tuple[int, ...] | None:
    """The range before in as many buckets: a month may have a day less, or one more."""
    if figures.course is None:
        return None
    values = tuple(usage.value(metric, query.source) for usage in figures.course)
    count = len(figures.whole)
    return (*values, *(0,) * count)[:count]


def _series(
    label: str,
    by_bucket: Mapping[int, Usage],
    query: Query,
    metric: Metric,
    count: int,
    everything: int,
) -> Series:
    values = {index: usage.value(metric, query.source) for index, usage in by_bucket.items()}
    active = [values[index] for index, usage in by_bucket.items() if usage.requests]
    summed = sum(values.values())
    return Series(
        label=label,
        buckets=tuple(values.get(index, 0) for index in range(count)),
        active=len(active),
        min=min(active, default=0),
        max=max(active, default=0),
        avg=Fraction(sum(active), len(active)) if active else Fraction(0),
        sum=summed,
        share=Fraction(summed, everything) if everything else Fraction(0),
        usage=total(by_bucket.values()),
    )
