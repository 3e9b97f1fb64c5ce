"""Remembers the rows of the newest windows, which are fetched again every few minutes.

Most of what comes again is what was stored the last time. Reading that back would take a third of
the time that a sync needs for the database.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.store.encoding import to_seconds
from bot.store.usage.diff import Rows
from reports.time.time_range import Granularity, floor
from reports.usage.windows_to_fetch import Window

MOST_ROWS = 20_000
"""Windows with more rows are read again: 20,000 take about 10 MB, and 1,000 keys have 6,000."""
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Remembered:
    window: Window
    rows: Rows
    version: int


class LatestRows:
    """The last window of each granularity that was replaced; may be used from any thread.

    Every change of usage, by whichever process, increments the version of usage. So rows are those
    that are stored as long as the version is the one with which they were remembered, and a
    replacement of another granularity's window moves it on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Granularity, _Remembered] = {}

    def of(self, window: Window, version: int) -> Rows | None:
        """The rows stored in a window at a version of usage; None: read them."""
        with self._lock:
            known = self._known.get(window.granularity)
        if known is None or known.version != version or not _contains(known.window, window):
            return None
        if known.window.start == window.start:
            return known.rows
        start = to_seconds(window.start)
        return {key: usage for key, usage in known.rows.items() if key[1] >= start}

    def remember(self, window: Window, rows: Rows, before: int, after: int) -> None:
        """Remember what a window was replaced by, as the only change between two versions."""
        with self._lock:
            for granularity, known in self._known.items():
                if known.version == before:
                    self._known[granularity] = replace(known, version=after)
            self._known.pop(window.granularity, None)
            if len(rows) <= MOST_ROWS:
                self._known[window.granularity] = _Remembered(window, rows, after)


def _contains(known: Window, window: Window) -> bool:
    """Whether a window has the newest bucket of another one, and none before its first."""
    ends = (floor(one.end - _INSTANT, one.granularity) for one in (known, window))
    return known.start <= window.start and len({*ends}) == 1
