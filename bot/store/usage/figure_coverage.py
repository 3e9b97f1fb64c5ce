"""Records the times for which optional figures are known; elsewhere, stored usage has 0."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bot.store.connection import Connection
from bot.store.encoding import from_seconds, to_seconds
from reports.usage.coverage import Interval, gaps, merge
from reports.usage.figure_table import OPTIONAL_NAMES
from reports.usage.windows_to_fetch import Window


def known(connection: Connection, code: int, figure: str) -> tuple[Interval, ...]:
    """The intervals (UTC) for which a figure is known at a granularity's code."""
    found = connection.execute(
        "SELECT start, until FROM figure_known WHERE figure = ? AND granularity = ?",
        (figure, code),
    )
    return merge((from_seconds(start), from_seconds(until)) for start, until in found)


def record(
    connection: Connection,
    code: int,
    window: Window,
    figures: Collection[str],
    recorded: Mapping[str, tuple[Interval, ...]],
) -> None:
    """Record that exactly these optional figures are known in a window.

    `recorded` are the intervals for which each is known so far.
    """
    span = window.start, window.end
    for figure in sorted(OPTIONAL_NAMES):
        before = recorded[figure]
        if figure in figures:
            after = merge([*before, span])
        else:
            after = tuple(part for one in before for part in gaps(one, [span]))
        if after != before:
            _replace(connection, code, figure, after)


def forget(connection: Connection, code: int, before: int) -> None:
    """Drop the records of a granularity before a time (seconds), because its usage is dropped."""
    limit = from_seconds(before)
    for figure in sorted(OPTIONAL_NAMES):
        spans = known(connection, code, figure)
        left = [(max(start, limit), end) for start, end in spans if end > limit]
        if tuple(left) != spans:
            _replace(connection, code, figure, left)


def _replace(connection: Connection, code: int, figure: str, spans: Collection[Interval]) -> None:
    connection.execute(
        "DELETE FROM figure_known WHERE figure = ? AND granularity = ?", (figure, code)
    )
    connection.executemany(
        "INSERT INTO figure_known (figure, granularity, start, until) VALUES (?, ?, ?, ?)",
        [(figure, code, to_seconds(start), to_seconds(end)) for start, end in spans],
    )
