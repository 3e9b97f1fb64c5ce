"""Limits as they are set at OpenRouter, the balance, and where they lead at the present pace.

OpenRouter says what was used of a limit when it was last asked; what was used since then is added
from usage, which is fresher.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from reports.alerts.evaluation import Measurement
from reports.alerts.periods import AlertPeriod, span_at, spans
from reports.alerts.rule import Credits, Forecast, Rule
from reports.time.period import Unit
from reports.time.timerange import DAY

_RESETS = {"daily": Unit.DAY, "weekly": Unit.WEEK, "monthly": Unit.MONTH}
_LEAST_DAYS = 3
_WEEK, _WEEKS = 7, 4


@dataclass(frozen=True, slots=True)
class SpendLimit:
    """A key's limit or a workspace's budget in nano-dollars, as OpenRouter reported it at `told`.

    `reset` is daily, weekly, monthly, or empty for one that never begins anew. `used` is None where
    OpenRouter does not say. `subject` names it for good: one workspace may have several.
    """

    subject: str
    label: str
    limit: int
    reset: str
    used: int | None
    told: datetime
    owner: str = ""

    def periods(self, since: datetime, now: datetime) -> tuple[AlertPeriod | None, ...]:
        """The periods to evaluate now, oldest first; None for a limit that never resets."""
        unit = _RESETS.get(self.reset)
        return spans(unit, "UTC", since, now) if unit else (None,)

    def told_in(self, period: AlertPeriod | None) -> bool:
        """Whether what OpenRouter said of its use is about a period."""
        if self.used is None:
            return False
        return period is None or period.start <= self.told < period.end


def budget(
    cap: SpendLimit, period: AlertPeriod | None, used: int | None, at: datetime
) -> Measurement:
    """The reading of a limit in one period.

    `used` is the usage since OpenRouter told (`told_in` the period), else of the whole period; None
    where it is not known. `at` is how fresh it is.
    """
    value = used
    if cap.used is not None and cap.told_in(period):
        value = cap.used + (used or 0)
    part = period is None or at < period.end
    return Measurement(cap.subject, cap.label, value, cap.limit, at, period, part, owner=cap.owner)


@dataclass(frozen=True, slots=True)
class SpendPace:
    """How much was used over a stretch of time just before now."""

    used: int
    over: timedelta


def full_at(reading: Measurement, pace: SpendPace, now: datetime) -> datetime | None:
    """When the limit is reached at a pace (UTC); None if not before the period ends, or never."""
    room = reading.limit - (reading.value or 0)
    if room <= 0:
        return now
    if pace.used <= 0 or pace.over <= timedelta():
        return None
    wait = Fraction(room, pace.used) * (pace.over // timedelta(seconds=1))
    ends = reading.period.end if reading.period else now + timedelta(days=3650)
    if wait > (ends - now) // timedelta(seconds=1):
        return None
    return now + timedelta(seconds=int(wait))


def balance(rule: Rule, bought: int | None, used: int | None, told: datetime) -> Measurement:
    """The reading of the credit balance that OpenRouter reported; None in it means unknown."""
    limit = rule.watch.limit if isinstance(rule.watch, Credits) else 0
    value = None if bought is None or used is None else bought - used
    return Measurement("", "OpenRouter credits", value, limit, told)


def days_left(left: int, pace: SpendPace) -> int | None:
    """How many whole days a balance lasts at a pace; None if it does not shrink or is gone."""
    if left <= 0 or pace.used <= 0:
        return None
    return int(Fraction(left, pace.used) * (pace.over // timedelta(seconds=1)) / 86_400)


def forecast(
    rule: Rule,
    subject: str,
    label: str,
    days: Mapping[date, int],
    zone: str,
    at: datetime,
    owner: str = "",
) -> Measurement:
    """The reading of what the zone's month is going to end at.

    What was used so far, and for each day to come the average of the same weekday in the last four
    weeks, of which newer ones count more. `days` are the figures by local date of all days that are
    held, 0 where nothing was used, of this month and the 28 days before today. Where less than a
    week is held before today, all days count alike; with less than three nothing is known.
    """
    limit = rule.watch.limit if isinstance(rule.watch, Forecast) else 0
    month, today = span_at(Unit.MONTH, zone, at), at.astimezone(ZoneInfo(zone)).date()
    first = month.start.astimezone(ZoneInfo(zone)).date()
    so_far = sum(value for day, value in days.items() if first <= day <= today)
    past = {day: value for day, value in days.items() if today - 28 * DAY <= day < today}
    value: int | None = None
    if len(past) >= _LEAST_DAYS:
        rest = _expected(past, today, today) * (1 - _elapsed(zone, at))
        to_come = rest + sum(_expected(past, today, day) for day in _days_after(today))
        value = so_far + int(to_come)
    return Measurement(subject, label, value, limit, at, month, True, so_far=so_far, owner=owner)


def _expected(past: Mapping[date, int], today: date, day: date) -> Fraction:
    """What a day is going to use: as its weekday did, or as any day where that is unknown."""
    same = [(when, value) for when, value in past.items() if when.weekday() == day.weekday()]
    if not same or len(past) < _WEEK:
        return Fraction(sum(past.values()), len(past))
    weights = [(_WEEKS - ((today - when).days - 1) // _WEEK, value) for when, value in same]
    return Fraction(sum(w * value for w, value in weights), sum(w for w, _ in weights))


def _days_after(today: date) -> list[date]:
    month = today.month
    found = []
    while (today := today + DAY).month == month:
        found.append(today)
    return found


def _elapsed(zone: str, at: datetime) -> Fraction:
    """How much of the local day has passed, from 0 to 1."""
    span = span_at(Unit.DAY, zone, at)
    second = timedelta(seconds=1)
    return min(
        Fraction((at - span.start) // second, (span.end - span.start) // second), Fraction(1)
    )
