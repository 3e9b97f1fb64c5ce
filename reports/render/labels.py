"""Moments, ranges and questions in words, in the zone of the range."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reports.query import Dimension, Metric, Query, Source
from reports.timerange import Granularity, TimeRange

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DIMENSIONS = {
    Dimension.MODEL: "model",
    Dimension.KEY: "API key",
    Dimension.CREATOR: "creator",
}
_FINE = {Granularity.MINUTE, Granularity.HOUR}
_STEPS = {
    Granularity.MINUTE: (1, 2, 5, 10, 15, 20, 30, 60),
    Granularity.HOUR: (1, 2, 3, 4, 6, 12, 24, 48, 96),
    Granularity.DAY: (1, 2, 3, 4, 5, 7, 10, 14, 21, 28, 56, 112, 224),
    Granularity.MONTH: (1, 2, 3, 4, 6, 12, 24, 48),
}


def title(query: Query, metric: Metric | None = None) -> str:
    """What a picture or a page is about: `Tokens by API key`."""
    about = (metric or query.metric or "activity").capitalize()
    return f"{about} by {DIMENSIONS[query.by]}" if query.by else about


def each(span: TimeRange) -> str:
    """What an average is of: `an hour`, `a day`."""
    return f"{'an' if span.granularity is Granularity.HOUR else 'a'} {span.granularity}"


def source(query: Query) -> str:
    """Where the money comes from, in words; empty where all of it counts."""
    words = {Source.CREDITS: "OpenRouter credits only", Source.BYOK: "BYOK only"}
    return words.get(query.source, "")


def day(moment: datetime, zone: str) -> str:
    """`Nov 22, 2026`."""
    there = moment.astimezone(ZoneInfo(zone))
    return f"{MONTHS[there.month - 1]} {there.day}, {there.year}"


def stamp(moment: datetime, zone: str) -> str:
    """`Nov 22, 2026, 10:31 UTC`."""
    there = moment.astimezone(ZoneInfo(zone))
    return f"{day(moment, zone)}, {there:%H:%M} {there.tzname() if zone != 'UTC' else 'UTC'}"


def period(span: TimeRange) -> str:
    """`Oct 22 – Nov 22, 2026`; with times where the buckets are hours or minutes."""
    zone = ZoneInfo(span.zone)
    first = span.start.astimezone(zone)
    if span.granularity in _FINE:
        last = min(span.until, span.end).astimezone(zone)
        same = first.date() == last.date()
        until = f"{last:%H:%M}" if same else f"{day(last, span.zone)}, {last:%H:%M}"
        return f"{day(first, span.zone)}, {first:%H:%M} – {until}"
    # the end is exclusive: the last day is the one of the moment before it
    last = min(span.until, span.end - timedelta(seconds=1)).astimezone(zone)
    if first.date() == last.date():
        return day(first, span.zone)
    begin = day(first, span.zone)
    if first.year == last.year:
        begin = begin.rpartition(",")[0]
    return f"{begin} – {day(last, span.zone)}"


def cell(span: TimeRange) -> Callable[[datetime], str]:
    """How a table shows a bucket: `11/22/2026`, with the time where buckets are finer."""
    zone = ZoneInfo(span.zone)
    pattern = "%m/%d/%Y %H:%M" if span.granularity in _FINE else "%m/%d/%Y"
    return lambda moment: moment.astimezone(zone).strftime(pattern)


def tick(span: TimeRange, index: int) -> str:
    """How an axis shows a bucket: `10:31`, `Nov 22`, `Nov 2026`."""
    there = span.buckets[index].astimezone(ZoneInfo(span.zone))
    month = MONTHS[there.month - 1]
    if span.granularity is Granularity.MONTH:
        return f"{month} {there.year}"
    if span.granularity is Granularity.DAY:
        return f"{month} {there.day}"
    midnight = span.granularity is Granularity.HOUR and there.hour == 0 and len(span.buckets) > 24
    return f"{month} {there.day}" if midnight else f"{there:%H:%M}"


def ticks(span: TimeRange, most: int) -> list[tuple[int, str]]:
    """At most so many buckets to name on an axis, evenly spaced; hours and minutes are round."""
    count = len(span.buckets)
    sizes = _STEPS[span.granularity]
    step = next((size for size in sizes if -(-count // size) <= max(most, 1)), sizes[-1])
    chosen = range(0, count, step)
    if span.granularity in _FINE:
        chosen = range(_offset(span, step), count, step)
    return [(index, tick(span, index)) for index in chosen]


def _offset(span: TimeRange, step: int) -> int:
    """How many buckets until the clock shows a multiple of the step."""
    there = span.start.astimezone(ZoneInfo(span.zone))
    place = there.hour * 60 + there.minute
    if span.granularity is Granularity.HOUR:
        place = there.hour
    return -place % step
