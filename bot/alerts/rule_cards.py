"""Shows rules to their owners, with the current figures: cards, lists and confirmations."""

from __future__ import annotations

from collections.abc import Sequence

from bot.alerts.context import MeasurementContext
from bot.alerts.evaluate import RuleEvaluator
from bot.alerts.permissions import GONE
from bot.alerts.recipients import RecipientLookup
from bot.alerts.services import AlertServices
from bot.slack.types import SlackUser
from bot.store.alerts.rules import StoredRule
from bot.store.alerts.silences import Silence
from reports.alerts.rule import RecipientKind, Rule
from reports.alerts.slack import cards as render
from reports.alerts.slack.cards import FirstMessage, RuleCard
from reports.block_kit.message import Message, text_message
from reports.wording.times import moment_words


class RuleCards:
    """Looks up the data that rule cards show."""

    def __init__(self, alerts: AlertServices, evaluator: RuleEvaluator) -> None:
        self._alerts = alerts
        self._evaluator = evaluator
        self._people = RecipientLookup(alerts)

    def cards(self, entries: Sequence[StoredRule], reader: str) -> list[RuleCard]:
        """Cards of rules for `reader` (a Slack id), all with figures of the same time.

        Rules that this version cannot read are left out.
        """
        if not entries:
            return []
        with self._alerts.services.store.snapshot():
            context = self._evaluator.context(self._alerts.services.clock())
        return [card for one in entries if (card := self._card(one, reader, context))]

    def confirmation(
        self,
        entry: StoredRule,
        *,
        again: bool = False,
        changed: bool = False,
        triggered: bool = False,
        reader: str = "",
    ) -> Message:
        """Confirm that a rule was set up or changed, with the current figures of its subjects.

        `again`: the person already had that rule. `triggered`: it has triggered, so a message
        follows. `reader` is the Slack id of the person who reads it, by default the owner.
        """
        rule = self._evaluator.rule(entry)
        found = self.cards([entry], reader or entry.draft.owner)
        if rule is None or not found:
            return text_message(GONE.text)
        [card] = found
        now = self._evaluator.current_measurements(entry, rule)
        command = self._alerts.services.settings.command
        first = self._first_message(entry, card.rule) if triggered else FirstMessage.NOT_NOW
        return render.made(
            card, command, again=again, changed=changed, now=now, first_message=first
        )

    def muted_by(self, person: SlackUser) -> list[render.Muted]:
        """The subjects that a person muted, of active rules that other people set up."""
        found = []
        for silence in self._alerts.silences.all().values():
            entry = self._alerts.rules.get(silence.rule)
            if entry is None or silence.until is not None or silence.person != person.id:
                continue
            rule, owner = self._evaluator.rule(entry), entry.draft.owner
            if owner != person.id and entry.paused is None and rule is not None:
                shown = self._evaluator.for_reader(entry, rule, person.id)
                found.append(render.Muted(silence.rule, silence.subject, shown, owner))
        return found

    def _card(self, entry: StoredRule, reader: str, context: MeasurementContext) -> RuleCard | None:
        rule = self._evaluator.rule(entry)
        if rule is None:
            return None
        zone = rule.zone or self._people.zone(entry.draft.owner)
        visibility = self._evaluator.visibility(entry, rule)
        triggered = {
            key[1:]: state
            for key, state in self._alerts.states.triggered(entry.id)
            if state.visibility == visibility and (state.ends is None or state.ends > context.now)
        }
        current = self._evaluator.current_of_triggered(entry, rule, triggered, context)
        silences = [one for one in self._alerts.silences.all().values() if one.rule == entry.id]
        return RuleCard(
            entry.id,
            self._evaluator.for_reader(entry, rule, reader),
            zone,
            entry.draft.owner,
            entry.paused,
            tuple(current),
            _snoozed(silences, zone),
            context.now,
        )

    def _first_message(self, entry: StoredRule, rule: Rule) -> FirstMessage:
        """When the message of a rule that has triggered arrives: owners may have quiet hours."""
        owner = entry.draft.owner
        quiet = self._alerts.quiet_hours.get(owner)
        if quiet is None or rule.urgent or rule.to.kind is not RecipientKind.ME:
            return FirstMessage.AT_ONCE
        until = quiet.until(self._alerts.services.clock(), self._people.zone(owner))
        return FirstMessage.AT_ONCE if until is None else FirstMessage.LATER


def _snoozed(silences: Sequence[Silence], zone: str) -> str:
    """Until when a rule is snoozed, or that it is muted; "" if it is neither."""
    if not silences:
        return ""
    untils = [one.until for one in silences if one.until]
    if len(untils) < len(silences):
        return "partly muted" if len(silences) > 1 else "muted"
    return f"snoozed until {moment_words(max(untils), zone)}"
