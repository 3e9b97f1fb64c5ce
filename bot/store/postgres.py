"""PostgreSQL, shared by any number of processes: connections, locks and errors.

A writer takes the transaction-level advisory lock of its area right after BEGIN, so writers of one
area take turns, across all processes, as with SQLite. Readers are REPEATABLE READ. No session
features are used (session locks, prepared statements or LISTEN), so PgBouncer in transaction mode
works.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from itertools import count
from time import monotonic, time
from typing import Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import IntLoader

from bot.store import postgres_rows
from bot.store.connection import Area, KeyedTable, with_listed, with_lists, with_sought
from bot.store.errors import CommitUnknownError, LockedError, StoreError
from bot.store.postgres_schema import migrate
from bot.store.postgres_server import CONNECT_SECONDS, Server, is_busy, is_starting

MOST_OPEN = 8
"""Connections of this process at once; small servers allow about 20 in all."""
MOST_IDLE = 4
"""Idle connections to keep open; each is a server process of some MB."""
START_SECONDS = 60.0
"""How long a starting process waits for a server that is also starting."""
OFFSET_SECONDS = 30.0
"""How often the server's clock is read; clocks drift much less in that time."""
OFFSET_LEAST = timedelta(milliseconds=100)
"""Smaller clock differences are ignored, because a round trip may take as long."""
_FETCH = 2_000  # rows at a time: some hundred KB
_SKIPS_IN_INDEX = 18_00_00
"""From this version on, rows whose values aren't in a list are skipped in the index. A join reads
all rows first, which takes half as long again. Older servers search the index for each listed
value in each bucket, or read all rows anyway."""
_LOCKS = 0x0AC71  # the first number of our advisory locks; the second is the area
_LISTS = {
    "numbers": "unnest(%s::bigint[]) AS {}(value)",
    "texts": "unnest(%s::text[]) AS {}(value)",
    "ordered": "unnest(%s::bigint[]) WITH ORDINALITY AS {}(value, key)",
}
_READ = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    " SET LOCAL jit = off;"  # compiling a statement takes longer than running most of them
    " SET LOCAL work_mem = '32MB';"  # keeps groupings of 10,000 keys in memory
    # groups are expected to be forty times as many as there are: with less, all rows are sorted
    " SET LOCAL hash_mem_multiplier = 4;"
    # with workers the slowest answers at 10,000 keys took a quarter more CPU time
    " SET LOCAL max_parallel_workers_per_gather = 0;"
    " SET LOCAL cursor_tuple_fraction = 1;"  # streamed results are read completely
    # this also takes the snapshot; BEGIN alone doesn't
    " SELECT extract(epoch FROM clock_timestamp())::float8"
)
_WRITE = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = {};"
    " SELECT pg_advisory_xact_lock({}, {})"
)


class _BoolDumper(Dumper):
    """Booleans as integers, which is what all of our columns are."""

    oid = psycopg.adapters.types["int2"].oid

    def dump(self, obj: bool) -> bytes:
        """The text of 1 or 0."""
        return b"1" if obj else b"0"


@lru_cache(maxsize=1024)
def translated(statement: str, version: int) -> bytes:
    """Translate a statement of this package for psycopg: see bot.store.connection.

    `version` is the server's: 180003 for 18.3.
    """
    escaped = with_sought(statement.replace("%", "%%"), _lateral)
    escaped = with_listed(escaped, _any if version >= _SKIPS_IN_INDEX else _joined)
    text, _ = with_lists(escaped, lambda kind, alias: _LISTS[kind].format(alias))
    return text.replace("?", "%s").encode()


def _lateral(table: str, alias: str, condition: str) -> str:
    """A join that runs a subquery for each row; OFFSET 0 keeps it from becoming a plain join."""
    subquery = f"SELECT * FROM {table} {alias} WHERE {condition} OFFSET 0"
    return f"CROSS JOIN LATERAL ({subquery}) {alias}"


def _any(column: str) -> str:
    return f"{column} = ANY(%s::bigint[])"


def _joined(column: str) -> str:
    """A join by hash; + keeps the server from seeking each listed value."""
    return f"+{column} IN (SELECT value FROM numbers(?) n)"


def _storable(parameters: Sequence[Any]) -> list[Any]:
    """Convert parameters for PostgreSQL: without U+0000, and lists of integers as texts."""
    return [_storable_value(one) for one in parameters]


def _storable_value(value: Any) -> Any:  # noqa: ANN401 - parameters are of any type
    if isinstance(value, str):
        return value.replace("\0", "") if "\0" in value else value
    if isinstance(value, list) and value:
        if isinstance(value[0], str):
            return [_storable_value(one) for one in value]
        return postgres_rows.array(value)
    return value


class PostgresConnection:
    """A connection that runs the statements of this package: see bot.store.connection."""

    OperationalError = psycopg.OperationalError
    sorts_groups = False  # it uses hash tables, and a statement for each part would be a round trip
    writes_at_once = 4_500
    """At most 50 ms of CPU time, also at 10,000 keys, where each row has sums of its own."""

    def __init__(self, raw: psycopg.Connection[Any]) -> None:
        self.raw = raw
        self.used = False
        """Whether it was idle before, so that the server may have closed it meanwhile."""
        self.memo: dict[object, Any] = {}
        self._names = count()
        self._version = raw.info.server_version
        self.skips_in_index = self._version >= _SKIPS_IN_INDEX

    def execute(
        self, statement: str, parameters: Sequence[Any] = (), /
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run a statement; its rows are all in memory afterwards."""
        return self.raw.execute(translated(statement, self._version), _storable(parameters))

    def executemany(
        self, statement: str, parameters: Iterable[Sequence[Any]], /
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        """Run a statement once for each of some parameters."""
        cursor = self.raw.cursor()
        cursor.executemany(
            translated(statement, self._version), [_storable(row) for row in parameters]
        )
        return cursor

    def stream(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        """Rows one by one; an unfinished stream ends with the transaction."""
        name = f"rows_{next(self._names)}"
        declare = f"DECLARE {name} NO SCROLL CURSOR FOR ".encode()
        self.raw.execute(declare + translated(statement, self._version), _storable(parameters))
        fetch = f"FETCH {_FETCH} FROM {name}".encode()
        while rows := self.raw.execute(fetch).fetchall():
            yield from rows
        self.raw.execute(f"CLOSE {name}".encode())

    def insert_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[int]], conflict: str = ""
    ) -> None:
        """Insert many rows of integers in one statement."""
        postgres_rows.insert(self.raw, table, columns, rows, conflict)

    def update_rows(self, table: KeyedTable, rows: Sequence[Sequence[int]], *, add: bool) -> None:
        """Update many rows, or insert those that don't exist."""
        postgres_rows.update(self.raw, table, rows, add=add)

    def delete_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[int]], where: str = ""
    ) -> None:
        """Delete the rows that have these values in some columns, in one statement."""
        postgres_rows.delete(self.raw, table, columns, rows, where)


class PostgresEngine:
    """A database on a server; its tables are migrated, unless `must_exist`.

    Raises StoreError if it can't be used, isn't the bot's, or comes from a newer version. Errors
    never contain the URL's password.
    """

    errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, url: str, *, must_exist: bool, seconds: float) -> None:
        self.offset = timedelta(0)
        self._measured = -OFFSET_SECONDS
        self._turns = threading.BoundedSemaphore(MOST_OPEN)
        self._writers = {area: threading.Lock() for area in Area}
        self._lock = threading.Lock()
        self.idle: list[PostgresConnection] = []
        self._closed = False
        self.server = Server(url)
        self.name = self.server.name
        self._start(must_exist=must_exist, seconds=seconds)

    def _start(self, *, must_exist: bool, seconds: float) -> None:
        end = monotonic() + START_SECONDS
        pause = threading.Event()
        while True:
            try:
                self._migrate(must_exist=must_exist, seconds=seconds)
            except (psycopg.Error, LockedError) as error:
                if is_starting(error) and monotonic() < end:
                    pause.wait(0.5)
                    continue
                self.close()
                raise self.explain(error) or error from None
            except StoreError:
                self.close()
                raise
            return

    def _migrate(self, *, must_exist: bool, seconds: float) -> None:
        connection = self._take(seconds)
        try:
            migrate(connection.raw, self.server.name, may_change=not must_exist, lock=(_LOCKS, 0))
        finally:
            self._give_back(connection)

    # -- transactions

    def begin_read(self, seconds: float) -> PostgresConnection:
        """Start a read-only transaction that sees the current state."""
        connection, (epoch,) = self._begin(_READ, seconds)
        self._measure(epoch)
        return connection

    def end_read(self, connection: PostgresConnection) -> None:
        """End a read transaction; a connection that broke meanwhile is not used again."""
        self._give_back(connection)

    def begin_write(self, area: Area, seconds: float) -> PostgresConnection:
        """Start a transaction that holds the lock of its area."""
        end = monotonic() + seconds
        if not self._writers[area].acquire(timeout=seconds):
            raise LockedError
        try:
            left = max(0.001, end - monotonic())
            connection, _ = self._begin(
                _WRITE.format(int(left * 1000) or 1, _LOCKS, int(area)), left
            )
        except BaseException:
            self._writers[area].release()
            raise
        return connection

    def commit(self, connection: PostgresConnection) -> None:
        """Commit. Raises CommitUnknownError if the connection broke before the server answered."""
        try:
            done = connection.raw.execute("COMMIT")
        except psycopg.Error as error:
            if connection.raw.closed:
                raise CommitUnknownError(
                    f"The connection to the database {self.server.name} broke while a change was"
                    f" being committed ({self.server.reason(error)}). The change may be saved or "
                    "not."
                ) from error
            raise
        if done.statusmessage != "COMMIT":
            raise RuntimeError("A statement failed before, so the transaction was rolled back.")

    def end_write(self, area: Area, connection: PostgresConnection) -> None:
        """Roll back what wasn't committed, and let the next writer start."""
        try:
            self._give_back(connection)
        finally:
            self._writers[area].release()

    def _begin(self, statements: str, seconds: float) -> tuple[PostgresConnection, Any]:
        """Take a connection and run these statements; returns it with the row of the last one.

        Idle connections that the server closed meanwhile are discarded, because nothing was done on
        them yet.
        """
        while True:
            connection = self._take(seconds)
            try:
                found = connection.raw.execute(statements.encode())
                while found.nextset():
                    pass
                row = found.fetchone()
            except psycopg.OperationalError:
                broken = connection.raw.closed
                self._give_back(connection)
                if broken and connection.used:
                    continue
                raise
            except BaseException:
                self._give_back(connection)
                raise
            return connection, row

    def _measure(self, epoch: float) -> None:
        """Measure how far the server's clock is ahead, from the response just received."""
        if monotonic() - self._measured < OFFSET_SECONDS:
            return
        self._measured = monotonic()
        offset = timedelta(seconds=epoch - time())
        if abs(offset - self.offset) >= OFFSET_LEAST:
            self.offset = offset if abs(offset) >= OFFSET_LEAST else timedelta(0)

    # -- connections

    def _take(self, seconds: float) -> PostgresConnection:
        """Take a connection. Raises LockedError if all stay in use for that long."""
        if not self._turns.acquire(timeout=seconds):
            raise LockedError
        try:
            with self._lock:
                if self.idle:
                    return self.idle.pop()
            raw = self.server.connect()
            raw.adapters.register_loader("numeric", IntLoader)  # sums of integers, nothing else
            raw.adapters.register_dumper(bool, _BoolDumper)
            return PostgresConnection(raw)
        except BaseException:
            self._turns.release()
            raise

    def _give_back(self, connection: PostgresConnection) -> None:
        """End the transaction of a connection and keep it, unless there are enough."""
        raw = connection.raw
        try:
            with suppress(psycopg.Error):
                if not raw.closed and raw.info.transaction_status is not TransactionStatus.IDLE:
                    raw.execute("ROLLBACK")
            with self._lock:
                well = raw.info.transaction_status is TransactionStatus.IDLE
                keep = well and not self._closed and len(self.idle) < MOST_IDLE
                if keep:
                    connection.used = True
                    self.idle.append(connection)
            if not keep:
                raw.close()
        finally:
            self._turns.release()

    def size(self) -> int:
        """The space that the database takes on its server, in bytes."""
        connection = self.begin_read(CONNECT_SECONDS)
        try:
            found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
            return int(found[0]) if found else 0
        finally:
            self.end_read(connection)

    def finish_copy(self, numbered: Sequence[str]) -> None:
        """Set the id sequences of tables to the highest ids, and update the planner's
        statistics."""
        connection = self.begin_write(Area.LEDGER, CONNECT_SECONDS)
        try:
            for table in numbered:
                connection.execute(
                    "SELECT setval(pg_get_serial_sequence(?, 'id'),"
                    f" (SELECT coalesce(max(id), 0) + 1 FROM {table}), FALSE)",
                    (table,),
                )
            connection.execute("ANALYZE")
            self.commit(connection)
        finally:
            self.end_write(Area.LEDGER, connection)

    def close(self) -> None:
        """Close all connections; one in use is closed when it is returned."""
        with self._lock:
            self._closed = True
            idle, self.idle = self.idle, []
        for connection in idle:
            connection.raw.close()

    # -- errors

    def is_busy(self, error: Exception) -> bool:
        """Whether an error means that another connection has a lock."""
        return is_busy(error)

    def explain(self, error: Exception) -> StoreError | None:
        """The error as a StoreError with a message for users; None for a mistake in our
        statements."""
        return self.server.explain(error)
