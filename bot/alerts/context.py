"""The input for measuring alert rules: a rule with its owner, and the stored data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.alerts.forecast_lookup import ForecastLookup
from bot.alerts.openrouter_details import OpenRouterDetails
from bot.alerts.scope import RuleMembers, Scope
from bot.alerts.usage_lookup import UsageLookup
from bot.answers import visibility
from bot.answers.openrouter_limits import OpenRouterLimits, TrackedLimit
from bot.store.alerts.usage_sums import AlertUsage
from bot.store.usage.selection import Ids
from reports.alerts.evaluation import AlertState, Phase
from reports.alerts.needed_usage import Needed, needed
from reports.alerts.periods import AlertPeriod
from reports.alerts.rule import Rule
from reports.usage.dimensions import Metric, MoneySource
from reports.usage.usage import ZERO, Usage

if TYPE_CHECKING:
    from bot.answers.visibility import Asker
    from bot.store.alerts.rules import StoredRule
    from bot.store.usage.directory import Directory


ALL = "all"


@dataclass(frozen=True, slots=True)
class WatchedRule:
    """A rule to measure: `zone` is its own or the default; `asker` says what its owner may see
    today.

    `since` (UTC) is when rules were last evaluated, or when the rule was set up if that is later.
    """

    entry: StoredRule
    rule: Rule
    zone: str
    asker: Asker
    members: RuleMembers
    since: datetime

    @property
    def own_only(self) -> bool:
        """Whether the rule only covers its owner's usage."""
        return self.asker.own_only or visibility.ME in self.rule.filters

    @property
    def visibility(self) -> str:
        """Identifies whose usage the figures include: "" for everything, or `own` and an address.

        Figures measured with one visibility are never shown with another.
        """
        if not self.asker.own_only or self.rule.watch.hides_nothing:
            return ""
        return f"own {self.asker.email or ''}"


@dataclass(frozen=True, slots=True)
class MeasurementContext:
    """All data that rules are measured from, at one time."""

    figures: UsageLookup
    usage: AlertUsage
    directory: Directory
    limits: OpenRouterLimits
    now: datetime
    states: dict[str, dict[tuple[str, str], AlertState]]
    """The stored states of each rule (its id), by subject and period."""
    details: OpenRouterDetails
    forecasts: ForecastLookup
    warmed_up: bool = True
    """Whether this process has been running long enough to have synced."""
    all_subjects: bool = False
    """Whether to measure subjects far from their threshold, too."""

    def phase(self, rule: str, subject: str) -> Phase:
        """The phase of a subject of a rule (its id) that has no period."""
        known = self.states.get(rule, {}).get((subject, ""))
        return known.phase if known else Phase.UNKNOWN

    @property
    def tracked_limits(self) -> tuple[TrackedLimit, ...]:
        """Every limit and budget set at OpenRouter, including those of guardrails."""
        return (*self.limits.caps, *self.details.guardrail_limits)

    @property
    def synced_at(self) -> datetime | None:
        """When usage was last synced; None if never."""
        at = self.figures.synced_at
        return at and min(at, self.now)


def subjects(
    context: MeasurementContext, asker: Asker, scope: Scope, found: Mapping[int, Usage]
) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """The subjects of a rule with their labels and members: each separately, or all together."""
    labels = visibility.labels(context.directory, asker)
    if scope.members is not None:
        few = len(scope.members) < len(found)
        members = [
            m for m in (scope.members if few else found) if m in found and m in scope.members
        ]
    else:
        members = list(found)
    if scope.separately:
        for member in members:
            yield str(member), labels.get(member, "?"), (member,)
    else:
        yield "", label_of(labels, scope), tuple(members)


def label_of(labels: Mapping[int, str], scope: Scope) -> str:
    """The label of everything that a rule covers: the label of its only member, or `all`."""
    members = scope.members
    if members is not None and len(members) == 1:
        return labels.get(next(iter(members)), ALL)
    return ALL


def key_of(span: AlertPeriod) -> str:
    """The period part of a state's key."""
    return f"{span.start:%Y-%m-%dT%H:%M}"


def periods_to_evaluate(watched: WatchedRule, context: MeasurementContext) -> Iterator[AlertPeriod]:
    """The periods to evaluate, without those that ended before the rule was set up."""
    for one in needed(watched.rule, watched.zone, watched.since, context.now):
        if one.span.end > watched.entry.created_at:
            yield one.span


def members_with_usage(
    watched: WatchedRule, context: MeasurementContext, found: Iterable[int]
) -> dict[int, Usage]:
    """The members with usage (even of zero), and those that have triggered and may have
    recovered."""
    triggered = [
        int(subject)
        for (subject, _), state in context.states.get(watched.entry.id, {}).items()
        if state.phase is Phase.TRIGGERED and subject.isdecimal()
    ]
    return dict.fromkeys((*found, *triggered), ZERO)


def for_scope(wanted: Needed, scope: Scope) -> Needed:
    """The same usage, fetched by the dimension of a scope."""
    return Needed(scope.by, (), wanted.span, wanted.step, wanted.zone)


def total(
    found: Mapping[int, Usage], members: tuple[int, ...] | Ids, metric: Metric, source: MoneySource
) -> int:
    """The total usage of some members: nano-dollars of a source, or a count."""
    return sum(found.get(member, ZERO).value(metric, source) for member in members)
