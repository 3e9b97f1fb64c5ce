"""How good forecasts are: rolling origins over the sample organization and made-up ones.

On each third day, the end of its month is forecast from the days before. What really came is
compared with the band and with the point, and the point with two forecasts that need no method:
the plain pace (every day to come costs what a day of the past week cost) and the same-weekday naive
(the past week again). Errors are shares of all that came, averaged over a kind of organization.
Right after a runaway night or a lasting jump, the days are also counted by themselves.
Keys share the forecast of the whole; beside them stands the method of the whole on each key's days.

The rest of today is forecast at several hours of the last made-up days, without and with a burst of
one to twelve hours at some time of the day, beside the pace of the day so far.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from bot.demo.openrouter.sample_organization import sample
from reports.analysis.forecast import METHODS, Forecaster, band_of, forecast, shared
from reports.analysis.rest_of_today import PAST_HOURS, HoursOfToday, rest_of_today, usual_hours
from reports.analysis.usual_days import LOOKED_AT, RECENT, WEEK, DayHistory
from reports.usage.usage import NANO
from tests.bench.organizations import NOW
from tests.bench.table import Figure

_DAYS = 420
_FIRST = 120
"""The first origin: enough days before for a profile and a band."""
_STEP = 3
_AFTER = range(4, 11)
"""Days after a jump or a runaway night in which a forecast should have got over it."""
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


@dataclass(frozen=True, slots=True)
class _Days:
    """A series of days, and the days (their indexes) that a forecast has to get over."""

    spend: Sequence[int]
    events: Sequence[int] = ()


def run() -> Iterator[Figure]:
    """What is promised: the band covers 70 to 90 %, the point is not worse than both naive ones."""
    keys = _sample()
    whole = [sum(days) for days in zip(*keys.values(), strict=True)]
    kinds: dict[str, list[_Days]] = {"the sample": [_Days(whole)]}
    for name, day in _KINDS.items():
        kinds[name] = [_made_up(day, seed) for seed in _SEEDS]
    kinds |= {"runaway nights": [_runaways(seed) for seed in _SEEDS]}
    kinds |= {"lasting jumps": [_jumps(seed) for seed in _SEEDS]}
    for name, all_days in kinds.items():
        yield from _figures(name, [_backtest(days, _origins(days.spend)) for days in all_days])
    for name in ("runaway nights", "lasting jumps"):
        yield from _figures(
            f"4 to 10 days after {name}",
            [_backtest(days, origins) for days in kinds[name] if (origins := _soon_after(days))],
        )
    shared_error, own = _keys_backtest(whole, keys)
    yield Figure(
        "forecast by key, the sample: off by", float(shared_error * 100), "%",
        f"<= {float(own * 100):.3g} %", shared_error <= own, "own days", float(own / shared_error),
    )  # fmt: skip
    for name, burst in (("without a burst", False), ("with a burst", True)):
        ours, usual, paced = _rest_of_days(burst=burst)
        best = min(usual, paced)
        for peer, other in (("usual hours", usual), ("pace of the day", paced)):
            yield Figure(
                f"rest of today, days {name}: off by, beside {peer}", float(ours * 100), "%",
                f"<= {float(best * 100):.3g} %", ours <= best, peer, float(other / ours),
            )  # fmt: skip


def _figures(name: str, found: Sequence[_Backtest]) -> Iterator[Figure]:
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


def _origins(days: Sequence[int]) -> Iterable[int]:
    return range(_FIRST, len(days) - _LONGEST_MONTH, _STEP)


def _soon_after(days: _Days) -> list[int]:
    asked = range(_FIRST, len(days.spend) - _LONGEST_MONTH)
    return [event + after for event in days.events for after in _AFTER if event + after in asked]


def _backtest(of: _Days, origins: Iterable[int]) -> _Backtest:
    days, forecaster = of.spend, Forecaster(of.spend)  # which never looks ahead
    ours = paced = repeated = everything = hits = tries = 0
    for origin in origins:
        past, count = days[:origin], _left(_TODAY - (len(days) - origin) * _DAY)
        came = sum(days[origin : origin + count])
        name = forecaster.best(origin, count)
        said = forecaster.expected(name, origin, count)
        band = band_of(0, said, forecaster.ratios(name, count, origin), count)
        assert band is not None
        ours += abs(said - came)
        paced += abs(sum(past[-WEEK:]) * count // WEEK - came)
        repeated += abs(sum(past[-WEEK + at % WEEK] for at in range(count)) - came)
        hits += band.low <= came <= band.high
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
    of_shares = own = everything = 0
    for origin in range(_FIRST, len(whole) - _LONGEST_MONTH, 5 * _STEP):
        count = _left(_TODAY - (len(whole) - origin) * _DAY)
        found = forecast(whole[:origin], count, 0)
        recent = {key: sum(days[origin - RECENT : origin]) for key, days in keys.items()}
        parts = shared(found.to_come, recent)
        for key, days in keys.items():
            came = sum(days[origin : origin + count])
            of_shares += abs(parts[key] - came)
            week = METHODS[found.method](DayHistory(days[:origin]).usual(origin).days[-LOOKED_AT:])
            own += abs(sum(week[at % WEEK] for at in range(count)) - came)
            everything += came
    return Fraction(of_shares, everything), Fraction(own, everything)


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


def _made_up(day: Callable[[random.Random, date], float], seed: int) -> _Days:
    chance = random.Random(seed)
    return _Days(
        [round(100 * NANO * day(chance, _TODAY - before * _DAY)) for before in range(_DAYS, 0, -1)]
    )


def _runaways(seed: int) -> _Days:
    """Weekdays, and about every third month a night that costs six to fourteen days, half of them
    on two days."""
    chance, found = random.Random(seed), _made_up(_weekdays, seed)
    days, events, at = list(found.spend), [], 60 + chance.randrange(30)
    while at + 1 < _DAYS:
        night = round(100 * NANO * chance.uniform(6, 14))
        before_midnight = round(night * chance.choice((1.0, chance.random())))
        days[at], days[at + 1] = days[at] + before_midnight, days[at + 1] + night - before_midnight
        events.append(at + 1)
        at += 60 + chance.randrange(60)
    return _Days(days, events)


def _jumps(seed: int) -> _Days:
    """Weekdays that cost two and a half times as much every other quarter."""
    chance, found = random.Random(seed), _made_up(_weekdays, seed)
    days, events, at = list(found.spend), [], 60 + chance.randrange(30)
    while at < _DAYS:
        after = min(_DAYS, at + 70 + chance.randrange(40))
        if len(events) % 2 == 0:
            days[at:after] = [day * 5 // 2 for day in days[at:after]]
        events.append(at)
        at = after
    return _Days(days, events)


_OFFICE = (
    [1.0] * 7 + [3.0, 7.0, 9.0, 10.0, 9.0, 7.0, 9.0, 10.0, 10.0, 9.0, 7.0] + [4.0, 2.0] + [1.0] * 4
)
_ASKED_AT = tuple(Fraction(at, 20) for at in (50, 130, 190, 270, 350, 410, 461))
"""Hours of the day at which its rest is forecast: from 2:30 to 23:03."""
_MADE_UP_DAYS = 60


def _rest_of_days(*, burst: bool) -> tuple[Fraction, Fraction, Fraction]:
    """How far the rest of days was off: ours, the usual hours alone, and the pace of the day if it
    is above its usual amount."""
    off, everything = [0, 0, 0], 0
    for seed in range(_MADE_UP_DAYS):
        chance = random.Random(seed)
        past, today = _hours(chance, PAST_HOURS // 24), _hours(chance, 1)
        if burst:
            begins, more = chance.randrange(24), chance.choice((50, 100, 200)) * NANO
            for hour in range(begins, min(24, begins + chance.choice((1, 2, 3, 4, 6, 8, 12)))):
                today[hour] += more
        days = sorted(sum(past[at : at + 24]) for at in range(0, len(past), 24))
        expected = days[len(days) // 2]
        before, *usual = usual_hours(past, 24)
        for passed in _ASKED_AT:
            full, begun = int(passed), passed % 1
            this, last = round(today[full] * begun), today[full - 1]
            came = today[full] - this + sum(today[full + 1 :])
            hours = HoursOfToday(tuple(usual), before, passed, last, this)
            rest = rest_of_today(hours, expected)
            by_usual, so_far = expected * rest.share, sum(today[:full]) + this
            by_clock = so_far * (24 - passed) / passed if so_far > expected else Fraction(0)
            everything += came
            for at, said in enumerate((
                by_usual + rest.running, by_usual, max(expected * (24 - passed) / 24, by_clock)
            )):  # fmt: skip
                off[at] += abs(round(said) - came)
    ours, usual_alone, paced = (Fraction(one, everything) for one in off)
    return ours, usual_alone, paced


def _hours(chance: random.Random, days: int) -> list[int]:
    """Hours of an office, noisy by the day and by the hour; a tenth of the days has a burst."""
    found = []
    for _ in range(days):
        level, at, more = chance.lognormvariate(0, 0.2), chance.randrange(24), 0
        if days > 1 and chance.random() < 0.1:
            more = 150 * NANO
        for hour in range(24):
            cost = round(NANO * _OFFICE[hour] * level * chance.lognormvariate(0, 0.3))
            found.append(cost + (more if at <= hour < at + 3 else 0))
    return found
