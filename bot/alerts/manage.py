"""What people do with alert rules: set up, list, pause, edit, acknowledge, snooze, mute.

A rule belongs to whoever set it up, and admins manage all rules. Permissions are checked for the
person who clicks. Ids in buttons may be forged, so every action on a message also checks that the
person was sent that message.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from bot.access.policy import admins, admins_only, is_admin
from bot.alerts.context import MeasurementContext, WatchedRule
from bot.alerts.drivers import with_delivered_limit
from bot.alerts.evaluate import AlertServices, RuleEvaluator
from bot.alerts.message import MessageComposer
from bot.alerts.recipients import RecipientLookup
from bot.alerts.scope import named
from bot.answers.answer import answer, make_plan
from bot.answers.answer_message import drawn
from bot.answers.answer_state import about, shown
from bot.services import REFUSED, Outcome, OutcomeKind, admit, asker_of
from bot.slack.posting import Posted
from bot.slack.types import DeliveryError, MessageLocation, ReplyTarget, SlackUser
from bot.store.alerts.messages import AlertMessage, PendingEvent
from bot.store.alerts.rules import NewRule, StoredRule
from bot.store.alerts.states import Hold
from reports.admin.audit_log import DONE, Act
from reports.alerts.drivers import question
from reports.alerts.evaluation import Measurement
from reports.alerts.grammar import EXAMPLES, ListAlerts, SetQuiet, rule_of
from reports.alerts.periods import Snooze
from reports.alerts.rule import Recipient, RecipientKind, Rule
from reports.alerts.slack import cards
from reports.alerts.slack import notices as words
from reports.alerts.slack.cards import RuleCard
from reports.alerts.slack.sentences import in_words
from reports.block_kit.elements import code
from reports.block_kit.message import Message, sentence
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import Query
from reports.questions.slack.answer import error
from reports.schedules.slack.cards import said as cards_said
from reports.time.timerange import zone_names
from reports.usage.dimensions import Metric
from reports.wording.times import moment_words

log = logging.getLogger(__name__)

MOST_EACH = 200
GONE = "That alert no longer exists."
NOT_SENT_TO_YOU = "That alert wasn't sent to you."
UNMUTED = "Unmuted. You'll get this alert again."
OTHERWISE = "This alert covers different usage now than when this message was sent."
UNSEEN = (
    "I can't see that channel, so I can't check who reads it. Invite me there first (`/invite`),"
    " then set up the alert again."
)
SHARED = (
    "That channel is shared with another company, and alerts stay inside yours. Choose another"
    " channel, or use `to me`."
)
ARCHIVED = "That channel is archived. Choose another one."
NOT_IN = "I'm not in that channel. Invite me there (`/invite`), then set up the alert again."
SILENT = "Slack isn't responding about that channel right now. Try again soon."


class AlertManager:
    """What people do with alert rules. Each method checks who does it."""

    def __init__(self, alerts: AlertServices, judging: RuleEvaluator) -> None:
        self._at = alerts
        self._services = alerts.services
        self._judging = judging
        self._messages = MessageComposer(alerts, judging)
        self._people = RecipientLookup(alerts)

    def set_up(self, person: SlackUser, rule: Rule, channel: str) -> Outcome:
        """Save a rule if it is valid, and evaluate it; `channel` is where it was typed."""
        draft = self.draft(person, rule, channel)
        if isinstance(draft, CommandError):
            return Outcome(error(draft, self.command), OutcomeKind.MISUNDERSTOOD)
        if isinstance(draft, str):
            return Outcome(cards_said(draft), OutcomeKind.REFUSED)
        return self.keep(person, draft)

    def keep(self, person: SlackUser, draft: NewRule) -> Outcome:
        """Save a draft, unless the person already has that rule, or too many."""
        mine = self._at.rules.of(person.id)
        known = next((one for one in mine if one.draft.words == draft.words), None)
        if known is None and len(mine) >= MOST_EACH:
            said = f"You already have {MOST_EACH} alerts, which is the limit. Delete one first."
            return Outcome(sentence(said), OutcomeKind.REFUSED)
        entry = known or self._at.rules.add(draft)
        told = known is None and self._judging.judge_one(entry) > 0
        return Outcome(self._made(entry, again=known is not None, told=told), OutcomeKind.ALERTED)

    def listed(self, person: SlackUser, asked: ListAlerts) -> Outcome:
        """A person's rules with their buttons; for an admin, everybody's."""
        everybody = is_admin(person, self._services.settings)
        entries = self._at.rules.of(None if everybody else person.id)
        page = min(asked.page, max(1, -(-len(entries) // cards.PAGE)))
        shown_ = entries[(page - 1) * cards.PAGE : page * cards.PAGE]
        found = self._cards(shown_, person.id)
        quiet = self._at.alert_messages.quiet(person.id)
        message = cards.listing(
            found,
            page,
            len(entries),
            self.command,
            everybody=everybody,
            quiet=quiet,
            muted=self._muted_by(person) if page == 1 else (),
        )
        return Outcome(message, OutcomeKind.LISTED)

    def set_quiet(self, person: SlackUser, asked: SetQuiet) -> Outcome:
        """Save a person's quiet hours."""
        self._at.alert_messages.set_quiet(person.id, asked.quiet)
        zone = person.zone or self._services.settings.zone
        return Outcome(cards.quiet_set(asked.quiet, zone, self.command), OutcomeKind.ALERTED)

    # -- buttons of rules

    def pause(self, place: ReplyTarget, id_: str) -> None:
        """Pause a rule."""
        if entry := self._allowed(place, id_):
            self._at.rules.pause(entry.id, f"by <@{place.user}>")
            self.show(place, id_)

    def resume(self, place: ReplyTarget, id_: str) -> None:
        """Resume a rule; what is over its threshold by now sends a message, once."""
        if entry := self._allowed(place, id_):
            self._at.rules.resume(entry.id, self._managers(entry))
            self._judge_again(id_)
            self.show(place, id_)

    def delete(self, place: ReplyTarget, id_: str) -> None:
        """Delete a rule."""
        if entry := self._allowed(place, id_):
            self._at.rules.remove(entry.id)
            words_ = code(f"alert {in_words(entry.draft.words)}", 300)
            if not place.home:
                self._services.slack.respond(place, cards_said(f"Deleted: {words_}"))

    def change(self, entry: StoredRule, draft: NewRule) -> bool:
        """Replace a rule by an edited one, and evaluate it at once.

        `entry` is the rule as it was when it was opened; False if it was changed or deleted since.
        """
        old, new = self._judging.rule(entry), self.narrowed(entry.draft.maker, draft)
        keep = old is not None and _same_kind(old, new)
        if self._at.rules.change(entry.id, draft, keep=keep, was=entry.version) is None:
            return False
        self._judge_again(entry.id)
        return True

    def find(self, person: SlackUser, id_: str) -> StoredRule | str:
        """The rule, or the refusal (mrkdwn); refusals are written to the audit log."""
        entry = self._at.rules.get(id_)
        if entry is None:
            return GONE
        if self._manages(person, entry):
            return entry
        self._note(Act.CHANGED_ALERT, person, f"alert {entry.draft.words}", REFUSED)
        return self._not_yours(entry)

    def refuse(self, place: ReplyTarget, words_: str) -> None:
        """Answer with a refusal in trusted mrkdwn."""
        self._services.slack.respond(place, cards_said(words_))

    def narrowed(self, maker: str, draft: NewRule) -> Rule:
        """An unsaved rule, limited to its owner's usage if that is all they may see."""
        return self._judging.narrowed(maker, rule_of(draft.words))

    def readings(self, draft: NewRule, id_: str) -> list[Measurement]:
        """The current readings of all subjects of an unsaved rule."""
        now = self._services.clock()
        entry = StoredRule(id_, draft, 0, now, now, None)
        return self._judging.readings(entry, rule_of(draft.words))

    def cards_of(self, user: str, most: int) -> tuple[tuple[RuleCard, ...], int]:
        """The newest of a person's own rules, for their Home, and how many there are."""
        entries = self._at.rules.of(user)
        return tuple(self._cards(entries[-most:], user)), len(entries)

    # -- buttons of messages

    def details(self, place: ReplyTarget, spot: MessageLocation, event: str) -> None:
        """Answer the alert's question for the person who clicks, limited to what they may see."""
        found = self._event_sent_to(place, spot, event)
        if found is None:
            return
        one, watched, _ = found
        if not self._as_seen(one, watched):
            self._say(place, OTHERWISE)
            return
        person = self._services.slack.person(place.user)
        query = question(watched.rule, one.event.measurement, watched.zone)
        if query is None:
            self._say(place, "This alert has no usage to show.")
            return
        maker = watched.entry.draft.maker
        query = about(query, maker)
        asker = asker_of(self._services, person, query)
        if asker.own_only and maker != person.id and watched.whose_own:
            said = f"This alert is about <@{maker}>'s own usage, and you can only see yours."
            self._services.slack.respond(place, cards_said(said))
            return
        now, zone = self._services.clock(), self._services.settings.zone
        answered = answer(self._services.store, query, now, zone, asker, whole=False)
        if isinstance(answered, CommandError):
            self._services.slack.respond(place, error(answered, self.command))
            return
        what = shown(query, now, zone, asker, place.user)
        message = drawn(self._services, answered, what, asker, private=True)
        self._services.slack.respond(place, message)
        self._note(Act.ASKED, person, query.words())

    def acknowledge(self, place: ReplyTarget, spot: MessageLocation, event: str) -> None:
        """Mark all alerts of a message as acknowledged, and say so in the message."""
        found = self._event_sent_to(place, spot, event)
        if found is None:
            return
        one, watched, alert_message = found
        if self._as_seen(one, watched):
            told = {event.place for event in self._at.alert_messages.events(alert_message.id)}
            self._at.states.acknowledge(told, place.user)
            self._renew(alert_message)
        else:
            self._say(place, OTHERWISE)
        self._note(Act.CHANGED_ALERT, self._services.slack.person(place.user), "acknowledged")

    def snooze(self, place: ReplyTarget, spot: MessageLocation, value: str) -> None:
        """Silence one subject of a rule; `value` is an event's id and a length, `12 24h`."""
        event, _, length = value.partition(" ")
        found = self._event_sent_to(place, spot, event, own=True)
        if found is None or length not in set(Snooze):
            return
        one, watched, alert_message = found
        if not self._as_seen(one, watched):
            self._say(place, OTHERWISE)
            return
        state = self._at.states.get(one.place)
        until = Snooze(length).until(self._services.clock(), state.ends if state else None)
        self._at.states.hold(one.rule, one.subject, until, place.user)
        self._renew(alert_message)
        self._note(Act.CHANGED_ALERT, self._services.slack.person(place.user), f"snoozed {length}")

    def mute(self, place: ReplyTarget, spot: MessageLocation, event: str) -> None:
        """Silence an alert until it is unmuted.

        That pauses the whole rule for its owner, and for an admin in a channel. Whoever gets the
        alerts of somebody else's rule in a DM only mutes the subject of the message.
        """
        found = self._event_sent_to(place, spot, event, own=True)
        if found is None:
            return
        one, watched, alert_message = found
        person = self._services.slack.person(place.user)
        pauses = watched.entry.draft.maker == person.id or alert_message.place != person.id
        if pauses:
            self._at.rules.pause(one.rule, f"by <@{place.user}>")
        self._at.states.hold(one.rule, one.subject, None, place.user)
        self._renew(alert_message)
        self._note(Act.CHANGED_ALERT, person, "muted")
        self._services.slack.respond(place, cards.muted(event, whole=pauses))

    def unmute(self, place: ReplyTarget, spot: MessageLocation, event: str) -> None:
        """Undo `mute`, for whoever muted it and for those who manage the rule."""
        found = self._event_sent_to(place, spot, event, own=True)
        if found is None:
            return
        one, watched, alert_message = found
        person = self._services.slack.person(place.user)
        if self._manages(person, watched.entry) and watched.entry.paused is not None:
            self._at.rules.resume(one.rule, self._managers(watched.entry))
        self._at.states.release(one.rule, one.subject)
        self._judge_again(one.rule)
        self._renew(alert_message)
        self._note(Act.CHANGED_ALERT, person, "unmuted")
        self._say(place, UNMUTED)

    def unmute_listed(self, place: ReplyTarget, value: str) -> None:
        """Undo `mute` from the list of alerts; `value` is the rule's id and the subject."""
        id_, _, subject = value.partition(" ")
        person = admit(self._services, place, Act.CHANGED_ALERT, "unmuted")
        if person is None:
            return
        hold = self._at.states.holds().get((id_, subject))
        if hold is None or hold.until is not None:
            self._say(place, GONE)
            return
        if hold.person != person.id:
            self._note(Act.CHANGED_ALERT, person, "unmuted", REFUSED)
            self._say(place, NOT_SENT_TO_YOU)
            return
        self._at.states.release(id_, subject)
        self._judge_again(id_)
        self._note(Act.CHANGED_ALERT, person, "unmuted")
        self._say(place, UNMUTED)

    def rules(self, place: ReplyTarget) -> None:
        """List the rules of the person who clicks."""
        person = admit(self._services, place, Act.LOOKED, "alerts")
        if person is None:
            return
        self._services.slack.respond(place, self.listed(person, ListAlerts()).message)
        self._note(Act.LOOKED, person, "alerts")

    def rule_behind(self, place: ReplyTarget, spot: MessageLocation, event: str) -> str | None:
        """The id of the rule behind a message; None if the person was refused and told why."""
        found = self._event_sent_to(place, spot, event)
        return found[0].rule if found else None

    @property
    def command(self) -> str:
        """The slash command's name."""
        return self._services.settings.command

    # -- what they share

    def draft(self, person: SlackUser, rule: Rule, channel: str) -> NewRule | CommandError | str:
        """The draft to save, or why it can't be saved: a sentence (mrkdwn), or a correction."""
        services = self._services
        query = Query(Metric.SPEND, by=rule.by, filters=rule.filters)
        asker = asker_of(services, person, query)
        if asker.own_only and rule.watch.admins_only:
            return admins_only("get alerts on the credit balance", person.id, services.settings)
        plan = make_plan(services.store, query, services.clock(), services.settings.zone, asker)
        if isinstance(plan, CommandError):
            return _corrected(rule, plan)
        to = self._recipient(rule, channel)
        if isinstance(to, str):
            return to
        zone = rule.zone or zone_names().get((person.zone or "").lower()) or services.settings.zone
        dated = rule.watch.has_zone
        kept = replace(rule, to=to, zone=zone if dated else None)
        known = named(services.store.directory(), kept, asker)
        return NewRule(person.id, person.email or "", kept.words(), known.as_json())

    def _recipient(self, rule: Rule, channel: str) -> Recipient | str:
        """Where the rule's alerts go, or a sentence that says why they can't go there."""
        if rule.to.kind is not RecipientKind.CHANNEL:
            return rule.to
        id_ = rule.to.channel or channel
        if id_[:1] not in {"C", "G"}:
            return Recipient()  # typed in a DM, where "here" means "to me"
        try:
            seen = self._at.posting.conversation(id_)
        except DeliveryError as problem:
            if problem.code in {"channel_not_found", "missing_scope"}:
                return UNSEEN
            return words.mend(problem.code) if problem.permanent else SILENT
        if seen.outsiders:
            return SHARED
        if seen.archived:
            return ARCHIVED
        if not seen.member:
            return NOT_IN
        return Recipient(RecipientKind.CHANNEL, id_, seen.name)

    # -- whose they are

    def _allowed(self, place: ReplyTarget, id_: str, *, begun: bool = False) -> StoredRule | None:
        """The rule, if the person who clicks may manage it; None if they were refused."""
        entry = self._at.rules.get(id_)
        what = f"alert {entry.draft.words}" if entry else id_
        person = admit(self._services, place, Act.CHANGED_ALERT, what)
        if person is None:
            return None
        if entry is None:
            self._say(place, GONE)
            return None
        if not self._manages(person, entry):
            self._note(Act.CHANGED_ALERT, person, what, REFUSED)
            self._services.slack.respond(place, cards_said(self._not_yours(entry)))
            return None
        if not begun:
            self._note(Act.CHANGED_ALERT, person, what)
        return entry

    def _event_sent_to(
        self, place: ReplyTarget, spot: MessageLocation, event: str, *, own: bool = False
    ) -> tuple[PendingEvent, WatchedRule, AlertMessage] | None:
        """An event with its rule and message, if the person who clicks was sent that message.

        The event's id comes from a button, so it may be forged: it counts only for the person or
        in the channel that the message went to. With `own`, a channel's members may not act unless
        they manage the rule. None if the person was refused and told why; that is audited.
        """
        person = admit(self._services, place, Act.CHANGED_ALERT, "a message")
        if person is None:
            return None
        one = self._event(event)
        alert_message = self._at.alert_messages.get(one.alert_message or 0) if one else None
        if one is None or alert_message is None:
            self._say(place, GONE)
            return None
        entry = self._at.rules.find(one.rule)
        if not _was_sent_to(alert_message, person, spot):
            what = f"alert {entry.draft.words}" if entry else "a message"
            self._note(Act.CHANGED_ALERT, person, what, REFUSED)
            self._say(place, NOT_SENT_TO_YOU)
            return None
        entry = self._at.rules.get(one.rule)
        rule = self._judging.rule(entry) if entry else None
        if entry is None or rule is None:
            self._say(place, GONE)
            return None
        if own and alert_message.place != person.id and not self._manages(person, entry):
            self._note(Act.CHANGED_ALERT, person, f"alert {entry.draft.words}", REFUSED)
            self._services.slack.respond(place, cards_said(self._not_yours(entry)))
            return None
        watched = self._judging.watched(entry, rule, entry.made_at)
        return one, with_delivered_limit(watched, one.event.measurement), alert_message

    def _as_seen(self, one: PendingEvent, watched: WatchedRule) -> bool:
        return one.event.measurement.visibility == watched.visibility

    def _event(self, event: str) -> PendingEvent | None:
        known = event.isascii() and event.isdigit() and len(event) < 16
        return self._at.alert_messages.event(int(event)) if known else None

    def _manages(self, person: SlackUser, entry: StoredRule) -> bool:
        return entry.draft.maker == person.id or is_admin(person, self._services.settings)

    def _managers(self, entry: StoredRule) -> frozenset[str]:
        """The Slack ids of everybody who may manage a rule."""
        return frozenset({entry.draft.maker, *self._services.settings.admins})

    def _muted_by(self, person: SlackUser) -> list[cards.Muted]:
        """What somebody muted of rules that other people set up."""
        found = []
        for hold in self._at.states.holds().values():
            entry = self._at.rules.get(hold.rule)
            if entry is None or hold.until is not None or hold.person != person.id:
                continue
            rule = self._judging.rule(entry)
            if entry.draft.maker != person.id and entry.paused is None and rule is not None:
                as_read = self._judging.as_read(entry, rule, person.id)
                found.append(cards.Muted(hold.rule, hold.subject, as_read, entry.draft.maker))
        return found

    def _not_yours(self, entry: StoredRule) -> str:
        maker = entry.draft.maker
        others = admins(self._services.settings, but=maker)
        or_admin = f" or a bot admin ({others})" if others else ""
        return f"That alert belongs to <@{maker}>. Only they{or_admin} can change it."

    # -- showing

    def _cards(self, entries: Sequence[StoredRule], reader: str) -> list[RuleCard]:
        """Cards of rules for `reader` (a Slack id), all with figures of one moment."""
        if not entries:
            return []
        with self._services.store.snapshot():
            seen = self._judging.seen(self._services.clock())
        return [card for one in entries if (card := self._card(one, reader, seen))]

    def _card(self, entry: StoredRule, reader: str, seen: MeasurementContext) -> RuleCard | None:
        rule = self._judging.rule(entry)
        if rule is None:
            return None
        zone = rule.zone or self._people.zone(entry.draft.maker)
        visibility_ = self._judging.visibility(entry, rule)
        told = {
            place[1:]: state
            for place, state in self._at.states.triggered(entry.id)
            if state.visibility == visibility_ and (state.ends is None or state.ends > seen.now)
        }
        standing = self._judging.standing(entry, rule, told, seen)
        held = [one for (id_, _), one in self._at.states.holds().items() if id_ == entry.id]
        return RuleCard(
            entry.id,
            self._judging.as_read(entry, rule, reader),
            zone,
            entry.draft.maker,
            entry.paused,
            tuple(standing),
            _held(held, zone),
            seen.now,
        )

    def _made(
        self,
        entry: StoredRule,
        *,
        again: bool = False,
        changed: bool = False,
        told: bool = False,
        reader: str = "",
    ) -> Message:
        rule = self._judging.rule(entry)
        found = self._cards([entry], reader or entry.draft.maker)
        if rule is None or not found:
            return sentence(GONE)
        [card] = found
        now = self._judging.readings(entry, rule)
        heard = cards.FirstMessage.NOT_NOW
        if told:
            heard = (
                cards.FirstMessage.LATER
                if self._waits(entry, card.rule)
                else cards.FirstMessage.AT_ONCE
            )
        return cards.made(card, self.command, again=again, changed=changed, now=now, heard=heard)

    def _waits(self, entry: StoredRule, rule: Rule) -> bool:
        """Whether a message to the rule's owner would wait for the end of their quiet hours."""
        maker = entry.draft.maker
        quiet = self._at.alert_messages.quiet(maker)
        if quiet is None or rule.urgent or rule.to.kind is not RecipientKind.ME:
            return False
        return quiet.until(self._services.clock(), self._people.zone(maker)) is not None

    def show(self, place: ReplyTarget, id_: str) -> None:
        """Answer with a rule's card; the Home shows it by itself."""
        if not place.home:
            self._services.slack.respond(place, self.changed(id_, place.user))

    def changed(self, id_: str, reader: str = "") -> Message:
        """A rule's card after a change, for `reader` (a Slack id)."""
        entry = self._at.rules.get(id_)
        return self._made(entry, changed=True, reader=reader) if entry else sentence(GONE)

    def _judge_again(self, id_: str) -> None:
        entry = self._at.rules.get(id_)
        if entry:
            self._judging.judge_one(entry)

    def _renew(self, alert_message: AlertMessage) -> None:
        """Update a message to the current state; if that fails, the worker does it later."""
        if alert_message.state != "sent":
            return
        message = self._messages.of(alert_message)
        try:
            if message:
                self._at.posting.update(Posted(alert_message.channel, alert_message.ts), message)
        except DeliveryError as problem:
            log.info("Could not update an alert's message, will retry: %s", problem)
            self._at.alert_messages.renew(alert_message.id)

    def _say(self, place: ReplyTarget, said: str) -> None:
        self._services.slack.say(place, said)

    def _note(self, act: Act, person: SlackUser, what: str, outcome: str = DONE) -> None:
        self._services.audit.note(act, person.id, what, outcome=outcome, email=person.email)


def _was_sent_to(alert_message: AlertMessage, person: SlackUser, spot: MessageLocation) -> bool:
    """Whether a message went to this person, or to the channel in which they clicked."""
    if alert_message.place[:1] in {"C", "G"}:
        return spot.channel == alert_message.place
    return alert_message.place == person.id


def _same_kind(old: Rule, new: Rule) -> bool:
    """Whether two rules differ only by their threshold and recipient."""
    same = replace(new, watch=old.watch, to=old.to, urgent=old.urgent) == old
    return same and old.watch.same_but_limit(new.watch)


def _held(holds: Sequence[Hold], zone: str) -> str:
    """Until when a rule is snoozed or muted."""
    if not holds:
        return ""
    untils = [one.until for one in holds if one.until]
    if len(untils) < len(holds):
        return "partly muted" if len(holds) > 1 else "muted"
    return f"snoozed until {moment_words(max(untils), zone)}"


def _corrected(rule: Rule, wrong: CommandError) -> CommandError:
    """The same problem, with what was understood and suggested as whole alert commands."""

    def whole(question: str) -> str:
        asked = parse(question) if question else None
        if not isinstance(asked, QuestionCommand):
            return ""
        return f"alert {replace(rule, filters=asked.query.filters).words()}"

    understood, meant = whole(wrong.understood), whole(wrong.suggestion)
    return CommandError(wrong.problem, understood, meant, EXAMPLES)
