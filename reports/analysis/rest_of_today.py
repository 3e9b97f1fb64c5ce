"""How much of today's spend is still to come, from its hours.

The rest of today costs what these hours usually do, at today's level. Only if spend is running at
more than twice its usual pace right now, in the last full hour and since, this goes on for a few
more hours. So an hour of heavy use that is over isn't continued.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from reports.analysis.usual_days import median

_WEEK_HOURS = 168
_WEEKS = 4
"""Weeks of hours that say what is usual: every hour of the week four times."""
PAST_HOURS = _WEEKS * _WEEK_HOURS
GOES_ON = 4
"""Hours that a running burst is continued. On made-up days with bursts of 1 to 12 hours, the rest
of the day was off least with 4 (65 % of it; with 6: 66 %, until midnight: 83 %, not at all:
71 %)."""
_ENOUGH = Fraction(1, 4)
"""How much of an hour has to be over before its pace counts: less says little."""


@dataclass(frozen=True, slots=True)
class HoursOfToday:
    """The hours of today, of which `passed` are over.

    `usual` has what each usually costs, `usual_before` the hour before the first, in any unit, like
    nano-dollars of a usual day. `last` and `this` are what the last full hour and the running one
    have cost, in nano-dollars.
    """

    usual: tuple[int, ...]
    usual_before: int
    passed: Fraction
    last: int
    this: int


@dataclass(frozen=True, slots=True)
class RestOfToday:
    """The share (0 to 1) of today's expected amount that is still to come, and how many
    nano-dollars more because heavy use is going on."""

    share: Fraction = Fraction(1)
    running: int = 0


ALL_OF_TODAY = RestOfToday()


def usual_hours(past: Sequence[int], count: int) -> list[int]:
    """What the hour before now and each of the next `count` hours usually cost.

    `past` are consecutive hours until now, without those before the first usage. An hour is the
    median of the four same hours of the week before it; with less than a week, the mean of all
    same hours of the day. If that is nothing for all hours, they are all alike.
    """
    if len(past) >= _WEEK_HOURS:
        same = [past[-1 - _WEEK_HOURS :: -_WEEK_HOURS][:_WEEKS]]
        same += [past[at - _WEEK_HOURS :: -_WEEK_HOURS][:_WEEKS] for at in range(count)]
        found = [median([max(0, hour) for hour in one]) for one in same]
        if any(found[1:]):
            return found
        found = [_mean(one) for one in same]
    else:
        found = [_mean(past[at % 24 - 24 :: -24]) for at in range(-1, count)]
    return found if any(found[1:]) else [1] * (count + 1)


def rest_of_today(hours: HoursOfToday, expected: int) -> RestOfToday:
    """What is to come of today if all of it is expected to cost `expected` nano-dollars."""
    usual, full = hours.usual, int(hours.passed)
    whole = sum(usual)
    if full >= len(usual) or whole <= 0:
        return RestOfToday(Fraction(0))
    begun = hours.passed - full
    left = sum(usual[full + 1 :]) + usual[full] * (1 - begun)
    level = Fraction(max(0, expected), whole)
    usual_last = (usual[full - 1] if full else hours.usual_before) * level
    more = hours.last - usual_last
    if begun >= _ENOUGH:
        more = min(more, hours.this / begun - usual[full] * level)
    goes_on = min(len(usual) - hours.passed, Fraction(GOES_ON))
    running = round(more * goes_on) if more > usual_last else 0
    return RestOfToday(Fraction(left) / whole, running)


def _mean(values: Sequence[int]) -> int:
    return max(0, sum(values) // len(values)) if values else 0
