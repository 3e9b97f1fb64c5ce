"""Measures the usage of each period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.alerts.scope import Scope, creator_email, scope_of
from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.above import Above, above
from reports.alerts.needed_usage import Needed
from reports.alerts.periods import AlertPeriod
from reports.usage.dimensions import Metric
from reports.usage.usage import Usage

if TYPE_CHECKING:
    pass

from bot.alerts.context import (
    MeasurementContext,
    WatchedRule,
    key_of,
    periods_to_evaluate,
    subjects,
    total,
)


def _above(
    watched: WatchedRule, context: MeasurementContext, scope: Scope, watch: Above
) -> Iterator[Measurement]:
    at = context.synced_at or context.now
    known = context.states.get(watched.entry.id, {})
    for span in periods_to_evaluate(watched, context):
        found = _used(context, scope, watch, span)
        for subject, label, members in subjects(context, watched.asker, scope, found):
            value = total(found, members, watch.metric, watch.source)
            near = value > watch.limit or (subject, key_of(span)) in known
            if near or context.all_subjects:
                creator = (
                    creator_email(context.directory, scope, subject) if value > watch.limit else ""
                )
                yield above(watched.rule, subject, label, value, span, min(at, span.end), creator)


def _used(
    context: MeasurementContext, scope: Scope, watch: Above, span: AlertPeriod
) -> Mapping[int, Usage]:
    """The usage of each member, with the figures of the watch's metric at least."""
    needed = Needed(scope.by, (), span)
    if watch.metric is Metric.SPEND:
        return context.figures.spend(needed, scope.selection)
    return context.figures.sums(needed, scope.selection)


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The sums of all periods that may still change."""
    watch = watched.rule.watch
    if isinstance(watch, Above):
        scope = scope_of(context.directory, watched.rule, watched.asker, watched.members)
        yield from _above(watched, context, scope, watch)


def final_measurement(
    watched: WatchedRule, context: MeasurementContext, last: Measurement, span: AlertPeriod
) -> Measurement | None:
    """The final measurement of a period that is over; None if its subject has no usage anymore.

    `last` is the measurement of the newest event in that period.
    """
    rule, watch = watched.rule, watched.rule.watch
    if isinstance(watch, Above):
        scope = scope_of(context.directory, rule, watched.asker, watched.members)
        found = _used(context, scope, watch, span)
        for subject, _, members in subjects(context, watched.asker, scope, found):
            if subject == last.subject:
                value = total(found, members, watch.metric, watch.source)
                closed = above(rule, subject, last.label, value, span, span.end, last.creator)
                return replace(closed, visibility=last.visibility)
    return None
