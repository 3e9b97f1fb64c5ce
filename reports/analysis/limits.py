"""Which limit is hit first: every limit at OpenRouter in the order in which it will be full.

A limit fills at the pace of those whose usage counts for it, hour by hour: what an hour of the
week usually costs, on average over the past four weeks. The band around the moment comes from how
much such weeks differ.
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
_LONGEST_LOOK = 92 * 24
"""Hours ahead for which limits are forecast: beyond three months a pace predicts nothing."""


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

    `low` and `high` are what a quiet and a busy week cost as shares of a usual one.
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

    `latest` is None where a quiet week would not reach it before it resets.
    """

    at: datetime
    earliest: datetime
    latest: datetime | None


@dataclass(frozen=True, slots=True)
class LimitForecast:
    """One limit in nano-dollars. `resets` is None for what never resets.

    `owner` is who is behind it (a creator's label), or empty. `full` is None where it is not
    reached before its reset, or not within three months.
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
    """Limits in the order in which they will be reached, then the others, the fullest first."""

    def order(limit: LimitForecast) -> tuple[float, Fraction, str, str]:
        share = Fraction(limit.used, limit.limit) if limit.limit > 0 else Fraction(1)
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


def reached(
    left: int, pace: HourlyPace, level: Fraction, now: datetime, resets: datetime | None
) -> datetime | None:
    """The moment (UTC) at which a pace, at a level, has used what is left; None if it does not."""
    if left <= 0:
        return now
    if not any(pace.hours) or level <= 0:
        return None
    wanted, used, start = Fraction(left), Fraction(0), now
    for _ in range(_LONGEST_LOOK):
        if resets is not None and start >= resets:
            return None
        end = start.replace(minute=0, second=0, microsecond=0) + HOUR
        cost = pace.hours[hour_of_week(start)] * level
        share = Fraction(round((end - start).total_seconds()), 3_600)
        if cost > 0 and used + cost * share >= wanted:
            seconds = (wanted - used) / cost * 3_600
            moment = start + timedelta(seconds=float(seconds))
            return moment if resets is None or moment < resets else None
        used += cost * share
        start = end
    return None


def hour_of_week(moment: datetime) -> int:
    """The hour of the week of a moment in UTC: 0 is Monday, 0:00."""
    return moment.weekday() * 24 + moment.hour


def hourly_pace(hours: Sequence[tuple[datetime, int]]) -> HourlyPace:
    """The usual week of hours (start in UTC, nano-dollars), the oldest first; gaps count as 0.

    The mean of each hour of the week; the band from how whole weeks differ from their mean.
    """
    if not hours:
        return HourlyPace((0,) * HOURS_A_WEEK)
    sums, weeks = [0] * HOURS_A_WEEK, [0] * -(-len(hours) // HOURS_A_WEEK)
    counts = [0] * HOURS_A_WEEK
    for number, (start, cost) in enumerate(hours):
        sums[hour_of_week(start)] += cost
        counts[hour_of_week(start)] += 1
        weeks[number // HOURS_A_WEEK] += cost
    usual = tuple(
        round(Fraction(cost, count)) if count else 0
        for cost, count in zip(sums, counts, strict=True)
    )
    whole = weeks[: len(hours) // HOURS_A_WEEK]
    if len(whole) < 2 or not sum(whole):
        return HourlyPace(usual)
    mean = Fraction(sum(whole), len(whole))
    return HourlyPace(usual, min(whole) / mean, max(whole) / mean)


def recent_pace(hours: Sequence[tuple[datetime, int]]) -> HourlyPace:
    """The usual week of hours (as for `hourly_pace`) since the first with any spend.

    What began less than a week ago has no usual week yet, so all its hours count alike.
    """
    first = next((at for at, (_, cost) in enumerate(hours) if cost), len(hours))
    used = hours[first:]
    if len(used) >= HOURS_A_WEEK:
        return hourly_pace(used)
    mean = round(Fraction(sum(cost for _, cost in used), len(used))) if used else 0
    return HourlyPace((mean,) * HOURS_A_WEEK)
