"""The balance of purchased credits, and when they run out at the usual pace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from reports.analysis.limits import LONGEST_LOOK, FullAt
from reports.analysis.limits_answer import full_words
from reports.time.period import Unit

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# up to these lengths a duration is given in hours and in days
_MAX_IN_HOURS = timedelta(hours=48)
_MAX_IN_DAYS = timedelta(days=60)
SOON = timedelta(days=7)
"""A balance that won't last this long gets a warning: topping up may need approval."""


class Enough(StrEnum):
    """Whether credits last until a moment; the values are those in the JSON answer."""

    YES = "yes"
    PROBABLY = "probably"
    PROBABLY_NOT = "probably not"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Goal:
    """The end (UTC) of the running day, week, month or year, or of the day, through which the
    credits should last."""

    unit: Unit | date
    end: datetime


@dataclass(frozen=True, slots=True)
class Balance:
    """Purchased credits as reported by OpenRouter at `reported_at` (UTC), in nano-dollars.

    `spent` determines the pace: credits spent in the past four weeks, in the `hours` whole hours
    since the first with any. `full` is when they run out at that pace from `now` (UTC), as in the
    answer `limits`; None if they are used up or last for over three months. `goal` is set where it
    is asked whether they last until then.
    """

    bought: int
    left: int
    reported_at: datetime
    now: datetime
    spent: int = 0
    hours: int = 0
    full: FullAt | None = None
    goal: Goal | None = None

    @property
    def lasts(self) -> timedelta | None:
        """How long the balance most likely lasts from `now`; None if that isn't known."""
        return self.full.at - self.now if self.full and self.left > 0 else None

    @property
    def enough(self) -> Enough | None:
        """Whether the credits last until the goal; None if there is no goal, or it is over."""
        if self.goal is None or not (self.bought or self.left) or self.goal.end <= self.now:
            return None
        full, end = self.full, self.goal.end
        if self.left <= 0:
            return Enough.NO
        if full is None:  # which looks ahead for three months
            known = self.spent <= 0 or end <= self.now + LONGEST_LOOK
            return Enough.YES if known else Enough.UNKNOWN
        if full.earliest >= end:
            return Enough.YES
        if full.at >= end:
            return Enough.PROBABLY
        return Enough.PROBABLY_NOT if full.latest is None or full.latest >= end else Enough.NO

    @property
    def low(self) -> bool:
        """Whether the purchased credits are used up or will be within `SOON`."""
        if not self.bought and not self.left:
            return False
        return self.left <= 0 or (self.lasts is not None and self.lasts < SOON)


def lasting_sentence(balance: Balance, zone: str) -> str:
    """When the credits run out and how long that is, with times in a zone, as plain text."""
    if not balance.bought and not balance.left:
        return "This organization hasn't bought any credits."
    if balance.goal and balance.enough:
        return _enough_sentence(balance, balance.enough, balance.goal, zone)
    if balance.goal and balance.goal.end <= balance.now:
        last = _last_day(balance.goal, balance.now, zone)
        return f"{last} is over, so I can't say whether the credits last until then."
    if balance.left <= 0:
        return "The credits are used up."
    if balance.spent <= 0:
        return "No credits were spent in the past four weeks."
    if balance.full is None or balance.lasts is None:
        return "At the usual pace, this lasts for more than three months."
    when = full_words(balance.full, balance.now, zone, resets=False)
    return f"At the usual pace, this lasts {duration_words(balance.lasts)}, until about {when}."


def _enough_sentence(balance: Balance, enough: Enough, goal: Goal, zone: str) -> str:
    """Whether the credits last until the goal, with the day on which they run out."""
    if enough is Enough.UNKNOWN:
        return (
            "At the usual pace, the credits last for more than three months. I can't look further"
            " ahead than that."
        )
    answer = enough.capitalize()
    if balance.left <= 0:
        return f"{answer}: the credits are used up."
    day = _last_day(goal, balance.now, zone)
    ends = (
        f"the end of {day}"
        if isinstance(goal.unit, date)
        else f"the end of the {goal.unit} ({day})"
    )
    if balance.spent <= 0:
        idle = "because none were spent in the past four weeks"
        return f"{answer}: the credits last past {ends}, {idle}."
    if balance.full is None:
        return f"{answer}: at the usual pace, the credits last for more than three months."
    when = full_words(balance.full, balance.now, zone, resets=False)
    last = f"at the usual pace, the credits last until about {when}"
    out = f"at the usual pace, the credits run out about {when}"
    return {
        Enough.YES: f"{answer}: {last}, past {ends}.",
        Enough.PROBABLY: f"{answer}: {last}, past {ends}. In a busy week, they run out before.",
        Enough.PROBABLY_NOT: f"{answer}: {out}, before {ends}. In a quiet week, they last.",
    }.get(enough, f"{answer}: {out}, before {ends}.")


def _last_day(goal: Goal, now: datetime, zone: str) -> str:
    """The last day before the goal: `Fri 25 Dec`, with the year if it isn't the current one."""
    day = (goal.end - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    year = f" {day.year}" if day.year != now.astimezone(ZoneInfo(zone)).year else ""
    return f"{day:%a} {day.day} {day:%b}{year}"


def duration_words(length: timedelta) -> str:
    """A duration in words, rounded down: `about 21 hours`, `about 11 days`."""
    if length < _HOUR:
        return "less than an hour"
    if length < _MAX_IN_HOURS:
        return _about(length // _HOUR, "hour")
    if length < _MAX_IN_DAYS:
        return _about(length // _DAY, "day")
    return _about(int(length / timedelta(days=30.44)), "month")


def _about(count: int, unit: str) -> str:
    return (
        f"about {'an' if unit == 'hour' else 'a'} {unit}"
        if count == 1
        else (f"about {count} {unit}s")
    )
