"""The audit log: who asked, exported, scheduled and changed what.

Entries are buffered and written by a separate thread, several at a time, because a write waits for
the disk and the person who asks must not. Readers see written entries; `flush` writes the buffered
ones, and so does the end of the process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.store.database import BUSY_SECONDS, Database, patience
from bot.store.encoding import Clock, from_milliseconds, to_milliseconds
from bot.store.errors import StoreError
from reports.admin.audit_log import DONE, LONGEST_OUTCOME, AuditEntry, masked

log = logging.getLogger(__name__)

KEPT = timedelta(days=400)
"""How long entries are kept: a year for audits, plus a month to review the year after it ends."""
MOST_BUFFERED = 10_000
"""Entries (about 5 MB) kept in memory while the database can't be written."""
AGAIN_SECONDS = 5.0
"""The pause after a failed write: long enough to spare the disk, short enough to recover soon."""
READ_SECONDS = 1.0
"""How long a reader of the log waits until buffered entries are written."""
CLOSE_SECONDS = 3.0
"""How long the end of the process waits for the last write."""
_IDLE_SECONDS = 10.0
"""How long the writing thread waits for another entry before it ends. A thread is cheap to start,
and a person's next question usually comes within seconds."""
Row = tuple[int, str, str, str, str, str, str]
_COLUMNS = "at, person, email, act, what, place, outcome"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Selects entries by person (Slack id) and time range (UTC, half-open); None: all."""

    person: str | None = None
    start: datetime | None = None
    end: datetime | None = None


ALL = AuditFilter()


class AuditLog:
    """The log. Its methods may be called from any thread and any process."""

    def __init__(self, database: Database, clock: Clock, secrets: tuple[str, ...] = ()) -> None:
        self._db = database
        self._clock = clock
        self._secrets = secrets
        self._news = threading.Condition()
        self._rows: list[Row] = []
        self._lost = 0
        self._thread: threading.Thread | None = None
        self._writing = threading.Lock()
        self._ended = threading.Event()

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
        """Buffer an entry: what a Slack user (`person`) did or was refused. Returns immediately."""
        row = (
            to_milliseconds(self._clock()),
            person,
            email or "",
            str(act),
            masked(what, self._secrets),
            where,
            masked(outcome, self._secrets)[:LONGEST_OUTCOME],
        )
        with self._news:
            self._rows.append(row)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_on, name="audit", daemon=True)
                self._thread.start()
            self._news.notify()

    def flush(self, seconds: float = BUSY_SECONDS) -> bool:
        """Write the buffered entries, waiting at most `seconds` for a lock; returns whether that
        worked.

        Entries that couldn't be written stay buffered, up to the newest MOST_BUFFERED. Must not be
        called by a thread that holds a reader (NestedAccessError), even if nothing is buffered.
        """
        self._db.check_may_write()
        if not self._writing.acquire(timeout=seconds):
            return False
        try:
            with self._news:
                rows, self._rows = self._rows, []
            if not rows:
                return True
            try:
                with patience(seconds), self._db.write() as connection:
                    connection.executemany(
                        f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows
                    )
            except StoreError:
                self._keep(rows)
                return False
            return True
        finally:
            self._writing.release()

    def close(self) -> None:
        """Write the buffered entries before the process ends, or log how many are lost."""
        self._ended.set()
        if self.flush(CLOSE_SECONDS):
            return
        with self._news:
            lost = len(self._rows)
        log.error("The process ends and the database can't be written: %d audit entries lost", lost)

    def _keep(self, rows: list[Row]) -> None:
        """Put rows back before newer ones; if there are more than `MOST_BUFFERED`, drop the
        oldest."""
        with self._news:
            self._rows = rows + self._rows
            lost = len(self._rows) - MOST_BUFFERED
            if lost > 0:
                del self._rows[:lost]
                self._lost += lost
                log.error(
                    "The audit buffer is full: the oldest entries were dropped, %d so far",
                    self._lost,
                )

    def _write_on(self) -> None:
        """Write buffered rows until none is added for `_IDLE_SECONDS`."""
        while True:
            with self._news:
                if not self._news.wait_for(lambda: self._rows, _IDLE_SECONDS):
                    self._thread = None
                    return
            if not self.flush():
                if self._ended.is_set():
                    return
                self._ended.wait(AGAIN_SECONDS)

    def count(self, wanted: AuditFilter = ALL) -> int:
        """The number of written entries."""
        where, values = _where(wanted)
        with self._db.read() as connection:
            found = connection.execute(f"SELECT COUNT(*) FROM audit WHERE {where}", values)
            return int(found.fetchone()[0])

    def last(self, limit: int, wanted: AuditFilter = ALL) -> list[AuditEntry]:
        """The newest written entries, newest first."""
        where, values = _where(wanted)
        statement = f"SELECT {_COLUMNS} FROM audit WHERE {where} ORDER BY at DESC, id DESC LIMIT ?"
        with self._db.read() as connection:
            found = connection.execute(statement, (*values, limit)).fetchall()
        return [_entry(row) for row in found]

    def all(self, wanted: AuditFilter = ALL) -> Iterator[AuditEntry]:
        """Every written entry, newest first, one at a time.

        The read transaction lasts until the iterator ends, so the caller must not wait meanwhile.
        """
        where, values = _where(wanted)
        statement = f"SELECT {_COLUMNS} FROM audit WHERE {where} ORDER BY at DESC, id DESC"
        with self._db.read() as connection:
            yield from map(_entry, connection.stream(statement, values))

    def prune(self) -> int:
        """Delete entries older than 400 days; returns their number. Raises StoreError."""
        self.flush()
        limit = to_milliseconds(self._clock() - KEPT)
        with self._db.read() as connection:
            found = connection.execute("SELECT 1 FROM audit WHERE at < ? LIMIT 1", (limit,))
            if found.fetchone() is None:
                return 0
        with self._db.write() as connection:
            return connection.execute("DELETE FROM audit WHERE at < ?", (limit,)).rowcount


def _where(wanted: AuditFilter) -> tuple[str, tuple[object, ...]]:
    clauses, values = ["TRUE"], list[object]()
    if wanted.person is not None:
        clauses.append("person = ?")
        values.append(wanted.person)
    if wanted.start is not None:
        clauses.append("at >= ?")
        values.append(to_milliseconds(wanted.start))
    if wanted.end is not None:
        clauses.append("at < ?")
        values.append(to_milliseconds(wanted.end))
    return " AND ".join(clauses), tuple(values)


def _entry(row: Row) -> AuditEntry:
    return AuditEntry(from_milliseconds(row[0]), *row[1:])
