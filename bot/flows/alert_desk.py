"""The street from words and buttons to alert rules: set up, list, pause, edit, snooze, and so on.

A rule belongs to its maker; admins manage all. Whoever clicks is judged, not who made it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from bot.access import admins, admins_only, is_admin
from bot.flows.alert_detail import as_told
from bot.flows.alert_message import Messages
from bot.flows.alert_people import People, in_words
from bot.flows.alert_reading import Seen, Watched
from bot.flows.alert_scope import named
from bot.flows.alerting import Alerts, Judging
from bot.flows.answer import answer, make_plan
from bot.flows.asking import REFUSED, admit, asker_of
from bot.flows.export import about, shown
from bot.flows.shown import drawn
from bot.flows.subscriptions import Shown
from bot.posting import Posted
from bot.slack import DeliveryError, Person, Place
from bot.store.alert_rules import Draft, Entry
from bot.store.alert_states import Hold
from bot.store.alert_tellings import Pending, Telling
from reports.alert import Above, Credits, Forecast, Recipient, Rule, To
from reports.alert_detail import question
from reports.alert_state import Reading
from reports.alert_time import Snooze
from reports.audit import DONE, Act
from reports.grammar import Ask, CommandError, parse
from reports.grammar_alert import EXAMPLES, ListAlerts, SetQuiet, rule_of
from reports.query import Metric, Query
from reports.render import alert_cards as cards
from reports.render import alert_notices as words
from reports.render.alert_cards import Card
from reports.render.blocks import Message, error, sentence
from reports.render.parts import code
from reports.render.schedules import said as cards_said
from reports.text import escape
from reports.timerange import zone_names

log = logging.getLogger(__name__)

MOST_EACH = 200
GONE = "That alert is not there any more."
OTHERWISE = (
    "This was told when its alert saw another part of the usage than it does today, so the message"
    " is left as it is."
)
UNSEEN = (
    "I cannot see that channel, so I cannot tell who reads along there. Invite me there first"
    " (`/invite`), then set the alert up again."
)
SHARED = (
    "People of other companies read along in that channel, and alerts stay inside. Choose another"
    " channel, or `to me`."
)
ARCHIVED = "That channel is archived, so nothing can be posted there. Choose another one."
NOT_IN = "I am not in that channel. Invite me there (`/invite`), then set the alert up again."
SILENT = "Slack does not say anything about that channel at the moment. Try again soon."


class Desk:
    """What people do with alert rules. Each method judges who does it."""

    def __init__(self, alerts: Alerts, judging: Judging) -> None:
        self._at = alerts
        self._asking = alerts.asking
        self._judging = judging
        self._messages = Messages(alerts, judging)
        self._people = People(alerts)

    def set_up(self, person: Person, rule: Rule, channel: str) -> Shown:
        """Keep a rule, if it can be kept, and judge it; `channel` is where it was said."""
        draft = self.draft(person, rule, channel)
        if isinstance(draft, CommandError):
            return Shown(error(draft, self.command), "misunderstood")
        if isinstance(draft, str):
            return Shown(cards_said(draft), "refused")
        return self.keep(person, draft)

    def keep(self, person: Person, draft: Draft) -> Shown:
        """Keep what can be kept, unless it is there already or they have too many."""
        mine = self._at.rules.of(person.id)
        known = next((one for one in mine if one.draft.words == draft.words), None)
        if known is None and len(mine) >= MOST_EACH:
            said = f"You have {MOST_EACH} alert rules, which is as many as one person may have."
            return Shown(sentence(said), "refused")
        entry = known or self._at.rules.add(draft)
        told = known is None and self._judging.judge_one(entry) > 0
        return Shown(self._made(entry, again=known is not None, told=told), "alerted")

    def listed(self, person: Person, asked: ListAlerts) -> Shown:
        """Somebody's rules with their buttons; for an admin, everybody's."""
        everybody = is_admin(person, self._asking.settings)
        entries = self._at.rules.of(None if everybody else person.id)
        page = min(asked.page, max(1, -(-len(entries) // cards.PAGE)))
        shown_ = entries[(page - 1) * cards.PAGE : page * cards.PAGE]
        found = self._cards(shown_, person.id)
        quiet = self._at.tellings.quiet(person.id)
        message = cards.listing(
            found, page, len(entries), self.command, everybody=everybody, quiet=quiet
        )
        return Shown(message, "listed")

    def set_quiet(self, person: Person, asked: SetQuiet) -> Shown:
        """Keep when somebody wants to hear of nothing but what is urgent."""
        self._at.tellings.set_quiet(person.id, asked.quiet)
        zone = person.zone or self._asking.settings.zone
        return Shown(cards.quiet_set(asked.quiet, zone, self.command), "alerted")

    # -- buttons of rules; each answers with what to say

    def pause(self, place: Place, id_: str) -> None:
        """Let a rule rest."""
        if entry := self._allowed(place, id_):
            self._at.rules.pause(entry.id, f"by <@{place.user}>")
            self.show(place, id_)

    def resume(self, place: Place, id_: str) -> None:
        """Let a rule go on; what is above its line by now is told, once."""
        if entry := self._allowed(place, id_):
            self._at.rules.resume(entry.id)
            self._judge_again(id_)
            self.show(place, id_)

    def delete(self, place: Place, id_: str) -> None:
        """Delete a rule."""
        if entry := self._allowed(place, id_):
            self._at.rules.remove(entry.id)
            words_ = code(f"alert {in_words(entry.draft.words)}", 300)
            if not place.home:
                self._asking.slack.respond(place, cards_said(f"Deleted: {words_}"))

    def change(self, entry: Entry, draft: Draft) -> bool:
        """Put other words in the place of a rule as it was seen, and judge it at once.

        False where it is gone or was changed meanwhile.
        """
        old, new = self._judging.rule(entry), self.narrowed(entry.draft.maker, draft)
        keep = old is not None and _same_kind(old, new)
        if self._at.rules.change(entry.id, draft, keep=keep, was=entry.version) is None:
            return False
        self._judge_again(entry.id)
        return True

    def find(self, person: Person, id_: str) -> Entry | str:
        """The rule of an id where somebody may manage it, else why not (mrkdwn), which is noted."""
        entry = self._at.rules.get(id_)
        if entry is None:
            return GONE
        if self._manages(person, entry):
            return entry
        self._note(Act.CHANGED_ALERT, person, f"alert {entry.draft.words}", REFUSED)
        return self._not_yours(entry)

    def refuse(self, place: Place, words_: str) -> None:
        """Say why not; `words_` are mrkdwn of ours."""
        self._asking.slack.respond(place, cards_said(words_))

    def narrowed(self, maker: str, draft: Draft) -> Rule:
        """A rule that is not kept, about its maker where that is all that they may see."""
        return self._judging.narrowed(maker, rule_of(draft.words))

    def readings(self, draft: Draft, id_: str) -> list[Reading]:
        """How all subjects of a rule that is not kept stand now."""
        now = self._asking.clock()
        entry = Entry(id_, draft, 0, now, now, None)
        return self._judging.readings(entry, rule_of(draft.words))

    def cards_of(self, user: str, most: int) -> tuple[tuple[Card, ...], int]:
        """The newest of somebody's own rules, for their Home, and how many there are."""
        entries = self._at.rules.of(user)
        return tuple(self._cards(entries[-most:], user)), len(entries)

    # -- buttons of messages

    def details(self, place: Place, event: str) -> None:
        """Answer the matching question to whoever clicks, as they may see it."""
        found = self._told(place, event)
        if found is None:
            return
        one, watched, _ = found
        if not self._as_seen(one, watched):
            self._say(place, OTHERWISE)
            return
        person = self._asking.slack.person(place.user)
        query = question(watched.rule, one.event.reading, watched.zone)
        if query is None:
            self._say(place, "There is no usage behind this alert to show.")
            return
        maker = watched.entry.draft.maker
        query = about(query, maker)
        asker = asker_of(self._asking, person, query)
        if asker.own_only and maker != person.id and watched.whose_own:
            said = f"This alert is about <@{maker}>'s own usage, and you see yours only."
            self._asking.slack.respond(place, cards_said(said))
            return
        now, zone = self._asking.clock(), self._asking.settings.zone
        answered = answer(self._asking.store, query, now, zone, asker, whole=False)
        if isinstance(answered, CommandError):
            self._asking.slack.respond(place, error(answered, self.command))
            return
        what = shown(query, now, zone, asker, place.user)
        message = drawn(self._asking, answered, what, asker, private=True)
        self._asking.slack.respond(place, message)
        self._note(Act.ASKED, person, query.words())

    def acknowledge(self, place: Place, event: str) -> None:
        """Note that somebody has seen to all that a message tells, and say so in it."""
        found = self._told(place, event)
        if found is None:
            return
        one, watched, telling = found
        if self._as_seen(one, watched):
            told = {event.place for event in self._at.tellings.events(telling.id)}
            self._at.states.acknowledge(told, place.user)
            self._renew(telling)
        else:
            self._say(place, OTHERWISE)
        self._note(Act.CHANGED_ALERT, self._asking.slack.person(place.user), "acknowledged")

    def snooze(self, place: Place, value: str) -> None:
        """Let a subject of a rule be silent for a while."""
        event, _, length = value.partition(" ")
        found = self._told(place, event, own=True)
        if found is None or length not in set(Snooze):
            return
        one, watched, telling = found
        if not self._as_seen(one, watched):
            self._say(place, OTHERWISE)
            return
        state = self._at.states.get(one.place)
        until = Snooze(length).until(self._asking.clock(), state.ends if state else None)
        self._at.states.hold(one.rule, one.subject, until, place.user)
        self._renew(telling)
        self._note(Act.CHANGED_ALERT, self._asking.slack.person(place.user), f"snoozed {length}")

    def mute(self, place: Place, event: str) -> None:
        """Let a rule rest; where somebody else's rule tells of what is theirs, only that."""
        found = self._told(place, event, own=True)
        if found is None:
            return
        one, watched, telling = found
        person = self._asking.slack.person(place.user)
        if self._manages(person, watched.entry):
            self._at.rules.pause(one.rule, f"by <@{place.user}>")
        self._at.states.hold(one.rule, one.subject, None, place.user)
        self._renew(telling)
        self._note(Act.CHANGED_ALERT, person, "muted")
        said = f"Muted. `{escape(self.command)} alerts` lets it go on."
        self._asking.slack.respond(place, cards_said(said))

    def rules(self, place: Place) -> None:
        """List the rules of whoever clicks."""
        person = admit(self._asking, place, Act.LOOKED, "alerts")
        if person is None:
            return
        self._asking.slack.respond(place, self.listed(person, ListAlerts()).message)
        self._note(Act.LOOKED, person, "alerts")

    def rule_behind(self, event: str) -> str:
        """The id of the rule behind a message, or nothing."""
        known = self._event(event)
        return known.rule if known else ""

    @property
    def command(self) -> str:
        """What the command is called."""
        return self._asking.settings.command

    # -- what they share

    def draft(self, person: Person, rule: Rule, channel: str) -> Draft | CommandError | str:
        """What is to be kept, or why it cannot be: a sentence, or a correction."""
        asking = self._asking
        query = Query(Metric.SPEND, by=rule.by, filters=rule.filters)
        asker = asker_of(asking, person, query)
        if asker.own_only and isinstance(rule.watch, Credits):
            return admins_only("The balance of the organisation", person.id, asking.settings)
        plan = make_plan(asking.store, query, asking.clock(), asking.settings.zone, asker)
        if isinstance(plan, CommandError):
            return _corrected(rule, plan)
        to = self._recipient(rule, channel)
        if isinstance(to, str):
            return to
        zone = rule.zone or zone_names().get((person.zone or "").lower()) or asking.settings.zone
        dated = isinstance(rule.watch, Above | Forecast)
        kept = replace(rule, to=to, zone=zone if dated else None)
        known = named(asking.store.directory(), kept, asker)
        return Draft(person.id, person.email or "", kept.words(), known.as_json())

    def _recipient(self, rule: Rule, channel: str) -> Recipient | str:
        """Where the rule's alerts go, or the sentence that says why they cannot."""
        if rule.to.kind is not To.CHANNEL:
            return rule.to
        id_ = rule.to.channel or channel
        if id_[:1] not in {"C", "G"}:
            return Recipient()  # said in the direct messages: here is to me
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
        return Recipient(To.CHANNEL, id_, seen.name)

    # -- whose they are

    def _allowed(self, place: Place, id_: str, *, begun: bool = False) -> Entry | None:
        """The rule, if whoever clicks may manage it; they are told if not."""
        entry = self._at.rules.get(id_)
        what = f"alert {entry.draft.words}" if entry else id_
        person = admit(self._asking, place, Act.CHANGED_ALERT, what)
        if person is None:
            return None
        if entry is None:
            self._say(place, GONE)
            return None
        if not self._manages(person, entry):
            self._note(Act.CHANGED_ALERT, person, what, REFUSED)
            self._asking.slack.respond(place, cards_said(self._not_yours(entry)))
            return None
        if not begun:
            self._note(Act.CHANGED_ALERT, person, what)
        return entry

    def _told(
        self, place: Place, event: str, *, own: bool = False
    ) -> tuple[Pending, Watched, Telling] | None:
        """What a message is about, if whoever clicks may act on it; they are told if not.

        `own`: only its maker, an admin, or the one person whom it was sent to.
        """
        person = admit(self._asking, place, Act.CHANGED_ALERT, "a message")
        one = self._event(event) if person else None
        entry = self._at.rules.get(one.rule) if one else None
        rule = self._judging.rule(entry) if entry else None
        telling = self._at.tellings.get(one.telling or 0) if one else None
        if person is None:
            return None
        if one is None or entry is None or rule is None or telling is None:
            self._say(place, GONE)
            return None
        if own and telling.place != person.id and not self._manages(person, entry):
            self._note(Act.CHANGED_ALERT, person, f"alert {entry.draft.words}", REFUSED)
            self._asking.slack.respond(place, cards_said(self._not_yours(entry)))
            return None
        watched = self._judging.watched(entry, rule, entry.made_at)
        return one, as_told(watched, one.event.reading), telling

    def _as_seen(self, one: Pending, watched: Watched) -> bool:
        return one.event.reading.sight == watched.sight

    def _event(self, event: str) -> Pending | None:
        known = event.isascii() and event.isdigit() and len(event) < 16
        return self._at.tellings.event(int(event)) if known else None

    def _manages(self, person: Person, entry: Entry) -> bool:
        return entry.draft.maker == person.id or is_admin(person, self._asking.settings)

    def _not_yours(self, entry: Entry) -> str:
        maker = entry.draft.maker
        others = admins(self._asking.settings, but=maker)
        or_admin = f", or an admin of this bot ({others})" if others else ""
        return f"That alert belongs to <@{maker}>, who can do that{or_admin}."

    # -- showing

    def _cards(self, entries: Sequence[Entry], reader: str) -> list[Card]:
        """Rules as `reader` reads them, with the figures of one moment."""
        if not entries:
            return []
        with self._asking.store.snapshot():
            seen = self._judging.seen(self._asking.clock())
        return [card for one in entries if (card := self._card(one, reader, seen))]

    def _card(self, entry: Entry, reader: str, seen: Seen) -> Card | None:
        rule = self._judging.rule(entry)
        if rule is None:
            return None
        zone = rule.zone or self._people.zone(entry.draft.maker)
        sight_ = self._judging.sight(entry, rule)
        told = {
            place[1:]: state
            for place, state in self._at.states.triggered(entry.id)
            if state.sight == sight_ and (state.ends is None or state.ends > seen.now)
        }
        standing = self._judging.standing(entry, rule, told, seen)
        held = [one for (id_, _), one in self._at.states.holds().items() if id_ == entry.id]
        return Card(
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
        entry: Entry,
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
        heard = cards.Heard.NOT_NOW
        if told:
            heard = cards.Heard.LATER if self._waits(entry, card.rule) else cards.Heard.AT_ONCE
        return cards.made(card, self.command, again=again, changed=changed, now=now, heard=heard)

    def _waits(self, entry: Entry, rule: Rule) -> bool:
        """Whether what its maker would hear now waits for the end of their quiet hours."""
        maker = entry.draft.maker
        quiet = self._at.tellings.quiet(maker)
        if quiet is None or rule.urgent or rule.to.kind is not To.ME:
            return False
        return quiet.until(self._asking.clock(), self._people.zone(maker)) is not None

    def show(self, place: Place, id_: str) -> None:
        """Say how a rule is now; in the Home that is seen by itself."""
        if not place.home:
            self._asking.slack.respond(place, self.changed(id_, place.user))

    def changed(self, id_: str, reader: str = "") -> Message:
        """How a rule is after something was done to it; `reader` is who is told."""
        entry = self._at.rules.get(id_)
        return self._made(entry, changed=True, reader=reader) if entry else sentence(GONE)

    def _judge_again(self, id_: str) -> None:
        entry = self._at.rules.get(id_)
        if entry:
            self._judging.judge_one(entry)

    def _renew(self, telling: Telling) -> None:
        """Say in the message how things stand now; if that fails, the worker does."""
        if telling.state != "sent":
            return
        message = self._messages.of(telling)
        try:
            if message:
                self._at.posting.update(Posted(telling.channel, telling.ts), message)
        except DeliveryError as problem:
            log.info("A message about an alert is changed later: %s", problem)
            self._at.tellings.renew(telling.id)

    def _say(self, place: Place, said: str) -> None:
        self._asking.slack.say(place, said)

    def _note(self, act: Act, person: Person, what: str, outcome: str = DONE) -> None:
        self._asking.audit.note(act, person.id, what, outcome=outcome, email=person.email)


def _same_kind(old: Rule, new: Rule) -> bool:
    """Whether two rules differ by nothing but their line, and by who hears of it."""
    if type(old.watch) is not type(new.watch):
        return False
    same = replace(new, watch=old.watch, to=old.to, urgent=old.urgent) == old
    if isinstance(old.watch, Above) and isinstance(new.watch, Above):
        return same and replace(new.watch, limit=old.watch.limit) == old.watch
    return same


def _held(holds: Sequence[Hold], zone: str) -> str:
    """Until when what is snoozed or muted."""
    if not holds:
        return ""
    untils = [one.until for one in holds if one.until]
    if len(untils) < len(holds):
        return "muted, for some of whom it tells" if len(holds) > 1 else "muted"
    last = max(untils).astimezone(ZoneInfo(zone))
    return f"snoozed until {last:%a} {last.day} {last:%b %H:%M} ({zone})"


def _corrected(rule: Rule, wrong: CommandError) -> CommandError:
    """The same problem, with whole alerts as what was understood and what was meant."""

    def whole(question: str) -> str:
        asked = parse(question) if question else None
        if not isinstance(asked, Ask):
            return ""
        return f"alert {replace(rule, filters=asked.query.filters).words()}"

    understood, meant = whole(wrong.understood), whole(wrong.suggestion)
    return CommandError(wrong.problem, understood, meant, EXAMPLES)
