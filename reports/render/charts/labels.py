"""What files and pictures are lettered with: headings, axes, dates in tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from reports.questions.query import Query
from reports.questions.summary import Summary
from reports.questions.wording import filter_words, range_words, title
from reports.time.timerange import Granularity, TimeRange
from reports.usage.dimensions import Metric

_FINE = {Granularity.MINUTE, Granularity.HOUR}
_STEPS = {
    Granularity.MINUTE: (1, 2, 5, 10, 15, 20, 30, 60),
    Granularity.HOUR: (1, 2, 3, 4, 6, 12, 24, 48, 96),
    Granularity.DAY: (1, 2, 3, 4, 5, 7, 10, 14, 21, 28, 56, 112, 224),
    Granularity.MONTH: (1, 2, 3, 4, 6, 12, 24, 48),
}


def heading(query: Query, metric: Metric | None = None) -> str:
    """What a picture or a page is about: `Tokens by API key, past month`."""
    return title(replace(query, metric=metric or query.metric))


def about(summary: Summary) -> str:
    """Of when and of what it is: the range, and the filters where there are any."""
    return " · ".join(
        part for part in (range_words(summary.range), filter_words(summary.query)) if part
    )


def each(span: TimeRange) -> str:
    """What an average is of: `an hour`, `a day`."""
    return f"{'an' if span.granularity is Granularity.HOUR else 'a'} {span.granularity}"


def cell(span: TimeRange) -> Callable[[datetime], str]:
    """How a table shows a bucket: `11/22/2026`, with the time where buckets are finer."""
    zone = ZoneInfo(span.zone)
    pattern = "%m/%d/%Y %H:%M" if span.granularity in _FINE else "%m/%d/%Y"
    return lambda moment: moment.astimezone(zone).strftime(pattern)


def tick(span: TimeRange, index: int) -> str:
    """How an axis shows a bucket: `10:31`, `22 Nov`, `Nov 2026`."""
    there = span.buckets[index].astimezone(ZoneInfo(span.zone))
    if span.granularity is Granularity.MONTH:
        return f"{there:%b %Y}"
    midnight = span.granularity is Granularity.HOUR and there.hour == 0 and len(span.buckets) > 24
    if span.granularity is Granularity.DAY or midnight:
        return f"{there.day} {there:%b}"
    return f"{there:%H:%M}"


def ticks(span: TimeRange, most: int) -> list[tuple[int, str]]:
    """At most so many buckets to name on an axis, evenly spaced; hours and minutes are round."""
    count = len(span.buckets)
    sizes = _STEPS[span.granularity]
    step = next((size for size in sizes if -(-count // size) <= max(most, 1)), sizes[-1])
    if span.granularity not in _FINE:
        return [(index, tick(span, index)) for index in range(0, count, step)]
    zone, shown = ZoneInfo(span.zone), []
    for index, bucket in enumerate(span.buckets):
        there = bucket.astimezone(zone)
        place = there.hour * 60 + there.minute
        if span.granularity is Granularity.HOUR:
            place = there.toordinal() * 24 + there.hour
        # by the zone's clock, which skips an hour or shows one twice when daylight saving changes
        if place % step == 0 and not there.fold:
            shown.append((index, tick(span, index)))
    return shown
