"""The street from words and buttons to schedules: set up, list, preview, run, pause, edit, delete.

A schedule belongs to its maker; admins manage all. Whoever clicks is judged, not who made it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.access import (
    admins,
    admins_only,
    ask_admins,
    is_admin,
    may_send_to_creators,
    sees_own_only,
)
from bot.flows import report as reports
from bot.flows import sight
from bot.flows.answer import make_plan
from bot.flows.asking import REFUSED, Asking, admit, asker_of
from bot.flows.reported import CREATOR, Contents, Unreportable
from bot.flows.reporting import Reports
from bot.posting import Posted
from bot.slack import DeliveryError, Person, Place
from bot.store.schedules import Draft, Entry, LastRun
from reports.audit import Act
from reports.grammar import CommandError
from reports.grammar_schedule import EXAMPLES, ListSchedules, Standing
from reports.query import Dimension
from reports.render import notices as words
from reports.render import schedules as cards
from reports.render.blocks import Message, error, sentence
from reports.schedule import Target, query_at
from reports.text import escape
from reports.timerange import zone_names

log = logging.getLogger(__name__)

MOST_EACH = 100
GONE = "That schedule is not there any more."
NOT_YOURS = "That schedule belongs to somebody else; its maker can do that, or an admin of this bot"
UNSEEN = (
    "I cannot see that channel, so I cannot tell who reads along there. Invite me there first"
    " (`/invite`), then set the report up again."
)
TO_CREATORS = "Only the admins of this bot can send reports to every creator."
SHARED = (
    "People of other companies read along in that channel, and reports stay inside. Choose another"
    " channel, or `to me`."
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What is said, and how that is counted."""

    message: Message
    outcome: str


class Subscriptions:
    """What people do with schedules. Each method judges who does it."""

    def __init__(self, reports: Reports) -> None:
        self._at = reports
        self._asking: Asking = reports.asking
        self._contents = Contents(reports.asking, reports.runs, reports.posting)

    # -- words

    def set_up(self, person: Person, standing: Standing, channel: str) -> Shown:
        """Keep what somebody said, if it can be kept; `channel` is where they said it."""
        draft = self.draft(person, standing, channel)
        if isinstance(draft, CommandError):
            return Shown(error(draft, self._command), "misunderstood")
        if isinstance(draft, str):
            to_creators = standing.place.kind is Target.CREATORS
            whom = f" {ask_admins(self._asking.settings)}" if to_creators else ""
            return Shown(cards.said(escape(draft) + whom), "refused")
        return self.keep(person, draft)

    def keep(self, person: Person, draft: Draft) -> Shown:
        """Keep what can be kept, unless it is there already or they have too many."""
        known = self._at.schedules.same(draft)
        if known is None and len(self._at.schedules.of(person.id)) >= MOST_EACH:
            said = f"You have {MOST_EACH} schedules, which is as many as one person may have."
            return Shown(sentence(said), "refused")
        entry = known or self._at.schedules.add(draft)
        own_only = sees_own_only(person.id, self._asking.settings)
        message = cards.made(self.card(entry), again=known is not None, own_only=own_only)
        return Shown(message, "scheduled")

    def listed(self, person: Person, asked: ListSchedules) -> Shown:
        """Somebody's schedules with their buttons; for an admin, everybody's."""
        everybody = is_admin(person, self._asking.settings)
        entries = self._at.schedules.of(None if everybody else person.id)
        page = min(asked.page, max(1, -(-len(entries) // cards.PAGE)))
        shown = entries[(page - 1) * cards.PAGE : page * cards.PAGE]
        last = self._at.schedules.last_runs([one.id for one in shown])
        found = [self.card(one, last.get(one.id)) for one in shown]
        message = cards.listing(found, page, len(entries), self._command, everybody=everybody)
        return Shown(message, "listed")

    def cards_of(self, user: str, most: int) -> tuple[tuple[cards.Card, ...], int]:
        """The newest of somebody's own schedules, for their Home, and how many there are."""
        entries = self._at.schedules.of(user)
        shown = entries[-most:]
        last = self._at.schedules.last_runs([one.id for one in shown])
        return tuple(self.card(one, last.get(one.id)) for one in shown), len(entries)

    # -- buttons; each answers with what to say

    def preview(self, place: Place, id_: str) -> None:
        """Show whoever clicks exactly what would be posted now, in their direct messages."""
        entry = self.allowed(place, id_, Act.PREVIEWED)
        if entry is None:
            return
        recipient = entry.draft.channel
        if entry.draft.target is Target.CREATORS:
            recipient = self._own_creator(place.user)
            if not recipient:
                said = "You are no creator at OpenRouter, so there is no part of yours to show."
                self._say(place, said)
                return
        try:
            content = self._contents.preview(entry, recipient, self._asking.clock())
        except Unreportable as problem:
            self._say(place, f"There is nothing to show: {problem}")
            return
        finally:
            self._contents.forget()
        channel = self._asking.slack.dm(place.user)
        ts = self._asking.slack.post(channel, content.message)
        if content.files:
            self._at.posting.share(content.files, Posted(channel, ts), "The figures in full:")
        self._say(place, "That is what would be posted now; it is in our direct messages.")

    def run_now(self, place: Place, id_: str, mark: str) -> None:
        """Post now what is due at the next time; the schedule goes on as it was."""
        entry = self.allowed(place, id_, Act.RAN)
        if entry is None:
            return
        self._at.runs.add_now(entry, place.user, mark)
        where = words.place_words(entry.draft.target, entry.draft.channel, entry.draft.maker)
        self._asking.slack.respond(place, cards.said(f"It goes out {where} in a moment."))

    def pause(self, place: Place, id_: str) -> None:
        """Let a schedule rest."""
        why = f"by <@{place.user}>"
        self._change(place, id_, Act.PAUSED, lambda one: self._at.schedules.pause(one.id, why))

    def resume(self, place: Place, id_: str) -> None:
        """Let a schedule go on."""
        self._change(place, id_, Act.RESUMED, lambda one: self._at.schedules.resume(one.id))

    def delete(self, place: Place, id_: str) -> None:
        """Delete a schedule."""
        entry = self.allowed(place, id_, Act.DELETED)
        if entry is None:
            return
        self._at.schedules.remove(entry.id)
        if not place.home:
            message = cards.said(f"Deleted: {cards.title(self.card(entry))}")
            self._asking.slack.respond(place, message)

    def change(self, entry: Entry, draft: Draft) -> Entry | None:
        """Put another question, time or place into a schedule as it was seen.

        None where it is gone or was changed meanwhile.
        """
        return self._at.schedules.change(entry.id, draft, entry.draft)

    def send_again(self, place: Place, run: int) -> None:
        """Send a report that failed, or of which nobody knows."""
        self._decide(
            place,
            run,
            lambda id_: self._at.runs.send_again(id_, place.user),
            "It is sent again in a moment.",
        )

    def is_there(self, place: Place, run: int) -> None:
        """Note that a report is there, of which nobody knew."""
        self._decide(
            place, run, self._at.runs.is_there, "Thank you, I have noted that it is there."
        )

    def take_offer(self, place: Place, zone: str) -> None:
        """Set up the standard report for the admin who wants it, once."""
        person = admit(self._asking, place, Act.SCHEDULED, zone)
        if person is None:
            return
        if not is_admin(person, self._asking.settings):
            words_ = admins_only("That offer", person.id, self._asking.settings)
            self._asking.audit.note(Act.SCHEDULED, person.id, zone, outcome=REFUSED)
            self._asking.slack.respond(place, cards.said(words_))
            return
        standing = replace(cards.STANDARD, zone=zone_names().get(zone.lower(), "UTC"))
        shown = self.set_up(person, standing, "")
        self._asking.audit.note(Act.SCHEDULED, person.id, standing.words(), email=person.email)
        self._asking.slack.respond(place, shown.message, replace=True)

    def decline_offer(self, place: Place) -> None:
        """Leave it at that."""
        if admit(self._asking, place, Act.DECIDED) is None:
            return
        said = f"All right. `{self._command} schedule` sets one up whenever you like."
        self._asking.slack.respond(place, cards.said(said), replace=True)

    # -- what they share

    @property
    def _command(self) -> str:
        return self._asking.settings.command

    def draft(self, person: Person, standing: Standing, channel: str) -> Draft | CommandError | str:
        """What is to be kept, or why it cannot be: a sentence, or a correction."""
        zone = standing.zone or zone_names().get((person.zone or "").lower())
        zone = zone or self._asking.settings.zone
        schedule = standing.schedule(zone)
        asker = asker_of(self._asking, person, standing.query)
        if standing.place.kind is Target.CREATORS and not may_send_to_creators(
            person.id, self._asking.settings
        ):
            return f"{TO_CREATORS} You can have your own: `to me`."
        probe = query_at(standing.query, self._asking.clock(), zone)
        found = make_plan(self._asking.store, probe, self._asking.clock(), zone, asker)
        if isinstance(found, CommandError):
            return self._corrected(standing, found)
        target, id_, name = self._target(person, standing, channel)
        if target is Target.CHANNEL:
            seen = self.channel(id_)
            if isinstance(seen, str):
                return seen
            name = seen[0] or name
        query = sight.addressed(standing.query, asker)
        known = reports.know(self._asking.store, query, asker)
        question = replace(query, zone=None).words()
        return Draft(
            person.id, person.email or "", question, schedule, target, id_, name, known.as_json()
        )

    def _corrected(self, standing: Standing, wrong: CommandError) -> CommandError:
        """The same problem, with whole schedules as what was understood and what was meant."""

        def whole(question: str) -> str:
            asked = reports.read(question) if question else None
            if asked is None:
                return ""
            query = replace(standing.query, filters=asked.filters)
            return f"schedule {replace(standing, query=query).words()}"

        understood, suggestion = whole(wrong.understood), whole(wrong.suggestion)
        return CommandError(wrong.problem, understood, suggestion, EXAMPLES)

    def _target(self, person: Person, standing: Standing, channel: str) -> tuple[Target, str, str]:
        place = standing.place
        match place.kind:
            case Target.CHANNEL:
                return Target.CHANNEL, place.id, place.name
            case Target.PERSON | Target.CREATORS:
                return place.kind, person.id, ""
        if channel[:1] in {"C", "G"}:
            return Target.CHANNEL, channel, ""
        return Target.PERSON, person.id, ""

    def channel(self, id_: str) -> tuple[str] | str:
        """A channel's name where reports may go there, else the sentence that says why not."""
        try:
            seen = self._at.posting.conversation(id_)
        except DeliveryError as problem:
            if problem.code in {"channel_not_found", "missing_scope"}:
                return UNSEEN
            if problem.permanent:
                return words.MENDS.get(problem.code, UNSEEN)
            return "Slack does not say anything about that channel at the moment. Try again soon."
        if seen.outsiders:
            return SHARED
        if seen.archived:
            return "That channel is archived, so nothing can be posted there. Choose another one."
        if not seen.member:
            return "I am not in that channel. Invite me there (`/invite`), then set it up again."
        return (seen.name,)

    def find(self, person: Person, id_: str) -> Entry | str:
        """The schedule of an id where somebody may manage it, else the sentence that says why not.

        What was refused is noted.
        """
        entry = self._at.schedules.get(id_)
        if entry is None:
            return GONE
        if entry.draft.maker == person.id or is_admin(person, self._asking.settings):
            return entry
        what = f"{entry.draft.question} {entry.draft.schedule}"
        where = entry.draft.channel
        note = self._asking.audit.note
        note(Act.EDITED, person.id, what, where=where, outcome=REFUSED, email=person.email)
        return f"{NOT_YOURS}."

    def allowed(self, place: Place, id_: str, act: Act, *, begun: bool = False) -> Entry | None:
        """The schedule, if whoever clicks may manage it; they are told if not.

        What is done is noted, but not what is only `begun`.
        """
        entry, audit = self._at.schedules.get(id_), self._asking.audit
        what = f"{entry.draft.question} {entry.draft.schedule}" if entry else id_
        where = entry.draft.channel if entry else ""
        person = admit(self._asking, place, act, what, where=where)
        if person is None:
            return None
        if entry is None:
            self._say(place, GONE)
            return None
        if entry.draft.maker != person.id and not is_admin(person, self._asking.settings):
            audit.note(act, person.id, what, where=where, outcome=REFUSED, email=person.email)
            named = admins(self._asking.settings)
            said = f"{NOT_YOURS} ({named})." if named else f"{NOT_YOURS}."
            self._asking.slack.respond(place, cards.said(said))
            return None
        if not begun:
            audit.note(act, person.id, what, where=where, email=person.email)
        return entry

    def _change(self, place: Place, id_: str, act: Act, change: Callable[[Entry], None]) -> None:
        entry = self.allowed(place, id_, act)
        if entry is None:
            return
        change(entry)
        changed = self._at.schedules.get(id_)
        if changed and not place.home:
            last = self._at.schedules.last_runs([id_]).get(id_)
            message = cards.made(self.card(changed, last), again=False, changed=True)
            self._asking.slack.respond(place, message)

    def _decide(self, place: Place, run: int, decide: Callable[[int], bool], said: str) -> None:
        known = self._at.runs.get(run)
        if known is None:
            self._say(place, GONE)
            return
        if self.allowed(place, known.entry.id, Act.DECIDED):
            done = decide(run)
            self._say(place, said if done else "That was decided already.")

    def _own_creator(self, user: str) -> str:
        email = self._asking.slack.person(user).email
        directory = self._asking.store.directory()
        for id_ in sorted(directory.find(Dimension.CREATOR, email)) if email else ():
            if directory.members[id_].ref:
                return f"{CREATOR}{directory.members[id_].ref}"
        return ""

    def card(self, entry: Entry, last: LastRun | None = None) -> cards.Card:
        """A schedule as it is shown."""
        draft = entry.draft
        ended = cards.Last(last.state, last.at, last.how, last.error) if last else None
        return cards.Card(
            entry.id, draft.question, draft.schedule, draft.target, draft.channel, draft.name,
            draft.maker, entry.paused, entry.next.at, ended,
        )  # fmt: skip

    def _say(self, place: Place, said: str) -> None:
        self._asking.slack.say(place, said)
