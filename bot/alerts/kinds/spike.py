"""Compares the spend of hours with what is usual for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.alerts.scope import Scope, creator_email, scope_of
from bot.store.encoding import from_seconds, to_seconds
from reports.alerts.evaluation import Baseline, Measurement, Phase
from reports.alerts.kinds.spike import Hour, Spike, known_past, may_spike, spike, usual
from reports.alerts.needed_usage import needed
from reports.alerts.rule import Rule
from reports.time.time_range import HOUR, Granularity
from reports.usage.dimensions import Metric
from reports.usage.usage import ZERO, Usage

if TYPE_CHECKING:
    pass

from bot.alerts.context import (
    MeasurementContext,
    WatchedRule,
    for_scope,
    members_with_usage,
    subjects,
)


def _spikes(
    watched: WatchedRule, context: MeasurementContext, scope: Scope
) -> Iterator[Measurement]:
    recent, *past = needed(watched.rule, watched.zone, watched.since, context.now)
    found = context.figures.series(for_scope(recent, scope), scope.selection)
    at, made = context.synced_at or context.now, watched.entry.created_at
    hours = []
    hour = recent.span.start
    while hour < recent.span.end and hour <= at:
        hours += [hour] if hour + HOUR > made else []
        hour += HOUR
    for subject, label, members in subjects(
        context, watched.asker, scope, members_with_usage(watched, context, found)
    ):
        values = {hour: _at(found, members, hour) for hour in hours}
        spiking = context.phase(watched.entry.id, subject) is Phase.TRIGGERED
        if not hours or not (spiking or may_spike(watched.rule, max(values.values()))):
            continue
        series = [context.figures.series(for_scope(one, scope), scope.selection) for one in past]
        beside = [
            Hour(hour, value, _usual(watched.rule, context, scope, members, hour, series))
            for hour, value in values.items()
        ]
        creator = creator_email(context.directory, scope, subject)
        yield spike(watched.rule, subject, label, beside, at, creator)


def _usual(
    rule: Rule,
    context: MeasurementContext,
    scope: Scope,
    members: tuple[int, ...],
    hour: datetime,
    series: list[Mapping[int, Mapping[int, Usage]]],
) -> Baseline | None:
    """The usual total usage of the members in an hour of the week."""
    figures: dict[datetime, int] = {}
    for found in series:
        for member in members:
            for at, usage in found.get(member, {}).items():
                when = from_seconds(at)
                figures[when] = figures.get(when, 0) + usage.value(Metric.SPEND)
    complete_from = context.figures.complete_from(Granularity.HOUR) or hour
    first: datetime | None = complete_from
    if scope.by is not None and len(members) == 1:
        first = context.usage.first(scope.by, members[0], hour - timedelta(weeks=5))
    floor_ = rule.watch.floor if isinstance(rule.watch, Spike) else 0
    return usual(known_past(figures, hour, first, complete_from), floor_)


def _at(found: Mapping[int, Mapping[int, Usage]], members: tuple[int, ...], hour: datetime) -> int:
    at = to_seconds(hour)
    return sum(found.get(one, {}).get(at, ZERO).value(Metric.SPEND) for one in members)


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """For each subject, the hour that is farthest above its usual spend."""
    scope = scope_of(context.directory, watched.rule, watched.asker, watched.members)
    yield from _spikes(watched, context, scope)
