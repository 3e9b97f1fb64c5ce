"""Puts questions, time ranges and times into words, for messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from reports.questions.query import WITHOUT_PERIOD, Query, QueryKind, Versus
from reports.time.period import Calendar, Counted, DateSpan, Month, Period, Unit
from reports.time.time_range import Granularity, TimeRange, last_date
from reports.usage.dimensions import NAMES, Metric, MoneySource
from reports.wording.safe_text import clean

DIMENSION_WORDS = {dimension: names.label for dimension, names in NAMES.items()}
KIND_WORDS = {
    QueryKind.USAGE: "Activity",
    QueryKind.PRICE: "Price",
    QueryKind.WHY: "What changed",
    QueryKind.FORECAST: "Forecast",
    QueryKind.LIMITS: "Limits",
    QueryKind.KEYS: "API keys",
    QueryKind.CACHE: "Cache",
    QueryKind.WHATIF: "What if",
    QueryKind.RETIRING: "Retiring models",
    QueryKind.NEW: "New",
    QueryKind.LATENCY: "Latency",
    QueryKind.ERRORS: "Failed requests",
}
"""The first words in the title of an answer, by kind."""
_SOURCE = {
    MoneySource.ALL: "",
    MoneySource.CREDITS: " from credits",
    MoneySource.BYOK: " from BYOK",
}
EARLIER = {
    Versus.DAY: Unit.DAY,
    Versus.WEEK: Unit.WEEK,
    Versus.MONTH: Unit.MONTH,
    Versus.YEAR: Unit.YEAR,
}
"""How much earlier the compared period is, by comparison."""


def period_words(period: Period) -> str:
    """A period in words: `past month`, `last week`, `October 2026`, `1–15 Oct 2026`."""
    if isinstance(period, Counted):
        if period.count == 1:
            return f"past {period.unit}"
        return f"past {period.count} {period.unit}s"
    if isinstance(period, Calendar):
        if period.unit is Unit.DAY:
            return "yesterday" if period.last else "today"
        return f"{'last' if period.last else 'this'} {period.unit}"
    if isinstance(period, Month):
        return f"{period.first:%B %Y}"
    return _span_words(period)


def before_words(period: Period, *, unfinished: bool, versus: Versus | None = None) -> str:
    """The compared period in words: `the month before`, `the same part of last month`."""
    if versus in EARLIER:
        return f"a {EARLIER[versus]} earlier"
    if isinstance(period, Counted):
        length = f"{period.count} {period.unit}s" if period.count > 1 else str(period.unit)
        return f"the {length} before"
    if isinstance(period, Calendar):
        if period.last or not unfinished:
            return f"the {period.unit} before"
        name = "yesterday" if period.unit is Unit.DAY else f"last {period.unit}"
        return f"the same part of {name}"
    days = 0 if isinstance(period, Month) else (period.last - period.first).days + 1
    previous = {0: "the month before", 1: "the day before"}.get(days, f"the {days} days before")
    return f"the same part of {previous}" if unfinished else previous


def is_cut_longer(query: Query, now: TimeRange) -> bool:
    """Whether the first buckets of the previous period are longer than what is over of them now."""
    if isinstance(query.period, Counted) or query.versus in EARLIER:
        return False
    return now.unfinished and now.granularity is not Granularity.MINUTE


def previous_words(query: Query, now: TimeRange, before: TimeRange | None) -> str:
    """The compared period in words; where an unfinished range is compared with a longer one, its
    dates: `1–30 Oct`, `29 Nov 00:00 – 03:00`.

    `before` is None if the previous period isn't stored.
    """
    if before and is_cut_longer(query, now):
        return dates_words(before, year=before.start.year != now.end.year)
    return before_words(query.period, unfinished=now.unfinished, versus=query.versus)


def metric_words(query: Query, metric: Metric) -> str:
    """A metric with its money source: `spend from credits`."""
    return f"{metric}{_SOURCE[query.source]}" if metric is Metric.SPEND else str(metric)


def title(query: Query) -> str:
    """The title of an answer: `Tokens by model, past month`, `Price by key, today`.

    An answer on one money source says so: `Activity (spend from credits), past day`.
    """
    if query.kind is not QueryKind.USAGE:
        metric = query.metric
        if metric is None and query.source is not MoneySource.ALL:
            metric = Metric.SPEND
        about = f" ({metric_words(query, metric)})" if metric else ""
        what = f"{KIND_WORDS[query.kind]}{about}"
    elif query.metric:
        what = capitalize_first(metric_words(query, query.metric))
    elif query.source is MoneySource.ALL:
        what = "Activity"
    else:
        what = f"Activity ({metric_words(query, Metric.SPEND)})"
    by = f" by {DIMENSION_WORDS[query.by]}" if query.by else ""
    when = "" if query.kind in WITHOUT_PERIOD else f", {period_words(query.period)}"
    return f"{what}{by}{excluded_words(query)}{when}"


def capitalize_first(words: str) -> str:
    """Words with a capital first letter; other capitals stay, as in `API key`."""
    return words[:1].upper() + words[1:]


def since_words(moment: datetime, wanted: TimeRange) -> str:
    """A time in the zone of a range, as precise as its buckets: `29 Nov 2025`, `22 Nov 04:00`."""
    at = moment.astimezone(ZoneInfo(wanted.zone))
    if wanted.granularity in {Granularity.MINUTE, Granularity.HOUR}:
        return f"{at.day} {at:%b %H:%M}"
    return _day(at)


def range_words(wanted: TimeRange) -> str:
    """A range in words: `22 Oct – 22 Nov 2026, by day, UTC`."""
    zone = ZoneInfo(wanted.zone)
    first, last = wanted.start.astimezone(zone), wanted.until.astimezone(zone)
    if wanted.granularity in {Granularity.MINUTE, Granularity.HOUR}:
        if first.date() == last.date():
            span = f"{_day(last)} {first:%H:%M} – {last:%H:%M}"
        else:
            span = f"{_day(first, last)} {first:%H:%M} – {_day(last)} {last:%H:%M}"
    else:
        final = last.date() if wanted.unfinished else last_date(wanted)
        span = f"{_day(first, final)} – {_day(final)}"
        span = _day(final) if first.date() == final else span
    return f"{span}, by {wanted.granularity}, {wanted.zone}"


def dates_words(span: TimeRange, *, year: bool = True) -> str:
    """The dates of a range: `1–29 Nov 2026`, `29 Oct – 27 Nov 2026`, `Nov 2025 – Oct 2026`.

    Times are added to ranges by minute or hour: `29 Nov 2026 21:45 – 23:45`. Without `year`, the
    year is left out, except of whole months of different years.
    """
    zone = ZoneInfo(span.zone)
    first, ended = span.start.astimezone(zone), span.until.astimezone(zone)
    if span.granularity in {Granularity.MINUTE, Granularity.HOUR}:
        start = "" if first.date() == ended.date() else f"{first.day} {first:%b} "
        end = f"{ended.day} {ended:%b %Y}" if year else f"{ended.day} {ended:%b}"
        if start:
            return f"{start}{first:%H:%M} – {end} {ended:%H:%M}"
        return f"{end} {first:%H:%M} – {ended:%H:%M}"
    last = ended.date() if span.unfinished else last_date(span)
    of_year = f" {last:%Y}" if year else ""
    if is_whole_months(span):
        if first.year != last.year:
            return f"{first:%b %Y} – {last:%b %Y}"
        return (
            f"{last:%b}{of_year}"
            if first.month == last.month
            else f"{first:%b} – {last:%b}{of_year}"
        )
    if first.year != last.year:
        return f"{_day(first)} – {_day(last)}"
    end = f"{last.day} {last:%b}{of_year}"
    if first.month != last.month:
        return f"{first.day} {first:%b} – {end}"
    return end if first.day == last.day else f"{first.day}–{end}"


def is_whole_months(span: TimeRange) -> bool:
    """Whether a range by month starts with a month and ends with one."""
    zone = ZoneInfo(span.zone)
    edges = (edge.astimezone(zone) for edge in (span.start, span.end))
    return span.granularity is Granularity.MONTH and all(edge.day == 1 for edge in edges)


def compared_words(before: TimeRange, now: TimeRange) -> str:
    """Two ranges: `1–29 Oct → 1–29 Nov 2026, by day, UTC`."""
    differ = before.start.year != now.end.year
    earlier, later = dates_words(before, year=differ), dates_words(now)
    return f"{earlier} → {later}, by {now.granularity}, {now.zone}"


def bucket_words(bucket: datetime, wanted: TimeRange) -> str:
    """A short name for a bucket, of at most 12 characters: `10:31`, `21 Nov 10h`, `22 Oct`."""
    at = bucket.astimezone(ZoneInfo(wanted.zone))
    match wanted.granularity:
        case Granularity.MINUTE:
            return f"{at:%H:%M}"
        case Granularity.HOUR:
            return f"{at.day} {at:%b %H:%M}"
        case Granularity.DAY:
            return f"{at.day} {at:%b}"
        case Granularity.MONTH:
            return f"{at:%b %Y}"


def stamp(moment: datetime) -> str:
    """A time in UTC: `22 Nov 2026, 10:31 UTC`. `moment` must be in UTC."""
    return f"{moment.day} {moment:%b %Y}, {moment:%H:%M} UTC"


def filter_words(query: Query, quote: Callable[[str], str] = str) -> str:
    """The filters in words: `only model:claude*, key:prod, without key:ci*`.

    `quote` formats the filters after `only` and `without`, for example as code in Slack.
    """
    sides = (
        ("only", [str(one) for one in query.filters if not one.exclude]),
        ("without", [str(one).removeprefix("-") for one in query.filters if one.exclude]),
    )
    return ", ".join(
        f"{word} {quote(', '.join(clean(one) for one in filters))}"
        for word, filters in sides
        if filters
    )


def excluded_words(query: Query) -> str:
    """The exclusions for a title: ` without opus`; "" if there are none."""
    names = [clean(one.pattern.strip("*"), 40) for one in query.filters if one.exclude]
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return f" without {', '.join(names[:2])}{more}" if names else ""


def _span_words(span: DateSpan) -> str:
    if span.first == span.last:
        return f"{span.first.day} {span.first:%b %Y}"
    end = f"{span.last.day} {span.last:%b %Y}"
    if (span.first.year, span.first.month) == (span.last.year, span.last.month):
        return f"{span.first.day}–{end}"
    if span.first.year == span.last.year:
        return f"{span.first.day} {span.first:%b} – {end}"
    return f"{span.first.day} {span.first:%b %Y} – {end}"


def _day(moment: date, end: date | None = None) -> str:
    same_year = end is not None and moment.year == end.year
    return f"{moment.day} {moment:%b}" if same_year else f"{moment.day} {moment:%b %Y}"
