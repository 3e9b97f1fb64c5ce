"""Writes to a database while every n-th write of its disk fails: see `disk`.

A process with the library of failing_disk.c reads lines from stdin: a database, its journal mode,
which write fails and with which error, as JSON. The answer is a line of JSON for each: how often a
write failed, and what was wrong.
"""

from __future__ import annotations

import ctypes
import json
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

from bot.store import Database, Store, StoreError, sqlite
from bot.store.encoding import StoredView
from reports.time.time_range import Granularity
from reports.usage.usage import Usage
from reports.usage.windows_to_fetch import Window

NOW = datetime(2026, 11, 22, 14, 23, 7, tzinfo=UTC)
TODAY = Window(Granularity.DAY, NOW.replace(hour=0, minute=0, second=0), NOW)
GENERATIONS, ROWS = 12, 60


def rows(generation: int) -> list:
    """Rows that all say which generation they are of."""
    at = int(TODAY.start.timestamp())
    return [
        ((view, at, member, model), Usage(generation, prompt=generation))
        for view, member in ((StoredView.KEY, 1), (StoredView.CREATOR, 2))
        for model in range(10, 10 + ROWS)
    ]


def tried(library: ctypes.CDLL, path: Path, every: int, error: int) -> tuple[int, list[str]]:
    """Store one generation after the other; how many writes failed, and what was wrong."""
    store, wrong, kept, failed = Store(Database(path)), [], 0, 0
    store.replace(TODAY, rows(1), NOW)
    possible = {1}
    for generation in range(2, GENERATIONS):
        library.failing_disk(every, error, path.name.encode())
        try:
            store.replace(TODAY, rows(generation), NOW)
        except StoreError as problem:
            # whether it was committed is unknown, as an answer of the disk may be lost
            possible |= {generation}
            if not str(problem).endswith("."):
                wrong.append(f"no sentence: {problem}")
        except Exception as problem:  # noqa: BLE001 - any other exception is what is looked for
            possible |= {generation}
            wrong.append(f"{generation}: {problem!r}")
        else:
            possible = {generation}
        failed += library.failures()
        library.failing_disk(0, 0, b"")
        found = generations(path)
        if len(found) != 1 or not found <= possible:
            wrong.append(f"{sorted(found)} is stored, not one of {sorted(possible)}")
        kept = max(found, default=0)
        possible = found
    store.replace(TODAY, rows(GENERATIONS), NOW)
    if (found := generations(path)) != {GENERATIONS}:
        wrong.append(f"does not heal: {sorted(found)} after {kept}")
    store.close()
    with sqlite3.connect(path) as connection:
        if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            wrong.append("the database is damaged")
    connection.close()
    return failed, wrong


def generations(path: Path) -> set[int]:
    """The generations of which rows and sums are stored."""
    connection = sqlite3.connect(path)
    found = connection.execute(
        "SELECT DISTINCT requests FROM usage WHERE granularity = 2"
        " UNION SELECT DISTINCT requests FROM total WHERE granularity = 2 AND dimension = 1"
    ).fetchall()
    count = connection.execute("SELECT count(*) FROM usage WHERE granularity = 2").fetchone()[0]
    connection.close()
    return {row[0] for row in found} if count == 2 * ROWS else {-count}


def main() -> None:
    library = ctypes.CDLL(None)
    for line in sys.stdin:
        path, journal, every, error = json.loads(line)
        sqlite.has_safe_wal = lambda _, journal=journal: journal == "wal"
        try:
            outcome = tried(library, Path(path), every, error)
        except Exception as problem:  # noqa: BLE001 - any exception is what is looked for
            library.failing_disk(0, 0, b"")
            outcome = (0, [f"{problem!r}"])
        sys.stdout.write(json.dumps(outcome) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
