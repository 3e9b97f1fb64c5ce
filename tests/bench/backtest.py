"""How good forecasts are: rolling origins over the sample organization and made-up ones.

On each third day, the end of its month is forecast from the days before. What really came is
compared with the band and with the point, and the point with two forecasts that need no method:
the plain pace (every day to come costs what a day of the past week cost) and the same-weekday naive
(the past week again). Errors are shares of all that came, averaged over a kind of organization.
Keys share the forecast of the whole; beside them stands the method of the whole on each key's days.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from bot.demo.openrouter.sample_organization import sample
from reports.analysis.forecast import (
    METHODS,
    RECENT_DAYS,
    WEEK,
    expected,
    forecast,
    forecast_groups,
    pace,
)
from reports.usage.usage import NANO
from tests.bench.organizations import NOW
from tests.bench.table import Figure

_DAYS = 420
_FIRST = 120
"""The first origin: enough days before for a profile and a band."""
_STEP = 3
_LONGEST_MONTH = 31
_SEEDS = range(6)
_TODAY = NOW.date()
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Backtest:
    """How one series of days was forecast: shares of what came, and of the origins."""

    ours: Fraction
    pace: Fraction
    weekday: Fraction
    covered: Fraction


def run() -> Iterator[Figure]:
    """What is promised: the band covers 70 to 90 %, the point is not worse than both naive ones."""
    keys = _sample()
    whole = [sum(days) for days in zip(*keys.values(), strict=True)]
    kinds: dict[str, list[Sequence[int]]] = {"the sample": [whole]}
    for name, day in _KINDS.items():
        kinds[name] = [_made_up(day, seed) for seed in _SEEDS]
    for name, all_days in kinds.items():
        found = [_backtest(days) for days in all_days]
        covered = _mean([one.covered for one in found]) * 100
        yield Figure(
            f"80 % band, {name}: ends within it", float(covered), "%", "70 to 90 %",
            70 <= covered <= 90,
        )  # fmt: skip
        ours = _mean([one.ours for one in found])
        better = min(_mean([one.pace for one in found]), _mean([one.weekday for one in found]))
        for peer, others in (
            ("plain pace", [one.pace for one in found]),
            ("same weekday", [one.weekday for one in found]),
        ):
            yield Figure(
                f"forecast, {name}: off by, beside {peer}", float(ours * 100), "%",
                f"<= {float(better * 100):.3g} %", ours <= better, peer,
                float(_mean(others) / ours),
            )  # fmt: skip

    shared, own = _keys_backtest(whole, keys)
    yield Figure(
        "forecast by key, the sample: off by", float(shared * 100), "%",
        f"<= {float(own * 100):.3g} %", shared <= own, "own days", float(own / shared),
    )  # fmt: skip


def _backtest(days: Sequence[int]) -> _Backtest:
    ours = paced = repeated = everything = hits = tries = 0
    for origin in range(_FIRST, len(days) - _LONGEST_MONTH, _STEP):
        past, count = days[:origin], _left(_TODAY - (len(days) - origin) * _DAY)
        came = sum(days[origin : origin + count])
        found = forecast(past, count, 0, left=Fraction(1))
        assert found.band is not None
        ours += abs(found.to_come - came)
        paced += abs(expected(pace, past, count) - came)
        repeated += abs(sum(past[-WEEK + at % WEEK] for at in range(count)) - came)
        hits += found.band.low <= came <= found.band.high
        everything, tries = everything + came, tries + 1
    return _Backtest(
        Fraction(ours, everything),
        Fraction(paced, everything),
        Fraction(repeated, everything),
        Fraction(hits, tries),
    )


def _keys_backtest(
    whole: Sequence[int], keys: Mapping[str, Sequence[int]]
) -> tuple[Fraction, Fraction]:
    """How far the forecasts of keys were off: as shares of the whole, and from their own days."""
    shared = own = everything = 0
    for origin in range(_FIRST, len(whole) - _LONGEST_MONTH, 5 * _STEP):
        count = _left(_TODAY - (len(whole) - origin) * _DAY)
        found = forecast(whole[:origin], count, 0, left=Fraction(1))
        recent = {key: sum(days[origin - RECENT_DAYS : origin]) for key, days in keys.items()}
        groups = forecast_groups(whole[:origin], count, found, {}, recent, {})
        for key, days in keys.items():
            came = sum(days[origin : origin + count])
            shared += abs(groups[key].to_come - came)
            own += abs(expected(METHODS[found.method], days[:origin], count) - came)
            everything += came
    return Fraction(shared, everything), Fraction(own, everything)


def _left(day: date) -> int:
    """How many days of its month are left, the day itself with them."""
    return ((day.replace(day=1) + 32 * _DAY).replace(day=1) - day).days


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def _sample() -> Mapping[str, Sequence[int]]:
    """What each key of the sample organization spent each day."""
    end = NOW.replace(hour=0, minute=0, second=0)
    start = end - _DAYS * _DAY
    keys: dict[str, list[int]] = {}
    for record in sample(NOW).usage(start, end):
        days = keys.setdefault(record.key, [0] * _DAYS)
        days[(record.at - start) // _DAY] += record.credits_nano + record.byok_nano
    return keys


def _weekdays(chance: random.Random, day: date) -> float:
    """Work from Monday to Friday, a little at weekends."""
    return (0.15 if day.weekday() >= 5 else 1.0) * chance.lognormvariate(0, 0.25)


def _spikes(chance: random.Random, day: date) -> float:
    """The same with a day of eight times as much about once a month."""
    return _weekdays(chance, day) * (8 if chance.random() < 0.03 else 1)


def _trend(chance: random.Random, day: date) -> float:
    """The same with growth by an eighth every month."""
    return float(_weekdays(chance, day) * 1.004 ** (_DAYS - (_TODAY - day).days))


def _even(chance: random.Random, day: date) -> float:
    """Every day alike but for noise: machines that never rest."""
    return chance.lognormvariate(0, 0.15)


_KINDS: dict[str, Callable[[random.Random, date], float]] = {
    "weekdays": _weekdays,
    "weekdays and trend": _trend,
    "weekdays and spikes": _spikes,
    "even days": _even,
}


def _made_up(day: Callable[[random.Random, date], float], seed: int) -> list[int]:
    chance = random.Random(seed)
    return [
        round(100 * NANO * day(chance, _TODAY - before * _DAY)) for before in range(_DAYS, 0, -1)
    ]
