"""Keeps the rows of an imported file in a temporary database until the whole file is checked."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Self

from bot.store.encoding import to_seconds
from reports.usage.usage import Usage

_NAMES = ("bucket", "member", "model", *Usage._fields)
_COLUMNS = ", ".join(_NAMES)


class Staging:
    """Rows by bucket; members and models are numbers assigned by the caller.

    The database is an unnamed temporary file that SQLite deletes when it is closed, so that memory
    does not grow with the file.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute(f"CREATE TABLE staged ({_COLUMNS})")
        self._connection.execute(f"CREATE TABLE logged (request PRIMARY KEY, {_COLUMNS})")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def fill(self, rows: Iterable[tuple[datetime, int, int, Usage]]) -> None:
        """Store the rows of an Activity export: start of the bucket, member, model, usage."""
        self._connection.execute("BEGIN")
        self._connection.executemany(
            f"INSERT INTO staged ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})",
            ((to_seconds(at), member, model, *usage) for at, member, model, usage in rows),
        )
        self._connection.execute("COMMIT")
        self._connection.execute("CREATE INDEX by_bucket ON staged (bucket)")

    def fill_logs(self, rows: Iterable[tuple[str, datetime, int, int, Usage]]) -> None:
        """Store rows of a Logs export, each request once: its id, hour, member, model, usage."""
        self._connection.execute("BEGIN")
        self._connection.executemany(
            f"INSERT OR IGNORE INTO logged VALUES ({', '.join('?' * (1 + len(_NAMES)))})",
            (
                (_number(request), to_seconds(at), member, model, *usage)
                for request, at, member, model, usage in rows
            ),
        )
        self._connection.execute("COMMIT")
        self._connection.execute("CREATE INDEX logged_by_bucket ON logged (bucket)")

    def requests(self, bucket: int, length: int) -> Iterator[tuple[int, int, int, Usage]]:
        """The requests in `length` seconds from a bucket: number, member, model and usage."""
        found = self._connection.execute(
            f"SELECT request, {_COLUMNS} FROM logged WHERE bucket >= ? AND bucket < ?",
            (bucket, bucket + length),
        )
        for request, _, member, model, *figures in found:
            yield request, member, model, Usage(*figures)

    def rows(self, bucket: int) -> Iterator[tuple[int, int, Usage]]:
        """The rows of one bucket (seconds): member, model, usage."""
        found = self._connection.execute(
            f"SELECT {_COLUMNS} FROM staged WHERE bucket = ?", (bucket,)
        )
        for _, member, model, *figures in found:
            yield member, model, Usage(*figures)

    def counts(self, *, logs: bool = False) -> dict[int, int]:
        """The number of rows of each bucket (seconds)."""
        table = "logged" if logs else "staged"
        found = self._connection.execute(f"SELECT bucket, COUNT(*) FROM {table} GROUP BY bucket")
        return dict(found)


def _number(request: str) -> int:
    """A request's id as a 64-bit number; even among a billion requests, a collision is unlikely."""
    digest = hashlib.blake2b(request.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
