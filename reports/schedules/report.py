"""The figures of a scheduled report: an answer, previous figures by group, the largest changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from reports.questions.summary import MetricSummary, Series, Summary
from reports.usage.dimensions import Metric, MoneySource
from reports.usage.usage import Usage

MOST_MOVERS = 3  # changes named at the top of a report
CENT = 10**7  # in nano-dollars


class Cell(NamedTuple):
    """Creator, model and key of some usage; "" for what is unknown."""

    creator: str
    model: str
    key: str


@dataclass(frozen=True, slots=True)
class Mover:
    """The change of one creator's usage of one model with one key."""

    cell: Cell
    change: int


@dataclass(frozen=True, slots=True)
class Revision:
    """An already reported period, and the change of its spend since (nano-dollars)."""

    period: str
    change: int


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a scheduled report.

    `before` is the previous period's figure by group label (None: unknown), `top` the model that
    each group used most.
    """

    summary: Summary
    before: Mapping[str, int] | None
    top: Mapping[str, str]
    movers: tuple[Mover, ...]

    @property
    def metric(self) -> Metric:
        """The metric of the headline and the table; an overview's is spend."""
        return self.summary.query.metric or Metric.SPEND

    @property
    def part(self) -> MetricSummary:
        """The figures of that metric."""
        return self.summary.metrics[self.metric]

    @property
    def groups(self) -> tuple[Series, ...]:
        """The groups with usage, largest first."""
        return tuple(group for group in self.part.groups if group.usage.requests or group.sum)


def movers(
    current: Mapping[Cell, Usage],
    previous: Mapping[Cell, Usage],
    metric: Metric,
    source: MoneySource,
) -> tuple[Mover, ...]:
    """The largest changes in either direction, without those below a fiftieth of the largest."""
    no_usage = Usage()
    changes = (
        Mover(
            cell,
            current.get(cell, no_usage).value(metric, source)
            - previous.get(cell, no_usage).value(metric, source),
        )
        for cell in {*current, *previous}
    )
    found = sorted((one for one in changes if one.change), key=lambda m: (-abs(m.change), m.cell))
    smallest = abs(found[0].change) / 50 if found else 0
    return tuple(one for one in found[:MOST_MOVERS] if abs(one.change) >= smallest)


def top_models(
    found: Iterable[tuple[str, str, Usage]], metric: Metric, source: MoneySource
) -> dict[str, str]:
    """The model with the largest value in each group, from (group, model, usage)."""
    best: dict[str, tuple[int, str]] = {}
    for group, model, usage in found:
        value = usage.value(metric, source)
        current_best = best.get(group)
        if current_best is None or (value, current_best[1]) > (current_best[0], model):
            best[group] = value, model
    return {group: model for group, (_, model) in best.items()}
