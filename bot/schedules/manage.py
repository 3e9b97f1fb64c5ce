"""Manages schedules: set up, list, preview, run, pause, edit, delete, opt out.

A schedule belongs to its owner, and admins manage all schedules. Permissions are checked for the
person who clicks; ids in buttons may be forged.
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
from bot.analysis.live import needs_clickhouse
from bot.answers import visibility
from bot.answers.answer import make_plan
from bot.schedules import figures as reports
from bot.schedules.content import CREATOR, ReportBuilder, UnreportableError
from bot.schedules.deliver import ReportServices
from bot.services import REFUSED, Outcome, OutcomeKind, Services, admit, asker_of
from bot.slack.posting import Conversation, Posted
from bot.slack.types import DeliveryError, ReplyTarget, SlackUser
from bot.store.schedules.runs import ReportRun
from bot.store.schedules.schedules import LastRun, NewSchedule, StoredSchedule
from reports.admin.audit_log import Act
from reports.block_kit.message import mrkdwn_message, text_message
from reports.questions.grammar import CommandError
from reports.questions.slack.answer import error
from reports.schedules.grammar import EXAMPLES, ListSchedules, ScheduledQuestion
from reports.schedules.recurrence import TargetKind, query_for_run
from reports.schedules.slack import cards
from reports.schedules.slack import notices as words
from reports.time.time_range import zone_names
from reports.usage.dimensions import Dimension
from reports.wording.delivery_problems import FIXES
from reports.wording.safe_text import escape

log = logging.getLogger(__name__)

MOST_EACH = 100
"""Schedules per person: more than anyone needs, to limit misuse."""
GONE = "That schedule no longer exists."
NOT_YOURS = "That schedule belongs to someone else. Only they or a bot admin can change it"
NOT_SENT_TO_YOU = "That report wasn't sent to you."
CHANNEL_NOT_VISIBLE = (
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
SLACK_NOT_RESPONDING = "Slack isn't responding about that channel right now. Try again soon."


class ScheduleManager:
    """Manages schedules. Each method checks permissions."""

    def __init__(self, reports: ReportServices) -> None:
        self._reports = reports
        self._services: Services = reports.services
        self._builder = ReportBuilder(reports.services, reports.runs, reports.posting)

    # -- typed commands

    def set_up(self, person: SlackUser, scheduled: ScheduledQuestion, channel: str) -> Outcome:
        """Save a schedule if it is valid; `channel` is the conversation in which it was typed."""
        draft = self.draft(person, scheduled, channel)
        if isinstance(draft, CommandError):
            return Outcome(error(draft, self._command), OutcomeKind.MISUNDERSTOOD)
        if isinstance(draft, Refusal):
            to_creators = scheduled.target.kind is TargetKind.CREATORS
            contact = f" {ask_admins(self._services.settings)}" if to_creators else ""
            return Outcome(mrkdwn_message(escape(draft.text) + contact), OutcomeKind.REFUSED)
        return self.keep(person, draft)

    def keep(self, person: SlackUser, draft: NewSchedule) -> Outcome:
        """Save a draft, unless the same schedule exists or the person has too many."""
        existing = self._reports.schedules.same(draft) or self._to_creators_already(draft)
        if existing is None and len(self._reports.schedules.of(person.id)) >= MOST_EACH:
            text = f"You already have {MOST_EACH} schedules, which is the limit. Delete one first."
            return Outcome(text_message(text), OutcomeKind.REFUSED)
        entry = existing or self._reports.schedules.add(draft)
        own_only = sees_own_only(person.id, self._services.settings)
        message = cards.saved_message(
            self.card(entry),
            again=existing is not None,
            own_only=own_only,
            readers=self.readers(entry.draft),
        )
        return Outcome(message, OutcomeKind.SCHEDULED)

    def _to_creators_already(self, draft: NewSchedule) -> StoredSchedule | None:
        """An existing schedule, of any owner, that sends the same question to every creator."""
        if draft.target is not TargetKind.CREATORS:
            return None
        return next(
            (
                one
                for one in self._reports.schedules.of(None)
                if one.draft.target is TargetKind.CREATORS and one.draft.question == draft.question
            ),
            None,
        )

    def listed(self, person: SlackUser, request: ListSchedules) -> Outcome:
        """A person's schedules with their buttons; for an admin, those of all owners."""
        all_owners = is_admin(person, self._services.settings)
        entries = self._reports.schedules.of(None if all_owners else person.id)
        page = min(request.page, max(1, -(-len(entries) // cards.PAGE)))
        on_page = entries[(page - 1) * cards.PAGE : page * cards.PAGE]
        last = self._reports.schedules.last_runs([one.id for one in on_page])
        cards_ = [self.card(one, last.get(one.id)) for one in on_page]
        stopped = self._opted_out(person) if page == 1 else []
        unreadable = self._unreadable(None if all_owners else person.id) if page == 1 else []
        message = cards.list_message(
            cards_,
            page,
            len(entries),
            self._command,
            all_owners=all_owners,
            stopped=stopped,
            unreadable=unreadable,
        )
        return Outcome(message, OutcomeKind.LISTED)

    def _unreadable(self, owner: str | None) -> list[cards.UnreadableCard]:
        """The schedules of an owner (None: of all) that this version can't read."""
        return [
            cards.UnreadableCard(one.question, one.owner)
            for one in self._reports.schedules.unreadable(owner)
        ]

    def _opted_out(self, person: SlackUser) -> list[cards.ScheduleCard]:
        """The existing schedules that a person opted out of."""
        found = map(self._reports.schedules.get, self._reports.opt_outs.of(person.id))
        return [self.card(one) for one in found if one]

    def cards_of(self, user: str, most: int) -> tuple[tuple[cards.ScheduleCard, ...], int]:
        """The newest of a person's own schedules, for App Home, and their total number."""
        entries = self._reports.schedules.of(user)
        newest = entries[-most:]
        last = self._reports.schedules.last_runs([one.id for one in newest])
        return tuple(self.card(one, last.get(one.id)) for one in newest), len(entries)

    # -- buttons

    def preview(self, reply_to: ReplyTarget, id_: str) -> None:
        """Send the person who clicks a preview as a direct message."""
        entry = self.allowed(reply_to, id_, Act.PREVIEWED)
        if entry is None:
            return
        recipient = entry.draft.channel
        if entry.draft.target is TargetKind.CREATORS:
            recipient = self._own_creator(reply_to.user)
            if not recipient:
                said = (
                    "You have no usage of your own at OpenRouter, so there is nothing to preview."
                )
                self._say(reply_to, said)
                return
        try:
            content = self._builder.preview(entry, recipient, self._services.clock())
        except UnreportableError as problem:
            self._say(reply_to, f"There is nothing to preview: {problem}")
            return
        finally:
            self._builder.forget()
        channel = self._services.slack.dm(reply_to.user)
        ts = self._services.slack.post(channel, content.message)
        if content.files:
            self._reports.posting.share(content.files, Posted(channel, ts), "All figures:")
        self._say(reply_to, "Preview sent to your DM.")

    def run_now(self, reply_to: ReplyTarget, id_: str, mark: str) -> None:
        """Post a report now; the schedule's next run stays as it is."""
        entry = self.allowed(reply_to, id_, Act.RAN)
        if entry is None:
            return
        self._reports.runs.add_now(entry, reply_to.user, mark)
        where = words.target_words(entry.draft.target, entry.draft.channel, entry.draft.owner)
        self._services.slack.respond(reply_to, mrkdwn_message(f"Sending it {where} now."))

    def pause(self, reply_to: ReplyTarget, id_: str) -> None:
        """Pause a schedule."""
        why = f"by <@{reply_to.user}>"
        self._change(
            reply_to, id_, Act.PAUSED, lambda one: self._reports.schedules.pause(one.id, why)
        )

    def resume(self, reply_to: ReplyTarget, id_: str) -> None:
        """Resume a schedule."""
        self._change(reply_to, id_, Act.RESUMED, lambda one: self._reports.schedules.resume(one.id))

    def delete(self, reply_to: ReplyTarget, id_: str) -> None:
        """Delete a schedule."""
        entry = self.allowed(reply_to, id_, Act.DELETED)
        if entry is None:
            return
        self._reports.schedules.remove(entry.id)
        if not reply_to.home:
            message = mrkdwn_message(f"Deleted: {cards.title(self.card(entry))}")
            self._services.slack.respond(reply_to, message)

    def change(self, entry: StoredSchedule, draft: NewSchedule) -> StoredSchedule | None:
        """Replace a schedule's question, time or target; returns the changed schedule.

        `entry` is the schedule as it was read; None if it was changed or deleted since then.
        """
        return self._reports.schedules.change(entry.id, draft, entry.draft)

    def send_again(self, reply_to: ReplyTarget, run: int) -> None:
        """Retry a report that failed or whose outcome is unknown."""
        self._decide(
            reply_to,
            run,
            lambda id_: self._reports.runs.send_again(id_, reply_to.user),
            "Sending it again now.",
        )

    def is_there(self, reply_to: ReplyTarget, run: int) -> None:
        """Mark an uncertain report as sent, because a person confirmed it."""
        self._decide(reply_to, run, self._reports.runs.mark_seen, "Thanks, I marked it as sent.")

    def stop_for_me(self, reply_to: ReplyTarget, run: int) -> None:
        """Opt the person who clicks out of a report to every creator; they can undo it."""
        known = self._received(reply_to, run)
        if known is None:
            return
        self._reports.opt_outs.add(reply_to.user, known.entry)
        self._note_opt_out(reply_to, known.entry, "stopped")
        card = self.card(known.entry)
        # a direct message, so that its undo button doesn't disappear
        self._services.slack.direct(reply_to.user, cards.opted_out_message(card))

    def start_for_me(self, reply_to: ReplyTarget, id_: str) -> None:
        """Undo `stop_for_me`; `id_` is the schedule's."""
        person = admit(self._services, reply_to, Act.SCHEDULED, id_)
        if person is None:
            return
        entry = self._reports.schedules.get(id_)
        if entry is None:
            self._say(reply_to, GONE)
            return
        if not self._reports.opt_outs.has(person.id, entry):
            self._refuse(reply_to, person, Act.SCHEDULED, entry, NOT_SENT_TO_YOU)
            return
        self._reports.opt_outs.remove(person.id, entry)
        self._note_opt_out(reply_to, entry, "started")
        self._say(reply_to, "OK, I'll send you this report again.")

    def _received(self, reply_to: ReplyTarget, run: int) -> ReportRun | None:
        """A run of a report to every creator, if it was sent to the person who clicks."""
        person = admit(self._services, reply_to, Act.SCHEDULED, "stop")
        if person is None:
            return None
        known = self._reports.runs.get(run)
        if known is None:
            self._say(reply_to, GONE)
            return None
        to_creators = known.entry.draft.target is TargetKind.CREATORS
        if not to_creators or known.channel != self._services.slack.dm(person.id):
            self._refuse(reply_to, person, Act.SCHEDULED, known.entry, NOT_SENT_TO_YOU)
            return None
        return known

    def _note_opt_out(self, reply_to: ReplyTarget, entry: StoredSchedule, outcome: str) -> None:
        what = f"{entry.draft.question} {entry.draft.schedule}"
        self._services.audit.note(
            Act.SCHEDULED, reply_to.user, what, outcome=f"{outcome} for this person"
        )

    def _refuse(
        self, reply_to: ReplyTarget, person: SlackUser, act: Act, entry: StoredSchedule, said: str
    ) -> None:
        what = f"{entry.draft.question} {entry.draft.schedule}"
        self._services.audit.note(act, person.id, what, outcome=REFUSED, email=person.email)
        self._say(reply_to, said)

    def take_offer(self, reply_to: ReplyTarget, zone: str) -> None:
        """Set up the standard report for the admin who accepts the offer, once."""
        person = self._admin_for_offer(reply_to, zone)
        if person is None:
            return
        scheduled = replace(cards.STANDARD, zone=zone_names().get(zone.lower(), "UTC"))
        shown = self.set_up(person, scheduled, "")
        self._services.audit.note(Act.SCHEDULED, person.id, scheduled.words(), email=person.email)
        self._services.slack.respond(reply_to, shown.message, replace=True)

    def decline_offer(self, reply_to: ReplyTarget) -> None:
        """Decline the offer."""
        if self._admin_for_offer(reply_to, "no") is None:
            return
        said = f"OK. You can set one up any time with `{self._command} schedule`."
        self._services.slack.respond(reply_to, mrkdwn_message(said), replace=True)

    def _admin_for_offer(self, reply_to: ReplyTarget, what: str) -> SlackUser | None:
        """The admin who answers the offer; None if another person clicked and was refused."""
        person = admit(self._services, reply_to, Act.SCHEDULED, what)
        if person is None or is_admin(person, self._services.settings):
            return person
        refused = admins_only("answer that offer", person.id, self._services.settings)
        self._services.audit.note(Act.SCHEDULED, person.id, what, outcome=REFUSED)
        self._services.slack.respond(reply_to, mrkdwn_message(refused))
        return None

    # -- shared by both

    @property
    def _command(self) -> str:
        return self._services.settings.command

    def draft(
        self, person: SlackUser, scheduled: ScheduledQuestion, channel: str
    ) -> NewSchedule | CommandError | Refusal:
        """The draft to save, or why it can't be saved: a refusal, or an error with a suggestion."""
        zone = scheduled.zone or zone_names().get((person.zone or "").lower())
        zone = zone or self._services.settings.zone
        schedule = scheduled.schedule(zone)
        asker = asker_of(self._services, person, scheduled.query)
        if scheduled.target.kind is TargetKind.CREATORS and not may_send_to_creators(
            person.id, self._services.settings
        ):
            return Refusal(f"{TO_CREATORS} You can send yourself your own report with `to me`.")
        if scheduled.query.live and self._services.traces is None:
            return needs_clickhouse(scheduled.query)
        probe = query_for_run(scheduled.query, self._services.clock(), zone)
        found = make_plan(self._services.store, probe, self._services.clock(), zone, asker)
        if isinstance(found, CommandError):
            return self._as_schedule_error(scheduled, found)
        target, id_, name = self._target(person, scheduled, channel)
        if target is TargetKind.CHANNEL:
            conversation = self.channel(id_, person.id)
            if isinstance(conversation, Refusal):
                return conversation
            name = conversation.name or name
        query = visibility.addressed(scheduled.query, asker)
        known = reports.save_names(self._services.store, query, asker)
        question = replace(query, zone=None).words()
        return NewSchedule(
            person.id, person.email or "", question, schedule, target, id_, name, known.as_json()
        )

    def _as_schedule_error(self, scheduled: ScheduledQuestion, wrong: CommandError) -> CommandError:
        """The same problem, with the readings and suggestions as complete schedules."""

        def whole(question: str) -> str:
            asked = reports.stored_query(question) if question else None
            if asked is None:
                return ""
            query = replace(scheduled.query, filters=asked.filters)
            return f"schedule {replace(scheduled, query=query).words()}"

        understood, suggestion = whole(wrong.understood), whole(wrong.suggestion)
        return CommandError(wrong.problem, understood, suggestion, EXAMPLES)

    def _target(
        self, person: SlackUser, scheduled: ScheduledQuestion, channel: str
    ) -> tuple[TargetKind, str, str]:
        reply_to = scheduled.target
        match reply_to.kind:
            case TargetKind.CHANNEL:
                return TargetKind.CHANNEL, reply_to.id, reply_to.name
            case TargetKind.PERSON | TargetKind.CREATORS:
                return reply_to.kind, person.id, ""
        if channel[:1] in {"C", "G"}:
            return TargetKind.CHANNEL, channel, ""
        return TargetKind.PERSON, person.id, ""

    def channel(self, id_: str, owner: str) -> Conversation | Refusal:
        """The channel if a person's reports may go there, else the refusal.

        `owner` is the Slack id of the schedule's owner, who must be a member of a private channel.
        """
        try:
            conversation = self._reports.posting.conversation(id_)
            if (
                conversation.private
                and conversation.member
                and not self._reports.posting.has_member(id_, owner)
            ):
                return Refusal(NOT_A_MEMBER)
        except DeliveryError as problem:
            if problem.code in {"channel_not_found", "missing_scope"}:
                return Refusal(CHANNEL_NOT_VISIBLE)
            if problem.permanent:
                return Refusal(FIXES.get(problem.code, CHANNEL_NOT_VISIBLE))
            return Refusal(SLACK_NOT_RESPONDING)
        if conversation.outsiders:
            return Refusal(SHARED)
        if conversation.archived:
            return Refusal(ARCHIVED)
        if not conversation.member:
            return Refusal(NOT_IN)
        return conversation

    def readers(self, draft: NewSchedule) -> str:
        """Who will see a schedule's reports in a channel (mrkdwn); "" for direct messages."""
        if draft.target is not TargetKind.CHANNEL:
            return ""
        try:
            conversation = self._reports.posting.conversation(draft.channel)
        except DeliveryError as problem:
            log.info("Could not look up a channel: %s", problem)
            return ""
        return cards.readers_note(draft.channel, private=conversation.private)

    def find(self, person: SlackUser, id_: str) -> StoredSchedule | Refusal:
        """The schedule, or the refusal; refusals are written to the audit log."""
        entry = self._reports.schedules.get(id_)
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
        self, reply_to: ReplyTarget, id_: str, act: Act, *, begun: bool = False
    ) -> StoredSchedule | None:
        """The schedule, if the person who clicks may manage it; None if they were refused.

        The act is written to the audit log, unless a form is only opened for it (`begun`).
        """
        entry, audit = self._reports.schedules.get(id_), self._services.audit
        what = f"{entry.draft.question} {entry.draft.schedule}" if entry else id_
        where = entry.draft.channel if entry else ""
        person = admit(self._services, reply_to, act, what, where=where)
        if person is None:
            return None
        if entry is None:
            self._say(reply_to, GONE)
            return None
        if entry.draft.owner != person.id and not is_admin(person, self._services.settings):
            audit.note(act, person.id, what, where=where, outcome=REFUSED, email=person.email)
            named = admins(self._services.settings)
            said = f"{NOT_YOURS} ({named})." if named else f"{NOT_YOURS}."
            self._services.slack.respond(reply_to, mrkdwn_message(said))
            return None
        if not begun:
            audit.note(act, person.id, what, where=where, email=person.email)
        return entry

    def _change(
        self, reply_to: ReplyTarget, id_: str, act: Act, change: Callable[[StoredSchedule], None]
    ) -> None:
        entry = self.allowed(reply_to, id_, act)
        if entry is None:
            return
        change(entry)
        changed = self._reports.schedules.get(id_)
        if changed and not reply_to.home:
            last = self._reports.schedules.last_runs([id_]).get(id_)
            message = cards.saved_message(self.card(changed, last), again=False, changed=True)
            self._services.slack.respond(reply_to, message)

    def _decide(
        self, reply_to: ReplyTarget, run: int, decide: Callable[[int], bool], said: str
    ) -> None:
        known = self._reports.runs.get(run)
        if known is None:
            self._say(reply_to, GONE)
            return
        if self.allowed(reply_to, known.entry.id, Act.DECIDED):
            done = decide(run)
            self._say(reply_to, said if done else "Someone else already decided that.")

    def _own_creator(self, user: str) -> str:
        email = self._services.slack.person(user).email
        directory = self._services.store.directory()
        for id_ in sorted(directory.find(Dimension.CREATOR, email)) if email else ():
            if directory.members[id_].ref:
                return f"{CREATOR}{directory.members[id_].ref}"
        return ""

    def card(self, entry: StoredSchedule, last: LastRun | None = None) -> cards.ScheduleCard:
        """A schedule's card for messages."""
        draft = entry.draft
        ended = cards.LastRunOutcome(last.state, last.at, last.how, last.error) if last else None
        return cards.ScheduleCard(
            entry.id, draft.question, draft.schedule, draft.target, draft.channel, draft.name,
            draft.owner, entry.paused, entry.next.at, ended,
        )  # fmt: skip

    def _say(self, reply_to: ReplyTarget, said: str) -> None:
        self._services.slack.say(reply_to, said)
