"""Forecasts the month for alert rules, computing each selection once for all rules that share it.

The figures are those of the answer `forecast`. Results based on whole days are kept from one
evaluation to the next, because these days hardly change.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from hashlib import blake2b

from bot.analysis.forecast_usage import (
    ForecastPeriod,
    Spend,
    forecast_period,
    known_from,
    read_days,
    read_recent,
    read_spend,
    since_first_usage,
)
from bot.analysis.limits import HourlySpend, limit_full
from bot.answers.openrouter_limits import TrackedLimit
from bot.store import Store
from bot.store.usage.selection import Ids, Selection
from bot.store.usage.store import CacheState
from reports.alerts.kinds.forecast import MonthForecast
from reports.analysis.forecast import (
    ExpectedDays,
    PeriodForecast,
    end_of_period,
    expected_days,
    forecast_groups,
)
from reports.analysis.limits import FullAt
from reports.time.period import Unit
from reports.usage.coverage import AnswerableRange
from reports.usage.dimensions import Dimension, Metric, MoneySource

_REVISED_DAYS = 14
"""Days that are read each time. OpenRouter corrects usage for a week; another week is a margin."""
_MOST_SINGLE = 8
"""Up to this many members of a dimension are read one by one; more are read all at once."""
_MOST_ADDED = 20
"""Up to this many members are summed here; for more, the database computes the sums."""
_MOST_KEPT = 20_000
"""Expectations kept in memory, of about 200 bytes each: two for each of 10,000 selections."""
_MOST_SERIES = 6
"""Sets of older days kept in memory: for each dimension in credits, BYOK and both, or two zones."""

_Days = Mapping[int, Sequence[int]]


class ForecastCache:
    """Caches forecasts of whole days between evaluations. Not thread-safe."""

    def __init__(self) -> None:
        self._expected: dict[tuple[bytes, int], ExpectedDays] = {}
        self._older: dict[tuple[Dimension, MoneySource, date], tuple[object, _Days]] = {}

    def expected(self, days: Sequence[int], count: int) -> ExpectedDays:
        """The expected spend of the `count` days after `days`."""
        key = blake2b(array("q", days).tobytes(), digest_size=16).digest(), count
        found = self._expected.get(key)
        if found is None:
            while len(self._expected) >= _MOST_KEPT:
                self._expected.pop(next(iter(self._expected)))
            found = self._expected[key] = expected_days(days, count)
        return found

    def days(
        self, store: Store, dimension: Dimension, source: MoneySource, period: ForecastPeriod
    ) -> _Days:
        """The spend of each member of a dimension on each day before today, in nano-dollars.

        The older ones are read again if the sum of any day or of any member has changed.
        """
        older, recent = _split(period.history, _REVISED_DAYS)
        selection, key = Selection(dimension), (dimension, source, period.today)
        whole = store.whole(Selection(), older.range, older.stored)
        sums = store.metric_sums(
            selection, older.range, older.stored, (Metric.TOKENS, Metric.SPEND), source
        )
        state = whole, dict(sums)
        kept = self._older.get(key)
        if kept is None or kept[0] != state:
            self._older.pop(key, None)
            while len(self._older) >= _MOST_SERIES:
                self._older.pop(next(iter(self._older)))
            kept = self._older[key] = state, _series(store, selection, older, source)
        newer = _series(store, selection, recent, source)
        before, after = (
            array("q", bytes(8 * len(older.range.buckets))),
            array("q", bytes(8 * len(recent.range.buckets))),
        )
        return {
            id_: [*kept[1].get(id_, before), *newer.get(id_, after)]
            for id_ in kept[1].keys() | newer.keys()
        }


@dataclass(frozen=True, slots=True)
class _Members:
    """The spend of each member of a dimension: on each day before today, this month, and today."""

    days: _Days
    so_far: Spend
    of_today: Spend


class ForecastLookup:
    """Forecasts of the month as of the last sync (UTC); used within one snapshot."""

    def __init__(self, store: Store, at: datetime, cache: ForecastCache) -> None:
        self.store, self._at, self._cache = store, at, cache
        self._periods: dict[str, ForecastPeriod] = {}
        self._wholes: dict[tuple[Selection, MoneySource, str], MonthForecast] = {}
        self._groups: dict[tuple[Selection, MoneySource, str], dict[int, MonthForecast]] = {}
        self._members: dict[tuple[Dimension, MoneySource, str], _Members] = {}
        self._hourly: tuple[datetime, HourlySpend] | None = None
        self._single: Counter[tuple[Dimension, MoneySource, str]] = Counter()

    @cached_property
    def _state(self) -> CacheState:
        return self.store.state()

    def period(self, zone: str) -> ForecastPeriod:
        """The current month of a zone, at the time that its forecasts are about."""
        if zone not in self._periods:
            self._periods[zone] = forecast_period(self._state, Unit.MONTH, self._at, zone)
        return self._periods[zone]

    def whole(self, selection: Selection, source: MoneySource, zone: str) -> MonthForecast:
        """The forecast for everything that a selection without a grouping covers."""
        key = selection, source, zone
        if key not in self._wholes:
            self._wholes[key] = self._whole(selection, source, zone)
        return self._wholes[key]

    def groups(
        self, selection: Selection, source: MoneySource, zone: str
    ) -> Mapping[int, MonthForecast]:
        """The forecast for each group of a selection, by the group's id."""
        key = selection, source, zone
        if key not in self._groups:
            self._groups[key] = self._grouped(selection, source, zone)
        return self._groups[key]

    def full(self, limit: TrackedLimit, now: datetime) -> FullAt | None:
        """When a limit is full, with the figures of the answer `limits`."""
        if self._hourly is None or self._hourly[0] != now:
            self._hourly = now, HourlySpend(self.store, now)
        return limit_full(limit, self._hourly[1], now)

    def _whole(self, selection: Selection, source: MoneySource, zone: str) -> MonthForecast:
        period, store = self.period(zone), self.store
        if len(selection.members) == 1:
            [(dimension, ids)] = selection.members
            key = dimension, source, zone
            self._single[key] += 1
            if self._single[key] > _MOST_SINGLE and len(ids) <= _MOST_ADDED:
                return self._added(self._all_members(key), ids, period)
        days = read_days(store, selection, period.history, source)
        so_far = sum(read_spend(store, selection, period.so_far, source).values())
        of_today = sum(read_spend(store, selection, period.of_today, source).values())
        return self._month(days, period, so_far, of_today)

    def _all_members(self, key: tuple[Dimension, MoneySource, str]) -> _Members:
        if key not in self._members:
            dimension, source, zone = key
            store, period, selection = self.store, self.period(zone), Selection(dimension)
            self._members[key] = _Members(
                self._cache.days(store, dimension, source, period),
                read_spend(store, selection, period.so_far, source),
                read_spend(store, selection, period.of_today, source),
            )
        return self._members[key]

    def _added(self, found: _Members, ids: Ids, period: ForecastPeriod) -> MonthForecast:
        each = [found.days[id_] for id_ in ids if id_ in found.days]
        days = each[0] if len(each) == 1 else [sum(day) for day in zip(*each, strict=True)]
        days = since_first_usage(days[known_from(period.history) :])
        return self._month(days, period, _sum(found.so_far, ids), _sum(found.of_today, ids))

    def _month(
        self, days: Sequence[int], period: ForecastPeriod, so_far: int, of_today: int
    ) -> MonthForecast:
        expected = self._cache.expected(days, period.count)
        end = end_of_period(expected, so_far, today=of_today, left=period.left)
        return MonthForecast(so_far, end, len(days))

    def _grouped(
        self, selection: Selection, source: MoneySource, zone: str
    ) -> dict[int, MonthForecast]:
        period, store = self.period(zone), self.store
        days = read_days(store, selection, period.history, source)
        so_far = read_spend(store, selection, period.so_far, source)
        of_today = read_spend(store, selection, period.of_today, source)
        whole = self._month(days, period, sum(so_far.values()), sum(of_today.values()))
        to_share = PeriodForecast(whole.so_far, whole.end - whole.so_far, None, "")
        recent = read_recent(store, selection, period, of_today, source)
        shared = forecast_groups(days, period.count, to_share, so_far, recent, {})
        return {
            id_: MonthForecast(one.so_far, one.end, whole.known_days) for id_, one in shared.items()
        }


def _split(of: AnswerableRange, count: int) -> tuple[AnswerableRange, AnswerableRange]:
    """Split a range of days into all but its last `count` buckets, and these."""
    buckets = of.range.buckets
    cut = buckets[-count]
    older = replace(of.range, buckets=buckets[:-count], end=cut, until=cut)
    return replace(of, range=older), replace(of, range=replace(of.range, buckets=buckets[-count:]))


def _series(
    store: Store, selection: Selection, of: AnswerableRange, source: MoneySource
) -> dict[int, array[int]]:
    empty, found = bytes(8 * len(of.range.buckets)), {}
    for id_, spent in store.spend_series(selection, of.range, of.stored, source).items():
        days = found[id_] = array("q", empty)
        for at, spend in spent.items():
            days[at] = spend
    return found


def _sum(spend: Spend, ids: Iterable[int]) -> int:
    return sum(spend.get(id_, 0) for id_ in ids)
