"""What is recorded with usage: coverage, notes on what is wrong, sync times, versions."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from datetime import datetime

from bot.store.encoding import GRANULARITY, to_seconds
from bot.store.usage import figure_coverage, imported
from reports.time.timerange import Granularity
from reports.usage.coverage import merge
from reports.usage.sync_windows import Window


def record_window(
    connection: sqlite3.Connection,
    window: Window,
    synced_at: datetime | None,
    notes: Iterable[str],
    known: Collection[str] = (),
) -> None:
    """Record what belongs to the last rows of a window; `known` are the optional figures known."""
    code = GRANULARITY[window.granularity]
    add_coverage(connection, code, window)
    figure_coverage.record(connection, code, window, known)
    imported.forget_imports(connection, code, window.start, window.end)
    replace_notes(connection, code, window, notes)
    if synced_at:
        connection.execute(
            "INSERT INTO sync (granularity, synced_at) VALUES (?, ?) ON CONFLICT (granularity)"
            " DO UPDATE SET synced_at = excluded.synced_at",
            (code, to_seconds(synced_at)),
        )
    if window.granularity is Granularity.DAY:
        imported.sum_complete_months(connection, window.start, window.end)
    increment_version(connection, "usage")


def add_coverage(connection: sqlite3.Connection, code: int, window: Window) -> None:
    """Add a window to the coverage."""
    known = imported.stored(connection, code)
    merged = merge([*known, (window.start, window.end)])
    if merged != known:
        connection.execute("DELETE FROM held WHERE granularity = ?", (code,))
        connection.executemany(
            "INSERT INTO held (granularity, start, until) VALUES (?, ?, ?)",
            [(code, to_seconds(start), to_seconds(end)) for start, end in merged],
        )


def replace_notes(
    connection: sqlite3.Connection, code: int, window: Window, notes: Iterable[str]
) -> None:
    """Replace the notes on a window; the parts of earlier notes outside of it stay."""
    span = to_seconds(window.start), to_seconds(window.end)
    connection.execute(
        "INSERT INTO note (granularity, start, until, words) SELECT granularity, start, ?1, words"
        " FROM note WHERE granularity = ?2 AND start < ?1 AND until > ?1",
        (span[0], code),
    )
    connection.execute(
        "INSERT INTO note (granularity, start, until, words) SELECT granularity, ?1, until, words"
        " FROM note WHERE granularity = ?2 AND start < ?1 AND until > ?1",
        (span[1], code),
    )
    connection.execute(
        "DELETE FROM note WHERE granularity = ? AND start < ? AND until > ?",
        (code, span[1], span[0]),
    )
    connection.executemany(
        "INSERT INTO note (granularity, start, until, words) VALUES (?, ?, ?, ?)",
        [(code, *span, words) for words in notes],
    )


def version(connection: sqlite3.Connection, name: str) -> int:
    """The version of something: how often it has changed."""
    found = connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
    return int(found[0]) if found else 0


def increment_version(connection: sqlite3.Connection, name: str) -> None:
    """Increment the version of something."""
    set_fact(connection, name, str(version(connection, name) + 1))


def set_fact(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Set a fact."""
    connection.execute(
        "INSERT INTO fact (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )
