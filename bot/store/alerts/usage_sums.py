"""Reads the usage that alert rules need: of each member of a dimension, in time ranges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from bot.store.database import Database
from bot.store.encoding import (
    ALL_OF,
    DIMENSION,
    DIMENSIONS,
    GRANULARITY,
    StoredView,
    from_seconds,
    has_sums,
    part,
    to_seconds,
)
from bot.store.usage.read import SUMS
from reports.time.time_range import Granularity
from reports.usage.coverage import Interval
from reports.usage.dimensions import Dimension
from reports.usage.usage import ZERO, Usage

GranularInterval = tuple[Granularity, Interval]
"""A time range (UTC, half-open) and the granularity at which its usage is read."""
UsageKey = int | tuple[int, int]
"""The id of the member whose usage it is, or the ids of a creator and a model."""
_LATEST = 2**40
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_MOST_KEPT = 12
"""Cached results: three dimensions and their pair, for today and the two days before."""


def add(a: Usage, b: Usage) -> Usage:
    """The sum of two figures."""
    return Usage(*map(sum, zip(a, b, strict=True)))


class AlertUsage:
    """Reads stored sums, and usage rows where there are none.

    Its methods may be called from any thread.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._last: dict[tuple[Dimension, frozenset[int], datetime], dict[int, datetime]] = {}
        self._before: dict[tuple[Dimension | None, datetime], frozenset[UsageKey]] = {}

    def sums(self, by: Dimension | None, intervals: Iterable[GranularInterval]) -> dict[int, Usage]:
        """The usage of each member of a dimension (0: everything combined) in all intervals."""
        found: dict[int, Usage] = {}
        for member, _, usage in self._rows(by, intervals, bucketed=False):
            known = found.get(member)
            found[member] = usage if known is None else add(known, usage)
        return found

    def series(
        self, by: Dimension | None, intervals: Iterable[GranularInterval]
    ) -> dict[int, dict[int, Usage]]:
        """The usage of each member by bucket (its start as Unix time)."""
        found: dict[int, dict[int, Usage]] = {}
        for member, bucket, usage in self._rows(by, intervals, bucketed=True):
            series = found.setdefault(member, {})
            series[bucket] = add(series.get(bucket, ZERO), usage)
        return found

    def users(self, intervals: Iterable[GranularInterval]) -> dict[tuple[int, int], Usage]:
        """The usage of each model by each creator in all intervals."""
        found: dict[tuple[int, int], Usage] = {}
        with self._db.read() as connection:
            for granularity, (start, end) in intervals:
                rows = connection.execute(
                    f"SELECT t.member, t.model, {SUMS} FROM usage t WHERE t.view = ?"
                    " AND t.granularity = ? AND t.bucket >= ? AND t.bucket < ? GROUP BY 1, 2",
                    (
                        StoredView.CREATOR,
                        GRANULARITY[granularity],
                        to_seconds(start),
                        to_seconds(end),
                    ),
                )
                for row in rows:
                    key, usage = (row[0], row[1]), Usage._make(row[2:])
                    known = found.get(key)
                    found[key] = usage if known is None else add(known, usage)
        return found

    def before(self, what: Dimension | None, day: datetime) -> frozenset[UsageKey]:
        """The members with usage before a day (UTC); without a dimension, (creator, model) pairs.

        The result is cached, because usage before that day hardly changes.
        """
        key = what, day
        if key not in self._before:
            interval = [(Granularity.DAY, (_EARLIEST, day))]
            found = self.users(interval) if what is None else self.sums(what, interval)
            used = frozenset(one for one, usage in found.items() if usage.requests)
            while len(self._before) >= _MOST_KEPT:
                self._before.pop(next(iter(self._before)))
            self._before[key] = used
        return self._before[key]

    def first(self, dimension: Dimension, member: int, since: datetime) -> datetime | None:
        """The first day (UTC), on or after `since`, with usage of a member; None if there is
        none."""
        code = GRANULARITY[Granularity.DAY]
        start, end = to_seconds(since), _LATEST
        with self._db.read() as connection:
            (parts,) = connection.execute(
                "SELECT max(part) FROM total WHERE dimension = ? AND granularity = ?",
                (DIMENSION[dimension], code),
            ).fetchone()
            wanted = list(range(part(code, start), (parts or 0) + 1))
            (found,) = connection.execute(
                "SELECT min(t.bucket) FROM numbers(?) p CROSS JOIN total t"
                " WHERE t.dimension = ? AND t.granularity = ? AND t.part = p.value AND t.member = ?"
                " AND t.bucket >= ? AND t.bucket < ? AND t.requests > 0",
                (wanted, DIMENSION[dimension], code, member, start, end),
            ).fetchone()
        return None if found is None else from_seconds(found)

    def last_used(
        self, dimension: Dimension, members: frozenset[int], day: datetime
    ) -> dict[int, datetime]:
        """The last day (its start, UTC) on which each member made a request; without those that
        never did.

        `members` have no usage on `day` or shortly before, so the result is cached for that day.
        """
        key = dimension, members, day
        if key not in self._last:
            with self._db.read() as connection:
                found = connection.execute(
                    "SELECT member, max(bucket) FROM total WHERE dimension = ? AND granularity = ?"
                    " AND member IN (SELECT value FROM numbers(?) n) AND requests > 0 GROUP BY 1",
                    (DIMENSION[dimension], GRANULARITY[Granularity.DAY], sorted(members)),
                ).fetchall()
            while len(self._last) >= _MOST_KEPT:
                self._last.pop(next(iter(self._last)))
            self._last[key] = {member: from_seconds(bucket) for member, bucket in found}
        return self._last[key]

    def _rows(
        self, by: Dimension | None, intervals: Iterable[GranularInterval], *, bucketed: bool
    ) -> Sequence[tuple[int, int, Usage]]:
        bucket, group = ("t.bucket", ", 2") if bucketed else ("0", "")
        dimension = ALL_OF[StoredView.KEY] if by is None else DIMENSION[by]
        rows: list[tuple[int, int, Usage]] = []
        params: tuple[int, ...]
        with self._db.read() as connection:
            for granularity, (since, until) in intervals:
                code, start, end = GRANULARITY[granularity], to_seconds(since), to_seconds(until)
                view = DIMENSIONS[by].view if by is not None else None
                if view is None or has_sums(dimension, code):
                    tables = "total t WHERE t.dimension = ? AND t.part BETWEEN ? AND ?"
                    params = dimension, part(code, start), part(code, end)
                else:
                    tables, params = "usage t WHERE t.view = ?", (int(view),)
                found = connection.execute(
                    f"SELECT t.member, {bucket}, {SUMS} FROM {tables} AND t.granularity = ?"
                    f" AND t.bucket >= ? AND t.bucket < ? GROUP BY 1{group}",
                    (*params, code, start, end),
                )
                rows += [(row[0], row[1], Usage._make(row[2:])) for row in found]
        return rows
