"""The questions that are asked of every organization, and how long they took."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from statistics import quantiles

from reports.usage.dimensions import STORED
from tests.bench.organizations import Organization, database
from tests.bench.serving import Served, serving
from tests.bench.table import Figure, at_most

PERIODS = ("1h", "1d", "1m", "1y")
METRICS = ("tokens ", "")
TIMES = 40
_WARM_UP = 3


def percentile(values: Iterable[float], percent: int) -> float:
    """The value below which so many per cent lie."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def answer_times(organization: Organization, limit: float) -> Iterator[Figure]:
    """From the signed request to the answer's post: p95 of the slowest question of each period."""
    with serving(database(organization)) as served:
        for period in PERIODS:
            asked = [f"{m}{period} by {by}" for m, by in product(METRICS, STORED)]
            slowest, text = max((_p95(served, text), text) for text in asked)
            name = f"answer, {organization.name}, {period}: p95 ({text})"
            yield at_most(name, slowest, "ms", limit)


def _p95(served: Served, text: str) -> float:
    for _ in range(_WARM_UP):
        served.ask(text)
    return percentile([served.ask(text) for _ in range(TIMES)], 95)
