"""Alert rules as they are kept: whose, and in which words."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
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
    """A rule before it is kept: in the grammar's words, with what its names meant then (JSON)."""

    owner: str
    email: str
    words: str
    members: str = "{}"


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule that is kept; `paused` says why it rests, None if it does not.

    `version` counts its changes: what was known of the rule before is not known of it after.
    """

    id: str
    draft: NewRule
    version: int
    made_at: datetime
    changed_at: datetime
    paused: str | None


class AlertRules:
    """All alert rules. Its methods may be called from any thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def add(self, draft: NewRule, id_: str = "") -> StoredRule:
        """Keep a rule; the one of an id that is there already (deleted or not) stays as it is."""
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

    def add_all(self, drafts: Iterable[NewRule]) -> None:
        """Keep many rules at once."""
        with self._db.write() as connection:
            now = to_milliseconds(self._clock())
            connection.executemany(
                "INSERT INTO alert_rule (id, maker, email, words, members, made_at, changed_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (secrets.token_hex(5), one.owner, one.email, one.words, one.members, now, now)
                    for one in drafts
                ],
            )

    def get(self, id_: str) -> StoredRule | None:
        """The rule of an id, unless it was deleted."""
        with self._db.read() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM alert_rule WHERE id = ? AND gone = 0", (id_,)
            ).fetchone()
        return read_one(row, _entry, "alert rule")

    def find(self, id_: str) -> StoredRule | None:
        """The rule of an id, also if it was deleted."""
        with self._db.read() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM alert_rule WHERE id = ?", (id_,)
            ).fetchone()
        return read_one(row, _entry, "alert rule")

    def of(self, maker: str | None) -> list[StoredRule]:
        """The rules of a person, or of everybody, oldest first."""
        whose = "" if maker is None else " AND maker = ?"
        with self._db.read() as connection:
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM alert_rule WHERE gone = 0{whose} ORDER BY made_at, id",
                () if maker is None else (maker,),
            ).fetchall()
        return readable(found, _entry, "alert rule")

    def active(self) -> list[StoredRule]:
        """The rules that are to be judged."""
        with self._db.read() as connection:
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM alert_rule WHERE gone = 0 AND paused IS NULL"
            ).fetchall()
        return readable(found, _entry, "alert rule")

    def known(self, id_: str) -> bool:
        """Whether there is a rule of an id, or was one."""
        with self._db.read() as connection:
            found = connection.execute("SELECT 1 FROM alert_rule WHERE id = ?", (id_,)).fetchone()
        return found is not None

    def change(
        self, id_: str, draft: NewRule, *, keep: bool = False, was: int | None = None
    ) -> StoredRule | None:
        """Put other words in its place: it is armed anew, and what it was about to say is dropped.

        What it has said already stays. With `keep` it stands as it was told, with another line.
        With `was` only if it still has that version; None where it has not, or is gone.
        """
        with self._db.write() as connection:
            done = connection.execute(
                "UPDATE alert_rule SET email = ?, words = ?, members = ?, version = version + 1,"
                " changed_at = ? WHERE id = ? AND gone = 0 AND version = coalesce(?, version)",
                (draft.email, draft.words, draft.members, to_milliseconds(self._clock()), id_, was),
            )
            if not done.rowcount:
                return None
            if keep:
                _take_back(connection, id_, "changed")
            else:
                _forget(connection, id_, "changed")
        return self.get(id_)

    def pause(self, id_: str, why: str) -> None:
        """Let a rule rest: it says nothing and is not judged; it stands as it was told."""
        with self._db.write() as connection:
            connection.execute("UPDATE alert_rule SET paused = ? WHERE id = ?", (why, id_))
            _take_back(connection, id_, "paused")

    def resume(self, id_: str, managers: Collection[str]) -> None:
        """Resume a paused rule. What others than its `managers` (Slack ids) muted stays muted."""
        with self._db.write() as connection:
            connection.execute("UPDATE alert_rule SET paused = NULL WHERE id = ?", (id_,))
            connection.execute(
                "DELETE FROM alert_hold WHERE rule = ? AND until IS NULL"
                " AND person IN (SELECT value FROM texts(?) t)",
                (id_, sorted(managers)),
            )

    def remove(self, id_: str) -> None:
        """Delete a rule; what it has said stays, what it was about to say is dropped."""
        with self._db.write() as connection:
            connection.execute("UPDATE alert_rule SET gone = 1 WHERE id = ?", (id_,))
            _forget(connection, id_, "deleted")

    def hand_over(self, maker: str, heir: str, email: str) -> list[StoredRule]:
        """Give all rules of a person to another; the rules."""
        with self._db.write() as connection:
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM alert_rule WHERE gone = 0 AND maker = ?"
                " ORDER BY made_at, id",
                (maker,),
            ).fetchall()
            connection.execute(
                "UPDATE alert_rule SET maker = ?, email = ? WHERE gone = 0 AND maker = ?",
                (heir, email, maker),
            )
        return readable(found, _entry, "alert rule")

    def renew_email(self, maker: str, email: str) -> None:
        """Keep a person's address as it is now."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE alert_rule SET email = ? WHERE maker = ? AND email != ?",
                (email, maker, email),
            )


def _forget(connection: Connection, id_: str, why: str) -> None:
    connection.execute("DELETE FROM alert_state WHERE rule = ?", (id_,))
    connection.execute("DELETE FROM alert_hold WHERE rule = ?", (id_,))
    _drop(connection, id_, why)


def _take_back(connection: Connection, id_: str, why: str) -> None:
    """Drop what it was about to say, as if it had not come to that: so it is judged anew."""
    events = connection.execute(
        "SELECT subject, period, facts FROM alert_event WHERE rule = ? AND state = 'pending'"
        " ORDER BY id DESC",
        (id_,),
    ).fetchall()
    where = "rule = ? AND subject = ? AND period = ?"
    for subject, period, facts in events:
        place = id_, subject, period
        found = connection.execute(f"SELECT data FROM alert_state WHERE {where}", place).fetchone()
        if found:
            try:
                state = without_event(
                    unpack_state(json.loads(found[0])), unpack_event(json.loads(facts))
                )
            except NOT_READABLE:  # of another version: the state stays as it is
                continue
            connection.execute(
                f"UPDATE alert_state SET state = ?, data = ? WHERE {where}",
                (state.phase, json.dumps(pack_state(state)), *place),
            )
    _drop(connection, id_, why)


def _drop(connection: Connection, id_: str, why: str) -> None:
    connection.execute(
        "UPDATE alert_event SET state = 'dropped', why = ? WHERE rule = ? AND state = 'pending'",
        (why, id_),
    )


def _entry(row: Sequence[object]) -> StoredRule:
    id_, maker, email, words, members, version, made_at, changed_at, paused = row
    return StoredRule(
        str(id_),
        NewRule(str(maker), str(email), str(words), str(members)),
        int(str(version)),
        from_milliseconds(int(str(made_at))),
        from_milliseconds(int(str(changed_at))),
        None if paused is None else str(paused),
    )
