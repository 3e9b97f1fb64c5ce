"""Compares the spend of hours with what is usual for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.alerts.scope import Scope, creator_email, scope_of
from reports.alerts.evaluation import Measurement, Phase
from reports.alerts.kinds.spike import Hour, Spike, known_past, may_spike, spike, usual
from reports.alerts.needed_usage import needed
from reports.time.time_range import HOUR, Granularity

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
    found = context.figures.spend_series([for_scope(recent, scope)], scope.selection)
    at, made = context.synced_at or context.now, watched.entry.created_at
    hours = []
    hour = recent.span.start
    while hour < recent.span.end and hour <= at:
        hours += [hour] if hour + HOUR > made else []
        hour += HOUR
    if not hours:
        return
    some = []
    for subject, label, members in subjects(
        context, watched.asker, scope, members_with_usage(watched, context, found)
    ):
        series = _together([found.get(one, {}) for one in members])
        values = [series.get(hour, 0) for hour in hours]
        spiking = context.phase(watched.entry.id, subject) is Phase.TRIGGERED
        if spiking or may_spike(watched.rule, max(values)):
            some.append((subject, label, members, values))
    if not some:
        return
    earlier = context.figures.spend_series([for_scope(one, scope) for one in past], scope.selection)
    alone = frozenset(members[0] for _, _, members, _ in some if len(members) == 1)
    floor = watched.rule.watch.floor if isinstance(watched.rule.watch, Spike) else 0
    held = context.figures.complete_from(Granularity.HOUR)
    for subject, label, members, values in some:
        known = _together([earlier[member] for member in members if member in earlier])
        beside = []
        for hour, value in zip(hours, values, strict=True):
            first: datetime | None = held or hour
            if scope.by is not None and len(members) == 1:
                firsts = context.figures.first(scope.by, alone, hour - timedelta(weeks=5))
                first = firsts.get(members[0])
            past_figures = known_past(known, hour, first, held or hour)
            beside.append(Hour(hour, value, usual(past_figures, floor)))
        creator = creator_email(context.directory, scope, subject)
        yield spike(watched.rule, subject, label, beside, at, creator)


def _together(series: Sequence[Mapping[datetime, int]]) -> Mapping[datetime, int]:
    """The sums of amounts by hour."""
    if len(series) == 1:
        return series[0]
    found: dict[datetime, int] = {}
    for one in series:
        for at, amount in one.items():
            found[at] = found.get(at, 0) + amount
    return found


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """For each subject, the hour that is farthest above its usual spend."""
    scope = scope_of(context.directory, watched.rule, watched.asker, watched.members)
    yield from _spikes(watched, context, scope)
