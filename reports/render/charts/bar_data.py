"""Computes the data of a stacked bar chart before drawing: segments, heights and axis ticks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reports.questions.summary import MetricSummary
from reports.render.charts.palette import OTHERS
from reports.usage.format import axis_figure
from reports.wording.safe_text import clean

OTHER_LABEL = "Others"


@dataclass(frozen=True, slots=True)
class Part:
    """One group of the chart: its color, one value per bucket, and their sum."""

    label: str
    color: str
    values: tuple[int, ...]
    sum: int


@dataclass(frozen=True, slots=True)
class Bars:
    """Parts from the bottom up, and axis ticks with labels, from 0 to at least the highest bar.

    `unknown` holds the indexes of buckets without data, `incomplete` of those with partial data.
    """

    parts: tuple[Part, ...]
    ticks: tuple[int, ...]
    names: tuple[str, ...]
    unknown: frozenset[int] = frozenset()
    incomplete: frozenset[int] = frozenset()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value > 0 for part in self.parts for value in part.values)


def stack(summary: MetricSummary, colors: Mapping[str, str], most: int = 6) -> Bars:
    """The bars of a metric: groups that have a color, largest first, and Others above them.

    Axis steps are chosen for at most `most` ticks. Negative values (refunds) have no height.
    """
    colored = [group for group in summary.groups if group.label in colors]
    parts = [
        Part(clean(group.label), colors[group.label], group.buckets, group.sum) for group in colored
    ]
    columns = [sum(values) for values in zip(*(group.buckets for group in colored), strict=True)]
    columns = columns or [0] * len(summary.buckets)
    others = tuple(whole - part for whole, part in zip(summary.buckets, columns, strict=True))
    hidden = [group for group in summary.groups if group.sum and group.label not in colors]
    count = len(hidden) + summary.other_count
    if any(others):
        label = f"{OTHER_LABEL} ({count:,})" if count > 1 else OTHER_LABEL
        parts.append(Part(label, OTHERS, others, sum(others)))
    heights = [
        sum(max(value, 0) for value in values)
        for values in zip(*(part.values for part in parts), strict=True)
    ]
    ticks = round_ticks(max(heights, default=0), most)
    names = tuple(axis_figure(summary.metric, tick) for tick in ticks)
    return Bars(tuple(parts), ticks, names, summary.unknown, summary.incomplete)


def round_ticks(highest: int, most: int) -> tuple[int, ...]:
    """At most `most` or so ticks in steps of 1, 2 or 5 times a power of ten, from 0 upward."""
    if highest <= 0:
        return (0,)
    size = 1
    while True:
        for factor in (1, 2, 5):
            step = factor * size
            if step * (most - 1) >= highest:
                return tuple(range(0, -(-highest // step) * step + 1, step))
        size *= 10
