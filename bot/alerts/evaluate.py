"""Evaluates alert rules after each sync, and stores their changes for delivery.

    rules + usage -> measurements -> evaluate -> state and event (one transaction) -> delivery

One process at a time evaluates all rules, and stores a new state only if neither the rule nor the
state was changed meanwhile. A rule that fails doesn't stop the others.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from datetime import datetime, timedelta

from bot import __version__
from bot.access.policy import sees_own_only
from bot.alerts.context import MeasurementContext, WatchedRule
from bot.alerts.forecast_lookup import ForecastCache, ForecastLookup
from bot.alerts.gap import note_gap
from bot.alerts.measure import measurements
from bot.alerts.openrouter_details import OpenRouterDetails
from bot.alerts.scope import RuleMembers, with_names
from bot.alerts.services import AlertServices
from bot.alerts.state_changes import state_changes
from bot.alerts.usage_lookup import UsageLookup
from bot.answers import visibility
from bot.answers.openrouter_limits import OpenRouterLimits, stored_limits
from bot.runtime import priority
from bot.runtime.isolation import isolated
from bot.services import asker_for
from bot.store.alerts.rules import NewRule, StoredRule
from bot.store.alerts.states import StateChange
from bot.store.readable import NOT_READABLE
from reports.admin.slack import unreadable
from reports.alerts.evaluation import (
    AlertState,
    Measurement,
    period_key,
    reached,
)
from reports.alerts.grammar import rule_of
from reports.alerts.kinds.stale import Stale
from reports.alerts.rule import Rule
from reports.usage.dimensions import Dimension

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
"""How long other processes wait if the evaluating one dies. 10,000 rules take a few seconds."""
EVERY = timedelta(seconds=60)
"""How often rules are evaluated without a sync, to notice stale data."""
LONGEST_GAP = timedelta(minutes=5)
"""A longer gap between evaluations means that the process or the machine wasn't running."""
WARM_UP = timedelta(minutes=3)
"""How long after such a gap data may be old because the sync is still catching up."""
_EVALUATED_AT, _DELETED_ON = "alerts judged", "alerts forgot"
"""The names of facts in the database; databases of earlier versions have them, so they stay."""
_SYNC_ALERT = "alert-sync-"


class RuleEvaluator:
    """Evaluates all rules, in one process at a time."""

    def __init__(self, alerts: AlertServices) -> None:
        self.alerts = self._alerts = alerts
        self._forecasts = ForecastCache()
        self._parsed: dict[tuple[str, int], Rule | None] = {}
        self._unreadable: list[StoredRule] = []
        self._evaluated_at: datetime | None = None
        self._stored_at: datetime | None = None
        self._running_since: datetime | None = None
        self._lock = threading.Lock()

    def tick(self, pause: timedelta = EVERY) -> int:
        """Evaluate all rules unless that was done within `pause`; returns the number of new
        events."""
        now = self._alerts.services.clock()
        if self._evaluated_at is not None and timedelta() <= now - self._evaluated_at < pause:
            return 0
        return self.evaluate_all()

    def evaluate_all(self) -> int:
        """Evaluate all rules on the stored data; returns the number of new events."""
        with self._lock:
            return self._evaluate_all()

    def _evaluate_all(self) -> int:
        alerts, store = self._alerts, self._alerts.services.store
        clock = alerts.services.clock
        self._note_gap(clock())
        if not store.lease("alerts", alerts.process, LEASE, clock):
            return 0
        try:
            with isolated(log, "The sync alerts of the admins could not be set up"):
                self._add_sync_alerts()
            now, last = clock(), self._evaluated_at
            if last is None or not timedelta() <= now - last <= LONGEST_GAP:
                self._running_since = now
            self._evaluated_at = now
            new_events = alerts.states.save(self._changes(alerts.rules.active(), now))
            store.keep_fact(_EVALUATED_AT, now.isoformat())
            self._stored_at = now
            with isolated(log, "Old alert states and events could not be deleted"):
                self._delete_old(now)
            with isolated(log, "The owners of unreadable alert rules could not be notified"):
                self._notify_unreadable()
        finally:
            # release the lease, so that the process that syncs next can evaluate at once
            store.lease("alerts", alerts.process, timedelta(), clock)
        return new_events

    def _note_gap(self, now: datetime) -> None:
        """At the start, and if the database was replaced by an older one, store the gap since its
        last evaluation."""
        store = self._alerts.services.store
        stored = store.fact(_EVALUATED_AT)
        last = datetime.fromisoformat(stored) if stored else None
        if self._stored_at is None or last is None or last < self._stored_at:
            note_gap(store, last, now)
            self._stored_at = last

    def evaluate_rule(self, entry: StoredRule) -> int:
        """Evaluate one rule, as soon as it is set up; returns the number of new events."""
        if entry.paused is not None:
            return 0
        changes = self._changes([entry], self._alerts.services.clock())
        return self._alerts.states.save(changes)

    def evaluate_again(self, id_: str) -> None:
        """Evaluate one rule after it was changed, if it still exists."""
        entry = self._alerts.rules.get(id_)
        if entry:
            self.evaluate_rule(entry)

    def current_measurements(self, entry: StoredRule, rule: Rule) -> list[Measurement]:
        """The current measurements of all subjects of a rule, including those far from its
        limit."""
        now = self._alerts.services.clock()
        with self._alerts.services.store.snapshot():
            context = replace(self.context(now), all_subjects=True)
            watched = self.watched(entry, rule, now)
            found = list(measurements(watched, context))
        return [one for one in found if one.period is None or one.period.end > now]

    def current_of_triggered(
        self,
        entry: StoredRule,
        rule: Rule,
        triggered: dict[tuple[str, str], AlertState],
        context: MeasurementContext,
    ) -> list[Measurement]:
        """The current measurements of triggered subjects that are still beyond their threshold.

        `triggered` are their states by subject and period. The result is the measurement of the
        newest event if there is no newer data, for kinds that happen once, and if measuring would
        take too long while a person waits.
        """
        if not triggered:
            return []
        found: dict[tuple[str, str], Measurement] = {}
        slow = rule.watch.slow_by_member and rule.by is not None
        if not slow and not (rule.watch.happens_once or rule.watch.compares_hours):
            context.states[entry.id] = triggered
            with self._alerts.services.store.snapshot():
                for one in measurements(self.watched(entry, rule, context.now), context):
                    if one.value is not None:
                        found[one.subject, period_key(one)] = one
        if triggered.keys() - found.keys():
            newest = self._alerts.events.newest_of_rule(entry.id)
            found = {key: one.event.measurement for key, one in newest.items()} | found
        return [found[key] for key in triggered if key in found and reached(rule.watch, found[key])]

    def rule(self, entry: StoredRule) -> Rule | None:
        """The rule of an entry; None if this version doesn't understand its words."""
        key = entry.id, entry.version
        if key not in self._parsed:
            try:
                self._parsed[key] = rule_of(entry.draft.words)
            except NOT_READABLE:
                log.error("Alert rule %s has words that this version does not know", entry.id)
                self._parsed[key] = None
                self._unreadable.append(entry)
        rule = self._parsed[key]
        return rule and self.limited_to_owner(entry.draft.owner, rule)

    def for_reader(self, entry: StoredRule, rule: Rule, reader: str) -> Rule:
        """A rule as `reader` (a Slack id) sees it: with names of people, and of its owner if they
        differ."""
        if not any(one.dimension is Dimension.CREATOR for one in rule.filters):
            return rule
        watched = self.watched(entry, rule, entry.created_at)
        directory, others = self._alerts.services.store.directory(), reader != entry.draft.owner
        return with_names(directory, rule, watched.asker, watched.members, me=others)

    def has_current_visibility(
        self, entry: StoredRule, rule: Rule, measurement: Measurement
    ) -> bool:
        """Whether a measurement was made with the visibility that the rule's owner has today.

        With another visibility it may show usage that they may not see, or cover other usage.
        """
        return measurement.visibility == self.visibility(entry, rule)

    def visibility(self, entry: StoredRule, rule: Rule) -> str:
        """The current visibility of a rule's owner: see `WatchedRule.visibility`."""
        return self.watched(entry, rule, entry.created_at).visibility

    def limited_to_owner(self, owner: str, rule: Rule) -> Rule:
        """A rule with the filter `me`, if its owner (a Slack id) may only see their own usage."""
        limited = sees_own_only(owner, self._alerts.services.settings)
        creators = any(one.dimension is Dimension.CREATOR for one in rule.filters)
        if not limited or creators or rule.watch.whole_organization:
            return rule
        return replace(rule, filters=(*rule.filters, visibility.ME))

    def _notify_unreadable(self) -> None:
        """Notify the owners of rules that this version doesn't understand, once per version.

        Must run outside of any snapshot, because a thread that holds one must not wait for a write.
        """
        while self._unreadable:
            entry = self._unreadable.pop()
            key = f"unreadable rule {entry.id} {entry.version} {__version__}"
            message = unreadable.rule(entry.draft.words, self._alerts.services.settings.command)
            said = {"text": message.text, "blocks": list(message.blocks)}
            self._alerts.notices.add(key, entry.draft.owner, said)

    def _add_sync_alerts(self) -> None:
        """Give each admin an alert on stale data, once: if they delete it, it isn't created
        again."""
        rules = self._alerts.rules
        for admin in sorted(self._alerts.services.settings.admins):
            id_ = f"{_SYNC_ALERT}{admin}"
            if not rules.exists(id_):
                rules.add(NewRule(admin, "", Rule(Stale()).words(), RuleMembers().as_json()), id_)

    def _changes(self, entries: list[StoredRule], now: datetime) -> list[StateChange]:
        store = self._alerts.services.store
        changes: list[StateChange] = []
        last = store.fact(_EVALUATED_AT)
        evaluated_since = datetime.fromisoformat(last) if last else now
        with store.snapshot():
            context = self.context(now)
            for (rule, subject, period), state in self._alerts.states.all().items():
                context.states.setdefault(rule, {})[subject, period] = state
            for entry in priority.pausing_for_requests(entries):
                with isolated(log, "Alert rule %s could not be evaluated", entry.id):
                    changes += self._changes_of(entry, context, min(evaluated_since, now))
        return changes

    def _changes_of(
        self, entry: StoredRule, context: MeasurementContext, evaluated_since: datetime
    ) -> list[StateChange]:
        rule = self.rule(entry)
        if rule is None:
            return []
        watched = self.watched(entry, rule, evaluated_since)
        return list(state_changes(watched, context, self._alerts.events))

    def context(self, now: datetime) -> MeasurementContext:
        """The data to measure from at `now` (UTC); to be used within one snapshot."""
        store = self._alerts.services.store
        directory = store.directory()
        limits = OpenRouterLimits()
        with isolated(log, "Stored limits cannot be read, so alerts on limits have to wait"):
            limits = stored_limits(store)
        warmed_up = self._running_since is not None and now - self._running_since >= WARM_UP
        usage = self._alerts.usage
        figures = UsageLookup(store, usage, now)
        details = OpenRouterDetails(store, directory)
        forecasts = ForecastLookup(store, min(figures.synced_at or now, now), self._forecasts)
        return MeasurementContext(
            figures, usage, directory, limits, now, {}, details, forecasts, warmed_up=warmed_up
        )

    def watched(self, entry: StoredRule, rule: Rule, evaluated_since: datetime) -> WatchedRule:
        """A rule to measure, limited to what its owner may see today.

        `evaluated_since` (UTC) is when rules were last evaluated.
        """
        services = self._alerts.services
        members = RuleMembers.of_json(entry.draft.members)
        asker = asker_for(services, entry.draft.owner, entry.draft.email, members.people)
        zone = rule.zone or services.settings.zone
        since = max(evaluated_since, entry.created_at)
        return WatchedRule(entry, rule, zone, asker, members, since)

    def _delete_old(self, now: datetime) -> None:
        store = self._alerts.services.store
        today = f"{now:%Y-%m-%d}"
        if store.fact(_DELETED_ON) != today:
            self._alerts.states.delete_old(now)
            store.keep_fact(_DELETED_ON, today)
