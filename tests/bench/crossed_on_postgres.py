"""The slowest questions of the grammar at 10,000 keys, on PostgreSQL beside SQLite.

Copying the organization into PostgreSQL takes some minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from statistics import median

from tests.bench import crossed
from tests.bench.organizations import HUGE, Organization
from tests.bench.questions import percentile
from tests.bench.side_by_side import both, costs
from tests.bench.table import Figure

LIMIT = 300  # ms
TIMES = 20


def run() -> Iterator[Figure]:
    """What is promised of crossed filters on PostgreSQL."""
    yield from measured(HUGE, TIMES)


def measured(organization: Organization, times: int) -> Iterator[Figure]:
    """The p95 of each filter over a month and a year: CPU time with the server's, and the clock."""
    with both(organization) as engines:
        yield from engines.copied
        for period, filters in product(("1m", "1y"), crossed.FILTERS):
            words = f"tokens {period} {filters}"
            found = costs(engines, words, times)
            mine, other = (median(one.cpu for one in column) for column in zip(*found, strict=True))
            cpu, clock = (
                percentile([getattr(cost, kind) for cost, _ in found], 95)
                for kind in ("cpu", "wall")
            )
            yield Figure(
                f"`{words}`, {organization.name}, PostgreSQL: p95 of CPU", cpu, "ms",
                f"<= {LIMIT} ms", cpu <= LIMIT, f"SQLite, {other:.0f} ms", other / mine,
            )  # fmt: skip
            yield Figure("  by the clock", clock, "ms", f"<= {LIMIT} ms", clock <= LIMIT)
