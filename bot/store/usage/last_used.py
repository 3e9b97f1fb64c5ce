"""Reads when members were last used, from the stored sums of usage if there are any."""

from __future__ import annotations

from datetime import datetime

from bot.store.connection import Connection
from bot.store.encoding import DIMENSIONS, GRANULARITY, from_seconds, has_sums
from reports.time.timerange import Granularity
from reports.usage.dimensions import Dimension

_FINE = (GRANULARITY[Granularity.HOUR], GRANULARITY[Granularity.DAY])


def last_used(connection: Connection, dimension: Dimension) -> dict[int, datetime]:
    """The start (UTC) of the last hour or day in which each member made a request, by id.

    Hours are stored for the recent past, days for the year; members that were never used aren't
    included.
    """
    stored = DIMENSIONS[dimension]
    found: dict[int, int] = {}
    for code in _FINE:
        if stored.view is None or has_sums(stored.code, code):
            where, first = "total WHERE dimension = ?", stored.code
        else:
            where, first = "usage WHERE view = ?", int(stored.view)
        rows = connection.execute(
            f"SELECT member, MAX(bucket) FROM {where} AND granularity = ? AND requests > 0"
            " GROUP BY member",
            (first, code),
        )
        for member, bucket in rows:
            found[member] = max(found.get(member, 0), bucket)
    return {member: from_seconds(bucket) for member, bucket in found.items()}
