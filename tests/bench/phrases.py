"""Reading natural language with the names of a large organization in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from reports.natural.names import KnownNames
from reports.reader import Clock, read
from tests.bench.table import Figure, at_most

LIMIT = 20  # ms
NOW = datetime(2026, 11, 22, 14, 23, 7, tzinfo=UTC)
NAMES = KnownNames(
    tuple(f"maker-{n % 40}/model-{n}-pro" for n in range(400)),
    tuple(f"team-{n % 50}-key-{n:04}" for n in range(1_000)),
    tuple((f"First{n} Last{n}", f"first{n}.last{n}@example.com") for n in range(300)),
)
TEXTS = (
    "what did we spnd on everthing last mnth by modell",
    "key " * 75,
    "first1 " * 40,
    "without team and " * 17,
    "pro " * 70,
    "last " * 60,
    "nov 1 to 15 " * 25,
    "zzzzzz " * 42,
)
"""A sentence as people type it, and texts of the greatest length that take the longest."""
_TIMES = 5


def run() -> Iterator[Figure]:
    """CPU time for each text, the best of a few runs."""
    read("spend for me", lambda: NAMES, Clock(NOW))  # tables that are made once
    for text in TEXTS:
        name = f"reading `{text.strip()[:30]}`, {len(text)} characters"
        yield at_most(name, min(_milliseconds(text) for _ in range(_TIMES)), "ms", LIMIT)


def _milliseconds(text: str) -> float:
    begun = time.process_time()
    read(text, lambda: NAMES, Clock(NOW))
    return (time.process_time() - begun) * 1_000
