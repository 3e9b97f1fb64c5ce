"""What is to be told of alerts: events wait here, become messages, and stay until Slack has them.

Whoever takes an event or a message raises its fence; what an earlier taker writes afterwards
changes nothing. The clock is read inside each transaction.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.encoding import from_milliseconds, to_milliseconds
from bot.store.readable import UNREADABLE, Row, read_one, readable, split
from reports.alerts.evaluation import AlertEvent, AlertState
from reports.alerts.periods import QuietHours
from reports.alerts.serialization import unpack_event, unpack_state

Clock = Callable[[], datetime]
LEASE = timedelta(seconds=120)
LONGEST = timedelta(days=32)
"""No event waits longer: a snooze until the end of a month."""
RESTORED = timedelta(days=3)
"""Events that were set aside are sent after an upgrade if they are not older than this."""
SETTLE = timedelta(seconds=60)
"""How long after a call without an answer its message may still appear in the history."""
_EVENT = "id, rule, version, subject, period, facts, urgent, fence, telling, state"
_TELLING = "id, key, place, note, root, made_at, fence, tries, sending_at, state, channel, ts"


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """Something that happened and is to be told; `telling` is the message that it became."""

    id: int
    rule: str
    version: int
    subject: str
    period: str
    event: AlertEvent
    urgent: bool
    fence: int
    alert_message: int | None = None
    state: str = "pending"

    @property
    def place(self) -> tuple[str, str, str]:
        """The state that it is one of."""
        return self.rule, self.subject, self.period


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """A message to a person or channel; with a `root` it goes into that message's thread.

    `sending_at`: when it was last said that it goes out. `note`: a sentence that goes with it.
    """

    id: int
    key: str
    place: str
    note: str
    root: int | None
    made_at: datetime
    fence: int
    tries: int
    sending_at: datetime | None
    state: str
    channel: str
    ts: str


class AlertMessages:
    """All events and messages. Its methods may be called from any thread and any process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def idle(self) -> bool:
        """Whether there is nothing to do now: one quick look."""
        now = to_milliseconds(self._clock())
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM alert_event WHERE state = 'pending'"
                " AND next_at <= ?) OR EXISTS (SELECT 1 FROM alert_telling WHERE"
                " (state IN ('due', 'sending') OR stale = 1) AND next_at <= ?)"
                " OR EXISTS (SELECT 1 FROM alert_hold WHERE until <= ?)",
                (now, now, now),
            ).fetchone()
        return not found[0]

    def heal(self) -> None:
        """Look again at what waits for a moment that no wait can be for: the clock was put back."""
        with self._db.write() as connection:
            now = self._clock()
            for table in ("alert_event", "alert_telling"):
                connection.execute(
                    f"UPDATE {table} SET next_at = ? WHERE next_at > ?",
                    (to_milliseconds(now + LEASE), to_milliseconds(now + LONGEST)),
                )

    # -- events

    def claim(
        self, limit: int, unreadable: Callable[[int], object] = lambda _: None
    ) -> list[PendingEvent]:
        """Take due events, oldest first; no other process takes them for two minutes.

        Events that this version cannot read are set aside: they stay in the table, dropped as
        unreadable, and `unreadable` is called with their number after the transaction.
        """
        with self._db.write() as connection:
            now = self._clock()
            found = connection.execute(
                "SELECT id FROM alert_event WHERE state = 'pending' AND next_at <= ?"
                " ORDER BY id LIMIT ?",
                (to_milliseconds(now), limit),
            ).fetchall()
            rows = _leased(connection, "alert_event", _EVENT, found, now)
            events, bad = split(rows, _pending, "alert event")
            _set_aside(connection, [row[0] for row in bad])
        if bad:
            unreadable(len(bad))
        return events

    def set_aside(self, alert_message: int) -> int:
        """Take events that this version cannot read out of an unsent message; how many."""
        with self._db.read() as connection:
            bad = split(_events(connection, alert_message), _pending, "alert event")[1]
        if bad:
            with self._db.write() as connection:
                _set_aside(connection, [row[0] for row in bad])
        return len(bad)

    def restore(self) -> int:
        """Make recent events pending again that an older version could not read; how many."""
        with self._db.read() as connection:
            rows = connection.execute(
                f"SELECT {_EVENT} FROM alert_event WHERE state = 'dropped' AND why = ? AND at >= ?",
                (UNREADABLE, to_milliseconds(self._clock() - RESTORED)),
            ).fetchall()
        events = readable(rows, _pending, "alert event")
        if events:
            with self._db.write() as connection:
                connection.executemany(
                    "UPDATE alert_event SET state = 'pending', why = '', next_at = ?"
                    " WHERE id = ? AND state = 'dropped'",
                    [(to_milliseconds(self._clock()), one.id) for one in events],
                )
        return len(events)

    def later(self, events: Sequence[PendingEvent], at: datetime) -> None:
        """Take these up again from a moment on."""
        with self._db.write() as connection:
            connection.executemany(
                "UPDATE alert_event SET next_at = ? WHERE id = ? AND fence = ?"
                " AND state = 'pending'",
                [(to_milliseconds(at), one.id, one.fence) for one in events],
            )

    def drop(self, events: Sequence[PendingEvent], why: str) -> None:
        """There is nobody to tell, or no need to."""
        with self._db.write() as connection:
            connection.executemany(
                "UPDATE alert_event SET state = 'dropped', why = ? WHERE id = ? AND fence = ?"
                " AND state = 'pending'",
                [(why, one.id, one.fence) for one in events],
            )

    def make(
        self, events: Sequence[PendingEvent], place: str, note: str = "", root: int | None = None
    ) -> int | None:
        """Make one message of events; its id. None where another took any of them."""
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            ids = [one.id for one in events]
            mine = connection.execute(
                "SELECT id, fence FROM alert_event WHERE id IN (SELECT value FROM numbers(?) n)"
                " AND state = 'pending'",
                (ids,),
            ).fetchall()
            if dict(mine) != {one.id: one.fence for one in events}:
                return None
            made = connection.execute(
                "INSERT INTO alert_telling (key, place, note, root, made_at, next_at)"
                " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                (f"alert.{secrets.token_hex(8)}", place, note, root, now, now),
            ).fetchone()[0]
            connection.execute(
                "UPDATE alert_event SET state = 'telling', telling = ?"
                " WHERE id IN (SELECT value FROM numbers(?) n)",
                (made, ids),
            )
            return int(made)

    def events(self, alert_message: int) -> list[PendingEvent]:
        """The events of a message that this version can read, oldest first."""
        with self._db.read() as connection:
            return readable(_events(connection, alert_message), _pending, "alert event")

    def event(self, id_: int) -> PendingEvent | None:
        """One event."""
        with self._db.read() as connection:
            row = connection.execute(
                f"SELECT {_EVENT} FROM alert_event WHERE id = ?", (id_,)
            ).fetchone()
        return read_one(row, _pending, "alert event")

    def last(self, place: tuple[str, str, str]) -> PendingEvent | None:
        """The newest event of a rule, subject and period."""
        with self._db.read() as connection:
            row = connection.execute(
                f"SELECT {_EVENT} FROM alert_event WHERE rule = ? AND subject = ? AND period = ?"
                " ORDER BY id DESC LIMIT 1",
                place,
            ).fetchone()
        return read_one(row, _pending, "alert event")

    def lasts(self, rule: str) -> dict[tuple[str, str], PendingEvent]:
        """The newest event of each subject and period of a rule."""
        with self._db.read() as connection:
            rows = connection.execute(
                f"SELECT {_EVENT} FROM alert_event WHERE id IN (SELECT max(id) FROM alert_event"
                " WHERE rule = ? GROUP BY subject, period)",
                (rule,),
            ).fetchall()
        found = readable(rows, _pending, "alert event")
        return {(one.subject, one.period): one for one in found}

    def state(self, place: tuple[str, str, str]) -> tuple[AlertState, str | None] | None:
        """How a subject stands, and who has acknowledged it."""
        with self._db.read() as connection:
            row = connection.execute(
                "SELECT data, acknowledged FROM alert_state WHERE rule = ? AND subject = ?"
                " AND period = ?",
                place,
            ).fetchone()
        return (unpack_state(json.loads(row[0])), row[1]) if row else None

    def first(self, event: PendingEvent) -> PendingEvent | None:
        """The crossing that an event belongs to; a level may cross its line many times."""
        with self._db.read() as connection:
            row = connection.execute(
                f"SELECT {_EVENT} FROM alert_event WHERE rule = ? AND subject = ? AND period = ?"
                " AND kind = 'triggered' AND id <= ? ORDER BY id DESC LIMIT 1",
                (*event.place, event.id),
            ).fetchone()
        return read_one(row, _pending, "alert event")

    def latest(self, first: PendingEvent) -> PendingEvent:
        """The newest event of a crossing, given its first."""
        with self._db.read() as connection:
            row = connection.execute(
                f"SELECT {_EVENT} FROM alert_event WHERE rule = ? AND subject = ? AND period = ?"
                " AND id > ? AND id < coalesce((SELECT min(id) FROM alert_event WHERE rule = ?"
                " AND subject = ? AND period = ? AND kind = 'triggered' AND id > ?), id + 1)"
                " ORDER BY id DESC LIMIT 1",
                (*first.place, first.id, *first.place, first.id),
            ).fetchone()
        return read_one(row, _pending, "alert event") or first

    # -- messages

    def get(self, id_: int) -> AlertMessage | None:
        """A message by its id."""
        with self._db.read() as connection:
            row = connection.execute(
                f"SELECT {_TELLING} FROM alert_telling WHERE id = ?", (id_,)
            ).fetchone()
        return read_one(row, _alert_message, "alert message")

    def take(self, limit: int) -> list[AlertMessage]:
        """Take messages whose turn it is; of a place, no more than one, and the oldest first."""
        with self._db.write() as connection:
            now = self._clock()
            found = connection.execute(
                "SELECT min(t.id) FROM alert_telling t LEFT JOIN place p ON p.id = t.place"
                " WHERE t.state IN ('due', 'sending') AND t.next_at <= ?"
                " AND coalesce(p.free_at, 0) <= ? GROUP BY t.place ORDER BY min(t.next_at)"
                " LIMIT ?",
                (to_milliseconds(now), to_milliseconds(now), limit),
            ).fetchall()
            rows = _leased(connection, "alert_telling", _TELLING, found, now)
        return readable(rows, _alert_message, "alert message")

    def take_stale(self, limit: int) -> list[AlertMessage]:
        """Take messages that do not say any more how things stand."""
        with self._db.write() as connection:
            now = self._clock()
            found = connection.execute(
                "SELECT id FROM alert_telling WHERE stale = 1 AND state = 'sent'"
                " AND next_at <= ? ORDER BY next_at LIMIT ?",
                (to_milliseconds(now), limit),
            ).fetchall()
            rows = _leased(connection, "alert_telling", _TELLING, found, now)
        return readable(rows, _alert_message, "alert message")

    def begin(self, alert_message: AlertMessage, at: datetime | None = None) -> bool:
        """Say that it goes out now, as things stand now; False where another took it.

        From here on the lease runs anew. `at` is what time it is there, since its history is
        searched from then on.
        """
        now = self._clock()
        return self._set(
            alert_message,
            "state = 'sending', sending_at = ?, next_at = ?, stale = 0, tries = tries + 1",
            to_milliseconds(at or now), to_milliseconds(now + LEASE),
        )  # fmt: skip

    def sent(self, alert_message: AlertMessage, channel: str, ts: str) -> bool:
        """Slack has it: here. False where another took it meanwhile."""
        with self._db.write() as connection:
            done = connection.execute(
                "UPDATE alert_telling SET state = 'sent', channel = ?, ts = ?, error = '',"
                " next_at = ? WHERE id = ? AND fence = ? AND state IN ('due', 'sending')",
                (
                    channel,
                    ts,
                    to_milliseconds(self._clock()),
                    alert_message.id,
                    alert_message.fence,
                ),
            )
            if done.rowcount != 1:
                return False
            connection.execute(
                "UPDATE alert_event SET state = 'told' WHERE telling = ? AND state = 'telling'",
                (alert_message.id,),
            )
            return True

    def again(self, alert_message: AlertMessage, at: datetime, error: str) -> bool:
        """It was surely not sent: once more from a moment on."""
        return self._set(
            alert_message, "state = 'due', next_at = ?, error = ?", to_milliseconds(at), error
        )

    def doubt(self, alert_message: AlertMessage, error: str) -> bool:
        """It may have been sent: once that has settled, the history tells."""
        settled = to_milliseconds(self._clock() + SETTLE)
        return self._set(alert_message, "next_at = ?, error = ?", settled, error)

    def wait(self, alert_message: AlertMessage, at: datetime, error: str) -> bool:
        """Look at it again from a moment on; whether it was sent is as unknown as before."""
        return self._set(
            alert_message, "next_at = ?, error = ?, tries = tries + 1", to_milliseconds(at), error
        )

    def fail(self, alert_message: AlertMessage, error: str) -> bool:
        """It can never be sent there."""
        with self._db.write() as connection:
            done = connection.execute(
                "UPDATE alert_telling SET state = 'failed', stale = 0, error = ?"
                " WHERE id = ? AND fence = ?"
                " AND state IN ('due', 'sending')",
                (error, alert_message.id, alert_message.fence),
            )
            return done.rowcount == 1

    def redirect(self, alert_message: AlertMessage, place: str, note: str, error: str) -> bool:
        """Send it to somebody else instead, with a sentence that says why."""
        return self._set(
            alert_message,
            "state = 'due', place = ?, note = ?, error = ?, next_at = ?, sending_at = NULL,"
            " root = NULL, tries = 0",
            place, note, error, to_milliseconds(self._clock()),
        )  # fmt: skip

    def part(self, alert_message: AlertMessage, events: Sequence[PendingEvent]) -> bool:
        """Make another message, to the same place, of some events of one that was not sent."""
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            made = connection.execute(
                "INSERT INTO alert_telling (key, place, note, root, made_at, next_at)"
                " SELECT ?, place, note, root, made_at, ? FROM alert_telling"
                " WHERE id = ? AND fence = ? AND state IN ('due', 'sending') RETURNING id",
                (f"alert.{secrets.token_hex(8)}", now, alert_message.id, alert_message.fence),
            ).fetchone()
            if made is None:
                return False
            connection.executemany(
                "UPDATE alert_event SET telling = ? WHERE id = ? AND telling = ?",
                [(made[0], one.id, alert_message.id) for one in events],
            )
            return True

    def renew(self, alert_message: int) -> None:
        """A message does not say any more how things stand."""
        with self._db.write() as connection:
            outdate(connection, alert_message, to_milliseconds(self._clock()))

    def renewed(self, alert_message: AlertMessage) -> None:
        """It says now how things stand, or never will."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE alert_telling SET stale = 0 WHERE id = ? AND fence = ?",
                (alert_message.id, alert_message.fence),
            )

    def renew_later(self, alert_message: AlertMessage, at: datetime) -> None:
        """Try again from a moment on."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE alert_telling SET next_at = ? WHERE id = ? AND fence = ?",
                (to_milliseconds(at), alert_message.id, alert_message.fence),
            )

    def hold_place(self, place: str, until: datetime) -> None:
        """Let nobody post to a place before a moment."""
        with self._db.write() as connection:
            connection.execute(
                "INSERT INTO place (id, free_at) VALUES (?, ?) ON CONFLICT (id) DO UPDATE"
                " SET free_at = excluded.free_at WHERE place.free_at < excluded.free_at",
                (place, to_milliseconds(until)),
            )

    # -- quiet hours

    def quiet(self, person: str) -> QuietHours | None:
        """A person's quiet hours, by the clock of their zone."""
        with self._db.read() as connection:
            row = connection.execute(
                "SELECT since, until FROM alert_quiet WHERE person = ?", (person,)
            ).fetchone()
        return QuietHours(time.fromisoformat(row[0]), time.fromisoformat(row[1])) if row else None

    def set_quiet(self, person: str, quiet: QuietHours | None) -> None:
        """Keep a person's quiet hours, or that there are none; what waits for them is looked at."""
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

    def counts(self) -> dict[str, int]:
        """How many messages are in which state."""
        with self._db.read() as connection:
            return dict(
                connection.execute("SELECT state, count(*) FROM alert_telling GROUP BY state")
            )

    def _set(self, alert_message: AlertMessage, assignments: str, *values: object) -> bool:
        with self._db.write() as connection:
            done = connection.execute(
                f"UPDATE alert_telling SET {assignments} WHERE id = ? AND fence = ?"
                " AND state IN ('due', 'sending')",
                (*values, alert_message.id, alert_message.fence),
            )
            return done.rowcount == 1


def outdate(connection: Connection, alert_message: int, now: int) -> None:
    """Note that a message does not say how things stand, be it out or on its way.

    Who is renewing it just now has not seen that, so theirs is not the last word.
    """
    connection.execute(
        "UPDATE alert_telling SET stale = 1, next_at = ?, fence = fence + 1"
        " WHERE id = ? AND state = 'sent'",
        (now, alert_message),
    )
    connection.execute(
        "UPDATE alert_telling SET stale = 1 WHERE id = ? AND state = 'sending'", (alert_message,)
    )


def _events(connection: Connection, alert_message: int) -> list[Row]:
    return connection.execute(
        f"SELECT {_EVENT} FROM alert_event WHERE telling = ? ORDER BY id", (alert_message,)
    ).fetchall()


def _set_aside(connection: Connection, ids: Sequence[int]) -> None:
    """Keep events without ever sending them; `restore` takes them up again after an upgrade."""
    connection.executemany(
        "UPDATE alert_event SET state = 'dropped', why = ?, telling = NULL WHERE id = ?"
        " AND state IN ('pending', 'telling')",
        [(UNREADABLE, id_) for id_ in ids],
    )


def _leased(
    connection: Connection,
    table: str,
    columns: str,
    found: Sequence[Row],
    now: datetime,
) -> list[Row]:
    """Rows by the ids that were found, taken for as long as a lease lasts."""
    ids = [row[0] for row in found]
    chosen = "id IN (SELECT value FROM numbers(?) n)"
    connection.execute(
        f"UPDATE {table} SET fence = fence + 1, next_at = ? WHERE {chosen}",
        (to_milliseconds(now + LEASE), ids),
    )
    rows = connection.execute(f"SELECT {columns} FROM {table} WHERE {chosen} ORDER BY id", (ids,))
    return rows.fetchall()


def _pending(row: Sequence[object]) -> PendingEvent:
    id_, rule, version, subject, period, facts, urgent, fence, alert_message, state = row
    return PendingEvent(
        int(str(id_)), str(rule), int(str(version)), str(subject), str(period),
        unpack_event(json.loads(str(facts))), bool(urgent), int(str(fence)),
        None if alert_message is None else int(str(alert_message)), str(state),
    )  # fmt: skip


def _alert_message(row: Sequence[object]) -> AlertMessage:
    (id_, key, place, note, root, made_at, fence, tries, sending_at, state, channel,
     ts) = row  # fmt: skip
    return AlertMessage(
        int(str(id_)),
        str(key),
        str(place),
        str(note),
        None if root is None else int(str(root)),
        from_milliseconds(int(str(made_at))),
        int(str(fence)),
        int(str(tries)),
        None if sending_at is None else from_milliseconds(int(str(sending_at))),
        str(state),
        str(channel),
        str(ts),
    )
