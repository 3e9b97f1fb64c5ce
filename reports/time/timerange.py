"""Time ranges: half-open, UTC, cut into buckets. Here the calendar and its zones are settled.

Every function takes `now`; nothing here knows what time it is.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from reports.time.period import Calendar, Counted, Month, Period, Unit

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


class NotBegunError(ValueError):
    """The period asked for has not begun, or is a day that its zone left out."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Buckets that touch each other: their starts (UTC), and the end of the last one (exclusive).

    `until` is the end, or the moment of asking where the last bucket is unfinished.
    """

    buckets: tuple[datetime, ...]
    end: datetime
    granularity: Granularity
    until: datetime
    zone: str = "UTC"

    def __post_init__(self) -> None:
        edges = (*self.buckets, self.end)
        if len(edges) < 2 or any(a >= b for a, b in pairwise(edges)):
            raise ValueError("a time range has at least one bucket, and time runs forward in it")

    @property
    def start(self) -> datetime:
        """Where the first bucket starts."""
        return self.buckets[0]

    @property
    def unfinished(self) -> bool:
        """Whether the last bucket is still being filled."""
        return self.until < self.end

    def index(self, moment: datetime) -> int:
        """Which bucket a moment of the range falls into."""
        return bisect_right(self.buckets, moment) - 1


_LONGEST_BEFORE = {
    Unit.DAY: 25 * HOUR,
    Unit.WEEK: 8 * DAY + HOUR,
    Unit.MONTH: 32 * DAY + HOUR,
    Unit.YEAR: 397 * DAY,
}
"""How long a range may be that is compared with one so much earlier: counted periods are one
bucket longer than their name says."""


class OverlapError(ValueError):
    """A range is longer than it is to be moved back, so that it would be compared with itself."""

    def __init__(self, unit: Unit) -> None:
        super().__init__(f"it is longer than a {unit}")


@dataclass(frozen=True, slots=True)
class Ranges:
    """The range that a period means, and the one before it, to compare with."""

    current: TimeRange
    previous: TimeRange


@lru_cache(maxsize=1)
def zone_names() -> dict[str, str]:
    """The names of all zones, by their lower-case form; not those that mean a machine's own."""
    names = available_timezones() - {"localtime", "Factory"}
    return {name.lower(): name for name in sorted(names)}


def local(day: date, zone: str, at: time = time()) -> datetime:
    """The instant (UTC) of a local date and time.

    Where it comes twice, the first; where it never comes, the first instant after the gap.
    """
    if zone == "UTC":
        return datetime.combine(day, at, UTC)
    tz = ZoneInfo(zone)
    instant = datetime.combine(day, at, tz).astimezone(UTC)
    if instant.astimezone(tz).replace(tzinfo=None) == datetime.combine(day, at):
        return instant
    # In a gap the two readings (fold 0 and 1) lie on either side of the jump: find it.
    late = instant
    early = datetime.combine(day, at, tz).replace(fold=1).astimezone(UTC)
    offset = early.astimezone(tz).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if middle.astimezone(tz).utcoffset() == offset:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)


def floor(moment: datetime, granularity: Granularity, zone: str = "UTC") -> datetime:
    """The start of the bucket that a moment falls into; days and months are the zone's."""
    if granularity is Granularity.MINUTE:
        return moment.astimezone(UTC).replace(second=0, microsecond=0)
    if granularity is Granularity.HOUR:
        return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    day = moment.astimezone(ZoneInfo(zone)).date()
    return local(day if granularity is Granularity.DAY else day.replace(day=1), zone)


def following(bucket: datetime, granularity: Granularity) -> datetime:
    """The start of the next bucket (of UTC)."""
    if granularity is Granularity.MONTH:
        return floor(bucket + timedelta(days=31), granularity)
    return bucket + STEP[granularity]


def ranges(period: Period, now: datetime, zone: str = "UTC") -> Ranges:
    """The time range that a period means now, and the one before it.

    A finished span is compared with as many days right before, or with as many months where it is
    made of whole ones. Raises NotBegunError for a period that lies wholly in the future.
    """
    if isinstance(period, Counted):
        current = _counted(period, now, zone)
        return Ranges(current, _before(current, len(current.buckets)))
    first, after, before = _days(period, now, zone)
    if local(first, zone) == local(after, zone):
        raise NotBegunError(f"{period} never came in {zone}")
    whole = (
        _hour_of(period, now, zone)
        if isinstance(period, Calendar) and period.unit is Unit.HOUR
        else _calendar(first, after, zone)
    )
    if whole.start > now:
        raise NotBegunError(f"{period} has not begun")
    current = _elapsed(whole, now)
    if isinstance(period, Calendar) and period.unit is Unit.HOUR:
        earlier = _slide(whole, -HOUR)
    else:
        while local(before, zone) == local(first, zone):
            before -= DAY
        earlier = _calendar(before, first, zone, whole.granularity)
    if current.unfinished:
        earlier = _first(earlier, len(current.buckets))
    return Ranges(current, earlier)


def earlier(current: TimeRange, unit: Unit) -> TimeRange:
    """The same range a day, week, month or year earlier, in as many buckets or nearly so.

    Raises OverlapError where the range is longer than that.
    """
    zone, granularity = ZoneInfo(current.zone), current.granularity
    starts, ends = (at.astimezone(zone) for at in (current.start, current.end))
    fine = granularity in {Granularity.MINUTE, Granularity.HOUR}
    if current.end - current.start > _LONGEST_BEFORE[unit]:
        raise OverlapError(unit)
    first = _back(starts.date(), unit)
    if fine:
        start = floor(local(first, current.zone, starts.time()), granularity)
        end = start + (current.end - current.start)
        return TimeRange(_steps(start, end, STEP[granularity]), end, granularity, end, current.zone)
    # a month may lack both the first and the last day, and then ends on that day twice
    after = max(_back(ends.date(), unit), first + DAY)
    while local(first, current.zone) == local(after, current.zone):
        first -= DAY
    whole = _calendar(first, after, current.zone, granularity)
    return _first(whole, len(current.buckets)) if current.unfinished else whole


def _back(day: date, unit: Unit) -> date:
    match unit:
        case Unit.MONTH | Unit.YEAR:
            return _months_back(day, 1 if unit is Unit.MONTH else 12)
        case _:
            return day - (7 * DAY if unit is Unit.WEEK else DAY)


def counted_granularity(period: Counted, now: datetime) -> Granularity:
    """Minutes up to 3 hours, hours up to 3 days, days up to 92 days, months beyond."""
    match period.unit:
        case Unit.HOUR:
            length = period.count * HOUR
        case Unit.DAY:
            length = period.count * DAY
        case Unit.WEEK:
            length = period.count * 7 * DAY
        case _:
            length = now.date() - _months_back(now.date(), _months(period))
    if length <= 3 * HOUR:
        return Granularity.MINUTE
    return _granularity(length)


def _granularity(length: timedelta) -> Granularity:
    if length <= 3 * DAY:
        return Granularity.HOUR
    return Granularity.DAY if length <= 92 * DAY else Granularity.MONTH


def _months(period: Counted) -> int:
    return period.count * (12 if period.unit is Unit.YEAR else 1)


def _months_back(day: date, count: int) -> date:
    """The same day so many months earlier, or that month's last day."""
    year, month = divmod(_month_count(day) - count, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _month_count(day: date) -> int:
    return day.year * 12 + day.month - 1


def _counted(period: Counted, now: datetime, zone: str) -> TimeRange:
    granularity = counted_granularity(period, now)
    today = now.astimezone(ZoneInfo(zone)).date()
    if period.unit in {Unit.MONTH, Unit.YEAR}:
        first = _months_back(today, _months(period))
    elif granularity in {Granularity.MINUTE, Granularity.HOUR} or period.unit is Unit.HOUR:
        back = period.count * (HOUR if period.unit is Unit.HOUR else DAY)
        first = (now - back).astimezone(ZoneInfo(zone)).date()
        if granularity in {Granularity.MINUTE, Granularity.HOUR}:
            start = floor(now - back, granularity)
            end = floor(now, granularity) + STEP[granularity]
            return TimeRange(_steps(start, end, STEP[granularity]), end, granularity, now, zone)
    else:
        first = today - period.count * (7 * DAY if period.unit is Unit.WEEK else DAY)
    if granularity is Granularity.MONTH:
        first, after = first.replace(day=1), _next_month(today)
    else:
        after = today + DAY
    return replace(_calendar(first, after, zone, granularity), until=now)


def _days(period: Period, now: datetime, zone: str) -> tuple[date, date, date]:
    """First day, day after the last, and first day of the period before, in the zone."""
    if isinstance(period, Month):
        return period.first, period.last + DAY, _months_back(period.first, 1)
    if isinstance(period, Calendar):
        today = now.astimezone(ZoneInfo(zone)).date()
        first = _unit_start(today, period.unit)
        before = _unit_start(first - DAY, period.unit)
        if not period.last:
            return first, _unit_after(first, period.unit), before
        return before, first, _unit_start(before - DAY, period.unit)
    if isinstance(period, Counted):
        raise TypeError("a counted period has no calendar days")
    first, after = period.first, period.last + DAY
    if first.day == after.day == 1:
        return first, after, _months_back(first, _month_count(after) - _month_count(first))
    return first, after, first - (after - first)


def _unit_start(day: date, unit: Unit) -> date:
    match unit:
        case Unit.WEEK:
            return day - timedelta(days=day.weekday())
        case Unit.MONTH:
            return day.replace(day=1)
        case Unit.YEAR:
            return day.replace(month=1, day=1)
        case _:
            return day


def _unit_after(first: date, unit: Unit) -> date:
    match unit:
        case Unit.WEEK:
            return first + 7 * DAY
        case Unit.MONTH:
            return _next_month(first)
        case Unit.YEAR:
            return first.replace(year=first.year + 1)
        case _:
            return first + DAY


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def _hour_of(period: Calendar, now: datetime, zone: str) -> TimeRange:
    """This or the last hour of the zone's clock, by minute."""
    offset = now.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    start = floor(now + offset, Granularity.HOUR) - offset
    start = floor(start, Granularity.MINUTE) - (HOUR if period.last else timedelta())
    steps = _steps(start, start + HOUR, STEP[Granularity.MINUTE])
    return TimeRange(steps, start + HOUR, Granularity.MINUTE, start + HOUR, zone)


def _calendar(
    first: date, after: date, zone: str, granularity: Granularity | None = None
) -> TimeRange:
    """Local days from one date until before another, in buckets that suit their number."""
    granularity = granularity or _granularity(after - first)
    start, end = local(first, zone), local(after, zone)
    if granularity is Granularity.HOUR:
        buckets = _steps(start, end, HOUR)
    elif granularity is Granularity.DAY:
        days = (first + timedelta(days=n) for n in range((after - first).days))
        # a zone that once skipped a whole day has a date of no length
        buckets = tuple(sorted({local(day, zone) for day in days} - {end}))
    else:
        firsts = [first]
        while (following := _next_month(firsts[-1])) < after:
            firsts.append(following)
        buckets = tuple(local(day, zone) for day in firsts)
    return TimeRange(buckets, end, granularity, end, zone)


def _steps(start: datetime, end: datetime, step: timedelta) -> tuple[datetime, ...]:
    return tuple(start + n * step for n in range(-((start - end) // step)))


def _elapsed(whole: TimeRange, now: datetime) -> TimeRange:
    """The part of a range up to and with the bucket that now falls into."""
    if now >= whole.end:
        return whole
    count = whole.index(now) + 1
    return replace(_first(whole, count), until=now)


def _first(whole: TimeRange, count: int) -> TimeRange:
    if count >= len(whole.buckets):
        return whole
    end = whole.buckets[count]
    return replace(whole, buckets=whole.buckets[:count], end=end, until=end)


def _slide(whole: TimeRange, by: timedelta) -> TimeRange:
    end = whole.end + by
    return replace(whole, buckets=tuple(b + by for b in whole.buckets), end=end, until=end)


def _before(current: TimeRange, count: int) -> TimeRange:
    """As many buckets right before a range."""
    granularity, end = current.granularity, current.start
    if granularity is Granularity.MINUTE or granularity is Granularity.HOUR:
        step = STEP[granularity]
        buckets = tuple(end - n * step for n in range(count, 0, -1))
        return TimeRange(buckets, end, granularity, end, current.zone)
    after = end.astimezone(ZoneInfo(current.zone)).date()
    if granularity is Granularity.DAY:
        first = after - timedelta(days=count + 1)  # one more, since a zone may leave out a day
    else:
        first = _months_back(after, count)
    earlier = _calendar(first, after, current.zone, granularity)
    return replace(earlier, buckets=earlier.buckets[-count:])
