"""Gathers what a forecast is worked out from: the days before, and the period so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import nlargest
from zoneinfo import ZoneInfo

from bot.analysis.expected_spend import ExpectedSpend
from bot.analysis.forecast_usage import (
    ForecastPeriod,
    days_before,
    earlier_periods,
    first_day_before,
    forecast_period,
    known_from,
    read_spend,
    since_first_usage,
)
from bot.analysis.request import AnalysisRequest, PlannedAnalysis, planned
from bot.answers import visibility
from bot.answers.answer import zone_of
from bot.answers.visibility import Asker
from bot.store import Store
from bot.store.usage.directory import Directory
from bot.store.usage.selection import Ids, Selection
from reports.analysis.document import AnalysisDocument
from reports.analysis.forecast import (
    Band,
    ForecastRecord,
    PartForecaster,
    PeriodForecast,
    band_of,
    record_of,
)
from reports.analysis.forecast_answer import ForecastGroup, ForecastScope, forecast_answer
from reports.analysis.limited_keys import LimitedKey
from reports.questions.grammar import CommandError
from reports.time.period import Calendar, Unit
from reports.time.time_range import DAY, Granularity, TimeRange, local
from reports.usage.coverage import answerable_range, is_stored
from reports.usage.dimensions import Dimension, MoneySource

_GROUP_HISTORY = 120
"""Days of a part that its range comes from: three months of forecasts for a month ahead."""
_MOST_BANDS = 50
"""Groups that get a band: as many as a table can have."""


def gather_forecast(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """How a running period ends: the whole and each group."""
    found = planned(request)
    if isinstance(found, CommandError):
        return found
    store, plan, source = request.store, found.plan, found.plan.query.source
    unit = plan.query.period.unit if isinstance(plan.query.period, Calendar) else Unit.MONTH
    zone = zone_of(plan.query, request.zone)
    period = forecast_period(store.state(), unit, request.now, zone)
    selection = plan.selection.grouped(None)
    outlook = ExpectedSpend(store, period, source, root_of(store.directory(), request.asker))
    scope = ForecastScope(
        plan.source.range, local(period.after, zone), zone, found.as_of, found.partial,
        own_only=request.asker.own_only, stopped=_stopped(outlook, selection, found.labels),
    )  # fmt: skip
    if not outlook.forecaster.days:
        history = period.history
        begun = sum(read_spend(store, selection, period.so_far, source).values())
        stored = known_from(history) < len(history.range.buckets)
        scope = replace(scope, stored=stored, begun=begun)
        return forecast_answer(plan.query, scope, None, ForecastRecord(0, None, None))
    so_far = read_spend(store, plan.selection, period.so_far, source)
    if plan.selection.by is not None:  # what the groups spent is what the whole did
        outlook.by_group(plan.selection)
    used, to_come = sum(so_far.values()), outlook.to_come(selection)
    range_ = band(outlook, selection, used, to_come)
    whole = PeriodForecast(used, to_come, range_, outlook.expected.method)
    past = record(outlook, selection)
    before, notes = _previous(found, store)
    of_before = (f"for the period before, {one}" for one in notes if one not in scope.partial)
    scope = replace(
        scope,
        partial=(*scope.partial, *of_before),
        of_part=selection.members != outlook.root.members,
        held_back=_held_back(outlook, selection, found.labels),
    )
    total = None if before is None else sum(before.values())
    most = _MOST_BANDS if request.whole else plan.query.top
    groups = _groups(outlook, plan.selection, so_far, before, found.labels, most)
    return forecast_answer(plan.query, scope, ForecastGroup("all", whole, total), past, groups)


def root_of(directory: Directory, asker: Asker) -> Selection:
    """The whole of which an asker's forecasts are parts: all that they may see."""
    if not asker.own_only:
        return Selection()
    return Selection.of(None, {Dimension.CREATOR: visibility.own(directory, asker)})


def band(outlook: ExpectedSpend, selection: Selection, so_far: int, to_come: int) -> Band | None:
    """The range of an amount to come of a selection; None if the history is too short."""
    period, name = outlook.period, outlook.expected.method
    most = most_of(outlook, selection)
    if selection.members == outlook.root.members:
        ratios = outlook.forecaster.ratios(name, period.count)
        return band_of(so_far, to_come, ratios, period.count, most)
    days = _days_of_part(outlook, selection)
    ratios = PartForecaster(outlook.forecaster).ratios(days, name, period.count)
    return band_of(so_far, to_come, ratios, period.count, most)


def _days_of_part(outlook: ExpectedSpend, selection: Selection) -> Sequence[int]:
    """The days that the range of a part comes from: as many as for each group of an answer."""
    return outlook.days_of(selection)[-_GROUP_HISTORY:]


def record(outlook: ExpectedSpend, selection: Selection) -> ForecastRecord:
    """How accurate forecasts of a selection were in earlier periods."""
    earlier = earlier_periods(outlook.forecaster.days, outlook.period)
    if selection.members == outlook.root.members:
        return record_of(outlook.forecaster, earlier)
    days = since_first_usage(outlook.days_of(selection))
    return PartForecaster(outlook.forecaster).record(days, earlier)


def most_of(outlook: ExpectedSpend, selection: Selection) -> int | None:
    """The most that a single key can still spend in the period; None if it isn't held back."""
    keys = selection.ids(Dimension.KEY)
    if keys is None or len(keys) != 1:
        return None
    held = outlook.held_back.get(next(iter(keys)))
    return held.to_come if held else None


def _groups(
    outlook: ExpectedSpend,
    selection: Selection,
    so_far: Mapping[int, int],
    before: Mapping[int, int] | None,
    labels: Mapping[int, str],
    bands: int,
) -> list[ForecastGroup]:
    """The forecast of each group with any spend, now or in the period before; the `bands` largest
    with their ranges."""
    if selection.by is None:
        return []
    period, expected = outlook.period, outlook.expected
    to_come = outlook.by_group(selection)
    largest = _largest(so_far, to_come)
    if bands < len(largest):  # in the order of an answer's table
        ends = {id_: so_far.get(id_, 0) + to_come.get(id_, 0) for id_ in largest}
        listed = sorted(largest, key=lambda id_: (-ends[id_], labels[id_]))
        largest = frozenset(listed[:bands])
    histories = group_histories(outlook.store, selection, period, largest, outlook.source)
    parts, found = PartForecaster(outlook.forecaster), []
    for id_ in dict.fromkeys((*so_far, *to_come, *(before or ()))):
        used, more, range_ = so_far.get(id_, 0), to_come.get(id_, 0), None
        if id_ in histories or not more:
            ratios = parts.ratios(histories.get(id_, ()), expected.method, period.count)
            most = most_of(outlook, selection.only(selection.by, frozenset({id_})))
            range_ = band_of(used, more, ratios, period.count, most)
        forecast = PeriodForecast(used, more, range_, expected.method)
        previous = None if before is None else before.get(id_, 0)
        if forecast.end or previous:
            found.append(ForecastGroup(labels[id_], forecast, previous))
    return found


def _held_back(
    outlook: ExpectedSpend, selection: Selection, labels: Mapping[int, str]
) -> tuple[tuple[str, LimitedKey], ...]:
    """The keys of a question of which less is expected than their share, the largest share first,
    with their labels."""
    limited = outlook.held_back
    found = [(labels[key], limited[key]) for key in _meant(outlook.store, selection, limited)]
    return tuple(sorted(found, key=lambda one: (-one[1].share, one[0])))


def _stopped(
    outlook: ExpectedSpend, selection: Selection, labels: Mapping[int, str]
) -> tuple[tuple[str, LimitedKey], ...]:
    """The keys that a question is about that can't spend anything, with their labels."""
    if selection.ids(Dimension.KEY) is None:
        return ()
    found = [
        (labels[key], LimitedKey(outlook.spend_left[key].reason, 0, 0))
        for key in _meant(outlook.store, selection, outlook.spend_left)
        if outlook.spend_left[key].most <= 0
    ]
    return tuple(sorted(found, key=lambda one: one[0]))


def _meant(store: Store, selection: Selection, some: Iterable[int]) -> Iterator[int]:
    """Those of some keys that a question is about: filters may allow the keys of others, too."""
    owners = store.directory().owners
    keys, creators = selection.ids(Dimension.KEY), selection.ids(Dimension.CREATOR)
    for key in some:
        if (keys is None or key in keys) and (creators is None or owners.get(key) in creators):
            yield key


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
