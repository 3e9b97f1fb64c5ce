"""Reads the usage that alert rules need: of each member of a dimension, in time ranges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

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
from bot.store.usage.selection import Ids
from reports.time.time_range import Granularity
from reports.usage.coverage import Interval
from reports.usage.dimensions import Dimension
from reports.usage.usage import Usage

GranularInterval = tuple[Granularity, Interval]
"""A time range (UTC, half-open) and the granularity at which its usage is read."""
UsageKey = int | tuple[int, int]
"""The id of the member whose usage it is, or the ids of a creator and a model."""
_LATEST = 2**40
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_SCANNED = 4
"""From a fourth of the members on, reading the rows of all of them takes less than looking up each
of those that are asked for."""
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

    def sums(
        self,
        by: Dimension | None,
        intervals: Iterable[GranularInterval],
        figures: Sequence[str] = Usage._fields,
    ) -> dict[int, Usage]:
        """The usage of each member of a dimension (0: everything combined) in all intervals.

        Only `figures` are read; the others are 0.
        """
        parts = [_part(by, interval) for interval in intervals]
        if not parts:
            return {}
        # stored sums are grouped in storage order first, because a part has the rows of a member
        # side by side
        each = ", ".join(f"SUM(t.{figure}) AS {figure}" for figure in figures)
        statements = [
            f"SELECT t.member AS id, {each} FROM {one.tables} GROUP BY {one.grouped}"
            for one in parts
        ]
        together = ", ".join(
            f"SUM({figure})" if figure in figures else "0" for figure in Usage._fields
        )
        with self._db.read() as connection:
            rows = connection.execute(
                f"SELECT id, {together} FROM ({' UNION ALL '.join(statements)}) r"
                " GROUP BY id ORDER BY id",
                [value for one in parts for value in one.params],
            ).fetchall()
        return {row[0]: Usage._make(row[1:]) for row in rows}

    def spend_series(
        self,
        by: Dimension | None,
        intervals: Iterable[GranularInterval],
        start_of: Callable[[datetime], datetime],
    ) -> dict[int, dict[datetime, int]]:
        """The spend (nano-dollars) of each member by the time that `start_of` says of the start of
        a stored bucket."""
        found: dict[int, dict[datetime, int]] = defaultdict(dict)
        starts: dict[int, datetime] = {}
        with self._db.read() as connection:
            for one in (_part(by, interval) for interval in intervals):
                # of stored sums, there is one row for each member and bucket
                value, grouped = "t.credits + t.byok", ""
                if not one.sums:
                    value, grouped = f"SUM({value})", f" GROUP BY {one.grouped}, t.bucket"
                rows = connection.execute(
                    f"SELECT t.member, t.bucket, {value} FROM {one.tables}{grouped}", one.params
                )
                for member, bucket, spend in rows:
                    start = starts.get(bucket)
                    if start is None:
                        start = starts[bucket] = start_of(from_seconds(bucket))
                    series = found[member]
                    series[start] = series.get(start, 0) + spend
        return dict(found)

    def unused(self, by: Dimension, members: Ids, intervals: Sequence[GranularInterval]) -> Ids:
        """Those of some members that made no request in any of the intervals (oldest first).

        Most were used lately, so only the others are looked for in the intervals before.
        """
        left = members
        with self._db.read() as connection:
            for interval in reversed(intervals):
                one, many = _part(by, interval), len(left) * _SCANNED > len(members)
                if not left:
                    break
                some = "" if many else " AND t.member IN (SELECT value FROM numbers(?) n)"
                rows = connection.execute(
                    f"SELECT t.member FROM {one.tables} AND t.requests > 0{some} GROUP BY t.member",
                    one.params if many else (*one.params, sorted(left)),
                )
                left -= {id_ for (id_,) in rows}
        return left

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

    def first(
        self, dimension: Dimension, members: Iterable[int], since: datetime
    ) -> Mapping[int, datetime]:
        """The first day (UTC), on or after `since`, with usage of some members; without those that
        have none.

        Most members were used soon after, so they are looked for in the oldest part of time, and
        the remaining ones in the parts after it.
        """
        key, code = DIMENSION[dimension], GRANULARITY[Granularity.DAY]
        start, found, members = to_seconds(since), dict[int, int](), sorted(members)
        with self._db.read() as connection:
            (last,) = connection.execute(
                "SELECT MAX(part) FROM total WHERE dimension = ? AND granularity = ?", (key, code)
            ).fetchone()
            which = "t.dimension = ? AND t.granularity = ? AND t.bucket >= ? AND t.requests > 0"
            for number in range(part(code, start), -1 if last is None else last + 1):
                if not members:
                    break
                rows = connection.execute(
                    "SELECT t.member, MIN(t.bucket) FROM numbers(?) m CROSS JOIN total t"
                    f" WHERE {which} AND t.part = ? AND t.member = m.value GROUP BY t.member",
                    (members, key, code, start, number),
                )
                found.update(rows.fetchall())
                members = [id_ for id_ in members if id_ not in found]
        return {member: from_seconds(bucket) for member, bucket in found.items()}

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


class _Part(NamedTuple):
    """The tables and conditions to read an interval from, with their parameters; the columns that
    rows of a member are side by side by; and whether they are stored sums."""

    tables: str
    params: tuple[int, ...]
    grouped: str
    sums: bool


def _part(by: Dimension | None, interval: GranularInterval) -> _Part:
    granularity, (since, until) = interval
    dimension = ALL_OF[StoredView.KEY] if by is None else DIMENSION[by]
    code, start, end = GRANULARITY[granularity], to_seconds(since), to_seconds(until)
    view = DIMENSIONS[by].view if by is not None else None
    bounds = "t.granularity = ? AND t.bucket >= ? AND t.bucket < ?"
    if view is None or has_sums(dimension, code):
        tables = f"total t WHERE t.dimension = ? AND t.part BETWEEN ? AND ? AND {bounds}"
        parts = part(code, start), part(code, end)
        return _Part(tables, (dimension, *parts, code, start, end), "t.part, t.member", sums=True)
    tables = f"usage t WHERE t.view = ? AND {bounds}"
    return _Part(tables, (int(view), code, start, end), "t.member", sums=False)
