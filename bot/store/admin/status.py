"""What the database tells of how the bot is: what is next, what went out last, how large it is."""

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
    """A report run that ended: its schedule, how, when (UTC) and what went wrong."""

    entry: StoredSchedule
    state: str
    at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class DeliveredAlert:
    """A message about alerts that went out at a moment (UTC), or could not.

    `words` are the ones of the first of its rules, `more` is of how many others it tells, `place`
    a person's or channel's id.
    """

    words: str
    more: int
    place: str
    at: datetime
    state: str
    error: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many schedules there are, how many of them rest, and how many alerts."""

    schedules: int
    paused: int
    alerts: int


class StatusReader:
    """Looks at everything that is kept beside the usage. Its methods may be called anywhere."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def next_reports(self, limit: int) -> list[StoredSchedule]:
        """The schedules that are due next, soonest first."""
        with self._db.read() as connection:
            found = connection.execute(
                f"SELECT {columns()} FROM schedule s WHERE s.gone = 0 AND s.paused IS NULL"
                " ORDER BY s.next_at, s.id LIMIT ?",
                (limit,),
            ).fetchall()
        return readable(found, entry, "schedule")

    def last_reports(self, limit: int) -> list[FinishedRun]:
        """The runs that ended last, newest first."""
        with self._db.read() as connection:
            found: Sequence[tuple[object, ...]] = connection.execute(
                f"SELECT r.state, r.ended_at, r.error, {columns()} FROM run r"
                " JOIN schedule s ON s.id = r.schedule WHERE r.ended_at IS NOT NULL"
                " ORDER BY r.ended_at DESC, r.id DESC LIMIT ?",
                (limit,),
            ).fetchall()
        return readable(found, _ended, "run that ended as")

    def last_alerts(self, limit: int) -> list[DeliveredAlert]:
        """The messages about alerts that went out last, or could not, newest first."""
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
                str(place),
                from_milliseconds(int(str(at))),
                str(state),
                str(error),
            )
            for words, more, place, at, state, error in found
        ]

    def counts(self) -> Counts:
        """How many there are of what people have set up."""
        with self._db.read() as connection:
            schedules, resting = connection.execute(
                "SELECT COUNT(*), COUNT(paused) FROM schedule WHERE gone = 0"
            ).fetchone()
            alerts = connection.execute(
                "SELECT COUNT(*) FROM alert_rule WHERE gone = 0"
            ).fetchone()[0]
        return Counts(schedules, resting, alerts)

    def trouble(self) -> str:
        """Why nothing can be saved, as a sentence for people; empty if the last write went well.

        Where it failed another one is tried, except within a snapshot.
        """
        if self._db.trouble is not None and not self._db.reading:
            self._db.check_write()
        return self._db.trouble.public if self._db.trouble is not None else ""

    def size(self) -> int:
        """What the database takes on the disk, with what stands beside it: bytes."""
        return self._db.size()


def _ended(row: tuple[object, ...]) -> FinishedRun:
    return FinishedRun(
        entry(row[3:]), str(row[0]), from_milliseconds(int(str(row[1]))), str(row[2])
    )
