"""The table of stored figures, from which the wire format, SQL, CSV columns and parts are derived.

To store one more figure: add it here and as a field of `Usage` (in the same place), and add its
columns to the tables in a migration.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from reports.usage.dimensions import Metric


class FigureKind(Enum):
    """How a figure is counted: a whole number, or money in whole nano-dollars."""

    COUNT = "count"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class Figure:
    """One stored figure.

    `name` is the field of `Usage` and the column in the database, `wire` OpenRouter's metric.
    `metric` is the metric it belongs to; `summand` says that the metric is the sum of such figures.
    `part` is its name among a metric's parts in answers, `csv` its column in an overview's CSV;
    both are empty if it has none. `optional`: usage is stored without it if OpenRouter doesn't
    return it; the times for which it is known are recorded.
    """

    name: str
    wire: str
    kind: FigureKind
    metric: Metric
    summand: bool = False
    part: str = ""
    csv: str = ""
    optional: bool = False


FIGURES = (
    Figure(
        "requests", "request_count", FigureKind.COUNT, Metric.REQUESTS, summand=True, csv="Requests"
    ),
    Figure("byok_requests", "byok_request_count", FigureKind.COUNT, Metric.REQUESTS, part="byok"),
    Figure(
        "prompt", "tokens_prompt", FigureKind.COUNT, Metric.TOKENS,
        summand=True, part="prompt", csv="Prompt Tokens",
    ),
    Figure(
        "completion", "tokens_completion", FigureKind.COUNT, Metric.TOKENS,
        summand=True, part="completion", csv="Completion Tokens",
    ),
    Figure(
        "reasoning", "reasoning_tokens", FigureKind.COUNT, Metric.TOKENS,
        part="reasoning", csv="Reasoning Tokens",
    ),
    Figure(
        "credits", "credits_usage", FigureKind.MONEY, Metric.SPEND,
        summand=True, part="credits", csv="Usage",
    ),
    Figure(
        "byok", "byok_usage", FigureKind.MONEY, Metric.SPEND,
        summand=True, part="byok", csv="BYOK Usage",
    ),
    Figure("cached", "cached_tokens", FigureKind.COUNT, Metric.TOKENS, optional=True),
    Figure("saved", "usage_cache", FigureKind.MONEY, Metric.SPEND, optional=True),
)  # fmt: skip
"""All figures, in the order of the fields of `Usage`."""

NAMES = tuple(figure.name for figure in FIGURES)
REQUIRED = tuple(figure for figure in FIGURES if not figure.optional)
OPTIONAL = tuple(figure for figure in FIGURES if figure.optional)
OPTIONAL_NAMES = frozenset(figure.name for figure in OPTIONAL)

_OVERVIEW = ("credits", "byok", "requests", "prompt", "completion", "reasoning")
OVERVIEW = tuple(FIGURES[NAMES.index(name)] for name in _OVERVIEW)
"""The figures of an overview's CSV, in the order of its columns, which is that of the site."""

PARTS = {
    metric: tuple(
        (figure.part, index)
        for index, figure in enumerate(FIGURES)
        if figure.metric is metric and figure.part
    )
    for metric in Metric
}
"""The parts of each metric: their names in answers, and the index of their figures."""


def summands(metric: Metric) -> tuple[Figure, ...]:
    """The figures whose sum is a metric."""
    return tuple(figure for figure in FIGURES if figure.summand and figure.metric is metric)


def shown(metrics: Iterable[Metric]) -> frozenset[str]:
    """The names of the figures that messages about some metrics show: their summands and parts.

    Requests are always among them, because a bucket is active if it has any.
    """
    wanted = set(metrics)
    return frozenset(
        figure.name
        for figure in FIGURES
        if figure.name == "requests"
        or (figure.metric in wanted and (figure.summand or figure.part))
    )
