"""Labels of charts and files: headings, axis labels, dates in tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from reports.questions.query import Query
from reports.questions.summary import Summary
from reports.questions.wording import filter_words, range_words, title
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import Metric

_FINE = {Granularity.MINUTE, Granularity.HOUR}
_STEPS = {
    Granularity.MINUTE: (1, 2, 5, 10, 15, 20, 30, 60),
    Granularity.HOUR: (1, 2, 3, 4, 6, 12, 24, 48, 96),
    Granularity.DAY: (1, 2, 3, 4, 5, 7, 10, 14, 21, 28, 56, 112, 224),
    Granularity.MONTH: (1, 2, 3, 4, 6, 12, 24, 48),
}


def heading(query: Query, metric: Metric | None = None) -> str:
    """The title of a chart or page: `Tokens by API key, past month`."""
    return title(replace(query, metric=metric or query.metric))


def subtitle(summary: Summary) -> str:
    """The subtitle of a chart: its range, and the filters if there are any."""
    return " · ".join(
        part for part in (range_words(summary.range), filter_words(summary.query)) if part
    )


def each(span: TimeRange) -> str:
    """The unit of an average: `an hour`, `a day`."""
    return f"{'an' if span.granularity is Granularity.HOUR else 'a'} {span.granularity}"


def cell(span: TimeRange) -> Callable[[datetime], str]:
    """A function that formats a bucket for a table: `11/22/2026`, with the time below a day."""
    zone = ZoneInfo(span.zone)
    pattern = "%m/%d/%Y %H:%M" if span.granularity in _FINE else "%m/%d/%Y"
    return lambda moment: moment.astimezone(zone).strftime(pattern)


def tick(span: TimeRange, index: int) -> str:
    """The axis label of a bucket: `10:31`, `22 Nov`, `Nov 2026`."""
    local = span.buckets[index].astimezone(ZoneInfo(span.zone))
    if span.granularity is Granularity.MONTH:
        return f"{local:%b %Y}"
    midnight = span.granularity is Granularity.HOUR and local.hour == 0 and len(span.buckets) > 24
    if span.granularity is Granularity.DAY or midnight:
        return f"{local.day} {local:%b}"
    return f"{local:%H:%M}"


def ticks(span: TimeRange, most: int) -> list[tuple[int, str]]:
    """Evenly spaced axis labels, at most `most`, with their bucket indexes.

    Hours and minutes are at round numbers of the zone's clock.
    """
    count = len(span.buckets)
    sizes = _STEPS[span.granularity]
    step = next((size for size in sizes if -(-count // size) <= max(most, 1)), sizes[-1])
    if span.granularity not in _FINE:
        return [(index, tick(span, index)) for index in range(0, count, step)]
    zone, labeled = ZoneInfo(span.zone), []
    for index, bucket in enumerate(span.buckets):
        local = bucket.astimezone(zone)
        clock_value = local.hour * 60 + local.minute
        if span.granularity is Granularity.HOUR:
            clock_value = local.toordinal() * 24 + local.hour
        # local time, which skips or repeats an hour when daylight saving changes
        if clock_value % step == 0 and not local.fold:
            labeled.append((index, tick(span, index)))
    return labeled
