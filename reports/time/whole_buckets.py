"""The whole hours, days or months of an unfinished range, beside as many of the previous one.

An unfinished range is compared in buckets, and its last one may have lasted only minutes. Through
the last bucket that is over, both sides are equally long.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from reports.time.time_range import DAY, Granularity, TimeRange, day_shift, floor, local

_LONG = {Granularity.HOUR, Granularity.DAY, Granularity.MONTH}
"""Of a range by minute the last bucket is too short to matter."""


@dataclass(frozen=True, slots=True)
class WholeBuckets:
    """What is over of an unfinished range, and the part of the previous range beside it."""

    current: TimeRange
    previous: TimeRange


def ends_in_unfinished_bucket(current: TimeRange) -> bool:
    """Whether a range ends in an hour, day or month that isn't over."""
    return current.unfinished and current.granularity in _LONG


def whole_buckets(
    current: TimeRange, previous: TimeRange, *, adjacent: bool
) -> WholeBuckets | None:
    """Both ranges through the last whole hour, day or month of the current one.

    `adjacent`: as many whole buckets right before it, as for a counted period (`1w`: the last seven
    whole days and the seven before them). Otherwise the same first buckets of the previous range;
    of a range by month then also the days that are over. None for a range that is over or by
    minute, one without a whole bucket, and ranges in different buckets.
    """
    if not ends_in_unfinished_bucket(current) or previous.granularity is not current.granularity:
        return None
    if adjacent or current.granularity is not Granularity.MONTH:
        count = len(current.buckets) - 1
        if not count or (adjacent and len(previous.buckets) <= count):
            return None
        buckets = previous.buckets
        return WholeBuckets(
            _until(current, current.buckets[-1]),
            replace(previous, buckets=buckets[-count:])
            if adjacent
            else _until(previous, buckets[count] if count < len(buckets) else previous.end),
        )
    end = _start_of_day(current.until, current)
    if end <= current.start:
        return None
    over = _until(current, end)
    return WholeBuckets(over, _until(previous, _same_end(over, current, previous)))


def left_out(of: TimeRange, whole: TimeRange) -> TimeRange | None:
    """The part of a range, at its beginning or end, that its whole buckets leave out.

    It is one bucket; None if nothing is left out.
    """
    start, end = (whole.end, of.end) if whole.start == of.start else (of.start, whole.start)
    if start >= end:
        return None
    return replace(of, buckets=(start,), end=end, until=end)


def _until(of: TimeRange, end: datetime) -> TimeRange:
    return replace(of, buckets=of.buckets[: bisect_left(of.buckets, end)], end=end, until=end)


def _start_of_day(moment: datetime, of: TimeRange) -> datetime:
    """When the day that contains a time began; days begin at the time of day of the buckets, which
    is not midnight in zones whose usage is stored by full UTC hours.
    """
    return floor(moment - day_shift(of), Granularity.DAY, of.zone) + day_shift(of)


def _same_end(over: TimeRange, current: TimeRange, previous: TimeRange) -> datetime:
    """Where the previous range ends after as many months, and days of the last month."""
    count, zone = len(over.buckets), ZoneInfo(over.zone)
    if count > len(previous.buckets):
        return previous.end
    edges = (*previous.buckets, previous.end)
    if over.end == (*current.buckets, current.end)[count]:  # it ends with a month
        return edges[count]
    first, after = (
        (moment - day_shift(over)).astimezone(zone).date()
        for moment in (over.buckets[-1], over.end)
    )
    begins = (edges[count - 1] - day_shift(previous)).astimezone(ZoneInfo(previous.zone)).date()
    days = (after - first) // DAY
    return min(local(begins + days * DAY, previous.zone) + day_shift(previous), edges[count])
