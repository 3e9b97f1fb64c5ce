"""Reads the usage that forecasts are based on, for the answer and for alert rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from bot.store import Store
from bot.store.usage.selection import Selection
from bot.store.usage.store import CacheState
from reports.analysis.forecast import EarlierPeriod
from reports.time.period import Calendar, Unit
from reports.time.period_to_range import ranges
from reports.time.time_range import DAY, Granularity, TimeRange, local
from reports.usage.coverage import AnswerableRange, Coverage, answerable_range
from reports.usage.dimensions import Metric, MoneySource

HISTORY = 430
"""Days of the whole that are looked at: those that a method is judged by, and a month before."""
_MOST_PERIODS = 11
"""Earlier periods that show how good forecasts were: as many months as a year of data has whole."""

Spend = Mapping[int, int]
"""Nano-dollars by the id of a member; under 0 without a grouping."""


@dataclass(frozen=True, slots=True)
class ForecastPeriod:
    """A running period of a zone at a moment (UTC), and how its usage is read.

    `first`, `today` and `after` are local dates: of its first day, of the moment, and of the first
    day after it.
    """

    unit: Unit
    moment: datetime
    zone: str
    first: date
    today: date
    after: date
    so_far: AnswerableRange
    history: AnswerableRange

    @property
    def count(self) -> int:
        """The days that are still to come, today with them."""
        return (self.after - self.today).days

    @property
    def horizon(self) -> int:
        """The days to the end of the month, today with them: every forecast of a moment uses the
        method that suits these best, so that the pace of a day is the same in all of them."""
        return (_next(self.today.replace(day=1), Unit.MONTH) - self.today).days

    @property
    def left(self) -> Fraction:
        """How much of today is still to come by the clock, from 0 to 1."""
        start, end = local(self.today, self.zone), local(self.today + DAY, self.zone)
        whole = int((end - start).total_seconds())
        return Fraction(int((end - self.moment).total_seconds()), whole)


def forecast_period(state: CacheState, unit: Unit, now: datetime, zone: str) -> ForecastPeriod:
    """The running unit of a zone at the moment of the last sync; at `now` if that was another day.

    What came after the last sync is unknown. So the forecast is about that moment, and it does not
    move until the next sync.
    """
    stored = answerable_range(ranges(Calendar(unit), now, zone).current, state.coverage).stored
    synced, there = state.synced.get(stored), ZoneInfo(zone)
    today = now.astimezone(there).date()
    if synced is not None and synced.astimezone(there).date() == today:
        now = min(now, synced)
    current = ranges(Calendar(unit), now, zone).current
    first = current.start.astimezone(there).date()
    return ForecastPeriod(
        unit, now, zone, first, today, _next(first, unit),
        answerable_range(current, state.coverage),
        days_before(today, HISTORY, state.coverage),
    )  # fmt: skip


def days_before(today: date, count: int, coverage: Coverage) -> AnswerableRange:
    """The whole UTC days before today, as many as given."""
    end = datetime.combine(today, datetime.min.time(), UTC)
    buckets = tuple(end - n * DAY for n in range(count, 0, -1))
    return answerable_range(TimeRange(buckets, end, Granularity.DAY, end), coverage)


def known_from(of: AnswerableRange) -> int:
    """The index of the first bucket from which on all of a range is stored."""
    return max(of.unknown, default=-1) + 1


def since_first_usage(days: Sequence[int]) -> Sequence[int]:
    """The days without those before the first usage, which are no days without spend."""
    begun = next((at for at, day in enumerate(days) if day), len(days))
    return days[begun:]


def read_days(
    store: Store, selection: Selection, of: AnswerableRange, source: MoneySource
) -> Sequence[int]:
    """The spend of the days of a range together, as far back as all are stored."""
    buckets = of.range.buckets[known_from(of) :]
    if not buckets:
        return ()
    known = replace(of.range, buckets=buckets)
    return store.whole_spend(selection.grouped(None), known, of.stored, source)


def read_spend(
    store: Store, selection: Selection, of: AnswerableRange, source: MoneySource
) -> Spend:
    """The spend of a range by group."""
    sums = store.metric_sums(selection, of.range, of.stored, (Metric.SPEND,), source)
    return {id_: spend for id_, (spend,) in sums.items()}


def earlier_periods(days: Sequence[int], period: ForecastPeriod) -> list[EarlierPeriod]:
    """The whole periods before, on the same day of each."""
    begins, first = period.today - len(days) * DAY, period.first
    elapsed = (period.today - first).days
    found: list[EarlierPeriod] = []
    while len(found) < _MOST_PERIODS:
        end, first = first, first_day_before(first, period.unit)
        if first < begins:
            break
        passed = min(elapsed, (end - first).days - 1)
        on = first + passed * DAY
        horizon = (_next(on.replace(day=1), Unit.MONTH) - on).days
        found.append(EarlierPeriod((first - begins).days, (end - first).days, passed, horizon))
    return found[::-1]


def first_day_before(first: date, unit: Unit) -> date:
    """The first day of the unit before the one that begins on a day."""
    match unit:
        case Unit.WEEK:
            return first - 7 * DAY
        case Unit.MONTH:
            return (first - DAY).replace(day=1)
        case Unit.YEAR:
            return date(first.year - 1, 1, 1)
        case _:
            return first - DAY


def _next(first: date, unit: Unit) -> date:
    """The first day after the unit that begins on a day."""
    match unit:
        case Unit.WEEK:
            return first + 7 * DAY
        case Unit.MONTH:
            return (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        case Unit.YEAR:
            return date(first.year + 1, 1, 1)
        case _:
            return first + DAY
