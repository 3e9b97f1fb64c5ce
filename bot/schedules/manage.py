"""What people do with schedules: set up, list, preview, run, pause, edit, delete, opt out.

A schedule belongs to whoever set it up, and admins manage all schedules. Permissions are checked
for the person who clicks; ids in buttons may be forged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from bot.access.policy import (
    Refusal,
    admins,
    admins_only,
    ask_admins,
    is_admin,
    may_send_to_creators,
    sees_own_only,
)
from bot.answers import visibility
from bot.answers.answer import make_plan
from bot.schedules import figures as reports
from bot.schedules.content import CREATOR, ReportBuilder, Unreportable
from bot.schedules.deliver import ReportServices
from bot.services import REFUSED, Outcome, OutcomeKind, Services, admit, asker_of
from bot.slack.posting import Conversation, Posted
from bot.slack.types import DeliveryError, ReplyTarget, SlackUser
from bot.store.schedules.runs import ReportRun
from bot.store.schedules.schedules import LastRun, NewSchedule, StoredSchedule
from reports.admin.audit_log import Act
from reports.block_kit.message import text_message
from reports.questions.grammar import CommandError
from reports.questions.slack.answer import error
from reports.schedules.grammar import EXAMPLES, ListSchedules, ScheduledQuestion
from reports.schedules.recurrence import TargetKind, query_at
from reports.schedules.slack import cards
from reports.schedules.slack import notices as words
from reports.time.timerange import zone_names
from reports.usage.dimensions import Dimension
from reports.wording.delivery_problems import FIXES
from reports.wording.safe_text import escape

log = logging.getLogger(__name__)

MOST_EACH = 100
GONE = "That schedule no longer exists."
NOT_YOURS = "That schedule belongs to somebody else. Only they or a bot admin can change it"
NOT_SENT_TO_YOU = "That report wasn't sent to you."
UNSEEN = (
    "I can't see that channel, so I can't check who reads it. Invite me there first (`/invite`),"
    " then set up the report again."
)
TO_CREATORS = "Only bot admins can send reports to every creator."
SHARED = (
    "That channel is shared with another company, and reports stay inside yours. Choose another"
    " channel, or use `to me`."
)
ARCHIVED = "That channel is archived. Choose another one."
NOT_A_MEMBER = (
    "You aren't a member of that private channel. Choose another one, or ask one of its members to"
    " set up the report."
)
NOT_IN = "I'm not in that channel. Invite me there (`/invite`), then set up the report again."
SILENT = "Slack isn't responding about that channel right now. Try again soon."


class ScheduleManager:
    """What people do with schedules. Each method checks who does it."""

    def __init__(self, reports: ReportServices) -> None:
        self._at = reports
        self._services: Services = reports.services
        self._contents = ReportBuilder(reports.services, reports.runs, reports.posting)

    # -- words

    def set_up(self, person: SlackUser, standing: ScheduledQuestion, channel: str) -> Outcome:
        """Save a schedule if it is valid; `channel` is where it was typed."""
        draft = self.draft(person, standing, channel)
        if isinstance(draft, CommandError):
            return Outcome(error(draft, self._command), OutcomeKind.MISUNDERSTOOD)
        if isinstance(draft, Refusal):
            to_creators = standing.target.kind is TargetKind.CREATORS
            whom = f" {ask_admins(self._services.settings)}" if to_creators else ""
            return Outcome(cards.said(escape(draft.text) + whom), OutcomeKind.REFUSED)
        return self.keep(person, draft)

    def keep(self, person: SlackUser, draft: NewSchedule) -> Outcome:
        """Save a draft, unless there is such a schedule already, or the person has too many."""
        known = self._at.schedules.same(draft) or self._to_creators_already(draft)
        if known is None and len(self._at.schedules.of(person.id)) >= MOST_EACH:
            said = f"You already have {MOST_EACH} schedules, which is the limit. Delete one first."
            return Outcome(text_message(said), OutcomeKind.REFUSED)
        entry = known or self._at.schedules.add(draft)
        own_only = sees_own_only(person.id, self._services.settings)
        message = cards.made(
            self.card(entry),
            again=known is not None,
            own_only=own_only,
            readers=self.readers(entry.draft),
        )
        return Outcome(message, OutcomeKind.SCHEDULED)

    def _to_creators_already(self, draft: NewSchedule) -> StoredSchedule | None:
        """A schedule that sends the same question to every creator, whoever set it up."""
        if draft.target is not TargetKind.CREATORS:
            return None
        return next(
            (
                one
                for one in self._at.schedules.of(None)
                if one.draft.target is TargetKind.CREATORS and one.draft.question == draft.question
            ),
            None,
        )

    def listed(self, person: SlackUser, asked: ListSchedules) -> Outcome:
        """A person's schedules with their buttons; for an admin, everybody's."""
        everybody = is_admin(person, self._services.settings)
        entries = self._at.schedules.of(None if everybody else person.id)
        page = min(asked.page, max(1, -(-len(entries) // cards.PAGE)))
        shown = entries[(page - 1) * cards.PAGE : page * cards.PAGE]
        last = self._at.schedules.last_runs([one.id for one in shown])
        found = [self.card(one, last.get(one.id)) for one in shown]
        stopped = self._opted_out(person) if page == 1 else []
        unreadable = self._unreadable(None if everybody else person.id) if page == 1 else []
        message = cards.listing(
            found,
            page,
            len(entries),
            self._command,
            everybody=everybody,
            stopped=stopped,
            unreadable=unreadable,
        )
        return Outcome(message, OutcomeKind.LISTED)

    def _unreadable(self, owner: str | None) -> list[cards.UnreadableCard]:
        """The schedules of a person, or of everybody, that another version of the bot saved."""
        return [
            cards.UnreadableCard(one.question, one.owner)
            for one in self._at.schedules.unreadable(owner)
        ]

    def _opted_out(self, person: SlackUser) -> list[cards.ScheduleCard]:
        """The schedules that somebody opted out of, without those that are gone."""
        found = map(self._at.schedules.get, self._at.opt_outs.of(person.id))
        return [self.card(one) for one in found if one]

    def cards_of(self, user: str, most: int) -> tuple[tuple[cards.ScheduleCard, ...], int]:
        """The newest of a person's own schedules, for their Home, and how many there are."""
        entries = self._at.schedules.of(user)
        shown = entries[-most:]
        last = self._at.schedules.last_runs([one.id for one in shown])
        return tuple(self.card(one, last.get(one.id)) for one in shown), len(entries)

    # -- buttons

    def preview(self, place: ReplyTarget, id_: str) -> None:
        """Send the person who clicks what would be posted now, as a direct message."""
        entry = self.allowed(place, id_, Act.PREVIEWED)
        if entry is None:
            return
        recipient = entry.draft.channel
        if entry.draft.target is TargetKind.CREATORS:
            recipient = self._own_creator(place.user)
            if not recipient:
                said = (
                    "You have no usage of your own at OpenRouter, so there is nothing to preview."
                )
                self._say(place, said)
                return
        try:
            content = self._contents.preview(entry, recipient, self._services.clock())
        except Unreportable as problem:
            self._say(place, f"There is nothing to preview: {problem}")
            return
        finally:
            self._contents.forget()
        channel = self._services.slack.dm(place.user)
        ts = self._services.slack.post(channel, content.message)
        if content.files:
            self._at.posting.share(content.files, Posted(channel, ts), "All figures:")
        self._say(place, "Preview sent to your DM.")

    def run_now(self, place: ReplyTarget, id_: str, mark: str) -> None:
        """Post a report now; the schedule's next run stays as it is."""
        entry = self.allowed(place, id_, Act.RAN)
        if entry is None:
            return
        self._at.runs.add_now(entry, place.user, mark)
        where = words.target_words(entry.draft.target, entry.draft.channel, entry.draft.owner)
        self._services.slack.respond(place, cards.said(f"Sending it {where} now."))

    def pause(self, place: ReplyTarget, id_: str) -> None:
        """Pause a schedule."""
        why = f"by <@{place.user}>"
        self._change(place, id_, Act.PAUSED, lambda one: self._at.schedules.pause(one.id, why))

    def resume(self, place: ReplyTarget, id_: str) -> None:
        """Resume a schedule."""
        self._change(place, id_, Act.RESUMED, lambda one: self._at.schedules.resume(one.id))

    def delete(self, place: ReplyTarget, id_: str) -> None:
        """Delete a schedule."""
        entry = self.allowed(place, id_, Act.DELETED)
        if entry is None:
            return
        self._at.schedules.remove(entry.id)
        if not place.home:
            message = cards.said(f"Deleted: {cards.title(self.card(entry))}")
            self._services.slack.respond(place, message)

    def change(self, entry: StoredSchedule, draft: NewSchedule) -> StoredSchedule | None:
        """Replace a schedule's question, time or place.

        `entry` is the schedule as it was when it was opened; None if it was changed or deleted
        since.
        """
        return self._at.schedules.change(entry.id, draft, entry.draft)

    def send_again(self, place: ReplyTarget, run: int) -> None:
        """Send a report again that failed, or whose outcome is unknown."""
        self._decide(
            place,
            run,
            lambda id_: self._at.runs.send_again(id_, place.user),
            "Sending it again now.",
        )

    def is_there(self, place: ReplyTarget, run: int) -> None:
        """Mark an uncertain report as sent, because a person confirmed it."""
        self._decide(place, run, self._at.runs.is_there, "Thanks, I marked it as sent.")

    def stop_for_me(self, place: ReplyTarget, run: int) -> None:
        """Stop sending a report to every creator to the one who clicks; they can undo it."""
        known = self._received(place, run)
        if known is None:
            return
        self._at.opt_outs.add(place.user, known.entry)
        self._note_opt_out(place, known.entry, "stopped")
        card = self.card(known.entry)
        # a direct message, so that the button that undoes it stays
        self._services.slack.direct(place.user, cards.stopped(card))

    def start_for_me(self, place: ReplyTarget, id_: str) -> None:
        """Undo `stop_for_me`; `id_` is the schedule's."""
        person = admit(self._services, place, Act.SCHEDULED, id_)
        if person is None:
            return
        entry = self._at.schedules.get(id_)
        if entry is None:
            self._say(place, GONE)
            return
        if not self._at.opt_outs.has(person.id, entry):
            self._refuse(place, person, Act.SCHEDULED, entry, NOT_SENT_TO_YOU)
            return
        self._at.opt_outs.remove(person.id, entry)
        self._note_opt_out(place, entry, "started")
        self._say(place, "OK, I'll send you this report again.")

    def _received(self, place: ReplyTarget, run: int) -> ReportRun | None:
        """A run of a report to every creator, if the person who clicks was sent it."""
        person = admit(self._services, place, Act.SCHEDULED, "stop")
        if person is None:
            return None
        known = self._at.runs.get(run)
        if known is None:
            self._say(place, GONE)
            return None
        to_creators = known.entry.draft.target is TargetKind.CREATORS
        if not to_creators or known.channel != self._services.slack.dm(person.id):
            self._refuse(place, person, Act.SCHEDULED, known.entry, NOT_SENT_TO_YOU)
            return None
        return known

    def _note_opt_out(self, place: ReplyTarget, entry: StoredSchedule, outcome: str) -> None:
        what = f"{entry.draft.question} {entry.draft.schedule}"
        self._services.audit.note(
            Act.SCHEDULED, place.user, what, outcome=f"{outcome} for themself"
        )

    def _refuse(
        self, place: ReplyTarget, person: SlackUser, act: Act, entry: StoredSchedule, said: str
    ) -> None:
        what = f"{entry.draft.question} {entry.draft.schedule}"
        self._services.audit.note(act, person.id, what, outcome=REFUSED, email=person.email)
        self._say(place, said)

    def take_offer(self, place: ReplyTarget, zone: str) -> None:
        """Set up the standard report for the admin who accepts the offer, once."""
        person = self._offered(place, zone)
        if person is None:
            return
        standing = replace(cards.STANDARD, zone=zone_names().get(zone.lower(), "UTC"))
        shown = self.set_up(person, standing, "")
        self._services.audit.note(Act.SCHEDULED, person.id, standing.words(), email=person.email)
        self._services.slack.respond(place, shown.message, replace=True)

    def decline_offer(self, place: ReplyTarget) -> None:
        """Decline the offer."""
        if self._offered(place, "no") is None:
            return
        said = f"OK. You can set one up any time with `{self._command} schedule`."
        self._services.slack.respond(place, cards.said(said), replace=True)

    def _offered(self, place: ReplyTarget, what: str) -> SlackUser | None:
        """The admin who answers the offer; None if somebody else clicked, who was refused."""
        person = admit(self._services, place, Act.SCHEDULED, what)
        if person is None or is_admin(person, self._services.settings):
            return person
        refused = admins_only("answer that offer", person.id, self._services.settings)
        self._services.audit.note(Act.SCHEDULED, person.id, what, outcome=REFUSED)
        self._services.slack.respond(place, cards.said(refused))
        return None

    # -- what they share

    @property
    def _command(self) -> str:
        return self._services.settings.command

    def draft(
        self, person: SlackUser, standing: ScheduledQuestion, channel: str
    ) -> NewSchedule | CommandError | Refusal:
        """The draft to save, or why it can't be saved: a refusal, or a correction."""
        zone = standing.zone or zone_names().get((person.zone or "").lower())
        zone = zone or self._services.settings.zone
        schedule = standing.schedule(zone)
        asker = asker_of(self._services, person, standing.query)
        if standing.target.kind is TargetKind.CREATORS and not may_send_to_creators(
            person.id, self._services.settings
        ):
            return Refusal(f"{TO_CREATORS} You can send yourself your own report with `to me`.")
        probe = query_at(standing.query, self._services.clock(), zone)
        found = make_plan(self._services.store, probe, self._services.clock(), zone, asker)
        if isinstance(found, CommandError):
            return self._corrected(standing, found)
        target, id_, name = self._target(person, standing, channel)
        if target is TargetKind.CHANNEL:
            seen = self.channel(id_, person.id)
            if isinstance(seen, Refusal):
                return seen
            name = seen.name or name
        query = visibility.addressed(standing.query, asker)
        known = reports.know(self._services.store, query, asker)
        question = replace(query, zone=None).words()
        return NewSchedule(
            person.id, person.email or "", question, schedule, target, id_, name, known.as_json()
        )

    def _corrected(self, standing: ScheduledQuestion, wrong: CommandError) -> CommandError:
        """The same problem, with whole schedules as what was understood and what was meant."""

        def whole(question: str) -> str:
            asked = reports.read(question) if question else None
            if asked is None:
                return ""
            query = replace(standing.query, filters=asked.filters)
            return f"schedule {replace(standing, query=query).words()}"

        understood, suggestion = whole(wrong.understood), whole(wrong.suggestion)
        return CommandError(wrong.problem, understood, suggestion, EXAMPLES)

    def _target(
        self, person: SlackUser, standing: ScheduledQuestion, channel: str
    ) -> tuple[TargetKind, str, str]:
        place = standing.target
        match place.kind:
            case TargetKind.CHANNEL:
                return TargetKind.CHANNEL, place.id, place.name
            case TargetKind.PERSON | TargetKind.CREATORS:
                return place.kind, person.id, ""
        if channel[:1] in {"C", "G"}:
            return TargetKind.CHANNEL, channel, ""
        return TargetKind.PERSON, person.id, ""

    def channel(self, id_: str, owner: str) -> Conversation | Refusal:
        """A channel, if a person's reports may go there, else why not.

        `owner` is the Slack id of the schedule's owner, who must be a member of a private channel.
        """
        try:
            seen = self._at.posting.conversation(id_)
            if seen.private and seen.member and not self._at.posting.has_member(id_, owner):
                return Refusal(NOT_A_MEMBER)
        except DeliveryError as problem:
            if problem.code in {"channel_not_found", "missing_scope"}:
                return Refusal(UNSEEN)
            if problem.permanent:
                return Refusal(FIXES.get(problem.code, UNSEEN))
            return Refusal(SILENT)
        if seen.outsiders:
            return Refusal(SHARED)
        if seen.archived:
            return Refusal(ARCHIVED)
        if not seen.member:
            return Refusal(NOT_IN)
        return seen

    def readers(self, draft: NewSchedule) -> str:
        """Who will see a schedule's reports in a channel (mrkdwn); "" for direct messages."""
        if draft.target is not TargetKind.CHANNEL:
            return ""
        try:
            seen = self._at.posting.conversation(draft.channel)
        except DeliveryError as problem:
            log.info("Could not look up who reads a channel: %s", problem)
            return ""
        return cards.readers(draft.channel, private=seen.private)

    def find(self, person: SlackUser, id_: str) -> StoredSchedule | Refusal:
        """The schedule, or the refusal; refusals are written to the audit log."""
        entry = self._at.schedules.get(id_)
        if entry is None:
            return Refusal(GONE)
        if entry.draft.owner == person.id or is_admin(person, self._services.settings):
            return entry
        what = f"{entry.draft.question} {entry.draft.schedule}"
        where = entry.draft.channel
        note = self._services.audit.note
        note(Act.EDITED, person.id, what, where=where, outcome=REFUSED, email=person.email)
        return Refusal(f"{NOT_YOURS}.")

    def allowed(
        self, place: ReplyTarget, id_: str, act: Act, *, begun: bool = False
    ) -> StoredSchedule | None:
        """The schedule, if the person who clicks may manage it; None if they were refused.

        The act is written to the audit log, unless a form is only opened for it (`begun`).
        """
        entry, audit = self._at.schedules.get(id_), self._services.audit
        what = f"{entry.draft.question} {entry.draft.schedule}" if entry else id_
        where = entry.draft.channel if entry else ""
        person = admit(self._services, place, act, what, where=where)
        if person is None:
            return None
        if entry is None:
            self._say(place, GONE)
            return None
        if entry.draft.owner != person.id and not is_admin(person, self._services.settings):
            audit.note(act, person.id, what, where=where, outcome=REFUSED, email=person.email)
            named = admins(self._services.settings)
            said = f"{NOT_YOURS} ({named})." if named else f"{NOT_YOURS}."
            self._services.slack.respond(place, cards.said(said))
            return None
        if not begun:
            audit.note(act, person.id, what, where=where, email=person.email)
        return entry

    def _change(
        self, place: ReplyTarget, id_: str, act: Act, change: Callable[[StoredSchedule], None]
    ) -> None:
        entry = self.allowed(place, id_, act)
        if entry is None:
            return
        change(entry)
        changed = self._at.schedules.get(id_)
        if changed and not place.home:
            last = self._at.schedules.last_runs([id_]).get(id_)
            message = cards.made(self.card(changed, last), again=False, changed=True)
            self._services.slack.respond(place, message)

    def _decide(
        self, place: ReplyTarget, run: int, decide: Callable[[int], bool], said: str
    ) -> None:
        known = self._at.runs.get(run)
        if known is None:
            self._say(place, GONE)
            return
        if self.allowed(place, known.entry.id, Act.DECIDED):
            done = decide(run)
            self._say(place, said if done else "Somebody has already decided that.")

    def _own_creator(self, user: str) -> str:
        email = self._services.slack.person(user).email
        directory = self._services.store.directory()
        for id_ in sorted(directory.find(Dimension.CREATOR, email)) if email else ():
            if directory.members[id_].ref:
                return f"{CREATOR}{directory.members[id_].ref}"
        return ""

    def card(self, entry: StoredSchedule, last: LastRun | None = None) -> cards.ScheduleCard:
        """A schedule as it is shown to people."""
        draft = entry.draft
        ended = cards.LastRunOutcome(last.state, last.at, last.how, last.error) if last else None
        return cards.ScheduleCard(
            entry.id, draft.question, draft.schedule, draft.target, draft.channel, draft.name,
            draft.owner, entry.paused, entry.next.at, ended,
        )  # fmt: skip

    def _say(self, place: ReplyTarget, said: str) -> None:
        self._services.slack.say(place, said)
