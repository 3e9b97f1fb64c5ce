"""Stores opt-outs: who no longer wants the reports of a schedule for every creator."""

from __future__ import annotations

from bot.store.database import Database
from bot.store.encoding import Clock, to_milliseconds
from bot.store.schedules.schedules import StoredSchedule


class OptOuts:
    """Who opted out of which reports. Its methods may be called from any thread.

    An opt-out applies to its schedule, even after edits, and to every other schedule with the same
    question. People are Slack ids.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def add(self, person: str, schedule: StoredSchedule) -> None:
        """Stop sending a schedule's reports to a person."""
        with self._db.write() as connection:
            connection.execute(
                "INSERT INTO report_opt_out (person, schedule, question, at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (person, schedule) DO UPDATE SET question = excluded.question,"
                " at = excluded.at",
                (person, schedule.id, schedule.draft.question, to_milliseconds(self._clock())),
            )

    def remove(self, person: str, schedule: StoredSchedule) -> None:
        """Send a schedule's reports to a person again."""
        with self._db.write() as connection:
            connection.execute(
                "DELETE FROM report_opt_out WHERE person = ? AND (schedule = ? OR question = ?)",
                (person, schedule.id, schedule.draft.question),
            )

    def has(self, person: str, schedule: StoredSchedule) -> bool:
        """Whether a person opted out of a schedule's reports."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT 1 FROM report_opt_out WHERE person = ? AND (schedule = ? OR question = ?)",
                (person, schedule.id, schedule.draft.question),
            ).fetchone()
        return found is not None

    def of(self, person: str) -> list[str]:
        """The ids of the schedules that a person opted out of, oldest first."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT schedule FROM report_opt_out WHERE person = ? ORDER BY at, schedule",
                (person,),
            ).fetchall()
        return [str(row[0]) for row in found]
