"""Summaries: the figures that answer a question, for every kind of output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from reports.questions.query import Query
from reports.questions.unfinished import WholeChange, has_just_begun
from reports.time.time_range import TimeRange
from reports.time.whole_buckets import WholeBuckets
from reports.usage.dimensions import Metric
from reports.usage.members import NO_CREATOR
from reports.usage.usage import ZERO, Usage, total

ALL = "all"


@dataclass(frozen=True, slots=True)
class WholeUsage:
    """The usage through the last whole day or month of an unfinished range, and of the previous.

    `groups` has both by label, if the question compares groups.
    """

    ranges: WholeBuckets
    now: Usage
    before: Usage
    groups: Mapping[str, tuple[Usage, Usage]] | None = None


@dataclass(frozen=True, slots=True)
class UsageFigures:
    """The stored usage for a question, before it is summarized.

    `whole` is the usage of each bucket; `series` maps group labels to usage by bucket index, for
    all groups or the largest; `count` is the number of groups; `previous` is the usage of the
    previous period, None if unknown. In a comparison, `before` is the previous period's usage by
    group and `previous_buckets` its usage by bucket. `unknown` and `incomplete` hold the indexes
    of buckets without data (their usage is zero here) and with partial data. `since` is the time
    (UTC) from which usage is stored, if the beginning of the range is missing. `previous_range` is
    the previous period, `through_whole` the usage through the last whole day of an unfinished range
    (None if there is none).
    """

    whole: tuple[Usage, ...]
    series: Mapping[str, Mapping[int, Usage]]
    count: int
    previous: Usage | None = None
    before: Mapping[str, Usage] | None = None
    previous_buckets: tuple[Usage, ...] | None = None
    unknown: frozenset[int] = frozenset()
    incomplete: frozenset[int] = frozenset()
    since: datetime | None = None
    previous_range: TimeRange | None = None
    through_whole: WholeUsage | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One group: a figure for each bucket, and its sum, average and extremes.

    Figures are nano-dollars, tokens or requests. `min`, `max` and `avg` cover only the `active`
    buckets (those with any request); `share` is the share of the total. `previous` is the group's
    sum in the previous period: None unless the question compares and that period is stored.
    `whole` has both through the last whole day of an unfinished range.
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
    whole: WholeChange | None = None


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """One metric over the range: the total, its parts, and its groups by sum, largest first.

    `avg` is the sum divided by the number of buckets with data. `other_count` and `other_sum` are
    the number and sum of the groups without a series here. `buckets` is the total by bucket, 0 for
    the indexes in `unknown` (no data); buckets in `incomplete` have partial data.
    `previous_buckets` is the previous period by bucket, if the question compares a single series.
    `whole` is the change through the last whole day or month of an unfinished range (None: the
    range is over, has no whole day, or isn't compared).
    """

    metric: Metric
    buckets: tuple[int, ...]
    sum: int
    avg: Fraction
    previous: int | None
    change: Fraction | None
    parts: Mapping[str, int]
    groups: tuple[Series, ...]
    other_count: int
    other_sum: int
    previous_buckets: tuple[int, ...] | None = None
    unknown: frozenset[int] = frozenset()
    incomplete: frozenset[int] = frozenset()
    whole: WholeChange | None = None

    @property
    def known(self) -> int:
        """The number of buckets with data, which the average covers."""
        return len(self.buckets) - len(self.unknown)


@dataclass(frozen=True, slots=True)
class Summary:
    """The answer to a question, and the only input of every renderer.

    `as_of` is the time of the last sync (UTC; None: never), `partial` describes what is missing,
    `totals` is all usage of the range; of an answer for a message, which has only the largest
    groups, it and the usage of groups have the figures of the metrics, and 0 for others. `since` is
    the time (UTC) from which usage is stored; None if nothing is missing at the beginning of the
    range, or nothing is stored. `before` is the range that it is compared with (None: not stored),
    `whole` what is compared through the last whole day or month of an unfinished range.
    """

    query: Query
    range: TimeRange
    as_of: datetime | None
    partial: tuple[str, ...]
    metrics: Mapping[Metric, MetricSummary]
    totals: Usage
    since: datetime | None = None
    before: TimeRange | None = None
    whole: WholeBuckets | None = None

    @property
    def just_begun(self) -> bool:
        """Whether only a day or month that isn't over is compared, so a change would mislead."""
        return self.whole is None and has_just_begun(self.range)

    @property
    def empty(self) -> bool:
        """Whether there was no usage."""
        return self.totals == ZERO

    @property
    def compares(self) -> bool:
        """Whether groups are shown with their previous figures."""
        return self.query.versus is not None and any(
            group.previous is not None for part in self.metrics.values() for group in part.groups
        )


def in_order(groups: Iterable[Series]) -> list[Series]:
    """Groups in document order: usage without a creator is always last."""
    return sorted(groups, key=lambda group: group.label == NO_CREATOR)


def summarize(
    query: Query,
    time_range: TimeRange,
    figures: UsageFigures,
    as_of: datetime | None,
    partial: tuple[str, ...] = (),
) -> Summary:
    """Summarize stored usage; groups without a series are counted in `other_count`."""
    metrics = {metric: _metric(query, metric, figures) for metric in query.metrics}
    totals = total(figures.whole)
    whole = figures.through_whole.ranges if figures.through_whole else None
    return Summary(
        query,
        time_range,
        as_of,
        partial,
        metrics,
        totals,
        figures.since,
        before=figures.previous_range,
        whole=whole,
    )


def _metric(query: Query, metric: Metric, figures: UsageFigures) -> MetricSummary:
    buckets = tuple(usage.value(metric, query.source) for usage in figures.whole)
    whole = total(figures.whole)
    total_value = whole.value(metric, query.source)
    previous = figures.previous and figures.previous.value(metric, query.source)
    series = [
        _series(label, by_bucket, query, metric, len(buckets), total_value)
        for label, by_bucket in figures.series.items()
    ]
    if figures.before is not None:
        previous_by_label = {
            label: used.value(metric, query.source) for label, used in figures.before.items()
        }
        series = [
            replace(group, previous=previous_by_label.get(group.label, 0)) for group in series
        ]
    through = figures.through_whole
    if through and through.groups is not None:
        by_label = through.groups
        series = [
            replace(group, whole=_whole(query, metric, *by_label.get(group.label, (ZERO, ZERO))))
            for group in series
        ]
    groups = tuple(sorted(series, key=lambda group: (-group.sum, group.label)))
    # a bucket with usage counts as known
    unknown = frozenset(index for index in figures.unknown if figures.whole[index] == ZERO)
    known = len(buckets) - len(unknown)
    return MetricSummary(
        metric=metric,
        buckets=buckets,
        sum=total_value,
        avg=Fraction(total_value, known) if known else Fraction(0),
        previous=previous,
        change=Fraction(total_value - previous, previous) if previous else None,
        parts=whole.parts(metric, query.source),
        groups=groups,
        other_count=figures.count - len(groups),
        other_sum=total_value - sum(group.sum for group in groups),
        previous_buckets=_previous_buckets(query, metric, figures),
        unknown=unknown,
        incomplete=figures.incomplete,
        whole=_whole(query, metric, through.now, through.before) if through else None,
    )


def _whole(query: Query, metric: Metric, now: Usage, before: Usage) -> WholeChange:
    return WholeChange(now.value(metric, query.source), before.value(metric, query.source))


def _previous_buckets(
    query: Query, metric: Metric, figures: UsageFigures
) -> tuple[int, ...] | None:
    """The previous period in as many buckets as the range; months differ in length."""
    if figures.previous_buckets is None:
        return None
    values = tuple(usage.value(metric, query.source) for usage in figures.previous_buckets)
    count = len(figures.whole)
    return (*values, *(0,) * count)[:count]


def _series(
    label: str,
    by_bucket: Mapping[int, Usage],
    query: Query,
    metric: Metric,
    count: int,
    total_value: int,
) -> Series:
    values = {index: usage.value(metric, query.source) for index, usage in by_bucket.items()}
    active = [values[index] for index, usage in by_bucket.items() if usage.requests]
    series_sum = sum(values.values())
    return Series(
        label=label,
        buckets=tuple(values.get(index, 0) for index in range(count)),
        active=len(active),
        min=min(active, default=0),
        max=max(active, default=0),
        avg=Fraction(sum(active), len(active)) if active else Fraction(0),
        sum=series_sum,
        share=Fraction(series_sum, total_value) if total_value else Fraction(0),
        usage=total(by_bucket.values()),
    )
