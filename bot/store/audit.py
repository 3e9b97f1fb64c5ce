"""The log of who asked for, exported, scheduled and changed what.

Entries are written by a thread of their own, several at a time: a write waits for the disk, and
whoever asks must not. Reading writes first what still waits, and so does the end of the process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.store.database import Database, StoreError
from bot.store.schedules import Clock, moment, ms
from reports.audit import DONE, LONGEST_OUTCOME, Entry, masked

log = logging.getLogger(__name__)

KEPT = timedelta(days=400)
_IDLE_SECONDS = 10.0
Row = tuple[int, str, str, str, str, str, str]
_COLUMNS = "at, person, email, act, what, place, outcome"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: those of a Slack user, of a time (half-open); None is everybody, ever."""

    person: str | None = None
    start: datetime | None = None
    end: datetime | None = None


ALL = Wanted()


class Audit:
    """The log. Its methods may be called from any thread and any process."""

    def __init__(self, database: Database, clock: Clock, secrets: tuple[str, ...] = ()) -> None:
        self._db = database
        self._clock = clock
        self._secrets = secrets
        self._news = threading.Condition()
        self._rows: list[Row] = []
        self._thread: threading.Thread | None = None
        self._writing = threading.Lock()

    def note(
        self,
        act: str,
        person: str,
        what: str = "",
        *,
        where: str = "",
        outcome: str = DONE,
        email: str | None = None,
    ) -> None:
        """Write down, in a moment, what a Slack user did or was refused."""
        row = (
            ms(self._clock()), person, email or "", str(act), masked(what, self._secrets), where,
            masked(outcome, self._secrets)[:LONGEST_OUTCOME],
        )  # fmt: skip
        with self._news:
            self._rows.append(row)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_on, name="audit", daemon=True)
                self._thread.start()
            self._news.notify()

    def flush(self) -> None:
        """Write what still waits. What goes wrong goes to the other log: nobody is to lose more."""
        with self._writing:
            with self._news:
                rows, self._rows = self._rows, []
            if not rows:
                return
            try:
                with self._db.write() as connection:
                    connection.executemany(
                        f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows
                    )
            except StoreError as error:
                log.warning("Of the audit log, %d entries are lost: %s", len(rows), error)

    def _write_on(self) -> None:
        """Write as long as there is something to write, and a while longer."""
        while True:
            with self._news:
                if not self._news.wait_for(lambda: self._rows, _IDLE_SECONDS):
                    self._thread = None
                    return
            self.flush()

    def count(self, wanted: Wanted = ALL) -> int:
        """How many entries there are."""
        self.flush()
        where, values = _where(wanted)
        with self._db.read() as connection:
            found = connection.execute(f"SELECT COUNT(*) FROM audit WHERE {where}", values)
            return int(found.fetchone()[0])

    def last(self, limit: int, wanted: Wanted = ALL) -> list[Entry]:
        """The newest entries, newest first."""
        self.flush()
        where, values = _where(wanted)
        statement = f"SELECT {_COLUMNS} FROM audit WHERE {where} ORDER BY at DESC, id DESC LIMIT ?"
        with self._db.read() as connection:
            found = connection.execute(statement, (*values, limit)).fetchall()
        return [_entry(row) for row in found]

    def all(self, wanted: Wanted = ALL) -> Iterator[Entry]:
        """Every entry, newest first, one by one."""
        self.flush()
        where, values = _where(wanted)
        statement = f"SELECT {_COLUMNS} FROM audit WHERE {where} ORDER BY at DESC, id DESC"
        with self._db.read() as connection:
            yield from map(_entry, connection.execute(statement, values))

    def prune(self) -> int:
        """Drop what is older than 400 days; how much that was."""
        self.flush()
        limit = ms(self._clock() - KEPT)
        with self._db.read() as connection:
            found = connection.execute("SELECT 1 FROM audit WHERE at < ? LIMIT 1", (limit,))
            if found.fetchone() is None:
                return 0
        with self._db.write() as connection:
            return connection.execute("DELETE FROM audit WHERE at < ?", (limit,)).rowcount


def _where(wanted: Wanted) -> tuple[str, tuple[object, ...]]:
    clauses, values = ["1"], list[object]()
    if wanted.person is not None:
        clauses.append("person = ?")
        values.append(wanted.person)
    if wanted.start is not None:
        clauses.append("at >= ?")
        values.append(ms(wanted.start))
    if wanted.end is not None:
        clauses.append("at < ?")
        values.append(ms(wanted.end))
    return " AND ".join(clauses), tuple(values)


def _entry(row: Row) -> Entry:
    return Entry(moment(row[0]), *row[1:])
