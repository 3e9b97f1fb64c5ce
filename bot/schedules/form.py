"""The modal that creates and edits schedules."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bot.access.policy import Refusal, may_send_to_creators
from bot.analysis.live import needs_clickhouse
from bot.answers.answer import answer
from bot.answers.read_words import question_words
from bot.modals.edit_modal import EditForm
from bot.modals.modal import FieldErrors, ShowView, View
from bot.schedules.manage import ScheduleManager
from bot.services import OutcomeKind, Services, asker_of
from bot.slack.types import ReplyTarget, SlackUser
from bot.store.schedules.schedules import NewSchedule, StoredSchedule
from reports.admin.audit_log import Act
from reports.block_kit.inputs import Entered, Meta
from reports.block_kit.message import Message
from reports.questions.form_error import FormError, field_error_text
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import Query
from reports.questions.summary import Summary
from reports.schedules.form_fields import ScheduleField, ScheduleFields, fields_of, read_fields
from reports.schedules.grammar import ScheduledQuestion, parse_schedule
from reports.schedules.grammar import ScheduleTarget as Where
from reports.schedules.recurrence import TargetKind, query_for_run
from reports.schedules.slack import form as render
from reports.schedules.slack.cards import saved_message
from reports.wording.safe_text import clean, escape


class ScheduleForm(EditForm[StoredSchedule, NewSchedule, ScheduleFields]):
    """The modal of schedules. Each public method checks permissions."""

    thing, create_act, edit_act = "schedule", Act.SCHEDULED, Act.EDITED

    def __init__(
        self,
        services: Services,
        schedule_manager: ScheduleManager,
        refresh_home: Callable[[SlackUser], object],
    ) -> None:
        super().__init__(services, refresh_home)
        self._manager = schedule_manager

    # -- hooks of the base class

    def _initial_fields(self, person: SlackUser, words: str, channel: str) -> ScheduleFields:
        zone = self._zone(person)
        read = parse_schedule(f"schedule {words}") if words else None
        usual = ScheduleFields(zone=zone)
        fields = fields_of(read, zone) if isinstance(read, ScheduledQuestion) else usual
        if channel and not (isinstance(read, ScheduledQuestion) and read.target.kind):
            return replace(fields, to=TargetKind.CHANNEL, channel=channel)
        return fields

    def _fields(self, entry: StoredSchedule, owner: SlackUser) -> ScheduleFields:
        del owner  # a schedule has its own zone
        draft = entry.draft
        asked = parse(draft.question)
        query = asked.query if isinstance(asked, QuestionCommand) else Query()
        channel = draft.channel if draft.target is TargetKind.CHANNEL else ""
        schedule = draft.schedule
        where = Where(draft.target, channel, draft.name)
        return fields_of(
            ScheduledQuestion(query, schedule.rule, schedule.at, schedule.zone, where),
            schedule.zone,
        )

    def _allowed(self, person: SlackUser, reply_to: ReplyTarget, id_: str) -> StoredSchedule | None:
        del person  # checked and audited by `allowed`
        return self._manager.allowed(reply_to, id_, self.edit_act, begun=True)

    def _find(self, person: SlackUser, id_: str) -> StoredSchedule | Refusal:
        return self._manager.find(person, id_)

    def _owner_id(self, entry: StoredSchedule) -> str:
        return entry.draft.owner

    def _entered(self, entered: Entered, zone: str) -> ScheduleFields:
        return render.entered(entered, zone)

    def _view(
        self,
        owner: SlackUser,
        fields: ScheduleFields,
        meta: Meta,
        note: str = "",
        *,
        input_changed: bool = False,
    ) -> View:
        everyone = may_send_to_creators(owner.id, self._services.settings)
        words = self._preview_text(owner, fields, channels=input_changed)
        return render.view(fields, meta, words, everyone=everyone, note=note)

    def _draft(
        self, owner: SlackUser, fields: ScheduleFields, meta: Meta
    ) -> NewSchedule | FieldErrors | ShowView:
        del meta
        scheduled = read_fields(fields, partial(question_words, self._services, owner))
        if isinstance(scheduled, FormError):
            return FieldErrors({scheduled.field: scheduled.problem})
        draft = self._manager.draft(owner, scheduled, "")
        if isinstance(draft, CommandError):
            return FieldErrors({ScheduleField.QUESTION: _question_error(draft)})
        if isinstance(draft, Refusal):
            channel = scheduled.target.kind is TargetKind.CHANNEL
            return FieldErrors({ScheduleField.CHANNEL if channel else ScheduleField.TO: draft.text})
        return draft

    def _add(self, person: SlackUser, draft: NewSchedule) -> tuple[Message, str]:
        outcome = self._manager.keep(person, draft)
        return outcome.message, "" if outcome.kind is OutcomeKind.SCHEDULED else outcome.kind

    def _save_error(self, why: str) -> FieldErrors:
        return FieldErrors({ScheduleField.QUESTION: why})

    def _save(self, entry: StoredSchedule, draft: NewSchedule) -> Message | None:
        changed = self._manager.change(entry, draft)
        if changed is None:
            return None
        readers = self._manager.readers(changed.draft)
        card = self._manager.card(changed)
        return saved_message(card, again=False, changed=True, readers=readers)

    def _is_unchanged(self, entry: StoredSchedule, draft: NewSchedule) -> bool:
        return _digest(entry.draft) == _digest(draft)

    def _version(self, entry: StoredSchedule) -> str:
        return _digest(entry.draft)

    def _description(self, entry: StoredSchedule) -> str:
        return escape(f"{clean(entry.draft.question, 200)}, {entry.draft.schedule}")

    def _audit_entry(self, draft: NewSchedule, before: StoredSchedule | None) -> tuple[str, str]:
        drafts = [before.draft, draft] if before else [draft]
        what = " -> ".join(f"{one.question} {one.schedule}" for one in drafts)
        return what, draft.channel

    # -- only for schedules

    def _preview_text(self, owner: SlackUser, fields: ScheduleFields, *, channels: bool) -> str:
        """The preview (mrkdwn); with `channels` it also says whether the channel can be used."""
        scheduled = read_fields(fields, partial(question_words, self._services, owner))
        if isinstance(scheduled, FormError):
            return f":warning: {escape(clean(scheduled.problem, 600))}"
        services, zone = self._services, self._zone(owner)
        now = services.clock()
        asker = asker_of(services, owner, scheduled.query)
        question = query_for_run(scheduled.query, now, scheduled.zone or zone)
        found: Summary | CommandError | None
        if question.live:  # takes longer than Slack waits for a form
            found = None if services.traces else needs_clickhouse(question)
        else:
            found = answer(services.store, question, now, zone, asker, whole=False)
        preview_of = _question_error(found) if isinstance(found, CommandError) else found
        words = render.preview_text(scheduled, zone, now, preview_of)
        if channels and scheduled.target.kind is TargetKind.CHANNEL:
            conversation = self._manager.channel(scheduled.target.id, owner.id)
            if isinstance(conversation, Refusal):
                words += f"\n:warning: {escape(conversation.text)}"
        return words


def _digest(draft: NewSchedule) -> str:
    """A hash that changes when people edit a schedule, but not when reports are sent."""
    return hashlib.sha256(repr(draft.content).encode()).hexdigest()[:16]


def _question_error(error: CommandError) -> str:
    """A problem with a name in the question, with the question that was probably meant."""
    suggested = parse_schedule(error.suggestion) if error.suggestion else None
    if isinstance(suggested, ScheduledQuestion):
        return field_error_text(
            CommandError(error.problem, "", fields_of(suggested, "UTC").question)
        )
    return field_error_text(error)
