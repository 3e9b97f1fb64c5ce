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
from bot.analysis.expected_spend import ExpectedSpend
from bot.analysis.forecast import band, record, root_of
from bot.analysis.forecast_usage import forecast_period
from bot.answers import visibility
from bot.store.usage.selection import Selection
from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.forecast import Forecast, MonthForecast, forecast
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
    root = root_of(context.directory, watched.asker)
    if rule.by is None:
        found = context.forecasts.whole(selection, source, zone, root)
        creator = creator_email(context.directory, scope, "")
        yield forecast(rule, "", label_of(labels, scope), found, zone, at, creator)
        return
    groups = context.forecasts.groups(selection, source, zone, root)
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
    root = root_of(context.directory, watched.asker)
    outlook = ExpectedSpend(store, period, watch.source, root)
    together = "this forecast"
    if rule.by is not None:
        together = f"the forecast of all {rule.by}s together"
    past = record(outlook, selection.grouped(None))
    to_come = (measurement.value or 0) - measurement.so_far
    if rule.by is not None:
        selection = selection.only(rule.by, frozenset({int(measurement.subject)}))
    found = band(outlook, selection, measurement.so_far, to_come)
    return band_sentence(found, to_come), record_sentence(past, Unit.MONTH, together)


def _selection(scope: Scope, by: Dimension | None) -> Selection:
    """The usage that a rule covers, selected like the answer to a question with the same words."""
    if scope.selection.members or scope.by is None or scope.members is None:
        return scope.selection.grouped(by)
    return Selection.of(by, {scope.by: scope.members})
