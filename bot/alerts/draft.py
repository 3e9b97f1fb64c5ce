"""Checks an alert rule before it is saved: its filters, and whether its recipient is allowed."""

from __future__ import annotations

from dataclasses import replace

from bot.access.policy import Refusal, admins_only
from bot.alerts.scope import rule_members
from bot.alerts.services import AlertServices
from bot.answers.answer import make_plan
from bot.services import asker_of
from bot.slack.types import DeliveryError, SlackUser
from bot.store.alerts.rules import NewRule
from reports.alerts.grammar import EXAMPLES
from reports.alerts.rule import Recipient, RecipientKind, Rule
from reports.alerts.slack import notices as words
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import Query
from reports.time.time_range import zone_names
from reports.usage.dimensions import Metric

UNSEEN = Refusal(
    "I can't see that channel, so I can't check who reads it. Invite me there first (`/invite`),"
    " then set up the alert again."
)
SHARED = Refusal(
    "That channel is shared with another company, and alerts stay inside yours. Choose another"
    " channel, or use `to me`."
)
NOT_A_MEMBER = Refusal(
    "You aren't a member of that private channel. Choose another one, or ask one of its members to"
    " set up the alert."
)
ARCHIVED = Refusal("That channel is archived. Choose another one.")
NOT_IN = Refusal(
    "I'm not in that channel. Invite me there (`/invite`), then set up the alert again."
)
SILENT = Refusal("Slack isn't responding about that channel right now. Try again soon.")


class RuleDrafts:
    """Turns rules into drafts that can be saved."""

    def __init__(self, alerts: AlertServices) -> None:
        self._alerts = alerts

    def draft(
        self, person: SlackUser, rule: Rule, channel: str
    ) -> NewRule | CommandError | Refusal:
        """The draft to save, or why it can't be saved: a refusal, or a correction.

        `person` is the rule's owner. `channel` is the id of the channel where it was typed, which
        is what `here` means; "" if there is none.
        """
        services = self._alerts.services
        query = Query(Metric.SPEND, by=rule.by, filters=rule.filters)
        asker = asker_of(services, person, query)
        if asker.own_only and rule.watch.admins_only:
            what = "get alerts on the credit balance"
            return Refusal(admins_only(what, person.id, services.settings))
        plan = make_plan(services.store, query, services.clock(), services.settings.zone, asker)
        if isinstance(plan, CommandError):
            return _corrected(rule, plan)
        to = self._recipient(rule, channel, person.id)
        if isinstance(to, Refusal):
            return to
        theirs = zone_names().get((person.zone or "").lower())
        if rule.watch.in_zone_of_organization:
            theirs = None
        zone = rule.zone or theirs or services.settings.zone
        dated = rule.watch.has_zone
        kept = replace(rule, to=to, zone=zone if dated else None)
        known = rule_members(services.store.directory(), kept, asker)
        return NewRule(person.id, person.email or "", kept.words(), known.as_json())

    def _recipient(self, rule: Rule, channel: str, owner: str) -> Recipient | Refusal:
        """The recipient of the rule's alerts, or why they can't be sent there.

        `owner` is the Slack id of the rule's owner, who must be a member of a private channel.
        """
        if rule.to.kind is not RecipientKind.CHANNEL:
            return rule.to
        id_ = rule.to.channel or channel
        if id_[:1] not in {"C", "G"}:
            return Recipient()  # typed in a DM, where "here" means "to me"
        try:
            conversation = self._alerts.posting.conversation(id_)
            if (
                conversation.private
                and conversation.member
                and not self._alerts.posting.has_member(id_, owner)
            ):
                return NOT_A_MEMBER
        except DeliveryError as problem:
            if problem.code in {"channel_not_found", "missing_scope"}:
                return UNSEEN
            return Refusal(words.mend(problem.code)) if problem.permanent else SILENT
        if conversation.outsiders:
            return SHARED
        if conversation.archived:
            return ARCHIVED
        if not conversation.member:
            return NOT_IN
        return Recipient(RecipientKind.CHANNEL, id_, conversation.name)


def _corrected(rule: Rule, wrong: CommandError) -> CommandError:
    """The same problem, with its interpretation and suggestions as complete alert commands."""

    def whole(question: str) -> str:
        asked = parse(question) if question else None
        if not isinstance(asked, QuestionCommand):
            return ""
        return f"alert {replace(rule, filters=asked.query.filters).words()}"

    understood, meant = whole(wrong.understood), whole(wrong.suggestion)
    return CommandError(wrong.problem, understood, meant, EXAMPLES)
