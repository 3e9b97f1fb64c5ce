"""Handles clicks under alert messages: details, acknowledge, snooze, mute, unmute.

Ids in buttons may be forged, so every action checks that the person who clicks was sent that
message. Actions that only a rule's owner and admins may do check that as well.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from bot.alerts.context import WatchedRule
from bot.alerts.evaluate import RuleEvaluator
from bot.alerts.message import MessageComposer
from bot.alerts.message_details import with_delivered_limit
from bot.alerts.permissions import GONE, AlertPermissions
from bot.alerts.services import AlertServices
from bot.analysis.registry import answer_any
from bot.answers.answer_message import answer_with_controls
from bot.answers.answer_state import answer_state, with_asker
from bot.services import REFUSED, admit, asker_of
from bot.slack.posting import Posted
from bot.slack.types import DeliveryError, MessageLocation, ReplyTarget, SlackUser
from bot.store.alerts.events import StoredEvent
from bot.store.alerts.messages import AlertMessage, MessageStatus
from reports.admin.audit_log import Act
from reports.alerts.message_details import question, why_moment, why_question
from reports.alerts.periods import Snooze
from reports.alerts.slack import cards
from reports.block_kit.message import mrkdwn_message
from reports.questions.grammar import CommandError
from reports.questions.query import Query
from reports.questions.slack.answer import error

log = logging.getLogger(__name__)

NOT_SENT_TO_YOU = "That alert wasn't sent to you."
UNMUTED = "Unmuted. You'll get this alert again."
OTHER_USAGE = "This alert covers different usage now than when this message was sent."
NO_USAGE = "This alert has no usage to show."


@dataclass(frozen=True, slots=True)
class DeliveredEvent:
    """An event that the person who clicks was sent, with its rule and message."""

    event: StoredEvent
    watched: WatchedRule
    message: AlertMessage
    person: SlackUser

    @property
    def same_usage(self) -> bool:
        """Whether the rule still covers the usage that it covered when the event happened."""
        return self.event.event.measurement.visibility == self.watched.visibility


class MessageActions:
    """The actions of the buttons under alert messages.

    In all methods `reply_to` is where the answer goes, `clicked_message` is the message with the
    button, and `event` is the id of an event, as in the button's value.
    """

    def __init__(self, alerts: AlertServices, evaluator: RuleEvaluator) -> None:
        self._alerts = alerts
        self._services = alerts.services
        self._evaluator = evaluator
        self._composer = MessageComposer(alerts, evaluator)
        self._permissions = AlertPermissions(alerts)

    def details(self, reply_to: ReplyTarget, clicked_message: MessageLocation, event: str) -> None:
        """Answer the alert's question for the person who clicks, limited to what they may see."""
        if found := self._covering(reply_to, clicked_message, event):
            measurement = found.event.event.measurement
            query = question(found.watched.rule, measurement, found.watched.zone)
            self._answer(reply_to, found, query, self._services.clock())

    def why(self, reply_to: ReplyTarget, clicked_message: MessageLocation, event: str) -> None:
        """Explain the change behind an alert to the person who clicks, like `details`."""
        if found := self._covering(reply_to, clicked_message, event):
            measurement = found.event.event.measurement
            rule, zone, now = found.watched.rule, found.watched.zone, self._services.clock()
            query = why_question(rule, measurement, zone, now)
            self._answer(reply_to, found, query, why_moment(measurement, now))

    def acknowledge(
        self, reply_to: ReplyTarget, clicked_message: MessageLocation, event: str
    ) -> None:
        """Mark all alerts of a message as acknowledged, and show that in the message."""
        found = self._sent_to(reply_to, clicked_message, event)
        if found is None:
            return
        if found.same_usage:
            states = {one.key for one in self._alerts.events.of_message(found.message.id)}
            self._alerts.states.acknowledge(states, reply_to.user)
            self._update(found.message)
        else:
            self._permissions.say(reply_to, OTHER_USAGE)
        self._permissions.note(Act.CHANGED_ALERT, found.person, "acknowledged")

    def snooze(self, reply_to: ReplyTarget, clicked_message: MessageLocation, value: str) -> None:
        """Silence one subject of a rule; `value` is an event's id and a length, `12 24h`."""
        event, _, length = value.partition(" ")
        found = self._sent_to(reply_to, clicked_message, event, managers_only=True)
        if found is None or length not in set(Snooze):
            return
        if not found.same_usage:
            self._permissions.say(reply_to, OTHER_USAGE)
            return
        one = found.event
        state = self._alerts.states.get(one.key)
        until = Snooze(length).until(self._services.clock(), state.ends if state else None)
        self._alerts.silences.add(one.rule, one.subject, until, reply_to.user)
        self._update(found.message)
        self._permissions.note(Act.CHANGED_ALERT, found.person, f"snoozed {length}")

    def mute(self, reply_to: ReplyTarget, clicked_message: MessageLocation, event: str) -> None:
        """Silence an alert until it is unmuted.

        For its owner, and for an admin in a channel, this pauses the whole rule. A person who gets
        the alerts of another person's rule in a DM only mutes the subject of the message.
        """
        found = self._sent_to(reply_to, clicked_message, event, managers_only=True)
        if found is None:
            return
        one, person = found.event, found.person
        in_channel = found.message.recipient != person.id
        pauses = in_channel or found.watched.entry.draft.owner == person.id
        if pauses:
            self._alerts.rules.pause(one.rule, f"by <@{reply_to.user}>")
        self._alerts.silences.add(one.rule, one.subject, None, reply_to.user)
        self._update(found.message)
        self._permissions.note(Act.CHANGED_ALERT, person, "muted")
        self._services.slack.respond(reply_to, cards.muted(event, whole=pauses))

    def unmute(self, reply_to: ReplyTarget, clicked_message: MessageLocation, event: str) -> None:
        """Undo `mute`; allowed for the person who muted the alert and those who may change the
        rule."""
        found = self._sent_to(reply_to, clicked_message, event, managers_only=True)
        if found is None:
            return
        one, entry = found.event, found.watched.entry
        if self._permissions.manages(found.person, entry) and entry.paused is not None:
            self._alerts.rules.resume(one.rule, self._permissions.managers(entry))
        self._alerts.silences.lift(one.rule, one.subject)
        self._evaluator.evaluate_again(one.rule)
        self._update(found.message)
        self._permissions.note(Act.CHANGED_ALERT, found.person, "unmuted")
        self._permissions.say(reply_to, UNMUTED)

    def unmute_listed(self, reply_to: ReplyTarget, value: str) -> None:
        """Undo `mute` from the list of alerts; `value` contains the rule's id and the subject."""
        id_, _, subject = value.partition(" ")
        person = admit(self._services, reply_to, Act.CHANGED_ALERT, "unmuted")
        if person is None:
            return
        silence = self._alerts.silences.all().get((id_, subject))
        if silence is None or silence.until is not None:
            self._permissions.say(reply_to, GONE.text)
            return
        if silence.person != person.id:
            self._permissions.note(Act.CHANGED_ALERT, person, "unmuted", REFUSED)
            self._permissions.say(reply_to, NOT_SENT_TO_YOU)
            return
        self._alerts.silences.lift(id_, subject)
        self._evaluator.evaluate_again(id_)
        self._permissions.note(Act.CHANGED_ALERT, person, "unmuted")
        self._permissions.say(reply_to, UNMUTED)

    def rule_of(
        self, reply_to: ReplyTarget, clicked_message: MessageLocation, event: str
    ) -> str | None:
        """The id of the rule behind a message; None if the person was refused, with an answer."""
        found = self._sent_to(reply_to, clicked_message, event)
        return found.event.rule if found else None

    def _covering(
        self, reply_to: ReplyTarget, clicked_message: MessageLocation, event: str
    ) -> DeliveredEvent | None:
        """The event, if it was sent to the person and its rule still covers the same usage."""
        found = self._sent_to(reply_to, clicked_message, event)
        if found is not None and not found.same_usage:
            self._permissions.say(reply_to, OTHER_USAGE)
            return None
        return found

    def _answer(
        self, reply_to: ReplyTarget, found: DeliveredEvent, query: Query | None, at: datetime
    ) -> None:
        """Answer a question about an alert as of a time (UTC), limited to what the person may
        see."""
        if query is None:
            self._permissions.say(reply_to, NO_USAGE)
            return
        services, person, owner = self._services, found.person, found.watched.entry.draft.owner
        query = with_asker(query, owner)
        asker = asker_of(services, person, query)
        if asker.own_only and owner != person.id and found.watched.own_only:
            text = f"This alert is about <@{owner}>'s own usage, and you can only see yours."
            services.slack.respond(reply_to, mrkdwn_message(text))
            return
        zone = services.settings.zone
        answered = answer_any(
            services.store, query, at, zone, asker, whole=False, traces=services.traces
        )
        if isinstance(answered, CommandError):
            services.slack.respond(reply_to, error(answered, services.settings.command))
            return
        what = answer_state(query, at, zone, asker, reply_to.user)
        services.slack.respond(
            reply_to, answer_with_controls(services, answered, what, asker, private=True)
        )
        self._permissions.note(Act.ASKED, person, query.words())

    def _sent_to(
        self,
        reply_to: ReplyTarget,
        clicked_message: MessageLocation,
        event: str,
        *,
        managers_only: bool = False,
    ) -> DeliveredEvent | None:
        """An event with its rule and message, if that message was sent to the person who clicks.

        The event's id comes from a button, so it may be forged: it counts only for the person or
        in the channel that the message went to. With `managers_only`, a channel's members may not
        act unless they may change the rule. None if the person was refused; the refusal was
        answered and written to the audit log.
        """
        person = admit(self._services, reply_to, Act.CHANGED_ALERT, "a message")
        if person is None:
            return None
        one = self._event(event)
        message = self._alerts.messages.get(one.message_id or 0) if one else None
        if one is None or message is None:
            self._permissions.say(reply_to, GONE.text)
            return None
        entry = self._alerts.rules.get(one.rule, deleted=True)
        what = f"alert {entry.draft.words}" if entry else "a message"
        if not _was_sent_to(message, person, clicked_message):
            self._permissions.note(Act.CHANGED_ALERT, person, what, REFUSED)
            self._permissions.say(reply_to, NOT_SENT_TO_YOU)
            return None
        entry = self._alerts.rules.get(one.rule)
        rule = self._evaluator.rule(entry) if entry else None
        if entry is None or rule is None:
            self._permissions.say(reply_to, GONE.text)
            return None
        in_channel = message.recipient != person.id
        if managers_only and in_channel and not self._permissions.manages(person, entry):
            self._permissions.note(Act.CHANGED_ALERT, person, what, REFUSED)
            self._permissions.refuse(reply_to, self._permissions.not_yours(entry))
            return None
        watched = self._evaluator.watched(entry, rule, entry.created_at)
        watched = with_delivered_limit(watched, one.event.measurement)
        return DeliveredEvent(one, watched, message, person)

    def _event(self, id_: str) -> StoredEvent | None:
        is_id = id_.isascii() and id_.isdigit() and len(id_) < 16  # fits a 64-bit integer
        return self._alerts.events.get(int(id_)) if is_id else None

    def _update(self, message: AlertMessage) -> None:
        """Update a message to the current state; if that fails, the worker does it later."""
        if message.status is not MessageStatus.SENT:
            return
        content = self._composer.compose(message)
        try:
            if content:
                self._alerts.posting.update(Posted(message.channel, message.ts), content)
        except DeliveryError as problem:
            log.info("Could not update an alert's message, will retry: %s", problem)
            self._alerts.messages.mark_outdated(message.id)


def _was_sent_to(
    message: AlertMessage, person: SlackUser, clicked_message: MessageLocation
) -> bool:
    """Whether a message went to this person, or to the channel in which they clicked."""
    if message.recipient[:1] in {"C", "G"}:
        return clicked_message.channel == message.recipient
    return message.recipient == person.id
