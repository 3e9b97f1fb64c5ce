"""Time ranges: half-open, in UTC, divided into buckets; and conversions between zones and UTC."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Granularity(StrEnum):
    """The size of a bucket."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


STEP = {
    Granularity.MINUTE: timedelta(minutes=1),
    Granularity.HOUR: HOUR,
    Granularity.DAY: DAY,
}


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Adjacent buckets: their starts (UTC), and the exclusive end of the last one.

    `until` is the end, or the time of the question if the last bucket is unfinished. Raises
    ValueError if there is no bucket or they are not in order.
    """

    buckets: tuple[datetime, ...]
    end: datetime
    granularity: Granularity
    until: datetime
    zone: str = "UTC"

    def __post_init__(self) -> None:
        edges = (*self.buckets, self.end)
        if len(edges) < 2 or any(a >= b for a, b in pairwise(edges)):
            raise ValueError("a time range has at least one bucket, and they are in order")

    @property
    def start(self) -> datetime:
        """The start of the first bucket (UTC)."""
        return self.buckets[0]

    @property
    def unfinished(self) -> bool:
        """Whether the last bucket isn't over yet."""
        return self.until < self.end

    def index(self, moment: datetime) -> int:
        """The index of the bucket that contains a time of the range."""
        return bisect_right(self.buckets, moment) - 1


@lru_cache(maxsize=1)
def zone_names() -> dict[str, str]:
    """All time zone names by their lower-case form, except those for the machine's own zone."""
    names = available_timezones() - {"localtime", "Factory"}
    return {name.lower(): name for name in sorted(names)}


def local(day: date, zone: str, at: time = time()) -> datetime:
    """The time in UTC of a local date and time.

    An ambiguous time means its first occurrence; a skipped time means the first time after the gap.
    """
    if zone == "UTC":
        return datetime.combine(day, at, UTC)
    tz = ZoneInfo(zone)
    instant = datetime.combine(day, at, tz).astimezone(UTC)
    if instant.astimezone(tz).replace(tzinfo=None) == datetime.combine(day, at):
        return instant
    # In a gap, fold 0 and fold 1 give instants on either side of the jump: bisect to find it.
    after_gap = instant
    before_gap = datetime.combine(day, at, tz).replace(fold=1).astimezone(UTC)
    offset = before_gap.astimezone(tz).utcoffset()
    while after_gap - before_gap > timedelta(seconds=1):
        middle = before_gap + (after_gap - before_gap) / 2
        if middle.astimezone(tz).utcoffset() == offset:
            before_gap = middle
        else:
            after_gap = middle
    return after_gap.replace(microsecond=0)


def floor(moment: datetime, granularity: Granularity, zone: str = "UTC") -> datetime:
    """The start (UTC) of the bucket that contains a time; days and months are those of the zone."""
    if granularity is Granularity.MINUTE:
        return moment.astimezone(UTC).replace(second=0, microsecond=0)
    if granularity is Granularity.HOUR:
        return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    day = moment.astimezone(ZoneInfo(zone)).date()
    return local(day if granularity is Granularity.DAY else day.replace(day=1), zone)


def day_shift(span: TimeRange) -> timedelta:
    """How long after midnight the days of a range begin: 0, except in zones whose usage is stored
    by full UTC hours.
    """
    last = span.buckets[-1]
    return last - floor(last, Granularity.DAY, span.zone)


def last_date(span: TimeRange) -> date:
    """The last day (in its zone) of a range by day or month that is over."""
    last = span.end - day_shift(span) - timedelta(microseconds=1)
    return last.astimezone(ZoneInfo(span.zone)).date()


def next_bucket(bucket: datetime, granularity: Granularity) -> datetime:
    """The start of the next bucket in UTC."""
    if granularity is Granularity.MONTH:
        return floor(bucket + timedelta(days=31), granularity)
    return bucket + STEP[granularity]
