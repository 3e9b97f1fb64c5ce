"""Measures the subjects of a rule in the way that its kind needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.alerts.context import MeasurementContext, WatchedRule
from bot.alerts.kinds import above
from bot.alerts.kinds.registry import MEASURES
from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.above import Above
from reports.alerts.periods import AlertPeriod


def measurements(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The measurements of all subjects of a rule; those of one subject are in order of time.

    Before the first sync, kinds that depend on usage have none.
    """
    watch = watched.rule.watch
    if watch.from_usage and context.synced_at is None:
        return
    whose = watched.visibility
    for one in MEASURES[type(watch)](watched, context):
        yield one if one.visibility == whose else replace(one, visibility=whose)


def final_measurement(
    watched: WatchedRule, context: MeasurementContext, last: Measurement, span: AlertPeriod
) -> Measurement:
    """The final measurement of a period that is over; `last` is the one of its newest event."""
    if isinstance(watched.rule.watch, Above):
        found = above.final_measurement(watched, context, last, span)
        if found is not None:
            return found
    return replace(last, at=max(last.at, span.end), part=False)
