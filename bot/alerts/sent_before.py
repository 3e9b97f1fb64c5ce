"""Finds alerts that were sent in a time that the database doesn't know about.

A database restored from a backup doesn't know what was sent since. The gap from the last
evaluation in it to the first one afterwards is stored, and while alerts may be about that time,
they are searched for in the recipient's history before they are sent. So that they are found, each
message carries the fingerprints of its events.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import cache

from bot.alerts.evaluate import RuleEvaluator
from bot.alerts.fingerprints import Fingerprints
from bot.alerts.gap import CATCHING_UP, Gap, read_gap
from bot.alerts.history_errors import must_wait
from bot.alerts.services import AlertServices
from bot.slack.posting import Posted, PostedAbout
from bot.slack.types import DeliveryError
from bot.store.alerts.events import StoredEvent
from bot.store.alerts.messages import AlertMessage
from reports.alerts.evaluation import EventKind

log = logging.getLogger(__name__)

_CLOCK_DIFFERENCE = timedelta(minutes=10)
_CATCHING_UP_LEVEL = timedelta(hours=1)
"""`CATCHING_UP` for levels, which are read at once. They can cross their threshold again, so the
time is short."""


class SentBefore:
    """Finds the events of unsent messages in Slack."""

    def __init__(self, alerts: AlertServices, evaluator: RuleEvaluator) -> None:
        self._alerts = alerts
        self._evaluator = evaluator
        self._gap: Gap | None = None
        self._histories: dict[str, list[PostedAbout]] = {}

    def adopt(self, message: AlertMessage, root: Posted | None) -> bool:
        """Take events out of a message that Slack has already; returns whether none is left.

        `root` is the message whose thread it goes into. Raises DeliveryError if Slack doesn't
        answer and the message has to wait.
        """
        services = self._alerts.services
        gap = read_gap(services.store, services.clock())
        if gap is None:
            return False
        events = self._alerts.events.of_message(message.id)
        candidates = [one for one in events if self._may_be_lost(one, gap)]
        if not candidates:
            return False
        try:
            if root:
                found = self._adopt_replies(message, root, candidates)
            else:
                found = self._adopt_crossings(message, gap, candidates, events)
        except DeliveryError as error:
            if must_wait(error, message, services):
                raise
            log.warning(
                "The history cannot be read, so alert %s may be sent twice: %s", message.key, error
            )
            return False
        return found and not self._alerts.events.of_message(message.id)

    def _may_be_lost(self, one: StoredEvent, gap: Gap) -> bool:
        """Whether an event may have been sent in a gap."""
        return one.event.at < gap.end + (_CATCHING_UP_LEVEL if self._is_level(one) else CATCHING_UP)

    def _is_level(self, one: StoredEvent) -> bool:
        entry = self._alerts.rules.get(one.rule)
        rule = self._evaluator.rule(entry) if entry else None
        return rule is not None and rule.watch.is_level

    def _adopt_replies(
        self, message: AlertMessage, root: Posted, events: Sequence[StoredEvent]
    ) -> bool:
        found = False
        thread = self._alerts.posting.thread(root)
        for one in events:
            says = self._fingerprints.says(one)
            reply = next((each for each in reversed(thread) if each.about & says), None)
            if reply and not self._is_known(reply, one, message):
                found |= self._adopt(message, reply.posted, [one])
        return found

    def _adopt_crossings(
        self,
        message: AlertMessage,
        gap: Gap,
        candidates: Sequence[StoredEvent],
        events: Sequence[StoredEvent],
    ) -> bool:
        found = False
        read_thread = cache(self._alerts.posting.thread)  # many may be in one combined message
        for first in candidates:
            if first.event.kind is not EventKind.TRIGGERED:
                continue
            same = [one for one in events if one.key == first.key]
            crossed = self._fingerprints.crossed(first)
            history = reversed(self._history(message.recipient, gap))
            newest = next((one for one in history if one.about & crossed), None)
            if newest and not self._is_known(newest, first, message):
                told = self._told_in(read_thread(newest.posted), gap, same)
                rest = [one for one in same if one not in told]
                if told:
                    found |= self._adopt(message, newest.posted, told, rest)
        return found

    def _told_in(
        self, thread: Sequence[PostedAbout], gap: Gap, events: Sequence[StoredEvent]
    ) -> list[StoredEvent]:
        """The events of a crossing that a thread tells of; none if it is about another crossing.

        `events` begin with the first of the crossing.
        """
        first, prints = events[0], self._fingerprints
        again = self._is_level(first) and first.event.at >= gap.end
        if again and _is_over(thread, prints.crossed(first), prints.over(first)):
            return []
        about = frozenset[str]().union(*(one.about for one in thread))
        told = [one for one in events if about & prints.says(one)]
        return told if first in told else []

    def _adopt(
        self,
        message: AlertMessage,
        place: Posted,
        told: Sequence[StoredEvent],
        rest: Sequence[StoredEvent] = (),
    ) -> bool:
        """Record that events are in the message at a place; `rest` is sent to its thread."""
        return self._alerts.messages.adopt(message, told, rest, place.channel, place.ts)

    @property
    def _fingerprints(self) -> Fingerprints:
        return Fingerprints(self._alerts.services.store.directory())

    def _is_known(self, one: PostedAbout, event: StoredEvent, message: AlertMessage) -> bool:
        """Whether the database knows that an event's crossing is in a message, or that the message
        is on its way: then the event, which `message` is to send, is another crossing."""
        messages = self._alerts.messages
        if one.key != message.key and messages.is_unsent(one.key):
            return True
        return messages.has_event(one.posted.channel, one.posted.ts, event.key)

    def _history(self, recipient: str, gap: Gap) -> list[PostedAbout]:
        """The alerts to a recipient since a gap began; later ones are in the database as well."""
        if gap != self._gap:
            self._gap, self._histories = gap, {}
        if recipient not in self._histories:
            since = gap.start - _CLOCK_DIFFERENCE
            recent = self._alerts.posting.recent(recipient, since)
            self._histories[recipient] = [one for one in recent if one.about]
        return self._histories[recipient]


def _is_over(thread: Sequence[PostedAbout], crossed: set[str], over: str) -> bool:
    """Whether the newest message of a thread about a subject says that it is over.

    `crossed` and `over` are the subject's fingerprints.
    """
    states = [over in each.about for each in thread if each.about & (crossed | {over})]
    return bool(states) and states[-1]
