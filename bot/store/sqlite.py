"""SQLite in one file: one writer behind a lock, and a pool of readers.

Write-ahead logging is used only if this SQLite has the fix for its rare corruption race (3.51.3,
3.50.7, 3.44.6; see sqlite.org/wal.html); otherwise the rollback journal. With a rollback journal a
commit waits for every open read transaction and keeps new ones out meanwhile.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import lru_cache
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import Any

from bot.store.connection import Area, KeyedTable, with_listed, with_lists, with_sought
from bot.store.errors import DatabaseBusyError, DiskFullError, LockedError, StoreError
from bot.store.migrations import SET, STEPS

COMMIT_SECONDS = 10.0
"""How long a commit waits for readers; with a rollback journal, new readers wait meanwhile."""
MOST_IDLE = 8
"""Idle readers to keep open; each may use 16 MiB of cache."""
_BESIDE = ("", "-wal", "-shm", "-journal")
_CACHE_KIB = 16_384
_ROWS_OF_INSERT = 100
"""Rows of one INSERT: a sixth faster than one by one. SQLite takes 32,766 parameters, and a row of
usage has 14."""
_MMAP_BYTES = 2**31 - 2**16  # the most that SQLite maps

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_OUTSIDE = _BUSY | _BROKEN | {
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_AUTH,
}  # fmt: skip
"""Causes outside this program; any other error of SQLite is a mistake in our statements."""


def has_safe_wal(version: tuple[int, ...]) -> bool:
    """Whether this version of SQLite is safe with a write-ahead log and several connections."""
    if version[:2] == (3, 44):
        return version >= (3, 44, 6)
    if version[:2] == (3, 50):
        return version >= (3, 50, 7)
    return version >= (3, 51, 3)


@lru_cache(maxsize=1024)
def _translated(statement: str) -> tuple[str, bool]:
    """Translate a statement for SQLite; also returns whether any of its parameters is a list."""
    # CROSS JOIN keeps the order, so SQLite looks the rows up anyway
    plain = with_sought(statement, lambda table, alias, on: f"CROSS JOIN {table} {alias} ON {on}")
    # + keeps it from looking up each listed model of each member, which uses only some
    plain = with_listed(plain, lambda column: f"+{column} IN (SELECT value FROM numbers(?) n)")
    return with_lists(plain, lambda _, alias: f"json_each(?) {alias}")


@lru_cache(maxsize=64)
def _insert(table: str, columns: Sequence[str], conflict: str, rows: int) -> str:
    """The statement that inserts so many rows."""
    row = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)} {conflict}"


class SqliteConnection(sqlite3.Connection):
    """A connection that runs the statements of this package: see bot.store.connection."""

    sorts_groups = True
    skips_in_index = False
    writes_at_once = 6_000
    """About 30 ms at 1,000 keys on two cores (`python -m tests.bench writes`); a day fits in."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.memo: dict[object, Any] = {}

    def execute(  # type: ignore[override]  # lists are taken as well
        self, statement: str, parameters: Sequence[Any] = (), /
    ) -> sqlite3.Cursor:
        """Run a statement."""
        text, lists = _translated(statement)
        if lists:
            parameters = [json.dumps(one) if isinstance(one, list) else one for one in parameters]
        return super().execute(text, parameters)

    def stream(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        """Rows one by one, as SQLite's cursors do anyway."""
        return self.execute(statement, parameters)

    def insert_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[int]], conflict: str = ""
    ) -> None:
        """Insert many rows of integers; `conflict` is an ON CONFLICT clause."""
        whole = len(rows) - len(rows) % _ROWS_OF_INSERT
        many = _insert(table, tuple(columns), conflict, _ROWS_OF_INSERT)
        for start in range(0, whole, _ROWS_OF_INSERT):
            portion = rows[start : start + _ROWS_OF_INSERT]
            super().execute(many, tuple(chain.from_iterable(portion)))
        self.executemany(_insert(table, tuple(columns), conflict, 1), rows[whole:])

    def update_rows(self, table: KeyedTable, rows: Sequence[Sequence[int]], *, add: bool) -> None:
        """Update many rows, or insert those that don't exist: see bot.store.connection."""
        self.insert_rows(table.name, table.columns, rows, table.on_conflict(add=add))

    def delete_rows(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[int]], where: str = ""
    ) -> None:
        """Delete the rows that have these values (integers) in some columns, and meet `where`."""
        clauses = [f"{column} = ?" for column in columns] + [where] * bool(where)
        self.executemany(f"DELETE FROM {table} WHERE {' AND '.join(clauses)}", rows)


class SqliteEngine:
    """Opens (or creates) the file, readable only by its owner, and migrates its tables.

    Raises StoreError if the file isn't a database of the bot, comes from a newer version, or can't
    be read or written. All areas share one writer.
    """

    errors: tuple[type[Exception], ...] = (sqlite3.Error,)
    offset = timedelta(0)

    def __init__(self, path: Path, *, must_exist: bool, seconds: float) -> None:
        self.path = path
        self.name = str(path)
        if must_exist and not path.exists():
            raise StoreError(f"There is no database at {path}. Run `activity sync` to create it.")
        self._lock = threading.Lock()
        self._pool = threading.Lock()
        self.idle: list[SqliteConnection] = []
        self._closed = False
        try:
            self._make_private()
            self.writer = self._connect(seconds)
        except (sqlite3.DatabaseError, OSError) as error:
            raise _explain(self.path, error) from error
        try:
            self._prepare(keep_journal=must_exist, seconds=seconds)
        except StoreError:
            self.close()
            raise
        except LockedError as error:
            self.close()
            raise busy(path) from error
        except sqlite3.DatabaseError as error:
            self.close()
            raise _explain(self.path, error) from error

    def begin_write(self, area: Area, seconds: float) -> SqliteConnection:  # noqa: ARG002 - one lock
        """Start a transaction of the writer."""
        end = monotonic() + seconds
        if not self._lock.acquire(timeout=seconds):
            raise LockedError
        try:
            left = max(0.0, end - monotonic())
            self.writer.execute(f"PRAGMA busy_timeout = {int(left * 1000)}")
            self.writer.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._lock.release()
            raise
        return self.writer

    def commit(self, connection: SqliteConnection) -> None:
        """Commit, waiting for readers if the journal requires that."""
        connection.execute(f"PRAGMA busy_timeout = {int(COMMIT_SECONDS * 1000)}")
        connection.execute("COMMIT")

    def end_write(self, area: Area, connection: SqliteConnection) -> None:  # noqa: ARG002 - one lock
        """Roll back what wasn't committed, and let the next writer start."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        finally:
            self._lock.release()

    def begin_read(self, seconds: float) -> SqliteConnection:
        """Start a read transaction that sees the current state."""
        with self._pool:
            reader = self.idle.pop() if self.idle else None
        if reader is None:
            reader = self._connect(
                seconds, "PRAGMA query_only = ON", f"PRAGMA mmap_size = {_MMAP_BYTES}"
            )
        try:
            reader.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
            reader.execute("BEGIN")
            # BEGIN alone takes no lock: the state would be that at the first statement
            reader.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        except BaseException:
            reader.close()
            raise
        return reader

    def end_read(self, connection: SqliteConnection) -> None:
        """End a reader's transaction and keep it for the next read, unless there are enough."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            connection.close()
            raise
        with self._pool:
            keep = not self._closed and len(self.idle) < MOST_IDLE
            if keep:
                self.idle.append(connection)
        if not keep:
            connection.close()

    def is_busy(self, error: Exception) -> bool:
        """Whether an error means that another connection has a lock."""
        return is_busy(error)

    def explain(self, error: Exception) -> StoreError | None:
        """The error as a StoreError with a message for users; None for a mistake in our
        statements."""
        known = isinstance(error, LockedError) or _code(error) in _OUTSIDE
        return _explain(self.path, error) if known else None

    def size(self) -> int:
        """The size of the file and its journal files, in bytes."""
        files = (self.path.with_name(self.path.name + suffix) for suffix in _BESIDE)
        return sum(file.stat().st_size for file in files if file.exists())

    def finish_copy(self, numbered: Sequence[str]) -> None:
        """Do nothing: SQLite assigns the highest id plus one, and plans without statistics."""

    def close(self) -> None:
        """Close all connections; a reader in use is closed when its read ends."""
        with self._pool:
            self._closed = True
            idle, self.idle = self.idle, []
        for reader in idle:
            reader.close()
        with self._lock:
            self.writer.close()

    def _make_private(self) -> None:
        """Create the file without permissions for others; the journal inherits the file's mode."""
        if not self.path.exists():
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))

    def _connect(self, seconds: float, *setup: str) -> SqliteConnection:
        """Open and configure a connection, waiting at most this long for a lock."""
        connection = sqlite3.connect(
            self.path,
            timeout=seconds,
            isolation_level=None,
            check_same_thread=False,
            factory=SqliteConnection,
        )
        try:
            for statement in (f"PRAGMA cache_size = -{_CACHE_KIB}", *setup):
                connection.execute(statement)  # the first one reads the file, so it may wait
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, *, keep_journal: bool, seconds: float) -> None:
        """Choose the journal, and migrate. If the file is only inspected, its journal isn't
        changed."""
        applied = self._applied()
        if not keep_journal:
            safe = has_safe_wal(sqlite3.sqlite_version_info)
            self.writer.execute(f"PRAGMA journal_mode = {'WAL' if safe else 'TRUNCATE'}")
        mode = self.writer.execute("PRAGMA journal_mode").fetchone()[0]
        self.writer.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")
        if any(step.__name__ not in applied for step in STEPS):
            # another process may be migrating it at the same time
            connection = self.begin_write(Area.LEDGER, seconds)
            try:
                self._migrate()
                self.commit(connection)
            finally:
                self.end_write(Area.LEDGER, connection)

    def _applied(self) -> set[str]:
        """The migrations that were applied to the file.

        Raises StoreError if it isn't the bot's, or was written by a newer version.
        """
        found = self.writer.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = {row[0] for row in found}
        applied: set[str] = set()
        if "_sqlite_migrations" in names:
            found = self.writer.execute(
                "SELECT name FROM _sqlite_migrations WHERE migration_set = ?", (SET,)
            )
            applied = {row[0] for row in found}
        if names and not applied:
            raise StoreError(
                f"{self.path} is a database of another program. Set DATABASE_URL to a different"
                " file."
            )
        if newer := sorted(applied - {step.__name__ for step in STEPS}):
            raise StoreError(
                f"The database {self.path} was written by a newer version of Activity (it has"
                f" {newer[-1]}, which this version does not know). Install that version again, or"
                " set DATABASE_URL to a different file. Nothing was changed."
            )
        return applied

    def _migrate(self) -> None:
        import sqlite_utils  # noqa: PLC0415 - a third of the start-up time, and only needed here

        steps = sqlite_utils.Migrations(SET)
        for step in STEPS:
            steps()(step)
        steps.apply(sqlite_utils.Database(self.writer))


def is_busy(error: Exception) -> bool:
    """Whether an error means that another connection has a lock."""
    return isinstance(error, LockedError) or _code(error) in _BUSY


def _code(error: Exception) -> int:
    """SQLite's primary code of an error."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def busy(path: Path) -> DatabaseBusyError:
    """The error for a file that is locked."""
    return DatabaseBusyError(
        f"The database {path} is locked by another program or a long query. Try again when it has"
        " finished."
    )


def _explain(path: Path, error: Exception) -> StoreError:
    """Explain an error to users, and what they can do."""
    code = _code(error) if isinstance(error, sqlite3.Error) else None
    if code in _BUSY or isinstance(error, LockedError):
        return busy(path)
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError(
            f"The disk is full, so nothing can be saved in {path}. Free some space; what was saved"
            " before is unchanged."
        )
    if isinstance(error, sqlite3.OperationalError | OSError) and code not in _BROKEN:
        return StoreError(
            f"The database {path} can't be read or written ({error}). Check that its folder exists"
            " and that the user who runs the bot may write there."
        )
    return StoreError(
        f"{path} is damaged or not a database ({error}). It was left unchanged: restore a backup,"
        " or move it away and run `activity sync` to fetch the last year again."
    )
