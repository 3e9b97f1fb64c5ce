"""Forecasts how a period ends: the expected amount, a range, and the accuracy of past forecasts.

Days are whole local days; their figures are whole nano-dollars. Of three simple methods, the one
that was most accurate on past days is used:

- *pace*: every day to come costs what a day of the past week cost;
- *weekday*: it costs the mean of the last four same weekdays;
- *profile*: it costs the mean day of the past two weeks, spread over weekdays as the past eight
  weeks were.

The range comes from the past, not from an assumed distribution: the same forecast is made for every
earlier day with as many days to come, and its limits are the 10th and 90th percentile of the actual
amounts, relative to the forecasts.

The forecast of the whole is divided among groups (keys, models, creators) by their recent spend. So
they add up to the whole, and occasional use of a key isn't mistaken for a weekday pattern:
forecasts of single keys are more accurate than with separate methods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from typing import TypeVar

WEEK = 7
_RECENT = 14
"""Days whose mean is the current level: two of each weekday, so that all weekdays weigh the
same."""
_PROFILE = 56
"""Days that the weekday profile is computed from: eight weeks, the least that averages out
holidays."""
_SAME_WEEKDAYS = 4
_FEWEST_SAMPLES = 20
"""With fewer earlier forecasts, the 10th and 90th percentile would be single days."""
_LONGEST_LOOK = 400
"""The maximum number of earlier days to try: a year and a month."""
LOW, HIGH = Fraction(1, 10), Fraction(9, 10)
RECENT_DAYS = _RECENT
"""Days whose spend, together with today's, determines the share of a group."""
METHOD_DAYS = _PROFILE
"""The days before today that a forecast depends on, except for the choice of its method."""

Days = Sequence[int]
Id = TypeVar("Id")
_Ratio = tuple[int, int]
"""Actual and expected amount, as numerator and denominator."""
Method = Callable[[Days, int], int]
"""A method: expects an amount `ahead` days (from 1) after the last of the given days."""


@dataclass(frozen=True, slots=True)
class Band:
    """An 80% range in nano-dollars."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class PeriodForecast:
    """How a period ends, in nano-dollars. `band` is None if the history is too short for one."""

    so_far: int
    to_come: int
    band: Band | None
    method: str

    @property
    def end(self) -> int:
        """The expected total of the whole period."""
        return self.so_far + self.to_come


@dataclass(frozen=True, slots=True)
class ForecastRecord:
    """The errors of forecasts made on the same day of earlier periods, as shares of the outcome."""

    samples: int
    mean_error: Fraction | None
    worst_error: Fraction | None


def pace(days: Days, ahead: int) -> int:  # noqa: ARG001 - all methods take the same arguments
    """The mean day of the past week."""
    return _mean(days[-WEEK:])


def weekday(days: Days, ahead: int) -> int:
    """The mean of the last four same weekdays; of the past week if there is none."""
    place = len(days) - 1 + ahead
    same = [days[at] for at in range(place % WEEK, len(days), WEEK)][-_SAME_WEEKDAYS:]
    return _mean(same) if same else pace(days, ahead)


def profile(days: Days, ahead: int) -> int:
    """The level of two weeks, spread over weekdays as the past eight weeks were."""
    if len(days) < _PROFILE:
        return weekday(days, ahead)
    past = days[-_PROFILE:]
    place = (_PROFILE - 1 + ahead) % WEEK
    everything = sum(past)
    if not everything:
        return 0
    share = Fraction(sum(past[place::WEEK]) * WEEK, everything)
    return round(Fraction(sum(days[-_RECENT:]), _RECENT) * share)


METHODS: dict[str, Method] = {"profile": profile, "weekday": weekday, "pace": pace}
"""In the order in which they are preferred if several are equally accurate."""


def expected(method: Method, days: Days, count: int) -> int:
    """What a method expects of the next `count` days together."""
    return sum(method(days, ahead) for ahead in range(1, count + 1))


@dataclass(frozen=True, slots=True)
class ExpectedDays:
    """The amounts that a method expects, in nano-dollars: for all of today, and for the days after
    it."""

    method: str
    today: int
    later: int


def expected_days(days: Days, count: int) -> ExpectedDays:
    """The amounts that the best method expects for the next `count` days (at least 1), starting
    today."""
    return _expected_days(_History(days), count)


def end_of_period(expected: ExpectedDays, so_far: int, *, today: int, left: Fraction) -> int:
    """The expected total of a period, in nano-dollars: the same as `forecast`, without its range.

    The arguments are those of `forecast`.
    """
    return so_far + _to_come(expected, today, left)


def forecast(
    days: Days,
    count: int,
    so_far: int,
    *,
    today: int = 0,
    left: Fraction,
) -> PeriodForecast:
    """Forecast a period with `count` days still to come, including today.

    `days` are the whole days before today, the oldest first, whether or not they belong to the
    period. `so_far` is the period's amount until now, `today` the part of it from today, and `left`
    (0 to 1) how much of today is still to come. If `count` is 0, nothing is to come.
    """
    if count <= 0:
        return PeriodForecast(so_far, 0, Band(so_far, so_far), "")
    history = _History(days)
    expected = _expected_days(history, count)
    to_come = _to_come(expected, today, left)
    band = _band(so_far, to_come, _ratios(history, expected.method, count))
    return PeriodForecast(so_far, to_come, band, expected.method)


def band_of_whole(days: Days, count: int, so_far: int, to_come: int) -> Band | None:
    """The range around an existing forecast from `days`; None if the history is too short."""
    history = _History(days)
    return _band(so_far, to_come, _ratios(history, _best(history, len(days), count), count))


def band_of_group(days: Days, count: int, of_group: Days, so_far: int, to_come: int) -> Band | None:
    """The range around the share of a group, whose days `of_group` end with those of the whole."""
    bands = _GroupBands(days, best_method(days, count), count)
    return _band(so_far, to_come, bands.ratios(of_group))


def forecast_groups(
    days: Days,
    count: int,
    whole: PeriodForecast,
    so_far: Mapping[Id, int],
    recent: Mapping[Id, int],
    histories: Mapping[Id, Days],
) -> dict[Id, PeriodForecast]:
    """Divide the forecast of a whole, based on `days` and `count`, among its groups.

    `so_far` is each group's amount in the period, `recent` in the last `RECENT_DAYS` days and
    today; if nothing was spent recently, the rest is divided in proportion to `so_far`. The groups
    in `histories` get a range: their days end on the same day as `days`. The groups' amounts to
    come add up to that of the whole, exactly.
    """
    to_come = _shared(whole.to_come, recent if any(recent.values()) else so_far)
    bands = _GroupBands(days, whole.method, count) if histories and count > 0 else None
    found = {}
    for id_ in [*so_far, *(one for one in recent if one not in so_far)]:
        used, more = so_far.get(id_, 0), to_come.get(id_, 0)
        band = None
        if bands and id_ in histories:
            band = _band(used, more, bands.ratios(histories[id_]))
        elif count <= 0:
            band = Band(used, used)
        found[id_] = PeriodForecast(used, more, band, whole.method)
    return found


def _shared(amount: int, weights: Mapping[Id, int]) -> dict[Id, int]:
    """Divide an amount by nonnegative weights into integers that add up to it."""
    everything = sum(weights.values())
    if not everything:
        return {}
    parts = {id_: divmod(amount * weight, everything) for id_, weight in weights.items()}
    missing = amount - sum(part for part, _ in parts.values())
    # the largest remainders get the missing units; if they are equal, the first one
    lost = sorted(parts, key=lambda id_: -parts[id_][1])
    one_more = set(lost[:missing])
    return {id_: part + (id_ in one_more) for id_, (part, _) in parts.items()}


class _GroupBands:
    """Compares a group's actual amounts with its share of what was then expected of the whole."""

    def __init__(self, days: Days, name: str, count: int) -> None:
        history = _History(days)
        self._count, self._known = count, len(days)
        self._origins = _origins(len(days), count)
        self._said = [history.expected(name, at, count) for at in self._origins]
        self._recent = [history.between(at - _RECENT, at) for at in self._origins]

    def ratios(self, days: Days) -> list[_Ratio]:
        """The ratios of all earlier days covered by the group's history."""
        days = days[-self._known :]
        sums = [0, *accumulate(days)]
        # the first origin that the days of the group reach back to, and its place among them
        before = self._known - len(days)
        skipped = max(0, before + _RECENT - self._origins.start)
        at = self._origins.start + skipped - before
        return [
            ((after - now) * recent, said)
            for expected, recent, now, ago, after in zip(
                self._said[skipped:],
                self._recent[skipped:],
                sums[at:],
                sums[at - _RECENT :],
                sums[at + self._count :],
                strict=False,
            )
            if (said := expected * (now - ago)) > 0
        ]


def best_method(days: Days, count: int) -> str:
    """The method whose forecasts of `count` days had the smallest errors, over all earlier days."""
    return _best(_History(days), len(days), count)


def record(periods: Sequence[tuple[Days, Days, int]]) -> ForecastRecord:
    """The accuracy of forecasts: for each earlier period, (days before, its days, days elapsed).

    A period is forecast from the days known at that time, and compared with how it ended. A period
    without any spend is left out, because there is no relative error.
    """
    return _record([(_History([*before, *inside]), len(before), len(inside), elapsed)
                    for before, inside, elapsed in periods])  # fmt: skip


def record_of(days: Days, spans: Sequence[tuple[int, int, int]]) -> ForecastRecord:
    """The same for periods of one series of days: (first day, number of days, days elapsed)."""
    history = _History(days)
    return _record([(history, start, length, elapsed) for start, length, elapsed in spans])


def _record(periods: Sequence[tuple[_History, int, int, int]]) -> ForecastRecord:
    errors = []
    for history, start, length, elapsed in periods:
        actual, known = history.between(start, start + length), start + elapsed
        if not actual or not known:
            continue
        count = length - elapsed
        said = history.between(start, known)
        said += history.expected(_best(history, known, count), known, count)
        errors.append(Fraction(abs(said - actual), actual))
    if not errors:
        return ForecastRecord(0, None, None)
    return ForecastRecord(len(errors), sum(errors, Fraction(0)) / len(errors), max(errors))


class _History:
    """Days with their running sums, so that a method's result takes a few subtractions.

    It returns exactly the same as the methods above for the first `known` days.
    """

    def __init__(self, days: Days) -> None:
        self.days = days
        self._sums = [0]
        self._same = [0] * WEEK
        """Sums of every seventh day: entry `n + WEEK` is over the days n, n - 7, n - 14, ..."""
        for at, day in enumerate(days):
            self._sums.append(self._sums[-1] + day)
            self._same.append(self._same[at] + day)
        self._errors: dict[tuple[str, int], list[int]] = {}

    def between(self, start: int, end: int) -> int:
        """The sum of the days from `start` until before `end`."""
        return self._sums[end] - self._sums[start]

    def expected(self, name: str, known: int, count: int) -> int:
        """What a method expects of the next `count` days together."""
        if name == "pace":
            return count * self._pace(known)
        weeks, rest = divmod(count, WEEK)
        different = WEEK if weeks else rest
        if name == "profile" and known >= _PROFILE:
            values = self._profile(known, different)
        elif known >= WEEK * _SAME_WEEKDAYS:
            sums = self._weekdays
            return (
                weeks * (sums[known + different] - sums[known]) + sums[known + rest] - sums[known]
            )
        else:
            values = [self._weekday(known, ahead) for ahead in range(1, different + 1)]
        return weeks * sum(values) + sum(values[:rest])

    def errors(self, name: str, count: int, last: int) -> list[int]:
        """Running sums of a method's errors: entry `n` is over the days before day `n`."""
        sums = self._errors.setdefault((name, count), [0] * (_RECENT + 1))
        for at in range(len(sums) - 1, last + 1):
            off = abs(self.between(at, at + count) - self.expected(name, at, count))
            sums.append(sums[-1] + off)
        return sums

    def _pace(self, known: int) -> int:
        first = max(0, known - WEEK)
        return _rounded(self.between(first, known), known - first) if known else 0

    def _weekday(self, known: int, ahead: int) -> int:
        last = known - 1 - (WEEK - ahead) % WEEK
        if last < 0:
            return self._pace(known)
        first = max(last - WEEK * _SAME_WEEKDAYS, last % WEEK - WEEK)
        return _rounded(self._same[last + WEEK] - self._same[first + WEEK], (last - first) // WEEK)

    @cached_property
    def _weekdays(self) -> list[int]:
        """Running sums of what the weekday method expects of days that have four weeks before.

        What it expects of a day is the same on all of the seven days before.
        """
        four_weeks = WEEK * _SAME_WEEKDAYS
        means = (
            _rounded(after - before, _SAME_WEEKDAYS)
            for after, before in zip(self._same[four_weeks:], self._same, strict=False)
        )
        return [0] * four_weeks + list(accumulate(means, initial=0))

    def _profile(self, known: int, count: int) -> list[int]:
        """The amounts that the profile method expects for up to seven days."""
        everything = self.between(known - _PROFILE, known)
        if not everything:
            return [0] * count
        level, first = WEEK * self.between(known - _RECENT, known), known - _PROFILE
        after, before = self._same[known : known + count], self._same[first : first + count]
        share, found = _RECENT * everything, []
        for a, b in zip(after, before, strict=True):  # `_rounded` in place: this runs most often
            result, rest = divmod(level * (a - b), share)
            up = 2 * rest > share or (2 * rest == share and result % 2)
            found.append(result + 1 if up else result)
        return found


def _rounded(part: int, whole: int) -> int:
    """A quotient rounded half to even."""
    result, rest = divmod(part, whole)
    return result + (2 * rest > whole or (2 * rest == whole and result % 2))


def _best(history: _History, known: int, count: int) -> str:
    """The method with the smallest errors over the first `known` days."""
    origins = _origins(known, count)
    # with less than eight weeks, the profile equals the weekday method; with less than two,
    # weekdays don't count
    names = list(METHODS) if known >= _PROFILE else ["weekday", "pace"]
    if count <= 0 or not origins:
        return names[0] if known >= _RECENT else "pace"

    def error(name: str) -> int:
        sums = history.errors(name, count, origins.stop - 1)
        return sums[origins.stop] - sums[origins.start]

    return min(names, key=error)


def quantile(values: Sequence[_Ratio], share: Fraction) -> Fraction:
    """The value below which a share of the values lies, interpolated between its neighbors.

    The values are nonnegative fractions, as (numerator, denominator).
    """
    return _between(_ordered(values), share)


def _ordered(values: Sequence[_Ratio]) -> list[_Ratio]:
    # integers compare much faster than fractions; values closer than 2^-256 are equal
    return sorted(values, key=lambda value: (value[0] << 256) // value[1])


def _between(ordered: Sequence[_Ratio], share: Fraction) -> Fraction:
    place = share * (len(ordered) - 1)
    at = int(place)
    lower = Fraction(*ordered[at])
    upper = Fraction(*ordered[min(at + 1, len(ordered) - 1)])
    return lower + (upper - lower) * (place - at)


def _band(so_far: int, to_come: int, ratios: Sequence[_Ratio]) -> Band | None:
    """The 80% range, from the ratios of actual to expected amounts."""
    if len(ratios) < _FEWEST_SAMPLES:
        return None
    ordered = _ordered(ratios)
    low, high = (round(to_come * _between(ordered, edge)) for edge in (LOW, HIGH))
    return Band(so_far + min(low, to_come), so_far + max(high, to_come))


def _expected_days(history: _History, count: int) -> ExpectedDays:
    known = len(history.days)
    name = _best(history, known, count)
    today = history.expected(name, known, 1)
    return ExpectedDays(name, today, history.expected(name, known, count) - today)


def _to_come(expected: ExpectedDays, today: int, left: Fraction) -> int:
    """The rest of today, at least by the clock, and the days after it."""
    first = expected.today
    by_clock = round(today * left / (1 - left)) if left < 1 else first
    # a day already far above its forecast continues at its pace; one below may still catch up
    rest = max(round(first * left), by_clock if today > first else 0)
    return rest + expected.later


def _origins(known: int, count: int) -> range:
    """The earlier days to forecast from, with two known weeks before them and the outcome after."""
    last = known - count
    return range(max(_RECENT, last + 1 - _LONGEST_LOOK), last + 1)


def _ratios(history: _History, name: str, count: int) -> list[_Ratio]:
    found = []
    for origin in _origins(len(history.days), count):
        said = history.expected(name, origin, count)
        if said > 0:
            found.append((history.between(origin, origin + count), said))
    return found


def _mean(values: Days) -> int:
    return round(Fraction(sum(values), len(values))) if values else 0
