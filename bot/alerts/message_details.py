"""Gathers the details of an alert's message: what drives it, the current pace, its small chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.alerts.context import MeasurementContext, WatchedRule
from bot.alerts.kinds.registry import NOTES
from bot.alerts.scope import allowed_members
from bot.analysis.forecast import root_of
from bot.answers import visibility
from bot.store import Store
from bot.store.usage.selection import Selection
from reports.alerts.evaluation import Measurement
from reports.alerts.limits_and_forecast import SpendPace
from reports.alerts.message_details import Detail, Driver
from reports.alerts.needed_usage import Needed
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.usage import ZERO, Usage

MOST = 3


def detail(
    store: Store,
    watched: WatchedRule,
    context: MeasurementContext,
    measurement: Measurement,
    zone: str,
) -> Detail:
    """Look up what drives an alert, limited to what the rule's owner may see."""
    rule = watched.rule
    selection = selection_of(context, watched, measurement)
    metric, source = rule.watch.measured, rule.watch.money_source
    if rule.watch.set_at_openrouter:
        source = MoneySource.ALL if _with_byok(context, measurement) else MoneySource.CREDITS
    keys: tuple[Driver, ...] = ()
    models: tuple[Driver, ...] = ()
    spans = rule.watch.driver_periods(measurement)
    if spans:
        now, before = spans
        known = context.figures.is_complete(before)
        keys, models = (
            _drivers(
                visibility.labels(context.directory, watched.asker),
                context.figures.sums(Needed(by, (), now), selection),
                context.figures.sums(Needed(by, (), before), selection) if known else None,
                metric,
                source,
            )
            # a single key needs no list of keys
            if len(selection.ids(by) or ()) != 1
            else ()
            for by in (Dimension.KEY, Dimension.MODEL)
        )
    pace, pace_period = None, rule.watch.pace_period(measurement)
    if pace_period:
        used = context.figures.sums(Needed(None, (), pace_period), selection).get(0, ZERO)
        pace = SpendPace(used.value(metric, source), pace_period.end - pace_period.start)
    if rule.watch.set_at_openrouter and measurement.part:
        pace = _usual_pace(watched, context, measurement)
    chart_range = rule.watch.chart_range(measurement, zone)
    values = _chart(store, chart_range, selection, metric, source) if chart_range else ()
    look_up = NOTES.get(type(rule.watch))
    notes = tuple(look_up(watched, context, measurement, zone)) if look_up else ()
    return Detail(pace, keys, models, chart_range, values, notes)


def selection_of(
    context: MeasurementContext, watched: WatchedRule, measurement: Measurement
) -> Selection:
    """The usage that a measurement covers: the rule's filters, and its subject."""
    directory, rule, asker = context.directory, watched.rule, watched.asker
    wanted = allowed_members(directory, rule, asker, watched.members)
    if rule.watch.set_at_openrouter:
        for limited in context.tracked_limits:
            if limited.cap.subject == measurement.subject:
                wanted[limited.by] = limited.ids
    else:
        about = rule.watch.subject_dimension(rule.by)
        whose, _, member = measurement.subject.rpartition(":")
        for dimension, id_ in ((Dimension.CREATOR if whose else None, whose), (about, member)):
            if dimension is not None and id_.isdecimal() and int(id_) in directory.members:
                wanted[dimension] = frozenset({int(id_)})
    return Selection.of(None, wanted)


def _with_byok(context: MeasurementContext, measurement: Measurement) -> bool:
    """Whether a measurement is of a limit or budget that includes BYOK spend."""
    return any(one.byok for one in context.tracked_limits if one.cap.subject == measurement.subject)


def _usual_pace(
    watched: WatchedRule, context: MeasurementContext, measurement: Measurement
) -> SpendPace | None:
    """When a limit is full, as the answer `limits` says it to the rule's owner; None where it is
    gone."""
    root = root_of(context.directory, watched.asker)
    limits = (one for one in context.tracked_limits if one.cap.subject == measurement.subject)
    return next(
        (SpendPace(full=context.forecasts.full(one, context.now, root)) for one in limits), None
    )


def _drivers(
    labels: Mapping[int, str],
    found: Mapping[int, Usage],
    before: Mapping[int, Usage] | None,
    metric: Metric,
    source: MoneySource,
) -> tuple[Driver, ...]:
    values = {member: usage.value(metric, source) for member, usage in found.items()}
    top = sorted(values, key=lambda member: (-values[member], member))[:MOST]
    return tuple(
        Driver(
            labels.get(member, "?"),
            values[member],
            None if before is None else before.get(member, ZERO).value(metric, source),
        )
        for member in top
        if values[member] > 0
    )


def _chart(
    store: Store, chart_range: TimeRange, selection: Selection, metric: Metric, source: MoneySource
) -> tuple[int, ...]:
    stored = chart_range.granularity
    if stored is Granularity.DAY and chart_range.zone != "UTC":
        stored = Granularity.HOUR
    whole = store.whole(selection, chart_range, stored)
    return tuple(usage.value(metric, source) for usage in whole)


def with_delivered_limit(watched: WatchedRule, measurement: Measurement) -> WatchedRule:
    """A rule with the limit of a delivered measurement; it may have been changed since."""
    watch = watched.rule.watch.with_limit(measurement.limit)
    return replace(watched, rule=replace(watched.rule, watch=watch))
