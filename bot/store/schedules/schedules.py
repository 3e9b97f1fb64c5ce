"""Stores schedules: owner, question, recurrence, target and next due time."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfoNotFoundError

from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.encoding import Clock, from_milliseconds, to_milliseconds
from bot.store.readable import UNREADABLE, read_one, readable, split
from reports.schedules.recurrence import (
    DueRun,
    Recurrence,
    TargetKind,
    first_run,
    next_run,
    occurrence,
    rule_of,
)
from reports.time.time_range import DAY

_COLUMNS = (
    "s.id, s.maker, s.email, s.question, s.rule, s.at, s.zone, s.target, s.channel, s.name,"
    " s.members, s.paused, s.errors, s.next_day, s.next_at, s.made_at"
)


@dataclass(frozen=True, slots=True)
class NewSchedule:
    """A schedule to store.

    `owner` is the Slack id of the person who set it up and `email` their address or "". `question`
    is in the grammar's words; `members` are the members that its filters matched (JSON). `channel`
    is a channel's id and `name` its name; for a person `channel` is their own id.
    """

    owner: str
    email: str
    question: str
    schedule: Recurrence
    target: TargetKind
    channel: str
    name: str = ""
    members: str = "[]"

    @property
    def content(self) -> tuple[str, str, str, str]:
        """The settings made by people: question, recurrence and target, without names that may
        change."""
        return self.question, str(self.schedule), self.target, self.channel


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A stored schedule; `paused` says why it is paused, None if it is active.

    `errors` counts failed due times in a row; `next` is the next due time; `made_at` is UTC.
    """

    id: str
    draft: NewSchedule
    paused: str | None
    errors: int
    next: DueRun
    made_at: datetime


@dataclass(frozen=True, slots=True)
class LastRun:
    """The end of a schedule's newest finished run: when (UTC), and its error or ""."""

    state: str
    at: datetime
    how: str
    error: str


def entry(row: Sequence[object]) -> StoredSchedule:
    """A schedule from a row of `columns`; raises ValueError if this version can't read it."""
    (id_, owner, email, question, rule, at, zone, target, channel, name, members, paused, errors,
     next_day, next_at, made_at) = row  # fmt: skip
    schedule = Recurrence(rule_of(str(rule)), time.fromisoformat(str(at)), str(zone))
    draft = NewSchedule(
        str(owner), str(email), str(question), schedule, TargetKind(str(target)), str(channel),
        str(name), str(members),
    )  # fmt: skip
    due = DueRun(date.fromisoformat(str(next_day)), from_milliseconds(int(str(next_at))))
    return StoredSchedule(
        str(id_), draft, None if paused is None else str(paused), int(str(errors)), due,
        from_milliseconds(int(str(made_at))),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class UnreadableSchedule:
    """A schedule saved by another version: its id, its owner's Slack id, its question's words."""

    id: str
    owner: str
    question: str


class Schedules:
    """All schedules. Its methods may be called from any thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def add(self, draft: NewSchedule, id_: str = "") -> StoredSchedule:
        """Store a schedule under a new id, or under an unused `id_`; its first run is after now."""
        id_ = id_ or secrets.token_hex(5)
        with self._db.write() as connection:
            now = self._clock()
            next_ = first_run(draft.schedule, now)
            connection.execute(
                "INSERT INTO schedule (id, maker, email, question, rule, at, zone, target, channel,"
                " name, members, made_at, next_day, next_at) VALUES"
                " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (id_, *_values(draft), to_milliseconds(now), *_next(next_)),
            )
        return StoredSchedule(id_, draft, None, 0, next_, now)

    def get(self, id_: str) -> StoredSchedule | None:
        """A schedule; None if there is none with that id, or it was deleted or cannot be read."""
        with self._db.read() as connection:
            return _get(connection, id_)

    def exists(self, id_: str) -> bool:
        """Whether a schedule has that id, deleted or not."""
        with self._db.read() as connection:
            found = connection.execute("SELECT 1 FROM schedule WHERE id = ?", (id_,)).fetchone()
        return found is not None

    def of(self, owner: str | None) -> list[StoredSchedule]:
        """The schedules of a person (a Slack id), or of all people (None), oldest first."""
        whose = "" if owner is None else " AND s.maker = ?"
        with self._db.read() as connection:
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM schedule s WHERE s.gone = 0{whose}"
                " ORDER BY s.made_at, s.id",
                () if owner is None else (owner,),
            ).fetchall()
        return readable(found, entry, "schedule")

    def unreadable(self, owner: str | None) -> list[UnreadableSchedule]:
        """A person's schedules (None: all people's) that this version can't read, oldest first.

        `of` leaves them out.
        """
        whose = "" if owner is None else " AND s.maker = ?"
        with self._db.read() as connection:
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM schedule s WHERE s.gone = 0{whose}"
                " ORDER BY s.made_at, s.id",
                () if owner is None else (owner,),
            ).fetchall()
        _, bad = split(found, entry, "schedule")
        return [UnreadableSchedule(str(row[0]), str(row[1]), str(row[3])) for row in bad]

    def same(self, draft: NewSchedule) -> StoredSchedule | None:
        """A stored schedule that equals a draft, or None."""
        return next((one for one in self.of(draft.owner) if one.draft == draft), None)

    def change(
        self, id_: str, draft: NewSchedule, was: NewSchedule | None = None
    ) -> StoredSchedule | None:
        """Replace a schedule's draft. A date that already has a run doesn't get a second one.

        With `was`, it is only replaced if it still equals that. None if people changed or deleted
        it.
        """
        with self._db.write() as connection:
            stored = _get(connection, id_)
            if stored is None or (was is not None and stored.draft.content != was.content):
                return None
            next_ = first_run(draft.schedule, self._clock())
            # the next report must not be compared with figures of another question
            connection.execute("UPDATE run SET spend = NULL WHERE schedule = ?", (id_,))
            connection.execute(
                "UPDATE schedule SET maker = ?, email = ?, question = ?, rule = ?, at = ?,"
                " zone = ?, target = ?, channel = ?, name = ?, members = ?, errors = 0,"
                " next_day = ?, next_at = ? WHERE id = ?",
                (*_values(draft), *_next(next_), id_),
            )
            return _get(connection, id_)

    def pause(self, id_: str, why: str) -> None:
        """Pause a schedule; `why` is a phrase for people."""
        with self._db.write() as connection:
            connection.execute("UPDATE schedule SET paused = ? WHERE id = ?", (why, id_))

    def resume(self, id_: str) -> None:
        """Resume a schedule from its next run after now; runs missed while paused are left out."""
        with self._db.write() as connection:
            stored = _get(connection, id_)
            if stored and stored.paused is not None:
                next_ = first_run(stored.draft.schedule, self._clock())
                connection.execute(
                    "UPDATE schedule SET paused = NULL, errors = 0, next_day = ?, next_at = ?"
                    " WHERE id = ?",
                    (*_next(next_), id_),
                )

    def remove(self, id_: str) -> None:
        """Delete a schedule and skip its due runs. Posted reports stay."""
        with self._db.write() as connection:
            connection.execute("UPDATE schedule SET gone = 1 WHERE id = ?", (id_,))
            connection.execute(
                "UPDATE run SET state = 'skipped', error = 'deleted', ended_at = ?"
                " WHERE schedule = ? AND state = 'due'",
                (to_milliseconds(self._clock()), id_),
            )

    def rename(self, id_: str, name: str, members: str) -> None:
        """Store the current names of channel and members (JSON), after a report has shown them."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE schedule SET name = ?, members = ? WHERE id = ?", (name, members, id_)
            )

    def last_runs(self, ids: Sequence[str]) -> dict[str, LastRun]:
        """The newest finished run of each schedule in `ids`; no entry if there is none."""
        found = {}
        with self._db.read() as connection:
            for id_ in ids:
                row = connection.execute(
                    "SELECT state, ended_at, how, error FROM run WHERE schedule = ?"
                    " AND ended_at IS NOT NULL ORDER BY due_at DESC, id DESC LIMIT 1",
                    (id_,),
                ).fetchone()
                if row:
                    found[id_] = LastRun(row[0], from_milliseconds(row[1]), row[2], row[3])
        return found

    def replan(self) -> None:
        """Recompute all due times from their local dates, because time zone rules may have changed.

        Dates skipped while the clock was ahead are planned again; a date that already has a run
        doesn't get a second one. Schedules that an older version could not read are resumed.
        """
        now = self._clock()
        for one in self.of(None):
            if one.paused == UNREADABLE:
                self.resume(one.id)
                continue
            next_ = one.next
            with suppress(ZoneInfoNotFoundError):  # planning pauses such a schedule
                next_ = min(
                    DueRun(one.next.day, _at(one.draft.schedule, one.next.day)),
                    first_run(one.draft.schedule, now),
                    key=lambda due: due.day,
                )
            if next_ != one.next:
                with self._db.write() as connection:
                    connection.execute(
                        "UPDATE schedule SET next_day = ?, next_at = ? WHERE id = ?"
                        " AND next_day = ?",
                        (*_next(next_), one.id, one.next.day.isoformat()),
                    )


def after(stored: StoredSchedule, last: date) -> DueRun:
    """The run after `last`, a local date that already has its run."""
    return next_run(stored.draft.schedule, max(last, stored.next.day - DAY))


def columns() -> str:
    """The columns that `entry` reads, of a table called `s`."""
    return _COLUMNS


def _get(connection: Connection, id_: str) -> StoredSchedule | None:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM schedule s WHERE s.id = ? AND s.gone = 0", (id_,)
    ).fetchone()
    return read_one(row, entry, "schedule")


def _at(schedule: Recurrence, day: date) -> datetime:
    return occurrence(day, schedule.at, schedule.zone)


def _values(draft: NewSchedule) -> tuple[str, ...]:
    schedule = draft.schedule
    return (
        draft.owner, draft.email, draft.question, str(schedule.rule), f"{schedule.at:%H:%M}",
        schedule.zone, str(draft.target), draft.channel, draft.name, draft.members,
    )  # fmt: skip


def _next(due: DueRun) -> tuple[str, int]:
    return due.day.isoformat(), to_milliseconds(due.at)
