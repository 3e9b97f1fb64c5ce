"""Leases events and messages, so that no two processes work on the same one.

A process that leases a row increases the row's fence. If an earlier process still writes, its fence
is outdated, and nothing is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.store.connection import Connection
from bot.store.encoding import to_milliseconds
from bot.store.readable import Row

LEASE = timedelta(seconds=120)
"""How long rows wait if a process died; if it is only slow, fences keep it from doing harm."""


def lease_rows(
    connection: Connection, table: str, columns: str, found: Sequence[Row], now: datetime
) -> list[Row]:
    """Lease rows whose ids are the first column of `found`; returns the `columns` of these rows."""
    ids = [row[0] for row in found]
    chosen = "id IN (SELECT value FROM numbers(?) n)"
    connection.execute(
        f"UPDATE {table} SET fence = fence + 1, next_at = ? WHERE {chosen}",
        (to_milliseconds(now + LEASE), ids),
    )
    rows = connection.execute(f"SELECT {columns} FROM {table} WHERE {chosen} ORDER BY id", (ids,))
    return rows.fetchall()
