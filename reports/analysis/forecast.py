"""Forecasts how a period ends: the expected amount, a range, and the accuracy of past forecasts.

Days are whole local days; their figures are whole nano-dollars. All methods work on usual days
(`usual_days`): without outlying days, and at the level since the last lasting change. Of three
simple methods, the one that was most accurate on past days is used:

- *pace*: every day to come costs what a day of the past week cost;
- *weekday*: it costs the mean of the last four same weekdays;
- *profile*: it costs the mean day of the past two weeks, spread over weekdays as the past eight
  weeks were.

The range comes from the past, not from an assumed distribution: the same forecast is made for
earlier days with as many days to come, and its limits are percentiles of the actual amounts,
relative to the forecasts: the 10th and the 90th, and further out where the earlier days are few.

The forecast of the whole is divided among its parts (keys, models, creators, and any filter) by
their recent spend. So parts add up to the whole, a part has the same figure however it is asked
for, and occasional use of a key isn't mistaken for a weekday pattern: forecasts of single keys are
more accurate than with separate methods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import TypeVar

from reports.analysis.rest_of_today import ALL_OF_TODAY, RestOfToday
from reports.analysis.rounding import rounded
from reports.analysis.usual_days import (
    LOOKED_AT,
    RECENT,
    WEEK,
    DayHistory,
    usual_without,
    without_outlying,
)

_SAME_WEEKDAYS = 4
_FEWEST_SAMPLES = 10
"""With fewer earlier forecasts, of 20 days, the 10th and 90th percentile would be single days."""
_LONGEST_LOOK = 400
"""The maximum number of earlier days to look back for forecasts to compare: a year and a month."""
_STEP = 2
"""Every second earlier day is tried: neighbors have nearly the same outcome, at twice the time."""
HIGH = Fraction(9, 10)
"""The upper percentile of a range; the lower one is as far from the other end."""
_HIGHEST = Fraction(19, 20)
"""The furthest upper percentile: beyond it, a range would come from one or two extreme days."""
_MARGIN = Fraction(1, 3)
"""How much a percentile moves out for few samples. A further value is above the 90th percentile of
n values as often as if that were moved by 1 / n. In the backtest, a third of it was enough for 80%
of the ends to be within; all of it covered 97% of those of the sample organization, and nothing of
it 70% of those with runaway nights."""
METHOD_DAYS = LOOKED_AT
"""The days before today that a forecast depends on, except for the choice of its method."""

Days = Sequence[int]
Id = TypeVar("Id")
_Ratio = tuple[int, int]
"""Actual and expected amount, as numerator and denominator."""
Method = Callable[[Days], list[int]]
"""A method: expects the amounts of the seven days after the given usual days; they repeat."""


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


def pace(days: Days) -> list[int]:
    """The mean day of the past week."""
    return [_mean(days[-WEEK:])] * WEEK


def weekday(days: Days) -> list[int]:
    """The mean of the last four same weekdays; of the past week if there is none."""
    return [
        _mean(same) if (same := days[-ahead::-WEEK][:_SAME_WEEKDAYS]) else _mean(days[-WEEK:])
        for ahead in range(WEEK, 0, -1)
    ]


def profile(days: Days) -> list[int]:
    """The level of two weeks, spread over weekdays as the past eight weeks were."""
    if len(days) < LOOKED_AT:
        return weekday(days)
    past = days[-LOOKED_AT:]
    everything = sum(past)
    if everything <= 0:
        return [0] * WEEK
    level, whole = WEEK * sum(past[-RECENT:]), RECENT * everything
    return [rounded(level * sum(past[ahead::WEEK]), whole) for ahead in range(WEEK)]


METHODS: dict[str, Method] = {"profile": profile, "weekday": weekday, "pace": pace}
"""In the order in which they are preferred if several are equally accurate."""


@dataclass(frozen=True, slots=True)
class ExpectedDays:
    """The amounts that a method expects, in nano-dollars: for all of today, and for the days after
    it.

    The shares of the parts come from the last `recent` days before today.
    """

    method: str
    week: tuple[int, ...]
    """Of today and the six days after it; the days after these are as seven days before."""
    recent: int = RECENT

    @property
    def today(self) -> int:
        """The expected amount of all of today."""
        return self.week[0]

    def of(self, count: int) -> int:
        """The expected amount of the next days together, starting with all of today."""
        weeks, rest = divmod(count, WEEK)
        return weeks * sum(self.week) + sum(self.week[:rest])


class Forecaster:
    """Forecasts from the whole days before today, the oldest first: today's and all earlier ones.

    Nothing that a forecast for an earlier day says depends on the days after it.
    """

    def __init__(self, days: Days) -> None:
        self.days = days
        self._history = DayHistory(days)
        self._sums = [0, *accumulate(days)]
        self._weeks: dict[int, tuple[Mapping[str, Sequence[int]], int]] = {}
        self._best: dict[tuple[int, int], str] = {}

    def expected_days(self, horizon: int, less: Sequence[int] = ()) -> ExpectedDays:
        """What the method that suits `horizon` days best expects of the days from today on.

        `less` are amounts of the last days, the oldest first, that aren't to be continued: what
        single parts spent on outlying days.
        """
        known = len(self.days)
        name = self.best(known, horizon)
        if any(less):
            usual, recent = usual_without(self.days, less)
            return ExpectedDays(name, tuple(METHODS[name](usual)), recent)
        sums, recent = self._expectations(known)
        week = sums[name]
        return ExpectedDays(name, tuple(week[at + 1] - week[at] for at in range(WEEK)), recent)

    def between(self, start: int, end: int) -> int:
        """The sum of the days from `start` until before `end`."""
        return self._sums[end] - self._sums[start]

    def expected(self, name: str, known: int, count: int) -> int:
        """What a method expects of the `count` days after the first `known` ones."""
        week = self._expectations(known)[0][name]
        weeks, rest = divmod(count, WEEK)
        return weeks * week[WEEK] + week[rest]

    def best(self, known: int, count: int) -> str:
        """The method with the smallest errors for `count` days over the first `known` days."""
        if (known, count) not in self._best:
            self._best[known, count] = self._most_accurate(known, count)
        return self._best[known, count]

    def recent(self, known: int) -> int:
        """The days before day `known` whose spend says how large the share of a part is."""
        return self._expectations(known)[1]

    def ratios(self, name: str, count: int, known: int | None = None) -> list[_Ratio]:
        """What came of `count` days, and what a method expected of them, on the days before day
        `known` (by default, before today)."""
        known = len(self.days) if known is None else known
        return [
            (self.between(origin, origin + count), said)
            for origin in _origins(known, count)
            if (said := self.expected(name, origin, count)) > 0
        ]

    def _expectations(self, known: int) -> tuple[Mapping[str, Sequence[int]], int]:
        """Running sums of seven days by method, and the days of the current level."""
        found = self._weeks.get(known)
        if found is None:
            days, current = self._history.usual(known)
            found = self._weeks[known] = (
                {
                    name: list(accumulate(method(days), initial=0))
                    for name, method in METHODS.items()
                },
                current,
            )
        return found

    def _most_accurate(self, known: int, count: int) -> str:
        origins = _origins(known, count)
        # with less than eight weeks, the profile equals the weekday method; with less than two,
        # weekdays don't count
        names = list(METHODS) if known >= LOOKED_AT else ["weekday", "pace"]
        if count <= 0 or not origins:
            return names[0] if known >= RECENT else "pace"
        return min(names, key=lambda name: self._off(name, origins, count))

    def _off(self, name: str, origins: range, count: int) -> int:
        """The sum of a method's errors for `count` days over some earlier days."""
        sums, expectations = self._sums, self._expectations
        weeks, rest = divmod(count, WEEK)
        off = 0
        for at in origins:
            week = expectations(at)[0][name]
            off += abs(sums[at + count] - sums[at] - weeks * week[WEEK] - week[rest])
        return off


def forecast(
    days: Days, count: int, so_far: int, *, rest: RestOfToday = ALL_OF_TODAY
) -> PeriodForecast:
    """Forecast a period with `count` days still to come, including today.

    `days` are the whole days before today, the oldest first, whether or not they belong to the
    period. `so_far` is the period's amount until now, and `rest` how much of today is still to
    come. If `count` is 0, nothing is to come.
    """
    if count <= 0:
        return PeriodForecast(so_far, 0, Band(so_far, so_far), "")
    forecaster = Forecaster(days)
    expected = forecaster.expected_days(count)
    more = to_come(expected, count, rest) + rest.running
    band = band_of(so_far, more, forecaster.ratios(expected.method, count), count)
    return PeriodForecast(so_far, more, band, expected.method)


def to_come(expected: ExpectedDays, count: int, rest: RestOfToday) -> int:
    """The usual amount to come of a period with `count` days left, including today: without
    `rest.running`."""
    if count <= 0:
        return 0
    return round(expected.today * rest.share) + expected.of(count) - expected.today


def shared(amount: int, weights: Mapping[Id, int]) -> dict[Id, int]:
    """Divide an amount by nonnegative weights into integers that add up to it; empty without
    any."""
    everything = sum(weights.values())
    if not everything:
        return {}
    parts = {id_: divmod(amount * weight, everything) for id_, weight in weights.items()}
    missing = amount - sum(part for part, _ in parts.values())
    # the largest remainders get the missing units; if they are equal, the first one
    lost = sorted(parts, key=lambda id_: -parts[id_][1])
    one_more = set(lost[:missing])
    return {id_: part + (id_ in one_more) for id_, (part, _) in parts.items()}


@dataclass(frozen=True, slots=True)
class EarlierPeriod:
    """A whole period among the days: its first day and number of days, and how many were over at
    the same point as today. The method is chosen for the `horizon` days that were to come then.
    """

    start: int
    length: int
    elapsed: int
    horizon: int

    @property
    def known(self) -> int:
        """The number of days that were known."""
        return self.start + self.elapsed

    @property
    def end(self) -> int:
        """The day after its last."""
        return self.start + self.length


class PartForecaster:
    """Forecasts a part of the whole by its share, for earlier days: its ranges and its record.

    A part is given as its days, which end on the same day as those of the whole.
    """

    def __init__(self, whole: Forecaster) -> None:
        self._whole, self._known = whole, len(whole.days)
        self._sums = [0, *accumulate(without_outlying(whole.days))]

    def ratios(self, days: Days, name: str, count: int) -> list[_Ratio]:
        """What came of the part in `count` days, and what was expected, on its earlier days."""
        sums, usual, before = self._aligned(days)
        found = []
        for origin in _origins(self._known, count):
            recent = self._whole.recent(origin)
            if origin - recent < before:
                continue
            at, everything = origin - before, self._sums[origin] - self._sums[origin - recent]
            said = self._whole.expected(name, origin, count) * (usual[at] - usual[at - recent])
            if said > 0 and everything > 0:
                found.append(((sums[at + count] - sums[at]) * everything, said))
        return found

    def record(self, days: Days, periods: Sequence[EarlierPeriod]) -> ForecastRecord:
        """The accuracy of forecasts of the part in earlier periods, like `record_of`."""
        sums, usual, before = self._aligned(days)
        errors = []
        for one in periods:
            recent = self._whole.recent(one.known)
            if min(one.start, one.known - recent) < before:
                continue
            at, start, end = one.known - before, one.start - before, one.end - before
            everything = self._sums[one.known] - self._sums[one.known - recent]
            actual = sums[end] - sums[start]
            if actual <= 0 or everything <= 0:
                continue
            share = Fraction(usual[at] - usual[at - recent], everything)
            said = sums[at] - sums[start] + round(_rest_of(self._whole, one) * share)
            errors.append(Fraction(abs(said - actual), actual))
        return _record(errors)

    def _aligned(self, days: Days) -> tuple[list[int], list[int], int]:
        """Running sums of the part's days, as they are and as usual, and the place of the first
        among the days of the whole."""
        days = days[-self._known :] if self._known else ()
        usual = without_outlying(days)
        return [0, *accumulate(days)], [0, *accumulate(usual)], self._known - len(days)


def record_of(forecaster: Forecaster, periods: Sequence[EarlierPeriod]) -> ForecastRecord:
    """The accuracy of forecasts of earlier periods.

    A period is forecast from the days known at that time, and compared with how it ended. A period
    without any spend is left out, because there is no relative error.
    """
    errors = []
    for one in periods:
        actual = forecaster.between(one.start, one.end)
        if actual <= 0 or not one.known:
            continue
        said = forecaster.between(one.start, one.known) + _rest_of(forecaster, one)
        errors.append(Fraction(abs(said - actual), actual))
    return _record(errors)


def _rest_of(forecaster: Forecaster, period: EarlierPeriod) -> int:
    """What was expected of the days of an earlier period that were still to come."""
    name = forecaster.best(period.known, period.horizon)
    return forecaster.expected(name, period.known, period.length - period.elapsed)


def _record(errors: Sequence[Fraction]) -> ForecastRecord:
    if not errors:
        return ForecastRecord(0, None, None)
    return ForecastRecord(len(errors), sum(errors, Fraction(0)) / len(errors), max(errors))


def band_of(
    so_far: int, to_come: int, ratios: Sequence[_Ratio], count: int, most: int | None = None
) -> Band | None:
    """The 80% range of a period with `count` days to come, from ratios of actual to expected
    amounts; None if they are too few. `most` is the maximum that can come, if there is one.

    Outcomes of days that overlap are alike: n samples of `count` days are worth n / count. With so
    few, the percentile of the next outcome is further out than that of the samples.
    """
    if most == 0:
        return Band(so_far, so_far)
    if len(ratios) < _FEWEST_SAMPLES or count <= 0:
        return None
    ordered = _ordered(ratios)
    independent = Fraction(len(ratios) * _STEP, count)
    high = min(_HIGHEST, HIGH * (independent + _MARGIN) / independent)
    low_end, high_end = (round(to_come * quantile(ordered, edge)) for edge in (1 - high, high))
    low_end, high_end = min(low_end, to_come), max(high_end, to_come)
    return Band(so_far + low_end, so_far + (high_end if most is None else min(high_end, most)))


def _ordered(values: Sequence[_Ratio]) -> list[_Ratio]:
    # integers compare much faster than fractions; values closer than 2^-256 are equal
    return sorted(values, key=lambda value: (value[0] << 256) // value[1])


def quantile(ordered: Sequence[_Ratio], share: Fraction) -> Fraction:
    """The value below which a share of the values lies, interpolated between its neighbors.

    The values are nonnegative fractions in ascending order, as (numerator, denominator).
    """
    place = share * (len(ordered) - 1)
    at = int(place)
    lower = Fraction(*ordered[at])
    upper = Fraction(*ordered[min(at + 1, len(ordered) - 1)])
    return lower + (upper - lower) * (place - at)


def _origins(known: int, count: int) -> range:
    """The earlier days to forecast from, with two known weeks before them and the outcome after.

    They are the same days whatever is known later, so that errors are computed only once.
    """
    last = known - count
    first = max(RECENT, last + 1 - _LONGEST_LOOK)
    return range(first + first % _STEP, last + 1, _STEP)


def _mean(values: Days) -> int:
    return rounded(sum(values), len(values)) if values else 0
