"""What the forecasts of several sources of money read, together and once; within one snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from bot.analysis.forecast_usage import ForecastPeriod, Spend
from bot.analysis.spend_left import spend_left
from bot.store import Store
from bot.store.usage.selection import Selection
from reports.analysis.limited_keys import SpendLeft
from reports.time.time_range import TimeRange
from reports.usage.coverage import AnswerableRange
from reports.usage.dimensions import MoneySource
from reports.usage.usage import Usage

_Largest = Mapping[int, tuple[int, int]]
"""What each member spent on the largest of some days, and on all of them."""


class SharedReads:
    """Reads for the forecasts of a period; of `sources`, there will be one each."""

    def __init__(
        self, store: Store, period: ForecastPeriod, sources: Sequence[MoneySource]
    ) -> None:
        self._store, self._period, self._sources = store, period, sources
        self._largest: dict[tuple[Selection, TimeRange], dict[MoneySource, _Largest]] = {}
        self._spend: dict[tuple[Selection, TimeRange, MoneySource], Spend] = {}
        self._whole: dict[tuple[Selection, TimeRange], Sequence[Usage]] = {}

    def largest(self, selection: Selection, of: AnswerableRange, source: MoneySource) -> _Largest:
        """What each member spent in its largest bucket of a range, and in all of it."""
        key = selection, of.range
        if key not in self._largest:
            self._largest[key] = {}
        if source not in self._largest[key]:
            sources = self._sources if source in self._sources else (source,)
            found = self._store.largest_buckets(selection, of.range, of.stored, sources)
            self._largest[key] |= dict(zip(sources, found, strict=True))
        return self._largest[key][source]

    def spend(self, selection: Selection, of: AnswerableRange, source: MoneySource) -> Spend:
        """The spend of a range by group."""
        key = selection, of.range, source
        if key not in self._spend:
            found = self._store.spend_by_source(selection, of.range, of.stored)
            parts = {
                MoneySource.ALL: {id_: sum(both) for id_, both in found.items()},
                MoneySource.CREDITS: {id_: used for id_, (used, _) in found.items()},
                MoneySource.BYOK: {id_: used for id_, (_, used) in found.items()},
            }
            self._spend |= {(selection, of.range, one): part for one, part in parts.items()}
        return self._spend[key]

    def whole(self, selection: Selection, of: AnswerableRange) -> Sequence[Usage]:
        """The usage of each bucket of a range."""
        key = selection, of.range
        if key not in self._whole:
            self._whole[key] = self._store.whole(selection, of.range, of.stored)
        return self._whole[key]

    def left(self, source: MoneySource) -> Mapping[int, SpendLeft]:
        """What keys that can't spend without limit can still spend in the period."""
        if source is MoneySource.BYOK:
            return spend_left(self._store, self._period, source)
        return self._left

    @cached_property
    def _left(self) -> Mapping[int, SpendLeft]:
        # limits count all spend or that from credits; both leave the same of all spend
        return spend_left(self._store, self._period, MoneySource.ALL)
