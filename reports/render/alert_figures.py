"""Money, counts and moments as alerts tell them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reports.alert_state import Reading
from reports.alert_time import Span
from reports.period import Unit
from reports.query import Metric
from reports.text import money, number
from reports.timerange import HOUR
from reports.usage import NANO, exact_money

_DAYS_NAMED = timedelta(days=6)


def price(nano: int) -> str:
    """Money in alerts: `$85.10`, `$12,345.67`, `$0.0012`; whole dollars as in limits: `$100`.

    Limits are nearly always whole dollars and measured amounts nearly never, so both read well.
    """
    return money(nano) if nano % NANO else exact_money(nano)


def amount(metric: Metric, value: int) -> str:
    """A figure of a metric, as alerts tell it: `$85.10`, `10.6M tokens`."""
    return price(value) if metric is Metric.SPEND else f"{number(value)} {metric}"


def bare(metric: Metric, value: int) -> str:
    """The same without what it counts: `$85.10`, `10.6M`."""
    return price(value) if metric is Metric.SPEND else number(value)


def clock(moment: datetime, now: datetime, zone: str) -> str:
    """A moment to come or just past: `14:10`, `Thursday 14:10`, `Thu 3 Dec 14:10`."""
    there, today = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    if there.date() == today:
        return f"today {there:%H:%M}"
    if abs(there.date() - today) <= _DAYS_NAMED:
        return f"{there:%A %H:%M}"
    return f"{there:%a} {there.day} {there:%b %H:%M}"


def when_words(unit: Unit, reading: Reading, zone: str) -> str:
    """In which period: `this hour`, `today`, `this week`, or its date once it is over."""
    period = reading.period
    if period is None or reading.part:
        return "today" if unit is Unit.DAY else f"this {unit}"
    return past_words(unit, period, zone)


def past_words(unit: Unit, period: Span, zone: str) -> str:
    """A period that is over, by its date."""
    first = period.start.astimezone(ZoneInfo(zone))
    match unit:
        case Unit.HOUR:
            return f"on {first.day} {first:%b} from {first:%H:%M} to {first + HOUR:%H:%M}"
        case Unit.MONTH:
            return f"in {first:%B %Y}"
        case Unit.WEEK:
            return f"in the week from {first.day} {first:%b}"
    return f"on {first.day} {first:%b}"


def age(seconds: int) -> str:
    """So many seconds in words: `40 minutes`, `1 hour`, `3 hours 5 minutes`, `2 days`."""
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours >= 48:
        return f"{hours // 24} days"
    parts = [many(hours, "hour")] if hours else []
    parts += [many(minutes, "minute")] if minutes or not hours else []
    return " ".join(parts)


def many(count: int, what: str) -> str:
    """`1 day`, `6 days`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
