"""What becomes due: a run for each due time of a schedule is put into the ledger once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

from bot.store.connection import Connection
from bot.store.encoding import DIMENSION, to_milliseconds
from bot.store.readable import UNREADABLE, Row, read_one
from bot.store.schedules.notices import add_notice
from bot.store.schedules.schedules import StoredSchedule, after, entry
from reports.schedules.recurrence import DueRun, TargetKind, due_runs, split_missed
from reports.time.timerange import DAY
from reports.usage.dimensions import Dimension

log = logging.getLogger(__name__)

Tell = Callable[[StoredSchedule, tuple[DueRun, ...]], Mapping[str, object]]
"""What the maker of a schedule is told about runs that were skipped, as a message."""
Broken = Callable[[str], Mapping[str, object]]
"""What the owner of a schedule that cannot be read is told, from its question, as a message."""
RETRY = timedelta(hours=1)
"""When a schedule that could not be planned is looked at again: a defect does not go away soon."""


def plan_row(
    connection: Connection, row: Row, now: datetime, tell: Tell, broken: Broken | None
) -> None:
    """Plan the schedule of a row (the columns of an entry), whatever is wrong with it.

    Errors of the database itself are raised, since they concern all schedules.
    """
    known = read_one(row, entry, "schedule")
    if known is None:
        id_, maker, _, question = map(str, row[:4])
        connection.execute("UPDATE schedule SET paused = ? WHERE id = ?", (UNREADABLE, id_))
        if broken:
            add_notice(connection, f"unreadable schedule {id_}", maker, broken(question), now)
        return
    connection.execute("SAVEPOINT one_schedule")
    try:
        plan(connection, known, now, tell)
    except connection.OperationalError:
        raise
    except Exception:  # a schedule that fails must not keep the others from being planned
        log.exception("Schedule %s could not be planned; next try in an hour", known.id)
        connection.execute("ROLLBACK TO one_schedule")
        connection.execute(
            "UPDATE schedule SET next_at = ? WHERE id = ?", (to_milliseconds(now + RETRY), known.id)
        )
    connection.execute("RELEASE one_schedule")


def plan(connection: Connection, known: StoredSchedule, now: datetime, tell: Tell) -> None:
    """Put what is due of a schedule into the ledger, and set when it is due next.

    One whose zone is not known any more rests, so that the others go on.
    """
    try:
        runs = due_runs(known.draft.schedule, known.next.day - DAY, now)
    except ZoneInfoNotFoundError:
        log.warning("A schedule rests: its time zone %s is not known", known.draft.schedule.zone)
        connection.execute(
            "UPDATE schedule SET paused = ? WHERE id = ?",
            (f"its time zone {known.draft.schedule.zone} is not known any more", known.id),
        )
        return
    found = split_missed(runs, now)
    if found.run:
        insert(connection, known, found.run, now)
    for skipped in found.skipped:
        connection.execute(
            "INSERT INTO run (schedule, recipient, period, place, due_at, noticed_at, next_at,"
            " state, error, ended_at) VALUES (?, ?, ?, '', ?, ?, ?, 'skipped', 'missed', ?)"
            " ON CONFLICT DO NOTHING",
            (
                known.id,
                known.draft.channel,
                skipped.day.isoformat(),
                to_milliseconds(skipped.at),
                to_milliseconds(now),
                to_milliseconds(now),
                to_milliseconds(now),
            ),
        )
    if found.skipped:
        note = f"skipped {known.id} {found.skipped[-1].day}"
        add_notice(connection, note, known.draft.owner, tell(known, found.skipped), now)
    last = runs[-1].day if runs else known.next.day - DAY
    next_ = after(known, last)
    connection.execute(
        "UPDATE schedule SET next_day = ?, next_at = ? WHERE id = ?",
        (next_.day.isoformat(), to_milliseconds(next_.at), known.id),
    )


def insert(
    connection: Connection,
    known: StoredSchedule,
    run: DueRun,
    now: datetime,
    period: str = "",
    asked_by: str = "",
) -> int:
    """The runs of one due time, one for each recipient; how many are new."""
    recipients = _recipients(connection, known)
    added = connection.executemany(
        "INSERT INTO run (schedule, recipient, period, asked_by, place, due_at, noticed_at,"
        " next_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'due') ON CONFLICT DO NOTHING",
        [
            (
                known.id,
                recipient,
                period or run.day.isoformat(),
                asked_by,
                recipient,
                to_milliseconds(run.at),
                to_milliseconds(now),
                to_milliseconds(now),
            )
            for recipient in recipients
        ],
    )
    return added.rowcount if recipients else 0


def _recipients(connection: Connection, known: StoredSchedule) -> Sequence[str]:
    if known.draft.target is not TargetKind.CREATORS:
        return (known.draft.channel,)
    found = connection.execute(
        "SELECT ref FROM member WHERE dimension = ? AND ref != '' AND gone = 0 AND detail != ''"
        " ORDER BY id",
        (DIMENSION[Dimension.CREATOR],),
    )
    return [f"creator:{row[0]}" for row in found]


def heal(connection: Connection, now: datetime, longest: timedelta) -> None:
    """Take back what a clock that was ahead has put into the future, where it would wait for it.

    Runs of due times that are still to come are forgotten where nobody has begun to send them;
    whoever has taken one sees that it is gone. No lease is longer than `longest`.
    """
    at, soon = to_milliseconds(now), to_milliseconds(now + longest)
    connection.execute(
        "DELETE FROM run WHERE due_at > ? AND asked_by = '' AND payload IS NULL"
        " AND (state = 'due' OR (state = 'skipped' AND error = 'missed'))",
        (at,),
    )
    connection.execute(
        "UPDATE run SET next_at = ? WHERE next_at > ? AND state IN ('due', 'sending', 'posted')",
        (soon, soon),
    )
    connection.execute("UPDATE run SET noticed_at = ? WHERE noticed_at > ?", (at, at))
    connection.execute("UPDATE place SET free_at = ? WHERE free_at > ?", (at, at))
    connection.execute("UPDATE place SET checked_at = 0 WHERE checked_at > ?", (at,))
    connection.execute(
        "UPDATE notice SET next_at = ? WHERE next_at > ? AND told_at IS NULL", (at, at)
    )
