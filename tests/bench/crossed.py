"""Answers with a filter on another dimension than the one they are grouped by.

Of such pairs no sums are stored, so these are the slowest questions of the grammar.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.organizations import HUGE, LARGE, database
from tests.bench.questions import percentile
from tests.bench.serving import Served, serving
from tests.bench.table import Figure, at_most

LIMITS = ((LARGE, 60), (HUGE, 300))  # ms
TIMES = 20
FILTERS = (
    "by model creator:firstname1*",
    "by model key:team-0*",
    "by key model:maker-1*",
    "by creator model:maker-1*",
    "by creator key:team-0*",
    "by creator -key:team-0*",
    "by key creator:firstname1*",
    "by model -key:team-03*",
    "model:maker-1* creator:firstname1* key:team-0*",
)


def run() -> Iterator[Figure]:
    """From the signed request to the answer's post: p95 of each filter over a month and a year."""
    for organization, limit in LIMITS:
        with serving(database(organization)) as served:
            for period in ("1m", "1y"):
                for words in FILTERS:
                    name = f"answer, {organization.name}: tokens {period} {words}"
                    yield at_most(name, _p95(served, f"tokens {period} {words}"), "ms", limit)


def _p95(served: Served, text: str) -> float:
    served.ask(text)
    return percentile([served.ask(text) for _ in range(TIMES)], 95)
