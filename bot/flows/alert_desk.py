"""The street from words and buttons to alert rules: set up, list, pause, edit, snooze, and so on.

A rule belongs to its maker; admins manage all. Whoever clicks is judged, not who made it.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from bot.access import admins_only, is_admin
from bot.flows.alert_scope import named
from bot.flows.alerting import Alerts, Judging
from bot.flows.answer import make_plan
from bot.flows.asking import asker_of
from bot.flows.subscriptions import Shown
from bot.slack import DeliveryError, Person
from bot.store.alert_rules import Draft
from reports.alert import Above, Credits, Forecast, Recipient, Rule, To
from reports.grammar import Ask, CommandError, parse
from reports.grammar_alert import ListAlerts, SetQuiet
from reports.query import Metric, Query
from reports.render import alert_notices as words
from reports.render.blocks import error, sentence
from reports.timerange import zone_names

log = logging.getLogger(__name__)

MOST_EACH = 200
UNSEEN = (
    "I cannot see that channel, so I cannot tell who reads along there. Invite me there first"
    " (`/invite`), then set the alert up again."
)
SHARED = (
    "People of other companies read along in that channel, and alerts stay inside. Choose another"
    " channel, or `to me`."
)
ARCHIVED = "That channel is archived, so nothing can be posted there. Choose another one."
NOT_IN = "I am not in that channel. Invite me there (`/invite`), then set the alert up again."
SILENT = "Slack does not say anything about that channel at the moment. Try again soon."


class Desk:
    """What people do with alert rules. Each method judges who does it."""

    def __init__(self, alerts: Alerts, judging: Judging) -> None:
        self._at = alerts
        self._asking = alerts.asking
        self._judging = judging

    def set_up(self, person: Person, rule: Rule, channel: str) -> Shown:
        """Keep a rule, if it can be kept, and judge it; `channel` is where it was said."""
        draft = self.draft(person, rule, channel)
        if isinstance(draft, CommandError):
            return Shown(error(draft, self.command), "misunderstood")
        if isinstance(draft, str):
            return Shown(sentence(draft), "refused")
        mine = self._at.rules.of(person.id)
        known = next((one for one in mine if one.draft.words == draft.words), None)
        if known is None and len(mine) >= MOST_EACH:
            said = f"You have {MOST_EACH} alert rules, which is as many as one person may have."
            return Shown(sentence(said), "refused")
        entry = known or self._at.rules.add(draft)
        if known is None:
            self._judging.judge_one(entry)
        return Shown(sentence(f"Alert set: {entry.draft.words}"), "alerted")

    def listed(self, person: Person, _asked: ListAlerts) -> Shown:
        """Somebody's rules with their buttons; for an admin, everybody's."""
        everybody = is_admin(person, self._asking.settings)
        entries = self._at.rules.of(None if everybody else person.id)
        return Shown(sentence(f"{len(entries)} rules"), "listed")

    def set_quiet(self, person: Person, asked: SetQuiet) -> Shown:
        """Keep when somebody wants to hear of nothing but what is urgent."""
        self._at.tellings.set_quiet(person.id, asked.quiet)
        if asked.quiet is None:
            return Shown(sentence("You have no quiet hours any more."), "alerted")
        zone = person.zone or self._asking.settings.zone
        said = (
            f"From {asked.quiet.start:%H:%M} to {asked.quiet.end:%H:%M} ({zone}) you hear of"
            " urgent alerts only. All others come when the quiet hours are over."
        )
        return Shown(sentence(said), "alerted")

    @property
    def command(self) -> str:
        """What the command is called."""
        return self._asking.settings.command

    # -- what they share

    def draft(self, person: Person, rule: Rule, channel: str) -> Draft | CommandError | str:
        """What is to be kept, or why it cannot be: a sentence, or a correction."""
        asking = self._asking
        query = Query(Metric.SPEND, by=rule.by, filters=rule.filters)
        asker = asker_of(asking, person, query)
        if asker.own_only and isinstance(rule.watch, Credits):
            return admins_only("The balance of the organisation", person.id, asking.settings)
        plan = make_plan(asking.store, query, asking.clock(), asking.settings.zone, asker)
        if isinstance(plan, CommandError):
            return _corrected(rule, plan)
        to = self._recipient(rule, channel)
        if isinstance(to, str):
            return to
        zone = rule.zone or zone_names().get((person.zone or "").lower()) or asking.settings.zone
        dated = isinstance(rule.watch, Above | Forecast)
        kept = replace(rule, to=to, zone=zone if dated else None)
        known = named(asking.store.directory(), kept, asker)
        return Draft(person.id, person.email or "", kept.words(), known.as_json())

    def _recipient(self, rule: Rule, channel: str) -> Recipient | str:
        """Where the rule's alerts go, or the sentence that says why they cannot."""
        if rule.to.kind is not To.CHANNEL:
            return rule.to
        id_ = rule.to.channel or channel
        if id_[:1] not in {"C", "G"}:
            return Recipient()  # said in the direct messages: here is to me
        try:
            seen = self._at.posting.conversation(id_)
        except DeliveryError as problem:
            if problem.code in {"channel_not_found", "missing_scope"}:
                return UNSEEN
            return words.mend(problem.code) if problem.permanent else SILENT
        if seen.outsiders:
            return SHARED
        if seen.archived:
            return ARCHIVED
        if not seen.member:
            return NOT_IN
        return Recipient(To.CHANNEL, id_, seen.name)


def _corrected(rule: Rule, wrong: CommandError) -> CommandError:
    """The same problem, with whole alerts as what was understood and what was meant."""

    def whole(question: str) -> str:
        asked = parse(question) if question else None
        if not isinstance(asked, Ask):
            return ""
        return f"alert {replace(rule, filters=asked.query.filters).words()}"

    return CommandError(wrong.problem, whole(wrong.understood), whole(wrong.suggestion))
