"""Checks once a day whether the owners of alert rules are still members of the workspace."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bot.alerts.recipients import RecipientLookup
from bot.alerts.services import AlertServices
from bot.runtime.isolation import isolated
from bot.slack.types import DeliveryError
from bot.store.alerts.rules import StoredRule

log = logging.getLogger(__name__)

_EVERY = timedelta(days=1)
_MOST_EACH_TICK = 4
"""Owners looked up in one tick, so that messages don't wait for a long list of owners."""


class OwnerCheck:
    """Hands over or pauses the rules of people who left, even if they never trigger."""

    def __init__(self, alerts: AlertServices, people: RecipientLookup) -> None:
        self._alerts = alerts
        self._people = people
        self._started: datetime | None = None
        self._left: list[StoredRule] = []

    def tick(self) -> None:
        """Check a few owners; all of them once a day."""
        now = self._alerts.services.clock()
        if self._started is None or not timedelta() <= now - self._started < _EVERY:
            self._started = now
            active = (one for one in self._alerts.rules.of(None) if not one.paused)
            self._left = list({one.draft.owner: one for one in active}.values())
        for _ in range(min(len(self._left), _MOST_EACH_TICK)):
            entry = self._left.pop()
            with isolated(log, "The owner of alert rule %s could not be checked", entry.id):
                try:
                    self._people.present(entry)
                except DeliveryError as error:
                    log.info("Slack could not say who is still a member, retrying: %s", error)
                    self._left.append(entry)
                    return
