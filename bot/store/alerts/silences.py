"""Stores which alerts are snoozed or muted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.store.database import Database
from bot.store.encoding import from_milliseconds, to_milliseconds
from bot.store.readable import readable

Clock = Callable[[], datetime]
ALL_SUBJECTS = "*"
"""The subject of a silence that covers its whole rule."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A subject of a rule for which no messages are sent: snoozed until a time (UTC), or muted
    (None).

    `person` is the Slack id of the person who silenced it.
    """

    rule: str
    subject: str
    until: datetime | None
    person: str


class AlertSilences:
    """All silences. Its methods may be called from any thread and any process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def add(self, rule: str, subject: str, until: datetime | None, person: str) -> None:
        """Silence a subject until a time (UTC) or, with None, until it is unmuted."""
        with self._db.write() as connection:
            connection.execute(
                "INSERT INTO alert_hold (rule, subject, until, period, person)"
                " VALUES (?, ?, ?, '', ?) ON CONFLICT (rule, subject) DO UPDATE"
                " SET until = excluded.until, period = excluded.period, person = excluded.person",
                (rule, subject, until and to_milliseconds(until), person),
            )

    def lift(self, rule: str, subject: str) -> None:
        """Let a subject send messages again."""
        with self._db.write() as connection:
            connection.execute(
                "DELETE FROM alert_hold WHERE rule = ? AND subject = ?", (rule, subject)
            )

    def all(self) -> dict[tuple[str, str], Silence]:
        """All silences, by rule and subject."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT rule, subject, until, person FROM alert_hold"
            ).fetchall()
        return {
            (row[0], row[1]): Silence(row[0], row[1], row[2] and from_milliseconds(row[2]), row[3])
            for row in found
        }

    def ended(self) -> list[Silence]:
        """The snoozes that are over; `remove` each once its reminder is stored."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT rule, subject, until, person FROM alert_hold WHERE until <= ?",
                (to_milliseconds(self._clock()),),
            ).fetchall()
        return readable(
            found,
            lambda row: Silence(row[0], row[1], from_milliseconds(row[2]), row[3]),
            "silence of",
        )

    def remove(self, silence: Silence) -> None:
        """Remove a snooze that is over, unless it was set again meanwhile."""
        with self._db.write() as connection:
            connection.execute(
                "DELETE FROM alert_hold WHERE rule = ? AND subject = ? AND until = ?",
                (silence.rule, silence.subject, silence.until and to_milliseconds(silence.until)),
            )
