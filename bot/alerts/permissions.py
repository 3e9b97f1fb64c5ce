"""Who may manage an alert rule: its owner, and every bot admin."""

from __future__ import annotations

from bot.access.policy import Refusal, admins, is_admin
from bot.alerts.services import AlertServices
from bot.services import REFUSED, admit
from bot.slack.types import ReplyTarget, SlackUser
from bot.store.alerts.rules import StoredRule
from reports.admin.audit_log import DONE, Act
from reports.block_kit.message import mrkdwn_message

GONE = Refusal("That alert no longer exists.")


class AlertPermissions:
    """Checks who may manage a rule, answers with refusals, and writes to the audit log."""

    def __init__(self, alerts: AlertServices) -> None:
        self._alerts = alerts
        self._services = alerts.services

    def manages(self, person: SlackUser, entry: StoredRule) -> bool:
        """Whether a person may change a rule."""
        return entry.draft.owner == person.id or is_admin(person, self._services.settings)

    def managers(self, entry: StoredRule) -> frozenset[str]:
        """The Slack ids of all people who may change a rule."""
        return frozenset({entry.draft.owner, *self._services.settings.admins})

    def find(self, person: SlackUser, id_: str) -> StoredRule | Refusal:
        """The rule, if the person may change it; refusals are written to the audit log."""
        entry = self._alerts.rules.get(id_)
        if entry is None:
            return GONE
        if self.manages(person, entry):
            return entry
        self.note(Act.CHANGED_ALERT, person, f"alert {entry.draft.words}", REFUSED)
        return self.not_yours(entry)

    def allowed(self, reply_to: ReplyTarget, id_: str) -> StoredRule | None:
        """The rule, if the person who clicked may change it; None if they may not.

        They are then sent a refusal in `reply_to`. Both outcomes are written to the audit log.
        """
        entry = self._alerts.rules.get(id_)
        what = f"alert {entry.draft.words}" if entry else id_
        person = admit(self._services, reply_to, Act.CHANGED_ALERT, what)
        if person is None:
            return None
        if entry is None:
            self.say(reply_to, GONE.text)
            return None
        if not self.manages(person, entry):
            self.note(Act.CHANGED_ALERT, person, what, REFUSED)
            self.refuse(reply_to, self.not_yours(entry))
            return None
        self.note(Act.CHANGED_ALERT, person, what)
        return entry

    def not_yours(self, entry: StoredRule) -> Refusal:
        """The refusal for people who may not change a rule; it names those who may."""
        owner = entry.draft.owner
        others = admins(self._services.settings, but=owner)
        or_admin = f" or a bot admin ({others})" if others else ""
        return Refusal(f"That alert belongs to <@{owner}>. Only they{or_admin} can change it.")

    def refuse(self, reply_to: ReplyTarget, refused: Refusal) -> None:
        """Answer a click with a refusal."""
        self._services.slack.respond(reply_to, mrkdwn_message(refused.text))

    def say(self, reply_to: ReplyTarget, text: str) -> None:
        """Answer with one sentence (plain text)."""
        self._services.slack.say(reply_to, text)

    def note(self, act: Act, person: SlackUser, what: str, outcome: str = DONE) -> None:
        """Record in the audit log what a person did or tried to do."""
        self._services.audit.note(act, person.id, what, outcome=outcome, email=person.email)
