"""Reads and writes usage rows and their sums, one window at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.runtime.priority import pausing_for_requests
from bot.store.connection import Connection, KeyedTable
from bot.store.encoding import FIGURES, GRANULARITY, VIEWS, has_sums, part, to_seconds
from bot.store.usage import imported
from bot.store.usage.diff import Figures, RowChanges, RowKey, Sums
from reports.time.time_range import Granularity
from reports.usage.windows_to_fetch import Window

Values = tuple[int, ...]

_NAMES = tuple(FIGURES.split(", "))
_USAGE_KEY = ("view", "granularity", "bucket", "member", "model")
_TOTAL_KEY = ("dimension", "granularity", "part", "member", "bucket")
USAGE = KeyedTable("usage", _USAGE_KEY, ("member", "model"), _NAMES)
TOTAL = KeyedTable("total", _TOTAL_KEY, ("member",), _NAMES)
_USAGE_BUCKET, _TOTAL_BUCKET = _USAGE_KEY.index("bucket"), _TOTAL_KEY.index("bucket")
_NOTHING = " AND ".join(f"{name} = 0" for name in _NAMES)


def window_rows(connection: Connection, window: Window) -> dict[RowKey, Figures]:
    """All stored rows of a window, in both views."""
    found = connection.execute(
        f"SELECT view, bucket, member, model, {FIGURES} FROM usage"
        f" WHERE view IN ({VIEWS}) AND granularity = ? AND bucket >= ? AND bucket < ?",
        (GRANULARITY[window.granularity], to_seconds(window.start), to_seconds(window.end)),
    )
    return {row[:4]: row[4:] for row in pausing_for_requests(found)}


@dataclass(frozen=True, slots=True)
class Statements:
    """A change as parameters of statements, prepared before the lock is taken."""

    gone: Sequence[Values]
    new: Sequence[Values]
    changed: Sequence[Values]
    added: Sequence[Values]
    months: Sequence[Values]
    month_rows: Sequence[Values]


def statements(granularity: Granularity, change: RowChanges) -> Statements:
    """The parameters that delete and write rows of a granularity and update their sums."""
    code, month = GRANULARITY[granularity], GRANULARITY[Granularity.MONTH]
    return Statements(
        [(view, code, *place) for view, *place in change.gone],
        [
            (view, code, bucket, member, model, *figures)
            for (view, bucket, member, model), figures in change.new
        ],
        [
            (view, code, bucket, member, model, *figures)
            for (view, bucket, member, model), figures in change.changed
        ],
        _sums(code, change.added),
        _sums(month, change.months),
        sorted(
            (view, month, *place, *figures) for (view, *place), figures in change.month_rows.items()
        ),
    )


def write(connection: Connection, work: Statements) -> None:
    """Delete and write rows, and update their sums."""
    connection.delete_rows("usage", _USAGE_KEY, work.gone)
    connection.insert_rows("usage", USAGE.columns, work.new)
    connection.update_rows(USAGE, work.changed, add=False)
    _add(connection, TOTAL, work.added)
    if not work.months and not work.month_rows:
        return
    # an imported month isn't changed until all of its days are stored
    whole = imported.months(connection)
    months = [row for row in work.months if row[_TOTAL_BUCKET] not in whole]
    _add(connection, TOTAL, months)
    month_rows = [row for row in work.month_rows if row[_USAGE_BUCKET] not in whole]
    _add(connection, USAGE, month_rows)


def _sums(code: int, sums: Sums) -> list[Values]:
    stored = {one for one in {dimension for dimension, _, _ in sums} if has_sums(one, code)}
    parts = {bucket: part(code, bucket) for bucket in {bucket for _, _, bucket in sums}}
    rows = [
        (dimension, code, parts[bucket], member, bucket, *more)
        for (dimension, member, bucket), more in sums.items()
        if dimension in stored
    ]
    return sorted(rows)


def _add(connection: Connection, table: KeyedTable, rows: Sequence[Values]) -> None:
    """Add figures to stored rows; then delete rows whose figures are all 0."""
    connection.update_rows(table, rows, add=True)
    requests = len(table.key)  # the first figure; if it wasn't reduced, the row can't be empty
    emptied = [row[:requests] for row in rows if row[requests] <= 0]
    connection.delete_rows(table.name, table.key, emptied, _NOTHING)
