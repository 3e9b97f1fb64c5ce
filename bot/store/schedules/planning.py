"""Plans runs: adds exactly one run for each due time of a schedule and recipient."""

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
from reports.time.time_range import DAY
from reports.usage.dimensions import Dimension

log = logging.getLogger(__name__)

SkippedMessage = Callable[[StoredSchedule, tuple[DueRun, ...]], Mapping[str, object]]
"""Creates the message to a schedule's owner about skipped runs (`text` and `blocks`)."""
UnreadableMessage = Callable[[str], Mapping[str, object]]
"""Creates the message to the owner of an unreadable schedule, from its question."""
RETRY = timedelta(hours=1)
"""How long to wait before retrying a schedule that couldn't be planned, usually due to a bug."""


def plan_row(
    connection: Connection,
    row: Row,
    now: datetime,
    skipped_message: SkippedMessage,
    unreadable_message: UnreadableMessage | None,
) -> None:
    """Plan the schedule in a row (with the columns of `schedules.columns`).

    A schedule that cannot be read is paused, and its owner notified. One that cannot be planned is
    tried again after `RETRY`. Raises the connection's OperationalError, which affects all
    schedules.
    """
    stored = read_one(row, entry, "schedule")
    if stored is None:
        id_, owner, _, question = map(str, row[:4])
        connection.execute("UPDATE schedule SET paused = ? WHERE id = ?", (UNREADABLE, id_))
        if unreadable_message:
            add_notice(
                connection, f"unreadable schedule {id_}", owner, unreadable_message(question), now
            )
        return
    connection.execute("SAVEPOINT one_schedule")
    try:
        plan(connection, stored, now, skipped_message)
    except connection.OperationalError:
        raise
    except Exception:  # a schedule that fails must not keep the others from being planned
        log.exception("Schedule %s could not be planned; next try in an hour", stored.id)
        connection.execute("ROLLBACK TO one_schedule")
        connection.execute(
            "UPDATE schedule SET next_at = ? WHERE id = ?",
            (to_milliseconds(now + RETRY), stored.id),
        )
    connection.execute("RELEASE one_schedule")


def plan(
    connection: Connection, stored: StoredSchedule, now: datetime, skipped_message: SkippedMessage
) -> None:
    """Add the runs of a schedule that are due at `now` (UTC), and set its next due time.

    A schedule whose time zone is no longer known is paused, so that others aren't affected.
    """
    try:
        runs = due_runs(stored.draft.schedule, stored.next.day - DAY, now)
    except ZoneInfoNotFoundError:
        log.warning(
            "Pausing schedule %s: its time zone %s is not known",
            stored.id,
            stored.draft.schedule.zone,
        )
        connection.execute(
            "UPDATE schedule SET paused = ? WHERE id = ?",
            (f"its time zone {stored.draft.schedule.zone} is not known any more", stored.id),
        )
        return
    found = split_missed(runs, now)
    if found.run:
        insert(connection, stored, found.run, now)
    for skipped in found.skipped:
        connection.execute(
            "INSERT INTO run (schedule, recipient, period, place, due_at, noticed_at, next_at,"
            " state, error, ended_at) VALUES (?, ?, ?, '', ?, ?, ?, 'skipped', 'missed', ?)"
            " ON CONFLICT DO NOTHING",
            (
                stored.id,
                stored.draft.channel,
                skipped.day.isoformat(),
                to_milliseconds(skipped.at),
                to_milliseconds(now),
                to_milliseconds(now),
                to_milliseconds(now),
            ),
        )
    if found.skipped:
        note = f"skipped {stored.id} {found.skipped[-1].day}"
        add_notice(
            connection, note, stored.draft.owner, skipped_message(stored, found.skipped), now
        )
    last = runs[-1].day if runs else stored.next.day - DAY
    next_ = after(stored, last)
    connection.execute(
        "UPDATE schedule SET next_day = ?, next_at = ? WHERE id = ?",
        (next_.day.isoformat(), to_milliseconds(next_.at), stored.id),
    )


def insert(
    connection: Connection,
    stored: StoredSchedule,
    run: DueRun,
    now: datetime,
    period: str = "",
    asked_by: str = "",
) -> int:
    """Add the runs of one due time, one for each recipient; returns the number of new runs.

    `period` is the key of a run within its schedule: by default its local date. `asked_by` is the
    Slack id of the person who requested it, "" for a scheduled run.
    """
    recipients = _recipients(connection, stored)
    added = connection.executemany(
        "INSERT INTO run (schedule, recipient, period, asked_by, place, due_at, noticed_at,"
        " next_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'due') ON CONFLICT DO NOTHING",
        [
            (
                stored.id,
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


def _recipients(connection: Connection, stored: StoredSchedule) -> Sequence[str]:
    if stored.draft.target is not TargetKind.CREATORS:
        return (stored.draft.channel,)
    found = connection.execute(
        "SELECT ref FROM member WHERE dimension = ? AND ref != '' AND gone = 0 AND detail != ''"
        " ORDER BY id",
        (DIMENSION[Dimension.CREATOR],),
    )
    return [f"creator:{row[0]}" for row in found]


def repair_future_times(connection: Connection, now: datetime, longest: timedelta) -> None:
    """Repair times in the future, which were stored while the clock was ahead.

    Runs due after `now` (UTC) are deleted unless sending has started; a process that has claimed
    one finds it deleted. Attempts and leases later than `longest` from now are moved to that time.
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
