"""Stores notices: direct messages to single people, kept until Slack has accepted them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.store.connection import Connection
from bot.store.database import Database
from bot.store.encoding import Clock, to_milliseconds
from bot.store.readable import split

LEASE = timedelta(minutes=2)
"""How long a claimed notice waits if its process died: longer than any call to Slack."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A direct message (`text` and `blocks`) to send to a person (a Slack id).

    `key` identifies it: a second notice with the same key is never stored. `tries` is the number
    of earlier attempts.
    """

    id: int
    key: str
    person: str
    message: Mapping[str, Any]
    tries: int


class Notices:
    """Direct messages to single people, each sent at least once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def add(self, key: str, person: str, message: Mapping[str, object]) -> None:
        """Store a message (`text` and `blocks`) to a person, unless its key was used before."""
        with self._db.write() as connection:
            add_notice(connection, key, person, message, self._clock())

    def claim(self, limit: int) -> list[Notice]:
        """Lease due notices, at most `limit`: no other process takes them for two minutes.

        A notice that this version cannot read stays stored but counts as sent, so that it does not
        block the others.
        """
        with self._db.write() as connection:
            now = self._clock()
            found = connection.execute(
                "SELECT id, key, person, message, tries FROM notice WHERE told_at IS NULL"
                " AND next_at <= ? ORDER BY next_at, id LIMIT ?",
                (to_milliseconds(now), limit),
            ).fetchall()
            connection.executemany(
                "UPDATE notice SET tries = tries + 1, next_at = ? WHERE id = ?",
                [(to_milliseconds(now + LEASE), row[0]) for row in found],
            )
            notices, bad = split(found, _notice, "notice")
            connection.executemany(
                "UPDATE notice SET told_at = ? WHERE id = ?",
                [(to_milliseconds(now), row[0]) for row in bad],
            )
        return notices

    def mark_sent(self, notice: Notice) -> None:
        """Record that Slack has accepted a notice, or that it can never be sent."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE notice SET told_at = ? WHERE id = ?",
                (to_milliseconds(self._clock()), notice.id),
            )

    def postpone(self, notice: Notice, wait: timedelta) -> None:
        """Send a notice again after `wait`."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE notice SET next_at = ? WHERE id = ?",
                (to_milliseconds(self._clock() + wait), notice.id),
            )


def _notice(row: tuple[int, str, str, str, int]) -> Notice:
    id_, key, person, text, tries = row
    message = json.loads(text)
    if not isinstance(message["text"], str) or not isinstance(message["blocks"], list):
        raise TypeError("a message is a text and a list of blocks")
    return Notice(id_, key, person, message, tries)


def add_notice(
    connection: Connection, key: str, person: str, message: Mapping[str, object],
    now: datetime,
) -> None:  # fmt: skip
    """Store a message to a person within a transaction, unless its key was used before."""
    connection.execute(
        "INSERT INTO notice (key, person, message, next_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (key) DO NOTHING",
        (key, person, json.dumps(message), to_milliseconds(now)),
    )
