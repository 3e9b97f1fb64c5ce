"""Reading natural language with the names of a large organization."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from reports.natural.names import KnownNames
from reports.reader import Clock, read
from tests.bench.table import Figure, at_most

LIMIT = 20  # ms
NOW = datetime(2026, 11, 22, 14, 23, 7, tzinfo=UTC)
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


def names(keys: int) -> KnownNames:
    """The names of an organization with so many keys, as a question gets them."""
    return KnownNames(
        tuple(f"maker-{n % 40}/model-{n}-pro" for n in range(400)),
        tuple(f"team-{n % 50}-key-{n:04}" for n in range(keys)),
        tuple(
            (f"First{n} Last{n}", f"first{n}.last{n}@example.com") for n in range(keys // 5 + 100)
        ),
    )


def run() -> Iterator[Figure]:
    """CPU time for each text, the best of a few runs; and the first text after a name changed."""
    for keys in (1_000, 10_000):
        yield Figure(f"reading the first text, {keys:,} keys", _milliseconds(TEXTS[0], keys), "ms")
        for text in TEXTS:
            name = f"reading `{text.strip()[:20]}`, {len(text)} characters, {keys:,} keys"
            taken = min(_milliseconds(text, keys) for _ in range(_TIMES))
            yield at_most(name, taken, "ms", LIMIT)


def _milliseconds(text: str, keys: int) -> float:
    known = names(keys)
    begun = time.process_time()
    read(text, lambda: known, Clock(NOW))
    return (time.process_time() - begun) * 1_000
