"""Answers to the huge organization. Its naive peer would be 6 GB, so it is not built."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.organizations import HUGE
from tests.bench.questions import answer_times
from tests.bench.table import Figure

LIMIT = 150  # ms


def run() -> Iterator[Figure]:
    """What is promised of answers."""
    yield from answer_times(HUGE, LIMIT)
