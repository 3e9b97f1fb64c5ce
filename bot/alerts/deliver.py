"""Delivering alerts: events become messages, and messages are posted to Slack.

Each is delivered at least once. Before a message is posted the database says so; where Slack gave
no answer the channel's history tells whether it is there, and where that cannot be read it is
posted again.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot import __version__
from bot.alerts.evaluate import RuleEvaluator
from bot.alerts.message import MessageComposer
from bot.alerts.recipients import RecipientLookup, ResolvedRecipient
from bot.alerts.services import AlertServices
from bot.runtime.isolation import isolated
from bot.slack.posting import Posted
from bot.slack.types import DeliveryError
from bot.store.alerts.messages import AlertMessage, PendingEvent
from bot.store.alerts.rules import StoredRule
from bot.store.alerts.states import EVERYTHING, Hold
from reports.admin.slack import unreadable
from reports.alerts.evaluation import AlertEvent, EventKind, period_key, reached
from reports.alerts.rule import RecipientKind, Rule
from reports.alerts.slack import notices as words
from reports.wording.delivery_problems import OUTSIDERS

log = logging.getLogger(__name__)

BATCH = 500
AT_ONCE = 32
MOST_SEPARATE = 5
"""More than so many alerts at once to one person or channel become a single message."""
LONGEST_WAIT = timedelta(minutes=10)
_SHORT = timedelta(seconds=15)
_HEAL_EVERY = timedelta(minutes=30)
_LOOK_EVERY, _MOST_LOOKS = timedelta(days=1), 4
_CHECKED = timedelta(minutes=10)
_BEFORE = timedelta(minutes=10)
_PERSON_IS_OUT = {"user_not_found", "users_not_found", "user_disabled", "cannot_dm_bot"}
_CHANNEL_IS_OUT = {
    "channel_not_found", "is_archived", "not_in_channel", "restricted_action", OUTSIDERS,
}  # fmt: skip
_LOST = {"message_not_found", "cant_update_message", "edit_window_closed"}


class AlertDelivery:
    """Delivers alerts: one tick at a time in a process, any number of processes."""

    def __init__(self, alerts: AlertServices, evaluator: RuleEvaluator) -> None:
        self._alerts = alerts
        self._evaluator = evaluator
        self._people = RecipientLookup(alerts)
        self._messages = MessageComposer(alerts, evaluator)
        self._healed: datetime | None = None
        self._looked: datetime | None = None
        self._makers: list[StoredRule] = []
        self._not_before: dict[tuple[str, str], datetime] = {}

    def tick(self) -> None:
        """Send everything that is due, at the pace that Slack allows.

        Each step is isolated: what fails in one of them, or for one item, never keeps the rest of
        the messages from going out.
        """
        alert_messages = self._alerts.alert_messages
        with isolated(log, "Waiting alerts could not be checked after a clock change"):
            self._heal()
        with isolated(log, "The owners of alert rules could not be checked"):
            self._look_after()
        if alert_messages.idle():
            return
        with isolated(log, "Reminders of snoozed alerts could not be prepared"):
            self._remind()
        while not self._alerts.stopping.is_set():
            events = alert_messages.claim(BATCH, self._unreadable)
            with isolated(log, "Messages could not be made from %d alert events", len(events)):
                self._gather(events)
            taken, stale = alert_messages.take(AT_ONCE), alert_messages.take_stale(AT_ONCE)
            for one in taken:
                self._guarded(one)
            for one in stale:
                self._refresh(one)
            if not (events or taken or stale):
                return

    def _unreadable(self, count: int) -> None:
        """Tell the admins, once a day, that alerts of another version were set aside."""
        at = self._alerts
        log.error("%d alert events could not be read and were set aside", count)
        message = unreadable.events(count, __version__)
        for admin in sorted(at.services.settings.admins):
            key = f"unreadable alerts {at.services.clock():%Y-%m-%d} {admin}"
            self._people.tell(key, admin, message)

    def _heal(self) -> None:
        """Every half hour, fix what a clock that was set back has left behind.

        At the start also take up again what an older version could not read.
        """
        now = self._alerts.services.clock()
        if self._healed is None and (count := self._alerts.alert_messages.restore()):
            log.info("%d alert events that were set aside can be read again", count)
        if self._healed is None or not timedelta() <= now - self._healed < _HEAL_EVERY:
            self._alerts.alert_messages.heal()
            self._healed = now

    def _look_after(self) -> None:
        """Once a day, check whether the owners of rules are still members; a few per tick."""
        now = self._alerts.services.clock()
        if self._looked is None or not timedelta() <= now - self._looked < _LOOK_EVERY:
            self._looked = now
            firsts = {one.draft.owner: one for one in self._alerts.rules.of(None) if not one.paused}
            self._makers = list(firsts.values())
        for _ in range(min(len(self._makers), _MOST_LOOKS)):
            entry = self._makers.pop()
            with isolated(log, "The owner of alert rule %s could not be checked", entry.id):
                try:
                    self._people.present(entry)
                except DeliveryError as error:
                    log.info("Slack could not say who is still a member, retrying: %s", error)
                    self._makers.append(entry)
                    return

    # -- from events to messages

    def _gather(self, events: Sequence[PendingEvent]) -> None:
        """Make messages of events, together for each person or channel."""
        holds = self._alerts.states.holds() if events else {}
        places: dict[str, dict[int, str]] = defaultdict(dict)
        for one in events:
            with isolated(log, "No recipient could be found for alert event %d", one.id):
                try:
                    resolved_recipient = self._recipient_of(one, holds)
                except DeliveryError as error:
                    log.warning("Alert event %d has to wait: %s", one.id, error)
                    wait = timedelta(seconds=error.retry_after) or _SHORT
                    self._alerts.alert_messages.later([one], self._alerts.services.clock() + wait)
                    continue
                if resolved_recipient:
                    places[resolved_recipient.place][one.id] = resolved_recipient.note
        for place, notes in places.items():
            with isolated(log, "Alert messages to %s could not be made", place):
                self._make(place, [one for one in events if one.id in notes], notes)

    def _recipient_of(
        self, one: PendingEvent, holds: dict[tuple[str, str], Hold]
    ) -> ResolvedRecipient | None:
        """Who gets an event now; None where it waits or is not needed any more."""
        at, now = self._alerts, self._alerts.services.clock()
        entry = at.rules.get(one.rule)
        rule = self._evaluator.rule(entry) if entry else None
        if entry is None or rule is None or entry.paused is not None:
            at.alert_messages.drop([one], "its rule is paused or deleted")
            return None
        if not self._evaluator.has_current_visibility(entry, rule, one.event.measurement):
            at.alert_messages.drop([one], "the visibility of its owner has changed")
            return None
        hold = holds.get((one.rule, EVERYTHING)) or holds.get((one.rule, one.subject))
        if hold and (hold.until is None or now < hold.until):
            if hold.until is None or one.event.kind is EventKind.RECOVERED:
                at.alert_messages.drop([one], "muted" if hold.until is None else "snoozed")
            else:
                at.alert_messages.later([one], hold.until)
            return None
        resolved_recipient = self._people.resolved_recipient(
            entry, rule, one.event.measurement.creator
        )
        if resolved_recipient is None:
            at.alert_messages.drop([one], "it has no recipient")
            return None
        until = self._quiet_until(resolved_recipient.place, one, now)
        if until:
            at.alert_messages.later([one], until)
            return None
        return resolved_recipient

    def _quiet_until(self, place: str, one: PendingEvent, now: datetime) -> datetime | None:
        if one.urgent or place[:1] not in {"U", "W"}:
            return None
        quiet = self._alerts.alert_messages.quiet(place)
        return quiet.until(now, self._people.zone(place)) if quiet else None

    def _make(self, place: str, events: Sequence[PendingEvent], notes: Mapping[int, str]) -> None:
        """Make a message of each crossing; its later events go into that message's thread.

        `notes` are sentences to add, by the id of the event.
        """
        alert_messages, now = self._alerts.alert_messages, self._alerts.services.clock()
        firsts = {one.id: [one] for one in events if one.event.kind is EventKind.TRIGGERED}
        answers: dict[tuple[int, str], list[PendingEvent]] = defaultdict(list)
        for one in events:
            if one.event.kind is EventKind.TRIGGERED:
                continue
            first = alert_messages.first(one)
            if first and first.id in firsts:  # it went on before it was told: one message says all
                firsts[first.id].append(one)
                continue
            root = (
                alert_messages.get(first.alert_message)
                if first and first.alert_message is not None
                else None
            )
            if first and (first.state == "pending" or (root and root.state in {"due", "sending"})):
                alert_messages.later([one], now + _SHORT)
            elif root and root.state == "sent":
                answers[root.id, root.channel].append(one)
            else:
                alert_messages.drop([one], "nothing was delivered before")
        for (id_, channel), group in answers.items():  # the last word says it all
            alert_messages.make(group, channel, root=id_)
        if len(firsts) > MOST_SEPARATE:
            together = [one for group in firsts.values() for one in group]
            alert_messages.make(together, place, _note([notes[id_] for id_ in firsts]))
        else:
            for id_, group in firsts.items():
                alert_messages.make(group, place, notes[id_])

    def _remind(self) -> None:
        """Remind of what was snoozed and is still beyond its limit, with today's figures."""
        at, now = self._alerts, self._alerts.services.clock()
        for hold in at.states.ended_holds():
            key = hold.rule, hold.subject
            if now < self._not_before.get(key, now):
                continue
            self._not_before[key] = now + LONGEST_WAIT  # if it fails, it is not retried each tick
            with isolated(log, "The reminder of alert rule %s failed, retrying later", hold.rule):
                self._remind_of(hold, now)
                at.states.end_hold(hold)
                del self._not_before[key]

    def _remind_of(self, hold: Hold, now: datetime) -> None:
        at = self._alerts
        entry = at.rules.get(hold.rule)
        rule = self._evaluator.rule(entry) if entry else None
        if entry is None or rule is None:
            return
        standing = {
            (one.subject, period_key(one)): one
            for one in self._evaluator.current_measurements(entry, rule)
        }
        for place, state in at.states.triggered(hold.rule):
            over = state.ends is not None and state.ends <= now
            if over or hold.subject not in {EVERYTHING, place[1]}:
                continue
            if state.visibility != self._evaluator.visibility(entry, rule):
                continue
            measurement = standing.get(place[1:])
            beyond = measurement is not None and reached(rule.watch, measurement) > 0
            if measurement is None or (rule.watch.compares_hours and not beyond):
                last = at.alert_messages.last(place)  # its hour may be over, and it not calm yet
                if last is None:
                    continue
                measurement = replace(last.event.measurement, value=state.peak, at=now)
            elif not beyond:
                continue
            event, since = (
                AlertEvent(EventKind.FURTHER, measurement, state.step, now),
                hold.until or now,
            )
            at.states.remind(place, entry.version, event, since=since, urgent=rule.urgent)

    # -- from messages to Slack

    def _guarded(self, one: AlertMessage) -> None:
        # where something unforeseen fails, the message is tried again once its lease runs out
        with isolated(log, "Alert message %s could not be sent", one.key):
            try:
                self._send(one)
            except DeliveryError as error:
                log.warning("Alert message %s has to wait: %s", one.key, error)
                self._alerts.alert_messages.wait(one, self._again(one, error), error.code)

    def _send(self, one: AlertMessage) -> None:
        alert_messages = self._alerts.alert_messages
        root = alert_messages.get(one.root) if one.root is not None else None
        thread = Posted(root.channel, root.ts) if root else None
        if one.sending_at is not None and (found := self._found(one, thread)):
            alert_messages.sent(one, found.channel, found.ts)
            return
        code = self._closed(one.place)
        if code:
            self._refused(one, code)
            return
        if count := alert_messages.set_aside(one.id):
            self._unreadable(count)
        if not alert_messages.begin(one, self._alerts.services.slack.now()):
            return
        message = self._messages.of(one)
        if message is None:
            alert_messages.fail(one, "nothing to say")
            return
        try:
            posted = self._alerts.posting.post(
                one.place, message, one.key, thread.ts if thread else None
            )
        except DeliveryError as error:
            self._not_sent(one, error)
            return
        alert_messages.sent(one, posted.channel, posted.ts)

    def _found(self, one: AlertMessage, thread: Posted | None) -> Posted | None:
        """A message that may have been posted before, if it is in the history."""
        try:
            if thread:
                return self._alerts.posting.replied(thread, one.key)
            since = (one.sending_at or one.made_at) - _BEFORE
            return next(iter(self._alerts.posting.copies(one.place, one.key, since)), None)
        except DeliveryError as error:
            if not error.permanent:
                raise
            log.warning("The history cannot be read, so alert %s is sent again: %s", one.key, error)
            return None

    def _closed(self, place: str) -> str:
        """Why a channel may not get alerts, checked for each; "" where it may."""
        if place[:1] not in {"C", "G"}:
            return ""
        at, now = self._alerts, self._alerts.services.clock()
        if at.runs.checked(place, now - _CHECKED) is not None:
            return ""
        try:
            conversation = at.posting.conversation(place)
        except DeliveryError as error:
            if not error.permanent:
                raise
            return error.code
        if conversation.outsiders or conversation.archived:
            return OUTSIDERS if conversation.outsiders else "is_archived"
        if not conversation.member:
            return "not_in_channel"
        at.runs.check(place, conversation.name)
        return ""

    def _not_sent(self, one: AlertMessage, error: DeliveryError) -> None:
        alert_messages, now = self._alerts.alert_messages, self._alerts.services.clock()
        if error.retry_after:
            until = now + timedelta(seconds=error.retry_after)
            alert_messages.hold_place(one.place, until)
            alert_messages.again(one, until, error.code)
        elif error.uncertain:
            log.warning("No answer from Slack, so alert %s may have been sent: %s", one.key, error)
            alert_messages.doubt(one, error.code)
        elif error.code in _PERSON_IS_OUT | _CHANNEL_IS_OUT:
            self._refused(one, error.code)
        else:
            log.warning("Alert %s will be sent again: %s", one.key, error)
            alert_messages.again(one, self._again(one, error), error.code)

    def _refused(self, one: AlertMessage, code: str) -> None:
        """Send what can never be delivered there to the rule's owner, or an admin, and say why."""
        log.warning("Alert %s could not be delivered: %s", one.key, code)
        alert_messages = self._alerts.alert_messages
        makers: dict[str, list[PendingEvent]] = defaultdict(list)
        for event in alert_messages.events(one.id):
            rule = self._alerts.rules.get(event.rule)
            makers[rule.draft.owner if rule else ""].append(event)
        for others in list(makers.values())[1:]:  # everybody hears of their own rules only
            alert_messages.part(one, others)
        entry = self._alerts.rules.get(next(iter(makers.values()))[0].rule) if makers else None
        if entry:
            self._alerts.services.slack.forget(
                entry.draft.owner
            )  # who has just left is kept as present
            entry = self._people.present(entry)
        if entry is None or entry.draft.owner == one.place:
            alert_messages.fail(one, code)
            return
        note = words.elsewhere(one.place, code) if one.place[:1] in {"C", "G"} else one.note
        alert_messages.redirect(one, entry.draft.owner, note, code)

    def _refresh(self, one: AlertMessage) -> None:
        """Update a message to the current state."""
        alert_messages = self._alerts.alert_messages
        with isolated(log, "Alert message %s could not be updated", one.key):
            try:
                message = self._messages.of(one)
                if message:
                    self._alerts.posting.update(Posted(one.channel, one.ts), message)
            except DeliveryError as error:
                if not (error.code in _LOST or error.permanent):
                    log.warning("Alert message %s is updated later: %s", one.key, error)
                    alert_messages.renew_later(one, self._again(one, error))
                    return
        alert_messages.renewed(one)

    def _again(self, one: AlertMessage, error: DeliveryError) -> datetime:
        """When to retry: when Slack says so, else after doubling pauses."""
        wait = timedelta(seconds=error.retry_after)
        if not wait:
            wait = min(_SHORT * 2 ** min(one.tries, 10), LONGEST_WAIT)
        return self._alerts.services.clock() + wait


def _note(notes: Sequence[str]) -> str:
    """The sentences for a message of many alerts, one per line."""
    said = sorted(set(notes) - {""})
    if len(set(notes)) == 1 or not said:
        return "".join(said)
    return "\n".join(words.of_some(one) for one in said)


def recipient(entry: StoredRule, rule: Rule) -> str:
    """Where a rule's alerts go, for those that go to one place: a person's or channel's id."""
    return rule.to.channel if rule.to.kind is RecipientKind.CHANNEL else entry.draft.owner
