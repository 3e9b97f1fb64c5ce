"""The form that builds a question, with a preview; it is answered like the command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bot.access.policy import ask_admins
from bot.analysis.registry import answer_any
from bot.answers import visibility
from bot.answers.answer_message import answer_with_controls, needs_uploaded_chart, upload_chart
from bot.answers.answer_state import answer_state
from bot.answers.export import Where, export
from bot.answers.read_words import question_words
from bot.answers.visibility import Asker
from bot.answers.write_file import Format
from bot.modals.modal import (
    CloseModal,
    FieldErrors,
    Outcome,
    ShowView,
    Submission,
    View,
    allowed,
    change_view,
    once,
    open_modal,
)
from bot.runtime import priority
from bot.services import Services, asker_of, zone_for
from bot.slack.posting import Posting
from bot.slack.types import DeliveryError, ReplyTarget, SlackUser
from reports.admin.audit_log import Act
from reports.analysis.document import AnalysisDocument
from reports.block_kit.inputs import Meta, notice
from reports.questions.form_error import FormError, field_error_text
from reports.questions.form_fields import ME, QuestionField, QuestionFields, read_fields
from reports.questions.grammar import CommandError
from reports.questions.kinds import NEEDS_WORDS
from reports.questions.query import Query
from reports.questions.slack import form as render
from reports.questions.summary import Summary
from reports.wording.safe_text import clean, escape

OUTSIDERS = "That channel is shared with another company. Choose another one, or yourself."
UNSEEN = "I'm not in that channel. Invite me there first (/invite)."
NOT_A_MEMBER = "You aren't a member of that private channel. Choose another one, or yourself."
ARCHIVED = "That channel is archived. Choose another one."
UNSAID = "Slack isn't responding about that channel right now. Try again soon."

Later = Callable[[ReplyTarget, Callable[[], None]], None]


class QuestionForm:
    """The modal for asking. Each method checks permissions; files are sent after the answer."""

    def __init__(self, services: Services, posting: Posting, later: Later) -> None:
        self._services = services
        self._posting = posting
        self._later = later

    def new(self, reply_to: ReplyTarget, trigger: str) -> None:
        """Open the form."""

        def make(person: SlackUser) -> View:
            return self._view(person, QuestionFields(), Meta())

        open_modal(self._services, reply_to, trigger, render.TITLE, make, Act.ASKED)

    def update(self, user: str, sent: Submission) -> None:
        """Update the form and its preview after an input was changed."""
        person = allowed(self._services, user, Act.ASKED, render.TITLE)
        if isinstance(person, ShowView):
            change_view(self._services, sent, person.view)
            return
        fields = render.entered(sent.entered)
        change_view(self._services, sent, self._view(person, fields, sent.meta))

    def submit(self, user: str, sent: Submission) -> Outcome:
        """Answer the question in the chosen conversation, or return errors by field."""
        person = allowed(self._services, user, Act.ASKED, render.TITLE)
        if isinstance(person, ShowView):
            return person
        fields = render.entered(sent.entered)
        query = read_fields(fields, partial(question_words, self._services, person))
        if isinstance(query, FormError):
            return FieldErrors({query.field: query.problem})
        if query.share and (problem := self._closed(fields.channel, person.id)):
            return FieldErrors({QuestionField.CHANNEL: problem})
        asker = asker_of(self._services, person, query)
        if asker.own_only and not visibility.own(self._services.store.directory(), asker):
            words = (
                f"{escape(visibility.why_no_usage(asker))} {ask_admins(self._services.settings)}"
            )
            return ShowView(notice(render.TITLE, words))
        found = self._answer_now(query, asker, zone_for(self._services, person, query))
        if isinstance(found, CommandError):
            wrong = QuestionField.EXTRA if query.kind in NEEDS_WORDS else QuestionField.WHOSE
            return FieldErrors({wrong: field_error_text(found)})
        channel = fields.channel if query.share else ""
        post = partial(self._post, person, asker, query, found, channel)
        return once(self._services, sent, fields, lambda: self._begin(person, post))

    def _begin(self, person: SlackUser, post: Callable[[], None]) -> Outcome:
        """Answer after the modal is closed: pictures and files take longer than it may wait."""
        self._later(ReplyTarget("", person.id), post)
        return CloseModal()

    def _post(
        self,
        person: SlackUser,
        asker: Asker,
        query: Query,
        found: Summary | AnalysisDocument | None,
        channel: str,
    ) -> None:
        services, reply_to = self._services, ReplyTarget("", person.id)
        now, zone = services.clock(), zone_for(services, person, query)
        if found is None:
            late = self._answer(query, asker, zone)
            if isinstance(late, CommandError):
                services.slack.say(reply_to, late.problem)
                return
            found = late
        what = answer_state(query, now, zone, asker, person.id)
        file = (
            upload_chart(services, asker, what)
            if needs_uploaded_chart(found, shared=query.share)
            else ""
        )
        with priority.compute_slot():
            message = answer_with_controls(services, found, what, asker, private=False, image=file)
        try:
            to = channel or services.slack.dm(person.id)
            services.slack.post(to, message.shared_by(person.id) if channel else message)
        except DeliveryError as problem:
            services.slack.say(reply_to, f"I couldn't post the answer there ({problem.code}).")
            return
        act = Act.SHARED if channel else Act.ASKED
        services.audit.note(act, person.id, query.words(), where=to, email=person.email)
        services.metrics.asks.labels("answered").inc()
        for one in query.files:
            export(services, reply_to, Where(to, bool(channel)), what, Format(one))

    def _closed(self, channel: str, user: str) -> str:
        """The reason why a person may not share in a channel, as a sentence; "" if they may."""
        try:
            seen = self._posting.conversation(channel)
            if seen.private and seen.member and not self._posting.has_member(channel, user):
                return NOT_A_MEMBER
        except DeliveryError as problem:
            return UNSEEN if problem.permanent else UNSAID
        if seen.outsiders:
            return OUTSIDERS
        if seen.archived:
            return ARCHIVED
        return "" if seen.member else UNSEEN

    def _answer_now(
        self, query: Query, asker: Asker, zone: str
    ) -> Summary | AnalysisDocument | CommandError | None:
        """The answer; None if it takes longer than Slack waits for a form."""
        if query.live and self._services.traces is not None:
            return None
        return self._answer(query, asker, zone)

    def _answer(
        self, query: Query, asker: Asker, zone: str
    ) -> Summary | AnalysisDocument | CommandError:
        services = self._services
        with priority.compute_slot():
            return answer_any(
                services.store,
                query,
                services.clock(),
                zone,
                asker,
                whole=False,
                traces=services.traces,
            )

    def _view(self, person: SlackUser, fields: QuestionFields, meta: Meta) -> View:
        return render.view(fields, meta, self._preview_text(person, fields))

    def _preview_text(self, person: SlackUser, fields: QuestionFields) -> str:
        # its conversation is checked when it is asked
        rewrite = partial(question_words, self._services, person)
        query = read_fields(replace(fields, to=ME), rewrite)
        if isinstance(query, FormError):
            return f":warning: {escape(clean(query.problem, 600))}"
        zone = zone_for(self._services, person, query)
        found = self._answer_now(query, asker_of(self._services, person, query), zone)
        public_query = replace(query, share=fields.to != ME)
        figures = field_error_text(found) if isinstance(found, CommandError) else found
        return render.preview_text(public_query.command(self._services.settings.command), figures)
