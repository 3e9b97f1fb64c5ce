"""Gathers what a forecast is worked out from: the days before, and the period so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from bot.analysis.request import AnalysisRequest, PlannedAnalysis, planned, usage_by_group
from bot.answers.answer import make_plan, zone_of
from bot.store import Store
from bot.store.usage.selection import Selection
from reports.analysis.document import AnalysisDocument
from reports.analysis.forecast import ForecastRecord, forecast, record_of
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
"""Days of each group: enough for the weekday profile and two months to take a band from."""
_MOST_BANDS = 50
"""Groups that get a band: as many as a table can have; a band takes a millisecond."""
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
    so_far = _sum(store, whole, plan.source, plan.query)
    if not days and not so_far:
        return forecast_answer(plan.query, scope, None, ForecastRecord(0, None, None))
    count, left = (after - today).days, _left(request.now, today, zone)
    of_today = _today(request, found)
    told = forecast(days, count, so_far, today=of_today.get(None, 0), left=left)
    past = record_of(days, _periods(days, today, first, unit))
    before = _previous(store, found)
    total = None if before is None else sum(before.values())
    groups = _groups(request, found, told.method, count, left) if plan.query.by else ()
    return forecast_answer(plan.query, scope, ForecastGroup("all", told, total), past, groups)


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


def _sum(store: Store, selection: Selection, of: AnswerableRange, query: Query) -> int:
    return sum(_value(used, query) for used in store.whole(selection, of.range, of.stored))


def _today(request: AnalysisRequest, found: PlannedAnalysis) -> Mapping[int | None, int]:
    """The spend of today by the ids of groups, that of all under None."""
    query = replace(found.plan.query, period=Calendar(Unit.DAY))
    plan = make_plan(request.store, query, request.now, request.zone, request.asker)
    if isinstance(plan, CommandError):
        return {}
    used = usage_by_group(request.store, plan.selection, plan.source)
    groups: dict[int | None, int] = {id_: _value(one, query) for id_, one in used.items()}
    return {**groups, None: sum(groups.values())}


def _previous(store: Store, found: PlannedAnalysis) -> Mapping[int, int] | None:
    """The spend of the whole period before by group; None where it is not stored."""
    query, zone = found.plan.query, found.plan.source.range.zone
    start = found.plan.source.range.start.astimezone(ZoneInfo(zone)).date()
    unit = query.period.unit if isinstance(query.period, Calendar) else Unit.MONTH
    first = _before(start, unit)
    count = (start - first).days
    buckets = tuple(local(first + n * _DAY, zone) for n in range(count))
    end = local(start, zone)
    of = answerable_range(
        TimeRange(buckets, end, Granularity.DAY, end, zone), store.state().coverage
    )
    if not is_stored(of.range, of.stored, store.state().coverage):
        return None
    used = usage_by_group(store, found.plan.selection, of)
    return {id_: _value(one, query) for id_, one in used.items()}


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


def _groups(
    request: AnalysisRequest, found: PlannedAnalysis, method: str, count: int, left: Fraction
) -> list[ForecastGroup]:
    """The forecast of each group, by the method that is best for the whole."""
    store, plan = request.store, found.plan
    zone = ZoneInfo(plan.source.range.zone)
    of = answerable_range(
        _history(request.now.astimezone(zone).date(), _GROUP_HISTORY), store.state().coverage
    )
    series = store.read(plan.selection, of.range, of.stored, None).series
    length, known = len(of.range.buckets), _known(of, 1)
    so_far = usage_by_group(store, plan.selection, plan.source)
    before, today = _previous(store, found), _today(request, found)

    def one(id_: int, *, with_band: bool) -> ForecastGroup:
        days = [0] * length
        for at, used in series.get(id_, {}).items():
            days[at] = _value(used, plan.query)
        told = forecast(
            days[known:],
            count,
            _value(so_far[id_], plan.query) if id_ in so_far else 0,
            today=today.get(id_, 0),
            left=left,
            method=method,
            with_band=with_band,
        )
        previous = None if before is None else before.get(id_, 0)
        return ForecastGroup(found.labels[id_], told, previous)

    plain = {id_: one(id_, with_band=False) for id_ in {*series, *so_far}}
    largest = sorted(plain, key=lambda id_: -plain[id_].found.end)
    groups = [one(id_, with_band=True) for id_ in largest[:_MOST_BANDS]]
    groups += [plain[id_] for id_ in largest[_MOST_BANDS:]]
    return [group for group in groups if group.found.end or group.previous]
