"""Gets the current figures for a measurement that was delivered in a message."""

from __future__ import annotations

from dataclasses import replace

from bot.alerts.context import MeasurementContext, WatchedRule
from bot.alerts.measure import measurements
from bot.alerts.message_details import selection_of
from reports.alerts.evaluation import Measurement, period_key
from reports.alerts.needed_usage import Needed
from reports.usage.dimensions import Metric
from reports.usage.usage import ZERO


def current_measurement(
    watched: WatchedRule, context: MeasurementContext, delivered: Measurement
) -> Measurement | None:
    """Measure the same subject and period again; None if there is no newer data."""
    watch = watched.rule.watch
    if watch.happens_once:
        return None
    if watch.compares_hours:
        return _hour(watched, context, delivered)
    if watch.from_usage and (context.synced_at is None or delivered.at >= context.synced_at):
        return None
    key = delivered.subject, period_key(delivered)
    found = measurements(replace(watched, since=context.now), replace(context, all_subjects=True))
    same = (one for one in found if (one.subject, period_key(one)) == key)
    return next((one for one in same if one.value is not None), None)


def _hour(
    watched: WatchedRule, context: MeasurementContext, delivered: Measurement
) -> Measurement | None:
    """The hour of a spike, whose spend may have grown; None if it isn't a spike anymore."""
    hour, fresh = delivered.hour, context.synced_at
    if hour is None or fresh is None or not context.figures.is_complete(hour):
        return None
    found = context.figures.sums(Needed(None, (), hour), selection_of(context, watched, delivered))
    value, at = found.get(0, ZERO).value(Metric.SPEND), min(fresh, hour.end)
    if value <= delivered.limit or at <= delivered.at:
        return None
    return replace(delivered, value=value, at=at, part=at < hour.end)
