"""Records stored with usage: coverage, notes on problems, sync times, versions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from bot.store.connection import Connection
from bot.store.encoding import GRANULARITY, to_seconds
from bot.store.usage import figure_coverage, imported
from reports.time.time_range import Granularity
from reports.usage.coverage import Interval, merge
from reports.usage.windows_to_fetch import Window


def record_window(
    connection: Connection,
    window: Window,
    synced_at: datetime | None,
    notes: Iterable[str],
    known: Collection[str] = (),
) -> None:
    """Store the records of a window, with its last rows; `known` are the known optional figures."""
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


def add_coverage(connection: Connection, code: int, window: Window) -> None:
    """Add a window to the coverage."""
    known = imported.stored(connection, code)
    merged = merge([*known, (window.start, window.end)])
    if merged != known:
        _set_coverage(connection, code, merged)


def forget_coverage(connection: Connection, code: int, before: datetime) -> None:
    """Drop the coverage before a time, because its usage is dropped."""
    known = imported.stored(connection, code)
    left = tuple((max(start, before), end) for start, end in known if end > before)
    if left != known:
        _set_coverage(connection, code, left)


def _set_coverage(connection: Connection, code: int, spans: Iterable[Interval]) -> None:
    connection.execute("DELETE FROM held WHERE granularity = ?", (code,))
    connection.executemany(
        "INSERT INTO held (granularity, start, until) VALUES (?, ?, ?)",
        [(code, to_seconds(start), to_seconds(end)) for start, end in spans],
    )


def replace_notes(connection: Connection, code: int, window: Window, notes: Iterable[str]) -> None:
    """Replace the notes on a window; the parts of earlier notes outside of it stay."""
    span = to_seconds(window.start), to_seconds(window.end)
    connection.execute(
        "INSERT INTO note (granularity, start, until, words) SELECT granularity, start, ?, words"
        " FROM note WHERE granularity = ? AND start < ? AND until > ?",
        (span[0], code, span[0], span[0]),
    )
    connection.execute(
        "INSERT INTO note (granularity, start, until, words) SELECT granularity, ?, until, words"
        " FROM note WHERE granularity = ? AND start < ? AND until > ?",
        (span[1], code, span[1], span[1]),
    )
    connection.execute(
        "DELETE FROM note WHERE granularity = ? AND start < ? AND until > ?",
        (code, span[1], span[0]),
    )
    connection.executemany(
        "INSERT INTO note (granularity, start, until, words) VALUES (?, ?, ?, ?)",
        [(code, *span, words) for words in notes],
    )


def version(connection: Connection, name: str) -> int:
    """The version of something, which is how often it has changed."""
    found = connection.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
    return int(found[0]) if found else 0


def increment_version(connection: Connection, name: str) -> None:
    """Increment the version of something."""
    set_fact(connection, name, str(version(connection, name) + 1))


def set_fact(connection: Connection, name: str, value: str) -> None:
    """Set a fact."""
    connection.execute(
        "INSERT INTO fact (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )
