"""Windows of an organization as a sync would bring them again, with some of the figures changed."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bot.store.encoding import FIGURES, GRANULARITY, StoredView, to_seconds
from bot.store.usage.diff import RowKey
from reports.usage.usage import Usage
from reports.usage.windows_to_fetch import Window

Rows = list[tuple[RowKey, Usage]]
Owners = Mapping[int, int]


@contextmanager
def copied(database: Path) -> Iterator[Path]:
    """A copy of a database to write to, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="activity-bench-") as folder:
        yield Path(shutil.copy(database, folder))


def rows_of(database: Path, window: Window) -> Rows:
    """What is held of a window, in both views, oldest first."""
    with sqlite3.connect(database) as connection:
        found = connection.execute(
            f"SELECT view, bucket, member, model, {FIGURES} FROM usage"
            " WHERE granularity = ? AND bucket >= ? AND bucket < ? AND view IN (0, 1)"
            " ORDER BY bucket",
            (GRANULARITY[window.granularity], to_seconds(window.start), to_seconds(window.end)),
        )
        return [((StoredView(row[0]), *row[1:4]), Usage(*row[4:])) for row in found]


def newest_of(rows: Rows) -> Rows:
    """The rows of the newest bucket alone."""
    newest = max(key[1] for key, _ in rows)
    return [row for row in rows if row[0][1] == newest]


def owners_of(database: Path) -> Owners:
    """The creator of each key, both as ids."""
    with sqlite3.connect(database) as connection:
        return dict(connection.execute("SELECT id, owner FROM member WHERE owner IS NOT NULL"))


def changed(rows: Rows, owners: Owners, every: int, by: int) -> Rows:
    """The rows with more usage in every so many of the keys' rows, and in those of their creators.

    So both views add up to the same, as OpenRouter's do.
    """
    times: Counter[RowKey] = Counter()
    of_keys = [key for key, _ in rows if key[0] == StoredView.KEY]
    for key in of_keys[::every]:
        _, bucket, member, model = key
        times.update((key, (StoredView.CREATOR, bucket, owners[member], model)))
    more = Usage(by, 0, by * 1_500, by * 300, 0, by * 1_234_567, 0)
    return [
        (key, Usage(*(used + times[key] * added for used, added in zip(usage, more, strict=True))))
        if key in times
        else (key, usage)
        for key, usage in rows
    ]
