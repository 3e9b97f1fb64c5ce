"""Creates messages from events: finds each event's recipient, and which events share a message."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.alerts import muting
from bot.alerts.evaluate import RuleEvaluator
from bot.alerts.muting import HeldBack
from bot.alerts.recipients import RecipientLookup, ResolvedRecipient
from bot.alerts.services import AlertServices
from bot.runtime.isolation import isolated
from bot.slack.types import DeliveryError
from bot.store.alerts.events import EventStatus, StoredEvent
from bot.store.alerts.messages import AlertMessage, MessageStatus
from bot.store.alerts.silences import Silence
from reports.alerts.evaluation import EventKind
from reports.alerts.slack import notices as words

log = logging.getLogger(__name__)

MOST_SEPARATE = 5
"""More new alerts than this at once to one person or channel become a single message."""
_RETRY = timedelta(seconds=15)
"""How long an event waits for Slack's answer, or for the message that it replies to."""


class MessageBatches:
    """Creates messages from events."""

    def __init__(
        self, alerts: AlertServices, evaluator: RuleEvaluator, people: RecipientLookup
    ) -> None:
        self._alerts = alerts
        self._evaluator = evaluator
        self._people = people

    def create(self, events: Sequence[StoredEvent]) -> None:
        """Create the messages of leased events, together for each person or channel."""
        alerts = self._alerts
        silences = alerts.silences.all() if events else {}
        notes: dict[str, dict[int, str]] = defaultdict(dict)
        for one in events:
            with isolated(log, "No recipient could be found for alert event %d", one.id):
                try:
                    found = self._recipient_of(one, silences)
                except DeliveryError as error:
                    log.warning("Alert event %d has to wait: %s", one.id, error)
                    wait = timedelta(seconds=error.retry_after) or _RETRY
                    alerts.events.postpone([one], alerts.services.clock() + wait)
                    continue
                if found:
                    notes[found.id][one.id] = found.note
        for recipient, its_notes in notes.items():
            with isolated(log, "Alert messages to %s could not be created", recipient):
                its_events = [one for one in events if one.id in its_notes]
                self._create_for(recipient, its_events, its_notes)

    def _recipient_of(
        self, one: StoredEvent, silences: Mapping[tuple[str, str], Silence]
    ) -> ResolvedRecipient | None:
        """Who gets an event now; None if it was postponed or dropped.

        Raises DeliveryError if Slack doesn't say who its recipients are.
        """
        alerts, now = self._alerts, self._alerts.services.clock()
        entry = alerts.rules.get(one.rule)
        rule = self._evaluator.rule(entry) if entry else None
        if entry is None or rule is None or entry.paused is not None:
            alerts.events.drop([one], "its rule is paused or deleted")
            return None
        if not self._evaluator.has_current_visibility(entry, rule, one.event.measurement):
            alerts.events.drop([one], "the visibility of its owner has changed")
            return None
        if held_back := muting.silenced(one, silences, now):
            self._hold_back(one, held_back)
            return None
        recipient = self._people.recipient(entry, rule, one.event.measurement.creator)
        if recipient is None:
            alerts.events.drop([one], "it has no recipient")
            return None
        quiet_hours = alerts.quiet_hours
        if held_back := muting.in_quiet_hours(one, recipient.id, quiet_hours, self._people, now):
            self._hold_back(one, held_back)
            return None
        return recipient

    def _hold_back(self, one: StoredEvent, held_back: HeldBack) -> None:
        if held_back.until is None:
            self._alerts.events.drop([one], held_back.reason)
        else:
            self._alerts.events.postpone([one], held_back.until)

    def _create_for(
        self, recipient: str, events: Sequence[StoredEvent], notes: Mapping[int, str]
    ) -> None:
        """Create a message for each crossing; its later events go into that message's thread.

        `notes` are sentences (mrkdwn) to add, by the id of the event.
        """
        messages = self._alerts.messages
        crossings = {one.id: [one] for one in events if one.event.kind is EventKind.TRIGGERED}
        for root, replies in self._replies(events, crossings):
            messages.create(replies, root.channel, root=root.id)
        if len(crossings) > MOST_SEPARATE:
            together = [one for group in crossings.values() for one in group]
            messages.create(together, recipient, _note([notes[id_] for id_ in crossings]))
        else:
            for id_, group in crossings.items():
                messages.create(group, recipient, notes[id_])

    def _replies(
        self, events: Sequence[StoredEvent], crossings: dict[int, list[StoredEvent]]
    ) -> list[tuple[AlertMessage, list[StoredEvent]]]:
        """The later events of crossings, by the message that they reply to.

        If the crossing isn't in a message yet, its later events are added to `crossings`: one
        message then shows the latest of them. Events that can't be sent yet are postponed.
        """
        alerts, now = self._alerts, self._alerts.services.clock()
        found: dict[int, tuple[AlertMessage, list[StoredEvent]]] = {}
        for one in events:
            if one.event.kind is EventKind.TRIGGERED:
                continue
            start = alerts.events.crossing_start(one)
            if start and start.id in crossings:
                crossings[start.id].append(one)
                continue
            has_message = start is not None and start.message_id is not None
            root = alerts.messages.get(start.message_id or 0) if start and has_message else None
            if root and root.status is MessageStatus.SENT:
                found.setdefault(root.id, (root, []))[1].append(one)
            elif (start and start.status is EventStatus.PENDING) or (
                root and root.status in {MessageStatus.DUE, MessageStatus.SENDING}
            ):
                alerts.events.postpone([one], now + _RETRY)
            else:
                alerts.events.drop([one], "its first message was never delivered")
        return list(found.values())


def _note(notes: Sequence[str]) -> str:
    """The sentences for a message of several alerts, one per line."""
    distinct = set(notes)
    sentences = sorted(distinct - {""})
    if len(distinct) == 1 or not sentences:
        return "".join(sentences)
    return "\n".join(words.of_some(one) for one in sentences)
