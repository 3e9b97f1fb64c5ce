"""The interface that the statements of this package use for any database engine.

Statements are written once, in the SQL that SQLite and PostgreSQL share, with `?` for parameters.
Three table functions stand for lists, which are passed as Python lists:

    numbers(?) n    a table n with a column `value`, of integers
    texts(?) t      the same of texts
    ordered(?) o    integers in `value`, with their position (from 0 in SQLite, 1 in PostgreSQL) in
                    `key`

`a CROSS JOIN b` makes SQLite read `a` first; PostgreSQL chooses the order by itself, and may read
all of `b`. If `b` is large and each row of `a` needs little of it, write

    a CROSS JOIN sought(b x ON condition)

Then both engines look up the rows of `b` (under the alias `x`) for each row of `a`. The condition
uses columns of `a` and parameters, and has no parentheses except those of `listed`.

`listed(x.column, ?)` is true for rows whose column is in a list of integers. The rows are found by
other conditions; where that is faster, an engine skips those that aren't in the list in its index.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any, Protocol, TypeVar

from bot.store.errors import StoreError

_LIST = re.compile(r"\b(numbers|texts|ordered)\(\?\) (\w+)")
_LISTED = re.compile(r"\blisted\((\w+\.\w+), \?\)")
_SOUGHT = re.compile(r"\bCROSS JOIN sought\((\w+) (\w+) ON ((?:[^()]|listed\([^()]+\))+)\)")


class Area(IntEnum):
    """The area that a transaction writes. Writers of one area take turns; PostgreSQL locks the
    number.

    USAGE is usage and the directory, KEYS are the expiring keys, LEDGER everything else. So reports
    and alerts don't wait for a sync that is writing, and people's clicks wait for neither.
    """

    USAGE = 1
    LEDGER = 2
    KEYS = 3


@dataclass(frozen=True, slots=True)
class KeyedTable:
    """A table of integers of which many rows are updated at once.

    Its key has columns that many of these rows `share`, and columns that only tell them apart
    (`own`). A row has the columns of its key in the order of `key`, and then its `figures`.
    """

    name: str
    key: tuple[str, ...]
    own: tuple[str, ...]
    figures: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in the order of a row."""
        return self.key + self.figures

    @property
    def shared(self) -> tuple[str, ...]:
        """The columns of the key that many rows share."""
        return tuple(column for column in self.key if column not in self.own)

    @property
    def own_start(self) -> int:
        """The index of the first column that tells rows apart; those before it are shared."""
        return min(map(self.key.index, self.own))

    def updated(self, source: str, *, add: bool) -> str:
        """The SET clause that replaces the figures by those of `source`, or adds these to them."""
        stored = f"{self.name}.{{0}} + " if add else ""
        return ", ".join(f"{{0}} = {stored}{source}.{{0}}".format(name) for name in self.figures)

    def on_conflict(self, *, add: bool) -> str:
        """The clause that lets an INSERT update rows that exist."""
        return f"ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET " + self.updated(
            "excluded", add=add
        )


class StatementResult(Protocol):
    """The rows that a statement returned, as tuples, or the number of rows that it changed."""

    @property
    def rowcount(self) -> int:
        """The number of changed rows."""
        ...

    @property
    def description(self) -> Any:  # noqa: ANN401 - as PEP 249 has it
        """A sequence for each column, whose first element is its name."""
        ...

    def fetchone(self) -> Any:  # noqa: ANN401 - a row has columns of any type
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """The remaining rows."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection in a transaction."""

    @property
    def OperationalError(self) -> type[Exception]:  # noqa: N802 - as PEP 249 names it
        """The driver's error for causes outside this program."""
        ...

    @property
    def sorts_groups(self) -> bool:
        """Whether GROUP BY sorts all rows, which makes grouping one part at a time faster."""
        ...

    @property
    def skips_in_index(self) -> bool:
        """Whether rows that aren't `listed` are skipped in the index, so that the listed ones need
        not be sought."""
        ...

    @property
    def memo(self) -> dict[object, Any]:
        """What was worked out from the state that a read transaction sees; empty when one begins.

        Not for write transactions, which change that state.
        """
        ...

    @property
    def writes_at_once(self) -> int:
        """How many rows and sums a transaction may write, so that others wait briefly."""
        ...

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> StatementResult:
        """Run a statement. PostgreSQL's rows are all in memory afterwards."""
        ...

    def executemany(
        self, statement: str, parameters: Iterable[Sequence[Any]], /
    ) -> StatementResult:
        """Run a statement once for each of some parameters."""
        ...

    def stream(self, statement: str, parameters: Sequence[Any] = ...) -> Iterator[Any]:
        """The rows of a statement one by one, so that memory use doesn't depend on their number."""
        ...

    def insert_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[int]], conflict: str = ""
    ) -> None:
        """Insert many rows of integers; `conflict` is an ON CONFLICT clause."""
        ...

    def update_rows(self, table: KeyedTable, rows: Sequence[Sequence[int]], *, add: bool) -> None:
        """Replace the figures of rows, or with `add` add to them; rows that don't exist are
        inserted.

        Faster than `insert_rows` where most rows exist. No two rows may have the same key.
        """
        ...

    def delete_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[int]], where: str = ""
    ) -> None:
        """Delete the rows that have these values (integers) in some columns, and meet `where`."""
        ...


C = TypeVar("C")


class Engine(Protocol[C]):
    """One kind of database: connections and transactions; errors are the driver's own.

    Arguments in seconds limit the wait for a lock; after that, an error is raised for which
    `is_busy` is true.
    """

    errors: tuple[type[Exception], ...]
    """The driver's base class of errors."""
    name: str
    """The database's name for users, without user name and password."""
    offset: timedelta
    """How far the database's clock is ahead of this machine's."""

    def begin_read(self, seconds: float) -> C:
        """Start a read-only transaction that sees the current state."""
        ...

    def end_read(self, connection: C) -> None:
        """End a read transaction; the connection can be reused."""
        ...

    def begin_write(self, area: Area, seconds: float) -> C:
        """Start a transaction that excludes all others of its area."""
        ...

    def commit(self, connection: C) -> None:
        """Commit a write. Raises CommitUnknownError if its result cannot be known."""
        ...

    def end_write(self, area: Area, connection: C) -> None:
        """Roll back what wasn't committed, and let the next writer start."""
        ...

    def is_busy(self, error: Exception) -> bool:
        """Whether an error means that another connection has a lock."""
        ...

    def explain(self, error: Exception) -> StoreError | None:
        """The error as a StoreError with a message for users; None for a mistake in this
        program."""
        ...

    def size(self) -> int:
        """The space that the database takes, in bytes."""
        ...

    def finish_copy(self, numbered: Sequence[str]) -> None:
        """Finish copying rows into these tables: update their id sequences and the planner's
        statistics."""
        ...

    def close(self) -> None:
        """Close all idle connections; others are closed when they are returned."""
        ...


def with_lists(statement: str, table: Callable[[str, str], str]) -> tuple[str, bool]:
    """Replace the table functions of a statement; also returns whether it had any.

    `table` returns the replacement of a function and its alias.
    """
    text, count = _LIST.subn(lambda found: table(found[1], found[2]), statement)
    return text, count > 0


def with_listed(statement: str, condition: Callable[[str], str]) -> str:
    """Replace `listed` in a statement; `condition` returns the replacement for a column."""
    return _LISTED.sub(lambda found: condition(found[1]), statement)


def with_sought(statement: str, join: Callable[[str, str, str], str]) -> str:
    """Replace the joins with `sought` in a statement.

    `join` returns the replacement for a table, its alias and the condition.
    """
    return _SOUGHT.sub(lambda found: join(found[1], found[2], found[3]), statement)
