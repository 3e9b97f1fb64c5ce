"""Creates, lists, pauses, edits and deletes alert rules.

A rule belongs to the person who set it up, and admins manage all rules. Permissions are checked for
the person who clicks. For the buttons under alert messages, see `message_actions`.
"""

from __future__ import annotations

from dataclasses import replace

from bot.access.policy import Refusal, is_admin
from bot.alerts.draft import RuleDrafts
from bot.alerts.evaluate import RuleEvaluator
from bot.alerts.permissions import GONE, AlertPermissions
from bot.alerts.rule_cards import RuleCards
from bot.alerts.services import AlertServices
from bot.services import Outcome, OutcomeKind, admit
from bot.slack.types import ReplyTarget, SlackUser
from bot.store.alerts.rules import NewRule, StoredRule
from reports.admin.audit_log import Act
from reports.alerts.evaluation import Measurement
from reports.alerts.grammar import ListAlerts, SetQuiet, rule_of
from reports.alerts.rule import Rule
from reports.alerts.slack import cards
from reports.alerts.slack.cards import RuleCard
from reports.alerts.slack.sentences import in_words
from reports.block_kit.elements import code
from reports.block_kit.message import Message, mrkdwn_message, text_message
from reports.questions.grammar import CommandError
from reports.questions.slack.answer import error

MOST_EACH = 200
"""Rules that one person may have: each is evaluated after every sync."""


class AlertManager:
    """Manages alert rules for the people who use them. Each method checks their permissions."""

    def __init__(self, alerts: AlertServices, evaluator: RuleEvaluator) -> None:
        self._alerts = alerts
        self._services = alerts.services
        self._evaluator = evaluator
        self._permissions = AlertPermissions(alerts)
        self._drafts = RuleDrafts(alerts)
        self._cards = RuleCards(alerts, evaluator)

    # -- commands

    def set_up(self, person: SlackUser, rule: Rule, channel: str) -> Outcome:
        """Save a rule if it is valid, and evaluate it.

        `channel` is the id of the channel where it was typed.
        """
        draft = self.draft(person, rule, channel)
        if isinstance(draft, CommandError):
            return Outcome(error(draft, self._command), OutcomeKind.MISUNDERSTOOD)
        if isinstance(draft, Refusal):
            return Outcome(mrkdwn_message(draft.text), OutcomeKind.REFUSED)
        return self.keep(person, draft)

    def keep(self, person: SlackUser, draft: NewRule) -> Outcome:
        """Save a draft, unless the person already has that rule, or too many."""
        mine = self._alerts.rules.of(person.id)
        known = next((one for one in mine if one.draft.words == draft.words), None)
        if known is None and len(mine) >= MOST_EACH:
            text = f"You already have {MOST_EACH} alerts, which is the limit. Delete one first."
            return Outcome(text_message(text), OutcomeKind.REFUSED)
        entry = known or self._alerts.rules.add(draft)
        triggered = known is None and self._evaluator.evaluate_rule(entry) > 0
        message = self._cards.confirmation(entry, again=known is not None, triggered=triggered)
        return Outcome(message, OutcomeKind.ALERTED)

    def listed(self, person: SlackUser, asked: ListAlerts) -> Outcome:
        """List a person's rules with their buttons; for an admin, everyone's rules."""
        everybody = is_admin(person, self._services.settings)
        entries = self._alerts.rules.of(None if everybody else person.id)
        page = min(asked.page, max(1, -(-len(entries) // cards.PAGE)))
        on_page = entries[(page - 1) * cards.PAGE : page * cards.PAGE]
        message = cards.listing(
            self._cards.cards(on_page, person.id),
            page,
            len(entries),
            self._command,
            everybody=everybody,
            quiet=self._alerts.quiet_hours.get(person.id),
            muted=self._cards.muted_by(person) if page == 1 else (),
        )
        return Outcome(message, OutcomeKind.LISTED)

    def set_quiet(self, person: SlackUser, asked: SetQuiet) -> Outcome:
        """Save a person's quiet hours."""
        self._alerts.quiet_hours.set(person.id, asked.quiet)
        zone = person.zone or self._services.settings.zone
        return Outcome(cards.quiet_set(asked.quiet, zone, self._command), OutcomeKind.ALERTED)

    # -- buttons

    def pause(self, reply_to: ReplyTarget, id_: str) -> None:
        """Pause a rule."""
        if entry := self._permissions.allowed(reply_to, id_):
            self._alerts.rules.pause(entry.id, f"by <@{reply_to.user}>")
            self._show(reply_to, id_)

    def resume(self, reply_to: ReplyTarget, id_: str) -> None:
        """Resume a rule; subjects already past its threshold send one message each."""
        if entry := self._permissions.allowed(reply_to, id_):
            self._alerts.rules.resume(entry.id, self._permissions.managers(entry))
            self._evaluator.evaluate_again(id_)
            self._show(reply_to, id_)

    def delete(self, reply_to: ReplyTarget, id_: str) -> None:
        """Delete a rule."""
        if entry := self._permissions.allowed(reply_to, id_):
            self._alerts.rules.delete(entry.id)
            words = code(f"alert {in_words(entry.draft.words)}", 300)
            if not reply_to.home:
                self._services.slack.respond(reply_to, mrkdwn_message(f"Deleted: {words}"))

    def list_rules(self, reply_to: ReplyTarget) -> None:
        """List the rules of the person who clicks."""
        person = admit(self._services, reply_to, Act.LOOKED, "alerts")
        if person is None:
            return
        self._services.slack.respond(reply_to, self.listed(person, ListAlerts()).message)
        self._permissions.note(Act.LOOKED, person, "alerts")

    # -- for the form and the Home tab

    def draft(
        self, person: SlackUser, rule: Rule, channel: str
    ) -> NewRule | CommandError | Refusal:
        """The draft to save, or why it can't be saved: see `RuleDrafts.draft`."""
        return self._drafts.draft(person, rule, channel)

    def find(self, person: SlackUser, id_: str) -> StoredRule | Refusal:
        """The rule, if the person may change it; refusals are written to the audit log."""
        return self._permissions.find(person, id_)

    def refuse(self, reply_to: ReplyTarget, refused: Refusal) -> None:
        """Answer with a refusal."""
        self._permissions.refuse(reply_to, refused)

    def change(self, entry: StoredRule, draft: NewRule) -> bool:
        """Replace a rule with an edited one, and evaluate it at once.

        `entry` is the rule as it was when it was opened; False if it was changed or deleted since.
        """
        old, new = self._evaluator.rule(entry), self.limited_to_owner(entry.draft.owner, draft)
        keep_states = old is not None and _same_kind(old, new)
        changed = self._alerts.rules.change(
            entry.id, draft, keep_states=keep_states, version=entry.version
        )
        if changed is None:
            return False
        self._evaluator.evaluate_again(entry.id)
        return True

    def changed(self, id_: str, reader: str = "") -> Message:
        """A rule's card after a change, for `reader` (a Slack id; by default its owner)."""
        entry = self._alerts.rules.get(id_)
        if entry is None:
            return text_message(GONE.text)
        return self._cards.confirmation(entry, changed=True, reader=reader)

    def limited_to_owner(self, owner: str, draft: NewRule) -> Rule:
        """An unsaved rule, limited to its owner's usage (a Slack id) if they may not see other
        usage."""
        return self._evaluator.limited_to_owner(owner, rule_of(draft.words))

    def current_measurements(self, draft: NewRule, id_: str) -> list[Measurement]:
        """The current measurements of all subjects of an unsaved rule; `id_` is "" if it is new."""
        now = self._services.clock()
        entry = StoredRule(id_, draft, 0, now, now, None)
        return self._evaluator.current_measurements(entry, rule_of(draft.words))

    def cards_of(self, user: str, most: int) -> tuple[tuple[RuleCard, ...], int]:
        """A person's newest rules, for their Home tab, and how many they have in total."""
        entries = self._alerts.rules.of(user)
        return tuple(self._cards.cards(entries[-most:], user)), len(entries)

    @property
    def _command(self) -> str:
        return self._services.settings.command

    def _show(self, reply_to: ReplyTarget, id_: str) -> None:
        """Answer with a rule's card; the Home tab updates by itself."""
        if not reply_to.home:
            self._services.slack.respond(reply_to, self.changed(id_, reply_to.user))


def _same_kind(old: Rule, new: Rule) -> bool:
    """Whether two rules differ only by their threshold and recipient."""
    same = replace(new, watch=old.watch, to=old.to, urgent=old.urgent) == old
    return same and old.watch.same_but_limit(new.watch)
