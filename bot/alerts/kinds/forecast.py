"""Measures where the month is heading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.alerts.scope import Scope, creator_email, scope_of
from bot.store.encoding import from_seconds
from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.forecast import Forecast, forecast
from reports.alerts.needed_usage import needed
from reports.time.timerange import DAY, Granularity
from reports.usage.dimensions import Metric

if TYPE_CHECKING:
    pass

from bot.alerts.context import (
    MeasurementContext,
    WatchedRule,
    for_scope,
    members_with_usage,
    subjects,
)


def _forecasts(
    watched: WatchedRule, context: MeasurementContext, scope: Scope, watch: Forecast
) -> Iterator[Measurement]:
    [wanted] = needed(watched.rule, watched.zone, watched.since, context.now)
    found = context.figures.series(for_scope(wanted, scope), scope.selection)
    at, zone = context.synced_at or context.now, ZoneInfo(watched.zone)
    first = context.figures.complete_from(Granularity.DAY)
    if first is None:
        return
    days, day = [], max(wanted.span.start, first).astimezone(zone).date()
    while day <= at.astimezone(zone).date():
        days.append(day)
        day += DAY
    for subject, label, members in subjects(
        context, watched.asker, scope, members_with_usage(watched, context, found)
    ):
        figures = dict.fromkeys(days, 0)
        for member in members:
            for start, usage in found.get(member, {}).items():
                local = from_seconds(start).astimezone(zone).date()
                if local in figures:
                    figures[local] += usage.value(Metric.SPEND, watch.source)
        creator = creator_email(context.directory, scope, subject)
        yield forecast(watched.rule, subject, label, figures, watched.zone, at, creator)


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The forecast of each subject for the current month."""
    watch = watched.rule.watch
    if isinstance(watch, Forecast):
        scope = scope_of(context.directory, watched.rule, watched.asker, watched.members)
        yield from _forecasts(watched, context, scope, watch)
