"""Stores alert rules: their owners, and their words in the grammar."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.encoding import from_milliseconds, to_milliseconds
from bot.store.readable import NOT_READABLE, read_one, readable
from reports.alerts.evaluation import without_event
from reports.alerts.serialization import pack_state, unpack_event, unpack_state

Clock = Callable[[], datetime]
_COLUMNS = "id, maker, email, words, members, version, made_at, changed_at, paused"


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule to store: its words in the grammar, and the members that its names refer to (JSON).

    `owner` is the Slack id of the person who set it up, `email` their address or "".
    """

    owner: str
    email: str
    words: str
    members: str = "{}"


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A stored rule; `paused` says why it is paused, None if it is active.

    `version` counts its changes: states of an earlier version don't apply to this one.
    """

    id: str
    draft: NewRule
    version: int
    created_at: datetime
    changed_at: datetime
    paused: str | None


class AlertRules:
    """All alert rules. Its methods may be called from any thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def add(self, draft: NewRule, id_: str = "") -> StoredRule:
        """Store a rule; if a rule with that id exists, deleted or not, it isn't changed."""
        id_ = id_ or secrets.token_hex(5)
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            connection.execute(
                "INSERT INTO alert_rule (id, maker, email, words, members, made_at, changed_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (id_, draft.owner, draft.email, draft.words, draft.members, now, now),
            )
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM alert_rule WHERE id = ?", (id_,)
            ).fetchone()
        return _entry(row)

    def get(self, id_: str, *, deleted: bool = False) -> StoredRule | None:
        """A rule; None if there is none with that id. With `deleted`, also a deleted one."""
        only = "" if deleted else " AND gone = 0"
        with self._db.read() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM alert_rule WHERE id = ?{only}", (id_,)
            ).fetchone()
        return read_one(row, _entry, "alert rule")

    def of(self, owner: str | None) -> list[StoredRule]:
        """The rules of a person (a Slack id), or of all people (None), oldest first."""
        where = "" if owner is None else " AND maker = ?"
        with self._db.read() as connection:
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM alert_rule WHERE gone = 0{where} ORDER BY made_at, id",
                () if owner is None else (owner,),
            ).fetchall()
        return readable(found, _entry, "alert rule")

    def active(self) -> list[StoredRule]:
        """The rules to evaluate: neither paused nor deleted."""
        with self._db.read() as connection:
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM alert_rule WHERE gone = 0 AND paused IS NULL"
            ).fetchall()
        return readable(found, _entry, "alert rule")

    def exists(self, id_: str) -> bool:
        """Whether a rule has that id, deleted or not."""
        with self._db.read() as connection:
            found = connection.execute("SELECT 1 FROM alert_rule WHERE id = ?", (id_,)).fetchone()
        return found is not None

    def change(
        self, id_: str, draft: NewRule, *, keep_states: bool = False, version: int | None = None
    ) -> StoredRule | None:
        """Replace a rule with another draft, and drop its pending events.

        Its states are deleted, so that it can trigger again; with `keep_states` they are kept, as
        for a new threshold. Sent messages stay. With `version`, the rule is only changed if it
        still has that version. None if it was changed or deleted.
        """
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            done = connection.execute(
                "UPDATE alert_rule SET email = ?, words = ?, members = ?, version = version + 1,"
                " changed_at = ? WHERE id = ? AND gone = 0 AND version = coalesce(?, version)",
                (draft.email, draft.words, draft.members, now, id_, version),
            )
            if not done.rowcount:
                return None
            if keep_states:
                _undo_pending(connection, id_, "changed")
            else:
                _delete_states(connection, id_, "changed")
        return self.get(id_)

    def pause(self, id_: str, why: str) -> None:
        """Pause a rule: it isn't evaluated and sends nothing. Its states are kept."""
        with self._db.write() as connection:
            connection.execute("UPDATE alert_rule SET paused = ? WHERE id = ?", (why, id_))
            _undo_pending(connection, id_, "paused")

    def resume(self, id_: str, managers: Collection[str]) -> None:
        """Resume a paused rule, and unmute what its `managers` (Slack ids) muted."""
        with self._db.write() as connection:
            connection.execute("UPDATE alert_rule SET paused = NULL WHERE id = ?", (id_,))
            connection.execute(
                "DELETE FROM alert_hold WHERE rule = ? AND until IS NULL"
                " AND person IN (SELECT value FROM texts(?) t)",
                (id_, sorted(managers)),
            )

    def delete(self, id_: str) -> None:
        """Delete a rule and drop its pending events. Sent messages stay."""
        with self._db.write() as connection:
            connection.execute("UPDATE alert_rule SET gone = 1 WHERE id = ?", (id_,))
            _delete_states(connection, id_, "deleted")

    def hand_over(self, owner: str, new_owner: str, email: str) -> list[StoredRule]:
        """Give all rules of a person to another one, whose address is `email`; returns the
        rules."""
        with self._db.write() as connection:
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM alert_rule WHERE gone = 0 AND maker = ?"
                " ORDER BY made_at, id",
                (owner,),
            ).fetchall()
            connection.execute(
                "UPDATE alert_rule SET maker = ?, email = ? WHERE gone = 0 AND maker = ?",
                (new_owner, email, owner),
            )
        return readable(found, _entry, "alert rule")

    def update_email(self, owner: str, email: str) -> None:
        """Store the current e-mail address of a person."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE alert_rule SET email = ? WHERE maker = ? AND email != ?",
                (email, owner, email),
            )


def _delete_states(connection: Connection, id_: str, why: str) -> None:
    connection.execute("DELETE FROM alert_state WHERE rule = ?", (id_,))
    connection.execute("DELETE FROM alert_hold WHERE rule = ?", (id_,))
    _drop(connection, id_, why)


def _undo_pending(connection: Connection, id_: str, why: str) -> None:
    """Drop a rule's pending events and undo their states, so that evaluation finds them again."""
    events = connection.execute(
        "SELECT subject, period, facts FROM alert_event WHERE rule = ? AND state = 'pending'"
        " ORDER BY id DESC",
        (id_,),
    ).fetchall()
    where = "rule = ? AND subject = ? AND period = ?"
    for subject, period, facts in events:
        key = id_, subject, period
        found = connection.execute(f"SELECT data FROM alert_state WHERE {where}", key).fetchone()
        if found:
            try:
                state = without_event(
                    unpack_state(json.loads(found[0])), unpack_event(json.loads(facts))
                )
            except NOT_READABLE:  # stored by another version: the state isn't changed
                continue
            connection.execute(
                f"UPDATE alert_state SET state = ?, data = ? WHERE {where}",
                (state.phase, json.dumps(pack_state(state)), *key),
            )
    _drop(connection, id_, why)


def _drop(connection: Connection, id_: str, why: str) -> None:
    connection.execute(
        "UPDATE alert_event SET state = 'dropped', why = ? WHERE rule = ? AND state = 'pending'",
        (why, id_),
    )


def _entry(row: Sequence[object]) -> StoredRule:
    id_, owner, email, words, members, version, created_at, changed_at, paused = row
    return StoredRule(
        str(id_),
        NewRule(str(owner), str(email), str(words), str(members)),
        int(str(version)),
        from_milliseconds(int(str(created_at))),
        from_milliseconds(int(str(changed_at))),
        None if paused is None else str(paused),
    )
