"""Reads when members were last used, from the sums of usage."""

from __future__ import annotations

from datetime import datetime

from bot.store.connection import Connection
from bot.store.encoding import DIMENSION, GRANULARITY, from_seconds
from reports.time.timerange import Granularity
from reports.usage.dimensions import Dimension

_FINE = (GRANULARITY[Granularity.HOUR], GRANULARITY[Granularity.DAY])


def last_used(connection: Connection, dimension: Dimension) -> dict[int, datetime]:
    """The start (UTC) of the last hour or day in which each member made a request, by id.

    Hours are stored for the recent past, days for the year; members that were never used aren't
    included.
    """
    found = connection.execute(
        "SELECT member, MAX(bucket) FROM total WHERE dimension = ? AND granularity IN (?, ?)"
        " AND requests > 0 GROUP BY member",
        (DIMENSION[dimension], *_FINE),
    )
    return {member: from_seconds(bucket) for member, bucket in found}
