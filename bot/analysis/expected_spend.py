"""What is expected of an organization's spend, and of every part of it: one pace for all answers.

`forecast`, `limits`, `balance` and their alerts all take it from here. The whole is forecast from
its days; a part (a key, a model, a creator, or any filter) gets its share, by what it spent
recently. So parts add up, and one thing has the same figure however it is asked for.

In these shares, an outlying day of a key counts as a usual one (`reports.analysis.usual_days`); and
if it cost more than a usual day of everybody, in the whole as well: one key's runaway night isn't
expected of the others. Of a key that is disabled, or has a limit, no more is expected than it can
spend; what it can't is taken out of the whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cached_property, lru_cache
from heapq import nlargest
from statistics import median_low

from bot.analysis.forecast_usage import (
    ForecastPeriod,
    days_before,
    known_from,
    read_days,
    read_spend,
    since_first_usage,
)
from bot.analysis.shared_reads import SharedReads
from bot.store import Store
from bot.store.usage.selection import Ids, Selection
from reports.analysis.forecast import ExpectedDays, Forecaster, shared, to_come
from reports.analysis.limited_keys import LimitedKey, SpendLeft
from reports.analysis.rest_of_today import (
    PAST_HOURS,
    HoursOfToday,
    RestOfToday,
    rest_of_today,
    usual_hours,
)
from reports.analysis.rounding import rounded
from reports.analysis.usual_days import WEEK, above_usual, without_outlying
from reports.time.time_range import DAY, HOUR, Granularity, TimeRange, floor, local
from reports.usage.coverage import AnswerableRange, Coverage, gaps
from reports.usage.dimensions import Dimension, Metric, MoneySource

_LAST = 28
"""Days whose runaway nights aren't continued: those that the level and the weekdays come from."""
_SEEN = Fraction(1, 2)
"""How much more than usual all have to spend on a day, as a share of a usual day, before it is
looked at by key: others may have spent less than usual on the day of a runaway night."""
_KNOWN = 56
"""Days that say what is usual of a key on its weekdays: the last ones and four weeks before."""
_UNEVEN = 3
"""Only keys with a day of more than this many times their mean are looked at for outlying days."""
_LEAST_PART, _MOST_UNEVEN = 1_000, 50
"""And of these, at most 50 whose largest day is over a thousandth of what everybody spent recently:
an outlying day of a smaller key moves no other figure by more than that."""
_ROWS_HISTORY = 150
"""Days of a selection that has many rows: its forecasts of the last four months are judged, not of
the last eleven. At 10,000 keys, reading a year takes more than a second."""
_MANY_MEMBERS = 500
"""Of so many keys, a year of sums is read in about 60 ms."""
_MANY_OF_MODELS = 50
"""Of so many keys, a year of rows by model is read in about 30 ms; of five times as many in 110."""
_EVERYTHING = Selection()
_ONE = Fraction(1)
_MOMENT = timedelta(microseconds=1)

_MOST_KEPT = 8
"""Forecasters kept for answers, of some 200 KB each: of all spend, credits and BYOK, and of some
people who only see their own usage."""

Forecasting = Callable[[Sequence[int]], Forecaster]
_Amounts = Mapping[int, int]
"""Nano-dollars by the id of a group; under 0 without a grouping."""


@lru_cache(maxsize=_MOST_KEPT)
def _forecaster(days: tuple[int, ...]) -> Forecaster:
    """A forecaster from whole days before today, which hardly change from one answer to the
    next."""
    return Forecaster(days)


def _kept(days: Sequence[int]) -> Forecaster:
    return _forecaster(tuple(days))


class ExpectedSpend:
    """The expected spend of a source of money as of the moment of a period; within one snapshot.

    `root` is everything that the asker may see: the whole that is forecast and shared. Forecasts of
    other sources in the same period may share `reads`.
    """

    def __init__(
        self,
        store: Store,
        period: ForecastPeriod,
        source: MoneySource,
        root: Selection = _EVERYTHING,
        forecasting: Forecasting = _kept,
        reads: SharedReads | None = None,
    ) -> None:
        self._reads = reads or SharedReads(store, period, (source,))
        self.store, self.period, self.source, self.root = store, period, source, root
        self._days_by_selection: dict[Selection, Sequence[int]] = {}
        self.forecaster = forecasting(since_first_usage(self.days_of(root)))
        self._keys = root.grouped(Dimension.KEY)
        self._by_dimension: dict[Dimension, _Amounts] = {}
        self._shares: dict[Dimension, _Amounts] = {}
        self._read: dict[tuple[Selection, bool], _Amounts] = {}
        self._groups: dict[Selection, _Amounts] = {}
        self._parts: dict[Selection, tuple[int, int]] = {}
        self._days_back: dict[int, AnswerableRange] = {}
        self._cells_read: dict[tuple[Ids | None, Ids, bool], list[tuple[int, int, int]]] = {}

    @cached_property
    def expected(self) -> ExpectedDays:
        """The expected amounts of today and of the days after it."""
        less: Counter[int] = Counter()
        for amounts in self._runaway.values():
            less.update(dict(enumerate(amounts)))
        return self.forecaster.expected_days(
            self.period.horizon, [less[at] for at in range(_LAST)] if less else ()
        )

    @cached_property
    def rest(self) -> RestOfToday:
        """How much of today is still to come: by its hours, or the clock if they aren't stored."""
        hours = self._hours_of_today()
        if hours is None:
            return RestOfToday(self.period.left)
        return rest_of_today(hours, self.expected.today)

    @cached_property
    def week(self) -> int:
        """What a week is expected to cost."""
        return self.expected.of(WEEK)

    @cached_property
    def usual_rest_of_today(self) -> int:
        """What is to come of the whole today at its usual pace, if no key is held back."""
        return to_come(self.expected, 1, self.rest)

    @property
    def recent_days(self) -> AnswerableRange:
        """The days before today that shares come from: the forecast of the whole comes from days
        before today as well. On the first day with any usage, that is the empty day before it."""
        return self._days(max(1, self.expected.recent))

    def to_come(self, selection: Selection) -> int:
        """What is to come, until the period ends, of a selection without a grouping."""
        if selection.members == self.root.members:
            return sum(self._to_come_of_all)
        if len(selection.members) == 1 and not self.root.members:
            [(dimension, ids)] = selection.members
            if dimension not in self._by_dimension:
                self._by_dimension[dimension] = self.by_group(Selection(dimension))
            return sum(self._by_dimension[dimension].get(id_, 0) for id_ in ids)
        return sum(self._to_come(selection))

    def by_group(self, selection: Selection) -> _Amounts:
        """What is to come of each group of a selection; it adds up to what is to come of all."""
        if selection in self._groups:
            return self._groups[selection]
        if selection.members == self.root.members:
            usual, running = self._to_come_of_all
        else:
            usual, running = self._to_come(selection.grouped(None))
            usual = self.to_come(selection.grouped(None)) - running
        found = Counter(shared(usual, self._usual_recently(selection, self._factors)))
        if running:
            found.update(shared(running, self._since_last_hour(selection, self._left)))
        self._groups[selection] = found
        return found

    def days_of(self, selection: Selection) -> Sequence[int]:
        """The spend of a selection on each day before today, as far back as all are stored; read
        once."""
        selection = selection.grouped(None)
        if selection not in self._days_by_selection:
            history = self.period.history
            if self._has_many_rows(selection):
                history = self._days(_ROWS_HISTORY)
            self._days_by_selection[selection] = read_days(
                self.store, selection, history, self.source
            )
        return self._days_by_selection[selection]

    def _has_many_rows(self, selection: Selection) -> bool:
        """Whether a selection's days are read from many rows: of many members, while as many are
        left out. With models as well, no sums are stored, and rows by model are read."""
        of_models = selection.ids(Dimension.MODEL) is not None
        many, known = _MANY_OF_MODELS if of_models else _MANY_MEMBERS, self.store.directory().of
        return any(
            many < len(ids) < len(known[dimension]) - many
            for dimension, ids in selection.members
            if dimension is not Dimension.MODEL
        )

    def spent_by(self, by: Dimension, ids: Ids) -> int:
        """What some members usually spent recently, without regard to their limits."""
        spent = self.spent(by)
        return sum([spent.get(id_, 0) for id_ in ids])

    def spent(self, by: Dimension) -> _Amounts:
        """The same of each member of a dimension."""
        if not self.all_recent:
            return {}
        if by not in self._shares:
            self._shares[by] = self._usual_recently(self.root.grouped(by), self._outlying)
        return self._shares[by]

    def share(self, amount: int, spent: int) -> int:
        """The share of an amount of those who spent so much recently (`spent_by`)."""
        return _part(amount, spent, self.all_recent)

    def running_of(self, by: Dimension, ids: Ids) -> int:
        """What heavy use that is going on will cost these members, without regard to their
        limits."""
        if not self.rest.running:
            return 0
        weights = self._since_last_hour(self.root.grouped(by), {})
        return _part(self.rest.running, sum(weights.get(id_, 0) for id_ in ids), self._all_running)

    @cached_property
    def held_back(self) -> Mapping[int, LimitedKey]:
        """The keys (ids) of which less is expected than their share."""
        recent, running = self._keys_recently, self._keys_since_last_hour
        usual, all_recent, heavy = self._usual, self.all_recent, self.rest.running
        shares = {}
        for key, left in self.spend_left.items():
            share = _part(usual, recent.get(key, 0), all_recent)
            share += _part(heavy, running.get(key, 0), self._all_running) if heavy else 0
            if left.most < share:
                shares[key] = share
        of_credits: _Amounts = {}
        if self.source is MoneySource.ALL:
            of_credits = self._from_credits(
                {key: share for key, share in shares.items() if self.spend_left[key].credits_only}
            )
        found = {}
        for key, share in shares.items():
            left = self.spend_left[key]
            most = left.most + share - of_credits.get(key, share)
            if most < share:
                found[key] = LimitedKey(left.reason, most, share)
        return found

    @cached_property
    def _usual(self) -> int:
        """What is to come of the whole at its usual pace, if no key is held back."""
        return to_come(self.expected, self.period.count, self.rest)

    @cached_property
    def _to_come_of_all(self) -> tuple[int, int]:
        """What is to come of the whole: as usual, and of the heavy use that is going on."""
        left, running = self._left, self._keys_since_last_hour
        usual = sum(_times(spent, left.get(key)) for key, spent in self._keys_recently.items())
        goes_on = sum(_times(spent, left.get(key)) for key, spent in running.items())
        return (
            _part(self._usual, usual, self.all_recent) if self.all_recent else self._usual,
            _part(self.rest.running, goes_on, self._all_running),
        )

    def _to_come(self, selection: Selection) -> tuple[int, int]:
        if selection not in self._parts:
            self._parts[selection] = self._of_part(selection)
        return self._parts[selection]

    def _of_part(self, selection: Selection) -> tuple[int, int]:
        """What is to come of a selection: as usual, and of the heavy use that is going on."""
        usual = sum(self._usual_recently(selection, self._factors).values())
        running = 0
        if self.rest.running:
            running = sum(self._since_last_hour(selection, self._left).values())
        everything = self.all_recent or sum(self._of_period(self.root).values())
        return (
            _part(self._usual, usual, everything),
            _part(self.rest.running, running, self._all_running),
        )

    @cached_property
    def _left(self) -> Mapping[int, Fraction]:
        """How much of the share of each key that is held back it can spend."""
        return {key: Fraction(one.to_come, one.share) for key, one in self.held_back.items()}

    @cached_property
    def _factors(self) -> Mapping[int, Fraction]:
        """How much of what keys spent recently is to be expected of them, where it isn't all."""
        return {
            key: self._outlying.get(key, _ONE) * self._left.get(key, _ONE)
            for key in self._outlying.keys() | self._left.keys()
        }

    @cached_property
    def _outlying(self) -> Mapping[int, Fraction]:
        """How much of what keys with outlying days spent recently was usual."""
        days, largest = self.expected.recent, self._largest_days
        least = sum(spent for _, spent in largest.values()) // _LEAST_PART
        days_of = {
            key: day
            for key, (day, spent) in largest.items()
            if day * days > _UNEVEN * spent > 0 and day > least
        }
        uneven = nlargest(_MOST_UNEVEN, days_of, key=lambda key: days_of[key])
        found = {}
        for key, spent in self._days_of(frozenset(uneven) | self._runaway.keys()).items():
            usual, everything = sum(without_outlying(spent)[-days:]), sum(spent[-days:])
            if key in self.spend_left and self.spend_left[key].most <= 0:
                # all that the whole still has of it is taken out, so that nobody else gets it
                usual = everything - sum(self._runaway.get(key, ())[-days:])
            if 0 < usual < everything:
                found[key] = Fraction(usual, everything)
        return found

    @cached_property
    def _runaway(self) -> Mapping[int, Sequence[int]]:
        """What keys spent beyond the usual on each of the last days, where that alone was more than
        a usual day of everybody. Smaller bursts of many keys are a part of the usual whole: in the
        backtest, forecasts without them were too low."""
        days = self.forecaster.days[-_KNOWN:]
        usual_day = median_low(days[-_LAST:] or (0,))
        if len(days) < WEEK or usual_day <= 0:
            return {}
        some: Counter[int] = Counter()
        for back, more in enumerate(reversed(above_usual(days, _LAST)), start=1):
            if more > usual_day * _SEEN:  # only then are keys read
                for key, spent in self._reads.spend(
                    self._keys, self._day_before(back), self.source
                ).items():
                    if spent > usual_day:
                        some[key] = max(some[key], spent)
        found = {}
        most = nlargest(_MOST_UNEVEN, some, key=lambda key: some[key])
        for key, days_of_key in self._days_of(frozenset(most)).items():
            usual = without_outlying(days_of_key)
            beyond = [day - one for day, one in zip(days_of_key, usual, strict=True)][-_LAST:]
            if any(one > usual_day for one in beyond):
                missing = [0] * (_LAST - len(beyond))
                found[key] = missing + [one if one > usual_day else 0 for one in beyond]
        return found

    def _day_before(self, back: int) -> AnswerableRange:
        days = self._days(back)
        day = days.range.buckets[0]
        return AnswerableRange(
            TimeRange((day,), day + DAY, Granularity.DAY, day + DAY), days.stored
        )

    def _days_of(self, keys: Ids) -> Mapping[int, Sequence[int]]:
        """What some keys spent on each day before today, as far back as all are stored."""
        if not keys:
            return {}
        of = self._days(_KNOWN)
        series = self.store.spend_series(
            self._keys.only(Dimension.KEY, keys), of.range, of.stored, self.source
        )
        days = range(known_from(of), len(of.range.buckets))
        return {key: [series.get(key, {}).get(at, 0) for at in days] for key in keys}

    @cached_property
    def spend_left(self) -> Mapping[int, SpendLeft]:
        """What keys that can't spend without limit can still spend in the period."""
        return self._reads.left(self.source)

    @cached_property
    def _largest_days(self) -> Mapping[int, tuple[int, int]]:
        """What each key spent on the largest of the recent days, and on all of them."""
        of = self.recent_days
        return self._reads.largest(self._keys, of, self.source)

    @cached_property
    def _keys_recently(self) -> _Amounts:
        """What each key usually spent recently: all shares consist of these."""
        spent = self._spent(self._keys)
        return {key: _times(value, self._outlying.get(key)) for key, value in spent.items()}

    @cached_property
    def all_recent(self) -> int:
        """What everybody usually spent recently: the whole that shares are of."""
        return sum(self._keys_recently.values())

    @cached_property
    def _keys_since_last_hour(self) -> _Amounts:
        return self._spent(self._keys, running=True) if self.rest.running else {}

    @cached_property
    def _all_running(self) -> int:
        return sum(self._keys_since_last_hour.values())

    def _usual_recently(self, selection: Selection, factors: Mapping[int, Fraction]) -> _Amounts:
        """What each group spent recently, as far as it is to be expected of its keys."""
        if not self.all_recent:  # nothing was spent recently, so the period says by whom
            return self._of_period(selection)
        return self._without(selection, factors, running=False)

    def _since_last_hour(self, selection: Selection, factors: Mapping[int, Fraction]) -> _Amounts:
        """The same since the last full hour began: whose heavy use is going on."""
        return self._without(selection, factors, running=True)

    def _without(
        self, selection: Selection, factors: Mapping[int, Fraction], *, running: bool
    ) -> _Amounts:
        """The spend of groups, less what isn't to be expected of keys."""
        spent, directory = self._spent(selection, running=running), self.store.directory()
        keys, creators = selection.ids(Dimension.KEY), selection.ids(Dimension.CREATOR)
        some = frozenset(key for key in factors if keys is None or key in keys)
        if not some:
            return spent
        left: defaultdict[int, Fraction | int] = defaultdict(int, spent)
        for key, model, value in self._cells(selection, some, running=running):
            cut = value - _times(value, factors[key])
            orphan = key in directory.orphans
            owners = self._creators_of_orphans if orphan else {directory.owners.get(key, 0): _ONE}
            for creator, share in owners.items() if cut else ():
                if creators is not None and creator not in creators:
                    continue
                group = {
                    None: 0, Dimension.MODEL: model, Dimension.CREATOR: creator,
                    # with creators, usage of keys whose creator is unknown has no key
                    Dimension.KEY: directory.ids[Dimension.KEY, ""] if orphan and creators else key,
                }[selection.by]  # fmt: skip
                left[group] -= cut * share
        if selection.by is not None:
            left.pop(0, None)  # of usage without a key, nothing says whose it is
        return {group: max(0, round(value)) for group, value in left.items()}

    @cached_property
    def _creators_of_orphans(self) -> Mapping[int, Fraction]:
        """Whose the usage of keys with unknown creators is: what creators spent beside their keys.

        Usage without a key is among that, too, so this is exact only where there is none.
        """
        owners = self.store.directory().owners
        beside = Counter(self._spent(self.root.grouped(Dimension.CREATOR)))
        for key, spent in self._spent(self._keys).items():
            if key in owners and key not in self.store.directory().orphans:
                beside[owners[key]] -= spent
        left = {creator: spent for creator, spent in beside.items() if spent > 0}
        everything = sum(left.values())
        return {creator: Fraction(spent, everything) for creator, spent in left.items()}

    def _cells(
        self, selection: Selection, keys: Ids, *, running: bool
    ) -> Iterable[tuple[int, int, int]]:
        """What some keys spent on each model: key, model (0 if no model is asked for), amount."""
        models = selection.ids(Dimension.MODEL)
        if models is None and selection.by is not Dimension.MODEL:
            spent = self._spent(self._keys, running=running)
            return [(key, 0, spent.get(key, 0)) for key in keys]
        if (models, keys, running) not in self._cells_read:
            some = Selection.of(Dimension.KEY, {Dimension.KEY: keys})
            found = self.store.pair_sums(
                some if models is None else some.only(Dimension.MODEL, models),
                [(of.range, of.stored) for of in self._ranges(running=running)],
                (Metric.SPEND,),
                self.source,
            )
            self._cells_read[models, keys, running] = [
                (key, model, sum(spent)) for key, model, *spent in found
            ]
        return self._cells_read[models, keys, running]

    def _spent(self, selection: Selection, *, running: bool = False) -> _Amounts:
        """What each group spent on recent days, or since the last full hour began; at least 0."""
        if (selection, running) not in self._read:
            spent: Counter[int] = Counter()
            if selection == self._keys and not running:
                spent.update({key: days for key, (_, days) in self._largest_days.items()})
            else:
                for of in self._ranges(running=running):
                    spent.update(self._reads.spend(selection, of, self.source))
            found = {group: max(0, value) for group, value in spent.items()}
            self._read[selection, running] = found
            whole = selection.grouped(None)
            if whole.views == selection.views and (whole, running) not in self._read:
                # the same rows, so that they aren't read again for the whole
                self._read[whole, running] = {0: max(0, sum(spent.values()))}
        return self._read[selection, running]

    def _of_period(self, selection: Selection) -> _Amounts:
        return read_spend(self.store, selection, self.period.so_far, self.source)

    def _from_credits(self, shares: Mapping[int, int]) -> _Amounts:
        """How much of the shares of some keys is from credits, by what they spent recently."""
        if not shares:
            return {}
        some = self._keys.only(Dimension.KEY, frozenset(shares))
        from_credits = read_spend(self.store, some, self.recent_days, MoneySource.CREDITS)
        spent = self._spent(self._keys)
        return {
            key: _part(share, min(spent.get(key, 0), from_credits.get(key, 0)), spent.get(key, 0))
            for key, share in shares.items()
        }

    def _ranges(self, *, running: bool) -> list[AnswerableRange]:
        if not running:
            return [self.recent_days]
        this = floor(self.period.moment, Granularity.HOUR)
        return [_hours(this - HOUR, this + HOUR)]

    def _days(self, count: int) -> AnswerableRange:
        if count not in self._days_back:
            self._days_back[count] = days_before(self.period.today, count, self._coverage)
        return self._days_back[count]

    @cached_property
    def _coverage(self) -> Coverage:
        return self.store.state().coverage

    def _hours_of_today(self) -> HoursOfToday | None:
        """The hours of today, and what they usually cost; None if they aren't all stored.

        In a zone that isn't whole hours from UTC, the hours are those of UTC that today touches.
        """
        period = self.period
        first = floor(local(period.today, period.zone), Granularity.HOUR)
        end, now = local(period.today + DAY, period.zone), floor(period.moment, Granularity.HOUR)
        past, state = first - PAST_HOURS * HOUR, self.store.state()
        synced = state.synced.get(Granularity.HOUR, past)
        missing = gaps((past, min(now, synced)), state.coverage.get(Granularity.HOUR, ()))
        if missing:
            past = floor(missing[-1][1] - _MOMENT, Granularity.HOUR) + HOUR
        if past > first - DAY or synced < now - HOUR:
            return None
        of = _hours(past, now + HOUR)
        used = self._reads.whole(self.root, of)
        spent = [max(0, one.value(Metric.SPEND, self.source)) for one in used]
        before = (first - past) // HOUR
        begun = next((at for at, value in enumerate(spent[:before]) if value), before)
        count = -((first - end) // HOUR)
        usual_before, *usual = usual_hours(spent[begun:before], count)
        passed = Fraction(int((period.moment - first).total_seconds()), 3_600)
        return HoursOfToday(tuple(usual), usual_before, passed, spent[-2], spent[-1])


def _hours(start: datetime, end: datetime) -> AnswerableRange:
    buckets = tuple(start + number * HOUR for number in range((end - start) // HOUR))
    return AnswerableRange(TimeRange(buckets, end, Granularity.HOUR, end), Granularity.HOUR)


def _part(amount: int, part: int, whole: int) -> int:
    """A share of an amount, rounded half to even; 0 of nothing."""
    if whole < 0:  # more was given back than spent
        amount, whole = -amount, -whole
    return rounded(amount * part, whole) if whole else 0


def _times(amount: int, factor: Fraction | None) -> int:
    return amount if factor is None else amount * factor.numerator // factor.denominator
