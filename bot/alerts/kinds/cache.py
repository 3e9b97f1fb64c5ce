"""Measures the share of prompt tokens that come from a cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.alerts.context import MeasurementContext, WatchedRule, subjects
from bot.alerts.scope import Scope, creator_email, scope_of
from reports.alerts.evaluation import Measurement, Phase
from reports.alerts.kinds.cache import cache_periods, cache_share, cache_words
from reports.alerts.needed_usage import Needed
from reports.alerts.periods import AlertPeriod
from reports.time.time_range import Granularity, floor
from reports.usage.usage import ZERO, Usage, total

_CACHED, _SAVED = frozenset({"cached"}), frozenset({"saved"})


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The share of each subject for which cached tokens are known for the whole time."""
    periods = _periods(context)
    if periods is None:
        return
    now, before = periods
    figures = context.figures
    usual_known = figures.knows(_CACHED, before) and not figures.partial(before)
    if not figures.knows(_CACHED, now) or figures.partial(now):
        return
    scope = scope_of(context.directory, watched.rule, watched.asker, watched.members)
    found, usual = _used(context, scope, now), _used(context, scope, before)
    for subject, label, members in subjects(context, watched.asker, scope, found):
        triggered = context.phase(watched.entry.id, subject) is Phase.TRIGGERED
        if not (triggered or usual_known):
            continue
        creator = creator_email(context.directory, scope, subject)
        yield cache_share(
            watched.rule,
            subject,
            label,
            _sum(found, members),
            None if triggered else _sum(usual, members),
            now.end,
            creator,
        )


def explain(
    watched: WatchedRule, context: MeasurementContext, measurement: Measurement, zone: str
) -> Iterator[str]:
    """Say what the share usually is, and how much its drop costs."""
    del zone
    periods = _periods(context)
    if periods is None or not all(context.figures.knows(_CACHED, one) for one in periods):
        return
    scope = scope_of(context.directory, watched.rule, watched.asker, watched.members)
    found, usual = (_used(context, scope, one) for one in periods)
    for subject, _, members in subjects(context, watched.asker, scope, found):
        if subject == measurement.subject:
            known = context.figures.knows(_SAVED, periods[1])
            yield cache_words(_sum(found, members), _sum(usual, members), saving_known=known)


def _periods(context: MeasurementContext) -> tuple[AlertPeriod, AlertPeriod] | None:
    """The time ranges to measure, up to the last synced minute; None before the first sync."""
    at = context.figures.synced.get(Granularity.MINUTE)
    return cache_periods(floor(min(at, context.now), Granularity.MINUTE)) if at else None


def _used(context: MeasurementContext, scope: Scope, span: AlertPeriod) -> Mapping[int, Usage]:
    return context.figures.sums(Needed(scope.by, (), span), scope.selection)


def _sum(found: Mapping[int, Usage], members: tuple[int, ...]) -> Usage:
    return total(found.get(one, ZERO) for one in members)
