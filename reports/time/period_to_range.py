"""Converts periods to time ranges: all calendar arithmetic.

Functions that depend on the current time take `now` (aware).
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from reports.time.period import Calendar, Counted, Month, Period, Unit
from reports.time.time_range import DAY, HOUR, STEP, Granularity, TimeRange, floor, local


class NotStartedError(ValueError):
    """The period is in the future, or is a day that its time zone skipped."""


_LONGEST_BEFORE = {
    Unit.DAY: 25 * HOUR,
    Unit.WEEK: 8 * DAY + HOUR,
    Unit.MONTH: 32 * DAY + HOUR,
    Unit.YEAR: 397 * DAY,
}
"""The maximum length of a range that is compared with one a unit earlier: counted periods are one
bucket longer than their name says."""


class OverlapError(ValueError):
    """A range is longer than the unit it is shifted by, so it would overlap the shifted range."""

    def __init__(self, unit: Unit) -> None:
        super().__init__(f"it is longer than a {unit}")


@dataclass(frozen=True, slots=True)
class Ranges:
    """The range of a period, and the previous range that it is compared with."""

    current: TimeRange
    previous: TimeRange


def ranges(period: Period, now: datetime, zone: str = "UTC") -> Ranges:
    """The time range of a period at `now`, and the previous one.

    A date span is compared with the same number of days before it, or of months if it consists of
    whole months. Raises NotStartedError if the period is in the future or its zone skipped it.
    """
    if isinstance(period, Counted):
        current = _counted(period, now, zone)
        return Ranges(current, _before(current, len(current.buckets)))
    first, after, before = _days(period, now, zone)
    if local(first, zone) == local(after, zone):
        raise NotStartedError(f"{period} doesn't exist in {zone}")
    full = (
        _hour_of(period, now, zone)
        if isinstance(period, Calendar) and period.unit is Unit.HOUR
        else _calendar(first, after, zone)
    )
    if full.start > now:
        raise NotStartedError(f"{period} hasn't started yet")
    current = _elapsed(full, now)
    if isinstance(period, Calendar) and period.unit is Unit.HOUR:
        previous = _slide(full, -HOUR)
    else:
        while local(before, zone) == local(first, zone):
            before -= DAY
        previous = _calendar(before, first, zone, full.granularity)
    if current.unfinished:
        previous = _first(previous, len(current.buckets))
    return Ranges(current, previous)


def shifted_back(current: TimeRange, unit: Unit) -> TimeRange:
    """The same range a day, week, month or year earlier, in about as many buckets.

    Raises OverlapError if the range is longer than the unit.
    """
    zone, granularity = ZoneInfo(current.zone), current.granularity
    starts, ends = (at.astimezone(zone) for at in (current.start, current.end))
    is_below_day = granularity in {Granularity.MINUTE, Granularity.HOUR}
    if current.end - current.start > _LONGEST_BEFORE[unit]:
        raise OverlapError(unit)
    first = _back(starts.date(), unit)
    if is_below_day:
        start = floor(local(first, current.zone, starts.time()), granularity)
        end = start + (current.end - current.start)
        return TimeRange(_steps(start, end, STEP[granularity]), end, granularity, end, current.zone)
    # if the shorter month lacks both the first and the last day, both become its last day
    end_day = max(_back(ends.date(), unit), first + DAY)
    while local(first, current.zone) == local(end_day, current.zone):
        first -= DAY
    whole = _calendar(first, end_day, current.zone, granularity)
    return _first(whole, len(current.buckets)) if current.unfinished else whole


def by_hour(of: Ranges) -> Ranges:
    """Ranges by minute as ranges by full UTC hour.

    The previous range is as long before as it was if that is whole hours, else right before.
    """
    current, zone = of.current, of.current.zone
    start = floor(current.start, Granularity.HOUR)
    end = floor(current.end - STEP[Granularity.MINUTE], Granularity.HOUR) + HOUR
    until = current.until if current.unfinished else end
    back = current.start - of.previous.start
    if back % HOUR or back < end - start:
        back = end - start
    now, then = (_steps(start - by, end - by, HOUR) for by in (0 * HOUR, back))
    return Ranges(
        TimeRange(now, end, Granularity.HOUR, until, zone),
        TimeRange(then, end - back, Granularity.HOUR, end - back, zone),
    )


def earlier_months(current: TimeRange, count: int, *, whole: bool = False) -> tuple[TimeRange, ...]:
    """The same first days of each of the `count` months before, the newest first; or with `whole`,
    all of their days.

    `current` begins with a month, in buckets of days; a shorter month has fewer of them.
    """
    this = current.start.astimezone(ZoneInfo(current.zone)).date()
    firsts = [_months_back(this, back) for back in range(1, count + 1)]
    day, most = Granularity.DAY, len(current.buckets)
    months = (_calendar(first, _next_month(first), current.zone, day) for first in firsts)
    return tuple(one if whole else _first(one, most) for one in months)


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
    """The same day `count` months earlier, or that month's last day."""
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
    """The first day, the day after the last, and the first day of the previous period."""
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


def end_of(unit: Unit, now: datetime, zone: str) -> datetime:
    """When the running day, week, month or year of a zone ends (UTC); `now` is aware."""
    today = now.astimezone(ZoneInfo(zone)).date()
    return local(_unit_after(_unit_start(today, unit), unit), zone)


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
    """This or the last clock hour of the zone, by minute."""
    offset = now.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    start = floor(now + offset, Granularity.HOUR) - offset
    start = floor(start, Granularity.MINUTE) - (HOUR if period.last else timedelta())
    steps = _steps(start, start + HOUR, STEP[Granularity.MINUTE])
    return TimeRange(steps, start + HOUR, Granularity.MINUTE, start + HOUR, zone)


def _calendar(
    first: date, after: date, zone: str, granularity: Granularity | None = None
) -> TimeRange:
    """The local days from `first` to before `after`, in buckets that fit the length."""
    granularity = granularity or _granularity(after - first)
    start, end = local(first, zone), local(after, zone)
    if granularity is Granularity.HOUR:
        buckets = _steps(start, end, HOUR)
    elif granularity is Granularity.DAY:
        days = (first + timedelta(days=n) for n in range((after - first).days))
        # a date that the zone skipped has no length
        buckets = tuple(sorted({local(day, zone) for day in days} - {end}))
    else:
        firsts = [first]
        while (next_first := _next_month(firsts[-1])) < after:
            firsts.append(next_first)
        buckets = tuple(local(day, zone) for day in firsts)
    return TimeRange(buckets, end, granularity, end, zone)


def _steps(start: datetime, end: datetime, step: timedelta) -> tuple[datetime, ...]:
    return tuple(start + n * step for n in range(-((start - end) // step)))


def _elapsed(whole: TimeRange, now: datetime) -> TimeRange:
    """The part of a range through the bucket that contains `now`."""
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
    """The `count` buckets right before a range."""
    granularity, end = current.granularity, current.start
    if granularity is Granularity.MINUTE or granularity is Granularity.HOUR:
        step = STEP[granularity]
        buckets = tuple(end - n * step for n in range(count, 0, -1))
        return TimeRange(buckets, end, granularity, end, current.zone)
    after = end.astimezone(ZoneInfo(current.zone)).date()
    if granularity is Granularity.DAY:
        first = after - timedelta(
            days=count + 1
        )  # one more, because the zone may have skipped a day
    else:
        first = _months_back(after, count)
    calendar_range = _calendar(first, after, current.zone, granularity)
    return replace(calendar_range, buckets=calendar_range.buckets[-count:])
