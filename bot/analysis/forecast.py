"""Gathers what a forecast is worked out from: the days before, and the period so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from heapq import nlargest
from zoneinfo import ZoneInfo

from bot.analysis.request import AnalysisRequest, PlannedAnalysis, planned
from bot.answers.answer import make_plan, zone_of
from bot.store import Store
from bot.store.usage.selection import Selection
from reports.analysis.document import AnalysisDocument
from reports.analysis.forecast import (
    RECENT_DAYS,
    ForecastRecord,
    forecast,
    forecast_groups,
    record_of,
)
from reports.analysis.forecast_answer import ForecastGroup, ForecastScope, forecast_answer
from reports.questions.grammar import CommandError
from reports.questions.query import Query
from reports.time.period import Calendar, Unit
from reports.time.timerange import Granularity, TimeRange, local
from reports.usage.coverage import AnswerableRange, answerable_range, is_stored
from reports.usage.dimensions import Metric
from reports.usage.usage import Usage

_DAY = timedelta(days=1)
_HISTORY = 430
"""Days of the whole that are looked at: those that a method is judged by, and a month before."""
_GROUP_HISTORY = 120
"""Days of a group that its band is taken from: two months of forecasts for a month ahead."""
_MOST_BANDS = 50
"""Groups that get a band: as many as a table can have."""
_MOST_PERIODS = 11
"""Earlier periods that show how good forecasts were: as many months as a year of data has whole."""


def gather_forecast(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """How a running period ends: the whole and each group."""
    found = planned(request)
    if isinstance(found, CommandError):
        return found
    store, plan = request.store, found.plan
    zone = ZoneInfo(zone_of(plan.query, request.zone))
    period = plan.query.period
    unit = period.unit if isinstance(period, Calendar) else Unit.MONTH
    today = request.now.astimezone(zone).date()
    first = plan.source.range.start.astimezone(zone).date()
    after = _next(first, unit)
    scope = ForecastScope(plan.source.range, local(after, zone.key), found.as_of, found.partial)
    whole = replace(plan.selection, by=None)
    days = _days(store, whole, today, plan.query)
    so_far = _spend(found, store, plan.source)
    if not days:
        return forecast_answer(plan.query, scope, None, ForecastRecord(0, None, None))
    count, left = (after - today).days, _left(request.now, today, zone)
    of_today = _today(request, found)
    expected = forecast(days, count, sum(so_far.values()), today=sum(of_today.values()), left=left)
    past = record_of(days, _periods(days, today, first, unit))
    before, notes = _previous(found, store)
    of_before = (f"for the period before, {one}" for one in notes if one not in scope.partial)
    scope = replace(scope, partial=(*scope.partial, *of_before))
    total = None if before is None else sum(before.values())
    groups: list[ForecastGroup] = []
    if plan.query.by:
        recent = _recent(found, store, today, of_today)
        histories = _histories(found, store, today, _largest(so_far, recent))
        groups = [
            ForecastGroup(found.labels[id_], one, None if before is None else before.get(id_, 0))
            for id_, one in forecast_groups(
                days, count, expected, so_far, recent, histories
            ).items()
        ]
    groups = [group for group in groups if group.found.end or group.previous]
    return forecast_answer(plan.query, scope, ForecastGroup("all", expected, total), past, groups)


def _next(first: date, unit: Unit) -> date:
    """The first day after the unit that begins on a day."""
    match unit:
        case Unit.WEEK:
            return first + 7 * _DAY
        case Unit.MONTH:
            return (first.replace(day=1) + 32 * _DAY).replace(day=1)
        case Unit.YEAR:
            return date(first.year + 1, 1, 1)
        case _:
            return first + _DAY


def _left(now: datetime, today: date, zone: ZoneInfo) -> Fraction:
    """How much of today is still to come, from 0 to 1."""
    start, end = local(today, zone.key), local(today + _DAY, zone.key)
    return Fraction(int((end - now).total_seconds()), int((end - start).total_seconds()))


def _history(today: date, count: int) -> TimeRange:
    """So many whole days of UTC before today."""
    end = datetime.combine(today, datetime.min.time(), UTC)
    buckets = tuple(end - n * _DAY for n in range(count, 0, -1))
    return TimeRange(buckets, end, Granularity.DAY, end)


def _known(of: AnswerableRange, count: int) -> int:
    """The first day after which all days are stored."""
    return max(of.unknown, default=-1) + 1 if of.unknown else 0 if count else count


def _days(store: Store, selection: Selection, today: date, query: Query) -> list[int]:
    """The spend of the whole days before today, as far back as all are stored."""
    of = answerable_range(_history(today, _HISTORY), store.state().coverage)
    spent = [_value(used, query) for used in store.whole(selection, of.range, of.stored)]
    days = spent[_known(of, len(spent)) :]
    # days before the first usage are no days on which nothing was spent
    begun = next((at for at, day in enumerate(days) if day), len(days))
    return days[begun:]


def _value(used: Usage, query: Query) -> int:
    return used.value(Metric.SPEND, query.source)


def _spend(found: PlannedAnalysis, store: Store, of: AnswerableRange) -> Mapping[int, int]:
    """The spend of a range by group; under 0 without a grouping."""
    plan = found.plan
    sums = store.tokens_and_spend(plan.selection, of.range, of.stored, plan.query.source)
    return {id_: spend for id_, (_, spend) in sums.items()}


def _today(request: AnalysisRequest, found: PlannedAnalysis) -> Mapping[int, int]:
    """The spend of today by group."""
    query = replace(found.plan.query, period=Calendar(Unit.DAY))
    plan = make_plan(request.store, query, request.now, request.zone, request.asker)
    if isinstance(plan, CommandError):
        return {}
    return _spend(found, request.store, plan.source)


def _recent(
    found: PlannedAnalysis, store: Store, today: date, of_today: Mapping[int, int]
) -> Mapping[int, int]:
    """The spend by group of the days that say how large the share of each is, and of today."""
    of = answerable_range(_history(today, RECENT_DAYS), store.state().coverage)
    spent = Counter(_spend(found, store, of))
    spent.update(of_today)
    return spent


def _largest(*spent: Mapping[int, int]) -> frozenset[int]:
    """The groups that spent most in all."""
    total: Counter[int] = Counter()
    for groups in spent:
        total.update(groups)
    return frozenset(nlargest(_MOST_BANDS, total, key=lambda id_: total[id_]))


def _histories(
    found: PlannedAnalysis, store: Store, today: date, groups: frozenset[int]
) -> Mapping[int, Sequence[int]]:
    """The spend of the days before today of each of some groups, as far back as all are stored."""
    of = answerable_range(_history(today, _GROUP_HISTORY), store.state().coverage)
    query, selection = found.plan.query, found.plan.selection
    if query.by is None or not groups:
        return {}
    some = selection.only(query.by, groups)
    length, known = len(of.range.buckets), _known(of, 1)
    histories = {}
    for id_, series in store.spend_series(some, of.range, of.stored, query.source).items():
        days = [0] * length
        for at, spend in series.items():
            days[at] = spend
        histories[id_] = days[known:]
    return histories


def _previous(
    found: PlannedAnalysis, store: Store
) -> tuple[Mapping[int, int] | None, tuple[str, ...]]:
    """The spend of the whole period before by group (None where it is not stored), and phrases
    about what is missing in it.
    """
    query, zone = found.plan.query, found.plan.source.range.zone
    start = found.plan.source.range.start.astimezone(ZoneInfo(zone)).date()
    unit = query.period.unit if isinstance(query.period, Calendar) else Unit.MONTH
    first, end = _before(start, unit), local(start, zone)
    if unit is Unit.MONTH:  # of which there are stored sums
        wanted = TimeRange((local(first, zone),), end, Granularity.MONTH, end, zone)
    else:
        buckets = tuple(local(first + n * _DAY, zone) for n in range((start - first).days))
        wanted = TimeRange(buckets, end, Granularity.DAY, end, zone)
    held = store.state().coverage
    of = answerable_range(wanted, held)
    if not is_stored(of.range, of.stored, held):
        return None, ()
    return _spend(found, store, of), of.partial


def _before(first: date, unit: Unit) -> date:
    """The first day of the unit before the one that begins on a day."""
    match unit:
        case Unit.WEEK:
            return first - 7 * _DAY
        case Unit.MONTH:
            return (first - _DAY).replace(day=1)
        case Unit.YEAR:
            return date(first.year - 1, 1, 1)
        case _:
            return first - _DAY


def _periods(
    days: Sequence[int], today: date, first: date, unit: Unit
) -> list[tuple[int, int, int]]:
    """The whole periods before: index of the first day, length, and days passed as of today."""
    begins = today - len(days) * _DAY
    elapsed = (today - first).days
    found: list[tuple[int, int, int]] = []
    while len(found) < _MOST_PERIODS:
        end, first = first, _before(first, unit)
        if first < begins:
            break
        length = (end - first).days
        found.append(((first - begins).days, length, min(elapsed, length - 1)))
    return found[::-1]
