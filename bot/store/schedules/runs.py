"""The ledger of report runs: each is there once, is claimed, and ends once.

A run's key is its schedule, its recipient and the local date that it is due on. Whoever takes a
run raises its fence; what an earlier taker writes afterwards changes nothing. The clock is read
inside each transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from bot.store.database import Database
from bot.store.encoding import Clock, from_milliseconds, to_milliseconds
from bot.store.readable import UNREADABLE, read_one, split
from bot.store.schedules.planning import Broken, Tell, heal, insert, plan_row
from bot.store.schedules.schedules import StoredSchedule, columns, entry
from reports.schedules.recurrence import LATE_AFTER, DueRun

MOST_ERRORS = 3
FARTHEST_APART = timedelta(days=400)
"""How far apart two runs may be due that report on the same period: a year, and some days."""
SLEWED = timedelta(seconds=1)
"""So far a clock may go back without having been put back."""


class RunState(StrEnum):
    """How far a run is: the first three are open, the others final unless somebody decides."""

    DUE = "due"
    SENDING = "sending"
    POSTED = "posted"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take: a lease is longer than any call of Slack's may last."""

    lease: timedelta = timedelta(seconds=120)
    settle: timedelta = timedelta(seconds=90)
    pace: timedelta = timedelta(seconds=1)
    trouble: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class ReportRun:
    """A run that this process has taken, with its schedule."""

    id: int
    entry: StoredSchedule
    recipient: str
    period: str
    asked_by: str
    place: str
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
        """What the message's metadata carries: the same after a crash, and from a backup."""
        return f"{self.entry.id}.{self.period}.{self.recipient}"

    @property
    def late(self) -> bool:
        """Whether nobody was there when it was due."""
        return not self.asked_by and self.noticed_at - self.due_at > LATE_AFTER


@dataclass(frozen=True, slots=True)
class PostedReport:
    """A report that went out: what it was about, and the spend that was last said of it."""

    run: int
    question: str
    due_at: datetime
    spend: int


@dataclass(frozen=True, slots=True)
class Other:
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
    """The ledger. Its methods may be called from any thread and any process."""

    def __init__(self, database: Database, clock: Clock, timing: Timing | None = None) -> None:
        self._db = database
        self._clock = clock
        self.timing = timing or Timing()

    # -- what is due

    def idle(self) -> bool:
        """Whether nothing is due, nothing open and nobody to be told: one quick look."""
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

    def plan(self, tell: Tell, limit: int = 500, broken: Broken | None = None) -> int:
        """Put the runs that are due into the ledger; returns how many schedules were looked at.

        A schedule that this version cannot read is paused, and `broken` makes what its owner is
        told; one that fails otherwise is looked at again an hour later. Neither stops the others.
        """
        with self._db.write() as connection:
            now = self._clock()
            found = connection.execute(
                f"SELECT {columns()} FROM schedule s WHERE s.paused IS NULL AND s.gone = 0"
                " AND s.next_at <= ? ORDER BY s.next_at LIMIT ?",
                (to_milliseconds(now), limit),
            ).fetchall()
            for row in found:
                plan_row(connection, row, now, tell, broken)
        return len(found)

    def add_now(self, known: StoredSchedule, asked_by: str, mark: str) -> bool:
        """A run that somebody asks for; `mark` makes a click that comes twice one run."""
        with self._db.write() as connection:
            now = self._clock()
            return bool(
                insert(connection, known, DueRun(now.date(), now), now, f"now {mark}", asked_by)
            )

    def from_the_future(self) -> bool:
        """Whether the newest run is of a time that is still to come: the clock has gone back."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT noticed_at FROM run ORDER BY id DESC LIMIT 1"
            ).fetchone()
        return found is not None and found[0] > to_milliseconds(self._clock() + SLEWED)

    def heal(self) -> None:
        """Take back what a clock that was wrong has put into the future: see `planning.heal`."""
        with self._db.write() as connection:
            heal(connection, self._clock(), self.timing.lease + self.timing.settle)

    def claim(
        self, owner: str, limit: int, unreadable: Callable[[int], object] = lambda _: None
    ) -> list[ReportRun]:
        """Take due open runs, one per place; the lease runs from now.

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

    # -- what becomes of a run; all of it only for its last taker

    def begin(
        self, run: ReportRun, payload: str, spend: int | None, at: datetime | None = None
    ) -> bool:
        """Freeze what is posted and say that it is about to be; False where another took the run.

        From here on nobody can tell whether it was posted but Slack itself. `at` is what time it
        is there, since its history is searched from then on.
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

    def posted(
        self, run: ReportRun, channel: str, ts: str, how: str, *, files: bool,
        revised: Mapping[int, int] | None = None,
    ) -> bool:  # fmt: skip
        """It is out: here. False where another took the run, or the message was withdrawn."""
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

    def refresh(self, run: ReportRun) -> bool:
        """Lengthen the lease of a run that takes long; False where another took it."""
        return self._set(run, "next_at = ?", to_milliseconds(self._clock() + self.timing.lease))

    def filed(self, run: ReportRun) -> bool:
        """Its files are out as well."""
        return self._set(run, "state = 'sent'")

    def again(self, run: ReportRun, at: datetime, error: str = "") -> bool:
        """It was surely not sent: once more from a moment on."""
        return self._set(run, "state = 'due', next_at = ?, error = ?", to_milliseconds(at), error)

    def later(self, run: ReportRun, at: datetime) -> bool:
        """Look at it again from a moment on; nothing else changes."""
        return self._set(run, "next_at = ?", to_milliseconds(at))

    def doubt(self, run: ReportRun, error: str) -> bool:
        """It may have been sent: once that has settled, the history tells."""
        settled = to_milliseconds(self._clock() + self.timing.settle)
        return self._set(run, "next_at = ?, error = ?", settled, error)

    def uncertain(self, run: ReportRun, error: str) -> bool:
        """Nobody can tell whether it was sent; its owner decides."""
        ended = to_milliseconds(self._clock())
        return self._set(run, "state = 'uncertain', error = ?, ended_at = ?", error, ended)

    def skip(self, run: ReportRun, why: str) -> bool:
        """There is nothing to send."""
        return self._set(
            run, "state = 'skipped', error = ?, ended_at = ?", why, to_milliseconds(self._clock())
        )

    def fail(self, run: ReportRun, error: str) -> int | None:
        """It cannot be sent. How many in a row of its schedule; None where another took it.

        With the third in a row the schedule is paused. What fails for several recipients of one
        due time counts once, and is no news after the first: None.
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
        """Whether a message that came too late is one too many, and is to be taken back.

        It is not where the run's next taker found it in the history and made it the report.
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

    # -- decisions of people

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
        """Somebody wants a run sent that failed or of which nobody knows; its time begins anew.

        With one that failed go the others of its due time that did.
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

    def is_there(self, id_: int) -> bool:
        """Somebody has seen a report of which nobody knew."""
        with self._db.write() as connection:
            done = connection.execute(
                "UPDATE run SET state = 'sent', how = 'seen', error = '' WHERE id = ?"
                " AND state = 'uncertain'",
                (id_,),
            )
            return done.rowcount == 1

    # -- what was reported before, places, counts

    def reported(
        self, known: StoredSchedule, recipient: str, before: datetime, count: int
    ) -> list[PostedReport]:
        """The newest reports of a schedule to a recipient that were due before a moment."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT id, due_at, spend FROM run WHERE schedule = ? AND recipient = ?"
                " AND due_at < ? AND state IN ('posted', 'sent') AND spend IS NOT NULL"
                " ORDER BY due_at DESC LIMIT ?",
                (known.id, recipient, to_milliseconds(before), count),
            ).fetchall()
        return [
            PostedReport(id_, known.draft.question, from_milliseconds(at), spend)
            for id_, at, spend in found
        ]

    def of_other_schedules(self, run: ReportRun) -> list[Other]:
        """The runs of other schedules that send a run's question to its recipient.

        Only schedules for every creator count, and runs that were not skipped and did not fail.
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
        return [Other(row[0], RunState(row[1]), from_milliseconds(row[2]), row[3]) for row in found]

    def hold(self, place: str, until: datetime) -> None:
        """Let nobody post to a place before a moment."""
        with self._db.write() as connection:
            connection.execute(
                "INSERT INTO place (id, free_at) VALUES (?, ?) ON CONFLICT (id) DO UPDATE"
                " SET free_at = excluded.free_at WHERE place.free_at < excluded.free_at",
                (place, to_milliseconds(until)),
            )

    def checked(self, place: str, since: datetime) -> str | None:
        """A channel's name, if it was seen since a moment that no outsiders read along there."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT name FROM place WHERE id = ? AND checked_at BETWEEN ? AND ?",
                (place, to_milliseconds(since), to_milliseconds(self._clock())),
            ).fetchone()
        return found and str(found[0])

    def check(self, place: str, name: str) -> None:
        """It was seen just now that no outsiders read along."""
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            connection.execute(
                "INSERT INTO place (id, checked_at, name) VALUES (?, ?, ?) ON CONFLICT (id)"
                " DO UPDATE SET checked_at = excluded.checked_at, name = excluded.name",
                (place, now, name),
            )

    def counts(self) -> dict[str, int]:
        """How many runs are in which state."""
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
    (id_, recipient, period, asked_by, place, due_at, noticed_at, state, payload, fence, attempts,
     sending_at, channel, ts) = row[:14]  # fmt: skip
    return ReportRun(
        int(str(id_)),
        entry(row[14:]),
        str(recipient),
        str(period),
        str(asked_by),
        str(place),
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
    """The local date that a run is due on, or was asked for."""
    try:
        return date.fromisoformat(run.period)
    except ValueError:
        return run.due_at.date()
