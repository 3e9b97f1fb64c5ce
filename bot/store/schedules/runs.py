"""Stores report runs: each is stored once, claimed by one process, and ends once.

A run's key is its schedule, its recipient and the local date on which it is due. A process that
claims a run increases its fence. If an earlier process still writes, its fence is outdated, and
nothing is changed. The clock is read inside each transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from bot.store.database import Database
from bot.store.encoding import Clock, from_milliseconds, to_milliseconds
from bot.store.readable import UNREADABLE, read_one, split
from bot.store.schedules.planning import (
    SkippedMessage,
    UnreadableMessage,
    insert,
    plan_row,
    repair_future_times,
)
from bot.store.schedules.schedules import StoredSchedule, columns, entry
from reports.schedules.recurrence import LATE_AFTER, DueRun

MOST_ERRORS = 3
"""A schedule is paused after this many failures in a row: one or two may be a short outage."""
FARTHEST_APART = timedelta(days=400)
"""The maximum time between the due times of two runs for the same period: a year and some days."""
CLOCK_TOLERANCE = timedelta(seconds=1)
"""If the clock is set back by at most this, it is a normal correction (NTP), not a wrong clock."""


class RunState(StrEnum):
    """The state of a run. The first three are open; a person can have the others sent again."""

    DUE = "due"
    SENDING = "sending"
    POSTED = "posted"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait during delivery.

    `lease`: how long a run waits if its process died; longer than any call to Slack. `settle`: how
    long after a call without an answer its message may still appear in the history. `pace`: between
    two messages to one channel, for which Slack's limit is one per second. `retry_delay`: the delay
    after a first transient error; it doubles with each attempt.
    """

    lease: timedelta = timedelta(seconds=120)
    settle: timedelta = timedelta(seconds=90)
    pace: timedelta = timedelta(seconds=1)
    retry_delay: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class ReportRun:
    """A run with its schedule.

    `recipient` is a Slack id, or `creator:` and OpenRouter's id of a creator; `destination` names
    the channel or person that other runs must not post to meanwhile. `period` is the local date
    on which it is due, or `now` and a click's id. `asked_by` is the Slack id of the person who
    requested it, or "". Times are UTC; `sending_at` is by Slack's clock. `payload` is the frozen
    message (JSON) once sending has started; `channel` and `ts` identify the posted message.
    """

    id: int
    entry: StoredSchedule
    recipient: str
    period: str
    asked_by: str
    destination: str
    due_at: datetime
    noticed_at: datetime
    state: RunState
    payload: str | None
    fence: int
    attempts: int
    sending_at: datetime | None
    channel: str
    ts: str

    @property
    def key(self) -> str:
        """The key in the message's metadata, which stays the same after a crash and in a backup."""
        return f"{self.entry.id}.{self.period}.{self.recipient}"

    @property
    def late(self) -> bool:
        """Whether the bot wasn't running when the run was due."""
        return not self.asked_by and self.noticed_at - self.due_at > LATE_AFTER


@dataclass(frozen=True, slots=True)
class PostedReport:
    """A sent report: its question, due time (UTC) and the spend last reported (nano-dollars)."""

    run: int
    question: str
    due_at: datetime
    spend: int


@dataclass(frozen=True, slots=True)
class OtherRun:
    """A run of another schedule: its state, due time (UTC) and the schedule's time zone."""

    id: int
    state: RunState
    due_at: datetime
    zone: str


_RUN = (
    "r.id, r.recipient, r.period, r.asked_by, r.place, r.due_at, r.noticed_at, r.state, r.payload,"
    " r.fence, r.attempts, r.sending_at, r.channel, r.ts"
)
_OPEN = "r.state IN ('due', 'sending', 'posted')"


class ReportRuns:
    """All report runs. Its methods may be called from any thread and any process."""

    def __init__(self, database: Database, clock: Clock, timing: Timing | None = None) -> None:
        self._db = database
        self._clock = clock
        self.timing = timing or Timing()

    # -- due runs

    def idle(self) -> bool:
        """Whether no schedule, run or notice is due: one quick query."""
        now = to_milliseconds(self._clock())
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM schedule WHERE paused IS NULL AND gone = 0"
                " AND next_at <= ?) OR EXISTS (SELECT 1 FROM run r WHERE"
                f" {_OPEN} AND r.next_at <= ?) OR EXISTS (SELECT 1 FROM notice"
                " WHERE told_at IS NULL AND next_at <= ?)",
                (now, now, now),
            ).fetchone()
        return not found[0]

    def plan(
        self,
        skipped_message: SkippedMessage,
        limit: int = 500,
        unreadable_message: UnreadableMessage | None = None,
    ) -> int:
        """Add the due runs of at most `limit` schedules; returns the number of these schedules.

        `skipped_message` and `unreadable_message` make the notices to owners. A schedule that this
        version cannot read is paused; one that fails otherwise is tried again an hour later.
        Neither stops the others.
        """
        with self._db.write() as connection:
            now = self._clock()
            found = connection.execute(
                f"SELECT {columns()} FROM schedule s WHERE s.paused IS NULL AND s.gone = 0"
                " AND s.next_at <= ? ORDER BY s.next_at LIMIT ?",
                (to_milliseconds(now), limit),
            ).fetchall()
            for row in found:
                plan_row(connection, row, now, skipped_message, unreadable_message)
        return len(found)

    def add_now(self, stored: StoredSchedule, asked_by: str, click_id: str) -> bool:
        """Add a run that a person requested; False if the same click has already added it."""
        with self._db.write() as connection:
            now = self._clock()
            return bool(
                insert(
                    connection, stored, DueRun(now.date(), now), now, f"now {click_id}", asked_by
                )
            )

    def has_future_run(self) -> bool:
        """Whether the newest run was added at a time in the future, so the clock was set back
        since."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT noticed_at FROM run ORDER BY id DESC LIMIT 1"
            ).fetchone()
        return found is not None and found[0] > to_milliseconds(self._clock() + CLOCK_TOLERANCE)

    def repair_future_times(self) -> None:
        """Repair times in the future: see `planning.repair_future_times`."""
        with self._db.write() as connection:
            repair_future_times(connection, self._clock(), self.timing.lease + self.timing.settle)

    def claim(
        self, owner: str, limit: int, unreadable: Callable[[int], object] = lambda _: None
    ) -> list[ReportRun]:
        """Lease due open runs for a process (`owner`), at most one per destination.

        Runs that this version cannot read end as failed, and `unreadable` is called with their
        number after the transaction.
        """
        with self._db.write() as connection:
            now = self._clock()
            found = connection.execute(
                "SELECT min(r.id) FROM run r LEFT JOIN place p ON p.id = r.place"
                f" WHERE {_OPEN} AND r.next_at <= ? AND coalesce(p.free_at, 0) <= ?"
                " GROUP BY r.place ORDER BY min(r.next_at) LIMIT ?",
                (to_milliseconds(now), to_milliseconds(now), limit),
            ).fetchall()
            ids = [row[0] for row in found]
            connection.execute(
                "UPDATE run SET fence = fence + 1, owner = ?, next_at = ?"
                " WHERE id IN (SELECT value FROM numbers(?) n)",
                (owner, to_milliseconds(now + self.timing.lease), ids),
            )
            rows = connection.execute(
                f"SELECT {_RUN}, {columns()} FROM run r JOIN schedule s ON s.id = r.schedule"
                " WHERE r.id IN (SELECT value FROM numbers(?) n) ORDER BY r.id",
                (ids,),
            ).fetchall()
            connection.executemany(
                "INSERT INTO place (id, free_at) VALUES (?, ?)"
                " ON CONFLICT (id) DO UPDATE SET free_at = excluded.free_at",
                [(row[4], to_milliseconds(now + self.timing.pace)) for row in rows],
            )
            runs, bad = split(rows, _run, "report run")
            connection.executemany(
                "UPDATE run SET state = 'failed', error = ?, ended_at = ? WHERE id = ?",
                [(UNREADABLE, to_milliseconds(now), row[0]) for row in bad],
            )
        if bad:
            unreadable(len(bad))
        return runs

    def release(self, runs: Sequence[ReportRun]) -> None:
        """Let other processes claim runs at once; this process must not have started them."""
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            connection.executemany(
                f"UPDATE run AS r SET next_at = ? WHERE id = ? AND fence = ? AND {_OPEN}",
                [(now, run.id, run.fence) for run in runs],
            )

    # -- results of a run; each method changes nothing if another process has claimed it since

    def start_sending(
        self, run: ReportRun, payload: str, spend: int | None, at: datetime | None = None
    ) -> bool:
        """Record that a run is being sent; False if another process has claimed it.

        The first `payload` (the message as JSON) and `spend` (nano-dollars) stay for later
        attempts. `at` is the time by Slack's clock (UTC): if no answer comes, the channel's history
        is searched from then on.
        """
        with self._db.write() as connection:
            now = self._clock()
            done = connection.execute(
                "UPDATE run SET state = 'sending', payload = coalesce(payload, ?),"
                " spend = coalesce(spend, ?), sending_at = ?, next_at = ?, attempts = attempts + 1"
                " WHERE id = ? AND fence = ? AND state IN ('due', 'sending')",
                (
                    payload,
                    spend,
                    to_milliseconds(at or now),
                    to_milliseconds(now + self.timing.lease + self.timing.settle),
                    run.id,
                    run.fence,
                ),
            )
            return done.rowcount == 1

    def mark_posted(
        self, run: ReportRun, channel: str, ts: str, how: str, *, files: bool,
        revised: Mapping[int, int] | None = None,
    ) -> bool:  # fmt: skip
        """Record a run's message. False if another process claimed it or the message is withdrawn.

        `channel` and `ts` identify it in Slack; `how` records how the message was identified. With
        `files` the run stays open until they are sent. `revised` is the spend (nano-dollars) that
        this report now states for earlier runs, by their ids.
        """
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            done = connection.execute(
                "UPDATE run SET state = ?, channel = ?, ts = ?, how = ?, error = '', ended_at = ?,"
                " next_at = ? WHERE id = ? AND fence = ? AND state = 'sending' AND NOT EXISTS"
                " (SELECT 1 FROM withdrawn w WHERE w.run = run.id AND w.ts = ?)",
                (RunState.POSTED if files else RunState.SENT, channel, ts, how, now, now, run.id,
                 run.fence, ts),
            )  # fmt: skip
            if done.rowcount != 1:
                return False
            connection.execute("UPDATE schedule SET errors = 0 WHERE id = ?", (run.entry.id,))
            connection.executemany(
                "UPDATE run SET spend = ? WHERE id = ?",
                [(spend, id_) for id_, spend in (revised or {}).items()],
            )
            return True

    def extend_lease(self, run: ReportRun) -> bool:
        """Extend the lease of a run that takes long; False if another process has claimed it."""
        return self._set(run, "next_at = ?", to_milliseconds(self._clock() + self.timing.lease))

    def mark_files_sent(self, run: ReportRun) -> bool:
        """Record that the files of a run were also sent."""
        return self._set(run, "state = 'sent'")

    def retry(self, run: ReportRun, at: datetime, error: str = "") -> bool:
        """Send a run again at a time (UTC), because it was certainly not sent."""
        return self._set(run, "state = 'due', next_at = ?, error = ?", to_milliseconds(at), error)

    def postpone(self, run: ReportRun, at: datetime) -> bool:
        """Process a run again at a time (UTC); nothing else changes."""
        return self._set(run, "next_at = ?", to_milliseconds(at))

    def await_history(self, run: ReportRun, error: str) -> bool:
        """Record that a run may have been sent: after `Timing.settle` the history shows whether."""
        settled = to_milliseconds(self._clock() + self.timing.settle)
        return self._set(run, "next_at = ?, error = ?", settled, error)

    def mark_uncertain(self, run: ReportRun, error: str) -> bool:
        """Record that it can't be determined whether a run was sent; its owner decides."""
        ended = to_milliseconds(self._clock())
        return self._set(run, "state = 'uncertain', error = ?, ended_at = ?", error, ended)

    def skip(self, run: ReportRun, why: str) -> bool:
        """End a run that sends nothing; `why` is stored for operators."""
        return self._set(
            run, "state = 'skipped', error = ?, ended_at = ?", why, to_milliseconds(self._clock())
        )

    def fail(self, run: ReportRun, error: str) -> int | None:
        """End a run that can't be sent; returns how many due times in a row have failed.

        The third in a row pauses the schedule. Failures for several recipients of one due time
        count once. None if that due time was counted before, or another process claimed the run.
        """
        with self._db.write() as connection:
            done = connection.execute(
                "UPDATE run SET state = 'failed', error = ?, ended_at = ?"
                " WHERE id = ? AND fence = ?",
                (error, to_milliseconds(self._clock()), run.id, run.fence),
            )
            if done.rowcount != 1:
                return None
            alike = connection.execute(
                "SELECT 1 FROM run WHERE schedule = ? AND period = ? AND state = 'failed'"
                " AND id != ?",
                (run.entry.id, run.period, run.id),
            ).fetchone()
            if alike:
                return None
            connection.execute(
                "UPDATE schedule SET errors = errors + 1 WHERE id = ?", (run.entry.id,)
            )
            (errors,) = connection.execute(
                "SELECT errors FROM schedule WHERE id = ?", (run.entry.id,)
            ).fetchone()
            if errors >= MOST_ERRORS:
                connection.execute(
                    "UPDATE schedule SET paused = coalesce(paused, ?) WHERE id = ?",
                    (f"{errors} reports in a row could not be delivered ({error})", run.entry.id),
                )
            return int(errors)

    def withdraw(self, run: ReportRun, ts: str) -> bool:
        """Withdraw a message that was posted after the lease was lost; returns whether to delete
        it.

        False if the process that claimed the run next has found it in the history and recorded it
        as the report.
        """
        with self._db.write() as connection:
            (kept,) = connection.execute("SELECT ts FROM run WHERE id = ?", (run.id,)).fetchone()
            if kept == ts:
                return False
            connection.execute(
                "INSERT INTO withdrawn (run, ts) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (run.id, ts),
            )
            return True

    # -- user decisions

    def get(self, id_: int) -> ReportRun | None:
        """A run by its id, unless its schedule was deleted."""
        with self._db.read() as connection:
            row = connection.execute(
                f"SELECT {_RUN}, {columns()} FROM run r JOIN schedule s ON s.id = r.schedule"
                " WHERE r.id = ? AND s.gone = 0",
                (id_,),
            ).fetchone()
        return read_one(row, _run, "report run")

    def send_again(self, id_: int, asked_by: str) -> bool:
        """Send a failed or uncertain run again for a person (a Slack id); False if there is none.

        With a failed run, the other failed runs of its due time are also sent again.
        """
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            done = connection.execute(
                "UPDATE run SET state = 'due', next_at = ?, noticed_at = ?, asked_by = ?,"
                " attempts = 0, ended_at = NULL WHERE (id = ? AND state = 'uncertain')"
                " OR (state = 'failed' AND (schedule, period) ="
                " (SELECT schedule, period FROM run WHERE id = ? AND state = 'failed'))",
                (now, now, asked_by, id_, id_),
            )
            return done.rowcount > 0

    def mark_seen(self, id_: int) -> bool:
        """Record that a person has seen an uncertain run's report; False if it isn't uncertain."""
        with self._db.write() as connection:
            done = connection.execute(
                "UPDATE run SET state = 'sent', how = 'seen', error = '' WHERE id = ?"
                " AND state = 'uncertain'",
                (id_,),
            )
            return done.rowcount == 1

    # -- earlier reports, destinations, counts

    def earlier_reports(
        self, stored: StoredSchedule, recipient: str, before: datetime, count: int
    ) -> list[PostedReport]:
        """The newest reports (at most `count`) to a recipient that were due before a time (UTC)."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT id, due_at, spend FROM run WHERE schedule = ? AND recipient = ?"
                " AND due_at < ? AND state IN ('posted', 'sent') AND spend IS NOT NULL"
                " ORDER BY due_at DESC LIMIT ?",
                (stored.id, recipient, to_milliseconds(before), count),
            ).fetchall()
        return [
            PostedReport(id_, stored.draft.question, from_milliseconds(at), spend)
            for id_, at, spend in found
        ]

    def of_other_schedules(self, run: ReportRun) -> list[OtherRun]:
        """The runs of other schedules that send a run's question to its recipient.

        Only runs of schedules for every creator count, if they weren't skipped and didn't fail.
        """
        oldest = to_milliseconds(run.due_at - FARTHEST_APART)
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT r.id, r.state, r.due_at, s.zone FROM run r JOIN schedule s"
                " ON s.id = r.schedule WHERE r.recipient = ? AND r.schedule != ?"
                " AND s.target = 'creators' AND s.question = ? AND r.due_at >= ?"
                " AND r.state NOT IN ('skipped', 'failed') ORDER BY r.id",
                (run.recipient, run.entry.id, run.entry.draft.question, oldest),
            ).fetchall()
        return [
            OtherRun(row[0], RunState(row[1]), from_milliseconds(row[2]), row[3]) for row in found
        ]

    def pause_recipient(self, destination: str, until: datetime) -> None:
        """Send nothing to a channel or person before a time (UTC)."""
        with self._db.write() as connection:
            connection.execute(
                "INSERT INTO place (id, free_at) VALUES (?, ?) ON CONFLICT (id) DO UPDATE"
                " SET free_at = excluded.free_at WHERE place.free_at < excluded.free_at",
                (destination, to_milliseconds(until)),
            )

    def checked_channel_name(self, destination: str, since: datetime) -> str | None:
        """A channel's name, if it was found to have no external members since a time (UTC)."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT name FROM place WHERE id = ? AND checked_at BETWEEN ? AND ?",
                (destination, to_milliseconds(since), to_milliseconds(self._clock())),
            ).fetchone()
        return found and str(found[0])

    def mark_channel_checked(self, destination: str, name: str) -> None:
        """Record a channel's name, and that it has no external members now."""
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            connection.execute(
                "INSERT INTO place (id, checked_at, name) VALUES (?, ?, ?) ON CONFLICT (id)"
                " DO UPDATE SET checked_at = excluded.checked_at, name = excluded.name",
                (destination, now, name),
            )

    def counts(self) -> dict[str, int]:
        """The number of runs by state."""
        with self._db.read() as connection:
            return dict(connection.execute("SELECT state, count(*) FROM run GROUP BY state"))

    def _set(self, run: ReportRun, assignments: str, *values: object) -> bool:
        with self._db.write() as connection:
            done = connection.execute(
                f"UPDATE run SET {assignments} WHERE id = ? AND fence = ?"
                " AND state IN ('due', 'sending', 'posted')",
                (*values, run.id, run.fence),
            )
            return done.rowcount == 1


def _run(row: tuple[object, ...]) -> ReportRun:
    (id_, recipient, period, asked_by, destination, due_at, noticed_at, state, payload, fence,
     attempts, sending_at, channel, ts) = row[:14]  # fmt: skip
    return ReportRun(
        int(str(id_)),
        entry(row[14:]),
        str(recipient),
        str(period),
        str(asked_by),
        str(destination),
        from_milliseconds(int(str(due_at))),
        from_milliseconds(int(str(noticed_at))),
        RunState(str(state)),
        None if payload is None else str(payload),
        int(str(fence)),
        int(str(attempts)),
        None if sending_at is None else from_milliseconds(int(str(sending_at))),
        str(channel),
        str(ts),
    )


def day_of(run: ReportRun) -> date:
    """The local date on which a run is due, or the date (UTC) of a requested run."""
    try:
        return date.fromisoformat(run.period)
    except ValueError:
        return run.due_at.date()
