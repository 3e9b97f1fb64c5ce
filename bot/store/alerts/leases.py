"""Leases on events and messages: what one process works on, no other process takes meanwhile.

A process that takes a row raises the row's fence. What an earlier process writes afterwards has an
old fence and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.store.connection import Connection
from bot.store.encoding import to_milliseconds
from bot.store.readable import Row

LEASE = timedelta(seconds=120)
"""How long rows wait for a process that died; fences keep one that is only slow from doing harm."""


def lease_rows(
    connection: Connection, table: str, columns: str, found: Sequence[Row], now: datetime
) -> list[Row]:
    """Lease rows, whose ids are the first column of `found`; the `columns` of the leased rows."""
    ids = [row[0] for row in found]
    chosen = "id IN (SELECT value FROM numbers(?) n)"
    connection.execute(
        f"UPDATE {table} SET fence = fence + 1, next_at = ? WHERE {chosen}",
        (to_milliseconds(now + LEASE), ids),
    )
    rows = connection.execute(f"SELECT {columns} FROM {table} WHERE {chosen} ORDER BY id", (ids,))
    return rows.fetchall()
