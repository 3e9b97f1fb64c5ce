"""Stores messages about alerts: to be sent, sent, and to be updated.

The clock is read inside each transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.store.alerts.events import StateKey, StoredEvent
from bot.store.alerts.row_leases import LEASE, lease_rows
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.encoding import from_milliseconds, to_milliseconds
from bot.store.readable import read_one, readable

Clock = Callable[[], datetime]
LONGEST_WAIT = timedelta(days=32)
"""The longest that any event may wait, which is a snooze until the end of a month."""
SETTLE = timedelta(seconds=60)
"""After a call without an answer, its message may still appear in the history for this long."""
_MESSAGE = "id, key, place, note, root, made_at, fence, tries, sending_at, state, channel, ts"


class MessageStatus(StrEnum):
    """The status of a message. The values are those in the database."""

    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """A message to a person or channel; with a `root` it goes into that message's thread.

    `recipient` is a Slack id, `key` identifies the message in Slack's metadata, `note` is a
    sentence in mrkdwn, and `sending_at` (UTC) is when it was last being sent.
    """

    id: int
    key: str
    recipient: str
    note: str
    root: int | None
    created_at: datetime
    fence: int
    tries: int
    sending_at: datetime | None
    status: MessageStatus
    channel: str
    ts: str


class AlertMessages:
    """All messages. Its methods may be called from any thread and any process.

    Methods that change a message return False if another process took it meanwhile.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def idle(self) -> bool:
        """Whether no event, message or ended snooze is due: one quick query."""
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

    def limit_waits(self) -> None:
        """Retry soon whatever waits longer than allowed, because the clock was set back
        meanwhile."""
        with self._db.write() as connection:
            now = self._clock()
            for table in ("alert_event", "alert_telling"):
                connection.execute(
                    f"UPDATE {table} SET next_at = ? WHERE next_at > ?",
                    (to_milliseconds(now + LEASE), to_milliseconds(now + LONGEST_WAIT)),
                )

    def create(
        self,
        events: Sequence[StoredEvent],
        recipient: str,
        note: str = "",
        root: int | None = None,
    ) -> int | None:
        """Create a message from events; returns its id.

        `recipient` is the Slack id of a person or channel, `note` a sentence in mrkdwn, and `root`
        the id of the message whose thread it is posted in. None if another process took an event.
        """
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            ids = [one.id for one in events]
            pending = connection.execute(
                "SELECT id, fence FROM alert_event WHERE id IN (SELECT value FROM numbers(?) n)"
                " AND state = 'pending'",
                (ids,),
            ).fetchall()
            if dict(pending) != {one.id: one.fence for one in events}:
                return None
            created = connection.execute(
                "INSERT INTO alert_telling (key, place, note, root, made_at, next_at)"
                " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                (f"alert.{secrets.token_hex(8)}", recipient, note, root, now, now),
            ).fetchone()[0]
            connection.execute(
                "UPDATE alert_event SET state = 'telling', telling = ?"
                " WHERE id IN (SELECT value FROM numbers(?) n)",
                (created, ids),
            )
            return int(created)

    def get(self, id_: int) -> AlertMessage | None:
        """A message; None if there is none with that id or it cannot be read."""
        with self._db.read() as connection:
            row = connection.execute(
                f"SELECT {_MESSAGE} FROM alert_telling WHERE id = ?", (id_,)
            ).fetchone()
        return read_one(row, _message, "alert message")

    def claim(self, limit: int) -> list[AlertMessage]:
        """Lease due messages, the oldest first, at most one per recipient."""
        with self._db.write() as connection:
            now = self._clock()
            found = connection.execute(
                "SELECT min(t.id) FROM alert_telling t LEFT JOIN place p ON p.id = t.place"
                " WHERE t.state IN ('due', 'sending') AND t.next_at <= ?"
                " AND coalesce(p.free_at, 0) <= ? GROUP BY t.place ORDER BY min(t.next_at)"
                " LIMIT ?",
                (to_milliseconds(now), to_milliseconds(now), limit),
            ).fetchall()
            rows = lease_rows(connection, "alert_telling", _MESSAGE, found, now)
        return readable(rows, _message, "alert message")

    def claim_outdated(self, limit: int) -> list[AlertMessage]:
        """Lease sent messages that no longer show the current state."""
        with self._db.write() as connection:
            now = self._clock()
            found = connection.execute(
                "SELECT id FROM alert_telling WHERE stale = 1 AND state = 'sent'"
                " AND next_at <= ? ORDER BY next_at LIMIT ?",
                (to_milliseconds(now), limit),
            ).fetchall()
            rows = lease_rows(connection, "alert_telling", _MESSAGE, found, now)
        return readable(rows, _message, "alert message")

    def release(self, messages: Sequence[AlertMessage]) -> None:
        """Let other processes lease messages at once; this process must not have started them."""
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            connection.executemany(
                "UPDATE alert_telling SET next_at = ? WHERE id = ? AND fence = ?",
                [(now, message.id, message.fence) for message in messages],
            )

    def start_sending(self, message: AlertMessage, at: datetime | None = None) -> bool:
        """Record that a message is being sent, with the current state; False if the lease was lost.

        The lease starts again. `at` is the time by Slack's clock (UTC): if no answer comes, the
        channel's history is searched from then on.
        """
        now = self._clock()
        return self._update(
            message,
            "state = 'sending', sending_at = ?, next_at = ?, stale = 0, tries = tries + 1",
            to_milliseconds(at or now), to_milliseconds(now + LEASE),
        )  # fmt: skip

    def mark_sent(self, message: AlertMessage, channel: str, ts: str) -> bool:
        """Record that Slack has a message (its channel and `ts`).

        If the lease was lost but no copy is recorded yet, this one is: it certainly exists, and is
        updated soon, because it may show an older state. False if another process has recorded
        another copy in the same conversation: then delete this one.
        """
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            done = connection.execute(
                "UPDATE alert_telling SET state = 'sent', channel = ?, ts = ?, error = '',"
                " next_at = ?, stale = CASE WHEN fence = ? THEN stale ELSE 1 END,"
                " fence = CASE WHEN fence = ? THEN fence ELSE fence + 1 END"
                " WHERE id = ? AND place = ? AND state IN ('due', 'sending')",
                (channel, ts, now, message.fence, message.fence, message.id, message.recipient),
            )
            if done.rowcount != 1:
                other = connection.execute(
                    "SELECT 1 FROM alert_telling WHERE id = ? AND state = 'sent' AND channel = ?"
                    " AND ts <> ?",
                    (message.id, channel, ts),
                ).fetchone()
                return other is None
            connection.execute(
                "UPDATE alert_event SET state = 'told' WHERE telling = ? AND state = 'telling'",
                (message.id,),
            )
            return True

    def retry(self, message: AlertMessage, at: datetime, error: str) -> bool:
        """Send a message again at a time (UTC), because it was certainly not sent."""
        return self._update(
            message, "state = 'due', next_at = ?, error = ?", to_milliseconds(at), error
        )

    def mark_uncertain(self, message: AlertMessage, error: str) -> bool:
        """Record that a message may have been sent; after `SETTLE` the history shows whether."""
        settled = to_milliseconds(self._clock() + SETTLE)
        return self._update(message, "next_at = ?, error = ?", settled, error)

    def postpone(self, message: AlertMessage, at: datetime, error: str) -> bool:
        """Try again at a time (UTC); whether the message was sent remains as uncertain as
        before."""
        return self._update(
            message, "next_at = ?, error = ?, tries = tries + 1", to_milliseconds(at), error
        )

    def fail(self, message: AlertMessage, error: str) -> bool:
        """Give up on a message that can never be sent."""
        with self._db.write() as connection:
            done = connection.execute(
                "UPDATE alert_telling SET state = 'failed', stale = 0, error = ?"
                " WHERE id = ? AND fence = ?"
                " AND state IN ('due', 'sending')",
                (error, message.id, message.fence),
            )
            return done.rowcount == 1

    def redirect(self, message: AlertMessage, recipient: str, note: str, error: str) -> bool:
        """Send a message to another person instead; `note` (mrkdwn) says why."""
        return self._update(
            message,
            "state = 'due', place = ?, note = ?, error = ?, next_at = ?, sending_at = NULL,"
            " root = NULL, tries = 0",
            recipient, note, error, to_milliseconds(self._clock()),
        )  # fmt: skip

    def split_off(self, message: AlertMessage, events: Sequence[StoredEvent]) -> bool:
        """Move some events of an unsent message to a new message to the same recipient."""
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            created = connection.execute(
                "INSERT INTO alert_telling (key, place, note, root, made_at, next_at)"
                " SELECT ?, place, note, root, made_at, ? FROM alert_telling"
                " WHERE id = ? AND fence = ? AND state IN ('due', 'sending') RETURNING id",
                (f"alert.{secrets.token_hex(8)}", now, message.id, message.fence),
            ).fetchone()
            if created is None:
                return False
            connection.executemany(
                "UPDATE alert_event SET telling = ? WHERE id = ? AND telling = ?",
                [(created[0], one.id, message.id) for one in events],
            )
            return True

    def is_unsent(self, key: str) -> bool:
        """Whether the database knows a message that it doesn't know to be sent."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM alert_telling WHERE key = ?"
                " AND state IN ('due', 'sending'))",
                (key,),
            ).fetchone()
        return bool(found[0])

    def has_event(self, channel: str, ts: str, key: StateKey) -> bool:
        """Whether the message that Slack has at a place is known to have an event of a state."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM alert_event WHERE rule = ? AND subject = ?"
                " AND period = ? AND telling IN (SELECT id FROM alert_telling WHERE channel = ?"
                " AND ts = ? AND state = 'sent'))",
                (*key, channel, ts),
            ).fetchone()
        return bool(found[0])

    def adopt(
        self,
        message: AlertMessage,
        events: Sequence[StoredEvent],
        again: Sequence[StoredEvent],
        channel: str,
        ts: str,
    ) -> bool:
        """Record that Slack already has events of an unsent message, in another message.

        That message (its channel and `ts`) is updated soon. The events in `again` become pending,
        to be sent to its thread. The unsent message is deleted if it has no events left.
        """
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            leased = connection.execute(
                "SELECT 1 FROM alert_telling WHERE id = ? AND fence = ?"
                " AND state IN ('due', 'sending')",
                (message.id, message.fence),
            ).fetchone()
            if leased is None:
                return False
            known = connection.execute(
                "SELECT id FROM alert_telling WHERE channel = ? AND ts = ? AND state = 'sent'",
                (channel, ts),
            ).fetchone()
            if known is None:
                known = connection.execute(
                    "INSERT INTO alert_telling (key, place, note, root, made_at, next_at, state,"
                    " channel, ts) SELECT ?, place, note, root, made_at, ?, 'sent', ?, ?"
                    " FROM alert_telling WHERE id = ? RETURNING id",
                    (f"alert.{secrets.token_hex(8)}", now, channel, ts, message.id),
                ).fetchone()
            outdate(connection, known[0], now)
            connection.executemany(
                "UPDATE alert_event SET state = 'told', telling = ? WHERE id = ? AND telling = ?",
                [(known[0], one.id, message.id) for one in events],
            )
            connection.executemany(
                "UPDATE alert_event SET state = 'pending', telling = NULL, next_at = ?"
                " WHERE id = ? AND telling = ?",
                [(now, one.id, message.id) for one in again],
            )
            connection.execute(
                "DELETE FROM alert_telling WHERE id = ?"
                " AND NOT EXISTS (SELECT 1 FROM alert_event WHERE telling = ?)",
                (message.id, message.id),
            )
            return True

    def mark_outdated(self, message_id: int) -> None:
        """Record that a message no longer shows the current state."""
        with self._db.write() as connection:
            outdate(connection, message_id, to_milliseconds(self._clock()))

    def mark_updated(self, message: AlertMessage) -> None:
        """Record that a message shows the current state, or never can."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE alert_telling SET stale = 0 WHERE id = ? AND fence = ?",
                (message.id, message.fence),
            )

    def retry_update(self, message: AlertMessage, at: datetime) -> None:
        """Try again to update a message, at a time (UTC)."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE alert_telling SET next_at = ? WHERE id = ? AND fence = ?",
                (to_milliseconds(at), message.id, message.fence),
            )

    def pause_recipient(self, recipient: str, until: datetime) -> None:
        """Send nothing to a person or channel before a time (UTC)."""
        with self._db.write() as connection:
            connection.execute(
                "INSERT INTO place (id, free_at) VALUES (?, ?) ON CONFLICT (id) DO UPDATE"
                " SET free_at = excluded.free_at WHERE place.free_at < excluded.free_at",
                (recipient, to_milliseconds(until)),
            )

    def counts(self) -> dict[str, int]:
        """The number of messages by status."""
        with self._db.read() as connection:
            return dict(
                connection.execute("SELECT state, count(*) FROM alert_telling GROUP BY state")
            )

    def _update(self, message: AlertMessage, assignments: str, *values: object) -> bool:
        with self._db.write() as connection:
            done = connection.execute(
                f"UPDATE alert_telling SET {assignments} WHERE id = ? AND fence = ?"
                " AND state IN ('due', 'sending')",
                (*values, message.id, message.fence),
            )
            return done.rowcount == 1


def outdate(connection: Connection, message_id: int, now: int) -> None:
    """Record that a message no longer shows the current state, even if it is being sent.

    The fence is increased, because a process that is updating it now doesn't know this change.
    """
    connection.execute(
        "UPDATE alert_telling SET stale = 1, next_at = ?, fence = fence + 1"
        " WHERE id = ? AND state = 'sent'",
        (now, message_id),
    )
    connection.execute(
        "UPDATE alert_telling SET stale = 1 WHERE id = ? AND state = 'sending'", (message_id,)
    )


def _message(row: Sequence[object]) -> AlertMessage:
    (id_, key, recipient, note, root, created_at, fence, tries, sending_at, status, channel,
     ts) = row  # fmt: skip
    return AlertMessage(
        int(str(id_)),
        str(key),
        str(recipient),
        str(note),
        None if root is None else int(str(root)),
        from_milliseconds(int(str(created_at))),
        int(str(fence)),
        int(str(tries)),
        None if sending_at is None else from_milliseconds(int(str(sending_at))),
        MessageStatus(str(status)),
        str(channel),
        str(ts),
    )
