"""Computes a rule's new states and events by comparing its measurements with its stored states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.alerts.context import MeasurementContext, WatchedRule
from bot.alerts.measure import final_measurement, measurements
from bot.store.alerts.events import AlertEvents
from bot.store.alerts.states import StateChange
from reports.alerts.evaluation import (
    AlertEvent,
    AlertState,
    EventKind,
    Measurement,
    Phase,
    ended,
    evaluate,
    period_key,
)
from reports.alerts.needed_usage import needed
from reports.alerts.periods import SETTLED, AlertPeriod


def state_changes(
    watched: WatchedRule, context: MeasurementContext, events: AlertEvents
) -> Iterator[StateChange]:
    """Evaluate a rule: the states that changed, each with its event if there is one.

    States measured under a different visibility setting are treated as if they weren't stored.
    """
    entry, urgent = watched.entry, watched.rule.urgent
    stored = context.states.get(entry.id, {})
    known = {key: state for key, state in stored.items() if state.visibility == watched.visibility}
    if len(known) < len(stored):
        context.states[entry.id] = known
    current = dict(known)
    for measurement in measurements(watched, context):
        key = measurement.subject, period_key(measurement)
        before = current.get(key, stored.get(key))
        result = evaluate(watched.rule, measurement, before or AlertState(), context.now)
        if _may_be_wrong(watched, context, measurement, result.event):
            continue
        if result.event is None and not _worth_storing(before, result.state):
            continue
        current[key] = result.state
        state_key = (entry.id, *key)
        yield StateChange(state_key, entry.version, before, result.state, result.event, urgent)
    yield from _period_ends(watched, context, current, events)


def _period_ends(
    watched: WatchedRule,
    context: MeasurementContext,
    states: Mapping[tuple[str, str], AlertState],
    events: AlertEvents,
) -> Iterator[StateChange]:
    """Ends the triggered states whose period is over, after waiting for late usage."""
    entry, synced_at = watched.entry, context.synced_at
    for (subject, period), state in states.items():
        ends = state.ends
        if state.phase is not Phase.TRIGGERED or ends is None:
            continue
        if context.now < ends + SETTLED or synced_at is None or synced_at < ends:
            continue  # the last usage of the period may still arrive
        newest = events.newest((entry.id, subject, period))
        last = newest.event.measurement if newest else None
        if last is None or last.period is None:
            continue
        final = final_measurement(watched, context, last, last.period)
        result = ended(state, final, context.now)
        if result.event:
            key = entry.id, subject, period
            yield StateChange(key, entry.version, state, result.state, result.event)


def _may_be_wrong(
    watched: WatchedRule,
    context: MeasurementContext,
    measurement: Measurement,
    event: AlertEvent | None,
) -> bool:
    """Whether an event may be caused by missing usage.

    Stored usage can only be too low. So a sum above its limit has certainly crossed it, but a
    recovery may be wrong, and so may a spike if the hours that it is compared with are incomplete.
    """
    watch = watched.rule.watch
    if event is None or not watch.from_usage or watch.happens_once:
        return False
    crossed = event.kind in {EventKind.TRIGGERED, EventKind.FURTHER}
    if crossed and not watch.compares_hours:
        return False
    spans = [one.span for one in needed(watched.rule, watched.zone, watched.since, context.now)]
    if measurement.period is not None:
        spans.append(
            AlertPeriod(measurement.period.start, min(measurement.period.end, context.now))
        )
    return any(context.figures.partial(span) for span in spans if span.start < span.end)


def _worth_storing(before: AlertState | None, after: AlertState) -> bool:
    """Whether a state has to be stored: not as long as nothing has triggered."""
    if before is None:
        return after.phase not in {Phase.UNKNOWN, Phase.OK}
    moved = replace(after, at=before.at, peak=before.peak) != before
    return moved or (after.phase is Phase.TRIGGERED and after.peak != before.peak)
