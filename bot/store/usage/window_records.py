"""Records stored with usage: coverage, notes on problems, sync times, versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from bot.store.connection import Connection
from bot.store.encoding import GRANULARITY, from_seconds, to_seconds
from bot.store.usage import figure_coverage, imported
from reports.time.time_range import Granularity
from reports.usage.coverage import Interval, merge
from reports.usage.figure_table import OPTIONAL_NAMES
from reports.usage.windows_to_fetch import Window


def record_window(
    connection: Connection,
    window: Window,
    synced_at: datetime | None,
    notes: Iterable[str],
    known: Collection[str] = (),
) -> None:
    """Store the records of a window, with its last rows; `known` are the known optional figures.

    One statement reads what is recorded, since mostly nothing of it changes: on a server, each
    statement is a round trip.
    """
    code = GRANULARITY[window.granularity]
    recorded = _recorded(connection, code, window)
    _extend_coverage(connection, code, window, recorded[_STORED])
    spans = {name: recorded[name] for name in OPTIONAL_NAMES}
    figure_coverage.record(connection, code, window, known, spans)
    if recorded[_IMPORTED]:
        imported.forget_imports(connection, code, window.start, window.end)
    notes = tuple(notes)
    if notes or recorded[_NOTED]:
        replace_notes(connection, code, window, notes)
    if synced_at:
        connection.execute(
            "INSERT INTO sync (granularity, synced_at) VALUES (?, ?) ON CONFLICT (granularity)"
            " DO UPDATE SET synced_at = excluded.synced_at",
            (code, to_seconds(synced_at)),
        )
    if window.granularity is Granularity.DAY and recorded[_IMPORTED_MONTHS]:
        imported.sum_complete_months(connection, window.start, window.end)


_STORED, _IMPORTED, _IMPORTED_MONTHS, _NOTED = "", "imported", "months", "note"
"""Names of what is recorded; optional figures have their own."""


def _recorded(
    connection: Connection, code: int, window: Window
) -> defaultdict[str, tuple[Interval, ...]]:
    """The merged intervals of all records that a window may change, by name."""
    span = to_seconds(window.start), to_seconds(window.end)
    found = connection.execute(
        "SELECT '', start, until FROM held WHERE granularity = ?"
        " UNION ALL SELECT figure, start, until FROM figure_known WHERE granularity = ?"
        " UNION ALL SELECT 'imported', bucket, bucket + 1 FROM imported"
        " WHERE granularity = ? AND bucket >= ? AND bucket < ?"
        " UNION ALL SELECT DISTINCT 'imported', bucket, bucket + 1 FROM log_request"
        " WHERE granularity = ? AND bucket >= ? AND bucket < ?"
        " UNION ALL SELECT 'months', bucket, bucket + 1 FROM imported WHERE granularity = ?"
        " UNION ALL SELECT 'note', start, until FROM note"
        " WHERE granularity = ? AND start < ? AND until > ?",
        (
            code, code, code, *span, code, *span, GRANULARITY[Granularity.MONTH], code, *span[::-1]
        ),
    )  # fmt: skip
    spans: defaultdict[str, list[Interval]] = defaultdict(list)
    for name, start, until in found:
        spans[name].append((from_seconds(start), from_seconds(until)))
    return defaultdict(tuple, {name: merge(each) for name, each in spans.items()})


def add_coverage(connection: Connection, code: int, window: Window) -> None:
    """Add a window to the coverage."""
    _extend_coverage(connection, code, window, imported.stored(connection, code))


def _extend_coverage(
    connection: Connection, code: int, window: Window, known: tuple[Interval, ...]
) -> None:
    """Add a window to the known coverage."""
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
    set_version(connection, name, version(connection, name) + 1)


def set_version(connection: Connection, name: str, number: int) -> None:
    """Set the version of something, one above the one read in the same transaction."""
    set_fact(connection, name, str(number))


def set_fact(connection: Connection, name: str, value: str) -> None:
    """Set a fact."""
    connection.execute(
        "INSERT INTO fact (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )
