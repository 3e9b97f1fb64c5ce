"""A scheduled report's figures: an answer, what each group was before, and what moved most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from reports.questions.summary import MetricSummary, Series, Summary
from reports.usage.dimensions import Metric, MoneySource
from reports.usage.usage import Usage

MOST_MOVERS = 3
CENT = 10**7


class Cell(NamedTuple):
    """Whose use it is, as far as it is known: creator, model, key; empty where it is not."""

    creator: str
    model: str
    key: str


@dataclass(frozen=True, slots=True)
class Mover:
    """How much one creator's use of one model with one key changed."""

    cell: Cell
    change: int


@dataclass(frozen=True, slots=True)
class Revision:
    """A period that was reported before, and by how many nano-dollars its spend changed since."""

    period: str
    change: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a scheduled report says about its period.

    `before` is each group's figure in the period before by label (None: not known), `top` the
    model that each group used most.
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
        """The groups that used anything, largest first."""
        return tuple(group for group in self.part.groups if group.usage.requests or group.sum)


def movers(
    now: Mapping[Cell, Usage], before: Mapping[Cell, Usage], metric: Metric, source: MoneySource
) -> tuple[Mover, ...]:
    """What changed most, in either direction; a change too small to be shown is none."""
    none = Usage()
    changes = (
        Mover(
            cell,
            now.get(cell, none).value(metric, source)
            - before.get(cell, none).value(metric, source),
        )
        for cell in {*now, *before}
    )
    found = sorted((one for one in changes if one.change), key=lambda m: (-abs(m.change), m.cell))
    least = abs(found[0].change) / 50 if found else 0
    return tuple(one for one in found[:MOST_MOVERS] if abs(one.change) >= least)


def top_models(
    found: Iterable[tuple[str, str, Usage]], metric: Metric, source: MoneySource
) -> dict[str, str]:
    """The model with the largest figure in each group, of (group, model, usage)."""
    best: dict[str, tuple[int, str]] = {}
    for group, model, usage in found:
        value = usage.value(metric, source)
        known = best.get(group)
        if known is None or (value, known[1]) > (known[0], model):
            best[group] = value, model
    return {group: model for group, (_, model) in best.items()}
