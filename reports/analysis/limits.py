"""Predicts which limit is hit first: sorts all limits at OpenRouter by when they will be full.

A limit fills at the pace that `forecast` expects of the members whose usage counts toward it.
Within the week, this is spread over its hours as the past four weeks were, because a limit may be
full within hours. So a whole week costs the same in both answers, but a single day may not:
`forecast` spreads its days as the whole organization does. A key that was first used today has no
share in a forecast yet; its limit fills at the pace of its hours. The range around the predicted
time comes from how much these weeks differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from heapq import nlargest
from math import inf
from typing import NamedTuple

from reports.analysis.rest_of_today import GOES_ON
from reports.analysis.rounding import rounded
from reports.analysis.usual_days import without_outlying

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

    `low` and `high` are the cost of a quiet and a busy week, as shares of a usual one. `today` has
    the costs of the running hour (all of it) and of those until midnight UTC, if they differ.
    """

    hours: tuple[int, ...]
    low: Fraction = Fraction(1)
    high: Fraction = Fraction(1)
    today: tuple[int, ...] = ()

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


class LimitForecast(NamedTuple):
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
    return tuple(sorted(limits, key=_order))


def first_in_order(limits: Sequence[LimitForecast], count: int) -> tuple[LimitForecast, ...]:
    """The first limits of `in_order`, without sorting thousands."""
    hit = [one for one in limits if one.full]
    others = count - len(hit)
    if others <= 0:
        return in_order(hit)[:count]
    rest = [one for one in limits if not one.full]
    # shares in floating point are off by less than a billionth, and much faster
    shares = [one.used / one.limit if one.limit > 0 else 1 for one in rest]
    least = min(nlargest(others, shares), default=0)
    least -= abs(least) * _NEARLY
    fullest = [one for one, share in zip(rest, shares, strict=True) if share >= least]
    return in_order((*hit, *fullest))[:count]


_NEARLY = 1e-9


def _order(limit: LimitForecast) -> tuple[float, int, str, str]:
    # whole numbers, which compare many times faster than fractions; shares of limits below 2^63
    # differ by more than 2^-126, so no two of them become equal
    share = (limit.used << 128) // limit.limit if limit.limit > 0 else 1 << 128
    hit = limit.full.at.timestamp() if limit.full else inf
    return hit, -share, limit.kind, limit.label


def full_at(left: int, pace: HourlyPace, now: datetime, resets: datetime | None) -> FullAt | None:
    """When `left` nano-dollars are used up at a pace; None if not before the reset."""
    at = reached(left, pace, Fraction(1), now, resets)
    if at is None:
        return None
    earliest = reached(left, pace, pace.high, now, resets)
    return FullAt(at, min(at, earliest or at), reached(left, pace, pace.low, now, resets))


def at_level(
    pace: HourlyPace, week: int, rest_of_today: int, running: int, now: datetime
) -> HourlyPace:
    """The same hours, at the level of a forecast.

    A week costs `week` nano-dollars, and the rest of today, until midnight UTC, `rest_of_today`.
    `running` more is spent evenly in the next `GOES_ON` hours, or until midnight.
    """
    whole = sum(pace.hours)
    hours = (
        tuple(rounded(cost * week, whole) for cost in pace.hours)
        if whole
        else (rounded(week, HOURS_A_WEEK),) * HOURS_A_WEEK
    )
    first, count = hour_of_week(now), 24 - now.hour
    left = _HOUR_SECONDS - now.minute * 60 - now.second
    costs = [hours[(first + at) % HOURS_A_WEEK] for at in range(count)]
    usual = costs[0] * left + sum(costs[1:]) * _HOUR_SECONDS
    seconds = left + (count - 1) * _HOUR_SECONDS
    if usual:
        today = [rounded(cost * rest_of_today * _HOUR_SECONDS, usual) for cost in costs]
    else:
        today = [rounded(rest_of_today * _HOUR_SECONDS, seconds)] * count
    if running:
        goes_on = min(seconds, GOES_ON * _HOUR_SECONDS)
        more = rounded(running * _HOUR_SECONDS, goes_on)
        # the hour in which it ends has its part of it all the time: not worth splitting an hour
        for at in range(count):
            begins = 0 if not at else left + (at - 1) * _HOUR_SECONDS
            length = left if not at else _HOUR_SECONDS
            today[at] += rounded(more * min(length, max(0, goes_on - begins)), length)
    return replace(pace, hours=hours, today=tuple(today))


def weeks_until(now: datetime, resets: datetime | None) -> int:
    """The weeks, the last of them begun, in which a limit may be reached before it resets."""
    end = now + LONGEST_LOOK if resets is None else min(resets, now + LONGEST_LOOK)
    return (end - now) // timedelta(weeks=1) + 1


def may_fill(
    left: int, week: int, rest_of_today: int, now: datetime, resets: datetime | None
) -> bool:
    """Whether `full_at` may find a moment: whether so much can be spent at all until then.

    The arguments are those of `full_at` and `at_level`; `rest_of_today` includes what is running.
    """
    # an hour is rounded to whole nano-dollars
    most = weeks_until(now, resets) * (week + HOURS_A_WEEK)
    return left <= most + rest_of_today + 2 * HOURS_A_WEEK


def reached(
    left: int, pace: HourlyPace, level: Fraction, now: datetime, resets: datetime | None
) -> datetime | None:
    """The time (UTC) at which the rest is used up, at a level of a pace; None if that isn't
    reached."""
    if left <= 0:
        return now
    if not (any(pace.hours) or any(pace.today)) or level <= 0:
        return None
    # integers: the cost of an hour is multiplied by the numerator and seconds, and the rest is
    # scaled alike; fractions would take seconds for an organization with thousands of limits
    wanted = left * level.denominator * _HOUR_SECONDS
    costs = [cost * level.numerator for cost in pace.hours]
    of_today = [cost * level.numerator for cost in pace.today] or [costs[hour_of_week(now)]]
    end = now.replace(minute=0, second=0, microsecond=0) + HOUR
    start, seconds, first = now, round((end - now).total_seconds()), 0
    while first < len(of_today) and of_today[first] * seconds < wanted:
        wanted -= of_today[first] * seconds
        start, end, seconds, first = end, end + HOUR, _HOUR_SECONDS, first + 1
    if first < len(of_today):
        rate = of_today[first]
    else:
        week = sum(costs) * _HOUR_SECONDS
        if not week:
            return None
        skipped = (wanted - 1) // week
        if skipped * _WEEK_DAYS > LONGEST_LOOK.days:
            return None
        wanted -= skipped * week
        at, start = hour_of_week(start), start + timedelta(weeks=skipped)
        while costs[at] * _HOUR_SECONDS < wanted:
            wanted -= costs[at] * _HOUR_SECONDS
            start, at = start + HOUR, (at + 1) % HOURS_A_WEEK
        rate = costs[at]
    if start >= now + LONGEST_LOOK:
        return None
    moment = start + timedelta(seconds=float(Fraction(wanted, rate)))
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
        usual[(first + offset) % HOURS_A_WEEK] = max(0, rounded(sum(same), len(same)))
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

    With less than a week of spend there is no usual week yet, so all hours count alike. Outlying
    days (24 hours, counted back from now) count as usual ones, as in a forecast.
    """
    first = next((at for at, cost in enumerate(costs) if cost), len(costs))
    used = _usual_days(costs[first:])
    if len(used) >= HOURS_A_WEEK:
        return hourly_pace(start + first * HOUR, used)
    return HourlyPace((max(0, rounded(sum(used), len(used))) if used else 0,) * HOURS_A_WEEK)


def _usual_days(costs: Sequence[int]) -> Sequence[int]:
    """Hours of which those of an outlying day are scaled down to a usual one."""
    begun = len(costs) % 24
    days = [sum(costs[at : at + 24]) for at in range(begun, len(costs), 24)]
    usual = without_outlying(days)
    if usual == days:
        return costs
    found = list(costs)
    for number, (day, most) in enumerate(zip(days, usual, strict=True)):
        if most != day:
            at = begun + number * 24
            found[at : at + 24] = [cost * most // day for cost in found[at : at + 24]]
    return found
