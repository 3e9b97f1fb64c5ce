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
from reports.alerts.kinds.budget import budget
from reports.alerts.needed_usage import Needed
from reports.alerts.periods import AlertPeriod
from reports.time.timerange import Granularity, floor
from reports.usage.dimensions import Dimension, Metric, MoneySource

if TYPE_CHECKING:
    pass

from bot.alerts.context import MeasurementContext, WatchedRule, total

_MINUTE = timedelta(minutes=1)


def _concerns(watched: WatchedRule, context: MeasurementContext, one: TrackedLimit) -> bool:
    """Whether a limit is one that a rule watches, and its maker may see."""
    wanted = allowed_members(context.directory, watched.rule, watched.asker, watched.members)
    of_key = one.cap.subject.startswith("key ")
    if not wanted:
        return of_key or watched.rule.by is not Dimension.KEY
    keys, creators = wanted.get(Dimension.KEY), wanted.get(Dimension.CREATOR)
    owners = context.directory.owners
    return of_key and all(
        (keys is None or key in keys) and (creators is None or owners.get(key) in creators)
        for key in one.keys
    )


def _called(watched: WatchedRule, context: MeasurementContext, one: TrackedLimit) -> TrackedLimit:
    """A limit by the name that its key has before the rule's maker."""
    if not watched.asker.own_only or len(one.keys) != 1:
        return one
    labels = visibility.labels(context.directory, watched.asker)
    label = labels.get(next(iter(one.keys)), one.cap.label)
    return replace(one, cap=replace(one.cap, label=label))


def _budget(
    watched: WatchedRule, context: MeasurementContext, one: TrackedLimit
) -> Iterator[Measurement]:
    at = context.synced_at or context.now
    for period in one.cap.periods(watched.since, context.now):
        if period and period.end <= watched.entry.made_at:
            continue
        start, end = (period.start, period.end) if period else (one.cap.reported_at, at + _MINUTE)
        if one.cap.reported_in(period):
            start = max(start, floor(one.cap.reported_at, Granularity.MINUTE) + _MINUTE)
        elif period is None:
            continue  # nobody says what was used of one that never begins anew
        used = 0
        if start < end:
            found = context.figures.sums(
                Needed(Dimension.KEY, (), AlertPeriod(start, end)), Selection()
            )
            source = MoneySource.ALL if one.byok else MoneySource.CREDITS
            used = total(found, tuple(one.keys), Metric.SPEND, source)
        yield budget(one.cap, period, used, at)


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The use of each limit that the rule watches and its owner may see."""
    for one in context.limits.caps:
        if _concerns(watched, context, one):
            yield from _budget(watched, context, _called(watched, context, one))
