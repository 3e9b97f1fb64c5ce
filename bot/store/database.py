"""One SQLite file: one writer behind a lock, a reader for each thread.

Write-ahead logging is used only where this SQLite has the fix for its rare corruption race
(3.51.3, 3.50.7, 3.44.6; see sqlite.org/wal.html); elsewhere the rollback journal.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.store.migrations import SET, STEPS

BUSY_SECONDS = 30.0
_CACHE_KIB = 16_384
_MMAP_BYTES = 2**31 - 2**16  # the most that SQLite maps


class StoreError(Exception):
    """The database cannot be used; the text says what to do."""

    permanent = True


_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_OUTSIDE = _BUSY | _BROKEN | {
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_AUTH,
}  # fmt: skip
"""What SQLite finds wrong with the world; everything else is wrong with us."""


def has_safe_wal(version: tuple[int, ...]) -> bool:
    """Whether an SQLite of this version may keep a write-ahead log beside several connections."""
    if version[:2] == (3, 44):
        return version >= (3, 44, 6)
    if version[:2] == (3, 50):
        return version >= (3, 50, 7)
    return version >= (3, 51, 3)


class Database:
    """Opens (or makes) the file, readable by its owner alone, and brings its tables up to date.

    Raises StoreError if the file is no database of ours or cannot be written.
    """

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        self.path = path
        if must_exist and not path.exists():
            raise StoreError(f"There is no database at {path}; `activity sync` makes it.")
        self._local = threading.local()
        self._lock = threading.RLock()
        self._all: list[sqlite3.Connection] = []
        try:
            self._make_private()
            self._writer = self._connect()
            self._prepare()
        except StoreError:
            self.close()
            raise
        except (sqlite3.DatabaseError, OSError) as error:
            self.close()
            raise StoreError(_explain(path, error)) from error

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """The writer, in one transaction: all of it is kept, or nothing. Raises StoreError."""
        with self._lock, self._explained():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """This thread's reader, which sees one state of the database from first to last.

        Raises StoreError.
        """
        with self._explained():
            yield from self._read()

    def _read(self) -> Iterator[sqlite3.Connection]:
        reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._connect()
            reader.execute("PRAGMA query_only = ON")
            reader.execute(f"PRAGMA mmap_size = {_MMAP_BYTES}")
            self._local.reader = reader
        if reader.in_transaction:  # a read within a read sees the same state
            yield reader
            return
        reader.execute("BEGIN")
        try:
            yield reader
        finally:
            reader.execute("ROLLBACK")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if _code(error) not in _OUTSIDE:
                raise
            raise StoreError(_explain(self.path, error)) from error

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            while self._all:
                self._all.pop().close()

    def _make_private(self) -> None:
        """Create the file with nobody else's rights; the journal takes over the file's mode."""
        if not self.path.exists():
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        with self._lock:
            self._all.append(connection)
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        return connection

    def _prepare(self) -> None:
        applied = self._applied()
        wal = has_safe_wal(sqlite3.sqlite_version_info)
        self._writer.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'TRUNCATE'}")
        self._writer.execute(f"PRAGMA synchronous = {'NORMAL' if wal else 'FULL'}")
        if STEPS[-1].__name__ not in applied:
            with self.write():  # another process may be at the same
                self._migrate()

    def _applied(self) -> set[str]:
        """The steps that the file has seen. Raises StoreError if it is somebody else's."""
        found = self._writer.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = {row[0] for row in found}
        applied: set[str] = set()
        if "_sqlite_migrations" in names:
            found = self._writer.execute(
                "SELECT name FROM _sqlite_migrations WHERE migration_set = ?", (SET,)
            )
            applied = {row[0] for row in found}
        if names and not applied:
            raise StoreError(
                f"{self.path} is somebody else's database. Set DATABASE_URL to another file."
            )
        return applied

    def _migrate(self) -> None:
        import sqlite_utils  # noqa: PLC0415 - a third of the start, and needed only here

        steps = sqlite_utils.Migrations(SET)
        for step in STEPS:
            steps()(step)
        steps.apply(sqlite_utils.Database(self._writer))


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary code of an error."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _explain(path: Path, error: Exception) -> str:
    code = _code(error) if isinstance(error, sqlite3.Error) else None
    if code in _BUSY:
        return f"The database {path} is in use by another process just now; try again."
    if code == sqlite3.SQLITE_FULL:
        return f"The disk is full, so the database {path} stays as it was. Make room."
    if isinstance(error, sqlite3.OperationalError | OSError) and code not in _BROKEN:
        return f"The database {path} cannot be opened ({error}). Check the folder and its rights."
    return (
        f"{path} is damaged or no database ({error}). It was left as it is: move it away, put a"
        " backup in its place, or let `activity sync` fetch the last year anew."
    )
