"""Latency by bucket as a chart: a PNG, a drawing in a PDF, or points for Slack's own chart."""

from __future__ import annotations

from collections.abc import Sequence

from reports.analysis.document import LatencyChart
from reports.questions.wording import bucket_words
from reports.render.charts.bar_data import Bars, Part, round_ticks
from reports.render.charts.draw_bars import draw_bars
from reports.render.charts.palette import PALETTE, tint
from reports.render.charts.png import titled_png
from reports.render.charts.slack_chart_data import step
from reports.time.time_range import TimeRange
from reports.usage.format import duration

NAME = "Latency: p50 (dark) and p95 (light)"
_MOST_TICKS = 6
_LIGHT = 0.45


def latency_png(title: str, chart: LatencyChart, span: TimeRange) -> bytes:
    """The latency of each bucket of a range as a PNG."""
    bars = latency_bars(chart)
    return titled_png(title, lambda paper, box, em: draw_bars(paper, box, bars, span, em))


def latency_bars(chart: LatencyChart) -> Bars:
    """The bars and the axis: p50, and above it how much more p95 is."""
    low = tuple(one or 0 for one in chart.p50)
    more = tuple((one or 0) - base for one, base in zip(chart.p95, low, strict=True))
    marks = round_ticks(max((one or 0 for one in chart.p95), default=0), _MOST_TICKS)
    parts = (
        Part("p50", PALETTE[0], low, sum(low)),
        Part("p95", tint(PALETTE[0], _LIGHT), more, sum(more)),
    )
    return Bars(parts, marks, tuple(duration(mark) for mark in marks))


def latency_points(
    chart: LatencyChart, span: TimeRange
) -> tuple[str, tuple[tuple[str, float, float], ...]]:
    """At most 20 points for Slack's own chart: a label, p50 and p95 in ms; and the chart's name.

    Where there are more buckets, a point has the highest values of several: quantiles of parts
    don't make one of the whole. Points without requests are left out.
    """
    count = len(span.buckets)
    each = step(count)
    points = []
    for first in range(0, count, each):
        p50, p95 = (_highest(one[first : first + each]) for one in (chart.p50, chart.p95))
        if p50 is not None and p95 is not None:
            label = bucket_words(span.buckets[first], span)
            points.append((label, round(p50 / 1000, 1), round(p95 / 1000, 1)))
    name = "Latency in ms"
    return (f"{name}, highest of {each} {span.granularity}s" if each > 1 else name), tuple(points)


def _highest(values: Sequence[int | None]) -> int | None:
    return max((one for one in values if one is not None), default=None)
