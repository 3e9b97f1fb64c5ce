"""What goes with an alert: what drives it, its pace, a chart, and the question that shows more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reports.alerts.evaluation import Measurement
from reports.alerts.limits_and_forecast import SpendPace
from reports.alerts.periods import AlertPeriod
from reports.alerts.rule import Above, Budget, Credits, Forecast, New, Rule, Spike, Stale
from reports.questions.query import Query
from reports.time.period import Calendar, Counted, Month, Period, Unit
from reports.time.period import DateSpan as Days
from reports.time.timerange import DAY, HOUR, STEP, Granularity, TimeRange, floor, local
from reports.usage.dimensions import Dimension, Filter, Metric, MoneySource

LONG = timedelta(days=2)
"""Periods up to so long are charted by hour, longer ones by day."""
_MINUTE = timedelta(minutes=1)
_WEEK = 7 * DAY


@dataclass(frozen=True, slots=True)
class Driver:
    """A key or model behind an alert: what it used, and in the stretch before (None: not known)."""

    name: str
    value: int
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """What was looked up once there was something to tell.

    `pace` is the use of the subject just before; `keys` and `models` are what drives it, largest
    first; `range` and `values` make the chart, in the unit of the watch.
    """

    pace: SpendPace | None = None
    keys: tuple[Driver, ...] = ()
    models: tuple[Driver, ...] = ()
    range: TimeRange | None = None
    values: tuple[int, ...] = ()


def metric_of(rule: Rule) -> Metric:
    """What the figures of a rule are of."""
    return rule.watch.metric if isinstance(rule.watch, Above) else Metric.SPEND


def source_of(rule: Rule) -> MoneySource:
    """From which source the money of a rule is."""
    return rule.watch.source if isinstance(rule.watch, Above | Forecast) else MoneySource.ALL


def pace_span(rule: Rule, reading: Measurement) -> AlertPeriod | None:
    """Over which stretch the present pace is measured: an hour, a day or a week; None: no pace."""
    at = floor(reading.at, Granularity.MINUTE)
    match rule.watch:
        case Credits():
            return AlertPeriod(floor(at - _WEEK, Granularity.HOUR), at)
        case Above() | Budget():
            period = reading.period
            short = period is not None and period.end - period.start <= LONG
            back = HOUR if short else DAY
            return AlertPeriod(at - back, at)
    return None


def drivers_spans(rule: Rule, reading: Measurement) -> tuple[AlertPeriod, AlertPeriod] | None:
    """The stretch in which to look for what drives an alert, and one before it to compare with."""
    at = floor(reading.at, Granularity.MINUTE) + _MINUTE
    match rule.watch:
        case Stale() | New():
            return None
        case Spike() if reading.hour:
            hour = reading.hour
            return AlertPeriod(hour.start, min(hour.end, at)), AlertPeriod(
                hour.start - _WEEK, min(hour.end, at) - _WEEK
            )
        case Above() | Budget() | Forecast() if reading.period:
            start, end = reading.period.start, min(reading.period.end, at)
            length = end - start
            before = span_before(reading.period)
            return AlertPeriod(start, end), AlertPeriod(
                before.start, min(before.start + length, before.end)
            )
    return AlertPeriod(at - _WEEK, at), AlertPeriod(at - 2 * _WEEK, at - _WEEK)


def before_words(rule: Rule, reading: Measurement) -> str:
    """What usage is compared with: `the week before`, `same part of the day before`."""
    if isinstance(rule.watch, Spike):
        return "same hour last week"
    period = reading.period
    if period is None:
        return "the week before"
    length = period.end - period.start
    names = (("hour", HOUR), ("day", LONG), ("week", 8 * DAY))
    name = next((name for name, most in names if length <= most), "month")
    part = "same part of " if reading.at < period.end else ""
    return f"{part}the {name} before"


def span_before(period: AlertPeriod) -> AlertPeriod:
    """As long a stretch right before a period."""
    return AlertPeriod(period.start - (period.end - period.start), period.start)


def chart_range(rule: Rule, reading: Measurement, zone: str) -> TimeRange | None:
    """The buckets of the chart: those of the period so far, else the hours or days before."""
    at = reading.at
    match rule.watch:
        case Stale() | New():
            return None
        case Spike():
            last = reading.hour.end if reading.hour else floor(at, Granularity.HOUR) + HOUR
            return _buckets(last - 20 * HOUR, last, Granularity.HOUR, zone)
        case Above() | Budget() if reading.period:
            calendar = "UTC" if isinstance(rule.watch, Budget) else zone
            return _so_far(reading.period, at, calendar)
    return _days(at, 20, zone)


def _so_far(period: AlertPeriod, at: datetime, zone: str) -> TimeRange | None:
    length = period.end - period.start
    if length <= HOUR:
        granularity = Granularity.MINUTE
    else:
        granularity = Granularity.HOUR if length <= LONG else Granularity.DAY
    if granularity is Granularity.DAY:
        last = min(at, period.end - _MINUTE).astimezone(ZoneInfo(zone)).date()
        first = period.start.astimezone(ZoneInfo(zone)).date()
        days = [first + n * DAY for n in range((last - first).days + 1)]
        starts = tuple(sorted({local(day, zone) for day in days}))
        end = local(last + DAY, zone)
        return TimeRange(starts, end, granularity, end, zone) if starts else None
    until = min(period.end, floor(at, granularity) + STEP[granularity])
    return _buckets(period.start, until, granularity, zone)


def _buckets(
    start: datetime, end: datetime, granularity: Granularity, zone: str
) -> TimeRange | None:
    step = STEP[granularity]
    start = floor(start, granularity)
    count = -((start - end) // step)
    if count < 1:
        return None
    starts = tuple(start + n * step for n in range(count))
    return TimeRange(starts, starts[-1] + step, granularity, starts[-1] + step, zone)


def _days(at: datetime, count: int, zone: str) -> TimeRange:
    today = at.astimezone(ZoneInfo(zone)).date()
    days = [today - n * DAY for n in range(count)]
    starts = tuple(sorted({local(day, zone) for day in days}))
    end = local(today + DAY, zone)
    return TimeRange(tuple(s for s in starts if s < end), end, Granularity.DAY, end, zone)


def question(rule: Rule, reading: Measurement, zone: str) -> Query | None:
    """The question that shows more of an alert; None where no usage is behind it."""
    if isinstance(rule.watch, Stale):
        return None
    zone = "UTC" if isinstance(rule.watch, Budget) else zone
    of = subject_of(rule, reading)
    filters = rule.filters
    if of is not None:
        # what is new of a creator is called by both
        name = reading.label.partition(", used by ")[0] if new_of_each(rule) else reading.label
        filters = (*(one for one in filters if one.dimension is not of), Filter(of, name))
    if new_of_each(rule) and reading.owner:
        filters = (*filters, Filter(Dimension.CREATOR, reading.owner))
    seen = {one.dimension for one in filters}
    by = Dimension.KEY if Dimension.KEY not in seen else Dimension.MODEL
    return Query(
        metric_of(rule),
        _period(rule, reading, zone),
        by,
        filters,
        MoneySource.CREDITS if isinstance(rule.watch, Credits) else source_of(rule),
        zone=zone,
    )


def new_of_each(rule: Rule) -> bool:
    """Whether a rule tells what is new of each creator."""
    return isinstance(rule.watch, New) and rule.by is Dimension.CREATOR


def subject_of(rule: Rule, reading: Measurement) -> Dimension | None:
    """Which dimension the subject of a reading is a member of; None for the whole."""
    match rule.watch:
        case New(what):
            return what
        case Budget():
            return Dimension.KEY if reading.subject.startswith("key") else None
    return rule.by if reading.subject else None


def _period(rule: Rule, reading: Measurement, zone: str) -> Period:
    match rule.watch:
        case Spike():
            return Counted(1, Unit.DAY)
        case Credits() | New():
            return Counted(1, Unit.WEEK)
        case Forecast():
            return Calendar(Unit.MONTH)
    if reading.period is None:
        return Calendar(Unit.MONTH)
    there = ZoneInfo(zone)
    first = reading.period.start.astimezone(there).date()
    last = max((reading.period.end - _MINUTE).astimezone(there).date(), first)
    month = Month(first.year, first.month)
    if (month.first, month.last) == (first, last):
        return month
    return Days(first, last)
