"""Draws the small chart of an alert, within the limits of a native Slack chart.

A sum of a period is shown cumulatively, with its limit; everything else by bucket.
"""

from __future__ import annotations

from itertools import accumulate

from reports.alerts.evaluation import AlertEvent
from reports.alerts.message_details import Detail
from reports.alerts.rule import Rule
from reports.block_kit.elements import Block
from reports.block_kit.message import CHART
from reports.questions.slack.answer import UNITS
from reports.questions.wording import bucket_words
from reports.render.charts.slack_chart_data import MOST_POINTS
from reports.time.time_range import TimeRange
from reports.usage.dimensions import Metric
from reports.usage.usage import NANO

_FARTHEST = 5


def chart(event: AlertEvent, rule: Rule, detail: Detail) -> list[Block]:
    """The chart; None if there is nothing to draw."""
    span = detail.range
    if span is None or len(detail.values) != len(span.buckets) or len(span.buckets) < 2:
        return []
    values = _fresh(event, span, detail.values)
    if not any(values):
        return []
    metric = rule.watch.measured
    grows = rule.watch.grows
    starts = _starts(len(values))
    labels = _labels(span, starts)
    ends = [*starts[1:], len(values)]
    points = [sum(values[a:b]) for a, b in zip(starts, ends, strict=True)]
    if grows:
        points = list(accumulate(points))
        # the figure includes usage from before the cache starts, which the buckets lack
        missing = max((event.measurement.value or 0) - points[-1], 0)
        points = [point + missing for point in points]
    series = [_series("so far" if grows else str(metric), labels, points, metric)]
    limit = event.measurement.limit
    if grows and 0 < limit <= _FARTHEST * max(points):
        series.append(_series("limit", labels, [limit] * len(points), metric))
    axis = {"categories": labels, "y_label": UNITS[metric]}
    drawn = {"type": "line" if grows else "bar", "series": series, "axis_config": axis}
    each = -(-len(values) // MOST_POINTS)
    size = f"{each} {span.granularity}s" if each > 1 else f"{span.granularity}"
    what = f"{str(metric).capitalize()}, {'growing by' if grows else 'per'} {size}"
    return [{"type": CHART, "title": what[:50], "chart": drawn}]


def _fresh(event: AlertEvent, span: TimeRange, values: tuple[int, ...]) -> tuple[int, ...]:
    """The values, with a spike's hour at least as large as measured: minutes are synced before
    hours."""
    measurement = event.measurement
    if measurement.hour is None or measurement.hour.start not in span.buckets:
        return values
    index = span.buckets.index(measurement.hour.start)
    return (*values[:index], max(values[index], measurement.value or 0), *values[index + 1 :])


def _series(name: str, labels: list[str], points: list[int], metric: Metric) -> Block:
    shown = [round(p / NANO, 6) if metric is Metric.SPEND else p for p in points]
    data = [{"label": a, "value": b} for a, b in zip(labels, shown, strict=True)]
    return {"name": name, "data": data}


def _starts(count: int) -> list[int]:
    """The starts of the points; the newest is complete, the oldest may be shorter."""
    each = -(-count // MOST_POINTS)
    return sorted({0, *range(count % each, count, each)})


def _labels(span: TimeRange, starts: list[int]) -> list[str]:
    labels: list[str] = []
    for start in starts:
        label = bucket_words(span.buckets[start], span)
        while label in labels:  # an hour that occurs twice, when clocks are set back
            label += "'"
        labels.append(label)
    return labels
