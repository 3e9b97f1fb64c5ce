"""Measures how long keys have been unused."""

from __future__ import annotations

from collections.abc import Iterator

from bot.alerts.context import MeasurementContext, WatchedRule
from bot.alerts.listed_keys import creator_words, listed_keys, triggered_without
from bot.answers import visibility
from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.unused import Unused, closed, unused
from reports.alerts.periods import AlertPeriod
from reports.time.time_range import DAY, Granularity, floor
from reports.usage.dimensions import Dimension


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The days since each key was last used, as far back as usage is stored without a gap."""
    watch, now, at = watched.rule.watch, context.now, context.synced_at or context.now
    if not isinstance(watch, Unused):
        return
    span = AlertPeriod(floor(at - watch.days * DAY, Granularity.DAY), at)
    if not context.figures.is_complete(span) or context.figures.partial(span):
        return  # the missing usage may be of any key
    keys = {one.id: one for one in listed_keys(watched, context) if not one.details.disabled}
    idle = context.figures.unused(Dimension.KEY, frozenset(keys), span)
    last = context.usage.last_used(Dimension.KEY, idle, floor(now, Granularity.DAY)) if idle else {}
    for id_, one in keys.items():
        when = last.get(id_) if id_ in idle else at
        created = context.directory.since.get(id_)
        yield unused(watched.rule, str(id_), one.label, when, created, now, at, one.owner)
    for subject, label in triggered_without(watched, context, set(keys)):
        yield closed(watched.rule, subject, label, at)


def explain(
    watched: WatchedRule, context: MeasurementContext, measurement: Measurement, zone: str
) -> Iterator[str]:
    """Say who created the key."""
    del zone
    if measurement.subject.isdecimal():
        labels = visibility.labels(context.directory, watched.asker)
        yield creator_words(context.directory, labels, int(measurement.subject))
