"""Reads and writes usage rows and their sums, one window at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.runtime.priority import pausing_for_requests
from bot.store.connection import Connection
from bot.store.encoding import FIGURES, GRANULARITY, VIEWS, has_sums, part, to_seconds
from bot.store.usage import imported
from bot.store.usage.diff import Figures, RowChanges, RowKey, Sums
from reports.time.time_range import Granularity
from reports.usage.windows_to_fetch import Window

Values = tuple[int, ...]

_NAMES = FIGURES.split(", ")
_USAGE_KEY = ("view", "granularity", "bucket", "member", "model")
_TOTAL_KEY = ("dimension", "granularity", "part", "member", "bucket")
_REPLACED = (
    f"ON CONFLICT ({', '.join(_USAGE_KEY)}) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _NAMES)
)  # fmt: skip


def _added_to(table: str, key: Sequence[str]) -> str:
    """The ON CONFLICT clause that adds figures to a stored row."""
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in _NAMES)
    return f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {added}"


_ADDED = {"total": _added_to("total", _TOTAL_KEY), "usage": _added_to("usage", _USAGE_KEY)}
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
    connection.insert_rows("usage", (*_USAGE_KEY, *_NAMES), work.new)
    connection.insert_rows("usage", (*_USAGE_KEY, *_NAMES), work.changed, _REPLACED)
    _add(connection, "total", _TOTAL_KEY, work.added)
    # an imported month isn't changed until all of its days are stored
    whole = imported.months(connection)
    months = [row for row in work.months if row[_TOTAL_BUCKET] not in whole]
    _add(connection, "total", _TOTAL_KEY, months)
    month_rows = [row for row in work.month_rows if row[_USAGE_BUCKET] not in whole]
    _add(connection, "usage", _USAGE_KEY, month_rows)


def _sums(code: int, sums: Sums) -> list[Values]:
    stored = {one for one in {dimension for dimension, _, _ in sums} if has_sums(one, code)}
    parts = {bucket: part(code, bucket) for bucket in {bucket for _, _, bucket in sums}}
    rows = [
        (dimension, code, parts[bucket], member, bucket, *more)
        for (dimension, member, bucket), more in sums.items()
        if dimension in stored
    ]
    return sorted(rows)


def _add(connection: Connection, table: str, key: Sequence[str], rows: Sequence[Values]) -> None:
    """Add figures to stored rows; then delete rows whose figures are all 0."""
    connection.insert_rows(table, (*key, *_NAMES), rows, _ADDED[table])
    requests = len(key)  # the first figure; if it wasn't reduced, the row can't be empty
    emptied = [row[:requests] for row in rows if row[requests] <= 0]
    connection.delete_rows(table, key, emptied, _NOTHING)
