"""Which windows of usage to fetch next, decided from what is stored.

OpenRouter keeps minutes for 3 hours; it is asked for 31 days by hour and 365 by day. Recent buckets
are fetched again and again, since past buckets still change for a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reports.time.timerange import DAY, HOUR, STEP, Granularity, floor
from reports.usage.coverage import Held, gaps

MINUTE = timedelta(minutes=1)
REACH = {Granularity.MINUTE: 3 * HOUR, Granularity.HOUR: 31 * DAY, Granularity.DAY: 365 * DAY}
EVERY = {
    Granularity.MINUTE: timedelta(seconds=45),
    Granularity.HOUR: timedelta(minutes=4),
    Granularity.DAY: timedelta(minutes=14),
}
"""How often each granularity is fetched, so that it is at most 60 s, 5 min and 15 min old; large
organizations need longer intervals (see refresh_plan)."""
RECENT = {Granularity.MINUTE: 10 * MINUTE, Granularity.HOUR: 2 * HOUR, Granularity.DAY: DAY}
LOOK_BACK = 7 * DAY
QUARTER = timedelta(minutes=15)
"""All zones are whole quarter hours from UTC."""
_SEASON = timedelta(days=91)
FIRST_WINDOW = {Granularity.MINUTE: 3 * HOUR, Granularity.HOUR: 3 * DAY, Granularity.DAY: 31 * DAY}
ROWS_AIMED_AT = 6_000
MOST_GROWTH = 8


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time to fetch at a granularity: from a bucket's start until `end` (UTC)."""

    granularity: Granularity
    start: datetime
    end: datetime

    def halves(self) -> tuple[Window, Window] | None:
        """The window cut in two at a bucket's edge, or None where it is one bucket."""
        step = STEP[self.granularity]
        buckets = -((self.start - self.end) // step)
        if buckets < 2:
            return None
        middle = self.start + (buckets // 2) * step
        return (
            Window(self.granularity, self.start, middle),
            Window(self.granularity, middle, self.end),
        )


def off_the_hour(zone: str, now: datetime) -> bool:
    """Whether the days of a zone begin within an hour of UTC, at some time of the year.

    Their usage has to be kept by the quarter hour. An unknown zone does not count.
    """
    try:
        place = ZoneInfo(zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False
    offsets = (
        (now + months * _SEASON).astimezone(place).utcoffset() or timedelta()
        for months in range(-2, 3)
    )
    return any(offset % HOUR for offset in offsets)


def due(
    granularity: Granularity,
    now: datetime,
    synced: Mapping[Granularity, datetime],
    every: Mapping[Granularity, timedelta] = EVERY,
) -> bool:
    """Whether a granularity is to be fetched now; also where the clock was set back."""
    last = synced.get(granularity)
    return last is None or not timedelta() <= now - last < every[granularity]


def newest(granularity: Granularity, now: datetime) -> Window:
    """The newest buckets, up to now: fetched at every turn."""
    return Window(granularity, floor(now - RECENT[granularity], granularity), now)


def missing(granularity: Granularity, now: datetime, held: Held) -> tuple[Window, ...]:
    """What OpenRouter has before the newest buckets and the cache has not, newest first."""
    earliest = floor(now - REACH[granularity], granularity)
    if granularity is Granularity.MINUTE:
        earliest += MINUTE  # minutes can only be queried in windows of at most 3 hours
    before = newest(granularity, now).start
    found = gaps((earliest, before), held.get(granularity, ()))
    return tuple(Window(granularity, floor(a, granularity), b) for a, b in reversed(found))


def most_missing(now: datetime, held: Held) -> Window | None:
    """The window to fetch next of what is missing: of the granularity of which least is stored.

    So a first sync soon answers every kind of question a little way back.
    """
    wanted = [windows[0] for g in REACH if (windows := missing(g, now, held))]
    return min(wanted, key=lambda window: held_part(window.granularity, now, held), default=None)


def held_part(granularity: Granularity, now: datetime, held: Held) -> float:
    """How much of what OpenRouter has at a granularity is stored, from 0 to 1."""
    reach = REACH[granularity]
    absent = gaps((now - reach, now), held.get(granularity, ()))
    return 1 - sum((end - start for start, end in absent), timedelta()) / reach


def look_back(granularity: Granularity, now: datetime) -> Window:
    """The last seven days up to the newest buckets, for what changed after the fact."""
    return Window(
        granularity,
        floor(now - LOOK_BACK, granularity),
        floor(now - RECENT[granularity], granularity),
    )


def newest_part(window: Window, length: timedelta) -> tuple[Window, Window | None]:
    """The newest part of a window, about so long, and what remains of it."""
    cut = floor(window.end - length, window.granularity)
    if cut <= window.start:
        return window, None
    newest = Window(window.granularity, cut, window.end)
    return newest, Window(window.granularity, window.start, cut)


def next_length(window: Window, rows: int) -> timedelta:
    """How long the next window may be, given how many rows this one brought.

    It grows carefully, since an answer that is cut short has to be asked for again in parts.
    """
    length = window.end - window.start
    most = max(length * MOST_GROWTH, FIRST_WINDOW[window.granularity])
    return max(min(length * (ROWS_AIMED_AT / max(rows, 1)), most), STEP[window.granularity])
