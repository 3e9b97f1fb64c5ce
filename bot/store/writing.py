"""Usage rows and their sums, read and written by the window."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from bot.courtesy import giving_way
from bot.store import imported
from bot.store.codes import FIGURES, GRANULARITY, View, seconds
from bot.store.rewrite import Change, RowKey, TotalKey
from reports.timerange import Granularity
from reports.usage import Usage
from reports.windows import Window

_NAMES = FIGURES.split(", ")
_PLACES = ", ".join("?" * len(_NAMES))
_ADDED = ", ".join(f"{name} = {name} + excluded.{name}" for name in _NAMES)
_NOTHING = " AND ".join(f"{name} = 0" for name in _NAMES)


def window_rows(connection: sqlite3.Connection, window: Window) -> dict[RowKey, Usage]:
    """All that is held of a window, in both views."""
    found = connection.execute(
        f"SELECT view, bucket, member, model, {FIGURES} FROM usage"
        " WHERE view IN (0, 1) AND granularity = ? AND bucket >= ? AND bucket < ?",
        (GRANULARITY[window.granularity], seconds(window.start), seconds(window.end)),
    )
    return {(View(row[0]), *row[1:4]): Usage(*row[4:]) for row in giving_way(found)}


def write(connection: sqlite3.Connection, granularity: Granularity, change: Change) -> None:
    """Delete and write rows of a granularity, and add to their sums."""
    code = GRANULARITY[granularity]
    connection.executemany(
        "DELETE FROM usage WHERE view = ? AND granularity = ? AND bucket = ? AND member = ?"
        " AND model = ?",
        [(view, code, *place) for view, *place in change.gone],
    )
    connection.executemany(
        f"INSERT OR REPLACE INTO usage VALUES (?, ?, ?, ?, ?, {_PLACES})",
        [(view, code, *place, *usage) for (view, *place), usage in change.written],
    )
    _add(connection, code, change.added.items())
    # a month that a file brought counts as it is, until all of its days are held
    whole = imported.months(connection)
    months = [(key, more) for key, more in change.months.items() if key[2] not in whole]
    _add(connection, GRANULARITY[Granularity.MONTH], months)


def _add(connection: sqlite3.Connection, code: int, sums: Iterable[tuple[TotalKey, Usage]]) -> None:
    sums = sorted(sums)
    connection.executemany(
        f"INSERT INTO total VALUES (?, ?, ?, ?, {_PLACES})"
        f" ON CONFLICT (dimension, granularity, member, bucket) DO UPDATE SET {_ADDED}",
        [(dimension, code, *place, *more) for (dimension, *place), more in sums],
    )
    connection.executemany(
        "DELETE FROM total WHERE dimension = ? AND granularity = ? AND member = ? AND bucket = ?"
        f" AND {_NOTHING}",
        [(dimension, code, *place) for (dimension, *place), more in sums if more.requests <= 0],
    )
