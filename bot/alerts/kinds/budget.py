"""Measures the limits that are set at OpenRouter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.alerts.scope import allowed_members
from bot.answers import visibility
from bot.answers.openrouter_limits import TrackedLimit
from bot.store.usage.selection import Ids, Selection
from reports.alerts.evaluation import Measurement
from reports.alerts.kinds.budget import GUARDRAILS, budget, limit_words
from reports.alerts.limits_and_forecast import guardrail_label
from reports.alerts.needed_usage import Needed
from reports.alerts.periods import AlertPeriod
from reports.analysis.limits import LimitKind
from reports.time.time_range import Granularity, floor
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.usage import Usage

if TYPE_CHECKING:
    pass

from bot.alerts.context import MeasurementContext, WatchedRule, total

_MINUTE = timedelta(minutes=1)
_ANY = datetime.min.replace(tzinfo=UTC)


def _concerns(
    watched: WatchedRule,
    context: MeasurementContext,
    wanted: Mapping[Dimension, Ids],
    one: TrackedLimit,
) -> bool:
    """Whether a rule watches a limit, and its owner may see it; `wanted` are its members."""
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


def _label(labels: Mapping[int, str], one: TrackedLimit) -> str:
    """The name that the rule's owner sees for a limit's key or member."""
    if one.member is None:
        return one.cap.label
    label = labels.get(one.member, one.cap.label)
    return guardrail_label(label, one.cap.label) if one.kind in GUARDRAILS else label


class _Use:
    """What was used of limits in their periods; each time range is looked up once."""

    def __init__(self, watched: WatchedRule, context: MeasurementContext) -> None:
        self._watched, self._context = watched, context
        self._at = context.synced_at or context.now
        self._periods: dict[str, tuple[AlertPeriod | None, ...]] = {}
        self._spans: dict[
            tuple[AlertPeriod | None, datetime | None], tuple[datetime, datetime]
        ] = {}
        self._spent: dict[tuple[Dimension, datetime, datetime], Mapping[int, Usage]] = {}

    def of(self, one: TrackedLimit, label: str) -> Iterator[Measurement]:
        """The use of a limit in each of its periods."""
        cap = one.cap
        if cap.reset not in self._periods:
            self._periods[cap.reset] = cap.periods(self._watched.since, self._context.now)
        for period in self._periods[cap.reset]:
            if period and period.end <= self._watched.entry.created_at:
                continue
            reported = cap.reported_in(period)
            if period is None and not reported:
                continue  # OpenRouter doesn't report the use of a limit that never resets
            start, end = self._span(period, cap.reported_at if reported else None)
            used = 0
            if start < end:
                found = self._usage(one.by, start, end)
                source = MoneySource.ALL if one.byok else MoneySource.CREDITS
                used = total(found, one.ids, Metric.SPEND, source)
            yield budget(cap, period, used, self._at, label)

    def _span(
        self, period: AlertPeriod | None, reported_at: datetime | None
    ) -> tuple[datetime, datetime]:
        """When usage counts that isn't in OpenRouter's report; None if none is for the period."""
        key = period, reported_at
        if key not in self._spans:
            start, end = (period.start, period.end) if period else (_ANY, self._at + _MINUTE)
            if reported_at is not None:
                start = max(start, floor(reported_at, Granularity.MINUTE) + _MINUTE)
            self._spans[key] = start, end
        return self._spans[key]

    def _usage(self, by: Dimension, start: datetime, end: datetime) -> Mapping[int, Usage]:
        key = by, start, end
        if key not in self._spent:
            needed = Needed(by, (), AlertPeriod(start, end))
            self._spent[key] = self._context.figures.spend(needed, Selection())
        return self._spent[key]


def measure(watched: WatchedRule, context: MeasurementContext) -> Iterator[Measurement]:
    """The use of each limit that the rule watches and its owner may see."""
    use, labels = _Use(watched, context), visibility.labels(context.directory, watched.asker)
    wanted = allowed_members(context.directory, watched.rule, watched.asker, watched.members)
    for one in context.tracked_limits:
        if _concerns(watched, context, wanted, one):
            yield from use.of(one, _label(labels, one))


def explain(
    watched: WatchedRule, context: MeasurementContext, measurement: Measurement, zone: str
) -> tuple[str, ...]:
    """Say which kind of limit it is, and what counts toward it."""
    del watched, zone
    found = (one for one in context.tracked_limits if one.cap.subject == measurement.subject)
    return tuple(limit_words(one.kind, one.cap.reset, byok=one.byok) for one in found)
