"""Measures fetching a window again: speed, duration of the write lock, and file size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter

import sqlite_utils

from bot.store import Database, Store
from bot.store.connection import Area, Connection
from bot.store.encoding import StoredView
from reports.time.time_range import Granularity
from reports.usage.windows_to_fetch import Window, newest_window
from tests.bench import naive
from tests.bench.organizations import LARGE, NOW, Organization, database
from tests.bench.pulled import (
    Owners,
    Rows,
    changed,
    copied,
    newest_of,
    owners_of,
    rows_of,
)
from tests.bench.table import Figure, at_most

LONGEST_LOCK = 50  # ms
_TIMES = 9

Change = Callable[[Rows, Owners, int], Rows]
CHANGES: dict[str, Change] = {
    # a day that is over hardly changes, so this is the most that a pull finds new
    "all of today's changed": lambda rows, owners, by: (
        rows[: -len(newest_of(rows))] + changed(newest_of(rows), owners, 1, by)
    ),
    "a third changed": lambda rows, owners, by: changed(rows, owners, 3, by),
    "one changed": lambda rows, owners, by: changed(rows, owners, 10**9, by),
    "all of both days' changed": lambda rows, owners, by: changed(rows, owners, 1, by),
}


class Watched(Database):
    """A database that notes for how long it kept others from writing."""

    def __init__(self, path: Path) -> None:
        self.held: list[float] = []
        super().__init__(path)

    @contextmanager
    def write(self, area: Area = Area.LEDGER) -> Iterator[Connection]:
        """One transaction; the lock is taken before what is timed and given back within it."""
        begun = perf_counter()
        with super().write(area) as connection:
            begun = perf_counter()
            yield connection
        self.held.append((perf_counter() - begun) * 1_000)


def run() -> Iterator[Figure]:
    """What is promised of writing and of size."""
    window = newest_window(Granularity.DAY, NOW)
    rows = rows_of(database(LARGE), window)
    members = naive.members_of(LARGE)
    with copied(naive.naive_database(LARGE)) as path, copied(database(LARGE)) as ours:
        peer = sqlite_utils.Database(path)

        def upsert(found: Rows) -> None:
            for view in StoredView:
                of_view = [row for row in found if row[0][0] == view]
                naive.upsert(peer, view, naive.as_text(of_view, Granularity.DAY, members))

        yield from _repulls(LARGE, ours, window, rows, upsert)
        peer.close()
    yield from _sizes()


def replacements(path: Path, window: Window, rows: Rows, change: Change) -> tuple[float, float]:
    """Pull a window again and again: milliseconds (median), and the longest that it locked."""
    db = Watched(path)
    store = Store(db)
    took = []
    owners = owners_of(path)
    for n in range(_TIMES + 1):
        found = change(rows, owners, n + 1)
        begun = perf_counter()
        store.replace(window, found, NOW)
        took.append((perf_counter() - begun) * 1_000)
    store.close()
    return median(took[1:]), max(db.held[1:])


def _repulls(
    organization: Organization,
    path: Path,
    window: Window,
    rows: Rows,
    upsert: Callable[[Rows], None],
) -> Iterator[Figure]:
    rounds = count(1)
    theirs = []
    for _ in range(3):
        found = changed(rows, owners_of(path), 1, next(rounds))
        begun = perf_counter()
        upsert(found)
        theirs.append((perf_counter() - begun) * 1_000)
    peer = median(theirs)
    what = f"{organization.name}, {len(rows):,} rows of 2 days"
    for share, change in CHANGES.items():
        took, locked = replacements(path, window, rows, change)
        name = f"re-pull, {what}, {share}"
        yield Figure(
            name, took, "ms", ">= 3 x upsert_all", peer / took >= 3, "upsert_all", peer / took
        )
        yield at_most("  longest write lock", locked, "ms", LONGEST_LOCK)


def _sizes() -> Iterator[Figure]:
    ours, theirs = (
        path.stat().st_size / 2**20 for path in (database(LARGE), naive.naive_database(LARGE))
    )
    yield Figure(
        f"database, {LARGE.name}", ours, "MiB", "<= 1/4 of upsert_all", ours <= theirs / 4,
        "upsert_all", theirs / ours,
    )  # fmt: skip
