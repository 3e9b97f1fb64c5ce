"""Posts and updates messages in Slack, and handles its refusals.

The database records each attempt before the message is posted. If Slack didn't answer, the
channel's history shows whether the message was posted; if the bot may not read the history, or
Slack doesn't show it for an hour, the message is sent again. After a backup was restored, alerts
that were sent since are found there as well. A process that was suspended while another one took
over deletes its late copy.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

from bot.alerts.evaluate import RuleEvaluator
from bot.alerts.fingerprints import Fingerprints
from bot.alerts.history_errors import must_wait
from bot.alerts.message import MessageComposer
from bot.alerts.recipients import PERSON_GONE, RecipientLookup
from bot.alerts.sent_before import SentBefore
from bot.alerts.services import AlertServices
from bot.runtime.isolation import isolated
from bot.slack.posting import Posted
from bot.slack.types import DeliveryError
from bot.store.alerts.events import StoredEvent
from bot.store.alerts.messages import AlertMessage
from bot.store.alerts.row_leases import LEASE
from reports.alerts.slack import notices as words
from reports.wording.delivery_problems import OUTSIDERS

log = logging.getLogger(__name__)

_FIRST_RETRY = timedelta(seconds=15)
_LONGEST_RETRY = timedelta(minutes=10)
"""Pauses between retries double from the first to the longest; Slack's outages last minutes."""
_MOST_DOUBLINGS = 10
"""Enough to reach the longest pause; limits the exponent if a message was tried very often."""
_MARGIN = 0.5
"""The share of a lease that may pass before a message is posted; the rest is for posting it."""
_CHANNEL_CHECKED = timedelta(minutes=10)
"""How long the check of a channel stays valid: who can read a channel rarely changes."""
_CLOCK_DIFFERENCE = timedelta(minutes=10)
"""The history is searched from this much earlier, because clocks of machines may differ."""
_CHANNEL_GONE = {
    "channel_not_found", "is_archived", "not_in_channel", "restricted_action", OUTSIDERS,
}  # fmt: skip
_MESSAGE_GONE = {"message_not_found", "cant_update_message", "edit_window_closed"}


class MessageSender:
    """Posts and updates leased messages."""

    def __init__(
        self,
        alerts: AlertServices,
        evaluator: RuleEvaluator,
        people: RecipientLookup,
        notify_unreadable: Callable[[int], object],
    ) -> None:
        self._alerts = alerts
        self._composer = MessageComposer(alerts, evaluator)
        self._people = people
        self._notify_unreadable = notify_unreadable
        self._sent_before = SentBefore(alerts, evaluator)

    def send(self, message: AlertMessage) -> None:
        """Post a message. On an unexpected error it is tried again once its lease runs out."""
        with isolated(log, "Alert message %s could not be sent", message.key):
            try:
                self._send(message)
            except DeliveryError as error:
                log.warning("Alert message %s has to wait: %s", message.key, error)
                self._alerts.messages.postpone(message, self._retry_at(message, error), error.code)

    def update(self, message: AlertMessage) -> None:
        """Update a message to the current state."""
        messages = self._alerts.messages
        with isolated(log, "Alert message %s could not be updated", message.key):
            try:
                content = self._composer.compose(message)
                if content:
                    self._alerts.posting.update(Posted(message.channel, message.ts), content)
            except DeliveryError as error:
                if not (error.code in _MESSAGE_GONE or error.permanent):
                    log.warning("Alert message %s is updated later: %s", message.key, error)
                    messages.retry_update(message, self._retry_at(message, error))
                    return
        # also after an unexpected error, which would only happen again
        messages.mark_updated(message)

    def _send(self, message: AlertMessage) -> None:
        messages = self._alerts.messages
        root = messages.get(message.root) if message.root is not None else None
        thread = Posted(root.channel, root.ts) if root else None
        found, searched = self._posted_before(message, thread)
        if found:
            messages.mark_sent(message, found.channel, found.ts)
            return
        code = self._channel_problem(message.recipient)
        if code:
            self._redirect(message, code)
            return
        if count := self._alerts.events.set_aside(message.id):
            self._notify_unreadable(count)
        if searched and self._sent_before.adopt(message, thread):
            return
        begun = monotonic()
        # what was not searched for yet is still to be found later
        since = self._alerts.services.slack.now() if searched else message.sending_at
        if not messages.start_sending(message, since):
            return
        content = self._composer.compose(message)
        if content is None:
            messages.fail(message, "nothing to say")
            return
        if monotonic() - begun > LEASE.total_seconds() * _MARGIN:
            return  # this process was suspended; the next one finds that nothing was posted
        thread_ts = thread.ts if thread else None
        fingerprints = Fingerprints(self._alerts.services.store.directory())
        about = fingerprints.of(self._alerts.events.of_message(message.id))
        try:
            posted = self._alerts.posting.post(
                message.recipient, content, message.key, thread_ts, about
            )
        except DeliveryError as error:
            self._handle_failure(message, error)
            return
        if not messages.mark_sent(message, posted.channel, posted.ts):
            log.warning(
                "Alert %s was already posted by another process, deleting the late copy",
                message.key,
            )
            self._alerts.posting.delete(posted)

    def _posted_before(
        self, message: AlertMessage, thread: Posted | None
    ) -> tuple[Posted | None, bool]:
        """Find a message that may have been posted before; and whether the history was read, if
        it had to be."""
        posting = self._alerts.posting
        if message.sending_at is None:
            return None, True
        try:
            if thread:
                return posting.replied(thread, message.key), True
            since = message.sending_at - _CLOCK_DIFFERENCE
            return next(iter(posting.copies(message.recipient, message.key, since)), None), True
        except DeliveryError as error:
            if must_wait(error, message, self._alerts.services):
                raise
            log.warning(
                "The history cannot be read, so alert %s is sent again: %s", message.key, error
            )
            return None, False

    def _channel_problem(self, recipient: str) -> str:
        """Slack's error code if a channel may not get alerts; "" if it may, or for a person.

        Raises DeliveryError if Slack doesn't answer.
        """
        if recipient[:1] not in {"C", "G"}:
            return ""
        alerts, now = self._alerts, self._alerts.services.clock()
        if alerts.runs.checked_channel_name(recipient, now - _CHANNEL_CHECKED) is not None:
            return ""
        try:
            conversation = alerts.posting.conversation(recipient)
        except DeliveryError as error:
            if not error.permanent:
                raise
            return error.code
        if conversation.outsiders or conversation.archived:
            return OUTSIDERS if conversation.outsiders else "is_archived"
        if not conversation.member:
            return "not_in_channel"
        alerts.runs.mark_channel_checked(recipient, conversation.name)
        return ""

    def _handle_failure(self, message: AlertMessage, error: DeliveryError) -> None:
        """Retry, redirect, or check the history later, depending on the kind of error."""
        messages, now = self._alerts.messages, self._alerts.services.clock()
        if error.retry_after:
            until = now + timedelta(seconds=error.retry_after)
            messages.pause_recipient(message.recipient, until)
            messages.retry(message, until, error.code)
        elif error.uncertain:
            log.warning(
                "No answer from Slack, so alert %s may have been sent: %s", message.key, error
            )
            messages.mark_uncertain(message, error.code)
        elif error.code in PERSON_GONE | _CHANNEL_GONE:
            self._redirect(message, error.code)
        else:
            log.warning("Alert %s will be sent again: %s", message.key, error)
            messages.retry(message, self._retry_at(message, error), error.code)

    def _redirect(self, message: AlertMessage, code: str) -> None:
        """Send a message to the rule's owner, or an admin, because its recipient can't get it.

        `code` is Slack's error code for the recipient.
        """
        log.warning("Alert %s could not be delivered: %s", message.key, code)
        messages, rules = self._alerts.messages, self._alerts.rules
        by_owner: dict[str, list[StoredEvent]] = defaultdict(list)
        for event in self._alerts.events.of_message(message.id):
            rule = rules.get(event.rule)
            by_owner[rule.draft.owner if rule else ""].append(event)
        # each owner only gets the alerts of their own rules
        for others in list(by_owner.values())[1:]:
            messages.split_off(message, others)
        entry = rules.get(next(iter(by_owner.values()))[0].rule) if by_owner else None
        if entry:
            # according to a cached profile, an owner who has just left may still be a member
            self._alerts.services.slack.forget(entry.draft.owner)
            entry = self._people.present(entry)
        if entry is None or entry.draft.owner == message.recipient:
            messages.fail(message, code)
            return
        in_channel = message.recipient[:1] in {"C", "G"}
        note = words.elsewhere(message.recipient, code) if in_channel else message.note
        messages.redirect(message, entry.draft.owner, note, code)

    def _retry_at(self, message: AlertMessage, error: DeliveryError) -> datetime:
        """When to try again (UTC): at the time that Slack gave, else after doubling pauses."""
        wait = timedelta(seconds=error.retry_after)
        if not wait:
            doubled = _FIRST_RETRY * 2 ** min(message.tries, _MOST_DOUBLINGS)
            wait = min(doubled, _LONGEST_RETRY)
        return self._alerts.services.clock() + wait
