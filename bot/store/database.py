"""One SQLite file: one writer behind a lock, and a pool of readers.

Write-ahead logging is used only where this SQLite has the fix for its rare corruption race
(3.51.3, 3.50.7, 3.44.6; see sqlite.org/wal.html); elsewhere the rollback journal. With a rollback
journal a commit waits for every open read transaction and keeps new ones out meanwhile. Therefore
a thread that holds a read transaction may never begin a write, nor wait for one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol, TypeVar

from bot.store.migrations import SET, STEPS

T = TypeVar("T")

BUSY_SECONDS = 30.0
"""How long work that nobody watches waits for a lock of another program's."""
COMMIT_SECONDS = 10.0
"""How long a commit waits for readers; with a rollback journal new ones wait for it meanwhile."""
MOST_IDLE = 8
"""Readers that are kept open for the next read; each may hold 16 MiB of cache."""
SETTLED_SECONDS = 30.0
"""Without a failed write for so long, writing is well again: a sync writes every few seconds."""
_CACHE_KIB = 16_384
_MMAP_BYTES = 2**31 - 2**16  # the most that SQLite maps


class StoreError(Exception):
    """The database cannot be used; the text tells who runs the bot why, and what to do.

    `public` says it to people in Slack, without paths of the machine.
    """

    permanent = True
    public = "The bot's database can't be used right now. Its log says why."


class DatabaseBusyError(StoreError):
    """A lock on the database is held, mostly by another program; waiting is all that helps."""

    permanent = False
    public = "The bot's database is in use by another program right now. Try again in a minute."


class DiskFullError(StoreError):
    """There is no room to write; what was saved before is unchanged and can be read."""

    permanent = False
    public = "The bot's disk is full, so nothing can be saved until its admins free some space."


class NestedAccessError(RuntimeError):
    """A mistake in this program: a write inside a read of the same thread, or the other way."""


_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_OUTSIDE = _BUSY | _BROKEN | {
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_AUTH,
}  # fmt: skip
"""Causes outside this program; any other error of SQLite is a mistake in our statements."""


@dataclass(frozen=True, slots=True)
class _Patience:
    """How long to wait for a lock: `first` seconds, then `on_wait` is called, then `more`."""

    first: float
    more: float = 0.0
    on_wait: Callable[[], object] | None = None


_patience: ContextVar[_Patience | None] = ContextVar("patience", default=None)


@contextmanager
def patience(
    first: float, more: float = 0.0, on_wait: Callable[[], object] | None = None
) -> Iterator[None]:
    """Set how long this thread's reads and writes wait for a lock, before DatabaseBusyError.

    After `first` seconds `on_wait` is called, at most once in this block; then the wait goes on
    for `more` seconds. Without this, a thread waits BUSY_SECONDS.
    """
    waited = False

    def once() -> None:
        nonlocal waited
        if not waited and on_wait is not None:
            waited = True
            on_wait()

    token = _patience.set(_Patience(first, more, once))
    try:
        yield
    finally:
        _patience.reset(token)


def has_safe_wal(version: tuple[int, ...]) -> bool:
    """Whether an SQLite of this version may keep a write-ahead log beside several connections."""
    if version[:2] == (3, 44):
        return version >= (3, 44, 6)
    if version[:2] == (3, 50):
        return version >= (3, 50, 7)
    return version >= (3, 51, 3)


class Observer(Protocol):
    """Is told how the use of a database goes, in the thread that uses it; must return quickly."""

    def failed(self, error: StoreError) -> None:
        """A read or write failed for a reason outside this program."""

    def written(self) -> None:
        """A write was committed."""


class _Silent:
    """Observes nothing."""

    def failed(self, error: StoreError) -> None:
        """Nothing is done."""

    def written(self) -> None:
        """Nothing is done."""


class _Reader:
    """A connection in a read transaction, and how many nested reads use it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.depth = 0


class Database:
    """Opens (or creates) the file, readable by its owner alone, and migrates its tables.

    Methods may be called from any thread. Raises StoreError if the file is not a database of
    ours, comes from a newer version, or cannot be read or written.
    """

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        self.path = path
        if must_exist and not path.exists():
            raise StoreError(f"There is no database at {path}. Run `activity sync` to create it.")
        self._local = threading.local()
        self._lock = threading.Lock()
        self._writing: int | None = None
        self._pool = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self.observer: Observer = _Silent()
        self._failed: tuple[StoreError, float] | None = None
        self._written = 0.0
        try:
            self._make_private()
            self._writer = self._connect(BUSY_SECONDS)
        except (sqlite3.DatabaseError, OSError) as error:
            raise _explain(self.path, error) from error
        try:
            self._prepare(keep_journal=must_exist)
        except StoreError:
            self.close()
            raise
        except sqlite3.DatabaseError as error:
            self.close()
            raise _explain(self.path, error) from error

    @property
    def trouble(self) -> StoreError | None:
        """Why writes fail at present, or None. Locks of other programs do not count.

        It is over once a write has gone well and none has failed for SETTLED_SECONDS: on a full
        disk small ones may go well between those that fail.
        """
        if self._failed is None:
            return None
        error, at = self._failed
        over = self._written > at and monotonic() - at >= SETTLED_SECONDS
        return None if over else error

    def is_free(self, seconds: float) -> bool:
        """Whether the database can be read within some seconds, as far as locks are concerned."""
        try:
            with patience(seconds), self.read():
                return True
        except DatabaseBusyError:
            return False
        except StoreError:
            return True  # whoever uses it hears what is wrong

    def check_write(self) -> None:
        """Write something small, so that `trouble` tells how things are now."""
        with suppress(StoreError), patience(1.0), self.write() as connection:
            connection.execute(
                "INSERT INTO fact (name, value) VALUES ('write check', '1')"
                " ON CONFLICT (name) DO UPDATE SET value = value + 1"
            )

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """The writer, in one transaction: all of it is kept, or nothing.

        Raises StoreError, and NestedAccessError in a thread that holds a reader.
        """
        self.check_may_write()
        try:
            with self._explained(), self._turn_to_write() as writer:
                yield writer
                writer.execute(f"PRAGMA busy_timeout = {int(COMMIT_SECONDS * 1000)}")
                writer.execute("COMMIT")
        except StoreError as error:
            if not isinstance(error, DatabaseBusyError):
                self._failed = error, monotonic()
            self.observer.failed(error)
            raise
        self._written = monotonic()
        self.observer.written()

    def check_may_write(self) -> None:
        """Raise NestedAccessError where this thread may neither write nor wait for a write."""
        if self.reading:
            raise NestedAccessError(
                "A write must not begin while this thread holds a read transaction: the commit"
                " would wait for it. Write before the read, or after it."
            )
        if self._writing == threading.get_ident():
            raise NestedAccessError("A write must not begin inside another write of its thread.")

    @property
    def reading(self) -> bool:
        """Whether this thread holds a read transaction."""
        return self._current() is not None

    @contextmanager
    def _turn_to_write(self) -> Iterator[sqlite3.Connection]:
        """The writer with its transaction begun; rolled back at the end unless committed."""
        with self._begun() as writer:
            self._writing = threading.get_ident()
            try:
                yield writer
            finally:
                self._writing = None
                if writer.in_transaction:
                    writer.execute("ROLLBACK")

    @contextmanager
    def _begun(self) -> Iterator[sqlite3.Connection]:
        """The writer's lock and its begun transaction, as soon as both can be had."""
        self._wait(self._begin_write)
        try:
            yield self._writer
        finally:
            self._lock.release()

    def _begin_write(self, seconds: float) -> None:
        """Take the lock and begin within some seconds. Raises sqlite3.Error or _LockedError."""
        end = monotonic() + seconds
        if not self._lock.acquire(timeout=seconds):
            raise _LockedError
        try:
            left = max(0.0, end - monotonic())
            self._writer.execute(f"PRAGMA busy_timeout = {int(left * 1000)}")
            self._writer.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._lock.release()
            raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A reader, which sees one state of the database from first to last.

        A read within a read of the same thread sees the same state. Raises StoreError, and
        NestedAccessError inside a write of the same thread.
        """
        reader = self._current()
        if reader is not None:
            with self._explained():
                yield from self._use(reader)
            return
        if self._writing == threading.get_ident():
            raise NestedAccessError("A read inside a write must use the write's connection.")
        try:
            with self._explained():
                reader = self._local.reader = _Reader(self._wait(self._begin_read))
                yield from self._use(reader)
        except StoreError as error:
            self.observer.failed(error)
            raise

    def _use(self, reader: _Reader) -> Iterator[sqlite3.Connection]:
        """A reader's connection; the last one who uses it gives it back to the pool."""
        reader.depth += 1
        try:
            yield reader.connection
        finally:
            # a generator may be closed by another thread, or after the read around it has ended
            reader.depth -= 1
            if reader.depth == 0:
                if getattr(self._local, "reader", None) is reader:
                    self._local.reader = None
                self._give_back(reader.connection)

    def _current(self) -> _Reader | None:
        """The reader that this thread holds, if any."""
        reader: _Reader | None = getattr(self._local, "reader", None)
        return reader if reader is not None and reader.depth else None

    def _begin_read(self, seconds: float) -> sqlite3.Connection:
        """A reader whose transaction sees the present state, within some seconds."""
        with self._pool:
            reader = self._idle.pop() if self._idle else None
        if reader is None:
            reader = self._connect(
                seconds, "PRAGMA query_only = ON", f"PRAGMA mmap_size = {_MMAP_BYTES}"
            )
        try:
            reader.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
            reader.execute("BEGIN")
            # BEGIN alone takes no lock: the state would be that of the first statement later on
            reader.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        except BaseException:
            reader.close()
            raise
        return reader

    def _give_back(self, reader: sqlite3.Connection) -> None:
        """End a reader's transaction and keep it for the next read, unless there are enough."""
        try:
            if reader.in_transaction:
                reader.execute("ROLLBACK")
        except sqlite3.Error:
            reader.close()
            raise
        with self._pool:
            keep = not self._closed and len(self._idle) < MOST_IDLE
            if keep:
                self._idle.append(reader)
        if not keep:
            reader.close()

    def _wait(self, begin: Callable[[float], T]) -> T:
        """What `begin` gives, as soon as the lock that it needs is free.

        Raises DatabaseBusyError after as long as this thread's patience lasts.
        """
        allowed = _patience.get() or _Patience(BUSY_SECONDS)
        try:
            return begin(allowed.first)
        except (sqlite3.Error, _LockedError) as error:
            if not is_busy(error):
                raise
            if not allowed.more:
                raise _explain(self.path, error) from error
        if allowed.on_wait is not None:
            allowed.on_wait()
        try:
            return begin(allowed.more)
        except _LockedError as error:
            raise _explain(self.path, error) from error

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn errors of SQLite's with a cause outside this program into StoreError."""
        try:
            yield
        except sqlite3.Error as error:
            if _code(error) not in _OUTSIDE:
                raise
            raise _explain(self.path, error) from error

    def close(self) -> None:
        """Close all connections; a reader in use is closed when its read ends."""
        with self._pool:
            self._closed = True
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.close()
        with self._lock:
            self._writer.close()

    def _make_private(self) -> None:
        """Create the file without rights for others; the journal inherits the file's mode."""
        if not self.path.exists():
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))

    def _connect(self, seconds: float, *setup: str) -> sqlite3.Connection:
        """A new connection, prepared by statements that wait so long for a lock."""
        connection = sqlite3.connect(
            self.path, timeout=seconds, isolation_level=None, check_same_thread=False
        )
        try:
            for statement in (f"PRAGMA cache_size = -{_CACHE_KIB}", *setup):
                connection.execute(statement)  # the first one reads the file, so it may wait
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, *, keep_journal: bool) -> None:
        """Choose the journal, and migrate. Whoever only looks at a file keeps its journal."""
        applied = self._applied()
        if not keep_journal:
            safe = has_safe_wal(sqlite3.sqlite_version_info)
            self._writer.execute(f"PRAGMA journal_mode = {'WAL' if safe else 'TRUNCATE'}")
        mode = self._writer.execute("PRAGMA journal_mode").fetchone()[0]
        self._writer.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")
        if any(step.__name__ not in applied for step in STEPS):
            with self.write():  # another process may be migrating it at the same time
                self._migrate()

    def _applied(self) -> set[str]:
        """The migrations that the file has seen.

        Raises StoreError if it is not ours, or was written by a newer version.
        """
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
        steps.apply(sqlite_utils.Database(self._writer))


class _LockedError(Exception):
    """Another thread of this process holds the writer."""


def is_busy(error: Exception) -> bool:
    """Whether an error means that a lock is held by somebody else."""
    return isinstance(error, _LockedError) or _code(error) in _BUSY


def _code(error: Exception) -> int:
    """SQLite's primary code of an error."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def busy(path: Path) -> DatabaseBusyError:
    """The error for a file that another program has locked."""
    return DatabaseBusyError(
        f"The database {path} is in use by another program. Try again when it has finished."
    )


def _explain(path: Path, error: Exception) -> StoreError:
    """What an error means to people, and what they can do."""
    code = _code(error) if isinstance(error, sqlite3.Error) else None
    if code in _BUSY or isinstance(error, _LockedError):
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
