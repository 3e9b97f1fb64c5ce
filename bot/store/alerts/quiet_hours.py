"""Stores quiet hours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time

from bot.store.database import Database
from bot.store.encoding import to_milliseconds
from reports.alerts.periods import QuietHours

Clock = Callable[[], datetime]


class StoredQuietHours:
    """The quiet hours of people, by their Slack ids. Its methods may be called from any thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def get(self, person: str) -> QuietHours | None:
        """A person's quiet hours, in their time zone; None if they have none."""
        with self._db.read() as connection:
            row = connection.execute(
                "SELECT since, until FROM alert_quiet WHERE person = ?", (person,)
            ).fetchone()
        return QuietHours(time.fromisoformat(row[0]), time.fromisoformat(row[1])) if row else None

    def set(self, person: str, quiet: QuietHours | None) -> None:
        """Store a person's quiet hours (None: off). Postponed events are checked again."""
        with self._db.write() as connection:
            connection.execute("DELETE FROM alert_quiet WHERE person = ?", (person,))
            if quiet:
                connection.execute(
                    "INSERT INTO alert_quiet (person, since, until) VALUES (?, ?, ?)",
                    (person, f"{quiet.start:%H:%M}", f"{quiet.end:%H:%M}"),
                )
            connection.execute(
                "UPDATE alert_event SET next_at = ? WHERE state = 'pending'",
                (to_milliseconds(self._clock()),),
            )
