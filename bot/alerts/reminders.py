"""Adds a reminder when a snooze ends and the alert is still beyond its threshold."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from bot.alerts.evaluate import RuleEvaluator
from bot.alerts.services import AlertServices
from bot.runtime.isolation import isolated
from bot.store.alerts.silences import ALL_SUBJECTS, Silence
from reports.alerts.evaluation import AlertEvent, EventKind, period_key, reached

log = logging.getLogger(__name__)

_RETRY = timedelta(minutes=10)
"""How long to wait after a reminder failed, so that it doesn't fail at each tick."""


class Reminders:
    """Adds reminders to the events to deliver."""

    def __init__(self, alerts: AlertServices, evaluator: RuleEvaluator) -> None:
        self._alerts = alerts
        self._evaluator = evaluator
        self._not_before: dict[tuple[str, str], datetime] = {}

    def add(self) -> None:
        """Add the reminders of all snoozes that are over, with current figures."""
        silences, now = self._alerts.silences, self._alerts.services.clock()
        for silence in silences.ended():
            key = silence.rule, silence.subject
            if now < self._not_before.get(key, now):
                continue
            self._not_before[key] = now + _RETRY
            with isolated(log, "The reminder of alert rule %s failed, retrying", silence.rule):
                self._add_of(silence, now)
                silences.remove(silence)
                del self._not_before[key]

    def _add_of(self, silence: Silence, now: datetime) -> None:
        """Add the reminders of the subjects that a silence covered."""
        alerts = self._alerts
        entry = alerts.rules.get(silence.rule)
        rule = self._evaluator.rule(entry) if entry else None
        if entry is None or rule is None:
            return
        current = {
            (one.subject, period_key(one)): one
            for one in self._evaluator.current_measurements(entry, rule)
        }
        for key, state in alerts.states.triggered(silence.rule):
            over = state.ends is not None and state.ends <= now
            if over or silence.subject not in {ALL_SUBJECTS, key[1]}:
                continue
            if state.visibility != self._evaluator.visibility(entry, rule):
                continue
            measurement = current.get(key[1:])
            beyond = measurement is not None and reached(rule.watch, measurement) > 0
            if measurement is None or (rule.watch.compares_hours and not beyond):
                # a spike's hour may be over, and its subject not back to normal yet
                newest = alerts.events.newest(key)
                if newest is None:
                    continue
                measurement = replace(newest.event.measurement, value=state.peak, at=now)
            elif not beyond:
                continue
            event = AlertEvent(EventKind.FURTHER, measurement, state.step, now)
            since = silence.until or now
            alerts.states.add_reminder(key, entry.version, event, since=since, urgent=rule.urgent)
