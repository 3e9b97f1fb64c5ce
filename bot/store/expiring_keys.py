"""Stores small values that expire: keys that can be claimed once, and texts with short ids."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import TypeVar

from bot.store.connection import Area, Connection
from bot.store.database import Database
from bot.store.encoding import to_seconds
from bot.store.errors import StoreError

T = TypeVar("T")

_POLL_SECONDS = 0.02
"""The pause between checks of a held key: too short to notice, and 50 per second are no load."""

_ID = 20
"""Hex digits of a text's id (80 bits): enough to avoid collisions, and short enough for Slack."""


class ExpiringKeys:
    """Values by key, each until it expires; across restarts and processes."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    @property
    def shared(self) -> bool:
        """Whether processes on several machines may share these keys."""
        return self._db.is_shared

    def claim(self, key: str, length: timedelta) -> bool:
        """Claim a key for `length`; False if it is already claimed."""
        with self._db.write(Area.KEYS) as connection:
            now = self._delete_expired(connection)
            added = connection.execute(
                "INSERT INTO memory (key, value, until) VALUES (?, '', ?) ON CONFLICT DO NOTHING",
                (key, now + int(length.total_seconds())),
            )
            return added.rowcount > 0

    def release(self, key: str) -> None:
        """Release a key before it expires."""
        with self._db.write(Area.KEYS) as connection:
            connection.execute("DELETE FROM memory WHERE key = ?", (key,))

    @contextmanager
    def hold(self, key: str, seconds: float) -> Iterator[None]:
        """Hold a key inside the block, while nobody else holds it.

        Waits for at most `seconds`, then continues without it: a process that held the key for that
        long was killed, or has lost it.
        """
        end = monotonic() + seconds
        while not (held := self.claim(key, timedelta(seconds=seconds))) and monotonic() < end:
            sleep(_POLL_SECONDS)
        try:
            yield
        finally:
            if held:
                with suppress(StoreError):  # the key expires by itself
                    self.release(key)

    def keep(self, value: str, length: timedelta) -> str:
        """Store a text for `length`; returns its id, which is the same for the same text."""
        key = hashlib.sha256(value.encode()).hexdigest()[:_ID]
        with self._db.write(Area.KEYS) as connection:
            now = self._delete_expired(connection)
            connection.execute(
                "INSERT INTO memory (key, value, until) VALUES (?, ?, ?) ON CONFLICT (key)"
                " DO UPDATE SET until = excluded.until WHERE memory.until < excluded.until",
                (key, value, now + int(length.total_seconds())),
            )
        return key

    def put(self, key: str, value: str, length: timedelta) -> None:
        """Store a text under a key for `length`, replacing the previous one."""
        with self._db.write(Area.KEYS) as connection:
            now = self._delete_expired(connection)
            connection.execute(
                "INSERT INTO memory (key, value, until) VALUES (?, ?, ?) ON CONFLICT (key)"
                " DO UPDATE SET value = excluded.value, until = excluded.until",
                (key, value, now + int(length.total_seconds())),
            )

    def update(
        self, key: str, change: Callable[[str | None], tuple[str, T]], length: timedelta
    ) -> T:
        """Replace the text under a key with the one that `change` returns; returns its other
        result.

        `change` gets the stored text, or None. No other process can change it meanwhile. The text
        is stored for `length` from now on.
        """
        with self._db.write(Area.KEYS) as connection:
            now = self._delete_expired(connection)
            found = connection.execute("SELECT value FROM memory WHERE key = ?", (key,)).fetchone()
            value, rest = change(str(found[0]) if found else None)
            connection.execute(
                "INSERT INTO memory (key, value, until) VALUES (?, ?, ?) ON CONFLICT (key)"
                " DO UPDATE SET value = excluded.value, until = excluded.until",
                (key, value, now + int(length.total_seconds())),
            )
            return rest

    def get(self, key: str) -> str | None:
        """The text of an id or key; None if there is none or it has expired."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT value FROM memory WHERE key = ? AND until > ?",
                (key, to_seconds(self._clock())),
            ).fetchone()
        return str(found[0]) if found else None

    def _delete_expired(self, connection: Connection) -> int:
        """Delete expired values; returns the current time in seconds since 1970."""
        now = to_seconds(self._clock())
        connection.execute("DELETE FROM memory WHERE until <= ?", (now,))
        return now
