"""What became of readings that were told: the same figures as the cache holds them now."""

from __future__ import annotations

from dataclasses import replace

from bot.alerts.context import MeasurementContext, WatchedRule
from bot.alerts.drivers import narrowed
from bot.alerts.measure import measurements
from reports.alerts.evaluation import Measurement, period_key
from reports.alerts.needed_usage import Needed
from reports.usage.dimensions import Metric
from reports.usage.usage import ZERO


def current_measurement(
    watched: WatchedRule, context: MeasurementContext, told: Measurement
) -> Measurement | None:
    """What a reading has become; None where nothing newer is known of it."""
    watch = watched.rule.watch
    if watch.happens_once:
        return None
    if watch.compares_hours:
        return _hour(watched, context, told)
    if watch.from_usage and (context.fresh is None or told.at >= context.fresh):
        return None
    place = told.subject, period_key(told)
    found = measurements(replace(watched, since=context.now), replace(context, everything=True))
    same = (one for one in found if (one.subject, period_key(one)) == place)
    return next((one for one in same if one.value is not None), None)


def _hour(
    watched: WatchedRule, context: MeasurementContext, told: Measurement
) -> Measurement | None:
    """The hour of a spike, which may have gone on; None where it is no spike any more."""
    hour, fresh = told.hour, context.fresh
    if hour is None or fresh is None or not context.figures.holds(hour):
        return None
    found = context.figures.sums(Needed(None, (), hour), narrowed(context, watched, told))
    value, at = found.get(0, ZERO).value(Metric.SPEND), min(fresh, hour.end)
    if value <= told.limit or at <= told.at:
        return None
    return replace(told, value=value, at=at, part=at < hour.end)
