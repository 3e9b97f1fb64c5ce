"""How each subject of each rule stands; what changes there is kept with what is to be told of it.

Where nothing is kept, the rule is armed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.store.alerts.messages import outdate
from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.encoding import from_milliseconds, to_milliseconds
from bot.store.readable import read_one, readable
from reports.alerts.evaluation import AlertEvent, AlertState, EventKind, Phase
from reports.alerts.serialization import pack_event, pack_state, unpack_state

Clock = Callable[[], datetime]
RETENTION = timedelta(days=100)
"""How long is kept what a rule has told."""
SETTLED = timedelta(days=8)
"""How long is kept how a subject stood in a period that is over."""
EVERYTHING = "*"
"""A hold on all subjects of a rule."""
Place = tuple[str, str, str]
"""A rule, a subject and a period: what a state is one of."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """What judging found: `before` is what it was judged against (None: nothing was kept).

    `version` is the rule's; where it was changed meanwhile, nothing is.
    """

    place: Place
    version: int
    before: AlertState | None
    after: AlertState
    event: AlertEvent | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """A subject (all: "*") of a rule that is not to be heard of: until a moment, or for good."""

    rule: str
    subject: str
    until: datetime | None
    person: str


class AlertStates:
    """All states and holds. Its methods may be called from any thread and any process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def all(self) -> dict[Place, AlertState]:
        """Every state that is stored and that this version can read."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT rule, subject, period, data FROM alert_state"
            ).fetchall()
        return dict(readable(found, _placed, "alert state of rule"))

    def triggered(self, rule: str) -> list[tuple[Place, AlertState]]:
        """Where a rule has crossed its line and is not back."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT rule, subject, period, data FROM alert_state WHERE rule = ? AND state = ?",
                (rule, Phase.TRIGGERED),
            ).fetchall()
        return readable(found, _placed, "alert state of rule")

    def get(self, place: Place) -> AlertState | None:
        """One state."""
        with self._db.read() as connection:
            return _get(connection, place)

    def settle(self, changes: Iterable[StateChange]) -> int:
        """Keep what changed and what is to be told of it, all or nothing; returns the events.

        What another process changed since it was read stays as that process left it.
        """
        told = 0
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            versions = dict(
                connection.execute("SELECT id, version FROM alert_rule WHERE gone = 0").fetchall()
            )
            for change in changes:
                if versions.get(change.place[0]) != change.version:
                    continue
                if _get(connection, change.place) != change.before:
                    continue
                told += _keep(connection, change, now)
        return told

    def forget(self, now: datetime) -> None:
        """Drop what was told long ago, and how subjects stood in periods that are over."""
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

    # -- what people say to a message

    def acknowledge(self, places: Iterable[Place], person: str) -> None:
        """Note who has seen it; the first one counts."""
        with self._db.write() as connection:
            connection.executemany(
                "UPDATE alert_state SET acknowledged = coalesce(acknowledged, ?)"
                " WHERE rule = ? AND subject = ? AND period = ?",
                [(person, *place) for place in places],
            )

    def acknowledged(self, place: Place) -> str | None:
        """Who has acknowledged it."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT acknowledged FROM alert_state WHERE rule = ? AND subject = ?"
                " AND period = ?",
                place,
            ).fetchone()
        return str(found[0]) if found and found[0] else None

    def hold(self, rule: str, subject: str, until: datetime | None, person: str) -> None:
        """Say nothing of a subject until a moment (None: for good)."""
        with self._db.write() as connection:
            connection.execute(
                "INSERT INTO alert_hold (rule, subject, until, period, person)"
                " VALUES (?, ?, ?, '', ?) ON CONFLICT (rule, subject) DO UPDATE"
                " SET until = excluded.until, period = excluded.period, person = excluded.person",
                (rule, subject, until and to_milliseconds(until), person),
            )

    def release(self, rule: str, subject: str) -> None:
        """Let it be heard of again."""
        with self._db.write() as connection:
            connection.execute(
                "DELETE FROM alert_hold WHERE rule = ? AND subject = ?", (rule, subject)
            )

    def holds(self) -> dict[tuple[str, str], Hold]:
        """What is not to be heard of, by rule and subject."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT rule, subject, until, person FROM alert_hold"
            ).fetchall()
        return {
            (row[0], row[1]): Hold(row[0], row[1], row[2] and from_milliseconds(row[2]), row[3])
            for row in found
        }

    def remind(
        self, place: Place, version: int, event: AlertEvent, *, since: datetime, urgent: bool
    ) -> None:
        """Tell once more how a subject stands, if it stands so still.

        Not where something is told of it anyway: what was held back until now, `since`.
        """
        with self._db.write() as connection:
            known = _get(connection, place)
            (told,) = connection.execute(
                "SELECT EXISTS (SELECT 1 FROM alert_event e LEFT JOIN alert_telling t"
                " ON t.id = e.telling WHERE e.rule = ? AND e.subject = ? AND e.period = ?"
                " AND (e.state IN ('pending', 'telling') OR t.made_at >= ?))",
                (*place, to_milliseconds(since)),
            ).fetchone()
            if known and known.phase is Phase.TRIGGERED and not told:
                change = StateChange(place, version, known, known, event, urgent)
                _keep(connection, change, to_milliseconds(self._clock()))

    def ended_holds(self) -> list[Hold]:
        """The holds that are over by now; `end_hold` removes each once its reminder is stored."""
        with self._db.read() as connection:
            found = connection.execute(
                "SELECT rule, subject, until, person FROM alert_hold WHERE until <= ?",
                (to_milliseconds(self._clock()),),
            ).fetchall()
        return readable(
            found, lambda row: Hold(row[0], row[1], from_milliseconds(row[2]), row[3]), "hold of"
        )

    def end_hold(self, hold: Hold) -> None:
        """Remove a hold that is over, unless it was set anew meanwhile."""
        with self._db.write() as connection:
            connection.execute(
                "DELETE FROM alert_hold WHERE rule = ? AND subject = ? AND until = ?",
                (hold.rule, hold.subject, hold.until and to_milliseconds(hold.until)),
            )


def _is_over(data: str, now: datetime) -> bool:
    state = read_one((data,), lambda row: unpack_state(json.loads(row[0])), "alert state")
    return state is not None and state.ends is not None and state.ends < now - SETTLED


def _placed(row: Sequence[str]) -> tuple[Place, AlertState]:
    return (row[0], row[1], row[2]), unpack_state(json.loads(row[3]))


def _get(connection: Connection, place: Place) -> AlertState | None:
    """A state; None where there is none or it cannot be read: then the rule counts as armed."""
    row = connection.execute(
        "SELECT rule, subject, period, data FROM alert_state"
        " WHERE rule = ? AND subject = ? AND period = ?",
        place,
    ).fetchone()
    found = read_one(row, _placed, "alert state of rule")
    return found and found[1]


def _keep(connection: Connection, change: StateChange, now: int) -> int:
    """Write a state with its event; how many events are new."""
    kept = json.dumps(pack_state(change.after))
    connection.execute(
        "INSERT INTO alert_state (rule, subject, period, state, data, crossings, changed_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (rule, subject, period) DO UPDATE SET"
        " state = excluded.state, data = excluded.data, changed_at = excluded.changed_at,"
        " crossings = alert_state.crossings + excluded.crossings",
        (*change.place, change.after.phase, kept, int(change.event is not None), now),
    )
    if change.event is None:
        return 0
    (crossings,) = connection.execute(
        "SELECT crossings FROM alert_state WHERE rule = ? AND subject = ? AND period = ?",
        change.place,
    ).fetchone()
    ended = change.event.kind is EventKind.ENDED
    rule, subject, period = change.place
    # the state of a period that was over may have been forgotten while its events are kept: the
    # same crossing again is no news, and must not undo what else was found
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
            change.place,
        ).fetchone()
        if first and first[0] is not None:
            outdate(connection, first[0], now)
    return added.rowcount
