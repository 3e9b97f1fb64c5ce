"""Judging: what one subject shows now against what was known of it, and whether to tell somebody.

There are two kinds of figures, and they arm again in two ways.

A *sum of a period* (spend of a day, a part of a limit, first use) only grows; where it falls,
OpenRouter has revised it. So each threshold is told once in each period, whatever revisions do, and
arms again in the next period.

A *level* (the balance, the age of the data, an hour against its usual, a forecast) moves both ways.
It is told once, and arms again only when it was clearly on the other side of the line: by a tenth,
and a spike by half, since a busy day is up and down by the hour.

Evaluating the same reading again changes nothing, nor does an older one than the last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from reports.alerts.periods import AlertPeriod
from reports.alerts.rule import Rule
from reports.alerts.watch import Watch

_NO_LIMIT = -1


@dataclass(frozen=True, slots=True)
class Baseline:
    """What an hour of the week usually costs: median and spread in nano-dollars, of `count` hours.

    `threshold` is where a spike begins.
    """

    median: int
    spread: int
    threshold: int
    count: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one subject shows at a moment.

    `subject` names it for good (a member's id, empty for the whole), `label` for people. `value` is
    the figure in the unit of the watch (nano-dollars, tokens, requests, seconds), None where it is
    not known. `limit` is the line: the threshold, or all of a budget. `at` is how fresh the figures
    are. `part`: the hour or period still runs, so the value will grow. `period` is None for levels
    that have none, `hour` the hour that a spike is about. `so_far` is what a forecast starts from;
    `owner` the creator concerned. `sight` tells as far as whose eyes it was seen: empty where they
    see everything. `unused`: it is new, and nobody has used it yet.
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
    """What is known of one subject in one period (see `period_key`), to be kept as it is.

    `step` counts the thresholds told (budgets have several), `peak` is the farthest value seen,
    `limit` the line that they belong to, `at` how fresh the last reading was, `since` when it was
    told first, `ends` when the period ends, `sight` the one of its readings.
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
    """Something to tell. `step` is the number of thresholds crossed by now, from 1 up.

    A first crossing is a message of its own; further thresholds and recovery go into its thread; an
    end only changes the message.
    """

    kind: EventKind
    measurement: Measurement
    step: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The state to keep, and the event to tell, if there is one."""

    state: AlertState
    event: AlertEvent | None = None


def period_key(measurement: Measurement) -> str:
    """Under which period the state of a reading is kept; empty for what has no period."""
    return f"{measurement.period.start:%Y-%m-%dT%H:%M}" if measurement.period else ""


def reached(watch: Watch, measurement: Measurement) -> int:
    """How many thresholds a reading is beyond, from 0; the first is the lowest."""
    return 0 if measurement.value is None else watch.reached(measurement.value, measurement.limit)


def evaluate(rule: Rule, measurement: Measurement, state: AlertState, now: datetime) -> Evaluation:
    """Judge one reading against the state of its subject and period; any reading may come again."""
    if measurement.value is None:
        return Evaluation(state)
    if state.visibility != measurement.visibility:
        state = AlertState()  # what others see says nothing of what these do
    if rule.watch.is_level:
        return _level(rule.watch, measurement, state, now)
    return _sum(rule.watch, measurement, state, now)


def ended(state: AlertState, measurement: Measurement, now: datetime) -> Evaluation:
    """Close a period that has ended and settled; what triggered in it gets an ENDED event."""
    if (
        state.phase is not Phase.TRIGGERED
        or measurement.period is None
        or now < measurement.period.end
    ):
        return Evaluation(state)
    closed = replace(state, phase=Phase.RECOVERED)
    return Evaluation(closed, AlertEvent(EventKind.ENDED, measurement, state.step, now))


def without_event(state: AlertState, event: AlertEvent) -> AlertState:
    """How a subject stands if the last event of it is never told: its next reading brings it again.

    What was told of it before stays told.
    """
    match event.kind:
        case EventKind.TRIGGERED:
            return AlertState(visibility=state.visibility)
        case EventKind.FURTHER:
            return replace(state, step=max(0, event.step - 1), limit=event.measurement.limit)
        case EventKind.RECOVERED:  # of no line there is: any reading below its own is below it
            return replace(state, phase=Phase.TRIGGERED, limit=_NO_LIMIT)
        case EventKind.ENDED:
            return state


def _sum(watch: Watch, measurement: Measurement, state: AlertState, now: datetime) -> Evaluation:
    """The sum of a period: each threshold triggers once, in whichever order readings come."""
    step, value = reached(watch, measurement), measurement.value or 0
    # another limit is another threshold, which hasn't triggered yet
    other = state.phase is not Phase.UNKNOWN and state.limit != measurement.limit
    told = 0 if other else state.step
    after = _updated(measurement, state, max(value, 0 if other else state.peak))
    if step > told:
        return _triggered(measurement, state, replace(after, step=step), now)
    if other and state.phase is Phase.TRIGGERED:
        return _recovered(measurement, replace(after, step=0), now)
    return Evaluation(replace(after, step=told))


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
