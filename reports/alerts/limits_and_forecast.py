"""Limits as they are set at OpenRouter, the balance, and where they lead at the present pace.

OpenRouter says what was used of a limit when it was last asked; what was used since then is added
from usage, which is fresher.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from reports.alerts.evaluation import Measurement
from reports.alerts.periods import AlertPeriod, spans
from reports.time.period import Unit

_RESETS = {"daily": Unit.DAY, "weekly": Unit.WEEK, "monthly": Unit.MONTH}
_FOREVER = 100 * 365 * 86_400
"""The longest duration in seconds: a longer one wouldn't fit into a timedelta."""


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
    reported_at: datetime
    creator: str = ""

    def periods(self, since: datetime, now: datetime) -> tuple[AlertPeriod | None, ...]:
        """The periods to evaluate now, oldest first; None for a limit that never resets."""
        unit = _RESETS.get(self.reset)
        return spans(unit, "UTC", since, now) if unit else (None,)

    def reported_in(self, period: AlertPeriod | None) -> bool:
        """Whether what OpenRouter said of its use is about a period."""
        if self.used is None:
            return False
        return period is None or period.start <= self.reported_at < period.end


@dataclass(frozen=True, slots=True)
class SpendPace:
    """How much was used over a stretch of time just before now."""

    used: int
    over: timedelta


def full_at(measurement: Measurement, pace: SpendPace, now: datetime) -> datetime | None:
    """When the limit is reached at a pace (UTC); None if not before the period ends, or never."""
    room = measurement.limit - (measurement.value or 0)
    if room <= 0:
        return now
    if pace.used <= 0 or pace.over <= timedelta():
        return None
    wait = Fraction(room, pace.used) * (pace.over // timedelta(seconds=1))
    ends = measurement.period.end if measurement.period else now + timedelta(days=3650)
    if wait > (ends - now) // timedelta(seconds=1):
        return None
    return now + timedelta(seconds=int(wait))


def lasts_for(left: int, pace: SpendPace) -> timedelta | None:
    """How long a balance in nano-dollars lasts at a pace; None if it doesn't shrink or is gone."""
    if left <= 0 or pace.used <= 0:
        return None
    seconds = Fraction(left, pace.used) * (pace.over // timedelta(seconds=1))
    return timedelta(seconds=min(int(seconds), _FOREVER))
