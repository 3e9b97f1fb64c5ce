"""The balance of purchased credits, and how long it lasts at last week's pace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# up to these lengths a duration is given in hours, days and months
_MAX_IN_HOURS = timedelta(hours=48)
_MAX_IN_DAYS = timedelta(days=60)
_MAX_IN_MONTHS = timedelta(days=730)
SOON = timedelta(days=7)
"""A balance that won't last this long gets a warning: topping up may need approval."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Purchased credits as reported by OpenRouter at `reported_at` (UTC), in nano-dollars.

    `used` is what was spent from credits over the length of time `over` before now: the past week,
    or less if less is stored.
    """

    bought: int
    left: int
    reported_at: datetime
    used: int
    over: timedelta

    @property
    def lasts(self) -> timedelta | None:
        """How long the balance lasts at that pace; None if it is used up or nothing was spent."""
        if self.left <= 0 or self.used <= 0 or self.over <= timedelta():
            return None
        seconds = Fraction(self.left, self.used) * int(self.over.total_seconds())
        return timedelta(seconds=min(int(seconds), _FOREVER))

    @property
    def runs_out(self) -> datetime | None:
        """When it runs out (UTC), counted from `reported_at`; None if unknown or too far off."""
        lasts = self.lasts
        return None if lasts is None or lasts > timedelta(days=3650) else self.reported_at + lasts

    @property
    def low(self) -> bool:
        """Whether it is used up or will be within `SOON`."""
        return self.left <= 0 or (self.lasts is not None and self.lasts < SOON)


_FOREVER = int(timedelta(days=36_500).total_seconds())


def duration_words(length: timedelta) -> str:
    """A length of time in words, rounded down: `about 21 hours`, `about 11 days`."""
    if length < _HOUR:
        return "less than an hour"
    if length < _MAX_IN_HOURS:
        return _about(length // _HOUR, "hour")
    if length < _MAX_IN_DAYS:
        return _about(length // _DAY, "day")
    if length < _MAX_IN_MONTHS:
        return _about(int(length / timedelta(days=30.44)), "month")
    return "more than two years"


def _about(count: int, unit: str) -> str:
    return (
        f"about {'an' if unit == 'hour' else 'a'} {unit}"
        if count == 1
        else (f"about {count} {unit}s")
    )
