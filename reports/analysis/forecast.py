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
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

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

Days = Sequence[int]
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


def forecast(
    days: Days, count: int, so_far: int, *, today: int = 0, left: Fraction
) -> PeriodForecast:
    """Forecast a period of which `count` days are still to come, the present one with them.

    `days` are the whole days before today, the oldest first, whether or not they belong to the
    period. `so_far` is what the period came to until now, `today` the part of it that is of today,
    and `left` (0 to 1) how much of today is still to come. With `count` 0 nothing is to come.
    """
    if count <= 0:
        return PeriodForecast(so_far, 0, Band(so_far, so_far), "")
    name = best_method(days, count)
    to_come = _to_come(METHODS[name], days, count, today, left)
    ratios = _ratios(METHODS[name], days, count)
    band = None
    if len(ratios) >= _FEWEST_SAMPLES:
        low, high = (round(to_come * quantile(ratios, edge)) for edge in (LOW, HIGH))
        band = Band(so_far + min(low, to_come), so_far + max(high, to_come))
    return PeriodForecast(so_far, to_come, band, name)


def best_method(days: Days, count: int) -> str:
    """The method whose forecasts of `count` days were off least, over all earlier days."""

    def error(name: str) -> Fraction:
        method, off = METHODS[name], Fraction(0)
        for origin in _origins(days, count):
            off += abs(sum(days[origin : origin + count]) - expected(method, days[:origin], count))
        return off

    return min(METHODS, key=error)


def record(periods: Sequence[tuple[Days, Days, int]]) -> ForecastRecord:
    """How good forecasts were: for each earlier period, (days before, its days, days elapsed).

    A period is forecast with the days that were known by then, and compared with how it ended. One
    that came to nothing has no share to be off by and is left out.
    """
    errors = []
    for before, inside, elapsed in periods:
        actual = sum(inside)
        known = [*before, *inside[:elapsed]]
        if not actual or not known:
            continue
        count = len(inside) - elapsed
        method = METHODS[best_method(known, count)]
        said = sum(inside[:elapsed]) + expected(method, known, count)
        errors.append(Fraction(abs(said - actual), actual))
    if not errors:
        return ForecastRecord(0, None, None)
    return ForecastRecord(len(errors), sum(errors, Fraction(0)) / len(errors), max(errors))


def quantile(values: Sequence[Fraction], share: Fraction) -> Fraction:
    """The value below which a share of the values lies, between its two neighbors."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    lower = int(place)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (ordered[upper] - ordered[lower]) * (place - lower)


def _to_come(method: Method, days: Days, count: int, today: int, left: Fraction) -> int:
    """The rest of today, at least by the clock, and the days after it."""
    first = method(days, 1) if days else 0
    by_clock = round(today * left / (1 - left)) if left < 1 else first
    # a day that is far above its forecast already goes on as it began; one below may still catch up
    rest = max(round(first * left), by_clock if today > first else 0)
    return rest + sum(method(days, ahead) for ahead in range(2, count + 1))


def _origins(days: Days, count: int) -> range:
    """The earlier days to forecast from: with two weeks known before and the outcome after."""
    last = len(days) - count
    return range(max(_RECENT, last + 1 - _LONGEST_LOOK), last + 1)


def _ratios(method: Method, days: Days, count: int) -> list[Fraction]:
    found = []
    for origin in _origins(days, count):
        said = expected(method, days[:origin], count)
        if said > 0:
            found.append(Fraction(sum(days[origin : origin + count]), said))
    return found


def _mean(values: Days) -> int:
    return round(Fraction(sum(values), len(values))) if values else 0
