"""Delivers alerts: each tick does everything that is due.

    events --MessageBatches--> messages --MessageSender--> Slack

Each alert is delivered at least once: events and messages stay in the database until Slack has
answered. Any number of processes may deliver at the same time; leases divide the work.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bot import __version__
from bot.alerts.batches import MessageBatches
from bot.alerts.evaluate import RuleEvaluator
from bot.alerts.owner_check import OwnerCheck
from bot.alerts.recipients import RecipientLookup
from bot.alerts.reminders import Reminders
from bot.alerts.send import MessageSender
from bot.alerts.services import AlertServices
from bot.runtime.claimed import Claimed
from bot.runtime.isolation import isolated
from bot.store.alerts.messages import AlertMessage
from reports.admin.slack import unreadable

log = logging.getLogger(__name__)

EVENTS_AT_ONCE = 500
"""Events processed in one pass: enough that even a storm of alerts takes few passes."""
MESSAGES_AT_ONCE = 32
"""Messages leased in one pass. Slack accepts about one per second, so this many fit in a lease."""
_CLOCK_CHECK_EVERY = timedelta(minutes=30)
"""The longest time that alerts are stuck after the machine's clock was set back."""


class AlertDelivery:
    """Delivers alerts: one tick at a time in a process."""

    def __init__(self, alerts: AlertServices, evaluator: RuleEvaluator) -> None:
        self._alerts = alerts
        self._people = RecipientLookup(alerts)
        self.batches = MessageBatches(alerts, evaluator, self._people)
        self.sender = MessageSender(alerts, evaluator, self._people, self._notify_unreadable)
        self.reminders = Reminders(alerts, evaluator)
        self.owner_check = OwnerCheck(alerts, self._people)
        self._clock_checked: datetime | None = None
        self._claimed = Claimed[AlertMessage]()

    def release(self) -> None:
        """When the process stops, let others send the messages that it leased but hasn't started.

        Otherwise they would wait until their leases end.
        """
        with isolated(log, "Leased alert messages could not be released"):
            if messages := self._claimed.take_back():
                self._alerts.messages.release(messages)
                log.info("%d leased alert messages were left to other processes", len(messages))

    def tick(self) -> None:
        """Send everything that is due, at the pace that Slack allows.

        Each step is isolated: a failure in one of them, or for one item, never keeps the other
        messages from being sent.
        """
        alerts = self._alerts
        with isolated(log, "Waiting alerts could not be checked after a clock change"):
            self._check_clock()
        with isolated(log, "The owners of alert rules could not be checked"):
            self.owner_check.tick()
        if alerts.messages.idle():
            return
        with isolated(log, "Reminders of snoozed alerts could not be prepared"):
            self.reminders.add()
        while not alerts.stopping.is_set():
            events = alerts.events.claim(EVENTS_AT_ONCE, self._notify_unreadable)
            with isolated(log, "Messages could not be created from %d alert events", len(events)):
                self.batches.create(events)
            due = alerts.messages.claim(MESSAGES_AT_ONCE)
            outdated = alerts.messages.claim_outdated(MESSAGES_AT_ONCE)
            self._claimed.add((*due, *outdated))
            if alerts.stopping.is_set():
                self.release()
                return
            for message in filter(self._claimed.begin, due):
                self.sender.send(message)
            for message in filter(self._claimed.begin, outdated):
                self.sender.update(message)
            if not (events or due or outdated):
                return

    def _notify_unreadable(self, count: int) -> None:
        """Notify the admins, once a day, that events stored by another version were set aside."""
        alerts = self._alerts
        log.error("%d alert events could not be read and were set aside", count)
        message = unreadable.events(count, __version__)
        for admin in sorted(alerts.services.settings.admins):
            key = f"unreadable alerts {alerts.services.clock():%Y-%m-%d} {admin}"
            self._people.notify(key, admin, message)

    def _check_clock(self) -> None:
        """Every half hour, retry alerts that would wait too long because the clock was set back.

        The first time, also make events pending again that an older version couldn't read.
        """
        now = self._alerts.services.clock()
        checked = self._clock_checked
        if checked is None and (count := self._alerts.events.restore()):
            log.info("%d alert events that were set aside can be read again", count)
        if checked is None or not timedelta() <= now - checked < _CLOCK_CHECK_EVERY:
            self._alerts.messages.limit_waits()
            self._clock_checked = now
