"""The modal that creates and edits alert rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.access.policy import Refusal
from bot.alerts.manage import AlertManager
from bot.modals.edit_modal import EditForm
from bot.modals.modal import FieldErrors, ShowView, View
from bot.services import OutcomeKind, Services
from bot.slack.types import ReplyTarget, SlackUser
from bot.store.alerts.rules import NewRule, StoredRule
from reports.admin.audit_log import Act
from reports.alerts.form_fields import AlertField, AlertFields, fields_of, read_fields
from reports.alerts.grammar import parse_alert, rule_of
from reports.alerts.rule import Recipient, RecipientKind, Rule
from reports.alerts.slack import form as render
from reports.block_kit.elements import code
from reports.block_kit.inputs import Entered, Meta
from reports.block_kit.message import Message
from reports.questions.form_error import FormError, field_error_text
from reports.questions.grammar import CommandError
from reports.wording.safe_text import clean, escape


class AlertForm(EditForm[StoredRule, NewRule, AlertFields]):
    """The modal of alert rules. Each method checks who acts."""

    thing, create_act, edit_act = "alert", Act.ALERTED, Act.CHANGED_ALERT

    def __init__(
        self,
        services: Services,
        alert_manager: AlertManager,
        refresh_home: Callable[[SlackUser], object],
    ) -> None:
        super().__init__(services, refresh_home)
        self._alert_manager = alert_manager

    # -- required by the base class

    def _initial_fields(self, person: SlackUser, words: str, channel: str) -> AlertFields:
        read = parse_alert(f"alert {words}") if words else None
        if isinstance(read, Rule):
            fields = fields_of(read, self._zone_for(read, person))
        else:
            fields = AlertFields(zone=self._zone(person))
        if channel and fields.to == RecipientKind.CHANNEL and not fields.channel:
            return replace(fields, channel=channel)
        return fields

    def _fields(self, entry: StoredRule, owner: SlackUser) -> AlertFields:
        try:
            rule = rule_of(entry.draft.words)
        except ValueError:  # stored by an older version, and no longer readable
            return AlertFields(zone=self._zone(owner))
        return fields_of(rule, self._zone_for(rule, owner))

    def _zone_for(self, rule: Rule, person: SlackUser) -> str:
        """The zone of a rule that names none, the same as if it had been typed in a message."""
        if rule.watch.in_zone_of_organization:
            return self._services.settings.zone
        return self._zone(person)

    def _allowed(self, person: SlackUser, reply_to: ReplyTarget, id_: str) -> StoredRule | None:
        found = self._alert_manager.find(person, id_)
        if isinstance(found, Refusal):
            self._alert_manager.refuse(reply_to, found)
            return None
        return found

    def _find(self, person: SlackUser, id_: str) -> StoredRule | Refusal:
        return self._alert_manager.find(person, id_)

    def _owner_id(self, entry: StoredRule) -> str:
        return entry.draft.owner

    def _entered(self, entered: Entered, zone: str) -> AlertFields:
        return render.entered(entered, zone, self._services.settings.zone)

    def _view(
        self,
        owner: SlackUser,
        fields: AlertFields,
        meta: Meta,
        note: str = "",
        *,
        input_changed: bool = False,
    ) -> View:
        del input_changed  # the preview costs the same either way
        return render.view(fields, meta, self._preview_text(owner, fields, meta), note)

    def _draft(
        self, owner: SlackUser, fields: AlertFields, meta: Meta
    ) -> NewRule | FieldErrors | ShowView:
        rule = read_fields(fields)
        if isinstance(rule, FormError):
            return _at(fields, rule.field, rule.problem)
        draft = self._alert_manager.draft(owner, rule, "")
        if isinstance(draft, CommandError):
            return _at(fields, AlertField.WHOSE, _filters_said(draft))
        if isinstance(draft, Refusal):
            if rule.to.kind is RecipientKind.CHANNEL:
                return _at(fields, AlertField.CHANNEL, draft.text)
            return ShowView(self._view(owner, fields, meta, draft.text))
        return draft

    def _add(self, person: SlackUser, draft: NewRule) -> tuple[Message, str]:
        shown = self._alert_manager.keep(person, draft)
        return shown.message, "" if shown.kind is OutcomeKind.ALERTED else shown.kind

    def _save_error(self, why: str) -> FieldErrors:
        return FieldErrors({AlertField.KIND: why})

    def _save(self, entry: StoredRule, draft: NewRule) -> Message | None:
        return (
            self._alert_manager.changed(entry.id)
            if self._alert_manager.change(entry, draft)
            else None
        )

    def _is_unchanged(self, entry: StoredRule, draft: NewRule) -> bool:
        return entry.draft.words == draft.words

    def _version(self, entry: StoredRule) -> str:
        return str(entry.version)

    def _description(self, entry: StoredRule) -> str:
        return code(entry.draft.words, 300)

    def _audit_entry(self, draft: NewRule, before: StoredRule | None) -> tuple[str, str]:
        what = f"{before.draft.words} -> {draft.words}" if before else f"alert {draft.words}"
        return what, ""

    # -- only for alerts

    def _preview_text(self, owner: SlackUser, fields: AlertFields, meta: Meta) -> str:
        """The preview (mrkdwn): what the fields mean, and the current figures."""
        rule = read_fields(fields)
        if isinstance(rule, FormError):
            return f":warning: {escape(clean(rule.problem, 600))}"
        zone = rule.zone or self._services.settings.zone
        # the channel is only checked when it is saved: this would ask Slack on every change
        draft = self._alert_manager.draft(owner, replace(rule, to=Recipient()), "")
        if isinstance(draft, CommandError):
            return render.preview_text(rule, zone, _filters_said(draft))
        if isinstance(draft, Refusal):
            return f":warning: {draft.text}"
        watched = self._alert_manager.limited_to_owner(owner.id, draft)
        return render.preview_text(
            watched, zone, self._alert_manager.current_measurements(draft, meta.id)
        )


def _at(fields: AlertFields, field: str, problem: str) -> FieldErrors:
    own = {AlertField.LIMIT: render.limit_field, AlertField.ZONE: render.zone_field}
    name = own[AlertField(field)](fields.kind) if field in own else field
    return FieldErrors({name: problem or "I don't understand this."})


def _filters_said(wrong: CommandError) -> str:
    """The text of a problem with a name, with the filters that were probably meant."""
    meant = parse_alert(wrong.suggestion) if wrong.suggestion else None
    if isinstance(meant, Rule) and meant.filters:
        filters = " ".join(map(str, meant.filters))
        return field_error_text(CommandError(wrong.problem, "", filters))
    return wrong.problem[:1_000]
