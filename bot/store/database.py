"""The database: consistent reads and atomic writes, with either engine.

With SQLite's rollback journal a commit waits for every open read transaction and keeps new ones out
meanwhile. Therefore a thread that holds a read transaction must never start a write or wait for
one. The same holds on PostgreSQL, where a thread would need two connections.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, TypeVar

from bot.store.connection import Area, Connection, Engine
from bot.store.errors import (
    NO_DRIVER,
    DatabaseBusyError,
    LockedError,
    NestedAccessError,
    StoreError,
)
from bot.store.sqlite import SqliteEngine

T = TypeVar("T")

BUSY_SECONDS = 30.0
"""How long background work waits for another program's lock."""
SETTLED_SECONDS = 30.0
"""After this long without a failed write, the problem is over: a sync writes every few seconds."""


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


class Observer(Protocol):
    """Notified of the use of a database, in the thread that uses it; must return quickly."""

    def failed(self, error: StoreError) -> None:
        """A read or write failed for a reason outside this program."""

    def written(self) -> None:
        """A write was committed."""


class _Silent:
    """Observes nothing."""

    def failed(self, error: StoreError) -> None:
        """Do nothing."""

    def written(self) -> None:
        """Do nothing."""


class _Reader:
    """A connection in a read transaction, and how many nested reads use it."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - of any engine
        self.connection = connection
        self.depth = 0


class Database:
    """Opens a database and migrates its tables; methods may be called from any thread.

    `address` is the path of an SQLite file, which is created if it doesn't exist, or the URL of a
    PostgreSQL database. With `must_exist` nothing is created, and no server's tables are changed.
    Raises StoreError if the database isn't the bot's, comes from a newer version, or can't be read
    or written.
    """

    def __init__(self, address: Path | str, *, must_exist: bool = False) -> None:
        self.address = address
        self._local = threading.local()
        self.observer: Observer = _Silent()
        self._failed: tuple[StoreError, float] | None = None
        self._written = 0.0
        self.engine = _open(address, must_exist=must_exist)
        self._errors: tuple[type[Exception], ...] = (*self.engine.errors, LockedError)

    @property
    def trouble(self) -> StoreError | None:
        """The reason why writes are failing, or None. Locks of other programs don't count.

        It is over once a write has succeeded and none has failed for SETTLED_SECONDS: on a full
        disk, small writes may succeed between failing ones.
        """
        if self._failed is None:
            return None
        error, at = self._failed
        over = self._written > at and monotonic() - at >= SETTLED_SECONDS
        return None if over else error

    def is_free(self, seconds: float) -> bool:
        """Whether no lock prevents reading the database for longer than some seconds."""
        try:
            with patience(seconds), self.read():
                return True
        except DatabaseBusyError:
            return False
        except StoreError:
            return True  # the next use raises the error

    def check_write(self) -> None:
        """Write something small, so that `trouble` is up to date."""
        with suppress(StoreError), patience(1.0), self.write() as connection:
            connection.execute(
                "INSERT INTO fact (name, value) VALUES ('write check', ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (str(monotonic()),),
            )

    @property
    def name(self) -> str:
        """Its name for users: the path of a file, or a server's address without user and
        password."""
        return self.engine.name

    def now(self) -> datetime:
        """The current time (UTC) by the database's clock, which all of its processes share."""
        return datetime.now(UTC) + self.engine.offset

    def size(self) -> int:
        """The space that the database takes, in bytes."""
        return self.engine.size()

    @contextmanager
    def write(self, area: Area = Area.LEDGER) -> Iterator[Connection]:
        """Run one transaction, which excludes others of its area and is committed completely or not
        at all.

        Raises StoreError, and NestedAccessError in a thread that holds a reader.
        """
        self.check_may_write()
        try:
            with self._explained():
                connection = self._wait(lambda seconds: self.engine.begin_write(area, seconds))
                self._local.writing = True
                try:
                    yield connection
                    self.engine.commit(connection)
                finally:
                    self._local.writing = False
                    self.engine.end_write(area, connection)
        except StoreError as error:
            if not isinstance(error, DatabaseBusyError):
                self._failed = error, monotonic()
            self.observer.failed(error)
            raise
        self._written = monotonic()
        self.observer.written()

    def check_may_write(self) -> None:
        """Raise NestedAccessError if this thread may neither write nor wait for a write."""
        if self.reading:
            raise NestedAccessError(
                "A write must not start while this thread holds a read transaction: the commit "
                "would wait for it. Write before the read, or after it."
            )
        if self._is_writing():
            raise NestedAccessError("A write must not start inside another write of its thread.")

    @property
    def is_shared(self) -> bool:
        """Whether the database is on a server, so that processes on several machines may use it."""
        return not isinstance(self.address, Path)

    @property
    def reading(self) -> bool:
        """Whether this thread holds a read transaction."""
        return self._current() is not None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Read one consistent state of the database.

        A read within a read of the same thread sees the same state. Raises StoreError, and
        NestedAccessError inside a write of the same thread.
        """
        reader = self._current()
        if reader is not None:
            with self._explained():
                yield from self._use(reader)
            return
        if self._is_writing():
            raise NestedAccessError("A read inside a write must use the write's connection.")
        try:
            with self._explained():
                reader = self._local.reader = _Reader(self._wait(self.engine.begin_read))
                reader.connection.memo.clear()
                yield from self._use(reader)
        except StoreError as error:
            self.observer.failed(error)
            raise

    def _use(self, reader: _Reader) -> Iterator[Connection]:
        """Use a reader's connection; its last user returns it to the pool."""
        reader.depth += 1
        try:
            yield reader.connection
        finally:
            # a generator may be closed by another thread, or after the read around it has ended
            reader.depth -= 1
            if reader.depth == 0:
                if getattr(self._local, "reader", None) is reader:
                    self._local.reader = None
                self.engine.end_read(reader.connection)

    def _current(self) -> _Reader | None:
        """The reader that this thread holds, if any."""
        reader: _Reader | None = getattr(self._local, "reader", None)
        return reader if reader is not None and reader.depth else None

    def _is_writing(self) -> bool:
        return getattr(self._local, "writing", False)

    def _wait(self, begin: Callable[[float], T]) -> T:
        """Call `begin` until the lock that it needs is free; returns its result.

        Raises DatabaseBusyError after as long as this thread's patience lasts.
        """
        allowed = _patience.get() or _Patience(BUSY_SECONDS)
        try:
            return begin(allowed.first)
        except self._errors as error:
            if not self.engine.is_busy(error):
                raise
            if not allowed.more:
                raise self.engine.explain(error) or error from error
        if allowed.on_wait is not None:
            allowed.on_wait()
        try:
            return begin(allowed.more)
        except LockedError as error:
            raise self.engine.explain(error) or error from error

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Convert errors of the driver whose cause is outside this program to StoreError."""
        try:
            yield
        except self.engine.errors as error:
            known = self.engine.explain(error)
            if known is None:
                raise
            raise known from error

    def close(self) -> None:
        """Close all connections; a reader in use is closed when its read ends."""
        self.engine.close()


def _open(address: Path | str, *, must_exist: bool) -> Engine[Any]:
    if isinstance(address, Path):
        return SqliteEngine(address, must_exist=must_exist, seconds=BUSY_SECONDS)
    try:
        from bot.store.postgres import PostgresEngine  # noqa: PLC0415 - an optional dependency
    except ImportError:
        raise StoreError(NO_DRIVER) from None
    return PostgresEngine(address, must_exist=must_exist, seconds=BUSY_SECONDS)
