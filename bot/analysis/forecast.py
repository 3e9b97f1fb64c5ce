"""Gathers what a forecast is worked out from: the days before, and the period so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from heapq import nlargest
from zoneinfo import ZoneInfo

from bot.analysis.forecast_usage import (
    ForecastPeriod,
    days_before,
    earlier_periods,
    first_day_before,
    forecast_period,
    known_from,
    read_days,
    read_recent,
    read_spend,
)
from bot.analysis.request import AnalysisRequest, PlannedAnalysis, planned
from bot.answers.answer import zone_of
from bot.store import Store
from bot.store.usage.selection import Ids, Selection
from reports.analysis.document import AnalysisDocument
from reports.analysis.forecast import (
    ForecastRecord,
    forecast,
    forecast_groups,
    record_of,
)
from reports.analysis.forecast_answer import ForecastGroup, ForecastScope, forecast_answer
from reports.questions.grammar import CommandError
from reports.time.period import Calendar, Unit
from reports.time.time_range import DAY, Granularity, TimeRange, local
from reports.usage.coverage import answerable_range, is_stored
from reports.usage.dimensions import MoneySource

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
    store, plan, source = request.store, found.plan, found.plan.query.source
    unit = plan.query.period.unit if isinstance(plan.query.period, Calendar) else Unit.MONTH
    zone = zone_of(plan.query, request.zone)
    period = forecast_period(store.state(), unit, request.now, zone)
    scope = ForecastScope(plan.source.range, local(period.after, zone), found.as_of, found.partial)
    days = read_days(store, plan.selection, period.history, source)
    so_far = read_spend(store, plan.selection, period.so_far, source)
    if not days:
        history = period.history
        scope = replace(scope, stored=known_from(history) < len(history.range.buckets))
        return forecast_answer(plan.query, scope, None, ForecastRecord(0, None, None))
    of_today = read_spend(store, plan.selection, period.of_today, source)
    expected = forecast(
        days,
        period.count,
        sum(so_far.values()),
        today=sum(of_today.values()),
        left=period.left,
    )
    past = record_of(days, earlier_periods(days, period))
    before, notes = _previous(found, store)
    of_before = (f"for the period before, {one}" for one in notes if one not in scope.partial)
    scope = replace(scope, partial=(*scope.partial, *of_before))
    total = None if before is None else sum(before.values())
    groups: list[ForecastGroup] = []
    if plan.query.by:
        recent = read_recent(store, plan.selection, period, of_today, source)
        histories = group_histories(store, plan.selection, period, _largest(so_far, recent), source)
        groups = [
            ForecastGroup(found.labels[id_], one, None if before is None else before.get(id_, 0))
            for id_, one in forecast_groups(
                days, period.count, expected, so_far, recent, histories
            ).items()
        ]
    groups = [group for group in groups if group.found.end or group.previous]
    return forecast_answer(plan.query, scope, ForecastGroup("all", expected, total), past, groups)


def _largest(*spent: Mapping[int, int]) -> frozenset[int]:
    """The groups that spent most in all."""
    total: Counter[int] = Counter()
    for groups in spent:
        total.update(groups)
    return frozenset(nlargest(_MOST_BANDS, total, key=lambda id_: total[id_]))


def group_histories(
    store: Store,
    selection: Selection,
    period: ForecastPeriod,
    groups: Ids,
    source: MoneySource,
) -> Mapping[int, Sequence[int]]:
    """The spend of the days before today of each of some groups, as far back as all are stored."""
    if selection.by is None or not groups:
        return {}
    of = days_before(period.today, _GROUP_HISTORY, store.state().coverage)
    some = selection.only(selection.by, groups)
    length, known = len(of.range.buckets), known_from(of)
    histories = {}
    for id_, series in store.spend_series(some, of.range, of.stored, source).items():
        days = [0] * length
        for at, spend in series.items():
            days[at] = spend
        histories[id_] = days[known:]
    return histories


def _previous(
    found: PlannedAnalysis, store: Store
) -> tuple[Mapping[int, int] | None, tuple[str, ...]]:
    """The previous period's spend by group (None if it isn't stored), and phrases about missing
    data.
    """
    query, zone = found.plan.query, found.plan.source.range.zone
    start = found.plan.source.range.start.astimezone(ZoneInfo(zone)).date()
    unit = query.period.unit if isinstance(query.period, Calendar) else Unit.MONTH
    first, end = first_day_before(start, unit), local(start, zone)
    if unit is Unit.MONTH:  # of which there are stored sums
        wanted = TimeRange((local(first, zone),), end, Granularity.MONTH, end, zone)
    else:
        buckets = tuple(local(first + n * DAY, zone) for n in range((start - first).days))
        wanted = TimeRange(buckets, end, Granularity.DAY, end, zone)
    held = store.state().coverage
    of = answerable_range(wanted, held)
    if not is_stored(of.range, of.stored, held):
        return None, ()
    return read_spend(store, found.plan.selection, of, query.source), of.partial
