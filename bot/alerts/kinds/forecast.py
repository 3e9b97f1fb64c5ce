"""Measures where the month is heading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.alerts.scope import Scope, allowed_members, creator_email, scope_of
from bot.store.encoding import from_seconds
from bot.store.usage.selection import Selection
from reports.alerts.evaluation import Measurement
from reports.alerts.forecast_record import history_start, record_words
from reports.alerts.kinds.forecast import Forecast, forecast
from reports.alerts.needed_usage import Needed, needed
from reports.alerts.periods import AlertPeriod
from reports.time.timerange import DAY, Granularity, local
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
                day = from_seconds(start).astimezone(zone).date()
                if day in figures:
                    figures[day] += usage.value(Metric.SPEND, watch.source)
        creator = creator_email(context.directory, scope, subject)
        yield forecast(watched.rule, subject, label, figures, watched.zone, at, creator)


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The forecast of each subject for the current month."""
    watch = watched.rule.watch
    if isinstance(watch, Forecast):
        scope = scope_of(context.directory, watched.rule, watched.asker, watched.members)
        yield from _forecasts(watched, context, scope, watch)


def explain(
    watched: WatchedRule, context: MeasurementContext, measurement: Measurement
) -> Iterable[str]:
    """How sure the forecast is, while the month runs."""
    watch, first = watched.rule.watch, context.figures.complete_from(Granularity.DAY)
    if not isinstance(watch, Forecast) or not measurement.part or first is None:
        return ()
    wanted = allowed_members(context.directory, watched.rule, watched.asker, watched.members)
    if watched.rule.by and measurement.subject.isdecimal():
        wanted[watched.rule.by] = frozenset({int(measurement.subject)})
    zone = ZoneInfo(watched.zone)
    first_day = first.astimezone(zone).date() + (DAY if watched.zone != "UTC" else timedelta())
    start = max(history_start(measurement.at, watched.zone), first_day)
    today = measurement.at.astimezone(zone).date()
    span = AlertPeriod(local(start, watched.zone), local(today, watched.zone))
    if span.start >= span.end:
        return ()
    needed_ = Needed(None, (), span, Granularity.DAY, watched.zone)
    found = context.figures.series(needed_, Selection.of(None, wanted))
    days = {start + n * DAY: 0 for n in range((today - start).days)}
    for by_day in found.values():
        for at, usage in by_day.items():
            day = from_seconds(at).astimezone(zone).date()
            if day in days:
                days[day] += usage.value(Metric.SPEND, watch.source)
    return record_words(days, measurement, watched.zone)
