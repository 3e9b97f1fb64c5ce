"""Looks up the usage that alert rules need; rules that share a query share its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain

from bot.store import Store
from bot.store.alerts.usage_sums import AlertUsage, GranularInterval, add
from bot.store.encoding import from_seconds, to_seconds
from bot.store.usage.selection import Ids, Selection
from reports.alerts.needed_usage import Needed
from reports.alerts.periods import AlertPeriod
from reports.time.time_range import DAY, STEP, Granularity, TimeRange, floor
from reports.usage.coverage import Coverage, gaps
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import ZERO, Usage

LATE = timedelta(minutes=10)
"""Until this long after its end, a bucket is read from finer buckets, which are synced more
often."""
_OF_SPEND = ("credits", "byok")
_MOMENT = timedelta(microseconds=1)
_COARSER = {Granularity.MINUTE: Granularity.HOUR, Granularity.HOUR: Granularity.DAY}


class UsageLookup:
    """The cached usage at one time; created for each evaluation, within one snapshot."""

    def __init__(self, store: Store, usage: AlertUsage, now: datetime) -> None:
        state = store.state()
        self._store, self._usage, self._now = store, usage, now
        self._coverage: Coverage = state.coverage
        self.synced: Mapping[Granularity, datetime] = state.synced
        self._sums: dict[tuple[Needed, Selection, Sequence[str]], dict[int, Usage]] = {}
        self._series: dict[
            tuple[tuple[Needed, ...], Selection], dict[int, dict[datetime, int]]
        ] = {}
        self._first: dict[tuple[Dimension, Ids, datetime], Mapping[int, datetime]] = {}
        self._known: dict[frozenset[str], Coverage] = {}
        self._partial: dict[AlertPeriod, bool] = {}

    @property
    def synced_at(self) -> datetime | None:
        """When usage was last synced at any granularity; None if never."""
        return max(self.synced.values(), default=None)

    def spend(self, needed: Needed, selection: Selection) -> Mapping[int, Usage]:
        """What `sums` returns, with no figure but those of spend, which is less to read."""
        return self.sums(needed, selection, _OF_SPEND)

    def sums(
        self, needed: Needed, selection: Selection, figures: Sequence[str] = Usage._fields
    ) -> Mapping[int, Usage]:
        """The total usage of each member in the time range; member 0 stands for everything.

        Only `figures` are sure to be read; others may be 0.
        """
        key = needed, selection, figures
        if key not in self._sums:
            parts = intervals(needed.span, self._now, self._coverage, self.synced)
            if not selection.members:
                self._sums[key] = self._usage.sums(needed.by, parts, figures)
            else:
                series = self._filtered(needed, selection, parts)
                self._sums[key] = {
                    member: _total(by_bucket) for member, by_bucket in series.items()
                }
        return self._sums[key]

    def spend_series(
        self, needed: Sequence[Needed], selection: Selection
    ) -> Mapping[int, Mapping[datetime, int]]:
        """The spend (nano-dollars) of each member by the start (UTC) of the hour, or of the day of
        the zone; `needed` differ only in their time ranges, which have no hour in common."""
        key = tuple(needed), selection
        if key not in self._series:
            self._series[key] = self._read_series(key[0], selection)
        return self._series[key]

    def _read_series(
        self, needed: Sequence[Needed], selection: Selection
    ) -> dict[int, dict[datetime, int]]:
        one = needed[0]
        step = one.step or Granularity.DAY
        whole_days = step is Granularity.DAY and one.zone == "UTC"
        coarsest = Granularity.DAY if whole_days else Granularity.HOUR
        parts = [
            intervals(each.span, self._now, self._coverage, self.synced, coarsest)
            for each in needed
        ]

        def start_of(at: datetime) -> datetime:
            return floor(at, step, one.zone)

        if not selection.members:
            return self._usage.spend_series(one.by, chain(*parts), start_of)
        series: dict[int, dict[datetime, int]] = {}
        for each, of in zip(needed, parts, strict=True):
            for member, by_bucket in self._filtered(each, selection, of).items():
                into = series.setdefault(member, {})
                for at, usage in by_bucket.items():
                    start = start_of(from_seconds(at))
                    into[start] = into.get(start, 0) + usage.value(Metric.SPEND)
        return series

    def unused(self, by: Dimension, members: Ids, span: AlertPeriod) -> Ids:
        """Those of some members that made no request in a time range."""
        return self._usage.unused(by, members, self.intervals(span))

    def first(self, by: Dimension, members: Ids, since: datetime) -> Mapping[int, datetime]:
        """The first day (UTC), on or after `since`, with usage of each of some members."""
        since = floor(since + DAY - _MOMENT, Granularity.DAY)
        key = by, members, since
        if key not in self._first:
            self._first[key] = self._usage.first(by, members, since)
        return self._first[key]

    def intervals(self, span: AlertPeriod) -> tuple[GranularInterval, ...]:
        """The stored buckets that a time range is read from."""
        return intervals(span, self._now, self._coverage, self.synced)

    def complete_from(self, granularity: Granularity) -> datetime | None:
        """The time (UTC) from which usage is complete up to the last sync; None if there is
        none."""
        intervals = self._coverage.get(granularity, ())
        return intervals[-1][0] if intervals else None

    def is_complete(self, span: AlertPeriod) -> bool:
        """Whether the cache has all usage of a time range, up to the last sync."""
        end = min(span.end, self.synced_at or span.start)
        wanted = [(span.start, end)]
        for granularity in STEP:
            coverage = self._coverage.get(granularity, ())
            wanted = [gap for part in wanted for gap in gaps(part, coverage)]
        return not wanted

    def knows(self, figures: frozenset[str], span: AlertPeriod) -> bool:
        """Whether optional figures (by name) are known for a whole time range."""
        if figures not in self._known:
            self._known[figures] = self._store.known(figures)
        known = self._known[figures]
        return all(
            not gaps((max(start, span.start), end), known.get(granularity, ()))
            for granularity, (start, end) in self.intervals(span)
        )

    def partial(self, span: AlertPeriod) -> bool:
        """Whether usage of a time range is known to be missing."""
        if span not in self._partial:
            self._partial[span] = any(
                self._store.noted(granularity, span.start, span.end) for granularity in STEP
            )
        return self._partial[span]

    def _filtered(
        self, needed: Needed, selection: Selection, parts: tuple[GranularInterval, ...]
    ) -> dict[int, dict[int, Usage]]:
        """Usage filtered by several dimensions, for which no sums are stored."""
        grouped = selection.grouped(needed.by)
        found: dict[int, dict[int, Usage]] = {}
        for granularity, (start, end) in parts:
            buckets = _buckets(start, end, granularity)
            after = buckets[-1] + STEP[granularity]
            wanted = TimeRange(buckets, after, granularity, after)
            read = self._store.read(grouped, wanted, granularity)
            for member, by_index in read.series.items():
                series = found.setdefault(member, {})
                for index, usage in by_index.items():
                    at = to_seconds(buckets[index])
                    series[at] = add(series.get(at, ZERO), usage)
        return found


def intervals(
    span: AlertPeriod,
    now: datetime,
    coverage: Coverage,
    synced: Mapping[Granularity, datetime],
    coarsest: Granularity = Granularity.DAY,
) -> tuple[GranularInterval, ...]:
    """The stored buckets that a time range is read from, with their granularities.

    A day or an hour is read as one bucket if it had been over for `LATE` when it was last synced;
    before that, its hours and minutes are more recent. Parts of an hour or day at either end are
    also read from finer buckets. If the cache has no finer buckets, coarser ones are read.
    """
    cut = _cut(Granularity.HOUR, synced) or span.start
    days = min(_cut(Granularity.DAY, synced) or cut, cut, floor(span.end, Granularity.DAY))
    begin = min(_ceil(span.start, Granularity.HOUR), span.end)
    hours = max(min(cut, floor(span.end, Granularity.HOUR)), begin)
    first = _ceil(span.start, Granularity.DAY)
    if coarsest is not Granularity.DAY or first >= days:
        first = days = begin
    wanted = (
        (Granularity.MINUTE, span.start, min(begin, now)),
        (Granularity.HOUR, begin, min(first, hours)),
        (Granularity.DAY, first, days),
        (Granularity.HOUR, days, hours),
        (Granularity.MINUTE, hours, min(span.end, now)),
    )
    return tuple(
        part
        for granularity, start, end in wanted
        if start < end
        for part in _known(granularity, start, end, coverage)
    )


def _known(
    granularity: Granularity, start: datetime, end: datetime, coverage: Coverage
) -> list[GranularInterval]:
    """An interval at the wanted granularity, or at a coarser one if the cache only has that.

    A coarser bucket that starts before the interval is left out.
    """
    missing = gaps((start, end), coverage.get(granularity, ()))
    # the newest buckets weren't complete when they were synced
    recent = end - STEP[granularity] - LATE
    lacking = [gap for gap in missing if gap[0] < recent or gap[0] == start]
    above = _COARSER.get(granularity)
    if not lacking or above is None or floor(start, above) != start:
        return [(granularity, (floor(start, granularity), end))]
    return _known(above, start, end, coverage)


def _cut(granularity: Granularity, synced: Mapping[Granularity, datetime]) -> datetime | None:
    """The time (UTC) up to which buckets were complete at the last sync; None before the first."""
    at = synced.get(granularity)
    return at and floor(at - LATE, granularity)


def _ceil(at: datetime, granularity: Granularity) -> datetime:
    start = floor(at, granularity)
    return start if start == at else start + STEP[granularity]


def _buckets(start: datetime, end: datetime, granularity: Granularity) -> tuple[datetime, ...]:
    first = floor(start, granularity)
    step = STEP[granularity]
    return tuple(first + n * step for n in range(max(1, -((first - end) // step))))


def _total(by_bucket: Mapping[int, Usage]) -> Usage:
    total = ZERO
    for usage in by_bucket.values():
        total = add(total, usage)
    return total
