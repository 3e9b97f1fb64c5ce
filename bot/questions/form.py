"""The form that builds a question: open, preview, and answer as the command would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bot.access.policy import ask_admins
from bot.answers import visibility as sight
from bot.answers.answer import answer
from bot.answers.answer_message import drawn, picture
from bot.answers.export import Where, export, shown
from bot.answers.visibility import Asker
from bot.answers.write_file import Format
from bot.modals.modal import (
    Done,
    Errors,
    Outcome,
    Sent,
    Show,
    View,
    allowed,
    change_view,
    once,
    open_modal,
)
from bot.runtime import priority as courtesy
from bot.services import Asking, asker_of
from bot.slack.client import DeliveryError, Person, Place
from bot.slack.posting import Conversation
from reports.admin.audit_log import Act
from reports.block_kit.inputs import Meta, notice
from reports.questions.form_fields import ME, Field, QuestionFields, read_fields
from reports.questions.grammar import CommandError
from reports.questions.query import Query
from reports.questions.slack import form as render
from reports.questions.summary import Summary
from reports.schedules.form_fields import WrongField, said
from reports.wording.safe_text import clean, escape

OUTSIDERS = "That channel is shared with another company. Choose another one, or yourself."
UNSEEN = "I'm not in that channel. Invite me there first (/invite)."
ARCHIVED = "That channel is archived. Choose another one."
UNSAID = "Slack isn't responding about that channel right now. Try again soon."

Later = Callable[[Place, Callable[[], None]], None]


class QuestionForm:
    """The modal that asks. Each method checks who acts; files come after the answer."""

    def __init__(
        self, asking: Asking, conversation: Callable[[str], Conversation], later: Later
    ) -> None:
        self._asking = asking
        self._conversation = conversation
        self._later = later

    def new(self, place: Place, trigger: str) -> None:
        """Open it."""

        def make(person: Person) -> View:
            return self._view(person, QuestionFields(), Meta())

        open_modal(self._asking, place, trigger, render.TITLE, make, Act.ASKED)

    def look(self, user: str, sent: Sent) -> None:
        """Draw it anew after something in it was changed, with what it would say."""
        person = allowed(self._asking, user, Act.ASKED, render.TITLE)
        if isinstance(person, Show):
            change_view(self._asking, sent, person.view)
            return
        fields = render.entered(sent.entered)
        change_view(self._asking, sent, self._view(person, fields, sent.meta))

    def submit(self, user: str, sent: Sent) -> Outcome:
        """Answer what was asked, where it was asked for, or say at the field what is wrong."""
        person = allowed(self._asking, user, Act.ASKED, render.TITLE)
        if isinstance(person, Show):
            return person
        fields = render.entered(sent.entered)
        query = read_fields(fields)
        if isinstance(query, WrongField):
            return Errors({query.field: query.problem})
        if query.share and (problem := self._closed(fields.channel)):
            return Errors({Field.CHANNEL: problem})
        asker = asker_of(self._asking, person, query)
        if asker.own_only and not sight.own(self._asking.store.directory(), asker):
            words = f"{escape(sight.nobody(asker))} {ask_admins(self._asking.settings)}"
            return Show(notice(render.TITLE, words))
        found = self._answer(query, asker)
        if isinstance(found, CommandError):
            return Errors({Field.WHOSE: said(found)})
        channel = fields.channel if query.share else ""
        post = partial(self._post, person, asker, query, found, channel)
        return once(self._asking, sent, fields, lambda: self._begin(person, post))

    def _begin(self, person: Person, post: Callable[[], None]) -> Outcome:
        """Answer when the modal is closed: pictures and files take longer than it may wait."""
        self._later(Place("", person.id), post)
        return Done()

    def _post(
        self, person: Person, asker: Asker, query: Query, found: Summary, channel: str
    ) -> None:
        asking, place = self._asking, Place("", person.id)
        now, zone = asking.clock(), asking.settings.zone
        what = shown(query, now, zone, asker, person.id)
        file = picture(asking, asker, what) if query.share and not found.empty else ""
        with courtesy.turn():
            message = drawn(asking, found, what, asker, private=False, picture=file)
        try:
            to = channel or asking.slack.dm(person.id)
            asking.slack.post(to, message.by(person.id) if channel else message)
        except DeliveryError as problem:
            asking.slack.say(place, f"I couldn't post the answer there ({problem.code}).")
            return
        act = Act.SHARED if channel else Act.ASKED
        asking.audit.note(act, person.id, query.words(), where=to, email=person.email)
        asking.metrics.asks.labels("answered").inc()
        for one in query.files:
            export(asking, place, Where(to, bool(channel)), what, Format(one))

    def _closed(self, channel: str) -> str:
        """Why nothing may be shared in a channel, or nothing."""
        try:
            seen = self._conversation(channel)
        except DeliveryError as problem:
            return UNSEEN if problem.permanent else UNSAID
        if seen.outsiders:
            return OUTSIDERS
        if seen.archived:
            return ARCHIVED
        return "" if seen.member else UNSEEN

    def _answer(self, query: Query, asker: Asker) -> Summary | CommandError:
        asking = self._asking
        with courtesy.turn():
            return answer(
                asking.store, query, asking.clock(), asking.settings.zone, asker, whole=False
            )

    def _view(self, person: Person, fields: QuestionFields, meta: Meta) -> View:
        return render.view(fields, meta, self._foreseen(person, fields))

    def _foreseen(self, person: Person, fields: QuestionFields) -> str:
        # where it goes is looked at when it is asked
        query = read_fields(replace(fields, to=ME))
        if isinstance(query, WrongField):
            return f":warning: {escape(clean(query.problem, 600))}"
        found = self._answer(query, asker_of(self._asking, person, query))
        told = replace(query, share=fields.to != ME)
        figures = said(found) if isinstance(found, CommandError) else found
        return render.foreseen(told.command(self._asking.settings.command), figures)
