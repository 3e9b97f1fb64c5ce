"""Draws a share by bucket: as a PNG, as a drawing in a PDF, or as points for Slack's own chart."""

from __future__ import annotations

from fractions import Fraction

from reports.analysis.document import ShareChart
from reports.questions.wording import bucket_words
from reports.render.charts.bar_data import Bars, Part, round_ticks
from reports.render.charts.draw_bars import draw_bars
from reports.render.charts.palette import PALETTE
from reports.render.charts.png import titled_png
from reports.render.charts.slack_chart_data import step
from reports.time.time_range import TimeRange

_TENTHS = 1_000
"""Bars are drawn in tenths of a percent: finer than a picture can show."""
_MOST_TICKS = 6


def share_png(title: str, chart: ShareChart, span: TimeRange) -> bytes:
    """The share of each bucket of a range as a PNG."""
    bars = share_bars(chart)
    return titled_png(title, lambda paper, box, em: draw_bars(paper, box, bars, span, em))


def share_bars(chart: ShareChart) -> Bars:
    """The bars and the axis; a share below zero has no height."""
    values = tuple(
        round(Fraction(part * _TENTHS, whole)) if whole else 0
        for part, whole in zip(chart.part, chart.whole, strict=True)
    )
    marks = round_ticks(max(values, default=0), _MOST_TICKS)
    names = tuple(f"{Fraction(mark * 100, _TENTHS).limit_denominator(10)}%" for mark in marks)
    part = Part(chart.name, PALETTE[0], values, sum(values))
    return Bars((part,), marks, names, chart.unknown)


def share_points(chart: ShareChart, span: TimeRange) -> tuple[tuple[str, float], ...]:
    """At most 20 points for Slack's own chart: a label, and the share in percent.

    If there are more buckets, several are combined into a point: their parts divided by their
    wholes. Points without known data are left out.
    """
    count = len(span.buckets)
    each = step(count)
    points = []
    for first in range(0, count, each):
        known = [n for n in range(first, min(first + each, count)) if n not in chart.unknown]
        whole = sum(chart.whole[n] for n in known)
        if whole:
            share = Fraction(100 * sum(chart.part[n] for n in known), whole)
            points.append((bucket_words(span.buckets[first], span), round(float(share), 1)))
    return tuple(points)
