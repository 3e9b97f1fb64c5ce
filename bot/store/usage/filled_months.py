"""Tracks which days are included in the rows by month.

The last two days are fetched again every few minutes. Rows by month that included them would also
be written each time, so they only include the days of a view up to a mark. Changes up to the mark
are added to them; readers of a month add the days after it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from bot.store.connection import Connection
from bot.store.encoding import GRANULARITY, from_seconds, to_seconds
from reports.time.time_range import Granularity, next_bucket

ALL_MEMBERS = 2**31 - 1
"""Ids are below this, so a mark with it includes its whole day."""
DAY_SECONDS = 86_400
_DAY = GRANULARITY[Granularity.DAY]


class Mark(NamedTuple):
    """The last included day (its first second), and the last included member on that day."""

    bucket: int
    member: int

    @property
    def following(self) -> int:
        """The first second of the first day that isn't included at all."""
        return self.bucket + DAY_SECONDS


Marks = Mapping[int, Mark]
"""The mark of each view. Without one, the rows by month of a view include all days."""


class DaysAfter(NamedTuple):
    """Days to read in addition to a month: from `start` until before `end` (seconds).

    Only members with ids above `member`; -1 means all of them.
    """

    start: int
    end: int
    member: int


def marks(connection: Connection) -> Marks:
    """The mark of each view."""
    found = connection.execute("SELECT view, bucket, member FROM month_filled")
    return {view: Mark(bucket, member) for view, bucket, member in found}


def contain(known: Marks, view: int, bucket: int, member: int) -> bool:
    """Whether the rows by month include a member's usage on a day."""
    mark = known.get(view)
    return mark is None or (bucket, member) <= mark


def set_mark(connection: Connection, view: int, mark: Mark) -> None:
    """Move the mark of a view."""
    connection.execute(
        "INSERT INTO month_filled (view, bucket, member) VALUES (?, ?, ?) ON CONFLICT (view)"
        " DO UPDATE SET bucket = excluded.bucket, member = excluded.member",
        (view, *mark),
    )


class Unfilled(NamedTuple):
    """The mark of a view, and the last day with rows."""

    mark: Mark
    newest: int

    def days(self, start: int, end: int, of_files: Collection[int]) -> Iterator[DaysAfter]:
        """The days to add to the months from `start` until before `end` (seconds).

        A month imported from a file (one of `of_files`) includes everything known about it.
        """
        end = min(end, self.newest + DAY_SECONDS)
        while start < end:
            following = to_seconds(next_bucket(from_seconds(start), Granularity.MONTH))
            if following > self.mark.bucket and start not in of_files:
                yield from self._days_of_month(start, min(following, end))
            start = following

    def _days_of_month(self, month: int, end: int) -> Iterator[DaysAfter]:
        if month <= self.mark.bucket and self.mark.member != ALL_MEMBERS:
            yield DaysAfter(self.mark.bucket, self.mark.following, self.mark.member)
        after = max(month, self.mark.following)
        if after < end:
            yield DaysAfter(after, end, -1)


def unfilled(connection: Connection, view: int) -> Unfilled | None:
    """The days that the months of a view don't include; None if they include all days."""
    found = connection.execute(
        "SELECT f.bucket, f.member, (SELECT MAX(u.bucket) FROM usage u"
        " WHERE u.view = f.view AND u.granularity = ?) FROM month_filled f WHERE f.view = ?",
        (_DAY, view),
    ).fetchone()
    if found is None or found[2] is None:
        return None
    return Unfilled(Mark(found[0], found[1]), found[2])
