"""What each key or creator spent since a time: on whole days, and in the hours around them.

`limits` and `keys` read it from here, so that they name the same figures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property

from bot.store import Store
from bot.store.usage.selection import Ids, Selection
from bot.store.usage.store import CacheState
from reports.time.time_range import DAY, HOUR, Granularity, TimeRange, floor
from reports.usage.coverage import Interval, gaps
from reports.usage.dimensions import Dimension, Metric, MoneySource

_SETTLED = timedelta(minutes=10)
"""So long after its end, a day has all of its hours' usage when it is synced."""
_MOMENT = timedelta(microseconds=1)
_SCANNED = 3
"""From a third of the members on, reading the sums of all of them takes less than looking up those
of each that is asked for."""

Spend = Mapping[int, int]
"""Nano-dollars by the id of a member."""


class SpendSince:
    """What members spent until now; each span of time is read once, within one snapshot.

    Sums are read for all members at once. With `members`, only these can be asked for; without,
    all. `both`: spend from credits is asked for, and all spend, so that both are read together.
    """

    def __init__(
        self,
        store: Store,
        now: datetime,
        members: Mapping[Dimension, Ids] | None = None,
        *,
        both: bool = False,
    ) -> None:
        self._store, self._now, self._members, self._both = store, now, members, both
        self._end = floor(now, Granularity.HOUR) + HOUR
        self._starts: dict[Dimension, set[datetime]] = defaultdict(set)
        self._days: dict[tuple[Dimension, datetime, bool], Spend] = {}
        self._spans: dict[tuple[Dimension, Interval, bool], Spend] = {}
        self._since: dict[tuple[Dimension, bool, datetime], Spend] = {}

    def each(self, by: Dimension, start: datetime, *, byok: bool) -> Spend:
        """What each member spent since the start of an hour (UTC); with `byok`, from their own
        provider keys, too. Members that can't be asked for may be missing."""
        asked = by, byok, start
        if asked not in self._since:
            self._since[asked] = self._each(by, start, byok=byok)
        return self._since[asked]

    def _each(self, by: Dimension, start: datetime, *, byok: bool) -> Spend:
        first = floor(start + DAY - _MOMENT, Granularity.DAY)
        days = first, self._whole_days(first)
        if days[0] >= days[1]:
            return self._spent(by, (start, self._end), Granularity.HOUR, byok=byok)
        each = self._since_day(by, days, byok=byok)
        for hours in ((start, days[0]), (days[1], self._end)):
            each = _added(each, self._spent(by, hours, Granularity.HOUR, byok=byok))
        return each

    def _since_day(self, by: Dimension, days: Interval, *, byok: bool) -> Spend:
        """What each member spent on whole days, without reading the days since a later reset
        again."""
        first, until = days
        key = by, first, byok
        if key not in self._days:
            later = min((start for start in self._starts[by] if start > first), default=until)
            found = self._spent(by, (first, later), Granularity.DAY, byok=byok)
            if later < until:
                found = _added(found, self._since_day(by, (later, until), byok=byok))
            self._starts[by].add(first)
            self._days[key] = found
        return self._days[key]

    def _whole_days(self, first: datetime) -> datetime:
        """Until when usage since the day `first` is read by day, which has far fewer rows.

        The hours of a day are more recent than the day until the days were synced some time after
        its end; and all are read by hour where not all of the days are stored.
        """
        synced = self._state.synced.get(Granularity.DAY)
        if synced is None:
            return first
        until = floor(min(synced - _SETTLED, self._now), Granularity.DAY)
        stored = self._state.coverage.get(Granularity.DAY, ())
        return first if first < until and gaps((first, until), stored) else until

    def _spent(self, by: Dimension, span: Interval, grain: Granularity, *, byok: bool) -> Spend:
        """What each member spent in whole hours or days; read once, as several limits have them."""
        asked = by, span, byok
        if asked not in self._spans:
            start, end = span
            step = DAY if grain is Granularity.DAY else HOUR
            buckets = tuple(start + n * step for n in range((end - start) // step))
            ids = None if self._members is None else self._members.get(by, frozenset())
            selection = at_least(self._store, by, ids)
            if not buckets:
                self._spans[asked] = {}
            elif self._both:
                of = TimeRange(buckets, end, grain, end)
                found = self._store.spend_by_source(selection, of, grain)
                self._spans[by, span, False] = {id_: used for id_, (used, _) in found.items()}
                self._spans[by, span, True] = {id_: sum(both) for id_, both in found.items()}
            else:
                source = MoneySource.ALL if byok else MoneySource.CREDITS
                of = TimeRange(buckets, end, grain, end)
                sums = self._store.metric_sums(selection, of, grain, (Metric.SPEND,), source)
                self._spans[asked] = {id_: spend for id_, (spend,) in sums.items()}
        return self._spans[asked]

    @cached_property
    def _state(self) -> CacheState:
        return self._store.state()


def at_least(store: Store, by: Dimension, ids: Ids | None) -> Selection:
    """A selection of some members (None: all), or of all if that is faster, grouped by member."""
    if ids is None or len(ids) * _SCANNED >= len(store.directory().of[by]):
        return Selection(by)
    return Selection(by).only(by, ids)


def _added(some: Spend, more: Spend) -> Spend:
    """The sums of amounts by member."""
    if not some or not more:
        return some or more
    found = defaultdict(int, some)
    for id_, spend in more.items():
        found[id_] += spend
    return found
