"""Measures the forecast of the month, with the same figures as the answer `forecast`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.alerts.context import (
    MeasurementContext,
    WatchedRule,
    label_of,
    members_with_usage,
)
from bot.alerts.scope import Scope, creator_email, scope_of
from bot.analysis.forecast import group_histories
from bot.analysis.forecast_usage import earlier_periods, forecast_period, read_days
from bot.answers import visibility
from bot.store.usage.selection import Selection
from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.forecast import Forecast, MonthForecast, forecast
from reports.analysis.forecast import band_of_group, band_of_whole, record_of
from reports.analysis.forecast_answer import band_sentence, record_sentence
from reports.time.period import Unit
from reports.usage.dimensions import Dimension

_NO_USAGE = MonthForecast(0, 0, 0)


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The forecast of each subject for the current month."""
    rule, zone = watched.rule, watched.zone
    if not isinstance(rule.watch, Forecast):
        return
    source = rule.watch.source
    scope = scope_of(context.directory, rule, watched.asker, watched.members)
    selection, at = _selection(scope, rule.by), context.forecasts.period(zone).moment
    labels = visibility.labels(context.directory, watched.asker)
    if rule.by is None:
        found = context.forecasts.whole(selection, source, zone)
        creator = creator_email(context.directory, scope, "")
        yield forecast(rule, "", label_of(labels, scope), found, zone, at, creator)
        return
    groups = context.forecasts.groups(selection, source, zone)
    for member in members_with_usage(watched, context, groups):
        if scope.members is None or member in scope.members:
            subject, found = str(member), groups.get(member, _NO_USAGE)
            creator = creator_email(context.directory, scope, subject)
            yield forecast(rule, subject, labels.get(member, "?"), found, zone, at, creator)


def explain(
    watched: WatchedRule, context: MeasurementContext, measurement: Measurement, zone: str
) -> Iterable[str]:
    """Say how reliable the forecast is, while the month isn't over: its range and its past
    error."""
    del zone
    rule, store = watched.rule, context.forecasts.store
    watch = rule.watch
    if not isinstance(watch, Forecast) or not measurement.part:
        return ()
    period = forecast_period(store.state(), Unit.MONTH, measurement.at, watched.zone)
    scope = scope_of(context.directory, rule, watched.asker, watched.members)
    selection = _selection(scope, rule.by)
    days = read_days(store, selection, period.history, watch.source)
    past = record_of(days, earlier_periods(days, period))
    so_far, to_come = measurement.so_far, (measurement.value or 0) - measurement.so_far
    if rule.by is None:
        band = band_of_whole(days, period.count, so_far, to_come)
        return band_sentence(band), record_sentence(past, Unit.MONTH)
    member = int(measurement.subject)
    histories = group_histories(store, selection, period, frozenset({member}), watch.source)
    band = band_of_group(days, period.count, histories.get(member, ()), so_far, to_come)
    together = f"the forecast of all {rule.by}s together"
    return band_sentence(band), record_sentence(past, Unit.MONTH, together)


def _selection(scope: Scope, by: Dimension | None) -> Selection:
    """The usage that a rule covers, selected like the answer to a question with the same words."""
    if scope.selection.members or scope.by is None or scope.members is None:
        return scope.selection.grouped(by)
    return Selection.of(by, {scope.by: scope.members})
