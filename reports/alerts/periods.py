"""The periods in which alerts are evaluated, quiet hours, and snoozes.

Periods are half-open and in UTC; their starts and ends follow the calendar of a zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from reports.time.period import Unit
from reports.time.time_range import DAY, HOUR, Granularity, floor, local

SETTLED = 3 * HOUR
"""How long a period is still evaluated after its end, because the newest usage arrives late."""
CATCH_UP = 3 * DAY
"""How far back periods are evaluated that ended while no process was running."""


@dataclass(frozen=True, slots=True)
class AlertPeriod:
    """One period: from `start` until `end` (UTC)."""

    start: datetime
    end: datetime


@lru_cache(maxsize=4096)
def span_at(unit: Unit, zone: str, moment: datetime) -> AlertPeriod:
    """The hour, day, week (from Monday), month or year of a zone that contains a time."""
    there = moment.astimezone(ZoneInfo(zone))
    if unit is Unit.HOUR:
        offset = there.utcoffset() or timedelta()
        start = floor(moment + offset, Granularity.HOUR) - offset
        return AlertPeriod(start, start + HOUR)
    day = there.date()
    match unit:
        case Unit.WEEK:
            first = day - timedelta(days=day.weekday())
            after = first + timedelta(days=7)
        case Unit.MONTH:
            first = day.replace(day=1)
            after = (first + timedelta(days=31)).replace(day=1)
        case Unit.YEAR:
            first = day.replace(month=1, day=1)
            after = first.replace(year=first.year + 1)
        case _:
            first, after = day, day + DAY
    return AlertPeriod(local(first, zone), local(after, zone))


def spans(unit: Unit, zone: str, since: datetime, now: datetime) -> tuple[AlertPeriod, ...]:
    """The periods to evaluate at `now`, oldest first: all that could have changed after `since`.

    `since` (UTC) is when rules were last evaluated, or when the rule was set up if that is later.
    """
    at = max(min(since, now) - SETTLED, now - CATCH_UP)
    found = [span_at(unit, zone, now)]
    while found[-1].start > at:
        found.append(span_at(unit, zone, found[-1].start - timedelta(seconds=1)))
    return tuple(reversed(found))


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A person's quiet hours, by the clock of their zone; they may include midnight."""

    start: time
    end: time

    def words(self) -> str:
        """The hours as they are typed."""
        return f"{self.start:%H:%M}-{self.end:%H:%M}"

    def until(self, now: datetime, zone: str) -> datetime | None:
        """When the current quiet hours end (UTC); None outside of quiet hours."""
        there = now.astimezone(ZoneInfo(zone))
        clock = there.time().replace(tzinfo=None)
        overnight = self.end <= self.start
        inside = self.start <= clock < self.end
        if overnight:
            inside = clock >= self.start or clock < self.end
        if not inside:
            return None
        day = there.date() + (DAY if overnight and clock >= self.start else timedelta())
        ends = local(day, zone, self.end)
        return ends if ends > now else now + timedelta(minutes=1)


class Snooze(StrEnum):
    """How long an alert is snoozed."""

    HOUR = "1h"
    DAY = "24h"
    PERIOD = "period"

    def until(self, now: datetime, ends: datetime | None) -> datetime:
        """When a snooze ends (UTC). `ends` is the end of the period; without one it lasts a day."""
        if self is Snooze.HOUR:
            return now + HOUR
        if self is Snooze.PERIOD and ends is not None:
            return max(ends, now)
        return now + DAY
