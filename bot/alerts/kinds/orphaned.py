"""Measures the spend of keys whose owners have left."""

from __future__ import annotations

from collections.abc import Iterator

from bot.alerts.context import MeasurementContext, WatchedRule
from bot.alerts.listed_keys import listed_keys, triggered_without
from bot.answers import visibility
from bot.store.usage.selection import Selection
from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.orphaned import (
    month_before,
    not_orphaned,
    orphan_words,
    orphaned,
    spend_period,
)
from reports.alerts.needed_usage import Needed
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import ZERO


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The spend of each key whose owner has left, once OpenRouter's members are known."""
    if not context.details.members_known:
        return
    at = context.synced_at or context.now
    keys = {
        one.id: one
        for one in listed_keys(watched, context)
        if one.owner_left and not one.details.disabled
    }
    spent = context.figures.spend(Needed(Dimension.KEY, (), spend_period(at)), Selection())
    for id_, one in keys.items():
        value = spent.get(id_, ZERO).value(Metric.SPEND)
        yield orphaned(str(id_), one.label, value, at)
    for subject, label in triggered_without(watched, context, set(keys)):
        yield not_orphaned(subject, label, at)


def explain(
    watched: WatchedRule, context: MeasurementContext, measurement: Measurement, zone: str
) -> Iterator[str]:
    """Say whose key it was, and what it spent in the past 30 days."""
    del zone
    at = context.synced_at or context.now
    id_ = int(measurement.subject) if measurement.subject.isdecimal() else 0
    labels = visibility.labels(context.directory, watched.asker)
    month = context.figures.spend(Needed(Dimension.KEY, (), month_before(at)), Selection())
    creator = labels.get(context.directory.owners.get(id_, 0), "")
    yield orphan_words(creator, month.get(id_, ZERO).value(Metric.SPEND))
