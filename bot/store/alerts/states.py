"""Stores the state of each subject of each rule, together with its events.

If no state is stored, the rule hasn't triggered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.store.alerts.events import StateKey
from bot.store.alerts.messages import outdate
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.encoding import to_milliseconds
from bot.store.readable import read_one, readable
from reports.alerts.evaluation import AlertEvent, AlertState, EventKind, Phase
from reports.alerts.serialization import pack_event, pack_state, unpack_state

Clock = Callable[[], datetime]
RETENTION = timedelta(days=100)
"""How long delivered events, their messages and states are kept."""
SETTLED = timedelta(days=8)
"""How long states of a past period are kept, because late usage may still change its figures."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """A new state, with its event if there is one.

    `before` is the previous state that the evaluation used (None: none was stored). `version` is
    the rule's version. If either was changed meanwhile, nothing is stored.
    """

    key: StateKey
    version: int
    before: AlertState | None
    after: AlertState
    event: AlertEvent | None = None
    urgent: bool = False


class AlertStates:
    """All states. Its methods may be called from any thread and any process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def all(self) -> dict[StateKey, AlertState]:
        """All stored states that this version can read."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT rule, subject, period, data FROM alert_state"
            ).fetchall()
        return dict(readable(found, _keyed, "alert state of rule"))

    def triggered(self, rule: str) -> list[tuple[StateKey, AlertState]]:
        """The states of a rule's subjects that are triggered."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT rule, subject, period, data FROM alert_state WHERE rule = ? AND state = ?",
                (rule, Phase.TRIGGERED),
            ).fetchall()
        return readable(found, _keyed, "alert state of rule")

    def get(self, key: StateKey) -> AlertState | None:
        """A state; None if none is stored or it cannot be read."""
        with self._db.read() as connection:
            return _get(connection, key)

    def save(self, changes: Iterable[StateChange]) -> int:
        """Store new states and their events, in one transaction; returns the number of new events.

        States that another process changed since they were read aren't changed.
        """
        events = 0
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            versions = dict(
                connection.execute("SELECT id, version FROM alert_rule WHERE gone = 0").fetchall()
            )
            for change in changes:
                if versions.get(change.key[0]) != change.version:
                    continue
                if _get(connection, change.key) != change.before:
                    continue
                events += _save(connection, change, now)
        return events

    def delete_old(self, now: datetime) -> None:
        """Delete old events and messages, and the states of periods that are long over."""
        with self._db.write() as connection:
            found = connection.execute(
                "SELECT rule, subject, period, data FROM alert_state WHERE changed_at < ?"
                " AND period != '' AND state != ?",
                (to_milliseconds(now - SETTLED), Phase.TRIGGERED),
            ).fetchall()
            over = [row[:3] for row in found if _is_over(row[3], now)]
            connection.executemany(
                "DELETE FROM alert_state WHERE rule = ? AND subject = ? AND period = ?", over
            )
            limit = to_milliseconds(now - RETENTION)
            connection.execute(
                "DELETE FROM alert_state WHERE changed_at < ? AND period != ''", (limit,)
            )
            connection.execute(
                "DELETE FROM alert_event WHERE at < ? AND state IN ('told', 'dropped')", (limit,)
            )
            connection.execute(
                "DELETE FROM alert_telling WHERE made_at < ? AND state IN ('sent', 'failed')"
                " AND stale = 0",
                (limit,),
            )

    def acknowledge(self, keys: Iterable[StateKey], person: str) -> None:
        """Store who acknowledged states (a Slack id), unless somebody already did."""
        with self._db.write() as connection:
            connection.executemany(
                "UPDATE alert_state SET acknowledged = coalesce(acknowledged, ?)"
                " WHERE rule = ? AND subject = ? AND period = ?",
                [(person, *key) for key in keys],
            )

    def acknowledged_by(self, key: StateKey) -> str | None:
        """The Slack id of the person who acknowledged a state; None if nobody did."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT acknowledged FROM alert_state WHERE rule = ? AND subject = ?"
                " AND period = ?",
                key,
            ).fetchone()
        return str(found[0]) if found and found[0] else None

    def add_reminder(
        self, key: StateKey, version: int, event: AlertEvent, *, since: datetime, urgent: bool
    ) -> None:
        """Add a reminder, a further event of a subject that is still triggered.

        None is added if a message about the subject is waiting, or was created after `since` (UTC).
        """
        with self._db.write() as connection:
            known = _get(connection, key)
            (announced,) = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM alert_event e LEFT JOIN alert_telling t"
                " ON t.id = e.telling WHERE e.rule = ? AND e.subject = ? AND e.period = ?"
                " AND (e.state IN ('pending', 'telling') OR t.made_at >= ?))",
                (*key, to_milliseconds(since)),
            ).fetchone()
            if known and known.phase is Phase.TRIGGERED and not announced:
                change = StateChange(key, version, known, known, event, urgent)
                _save(connection, change, to_milliseconds(self._clock()))


def _is_over(data: str, now: datetime) -> bool:
    state = read_one((data,), lambda row: unpack_state(json.loads(row[0])), "alert state")
    return state is not None and state.ends is not None and state.ends < now - SETTLED


def _keyed(row: Sequence[str]) -> tuple[StateKey, AlertState]:
    return (row[0], row[1], row[2]), unpack_state(json.loads(row[3]))


def _get(connection: Connection, key: StateKey) -> AlertState | None:
    """A state; None if there is none or it can't be read, which counts as not triggered."""
    row = connection.execute(
        "SELECT rule, subject, period, data FROM alert_state"
        " WHERE rule = ? AND subject = ? AND period = ?",
        key,
    ).fetchone()
    found = read_one(row, _keyed, "alert state of rule")
    return found and found[1]


def _save(connection: Connection, change: StateChange, now: int) -> int:
    """Store a state with its event; returns the number of new events."""
    data = json.dumps(pack_state(change.after))
    connection.execute(
        "INSERT INTO alert_state (rule, subject, period, state, data, crossings, changed_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (rule, subject, period) DO UPDATE SET"
        " state = excluded.state, data = excluded.data, changed_at = excluded.changed_at,"
        " crossings = alert_state.crossings + excluded.crossings",
        (*change.key, change.after.phase, data, int(change.event is not None), now),
    )
    if change.event is None:
        return 0
    (crossings,) = connection.execute(
        "SELECT crossings FROM alert_state WHERE rule = ? AND subject = ? AND period = ?",
        change.key,
    ).fetchone()
    ended = change.event.kind is EventKind.ENDED
    rule, subject, period = change.key
    # the state of a past period may have been deleted while its events are kept: the same crossing
    # again is not a new event, and must not roll back the other changes
    added = connection.execute(
        "INSERT INTO alert_event (rule, version, subject, period, crossing, kind, facts, urgent,"
        " at, next_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            *(rule, change.version, subject, period, crossings, change.event.kind),
            *(json.dumps(pack_event(change.event)), int(change.urgent), now, now),
            "told" if ended else "pending",
        ),
    )
    if change.event.kind is not EventKind.TRIGGERED:
        first = connection.execute(
            "SELECT telling FROM alert_event WHERE rule = ? AND subject = ? AND period = ?"
            " AND kind = 'triggered' ORDER BY id DESC LIMIT 1",
            change.key,
        ).fetchone()
        if first and first[0] is not None:
            outdate(connection, first[0], now)
    return added.rowcount
