"""Measures the limits that are set at OpenRouter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.alerts.scope import allowed_members
from bot.answers import visibility
from bot.answers.openrouter_limits import TrackedLimit
from bot.store.usage.selection import Selection
from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.budget import GUARDRAILS, budget, limit_words
from reports.alerts.limits_and_forecast import guardrail_label
from reports.alerts.needed_usage import Needed
from reports.alerts.periods import AlertPeriod
from reports.analysis.limits import LimitKind
from reports.time.time_range import Granularity, floor
from reports.usage.dimensions import Dimension, Metric, MoneySource

if TYPE_CHECKING:
    pass

from bot.alerts.context import MeasurementContext, WatchedRule, total

_MINUTE = timedelta(minutes=1)


def _concerns(watched: WatchedRule, context: MeasurementContext, one: TrackedLimit) -> bool:
    """Whether a rule watches a limit, and its owner may see it."""
    wanted = allowed_members(context.directory, watched.rule, watched.asker, watched.members)
    by = watched.rule.by
    of_person = one.kind is LimitKind.MEMBER_GUARDRAIL
    if by and (one.kind is LimitKind.WORKSPACE or of_person != (by is Dimension.CREATOR)):
        return False
    if not wanted:
        return True
    keys, creators = wanted.get(Dimension.KEY), wanted.get(Dimension.CREATOR)
    if one.kind is LimitKind.WORKSPACE or one.member is None:
        return False
    creator = one.member if of_person else context.directory.owners.get(one.member)
    if creators is not None and creator not in creators:
        return False
    return keys is None or (not of_person and one.member in keys)


def _called(watched: WatchedRule, context: MeasurementContext, one: TrackedLimit) -> TrackedLimit:
    """A limit labeled with the name that the rule's owner sees for its key or member."""
    if one.member is None:
        return one
    labels = visibility.labels(context.directory, watched.asker)
    label = labels.get(one.member, one.cap.label)
    if one.kind in GUARDRAILS:
        label = guardrail_label(label, one.cap.label)
    return replace(one, cap=replace(one.cap, label=label))


def _budget(
    watched: WatchedRule, context: MeasurementContext, one: TrackedLimit
) -> Iterator[Measurement]:
    at = context.synced_at or context.now
    for period in one.cap.periods(watched.since, context.now):
        if period and period.end <= watched.entry.created_at:
            continue
        start, end = (period.start, period.end) if period else (one.cap.reported_at, at + _MINUTE)
        if one.cap.reported_in(period):
            start = max(start, floor(one.cap.reported_at, Granularity.MINUTE) + _MINUTE)
        elif period is None:
            continue  # OpenRouter doesn't report the use of a limit that never resets
        used = 0
        if start < end:
            found = context.figures.sums(Needed(one.by, (), AlertPeriod(start, end)), Selection())
            source = MoneySource.ALL if one.byok else MoneySource.CREDITS
            used = total(found, tuple(one.ids), Metric.SPEND, source)
        yield budget(one.cap, period, used, at)


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The use of each limit that the rule watches and its owner may see."""
    for one in context.tracked_limits:
        if _concerns(watched, context, one):
            yield from _budget(watched, context, _called(watched, context, one))


def explain(
    watched: WatchedRule, context: MeasurementContext, measurement: Measurement, zone: str
) -> tuple[str, ...]:
    """Say which kind of limit it is, and what counts toward it."""
    del watched, zone
    found = (one for one in context.tracked_limits if one.cap.subject == measurement.subject)
    return tuple(limit_words(one.kind, one.cap.reset, byok=one.byok) for one in found)
