"""Leases by name: of several processes, one at a time syncs or evaluates alerts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.store.connection import Connection
from bot.store.encoding import to_seconds


def take_lease(
    connection: Connection,
    name: str,
    owner: str,
    length: timedelta,
    clock: Callable[[], datetime],
) -> bool:
    """Take or renew the lease on a name for `length` from now; False if another owner has it.

    Call it in a write transaction. The clock is read here, within it: otherwise a wait for the lock
    would shorten the lease.
    """
    now = clock()
    found = connection.execute("SELECT owner, until FROM lease WHERE name = ?", (name,)).fetchone()
    # a lease that ends later than possible was taken before the clock was set back
    if found and found[0] != owner and to_seconds(now) < found[1] <= to_seconds(now + length):
        return False
    connection.execute(
        "INSERT INTO lease (name, owner, until) VALUES (?, ?, ?) ON CONFLICT (name)"
        " DO UPDATE SET owner = excluded.owner, until = excluded.until",
        (name, owner, to_seconds(now + length)),
    )
    return True


def lease_holder(connection: Connection, name: str, clock: Callable[[], datetime]) -> str:
    """The owner of the lease on a name; "" if there is none."""
    found = connection.execute(
        "SELECT owner FROM lease WHERE name = ? AND until > ?", (name, to_seconds(clock()))
    ).fetchone()
    return str(found[0]) if found else ""
