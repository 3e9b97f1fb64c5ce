"""Stores alert events: what happened, until it has become part of a message.

The clock is read inside each transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.store.alerts.row_leases import lease_rows
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.encoding import to_milliseconds
from bot.store.readable import UNREADABLE, Row, read_one, readable, split
from reports.alerts.evaluation import AlertEvent
from reports.alerts.serialization import unpack_event

Clock = Callable[[], datetime]
StateKey = tuple[str, str, str]
"""The key of a state: the id of a rule, a subject, and a period (see `period_key`)."""
RESTORED = timedelta(days=3)
"""Events that were set aside are sent after an upgrade if they are not older than this: last week's
figures would confuse more than they help."""
_EVENT = "id, rule, version, subject, period, facts, urgent, fence, telling, state"


class EventStatus(StrEnum):
    """The status of an event. The values are those in the database."""

    PENDING = "pending"
    IN_MESSAGE = "telling"
    DELIVERED = "told"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event of a rule's subject; `message_id` is the message that it is part of, if any.

    `version` is the rule's at that time, `urgent` whether it ignores quiet hours.
    """

    id: int
    rule: str
    version: int
    subject: str
    period: str
    event: AlertEvent
    urgent: bool
    fence: int
    message_id: int | None = None
    status: EventStatus = EventStatus.PENDING

    @property
    def key(self) -> StateKey:
        """The key of the event's state."""
        return self.rule, self.subject, self.period


class AlertEvents:
    """All events. Its methods may be called from any thread and any process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def claim(
        self, limit: int, unreadable: Callable[[int], object] = lambda _: None
    ) -> list[StoredEvent]:
        """Lease due events, oldest first.

        Events that this version cannot read are set aside: they stay in the table, dropped as
        unreadable, and after the transaction `unreadable` is called with their number.
        """
        with self._db.write() as connection:
            now = self._clock()
            found = connection.execute(
                "SELECT id FROM alert_event WHERE state = 'pending' AND next_at <= ?"
                " ORDER BY id LIMIT ?",
                (to_milliseconds(now), limit),
            ).fetchall()
            rows = lease_rows(connection, "alert_event", _EVENT, found, now)
            events, bad = split(rows, _event, "alert event")
            _set_aside(connection, [row[0] for row in bad])
        if bad:
            unreadable(len(bad))
        return events

    def set_aside(self, message_id: int) -> int:
        """Set aside the events of an unsent message that this version can't read; returns their
        number."""
        with self._db.read() as connection:
            bad = split(_of_message(connection, message_id), _event, "alert event")[1]
        if bad:
            with self._db.write() as connection:
                _set_aside(connection, [row[0] for row in bad])
        return len(bad)

    def restore(self) -> int:
        """Make recent events pending again that an older version couldn't read; returns their
        number."""
        with self._db.read() as connection:
            rows = connection.execute(
                f"SELECT {_EVENT} FROM alert_event WHERE state = 'dropped' AND why = ? AND at >= ?",
                (UNREADABLE, to_milliseconds(self._clock() - RESTORED)),
            ).fetchall()
        events = readable(rows, _event, "alert event")
        if events:
            with self._db.write() as connection:
                connection.executemany(
                    "UPDATE alert_event SET state = 'pending', why = '', next_at = ?"
                    " WHERE id = ? AND state = 'dropped'",
                    [(to_milliseconds(self._clock()), one.id) for one in events],
                )
        return len(events)

    def postpone(self, events: Sequence[StoredEvent], at: datetime) -> None:
        """Process events again, but not before a time (UTC)."""
        with self._db.write() as connection:
            connection.executemany(
                "UPDATE alert_event SET next_at = ? WHERE id = ? AND fence = ?"
                " AND state = 'pending'",
                [(to_milliseconds(at), one.id, one.fence) for one in events],
            )

    def drop(self, events: Sequence[StoredEvent], why: str) -> None:
        """Never send events; `why` is stored for operators."""
        with self._db.write() as connection:
            connection.executemany(
                "UPDATE alert_event SET state = 'dropped', why = ? WHERE id = ? AND fence = ?"
                " AND state = 'pending'",
                [(why, one.id, one.fence) for one in events],
            )

    def of_message(self, message_id: int) -> list[StoredEvent]:
        """The events of a message that this version can read, oldest first."""
        with self._db.read() as connection:
            return readable(_of_message(connection, message_id), _event, "alert event")

    def get(self, id_: int) -> StoredEvent | None:
        """An event; None if there is none with that id or it cannot be read."""
        with self._db.read() as connection:
            row = connection.execute(
                f"SELECT {_EVENT} FROM alert_event WHERE id = ?", (id_,)
            ).fetchone()
        return read_one(row, _event, "alert event")

    def newest(self, key: tuple[str, str, str]) -> StoredEvent | None:
        """The newest event of a rule, subject and period."""
        with self._db.read() as connection:
            row = connection.execute(
                f"SELECT {_EVENT} FROM alert_event WHERE rule = ? AND subject = ? AND period = ?"
                " ORDER BY id DESC LIMIT 1",
                key,
            ).fetchone()
        return read_one(row, _event, "alert event")

    def newest_of_rule(self, rule: str) -> dict[tuple[str, str], StoredEvent]:
        """The newest event of each subject and period of a rule."""
        with self._db.read() as connection:
            rows = connection.execute(
                f"SELECT {_EVENT} FROM alert_event WHERE id IN (SELECT max(id) FROM alert_event"
                " WHERE rule = ? GROUP BY subject, period)",
                (rule,),
            ).fetchall()
        found = readable(rows, _event, "alert event")
        return {(one.subject, one.period): one for one in found}

    def crossing_start(self, event: StoredEvent) -> StoredEvent | None:
        """The first event of the crossing that an event belongs to.

        A level may cross its threshold many times in one period.
        """
        with self._db.read() as connection:
            row = connection.execute(
                f"SELECT {_EVENT} FROM alert_event WHERE rule = ? AND subject = ? AND period = ?"
                " AND kind = 'triggered' AND id <= ? ORDER BY id DESC LIMIT 1",
                (*event.key, event.id),
            ).fetchone()
        return read_one(row, _event, "alert event")

    def newest_of_crossing(self, first: StoredEvent) -> StoredEvent:
        """The newest event of a crossing, given its `first` event."""
        with self._db.read() as connection:
            row = connection.execute(
                f"SELECT {_EVENT} FROM alert_event WHERE rule = ? AND subject = ? AND period = ?"
                " AND id > ? AND id < coalesce((SELECT min(id) FROM alert_event WHERE rule = ?"
                " AND subject = ? AND period = ? AND kind = 'triggered' AND id > ?), id + 1)"
                " ORDER BY id DESC LIMIT 1",
                (*first.key, first.id, *first.key, first.id),
            ).fetchone()
        return read_one(row, _event, "alert event") or first


def _of_message(connection: Connection, message_id: int) -> list[Row]:
    return connection.execute(
        f"SELECT {_EVENT} FROM alert_event WHERE telling = ? ORDER BY id", (message_id,)
    ).fetchall()


def _set_aside(connection: Connection, ids: Sequence[int]) -> None:
    """Drop unreadable events; `restore` makes them pending again after an upgrade."""
    connection.executemany(
        "UPDATE alert_event SET state = 'dropped', why = ?, telling = NULL WHERE id = ?"
        " AND state IN ('pending', 'telling')",
        [(UNREADABLE, id_) for id_ in ids],
    )


def _event(row: Sequence[object]) -> StoredEvent:
    id_, rule, version, subject, period, facts, urgent, fence, message_id, status = row
    return StoredEvent(
        int(str(id_)), str(rule), int(str(version)), str(subject), str(period),
        unpack_event(json.loads(str(facts))), bool(urgent), int(str(fence)),
        None if message_id is None else int(str(message_id)), EventStatus(str(status)),
    )  # fmt: skip
