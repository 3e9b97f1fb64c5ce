"""Reads the stored part of `status`: next and last reports, last alerts, counts and size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.store.database import Database
from bot.store.encoding import from_milliseconds
from bot.store.readable import readable
from bot.store.schedules.schedules import StoredSchedule, columns, entry


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A finished report run: its schedule, state, end (UTC) and error or ""."""

    entry: StoredSchedule
    state: str
    at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class DeliveredAlert:
    """A message about alerts that was sent or failed; `at` is when it was created (UTC).

    `words` is the first rule in it, and `more` is the number of its further alerts. `recipient` is
    the Slack id of a person or channel.
    """

    words: str
    more: int
    recipient: str
    at: datetime
    state: str
    error: str


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of schedules, the number of paused ones among them, and of alert rules."""

    schedules: int
    paused: int
    alerts: int


class StatusReader:
    """Reads what `status` shows besides usage. Its methods may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def next_reports(self, limit: int) -> list[StoredSchedule]:
        """The active schedules that are due next, soonest first."""
        with self._db.read() as connection:
            found = connection.execute(
                f"SELECT {columns()} FROM schedule s WHERE s.gone = 0 AND s.paused IS NULL"
                " ORDER BY s.next_at, s.id LIMIT ?",
                (limit,),
            ).fetchall()
        return readable(found, entry, "schedule")

    def last_reports(self, limit: int) -> list[FinishedRun]:
        """The runs that finished last, newest first."""
        with self._db.read() as connection:
            found: Sequence[tuple[object, ...]] = connection.execute(
                f"SELECT r.state, r.ended_at, r.error, {columns()} FROM run r"
                " JOIN schedule s ON s.id = r.schedule WHERE r.ended_at IS NOT NULL"
                " ORDER BY r.ended_at DESC, r.id DESC LIMIT ?",
                (limit,),
            ).fetchall()
        return readable(found, _ended, "finished run")

    def last_alerts(self, limit: int) -> list[DeliveredAlert]:
        """The newest messages about alerts that were sent or failed, newest first."""
        with self._db.read() as connection:
            found: Sequence[tuple[object, ...]] = connection.execute(
                "WITH t AS (SELECT id, place, made_at, state, error FROM alert_telling"
                " WHERE root IS NULL AND state IN ('sent', 'failed') ORDER BY id DESC LIMIT ?),"
                " e AS (SELECT telling, min(id) AS first, count(*) - 1 AS others FROM alert_event"
                " WHERE kind = 'triggered' AND telling IN (SELECT id FROM t) GROUP BY telling)"
                " SELECT r.words, e.others, t.place, t.made_at, t.state, t.error"
                " FROM t JOIN e ON e.telling = t.id JOIN alert_event f ON f.id = e.first"
                " JOIN alert_rule r ON r.id = f.rule ORDER BY t.id DESC",
                (limit,),
            ).fetchall()
        return [
            DeliveredAlert(
                str(words),
                int(str(more)),
                str(recipient),
                from_milliseconds(int(str(at))),
                str(state),
                str(error),
            )
            for words, more, recipient, at, state, error in found
        ]

    def counts(self) -> Counts:
        """The number of schedules and alert rules."""
        with self._db.read() as connection:
            schedules, paused = connection.execute(
                "SELECT COUNT(*), COUNT(paused) FROM schedule WHERE gone = 0"
            ).fetchone()
            alerts = connection.execute(
                "SELECT COUNT(*) FROM alert_rule WHERE gone = 0"
            ).fetchone()[0]
        return Counts(schedules, paused, alerts)

    def trouble(self) -> str:
        """The reason why nothing can be saved, as a sentence for users; "" if the last write
        succeeded.

        After a failure another write is tried, except within a read transaction.
        """
        if self._db.trouble is not None and not self._db.reading:
            self._db.check_write()
        return self._db.trouble.public if self._db.trouble is not None else ""

    def size(self) -> int:
        """The size of the database on the disk with its journal files, in bytes."""
        return self._db.size()


def _ended(row: tuple[object, ...]) -> FinishedRun:
    return FinishedRun(
        entry(row[3:]), str(row[0]), from_milliseconds(int(str(row[1]))), str(row[2])
    )
