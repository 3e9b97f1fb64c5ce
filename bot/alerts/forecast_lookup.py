"""Forecasts the month for alert rules, computing each selection once for all rules that share it.

The figures are those of the answers `forecast` and `limits`. What a forecaster computes from whole
days is kept from one evaluation to the next, because these days hardly change.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from hashlib import blake2b

from bot.analysis.expected_spend import ExpectedSpend
from bot.analysis.forecast_usage import ForecastPeriod, Spend, forecast_period, read_spend
from bot.analysis.limits import HourlySpend, limit_full
from bot.answers.openrouter_limits import TrackedLimit
from bot.store import Store
from bot.store.usage.selection import Selection
from bot.store.usage.store import CacheState
from reports.alerts.kinds.forecast import MonthForecast
from reports.analysis.forecast import Forecaster
from reports.analysis.limits import FullAt
from reports.time.period import Unit
from reports.usage.dimensions import MoneySource

_MOST_KEPT = 100
"""Forecasters kept in memory, of some 200 KB each: of all spend, credits and BYOK, and of people
who only see their own usage."""
_EVERYTHING = Selection()


class ForecastCache:
    """Caches forecasters between evaluations. Not thread-safe."""

    def __init__(self) -> None:
        self._forecasters: dict[bytes, Forecaster] = {}

    def forecaster(self, days: Sequence[int]) -> Forecaster:
        """A forecaster from whole days before today."""
        key = blake2b(array("q", days).tobytes(), digest_size=16).digest()
        found = self._forecasters.pop(key, None) or Forecaster(days)
        self._forecasters[key] = found  # the last one used is the last one to go
        while len(self._forecasters) > _MOST_KEPT:
            self._forecasters.pop(next(iter(self._forecasters)))
        return found


class ForecastLookup:
    """Forecasts of the month as of the last sync (UTC); used within one snapshot.

    A `root` is everything that the owner of a rule may see, of which all else is a part.
    """

    def __init__(self, store: Store, at: datetime, cache: ForecastCache) -> None:
        self.store, self._at, self._cache = store, at, cache
        self._periods: dict[str, ForecastPeriod] = {}
        self._outlooks: dict[tuple[Selection, MoneySource, str], ExpectedSpend] = {}
        self._so_far: dict[tuple[Selection, MoneySource, str], Spend] = {}
        self._groups: dict[
            tuple[Selection, Selection, MoneySource, str], dict[int, MonthForecast]
        ] = {}
        self._hourly: dict[tuple[datetime, Selection], HourlySpend] = {}

    @cached_property
    def _state(self) -> CacheState:
        return self.store.state()

    def period(self, zone: str) -> ForecastPeriod:
        """The current month of a zone, at the time that its forecasts are about."""
        if zone not in self._periods:
            self._periods[zone] = forecast_period(self._state, Unit.MONTH, self._at, zone)
        return self._periods[zone]

    def outlook(
        self, source: MoneySource, zone: str, root: Selection = _EVERYTHING
    ) -> ExpectedSpend:
        """What is expected of all spend of a source in the month of a zone."""
        key = root, source, zone
        if key not in self._outlooks:
            self._outlooks[key] = ExpectedSpend(
                self.store, self.period(zone), source, root, self._cache.forecaster
            )
        return self._outlooks[key]

    def whole(
        self, selection: Selection, source: MoneySource, zone: str, root: Selection = _EVERYTHING
    ) -> MonthForecast:
        """The forecast for everything that a selection without a grouping covers."""
        outlook = self.outlook(source, zone, root)
        so_far, to_come = self._spent(selection, source, zone), outlook.to_come(selection)
        return MonthForecast(so_far, so_far + to_come, len(outlook.forecaster.days))

    def groups(
        self, selection: Selection, source: MoneySource, zone: str, root: Selection = _EVERYTHING
    ) -> Mapping[int, MonthForecast]:
        """The forecast for each group of a selection, by the group's id."""
        key = root, selection, source, zone
        if key not in self._groups:
            outlook = self.outlook(source, zone, root)
            to_come, so_far = outlook.by_group(selection), self._read(selection, source, zone)
            self._groups[key] = {
                id_: MonthForecast(
                    used := so_far.get(id_, 0), used + to_come.get(id_, 0),
                    len(outlook.forecaster.days),
                )
                for id_ in dict.fromkeys((*so_far, *to_come))
            }  # fmt: skip
        return self._groups[key]

    def full(
        self, limit: TrackedLimit, now: datetime, root: Selection = _EVERYTHING
    ) -> FullAt | None:
        """When a limit is full, as the answer `limits` says it; None if that isn't foreseen."""
        key = now, root
        if key not in self._hourly:
            self._hourly[key] = HourlySpend(self.store, now, root=root)
        return limit_full(limit, self._hourly[key], now)

    def _spent(self, selection: Selection, source: MoneySource, zone: str) -> int:
        """What was spent in the month; members of one dimension are all read at once."""
        if len(selection.members) == 1:
            [(dimension, ids)] = selection.members
            each = self._read(Selection(dimension), source, zone)
            return sum(each.get(id_, 0) for id_ in ids)
        return sum(self._read(selection, source, zone).values())

    def _read(self, selection: Selection, source: MoneySource, zone: str) -> Spend:
        key = selection, source, zone
        if key not in self._so_far:
            self._so_far[key] = read_spend(self.store, selection, self.period(zone).so_far, source)
        return self._so_far[key]
