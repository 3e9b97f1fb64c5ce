"""Predicts which limit is hit first: sorts all limits at OpenRouter by when they will be full.

A limit fills at the pace of the members whose usage counts toward it: for each hour of the week,
the average of the past four weeks. The range around the predicted time comes from how much these
weeks differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from math import inf

HOUR = timedelta(hours=1)
HOURS_A_WEEK = 168
_HOUR_SECONDS = 3_600
_WEEK_DAYS = 7
LONGEST_LOOK = timedelta(days=92)
"""How far ahead limits are forecast: a pace predicts nothing beyond three months."""


class LimitKind(StrEnum):
    """The kinds of limits; the values are those in the JSON answer."""

    KEY = "key"
    WORKSPACE = "workspace"
    MEMBER_GUARDRAIL = "member guardrail"
    KEY_GUARDRAIL = "key guardrail"
    CREDITS = "credits"


@dataclass(frozen=True, slots=True)
class HourlyPace:
    """What each hour of the week (0 is Monday, 0:00 UTC) usually costs, in nano-dollars.

    `low` and `high` are the cost of a quiet and a busy week, as shares of a usual one.
    """

    hours: tuple[int, ...]
    low: Fraction = Fraction(1)
    high: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        """Raise ValueError unless there is a figure for each hour of the week."""
        if len(self.hours) != HOURS_A_WEEK:
            raise ValueError("a week has 168 hours")


@dataclass(frozen=True, slots=True)
class FullAt:
    """When a limit is reached (UTC): most likely, at the earliest and at the latest.

    `latest` is None if quiet weeks wouldn't reach it before it resets.
    """

    at: datetime
    earliest: datetime
    latest: datetime | None


@dataclass(frozen=True, slots=True)
class LimitForecast:
    """One limit in nano-dollars. `resets` is None if it never resets.

    `owner` is its creator's label, or empty. `full` is None if it isn't reached before its reset,
    or within three months.
    """

    kind: LimitKind
    label: str
    owner: str
    limit: int
    used: int
    resets: datetime | None
    full: FullAt | None

    @property
    def remaining(self) -> int:
        """What is left in nano-dollars, at least 0."""
        return max(0, self.limit - self.used)


def in_order(limits: Iterable[LimitForecast]) -> tuple[LimitForecast, ...]:
    """Sort limits by when they will be reached, then the others, fullest first."""

    def order(limit: LimitForecast) -> tuple[float, int, str, str]:
        # whole numbers, which compare many times faster than fractions; shares of limits below 2^63
        # differ by more than 2^-126, so no two of them become equal
        share = (limit.used << 128) // limit.limit if limit.limit > 0 else 1 << 128
        hit = limit.full.at.timestamp() if limit.full else inf
        return hit, -share, limit.kind, limit.label

    return tuple(sorted(limits, key=order))


def full_at(left: int, pace: HourlyPace, now: datetime, resets: datetime | None) -> FullAt | None:
    """When `left` nano-dollars are used up at a pace; None if not before the reset."""
    at = reached(left, pace, Fraction(1), now, resets)
    if at is None:
        return None
    earliest = reached(left, pace, pace.high, now, resets)
    return FullAt(at, min(at, earliest or at), reached(left, pace, pace.low, now, resets))


def most_per_week(spend: int, hours: int) -> int:
    """The most that a usual week can cost, in nano-dollars, without working it out.

    `spend` is what at least `hours` hours since the first with any spend came to; none of them may
    be negative. Every hour of the week is a mean, rounded to whole nano-dollars.
    """
    weeks = hours // HOURS_A_WEEK
    if weeks:
        return spend // weeks + HOURS_A_WEEK
    return (spend // max(1, hours) + 2) * HOURS_A_WEEK


def may_fill(left: int, most_per_week: int, now: datetime, resets: datetime | None) -> bool:
    """Whether `full_at` may find a moment at a pace of at most so much a week."""
    end = now + LONGEST_LOOK if resets is None else min(resets, now + LONGEST_LOOK)
    weeks = (end - now) // timedelta(weeks=1) + 2  # those that have begun, and one for the hours
    return left <= weeks * most_per_week


def reached(
    left: int, pace: HourlyPace, level: Fraction, now: datetime, resets: datetime | None
) -> datetime | None:
    """The time (UTC) at which the rest is used up, at a level of a pace; None if that isn't
    reached."""
    if left <= 0:
        return now
    if not any(pace.hours) or level <= 0:
        return None
    # integers: the cost of an hour is multiplied by the numerator and seconds, and the rest is
    # scaled alike; fractions would take seconds for an organization with thousands of limits
    wanted = left * level.denominator * _HOUR_SECONDS
    costs = [cost * level.numerator for cost in pace.hours]
    end = now.replace(minute=0, second=0, microsecond=0) + HOUR
    seconds, first = round((end - now).total_seconds()), hour_of_week(now)
    start, spent = now, costs[first] * seconds
    if spent < wanted:
        wanted -= spent
        week = sum(costs) * _HOUR_SECONDS
        skipped = (wanted - 1) // week
        if skipped * _WEEK_DAYS > LONGEST_LOOK.days:
            return None
        wanted -= skipped * week
        start, first = end + timedelta(weeks=skipped), (first + 1) % HOURS_A_WEEK
        while costs[first] * _HOUR_SECONDS < wanted:
            wanted -= costs[first] * _HOUR_SECONDS
            start, first = start + HOUR, (first + 1) % HOURS_A_WEEK
    if start >= now + LONGEST_LOOK:
        return None
    moment = start + timedelta(seconds=float(Fraction(wanted, costs[first])))
    return moment if resets is None or moment < resets else None


def hour_of_week(moment: datetime) -> int:
    """The hour of the week of a time in UTC: 0 is Monday, 0:00."""
    return moment.weekday() * 24 + moment.hour


def hourly_pace(start: datetime, costs: Sequence[int]) -> HourlyPace:
    """The usual week of consecutive hours from `start` (UTC) on; `costs` are nano-dollars.

    The mean of each hour of the week, at least 0: more may have been given back than was spent.
    The band comes from how whole weeks differ from their mean.
    """
    if not costs:
        return HourlyPace((0,) * HOURS_A_WEEK)
    usual, first = [0] * HOURS_A_WEEK, hour_of_week(start)
    for offset in range(min(HOURS_A_WEEK, len(costs))):
        same = costs[offset::HOURS_A_WEEK]
        usual[(first + offset) % HOURS_A_WEEK] = max(0, _rounded(sum(same), len(same)))
    whole = [
        sum(costs[at : at + HOURS_A_WEEK])
        for at in range(0, len(costs) - HOURS_A_WEEK + 1, HOURS_A_WEEK)
    ]
    if len(whole) < 2 or sum(whole) <= 0:
        return HourlyPace(tuple(usual))
    mean = Fraction(sum(whole), len(whole))
    return HourlyPace(tuple(usual), min(whole) / mean, max(whole) / mean)


def recent_pace(start: datetime, costs: Sequence[int]) -> HourlyPace:
    """The usual week of hours (as for `hourly_pace`) since the first with any spend.

    With less than a week of spend there is no usual week yet, so all hours count alike.
    """
    first = next((at for at, cost in enumerate(costs) if cost), len(costs))
    used = costs[first:]
    if len(used) >= HOURS_A_WEEK:
        return hourly_pace(start + first * HOUR, used)
    return HourlyPace((max(0, _rounded(sum(used), len(used))) if used else 0,) * HOURS_A_WEEK)


def _rounded(cost: int, count: int) -> int:
    """A mean rounded to an integer, half to even, like `round` with fractions."""
    whole, rest = divmod(cost, count)
    return whole + (2 * rest > count or (2 * rest == count and whole % 2))
