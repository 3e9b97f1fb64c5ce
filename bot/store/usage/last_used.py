"""Reads when members were last used, from the stored sums of usage if there are any."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.store.connection import Connection
from bot.store.encoding import (
    ALL_OF,
    DIMENSION,
    DIMENSIONS,
    GRANULARITY,
    StoredView,
    from_seconds,
    has_sums,
)
from bot.store.usage.selection import Ids
from reports.time.time_range import Granularity
from reports.usage.dimensions import Dimension

_HOUR, _DAY = GRANULARITY[Granularity.HOUR], GRANULARITY[Granularity.DAY]
_SCANNED = 4
"""From a fourth of the members on, reading the rows of all of them takes less than looking up each
of those that are asked for."""


def last_used(
    connection: Connection, dimension: Dimension, members: Ids | None = None
) -> dict[int, datetime]:
    """The start (UTC) of the last hour or day in which each member made a request, by id.

    Hours are stored for the recent past, days for the year; members that were never used aren't
    included; with `members`, only some of these are.
    """
    listed = connection.execute(
        "SELECT id FROM member WHERE dimension = ? ORDER BY id", (DIMENSION[dimension],)
    )
    every = [id_ for (id_,) in listed]
    wanted = every if members is None else [id_ for id_ in every if id_ in members]
    last = _last(connection, dimension, _HOUR, wanted, len(every))
    # a day's usage counts from its start, so days until the one of the last hour add nothing
    newest = _newest_day(connection, DIMENSIONS[dimension].view or StoredView.KEY)
    earlier = [id_ for id_ in wanted if last.get(id_, -1) < newest]
    for member, bucket in _last(connection, dimension, _DAY, earlier, len(every)).items():
        last[member] = max(bucket, last.get(member, bucket))
    times = {bucket: from_seconds(bucket) for bucket in set(last.values())}
    return {id_: times[last[id_]] for id_ in wanted if id_ in last}


def _newest_day(connection: Connection, view: StoredView) -> int:
    """The last day (seconds) with any usage in a view; -1 if there is none."""
    stored = "FROM total WHERE dimension = ? AND granularity = ?"
    which = ALL_OF[view], _DAY
    found = connection.execute(
        f"SELECT MAX(bucket) {stored} AND part = (SELECT MAX(part) {stored})", (*which, *which)
    ).fetchone()
    return -1 if found[0] is None else int(found[0])


def _last(
    connection: Connection, dimension: Dimension, granularity: int, members: list[int], count: int
) -> dict[int, int]:
    """The last bucket in which each of some members made a request, of `count` members."""
    stored = DIMENSIONS[dimension]
    if not members:
        return {}
    if stored.view is None or has_sums(stored.code, granularity):
        return _last_of_sums(connection, stored.code, granularity, members, count)
    return _last_of_rows(connection, stored.view, granularity)


def _last_of_rows(connection: Connection, view: StoredView, granularity: int) -> dict[int, int]:
    return dict(
        connection.execute(
            "SELECT member, MAX(bucket) FROM usage WHERE view = ? AND granularity = ?"
            " AND requests > 0 GROUP BY member",
            (int(view), granularity),
        ).fetchall()
    )


def _last_of_sums(
    connection: Connection, dimension: int, granularity: int, members: list[int], count: int
) -> dict[int, int]:
    """The last bucket of stored sums in which each of some members made a request.

    Most members were used lately, so they are looked for in the newest part of time, and the
    remaining ones in ever longer times before it.
    """
    stored = "FROM total WHERE dimension = ? AND granularity = ?"
    which = dimension, granularity
    newest, oldest = connection.execute(
        f"SELECT (SELECT MAX(part) {stored}), (SELECT MIN(part) {stored})", (*which, *which)
    ).fetchone()
    found: dict[int, int] = {}
    length = 1
    while members and newest is not None and newest >= oldest:
        parts = range(max(oldest, newest - length + 1), newest + 1)
        of_all = length == 1 and len(members) * _SCANNED >= count
        rows = (
            _last_of_part(connection, which, newest)
            if of_all
            else _last_of_each(connection, which, parts, members)
        )
        found.update(rows)
        members = [id_ for id_ in members if id_ not in found]
        newest, length = newest - length, 2 * length
    return found


def _last_of_part(
    connection: Connection, which: tuple[int, int], part: int
) -> Iterable[tuple[int, int]]:
    """The last bucket of a part with a request of each member."""
    return connection.execute(
        "SELECT member, MAX(bucket) FROM total WHERE dimension = ? AND granularity = ?"
        " AND part = ? AND requests > 0 GROUP BY member",
        (*which, part),
    ).fetchall()


def _last_of_each(
    connection: Connection, which: tuple[int, int], parts: Iterable[int], members: list[int]
) -> Iterable[tuple[int, int]]:
    """The last bucket of some parts with a request of each of some members."""
    return connection.execute(
        "SELECT t.member, MAX(t.bucket) FROM numbers(?) m CROSS JOIN numbers(?) p"
        " CROSS JOIN total t WHERE t.dimension = ? AND t.granularity = ? AND t.part = p.value"
        " AND t.member = m.value AND t.requests > 0 GROUP BY t.member",
        (members, list(parts), *which),
    ).fetchall()
