"""The base class of the modals for schedules and alerts: preview, save, and save only once.

A schedule or alert keeps its owner when an admin edits it, and shows what its owner may see.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Generic, TypeVar

from bot.access.policy import Refusal
from bot.modals.modal import (
    CloseModal,
    FieldErrors,
    Outcome,
    ShowView,
    Submission,
    View,
    Words,
    allowed,
    change_view,
    once,
    open_modal,
)
from bot.services import Services
from bot.slack.types import ReplyTarget, SlackUser
from reports.admin.audit_log import DONE, Act
from reports.block_kit.inputs import Entered, Meta, notice
from reports.block_kit.message import Message
from reports.time.time_range import zone_names

EntryT = TypeVar("EntryT")
DraftT = TypeVar("DraftT")
FieldsT = TypeVar("FieldsT")


class EditForm(ABC, Generic[EntryT, DraftT, FieldsT]):
    """A modal that creates or edits an entry. Each public method checks permissions."""

    thing: str
    """The name of an entry: `schedule` or `alert`."""
    create_act: Act
    edit_act: Act

    def __init__(self, services: Services, refresh_home: Callable[[SlackUser], object]) -> None:
        self._services = services
        self._refresh_home = refresh_home

    @property
    def title_new(self) -> str:
        """The modal's title for a new entry."""
        return f"New {self.thing}"

    @property
    def title_edit(self) -> str:
        """The modal's title for an existing entry."""
        return f"Edit {self.thing}"

    def new(
        self, reply_to: ReplyTarget, trigger: str, words: Words | None = None, channel: str = ""
    ) -> None:
        """Open the modal for a new entry.

        `words` returns the initial command for a person, `channel` is a channel id.
        """

        def make(person: SlackUser) -> View | None:
            begun = words(person) if words else ""
            if begun is None:
                return None
            return self._view(
                person, self._initial_fields(person, begun, channel), self._meta(reply_to)
            )

        open_modal(self._services, reply_to, trigger, self.title_new, make, self.create_act)

    def edit(self, reply_to: ReplyTarget, trigger: str, id_: str) -> None:
        """Open the modal for an entry, if the person may manage it."""

        def make(person: SlackUser) -> View | None:
            entry = self._allowed(person, reply_to, id_)
            if entry is None:
                return None
            owner, meta = self._owner(entry), self._meta(reply_to, entry, id_)
            if owner.id != person.id:
                meta = replace(meta, owner=owner.id)
            return self._view(owner, self._fields(entry, owner), meta)

        open_modal(self._services, reply_to, trigger, self.title_edit, make, self.edit_act)

    def update(self, user: str, sent: Submission) -> None:
        """Update the modal and its preview after an input was changed."""
        begun = self._begun(user, sent)
        if isinstance(begun, ShowView):
            change_view(self._services, sent, begun.view)
            return
        person, entry = begun
        owner = self._owner(entry) if entry else person
        fields = self._entered(sent.entered, self._zone(owner))
        change_view(self._services, sent, self._view(owner, fields, sent.meta, input_changed=True))

    def submit(self, user: str, sent: Submission) -> Outcome:
        """Save what was entered, or return errors by field."""
        begun = self._begun(user, sent)
        if isinstance(begun, ShowView):
            return begun
        person, entry = begun
        owner = self._owner(entry) if entry else person
        fields = self._entered(sent.entered, self._zone(owner))
        draft = self._draft(owner, fields, sent.meta)
        if isinstance(draft, FieldErrors | ShowView):
            return draft
        if entry is None:
            return once(self._services, sent, fields, lambda: self._keep(person, draft, sent))
        return self._change(person, entry, draft, fields, sent)

    def _begun(self, user: str, sent: Submission) -> tuple[SlackUser, EntryT | None] | ShowView:
        """The person and the entry they edit (None for a new one), or a view with the refusal."""
        id_ = sent.meta.id
        act, title = (self.edit_act, self.title_edit) if id_ else (self.create_act, self.title_new)
        person = allowed(self._services, user, act, title)
        if isinstance(person, ShowView):
            return person
        if not id_:
            return person, None
        found = self._find(person, id_)
        if isinstance(found, Refusal):
            return ShowView(notice(title, found.text))
        return person, found

    def _owner(self, entry: EntryT) -> SlackUser:
        """The owner of an entry, whose visibility applies."""
        return self._services.slack.person(self._owner_id(entry))

    def _keep(self, person: SlackUser, draft: DraftT, sent: Submission) -> Outcome:
        said, problem = self._add(person, draft)
        self._note(self.create_act, person, draft, problem or DONE)
        if problem:
            return self._save_error(said.text[:1_000])
        self._confirm(person, sent, said)
        return CloseModal()

    def _change(
        self, person: SlackUser, entry: EntryT, draft: DraftT, fields: FieldsT, sent: Submission
    ) -> Outcome:
        if self._is_unchanged(entry, draft):
            return CloseModal()  # submitted twice, or without changes
        if self._version(entry) != sent.meta.version:
            return self._show_conflict(entry, fields, sent)
        said = self._save(entry, draft)
        if said is None:
            found = self._find(person, sent.meta.id)
            if isinstance(found, Refusal):
                return ShowView(notice(self.title_edit, found.text))
            return self._show_conflict(found, fields, sent)
        self._note(self.edit_act, person, draft, DONE, entry)
        self._confirm(person, sent, said)
        return CloseModal()

    def _confirm(self, person: SlackUser, sent: Submission, said: Message) -> None:
        """Confirm the change where the modal was opened; App Home is refreshed instead."""
        if sent.meta.home:
            self._refresh_home(person)
        else:
            self._services.slack.respond(ReplyTarget(sent.meta.url, person.id), said)

    def _show_conflict(self, entry: EntryT, fields: FieldsT, sent: Submission) -> Outcome:
        """The modal again, with a note about a concurrent change."""
        note = (
            f"Someone else changed this {self.thing} while you had it open. It's now:"
            f" {self._description(entry)}. Save again to overwrite it, or cancel to keep it."
        )
        meta = replace(sent.meta, version=self._version(entry))
        return ShowView(self._view(self._owner(entry), fields, meta, note))

    def _meta(self, reply_to: ReplyTarget, entry: EntryT | None = None, id_: str = "") -> Meta:
        """Where a modal was opened and what it edits."""
        version = self._version(entry) if entry else ""
        return Meta(id_, version, int(reply_to.home), reply_to.response_url)

    def _note(
        self, act: Act, person: SlackUser, draft: DraftT, outcome: str, before: EntryT | None = None
    ) -> None:
        what, where = self._audit_entry(draft, before)
        note = self._services.audit.note
        note(act, person.id, what, where=where, outcome=outcome, email=person.email)

    def _zone(self, person: SlackUser) -> str:
        return zone_names().get((person.zone or "").lower()) or self._services.settings.zone

    # -- what differs between schedules and alerts

    @abstractmethod
    def _initial_fields(self, person: SlackUser, words: str, channel: str) -> FieldsT:
        """The fields of a new entry, filled in from a command's words."""

    @abstractmethod
    def _fields(self, entry: EntryT, owner: SlackUser) -> FieldsT:
        """The fields of an existing entry."""

    @abstractmethod
    def _allowed(self, person: SlackUser, reply_to: ReplyTarget, id_: str) -> EntryT | None:
        """The entry, if the person who clicked may manage it; None if they were refused."""

    @abstractmethod
    def _find(self, person: SlackUser, id_: str) -> EntryT | Refusal:
        """The entry, if the person may manage it, else the refusal."""

    @abstractmethod
    def _owner_id(self, entry: EntryT) -> str:
        """The Slack id of an entry's owner."""

    @abstractmethod
    def _entered(self, entered: Entered, zone: str) -> FieldsT:
        """The fields from a submitted modal, in a time zone."""

    @abstractmethod
    def _view(
        self,
        owner: SlackUser,
        fields: FieldsT,
        meta: Meta,
        note: str = "",
        *,
        input_changed: bool = False,
    ) -> View:
        """The modal with a preview; `input_changed` if an input was changed since it was opened."""

    @abstractmethod
    def _draft(
        self, owner: SlackUser, fields: FieldsT, meta: Meta
    ) -> DraftT | FieldErrors | ShowView:
        """The draft of the fields, or errors by field."""

    @abstractmethod
    def _add(self, person: SlackUser, draft: DraftT) -> tuple[Message, str]:
        """Save a new entry; returns the confirmation, or the outcome if it couldn't be saved."""

    @abstractmethod
    def _save_error(self, why: str) -> FieldErrors:
        """The field error for an entry that couldn't be saved."""

    @abstractmethod
    def _save(self, entry: EntryT, draft: DraftT) -> Message | None:
        """Replace an entry with a draft; returns the confirmation, or None if it was changed
        meanwhile."""

    @abstractmethod
    def _is_unchanged(self, entry: EntryT, draft: DraftT) -> bool:
        """Whether a draft is equal to the entry."""

    @abstractmethod
    def _version(self, entry: EntryT) -> str:
        """A hash that changes when the entry is edited."""

    @abstractmethod
    def _description(self, entry: EntryT) -> str:
        """A short description of an entry (mrkdwn)."""

    @abstractmethod
    def _audit_entry(self, draft: DraftT, before: EntryT | None) -> tuple[str, str]:
        """The audit log entry: what was created or changed, and the channel id."""
