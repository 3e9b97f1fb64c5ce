"""Copies a whole database into an empty one, of either engine; resumable, and verified at the end.

Each table is copied in the order of its key, some thousand rows per transaction. An interrupted
copy continues after the last copied row; a fact in the target marks it as unfinished.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from bot.store.connection import Area, Connection
from bot.store.database import Database
from bot.store.encoding import FIGURES
from bot.store.errors import StoreError

KEYS: dict[str, tuple[str, ...]] = {
    "member": ("id",),
    "usage": ("view", "granularity", "bucket", "member", "model"),
    "total": ("dimension", "granularity", "part", "member", "bucket"),
    "held": ("granularity", "start"),
    "figure_known": ("figure", "granularity", "start"),
    "sync": ("granularity",),
    "note": ("id",),
    "imported": ("granularity", "bucket"),
    "month_filled": ("view",),
    "log_request": ("granularity", "bucket", "request"),
    "schedule": ("id",),
    "run": ("id",),
    "withdrawn": ("run", "ts"),
    "place": ("id",),
    "notice": ("id",),
    "report_opt_out": ("person", "schedule"),
    "alert_rule": ("id",),
    "alert_state": ("rule", "subject", "period"),
    "alert_event": ("id",),
    "alert_telling": ("id",),
    "alert_hold": ("rule", "subject"),
    "alert_quiet": ("person",),
    "audit": ("id",),
    "memory": ("key",),
    "fact": ("name",),
}
"""All tables to copy, with their keys. Leases belong to running processes and aren't copied."""
NUMBERED = ("member", "note", "run", "notice", "alert_event", "alert_telling", "audit")
"""The tables with auto-assigned ids."""
ROWS = 5_000
"""Rows per transaction, which takes about 50 ms."""
_MARK = "unfinished copy"
_SEEDED = {"member", "fact"}  # these also have rows in a new database
_SUMMED = {"usage": ("view", "granularity"), "total": ("dimension", "granularity")}
_INTEGERS = frozenset({"usage", "total", "held", "sync", "imported", "month_filled", "log_request"})


@dataclass(frozen=True, slots=True)
class CopyProgress:
    """The progress of a copy: the number of copied rows, of all rows, and the current table."""

    done: int
    rows: int
    table: str


def copy(source: Database, target: Database, report: Callable[[CopyProgress], object]) -> int:
    """Copy everything; returns the number of rows. Neither database may be written to meanwhile.

    Raises StoreError if the target isn't empty, or differs from the source afterwards.
    """
    _begin(target, _fingerprint(source))
    with source.read() as connection:
        counts = {table: _count(connection, table) for table in KEYS}
        total, done = sum(counts.values()), 0
        for table in KEYS:
            for arrived in _copy_table(connection, target, table):
                report(CopyProgress(done + arrived, total, table))
            done += counts[table]
    target.engine.finish_copy(NUMBERED)
    _verify(source, target)
    with target.write() as writer:
        writer.execute("DELETE FROM fact WHERE name = ?", (_MARK,))
    return total


def _fingerprint(source: Database) -> str:
    """A digest that identifies the source; it doesn't reveal the password."""
    address = source.address
    name = str(address.absolute()) if isinstance(address, Path) else address
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _begin(target: Database, fingerprint: str) -> None:
    """Mark the target as unfinished, unless it already is. Raises StoreError if it is in use."""
    with target.write() as writer:
        found = writer.execute("SELECT value FROM fact WHERE name = ?", (_MARK,)).fetchone()
        if found is not None:
            if found[0] != fingerprint:
                raise StoreError(
                    "The target has an unfinished copy of another database. Copy into an empty one."
                )
            return
        used = [table for table in KEYS if table not in _SEEDED and _count(writer, table)]
        if used or writer.execute("SELECT 1 FROM member WHERE ref <> ''").fetchone():
            raise StoreError(
                f"The database to copy into is not empty: its table {(used or ['member'])[0]} has"
                " rows. Copy into a new one."
            )
        writer.execute("DELETE FROM member")
        writer.execute("DELETE FROM fact")
        writer.execute("INSERT INTO fact (name, value) VALUES (?, ?)", (_MARK, fingerprint))


def _count(connection: Connection, table: str) -> int:
    return int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


def _copy_table(source: Connection, target: Database, table: str) -> Iterator[int]:
    """Copy the missing rows of a table; yields the number of copied rows after each transaction."""
    key = KEYS[table]
    columns = [one[0] for one in source.execute(f"SELECT * FROM {table} LIMIT 0").description]
    order = ", ".join(key)
    arrived, last = _arrived(target, table)
    after = f" WHERE ({order}) > ({', '.join('?' * len(key))})" if last else ""
    rows = source.stream(
        f"SELECT {', '.join(columns)} FROM {table}{after} ORDER BY {order}", last or ()
    )
    while portion := list(islice(rows, ROWS)):
        _insert(target, table, columns, portion)
        arrived += len(portion)
        yield arrived


def _arrived(target: Database, table: str) -> tuple[int, tuple[int, ...] | None]:
    """The number of copied rows of a table, and the key of the last one.

    Engines sort texts differently, so a table whose key is a text starts again; these are small.
    """
    key = KEYS[table]
    if table not in _INTEGERS and table not in NUMBERED:
        with target.write() as writer:
            kept = " WHERE name <> ?" if table == "fact" else ""
            writer.execute(f"DELETE FROM {table}{kept}", (_MARK,) if kept else ())
        return 0, None
    with target.read() as reader:
        last = reader.execute(
            f"SELECT {', '.join(key)} FROM {table}"
            f" ORDER BY {', '.join(f'{name} DESC' for name in key)} LIMIT 1"
        ).fetchone()
        return _count(reader, table), last


def _insert(
    target: Database, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    area = Area.USAGE if table in _INTEGERS else Area.LEDGER
    with target.write(area) as writer:
        if table in _INTEGERS:
            writer.insert_rows(table, columns, rows)
        else:
            places = ", ".join("?" * len(columns))
            writer.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows
            )


def _verify(source: Database, target: Database) -> None:
    """Raise StoreError unless both have the same number of rows in each table and the same
    usage."""
    with source.read() as one, target.read() as other:
        for table in KEYS:
            more = int(table == "fact")  # the mark
            if _count(one, table) != _count(other, table) - more:
                raise StoreError(_different(table))
        for table, groups in _SUMMED.items():
            places = ", ".join(str(n + 1) for n in range(len(groups)))
            sums = ", ".join(f"SUM({name})" for name in FIGURES.split(", "))
            statement = (
                f"SELECT {', '.join(groups)}, {sums} FROM {table} GROUP BY {places}"
                f" ORDER BY {places}"
            )
            if one.execute(statement).fetchall() != other.execute(statement).fetchall():
                raise StoreError(_different(table))


def _different(table: str) -> str:
    return (
        f"The copy is not the same as the original: the table {table} differs. Something was"
        " written meanwhile. Stop the bot, empty the target and copy again."
    )
