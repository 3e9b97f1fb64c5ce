"""What people are still to be told: kept until Slack has taken it."""

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


@dataclass(frozen=True, slots=True)
class Notice:
    """A direct message to send; `tries` were made before."""

    id: int
    key: str
    person: str
    message: Mapping[str, Any]
    tries: int


class Notices:
    """Messages to single people, told at least once and kept until then."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    def add(self, key: str, person: str, message: Mapping[str, object]) -> None:
        """Tell somebody; the same key again changes nothing."""
        with self._db.write() as connection:
            add_notice(connection, key, person, message, self._clock())

    def known(self, key: str) -> bool:
        """Whether somebody was told, or will be."""
        with self._db.read() as connection:
            found = connection.execute("SELECT 1 FROM notice WHERE key = ?", (key,)).fetchone()
        return found is not None

    def claim(self, limit: int) -> list[Notice]:
        """Take due notices; no other process takes them for two minutes.

        One that this version cannot read is kept and counts as sent, so that it blocks no other.
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
        """Slack has taken it, or it can never be told."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE notice SET told_at = ? WHERE id = ?",
                (to_milliseconds(self._clock()), notice.id),
            )

    def later(self, notice: Notice, wait: timedelta) -> None:
        """Try again after a while."""
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
    """Something to tell a person once; the same key again changes nothing."""
    connection.execute(
        "INSERT INTO notice (key, person, message, next_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (key) DO NOTHING",
        (key, person, json.dumps(message), to_milliseconds(now)),
    )
