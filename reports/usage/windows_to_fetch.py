"""Decides which windows of usage to fetch next, based on what is stored.

OpenRouter has minutes for 3 hours, hours for 31 days and days for 365 days. Recent buckets are
fetched repeatedly, because OpenRouter still changes them for a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reports.time.time_range import DAY, HOUR, STEP, Granularity, floor
from reports.usage.coverage import Coverage, gaps

MINUTE = timedelta(minutes=1)
HISTORY = {Granularity.MINUTE: 3 * HOUR, Granularity.HOUR: 31 * DAY, Granularity.DAY: 365 * DAY}
SYNC_INTERVAL = {
    Granularity.MINUTE: timedelta(seconds=45),
    Granularity.HOUR: timedelta(minutes=4),
    Granularity.DAY: timedelta(minutes=14),
}
"""How often each granularity is fetched, so that it is at most 60 s, 5 min and 15 min old; large
organizations need longer intervals (see fetch_intervals)."""
RECENT = {Granularity.MINUTE: 10 * MINUTE, Granularity.HOUR: 2 * HOUR, Granularity.DAY: DAY}
LOOK_BACK = 7 * DAY  # OpenRouter corrects usage for some days
QUARTER = timedelta(minutes=15)
"""All zones are whole quarter hours from UTC."""
_SEASON = timedelta(days=91)  # a quarter of a year finds summer and winter time
FIRST_WINDOW = {Granularity.MINUTE: 3 * HOUR, Granularity.HOUR: 3 * DAY, Granularity.DAY: 31 * DAY}
TARGET_ROWS = 6_000
"""Rows per window: OpenRouter truncates responses at 10,000, so this leaves room for growth."""
MAX_GROWTH = 8  # from one window to the next: usage may be much denser further back


@dataclass(frozen=True, slots=True)
class Window:
    """A time range to fetch at a granularity: from a bucket's start until `end` (UTC)."""

    granularity: Granularity
    start: datetime
    end: datetime

    def halves(self) -> tuple[Window, Window] | None:
        """The window split in two at a bucket's edge, or None if it is a single bucket."""
        step = STEP[self.granularity]
        buckets = -((self.start - self.end) // step)
        if buckets < 2:
            return None
        middle = self.start + (buckets // 2) * step
        return (
            Window(self.granularity, self.start, middle),
            Window(self.granularity, middle, self.end),
        )


def has_fractional_hour_offset(zone: str, now: datetime) -> bool:
    """Whether a zone's offset from UTC isn't whole hours, at some time of the year.

    Its days start within a UTC hour, so usage has to be kept by the quarter hour. False for an
    unknown zone.
    """
    try:
        zone_info = ZoneInfo(zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False
    offsets = (
        (now + seasons * _SEASON).astimezone(zone_info).utcoffset() or timedelta()
        for seasons in range(-2, 3)
    )
    return any(offset % HOUR for offset in offsets)


def is_due(
    granularity: Granularity,
    now: datetime,
    synced: Mapping[Granularity, datetime],
    every: Mapping[Granularity, timedelta] = SYNC_INTERVAL,
) -> bool:
    """Whether to fetch a granularity now; also if the clock was set back."""
    last = synced.get(granularity)
    return last is None or not timedelta() <= now - last < every[granularity]


def newest_window(granularity: Granularity, now: datetime) -> Window:
    """The newest buckets up to now, which every sync fetches."""
    return Window(granularity, floor(now - RECENT[granularity], granularity), now)


def missing_windows(
    granularity: Granularity, now: datetime, coverage: Coverage
) -> tuple[Window, ...]:
    """Windows that OpenRouter has but the cache doesn't, older than the newest window, most recent
    first."""
    earliest = floor(now - HISTORY[granularity], granularity)
    if granularity is Granularity.MINUTE:
        earliest += MINUTE  # minutes can only be queried in windows of at most 3 hours
    before = newest_window(granularity, now).start
    found = gaps((earliest, before), coverage.get(granularity, ()))
    return tuple(Window(granularity, floor(a, granularity), b) for a, b in reversed(found))


def next_missing(now: datetime, coverage: Coverage) -> Window | None:
    """The missing window to fetch next: of the granularity with the smallest stored share.

    This way, during the first sync, every kind of question soon has some recent data.
    """
    candidates = [
        windows[0]
        for granularity in HISTORY
        if (windows := missing_windows(granularity, now, coverage))
    ]
    return min(
        candidates, key=lambda window: stored_share(window.granularity, now, coverage), default=None
    )


def stored_share(granularity: Granularity, now: datetime, coverage: Coverage) -> float:
    """The stored share of OpenRouter's history at a granularity, from 0 to 1."""
    reach = HISTORY[granularity]
    absent = gaps((now - reach, now), coverage.get(granularity, ()))
    return 1 - sum((end - start for start, end in absent), timedelta()) / reach


def look_back_window(granularity: Granularity, now: datetime) -> Window:
    """The last seven days before the newest buckets, to pick up later changes."""
    return Window(
        granularity,
        floor(now - LOOK_BACK, granularity),
        floor(now - RECENT[granularity], granularity),
    )


def split_off_newest(window: Window, length: timedelta) -> tuple[Window, Window | None]:
    """The newest part of a window, about `length` long, and the remaining window if any."""
    split_at = floor(window.end - length, window.granularity)
    if split_at <= window.start:
        return window, None
    newest_window = Window(window.granularity, split_at, window.end)
    return newest_window, Window(window.granularity, window.start, split_at)


def next_length(window: Window, rows: int) -> timedelta:
    """The length of the next window, given the number of rows of this one.

    It grows at most eightfold, because a truncated response has to be fetched again in parts.
    """
    length = window.end - window.start
    most = max(length * MAX_GROWTH, FIRST_WINDOW[window.granularity])
    return max(min(length * (TARGET_ROWS / max(rows, 1)), most), STEP[window.granularity])
