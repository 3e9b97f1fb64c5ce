"""Finds who gets an alert: the rule's owner, its creator, or a channel; and fallbacks."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.access.policy import refusal
from bot.alerts.services import AlertServices
from bot.slack.types import DeliveryError, SlackUser
from bot.store.alerts.rules import StoredRule
from reports.alerts.rule import RecipientKind, Rule
from reports.alerts.slack import notices as words
from reports.alerts.slack.sentences import in_words
from reports.block_kit.message import Message

log = logging.getLogger(__name__)

_CACHED = timedelta(minutes=10)
"""How long a lookup by e-mail address is cached. Slack limits these lookups, and a storm of alerts
needs the same few people."""
PERSON_GONE = {"user_not_found", "users_not_found", "user_disabled", "cannot_dm_bot"}


@dataclass(frozen=True, slots=True)
class ResolvedRecipient:
    """Where an alert goes: the Slack id of a person or channel, and a note to add (mrkdwn)."""

    id: str
    note: str = ""


class RecipientLookup:
    """Looks up recipients, and hands the rules of people who left to the admins."""

    def __init__(self, alerts: AlertServices) -> None:
        self._alerts = alerts
        self._found: dict[str, tuple[datetime, str | None]] = {}

    def recipient(self, entry: StoredRule, rule: Rule, creator: str) -> ResolvedRecipient | None:
        """The current recipient of a rule's alerts; None if there is nobody.

        `creator` is the e-mail address of the creator it is about. Raises DeliveryError if Slack
        doesn't answer.
        """
        present = self.present(entry)
        if present is None:
            return None
        match rule.to.kind:
            case RecipientKind.CHANNEL:
                return ResolvedRecipient(rule.to.channel)
            case RecipientKind.OWNER:
                return self._creator(present, creator)
        return ResolvedRecipient(present.draft.owner)

    def present(self, entry: StoredRule) -> StoredRule | None:
        """The rule, if its owner is still a member and may use the bot; None if it was paused.

        The rules of an owner who left are handed over to an admin.

        Raises DeliveryError if Slack doesn't say who its owner is.
        """
        services, owner = self._alerts.services, entry.draft.owner
        try:
            person = services.slack.person(owner)
        except DeliveryError as error:
            if error.code not in PERSON_GONE:
                raise
            return self._handed_over(entry)
        if person.deleted:
            return self._handed_over(entry)
        if refused := refusal(person, services.slack.identity(), services.settings):
            log.warning("Paused an alert rule: its owner may no longer use the bot")
            why = f"its owner can't use this bot anymore: {refused.text}"
            self._alerts.rules.pause(entry.id, why)
            return None
        if person.email and person.email != entry.draft.email:
            self._alerts.rules.update_email(owner, person.email)
        return entry

    def zone(self, user: str) -> str:
        """A person's time zone; the one in the settings if Slack doesn't say."""
        services = self._alerts.services
        try:
            return services.slack.person(user).zone or services.settings.zone
        except DeliveryError:
            return services.settings.zone

    def notify(self, key: str, user: str, message: Message) -> None:
        """Send a person a notice, once for each key."""
        plain = {"text": message.text, "blocks": list(message.blocks)}
        self._alerts.notices.add(key, user, plain)

    def _creator(self, entry: StoredRule, email: str) -> ResolvedRecipient:
        """The Slack user with a creator's e-mail address; the rule's owner if there is none."""
        owner = entry.draft.owner
        if not email:
            return ResolvedRecipient(owner, words.NO_OWNER)
        user = self._by_email(email)
        if user == owner:
            return ResolvedRecipient(owner)
        services = self._alerts.services
        person = services.slack.person(user) if user else None
        if person is None or refusal(person, services.slack.identity(), services.settings):
            return ResolvedRecipient(owner, words.no_account(email))
        return ResolvedRecipient(person.id, words.made_by(owner))

    def _by_email(self, email: str) -> str | None:
        now = self._alerts.services.clock()
        known = self._found.get(email)
        if known and timedelta() <= now - known[0] < _CACHED:
            return known[1]
        user = self._alerts.posting.person(email)
        self._found[email] = now, user
        return user

    def _handed_over(self, entry: StoredRule) -> StoredRule | None:
        """Give the rules of an owner who left to an admin, and notify all admins.

        Returns the rule with its new owner; None if there is no admin, so the rules were paused.
        """
        alerts, left = self._alerts, entry.draft.owner
        new_owner = self._new_owner(left)
        if new_owner is None:
            log.warning("The owner of alert rules has left, and there is no admin to take over")
            for one in alerts.rules.of(left):
                alerts.rules.pause(one.id, "its owner left the workspace")
            return None
        given = alerts.rules.hand_over(left, new_owner.id, new_owner.email or "")
        rules = [in_words(one.draft.words) for one in given]
        settings = alerts.services.settings
        for admin in sorted(settings.admins):
            mine = admin == new_owner.id
            message = words.handed_over(left, new_owner.id, rules, settings.command, mine=mine)
            self.notify(f"alerts of {left} {entry.id} {admin}", admin, message)
        return alerts.rules.get(entry.id)

    def _new_owner(self, left: str) -> SlackUser | None:
        """The first admin who may use the bot, other than the person who left."""
        services = self._alerts.services
        for admin in sorted(services.settings.admins - {left}):
            try:
                person = services.slack.person(admin)
            except DeliveryError as error:
                if error.code not in PERSON_GONE:
                    raise
                continue
            if not refusal(person, services.slack.identity(), services.settings):
                return person
        return None
