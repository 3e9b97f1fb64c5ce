"""Details of an alert: what drives it, its pace, a chart, and the question that shows more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reports.alerts.evaluation import Measurement
from reports.alerts.limits_and_forecast import SpendPace, limit_kind, member_of
from reports.alerts.periods import AlertPeriod
from reports.alerts.rule import Rule
from reports.analysis.limits import LimitKind
from reports.questions.query import Query, QueryKind
from reports.time.period import Calendar, Counted, Month, Period, Unit
from reports.time.period import DateSpan as Days
from reports.time.time_range import DAY, HOUR, STEP, Granularity, TimeRange, floor, local
from reports.usage.dimensions import Dimension, Filter

LONG = timedelta(days=2)
"""Periods up to this length are charted by hour, longer ones by day. A day has up to 25 hours."""
_MINUTE = timedelta(minutes=1)
WEEK = 7 * DAY
_LIMITED = {
    LimitKind.KEY: Dimension.KEY,
    LimitKind.KEY_GUARDRAIL: Dimension.KEY,
    LimitKind.MEMBER_GUARDRAIL: Dimension.CREATOR,
}
"""The dimension whose members a kind of limit is for."""


@dataclass(frozen=True, slots=True)
class Driver:
    """A key or model behind an alert: its usage now and in the previous period (None: unknown)."""

    name: str
    value: int
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """The details looked up for an alert's message.

    `pace` is the subject's most recent usage; `keys` and `models` are what drives it, largest
    first; `range` and `values` make the chart, in the unit of the watch. `notes` are sentences of
    plain text that the kind of alert adds.
    """

    pace: SpendPace | None = None
    keys: tuple[Driver, ...] = ()
    models: tuple[Driver, ...] = ()
    range: TimeRange | None = None
    values: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def period_drivers(measurement: Measurement) -> tuple[AlertPeriod, AlertPeriod]:
    """The measured period so far and the same part of the one before; the last two weeks if there
    is none."""
    period = measurement.period
    if period is None:
        return week_drivers(measurement)
    end = min(period.end, floor(measurement.at, Granularity.MINUTE) + _MINUTE)
    before = span_before(period)
    part = AlertPeriod(before.start, min(before.start + (end - period.start), before.end))
    return AlertPeriod(period.start, end), part


def week_drivers(measurement: Measurement) -> tuple[AlertPeriod, AlertPeriod]:
    """The last week and the one before it."""
    at = floor(measurement.at, Granularity.MINUTE) + _MINUTE
    return AlertPeriod(at - WEEK, at), AlertPeriod(at - 2 * WEEK, at - WEEK)


def recent_pace(measurement: Measurement) -> AlertPeriod:
    """The last hour of a period of up to two days, else the last day."""
    at, period = floor(measurement.at, Granularity.MINUTE), measurement.period
    short = period is not None and period.end - period.start <= LONG
    return AlertPeriod(at - (HOUR if short else DAY), at)


def before_words(rule: Rule, measurement: Measurement) -> str:
    """Says what usage is compared with: `the week before`, `same part of the day before`."""
    if rule.watch.compares_hours:
        return "same hour last week"
    period = measurement.period
    if period is None:
        return "the week before"
    length = period.end - period.start
    names = (("hour", HOUR), ("day", LONG), ("week", 8 * DAY))
    name = next((name for name, most in names if length <= most), "month")
    part = "same part of " if measurement.at < period.end else ""
    return f"{part}the {name} before"


def span_before(period: AlertPeriod) -> AlertPeriod:
    """The period of the same length right before a period."""
    return AlertPeriod(period.start - (period.end - period.start), period.start)


def period_chart(period: AlertPeriod, at: datetime, zone: str) -> TimeRange | None:
    """The buckets of a period so far: minutes of an hour, hours of a day, else days."""
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
    return buckets(period.start, until, granularity, zone)


def buckets(
    start: datetime, end: datetime, granularity: Granularity, zone: str
) -> TimeRange | None:
    """The buckets from `start` up to `end` (UTC); None if there are none."""
    step = STEP[granularity]
    start = floor(start, granularity)
    count = -((start - end) // step)
    if count < 1:
        return None
    starts = tuple(start + n * step for n in range(count))
    return TimeRange(starts, starts[-1] + step, granularity, starts[-1] + step, zone)


def days_chart(at: datetime, zone: str, count: int = 20) -> TimeRange:
    """The last days of a zone; 20 is as many points as a Slack chart takes."""
    today = at.astimezone(ZoneInfo(zone)).date()
    days = [today - n * DAY for n in range(count)]
    starts = tuple(sorted({local(day, zone) for day in days}))
    end = local(today + DAY, zone)
    return TimeRange(tuple(s for s in starts if s < end), end, Granularity.DAY, end, zone)


def question(rule: Rule, measurement: Measurement, zone: str) -> Query | None:
    """The question that shows more of an alert; None if there is no usage behind it."""
    watch = rule.watch
    if not watch.has_details:
        return None
    zone = "UTC" if watch.set_at_openrouter else zone
    of = subject_of(rule, measurement)
    filters = rule.filters
    if of is not None:
        # the label of something new to a creator names both
        name = measurement.label
        name = name.partition(", used by ")[0] if new_of_each(rule) else name
        name = member_of(name) if watch.set_at_openrouter else name
        filters = (*(one for one in filters if one.dimension is not of), Filter(of, name))
    if new_of_each(rule) and measurement.creator:
        filters = (*filters, Filter(Dimension.CREATOR, measurement.creator))
    seen = {one.dimension for one in filters}
    by = Dimension.KEY if Dimension.KEY not in seen else Dimension.MODEL
    period = watch.question_period(measurement, zone)
    kind = watch.question_kind
    metric = watch.measured if kind is QueryKind.USAGE else None
    return Query(metric, period, by, filters, watch.money_source, zone=zone, kind=kind)


def shows_change(rule: Rule, measurement: Measurement) -> bool:
    """Whether an alert compares usage with an earlier period, so that `why` explains it."""
    return rule.watch.has_details and rule.watch.driver_periods(measurement) is not None


def why_question(rule: Rule, measurement: Measurement, zone: str, now: datetime) -> Query | None:
    """The question that explains the change behind an alert; None if it shows none.

    An hour that is still running is explained from minutes: usage by hour is synced less often, so
    it may lack what triggered the alert.
    """
    query = question(rule, measurement, zone) if shows_change(rule, measurement) else None
    if query is None:
        return None
    running = measurement.hour is not None and now < measurement.hour.end
    period = Counted(1, Unit.HOUR) if running else query.period
    return replace(query, kind=QueryKind.WHY, by=None, period=period)


def why_moment(measurement: Measurement, now: datetime) -> datetime:
    """The time of `why_question`: now, or the end of its hour or period."""
    about = measurement.hour or measurement.period
    return min(now, about.end - _MINUTE) if about else now


def new_of_each(rule: Rule) -> bool:
    """Whether a rule finds what is new to each creator."""
    return rule.watch.happens_once and rule.by is Dimension.CREATOR


def subject_of(rule: Rule, measurement: Measurement) -> Dimension | None:
    """The dimension of a measurement's subject; None for the whole."""
    if rule.watch.set_at_openrouter:
        return _LIMITED.get(limit_kind(measurement.subject))
    return rule.watch.subject_dimension(rule.by) if measurement.subject else None


def period_of_question(measurement: Measurement, zone: str) -> Period:
    """The measured period as a question's; the current month if there is none."""
    if measurement.period is None:
        return Calendar(Unit.MONTH)
    there = ZoneInfo(zone)
    first = measurement.period.start.astimezone(there).date()
    last = max((measurement.period.end - _MINUTE).astimezone(there).date(), first)
    month = Month(first.year, first.month)
    if (month.first, month.last) == (first, last):
        return month
    return Days(first, last)
