"""Money, counts and times in the messages of alerts."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from reports.alerts.evaluation import Measurement
from reports.alerts.periods import AlertPeriod
from reports.time.period import Unit
from reports.time.timerange import HOUR
from reports.usage.dimensions import Metric
from reports.usage.format import money, number
from reports.usage.usage import NANO, exact_money
from reports.wording.times import clock_words, day_words


def price(nano: int) -> str:
    """Money in alerts: `$85.10`, `$12,345.67`, `$0.0012`; whole dollars as in limits: `$100`.

    Limits are nearly always whole dollars and measured amounts nearly never, so both read well.
    """
    return money(nano) if nano % NANO else exact_money(nano)


def amount(metric: Metric, value: int) -> str:
    """A figure with its unit: `$85.10`, `10.6M tokens`."""
    return price(value) if metric is Metric.SPEND else f"{number(value)} {metric}"


def bare(metric: Metric, value: int) -> str:
    """A figure without its unit: `$85.10`, `10.6M`."""
    return price(value) if metric is Metric.SPEND else number(value)


def clock(moment: datetime, now: datetime, zone: str) -> str:
    """A moment in a zone, without its date if that is today's: `today 14:10`, `Thu 3 Dec, 9:10`."""
    there, today = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    return f"today {clock_words(there)}" if there.date() == today else day_words(moment, zone)


def when_words(unit: Unit, reading: Measurement, zone: str) -> str:
    """In which period: `this hour`, `today`, `this week`, or its date once it is over."""
    period = reading.period
    if period is None or reading.part:
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
