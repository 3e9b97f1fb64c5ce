"""Evaluates a measurement with the stored state of its subject: decides whether it causes an event.

There are two kinds of figures, which differ in how they can trigger again.

A *sum of a period* (spend of a day, a part of a limit, first use) only grows, unless OpenRouter
revises it. So each threshold triggers once in each period, regardless of revisions, and can trigger
again in the next period.

A *level* (the balance, the age of the data, an hour against its baseline, a forecast) moves both
ways. It triggers once, and can trigger again only after it was clearly on the other side of the
threshold: by a tenth, or for a spike by half, because hourly spend fluctuates on a busy day.

Evaluating the same measurement again changes nothing; neither does an older one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from reports.alerts.periods import AlertPeriod
from reports.alerts.rule import Rule
from reports.alerts.watch import Watch

_NO_LIMIT = -1
"""The limit of a state whose recovery was never delivered. No measurement has it, so the next one
is compared only with its own limit."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What an hour of the week usually costs: median and spread in nano-dollars, of `count` hours.

    An hour above `threshold` (nano-dollars) is a spike.
    """

    median: int
    spread: int
    threshold: int
    count: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """The figure of one subject at one time, to compare with a threshold.

    `subject` identifies it (a member's id, empty for the whole), `label` is for people. `value` is
    the figure in the unit of the watch (nano-dollars, tokens, requests, seconds), None if it is
    unknown. `limit` is the threshold, or the whole budget, in the same unit. `at` (UTC) is how
    recent the figure is. `part`: the hour or period isn't over, so the value will grow. `period` is
    None for levels that have none, `hour` is the hour of a spike, `usual` what it is compared with.
    `so_far` is what a forecast starts from, `creator` the e-mail address of the creator that the
    subject belongs to. `visibility` is that of the rule's owner, see `WatchedRule`. `unused`: the
    subject is new, and nobody has used it yet.
    """

    subject: str
    label: str
    value: int | None
    limit: int
    at: datetime
    period: AlertPeriod | None = None
    part: bool = True
    usual: Baseline | None = None
    so_far: int = 0
    creator: str = ""
    hour: AlertPeriod | None = None
    visibility: str = ""
    unused: bool = False


class Phase(StrEnum):
    """The state of a subject."""

    UNKNOWN = "unknown"
    OK = "ok"
    TRIGGERED = "triggered"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class AlertState:
    """The state of one subject in one period (see `period_key`), as it is stored.

    `step` counts the thresholds that have triggered (budgets have several), `peak` is the value
    farthest beyond the threshold, `limit` is that threshold. `at` is how recent the last
    measurement was, `since` when it first triggered, `ends` when the period ends (all UTC).
    `visibility` is that of its measurements.
    """

    phase: Phase = Phase.UNKNOWN
    step: int = 0
    peak: int = 0
    limit: int = 0
    at: datetime | None = None
    since: datetime | None = None
    ends: datetime | None = None
    visibility: str = ""


class EventKind(StrEnum):
    """Alert events: threshold crossed, next threshold crossed, recovered, period ended."""

    TRIGGERED = "triggered"
    FURTHER = "further"
    RECOVERED = "recovered"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """An event to send a message about. `step` counts the thresholds crossed so far, from 1.

    A first crossing gets its own message; further thresholds and recovery go into its thread; an
    end only changes the message.
    """

    kind: EventKind
    measurement: Measurement
    step: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The state to store, and the event to deliver, if there is one."""

    state: AlertState
    event: AlertEvent | None = None


def period_key(measurement: Measurement) -> str:
    """The period part of the key of a measurement's state; "" if it has no period."""
    return f"{measurement.period.start:%Y-%m-%dT%H:%M}" if measurement.period else ""


def reached(watch: Watch, measurement: Measurement) -> int:
    """The number of thresholds that a measurement is beyond, from 0; the first is the lowest."""
    return 0 if measurement.value is None else watch.reached(measurement.value, measurement.limit)


def evaluate(rule: Rule, measurement: Measurement, state: AlertState, now: datetime) -> Evaluation:
    """Evaluate a measurement with the state of its subject and period at `now` (UTC).

    The same measurement may be evaluated any number of times.
    """
    if measurement.value is None:
        return Evaluation(state)
    if state.visibility != measurement.visibility:
        state = AlertState()  # the state was about other usage
    if rule.watch.is_level:
        return _level(rule.watch, measurement, state, now)
    return _sum(rule.watch, measurement, state, now)


def ended(state: AlertState, measurement: Measurement, now: datetime) -> Evaluation:
    """Close a period that has ended and is final; if its subject had triggered, it gets an ENDED
    event."""
    if (
        state.phase is not Phase.TRIGGERED
        or measurement.period is None
        or now < measurement.period.end
    ):
        return Evaluation(state)
    closed = replace(state, phase=Phase.RECOVERED)
    return Evaluation(closed, AlertEvent(EventKind.ENDED, measurement, state.step, now))


def without_event(state: AlertState, event: AlertEvent) -> AlertState:
    """Undo a state's last event, so that the next measurement causes it again.

    Events that were delivered before still count.
    """
    match event.kind:
        case EventKind.TRIGGERED:
            return AlertState(visibility=state.visibility)
        case EventKind.FURTHER:
            return replace(state, step=max(0, event.step - 1), limit=event.measurement.limit)
        case EventKind.RECOVERED:  # lets any measurement below its threshold recover again
            return replace(state, phase=Phase.TRIGGERED, limit=_NO_LIMIT)
        case EventKind.ENDED:
            return state


def _sum(watch: Watch, measurement: Measurement, state: AlertState, now: datetime) -> Evaluation:
    """The sum of a period: each threshold triggers once, in whichever order measurements come."""
    step, value = reached(watch, measurement), measurement.value or 0
    # a different limit is a different threshold, which hasn't triggered yet
    other = state.phase is not Phase.UNKNOWN and state.limit != measurement.limit
    triggered = 0 if other else state.step
    after = _updated(measurement, state, max(value, 0 if other else state.peak))
    if step > triggered:
        return _triggered(measurement, state, replace(after, step=step), now)
    if other and state.phase is Phase.TRIGGERED:
        return _recovered(measurement, replace(after, step=0), now)
    return Evaluation(replace(after, step=triggered))


def _level(watch: Watch, measurement: Measurement, state: AlertState, now: datetime) -> Evaluation:
    """A level: triggers when it crosses the threshold, again only after it clearly recovered."""
    if state.at is not None and measurement.at < state.at:
        return Evaluation(state)
    step, value = reached(watch, measurement), measurement.value or 0
    moving = watch.compares_hours
    other = not moving and state.phase is not Phase.UNKNOWN and state.limit != measurement.limit
    after = _updated(measurement, state, value if other else _peak(watch, value, state))
    if state.phase is not Phase.TRIGGERED or (other and step):
        if not step:
            return Evaluation(replace(after, step=0, peak=state.peak))
        fresh = state if state.phase is Phase.TRIGGERED or measurement.period else AlertState()
        return _triggered(measurement, fresh, replace(after, step=step), now)
    if other or watch.is_clear(value, measurement.limit, unfinished=measurement.part):
        return _recovered(measurement, replace(after, step=0), now)
    return Evaluation(after)


def _updated(measurement: Measurement, state: AlertState, peak: int) -> AlertState:
    phase = Phase.OK if state.phase is Phase.UNKNOWN else state.phase
    at = max(state.at or measurement.at, measurement.at)
    ends = measurement.period.end if measurement.period else None
    seen = replace(state, phase=phase, peak=peak, limit=measurement.limit, at=at, ends=ends)
    return replace(seen, visibility=measurement.visibility)


def _triggered(
    measurement: Measurement, before: AlertState, after: AlertState, now: datetime
) -> Evaluation:
    kind = EventKind.TRIGGERED if before.since is None else EventKind.FURTHER
    state = replace(after, phase=Phase.TRIGGERED, since=before.since or now)
    return Evaluation(state, AlertEvent(kind, measurement, state.step, now))


def _recovered(measurement: Measurement, after: AlertState, now: datetime) -> Evaluation:
    return Evaluation(
        replace(after, phase=Phase.RECOVERED),
        AlertEvent(EventKind.RECOVERED, measurement, after.step, now),
    )


def _peak(watch: Watch, value: int, state: AlertState) -> int:
    return watch.farther(value, state.peak) if state.phase is Phase.TRIGGERED else value
