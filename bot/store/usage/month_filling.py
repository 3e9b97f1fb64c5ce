"""Adds days to the rows by month once they are rarely fetched again, in small steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.runtime.priority import pausing_for_requests
from bot.store.connection import Connection
from bot.store.encoding import FIGURES, GRANULARITY, StoredView
from bot.store.usage.diff import RowChanges, change_of_months
from bot.store.usage.filled_months import ALL_MEMBERS, DAY_SECONDS, Mark, marks, set_mark
from bot.store.usage.write import statements, write
from reports.time.time_range import Granularity

MOST_AT_ONCE = 1_500
"""Rows added in one step, which makes other writers wait about 20 ms."""
_DAY = GRANULARITY[Granularity.DAY]
_Row = Sequence[int]
"""Bucket, member, model, and the figures."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step: the new mark of a view, and the rows to add to its rows by month."""

    view: StoredView
    mark: Mark
    change: RowChanges


def next_step(connection: Connection, until: int, most: int = MOST_AT_ONCE) -> Step | None:
    """The next step towards including the days before `until` (seconds) in the rows by month.

    None if they are all included. The first step of a view, whose months included all days so far,
    only sets the mark.
    """
    known = marks(connection)
    for view in StoredView:
        if view not in known:
            (newest,) = connection.execute(
                "SELECT MAX(bucket) FROM usage WHERE view = ? AND granularity = ?",
                (int(view), _DAY),
            ).fetchone()
            if newest is not None:
                return Step(view, Mark(newest, ALL_MEMBERS), RowChanges())
        elif known[view] < (until - DAY_SECONDS, ALL_MEMBERS):
            rows, mark = _rows_after(connection, view, known[view], until, most)
            return Step(view, mark, change_of_months(view, pausing_for_requests(rows)))
    return None


def fill(connection: Connection, step: Step) -> None:
    """Apply a step."""
    write(connection, statements(Granularity.DAY, step.change))
    set_mark(connection, step.view, step.mark)


def _rows_after(
    connection: Connection, view: StoredView, mark: Mark, until: int, most: int
) -> tuple[list[_Row], Mark]:
    """About `most` rows of a view after a mark, and the mark after these rows."""
    statement = (
        f"SELECT bucket, member, model, {FIGURES} FROM usage WHERE view = ? AND granularity = ?"
    )
    rows = connection.execute(
        f"{statement} AND bucket >= ? AND (bucket > ? OR member > ?) AND bucket < ?"
        " ORDER BY bucket, member, model LIMIT ?",
        (int(view), _DAY, mark.bucket, *mark, until, most),
    ).fetchall()
    if len(rows) < most:
        return rows, Mark(until - DAY_SECONDS, ALL_MEMBERS)
    last = Mark(*rows[-1][:2])
    # the last member's rows are read completely, because a mark can't be between models
    rows = [row for row in rows if row[:2] != last]
    rows += connection.execute(
        f"{statement} AND bucket = ? AND member = ?", (int(view), _DAY, *last)
    )
    return rows, last
