"""Reads when members were last used, from the stored sums of usage if there are any."""

from __future__ import annotations

from datetime import datetime

from bot.store.connection import Connection
from bot.store.encoding import (
    DIMENSION,
    DIMENSIONS,
    GRANULARITY,
    StoredView,
    from_seconds,
    has_sums,
)
from reports.time.time_range import Granularity
from reports.usage.dimensions import Dimension

_FINE = (GRANULARITY[Granularity.HOUR], GRANULARITY[Granularity.DAY])


def last_used(connection: Connection, dimension: Dimension) -> dict[int, datetime]:
    """The start (UTC) of the last hour or day in which each member made a request, by id.

    Hours are stored for the recent past, days for the year; members that were never used aren't
    included.
    """
    listed = connection.execute(
        "SELECT id FROM member WHERE dimension = ? ORDER BY id", (DIMENSION[dimension],)
    )
    members = [id_ for (id_,) in listed]
    stored, last = DIMENSIONS[dimension], dict[int, int]()
    for code in _FINE:
        if stored.view is None or has_sums(stored.code, code):
            found = _last_of_sums(connection, stored.code, code, members)
        else:
            found = _last_of_rows(connection, stored.view, code)
        for member, bucket in found.items():
            last[member] = max(bucket, last.get(member, bucket))
    return {member: from_seconds(bucket) for member, bucket in last.items()}


def _last_of_rows(connection: Connection, view: StoredView, granularity: int) -> dict[int, int]:
    return dict(
        connection.execute(
            "SELECT member, MAX(bucket) FROM usage WHERE view = ? AND granularity = ?"
            " AND requests > 0 GROUP BY member",
            (int(view), granularity),
        ).fetchall()
    )


def _last_of_sums(
    connection: Connection, dimension: int, granularity: int, members: list[int]
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
        parts = list(range(max(oldest, newest - length + 1), newest + 1))
        buckets = connection.execute(
            "SELECT t.member, MAX(t.bucket) FROM numbers(?) m CROSS JOIN numbers(?) p"
            " CROSS JOIN total t WHERE t.dimension = ? AND t.granularity = ? AND t.part = p.value"
            " AND t.member = m.value AND t.requests > 0 GROUP BY t.member",
            (members, parts, *which),
        )
        found.update(buckets.fetchall())
        members = [id_ for id_ in members if id_ not in found]
        newest, length = newest - length, 2 * length
    return found
