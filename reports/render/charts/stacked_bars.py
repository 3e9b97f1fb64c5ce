"""Stacked bars as numbers, before anything is drawn: which parts, how high, with which ticks."""

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
    """One colour of the stack: a value a bucket, and what they come to."""

    label: str
    colour: str
    values: tuple[int, ...]
    sum: int


@dataclass(frozen=True, slots=True)
class Bars:
    """The parts from the bottom up, and ticks from 0 to at least the highest bar.

    `unknown` are the indexes of buckets without data, `incomplete` of those with data in part.
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


def stack(summary: MetricSummary, colours: Mapping[str, str], most: int = 6) -> Bars:
    """The bars of a metric: the groups that have a colour, largest first, and Others above them.

    What is below zero (a refund) has no height.
    """
    shown = [group for group in summary.groups if group.label in colours]
    parts = [
        Part(clean(group.label), colours[group.label], group.buckets, group.sum) for group in shown
    ]
    columns = [sum(values) for values in zip(*(group.buckets for group in shown), strict=True)]
    columns = columns or [0] * len(summary.buckets)
    rest = tuple(whole - part for whole, part in zip(summary.buckets, columns, strict=True))
    hidden = [group for group in summary.groups if group.sum and group.label not in colours]
    count = len(hidden) + summary.rest
    if any(rest):
        label = f"{OTHER_LABEL} ({count:,})" if count > 1 else OTHER_LABEL
        parts.append(Part(label, OTHERS, rest, sum(rest)))
    heights = [
        sum(max(value, 0) for value in values)
        for values in zip(*(part.values for part in parts), strict=True)
    ]
    marks = nice(max(heights, default=0), most)
    names = tuple(axis_figure(summary.metric, mark) for mark in marks)
    return Bars(tuple(parts), marks, names, summary.unknown, summary.incomplete)


def nice(highest: int, most: int) -> tuple[int, ...]:
    """Round numbers in steps of 1, 2 or 5, from 0 to at least the highest."""
    if highest <= 0:
        return (0,)
    size = 1
    while True:
        for factor in (1, 2, 5):
            step = factor * size
            if step * (most - 1) >= highest:
                return tuple(range(0, -(-highest // step) * step + 1, step))
        size *= 10
