"""Forecast how a period ends: a point, a band, and how good such forecasts were before.

Days are whole local days; their figures are whole nano-dollars. Three simple methods compete, and
the one that was best on the history at hand is used:

- *pace*: every day to come costs what a day of the past week cost;
- *weekday*: it costs the mean of the last four same weekdays;
- *profile*: it costs the mean day of the past two weeks, spread over weekdays as the past eight
  weeks were.

The band comes from the past, not from an assumption about chance: the same forecast is made for
every earlier day with as many days to come, and the 10th and 90th percentile of what really came,
relative to the forecast, are its edges.

Groups (keys, models, creators) share what is to come of the whole by what each of them spent
lately. So they add up to the whole, and a key that is used once in a while is not taken for a
pattern of weekdays: forecasts of single keys are off by less than with methods of their own.
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
"""Days whose mean is the present level: two of each weekday, so that no weekday weighs more."""
_PROFILE = 56
"""Days that the weekday profile is taken from: eight weeks, the least that evens out holidays."""
_SAME_WEEKDAYS = 4
_FEWEST_SAMPLES = 20
"""Below this many earlier forecasts, the 10th and 90th percentile are single days."""
_LONGEST_LOOK = 400
"""How many earlier days are tried at most: a year and the month around it."""
LOW, HIGH = Fraction(1, 10), Fraction(9, 10)
RECENT_DAYS = _RECENT
"""Days whose spend, with that of today, says how large the share of a group is."""
METHOD_DAYS = _PROFILE
"""The days before today that a forecast depends on, apart from the choice of its method."""

Days = Sequence[int]
Id = TypeVar("Id")
_Ratio = tuple[int, int]
"""What really came and what was expected, as numerator and denominator."""
Method = Callable[[Days, int], int]
"""What a method expects `ahead` days (from 1 up) after the last of the days it is given."""


@dataclass(frozen=True, slots=True)
class Band:
    """An 80 % band in nano-dollars."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class PeriodForecast:
    """How a period ends, in nano-dollars. `band` is None where the past is too short for one."""

    so_far: int
    to_come: int
    band: Band | None
    method: str

    @property
    def end(self) -> int:
        """What the whole period is expected to come to."""
        return self.so_far + self.to_come


@dataclass(frozen=True, slots=True)
class ForecastRecord:
    """How far forecasts on the same day of earlier periods were off, as shares of the outcome."""

    samples: int
    mean_error: Fraction | None
    worst_error: Fraction | None


def pace(days: Days, ahead: int) -> int:  # noqa: ARG001 - all methods take the same arguments
    """The mean day of the past week."""
    return _mean(days[-WEEK:])


def weekday(days: Days, ahead: int) -> int:
    """The mean of the last four same weekdays; of the past week where there is none."""
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
"""In the order in which they are preferred where several were equally good."""


def expected(method: Method, days: Days, count: int) -> int:
    """What a method expects of the next `count` days together."""
    return sum(method(days, ahead) for ahead in range(1, count + 1))


@dataclass(frozen=True, slots=True)
class ExpectedDays:
    """What a method expects, in nano-dollars: of the whole of today, and of the days after it."""

    method: str
    today: int
    later: int


def expected_days(days: Days, count: int) -> ExpectedDays:
    """What the best method expects of the next `count` days, from 1 up; today is the first."""
    return _expected_days(_History(days), count)


def end_of_period(expected: ExpectedDays, so_far: int, *, today: int, left: Fraction) -> int:
    """What a period comes to, in nano-dollars: what `forecast` says, without its band.

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
    """Forecast a period of which `count` days are still to come, the present one with them.

    `days` are the whole days before today, the oldest first, whether or not they belong to the
    period. `so_far` is what the period came to until now, `today` the part of it that is of today,
    and `left` (0 to 1) how much of today is still to come. With `count` 0 nothing is to come.
    """
    if count <= 0:
        return PeriodForecast(so_far, 0, Band(so_far, so_far), "")
    history = _History(days)
    expected = _expected_days(history, count)
    to_come = _to_come(expected, today, left)
    band = _band(so_far, to_come, _ratios(history, expected.method, count))
    return PeriodForecast(so_far, to_come, band, expected.method)


def band_of_whole(days: Days, count: int, so_far: int, to_come: int) -> Band | None:
    """The band around a forecast of `days` that was made before; None if the past is too short."""
    history = _History(days)
    return _band(so_far, to_come, _ratios(history, _best(history, len(days), count), count))


def band_of_group(days: Days, count: int, of_group: Days, so_far: int, to_come: int) -> Band | None:
    """The same around the share of a group, whose days `of_group` end with those of the whole."""
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
    """Share the forecast of a whole, made of `days` and `count`, among its groups.

    `so_far` is what each group came to in the period, `recent` in the last `RECENT_DAYS` days and
    today; where nothing was spent lately, what is to come is shared as the period so far was. The
    groups in `histories` get a band: their days end with the same day as `days`. What is to come
    of all groups together is that of the whole, exactly.
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
    """An amount parted by weights that are not negative, to whole numbers that add up to it."""
    everything = sum(weights.values())
    if not everything:
        return {}
    parts = {id_: divmod(amount * weight, everything) for id_, weight in weights.items()}
    missing = amount - sum(part for part, _ in parts.values())
    # the largest remainders get the units that are missing; of equal ones the first
    lost = sorted(parts, key=lambda id_: -parts[id_][1])
    one_more = set(lost[:missing])
    return {id_: part + (id_ in one_more) for id_, (part, _) in parts.items()}


class _GroupBands:
    """What really came of a group, against its share of what was expected of the whole then."""

    def __init__(self, days: Days, name: str, count: int) -> None:
        history = _History(days)
        self._count, self._known = count, len(days)
        self._origins = _origins(len(days), count)
        self._said = [history.expected(name, at, count) for at in self._origins]
        self._recent = [history.between(at - _RECENT, at) for at in self._origins]

    def ratios(self, days: Days) -> list[_Ratio]:
        """The ratios of all earlier days that the days of the group reach back to."""
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
    """The method whose forecasts of `count` days were off least, over all earlier days."""
    return _best(_History(days), len(days), count)


def record(periods: Sequence[tuple[Days, Days, int]]) -> ForecastRecord:
    """How good forecasts were: for each earlier period, (days before, its days, days elapsed).

    A period is forecast with the days that were known by then, and compared with how it ended. One
    that came to nothing has no share to be off by and is left out.
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
    """Days with their running sums, so that what a method expects costs a few subtractions.

    It gives exactly what the methods above do, for the first `known` days.
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
        """Running sums of how far a method was off: entry `n` is over the days before day `n`."""
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
        """What the profile method expects of up to seven days."""
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
    """The method that was off least over the days before the first `known`."""
    origins = _origins(known, count)
    # before there are eight weeks, the profile is the weekday method; before two, no weekday counts
    names = list(METHODS) if known >= _PROFILE else ["weekday", "pace"]
    if count <= 0 or not origins:
        return names[0] if known >= _RECENT else "pace"

    def error(name: str) -> int:
        sums = history.errors(name, count, origins.stop - 1)
        return sums[origins.stop] - sums[origins.start]

    return min(names, key=error)


def quantile(values: Sequence[_Ratio], share: Fraction) -> Fraction:
    """The value below which a share of the values lies, between its two neighbors.

    The values are fractions as (numerator, denominator), which are positive or 0.
    """
    return _between(_ordered(values), share)


def _ordered(values: Sequence[_Ratio]) -> list[_Ratio]:
    # whole numbers compare many times faster than fractions; what is closer than 2^-256 is equal
    return sorted(values, key=lambda value: (value[0] << 256) // value[1])


def _between(ordered: Sequence[_Ratio], share: Fraction) -> Fraction:
    place = share * (len(ordered) - 1)
    at = int(place)
    lower = Fraction(*ordered[at])
    upper = Fraction(*ordered[min(at + 1, len(ordered) - 1)])
    return lower + (upper - lower) * (place - at)


def _band(so_far: int, to_come: int, ratios: Sequence[_Ratio]) -> Band | None:
    """The 80 % band, from how what really came compared with what had been expected."""
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
    # a day that is far above its forecast already goes on as it began; one below may still catch up
    rest = max(round(first * left), by_clock if today > first else 0)
    return rest + expected.later


def _origins(known: int, count: int) -> range:
    """The earlier days to forecast from: with two weeks known before and the outcome after."""
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
