"""Summaries: what a question's usage adds up to, for every kind of output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from reports.questions.query import Query
from reports.time.timerange import TimeRange
from reports.usage.dimensions import Metric
from reports.usage.members import NO_CREATOR
from reports.usage.usage import ZERO, Usage, total

ALL = "all"


@dataclass(frozen=True, slots=True)
class UsageFigures:
    """What the cache holds for a question, before it is added up.

    `whole` is the usage of each bucket; `series` usage by bucket index, of all groups or of the
    largest; `count` the number of groups; `previous` the usage of the period before, None where it
    is unknown. Where the question compares: `before` is the usage of groups in the period before,
    `course` that of its buckets. Of buckets with the indexes `unknown` nothing is held (their usage
    here is zero but means nothing), of those in `incomplete` a part is missing. `since` is the
    moment from which usage is held where the beginning of the range is missing.
    """

    whole: tuple[Usage, ...]
    series: Mapping[str, Mapping[int, Usage]]
    count: int
    previous: Usage | None = None
    before: Mapping[str, Usage] | None = None
    course: tuple[Usage, ...] | None = None
    unknown: frozenset[int] = frozenset()
    incomplete: frozenset[int] = frozenset()
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One group: a figure for each bucket, and its sum, average and extremes.

    Figures are nano-dollars, tokens or requests. `min`, `max` and `avg` are over the `active`
    buckets (those with any request) only; `share` is of the whole. `previous` is the group's sum in
    the period before: None unless the question compares and that period is held.
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
    previous: int | None = None


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """One metric over the range: the whole, its parts, and its groups by sum, largest first.

    `avg` is the sum divided by the number of buckets held. `rest` counts the groups that have no
    series here and `rest_sum` is their sum. `buckets` is the whole by bucket, 0 where its index is
    in `unknown` (nothing is held of it); of buckets in `incomplete` a part is missing. `course` is
    the period before by bucket, where the question compares a single series.
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
    unknown: frozenset[int] = frozenset()
    incomplete: frozenset[int] = frozenset()

    @property
    def known(self) -> int:
        """The number of buckets held, over which the whole is averaged."""
        return len(self.buckets) - len(self.unknown)


@dataclass(frozen=True, slots=True)
class Summary:
    """The answer to a question; every renderer draws from this and from nothing else.

    `as_of` is when the cache was last synced (None: never), `partial` says in words what is
    missing, `totals` is all usage of the range. `since` is the moment (UTC) from which usage is
    held, None where that is the whole range from its beginning, or none of it.
    """

    query: Query
    range: TimeRange
    as_of: datetime | None
    partial: tuple[str, ...]
    metrics: Mapping[Metric, MetricSummary]
    totals: Usage
    since: datetime | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing at all was used."""
        return self.totals == ZERO

    @property
    def compares(self) -> bool:
        """Whether each group is shown beside its figure in the period before."""
        return self.query.versus is not None and any(
            group.previous is not None for part in self.metrics.values() for group in part.groups
        )


def in_order(groups: Iterable[Series]) -> list[Series]:
    """Groups as documents list them: usage without a creator comes last, however much it is."""
    return sorted(groups, key=lambda group: group.label == NO_CREATOR)


def summarize(
    query: Query,
    time_range: TimeRange,
    figures: UsageFigures,
    as_of: datetime | None,
    partial: tuple[str, ...] = (),
) -> Summary:
    """Add up what the cache holds; groups without a series are counted in `rest`."""
    metrics = {metric: _metric(query, metric, figures) for metric in query.metrics}
    totals = total(figures.whole)
    return Summary(query, time_range, as_of, partial, metrics, totals, figures.since)


def _metric(query: Query, metric: Metric, figures: UsageFigures) -> MetricSummary:
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
        found = [replace(group, previous=was.get(group.label, 0)) for group in found]
    groups = tuple(sorted(found, key=lambda group: (-group.sum, group.label)))
    # usage that is there after all is known
    unknown = frozenset(index for index in figures.unknown if figures.whole[index] == ZERO)
    known = len(buckets) - len(unknown)
    return MetricSummary(
        metric=metric,
        buckets=buckets,
        sum=everything,
        avg=Fraction(everything, known) if known else Fraction(0),
        previous=previous,
        change=Fraction(everything - previous, previous) if previous else None,
        parts=whole.parts(metric, query.source),
        groups=groups,
        rest=figures.count - len(groups),
        rest_sum=everything - sum(group.sum for group in groups),
        course=_course(query, metric, figures),
        unknown=unknown,
        incomplete=figures.incomplete,
    )


def _course(query: Query, metric: Metric, figures: UsageFigures) -> tuple[int, ...] | None:
    """The period before in as many buckets as the range: a month may be a day longer or shorter."""
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
