"""Remembers what many keys together spent by hour, and which hours were written since.

The hours of a workspace's thousands of keys are a million rows, of which a sync changes only those
of the newest hours. So only these are read again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.store.encoding import to_seconds
from bot.store.usage.selection import Selection
from reports.time.time_range import HOUR, Granularity
from reports.usage.dimensions import MoneySource
from reports.usage.windows_to_fetch import Window

Asked = tuple[Selection, MoneySource]
Hours = Mapping[int, int]
"""Nano-dollars by the start of an hour (seconds)."""
_MOST_KEPT = 50
"""Selections, of 672 hours and some 60 KB each: workspaces with their sources of money."""
_MOST_CHANGES = 2_000
"""Windows of hours that were written: those of some days."""
_HOUR = int(HOUR.total_seconds())


@dataclass(frozen=True, slots=True)
class _Known:
    """Sums from `start` until `end` (seconds), at a version of usage."""

    start: int
    end: int
    hours: Hours
    version: int


class LatestHours:
    """Sums by hour of the selections that were asked for last; may be used from any thread.

    Every change of usage, by whichever process, increments the version of usage. So what was
    written between two versions is known if this process wrote all of it, window by window; if
    not, everything is read again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Asked, _Known] = OrderedDict()
        self._first = self._last = -1
        self._changes: deque[tuple[int, int, int]] = deque()
        """Version after the change, start and end (seconds); from the version `_first` on."""

    def wrote(self, window: Window, before: int, after: int) -> None:
        """Remember that a window was replaced, as the only change between two versions."""
        with self._lock:
            if before != self._last:
                self._first = before
                self._changes.clear()
            self._last = after
            if window.granularity is Granularity.HOUR:
                span = to_seconds(window.start) // _HOUR * _HOUR, to_seconds(window.end)
                self._changes.append((after, *span))
            while len(self._changes) > _MOST_CHANGES:
                self._first = self._changes.popleft()[0]

    def of(
        self,
        asked: Asked,
        span: tuple[int, int],
        version: int,
        read: Callable[[int, int], Hours],
    ) -> Hours:
        """The sums of whole hours in a span (seconds) at a version of usage; `read` reads them."""
        start, end = span
        with self._lock:
            known = self._known.get(asked)
            written = None if known is None else self._written(known.version, version)
        hours: dict[int, int] = {}
        missing = {*range(start, end, _HOUR)}
        if known is not None and written is not None:
            missing -= {*range(known.start, known.end, _HOUR)}
            for since, until in written:
                missing |= {*range(max(since, start), min(until, end), _HOUR)}
            hours = {
                at: spent
                for at, spent in known.hours.items()
                if start <= at < end and at not in missing
            }
        for since, until in _spans(missing):
            hours.update(read(since, until))
        with self._lock:
            self._known[asked] = _Known(start, end, hours, version)
            self._known.move_to_end(asked)
            while len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
        return hours

    def _written(self, before: int, after: int) -> list[tuple[int, int]] | None:
        """The spans of hours written between two versions; None if that isn't known."""
        if before == after:
            return []
        if not self._first <= before < after <= self._last:
            return None
        return [(start, end) for version, start, end in self._changes if before < version <= after]


def _spans(hours: set[int]) -> list[tuple[int, int]]:
    """The spans that hours (seconds) form."""
    found: list[tuple[int, int]] = []
    for at in sorted(hours):
        if found and found[-1][1] == at:
            found[-1] = found[-1][0], at + _HOUR
        else:
            found.append((at, at + _HOUR))
    return found
