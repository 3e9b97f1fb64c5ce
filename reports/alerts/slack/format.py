"""Formats money, counts and times in alert messages."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from reports.alerts.evaluation import Measurement
from reports.alerts.periods import AlertPeriod
from reports.alerts.rule import Rule
from reports.questions.wording import DIMENSION_WORDS
from reports.time.period import Unit
from reports.time.time_range import HOUR
from reports.usage.dimensions import Metric
from reports.usage.format import money, number
from reports.wording.times import clock_words, day_words


def price(nano: int) -> str:
    """Money in alerts, including limits: `$85.10 of $100.00`."""
    return money(nano)


def amount(metric: Metric, value: int) -> str:
    """A figure with its unit: `$85.10`, `10.6M tokens`."""
    return price(value) if metric is Metric.SPEND else f"{number(value)} {metric}"


def bare(metric: Metric, value: int) -> str:
    """A figure without its unit: `$85.10`, `10.6M`."""
    return price(value) if metric is Metric.SPEND else number(value)


def clock(moment: datetime, now: datetime, zone: str) -> str:
    """A time in a zone, with `today` instead of today's date: `today 14:10`, `Thu 3 Dec, 9:10`."""
    there, today = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    return f"today {clock_words(there)}" if there.date() == today else day_words(moment, zone)


def when_words(unit: Unit, measurement: Measurement, zone: str) -> str:
    """The name of a period: `this hour`, `today`, `this week`, or its date once it is over."""
    period = measurement.period
    if period is None or measurement.part:
        return "today" if unit is Unit.DAY else f"this {unit}"
    return past_words(unit, period, zone)


def past_words(unit: Unit, period: AlertPeriod, zone: str) -> str:
    """A period that has ended, by its date."""
    first = period.start.astimezone(ZoneInfo(zone))
    match unit:
        case Unit.HOUR:
            until = first + HOUR
            return f"on {first.day} {first:%b} from {clock_words(first)} to {clock_words(until)}"
        case Unit.MONTH:
            return f"in {first:%B %Y}"
        case Unit.WEEK:
            return f"in the week of {first.day} {first:%b}"
    return f"on {first.day} {first:%b}"


def age(seconds: int) -> str:
    """A number of seconds in words: `40 minutes`, `1 hour`, `3 hours 5 minutes`, `2 days`."""
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours >= 48:
        return f"{hours // 24} days"
    parts = [many(hours, "hour")] if hours else []
    parts += [many(minutes, "minute")] if minutes or not hours else []
    return " ".join(parts)


def many(count: int, what: str) -> str:
    """`1 day`, `6 days`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def used(measurement: Measurement) -> str:
    """How much of a limit is used: `85% used: $85.10 of $100, $14.90 left`."""
    value, limit = measurement.value or 0, measurement.limit
    percent = int(Fraction(value * 100, limit)) if limit > 0 else 0
    room = limit - value
    left = f"{price(room)} left" if room > 0 else f"{price(-room)} over" if room else "nothing left"
    return f"{percent}% used: {price(value)} of {price(limit)}, {left}"


def of_limit(metric: Metric, measurement: Measurement) -> str:
    """A figure and its limit: `$130.15 of $100`."""
    return f"{amount(metric, measurement.value or 0)} of {amount(metric, measurement.limit)}"


def for_each(rule: Rule) -> str:
    """Which dimension's members are evaluated separately: ` for each API key`; "" for none."""
    return f" for each {DIMENSION_WORDS[rule.by]}" if rule.by else ""
