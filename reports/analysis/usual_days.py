"""Days as they are usual now: without outlying ones, at the level since the last lasting change.

The mean of recent days would otherwise continue one runaway night, and take weeks to notice that
spend has doubled. So before a forecast is made from days:

- a day of more than three times its usual amount counts as a usual day. Its usual amount is the
  median of the seven days around it or, if that is more, of the four same weekdays before it, so
  that a large job every Sunday isn't outlying;
- of a part (a key, say), a day is judged by its own weekday: its usual amount is the median of the
  seven days around it, times what its weekday usually costs beside such a median. So a Sunday that
  costs as much as three weekdays is outlying. For the whole, that made ranges right after a
  runaway night too wide in the backtest (93 % of the ends were within them); it gets the outlying
  days of its largest keys instead (`bot.analysis.expected_spend`);
- if the last four to fourteen days are at another level than the two weeks before them, by a factor
  of at least 1.7, the days before are scaled to the new level.

So a change counts as lasting on its fourth day: of seven days, three may be outlying.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt
from typing import NamedTuple

WEEK = 7
RECENT = 14
"""Days whose mean is the current level: two of each weekday, so that all weekdays weigh the
same."""
LOOKED_AT = 56
"""Days that are looked at: eight weeks, the least that averages out holidays."""
_OUTLYING = 3
"""A day of more than this many times its usual amount is outlying. With 2, the backtest was no
better, and busy days of small teams were left out."""
_AROUND = 3
"""Days on each side of a day that its usual amount comes from: with it, one of each weekday."""
_FEWEST = 4
"""The fewest days of a lasting change: of the seven days around a day, three may be outlying."""
_CHANGE = 17, 10
"""The least factor of a change, as a quotient. With 1.5, noise of normal weeks passed for one."""
_LEAST_WEIGHT = 2
"""The days since a change have to be worth two average ones: weekends alone say little."""
_MOST_ASTRAY = 5
"""At most one in five of the days, by their usual amounts, is on the other side of a change."""
_UNIT = 10**6
"""The usual amount of an average day, in which weights of weekdays are counted."""


class UsualDays(NamedTuple):
    """The last days (nano-dollars, oldest first), at most `LOOKED_AT`, as they are usual now.

    The last `current` of them weren't scaled: 14, or those since a lasting change.
    """

    days: list[int]
    current: int


class _Level(NamedTuple):
    """The spend of consecutive days, and what they are worth if an average day is worth 1."""

    spend: int
    weight: int


class DayHistory:
    """Consecutive days of nano-dollars, and how they looked on each day, without looking ahead."""

    def __init__(self, days: Sequence[int]) -> None:
        self.days = days
        count = len(days)
        self._around = [
            sorted(days[at : at + WEEK])[_AROUND] for at in range(max(0, count - WEEK + 1))
        ]
        """Medians of seven days, by the first of them."""
        self._same = [_same_weekdays(days, at) for at in range(count)]
        self._settled = [self.usual_day(at, count) for at in range(max(0, count - _AROUND))]
        """Days that no later day changes any more."""

    def usual_day(self, at: int, known: int) -> int:
        """What a day counts as when the first `known` days are known."""
        day = self.days[at]
        if known < WEEK:
            return day
        usual = max(self._around[min(max(0, at - _AROUND), known - WEEK)], self._same[at])
        return usual if day > _OUTLYING * usual > 0 else day

    def usual(self, known: int) -> UsualDays:
        """The last of the first `known` days, as they were usual then."""
        first, split = max(0, known - LOOKED_AT), max(0, known - _AROUND)
        days = self._settled[first:split] if known > WEEK else list(self.days[first:split])
        days += [self.usual_day(at, known) for at in range(split, known)]
        found = _last_change(days)
        if found is None:
            return UsualDays(days, min(RECENT, len(days)))
        since, new, old = found
        at = len(days) - since
        return UsualDays([day * new // old for day in days[:at]] + days[at:], since)


def usual_without(days: Sequence[int], less: Sequence[int]) -> UsualDays:
    """The last days as they are usual now, without some amounts of the last of them."""
    last = list(days[-LOOKED_AT - 5 * WEEK :])  # the oldest day depends on the four weeks before it
    for back, amount in enumerate(reversed(less[-len(last) :]), start=1):
        last[-back] -= amount
    return DayHistory(last).usual(len(last))


def without_outlying(days: Sequence[int]) -> Sequence[int]:
    """All days of a part, with a usual amount instead of each outlying one.

    To save time for the many parts of a whole, only days of more than three times the mean of all
    are looked at.
    """
    known = len(days)
    least = _OUTLYING * sum(days) // max(1, known)
    if known < WEEK or max(days) <= least:
        return days
    found = list(days)
    for at, day in enumerate(days):
        if day > least:
            usual = _usual_of_part(days, at)
            found[at] = usual if day > _OUTLYING * usual > 0 else day
    return found


def above_usual(days: Sequence[int], count: int) -> list[int]:
    """How much more than the usual amount of its weekday each of the last days was; at least a week
    of days."""
    first = max(0, len(days) - count)
    return [max(0, days[at] - _usual_of_part(days, at)) for at in range(first, len(days))]


def _usual_of_part(days: Sequence[int], at: int) -> int:
    """The usual amount of a day of a part: what its weekday usually costs, at the level of now."""
    around = _median_around(days, at)
    same = range(max(at % WEEK, at - 4 * WEEK), at, WEEK)
    shares = [days[one] * _UNIT // usual for one in same if (usual := _median_around(days, one))]
    return around * median(shares) // _UNIT or max(around, _same_weekdays(days, at))


def _median_around(days: Sequence[int], at: int) -> int:
    first = min(max(0, at - _AROUND), len(days) - WEEK)
    return sorted(days[first : first + WEEK])[_AROUND]


def _same_weekdays(days: Sequence[int], at: int) -> int:
    """The median of the four same weekdays before a day."""
    return median(days[max(at % WEEK, at - 4 * WEEK) : at : WEEK])


def _last_change(days: Sequence[int]) -> tuple[int, int, int] | None:
    """The days since a lasting change, and its factor as a quotient; None if there was none.

    Of several possible days, it is the one with the clearest difference.
    """
    weights = _weekday_weights(days)
    if weights is None:
        return None
    last, usual = days[-2 * RECENT :], weights * 4
    found, clearest = None, 0.0
    spend, weight = sum(last[1 - _FEWEST :]), sum(usual[1 - _FEWEST :])
    for since in range(_FEWEST, RECENT + 1):
        spend, weight = spend + last[-since], weight + usual[-since]
        earlier = slice(-since - RECENT, -since)
        before = _Level(sum(last[earlier]), sum(usual[earlier]))
        new, old = spend * before.weight, before.spend * weight
        if min(new, old) <= 0 or weight < _LEAST_WEIGHT * _UNIT:
            continue
        if max(new, old) * _CHANGE[1] < min(new, old) * _CHANGE[0]:
            continue
        difference = abs(log(new / old)) * sqrt(weight)
        if difference > clearest and _is_lasting(last, usual, since, _Level(spend, weight), before):
            found, clearest = (since, new, old), difference
    return found


def _is_lasting(
    days: Sequence[int], usual: Sequence[int], since: int, after: _Level, before: _Level
) -> bool:
    """Whether nearly all days are on their side of the middle (the geometric mean) of two
    levels."""
    up = after.spend * before.weight > before.spend * after.weight
    weights, middle = after.weight * before.weight, after.spend * before.spend
    above = [day * day * weights > weight * weight * middle
             for day, weight in zip(days, usual, strict=True)]  # fmt: skip
    now, start = len(days) - since, len(days) - since - RECENT
    astray = sum(usual[at] for at in range(now, len(days)) if above[at] != up)
    astray_before = sum(usual[at] for at in range(start, now) if above[at] == up)
    return astray * _MOST_ASTRAY <= after.weight and astray_before * _MOST_ASTRAY <= before.weight


def _weekday_weights(days: Sequence[int]) -> list[int] | None:
    """What the seven weekdays cost, on average 1 (`_UNIT`): their median share of a week.

    The first is that of the first of the last seven days. None with less than six weeks of days.
    """
    weeks = len(days) // WEEK
    if weeks < 6:
        return None
    whole = days[-weeks * WEEK :]
    totals = [sum(whole[at : at + WEEK]) for at in range(0, len(whole), WEEK)]
    shares = [
        median([day * _UNIT // total
                 for day, total in zip(whole[weekday::WEEK], totals, strict=True) if total > 0])
        for weekday in range(WEEK)
    ]  # fmt: skip
    everything = sum(shares)
    return [share * WEEK * _UNIT // everything for share in shares] if everything > 0 else None


def median(values: Sequence[int]) -> int:
    """The median, rounded down; 0 without values."""
    ordered, half = sorted(values), len(values) // 2
    if not ordered:
        return 0
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) // 2
