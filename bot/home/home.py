"""The App Home: checks who opens it and publishes the view they may see."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from bot.access.policy import ask_admins, is_admin, refusal, sees_own_only, unknown
from bot.admin import status
from bot.alerts.manage import Desk
from bot.answers import visibility as sight
from bot.answers.answer import answer
from bot.answers.balance import balance
from bot.answers.visibility import Asker
from bot.runtime import priority as courtesy
from bot.schedules.manage import Subscriptions
from bot.services import REFUSED, Asking, asker_for
from bot.slack.client import DeliveryError, Person, UnknownPersonError
from reports.admin.audit_log import DONE, Act
from reports.home.slack import home as render
from reports.questions.grammar import CommandError
from reports.questions.query import Dimension, Query
from reports.questions.summary import Summary
from reports.time.period import Counted, Unit
from reports.wording.safe_text import escape

log = logging.getLogger(__name__)

TOP = 5
_DAY, _MONTH = Counted(1, Unit.DAY), Counted(1, Unit.MONTH)
_UNSHOWN = "I couldn't load your Home. Open it again in a minute."


class Homes:
    """Publishes App Homes; permissions are checked for the person who opens theirs."""

    def __init__(self, asking: Asking, subscriptions: Subscriptions, desk: Desk) -> None:
        self._asking = asking
        self._subscriptions = subscriptions
        self._desk = desk

    def opened(self, user: str) -> None:
        """Publish the current Home of a person, and write to the audit log that they opened it."""
        try:
            person = self._asking.slack.person(user)
            refused = refusal(person, self._asking.slack.identity(), self._asking.settings)
        except UnknownPersonError as problem:
            self._publish(user, render.sentence(escape(unknown(problem))))
            return
        if refused:
            self._publish(user, render.sentence(escape(refused)))
            self._asking.audit.note(Act.HOME, user, outcome=f"{REFUSED}: {refused}")
            return
        self.renew(person)
        self._asking.audit.note(Act.HOME, user, outcome=DONE, email=person.email)

    def changed(self, user: str) -> None:
        """Publish a person's Home again after they used it."""
        person = self._asking.slack.person(user)
        if refusal(person, self._asking.slack.identity(), self._asking.settings) is None:
            self.renew(person)

    def renew(self, person: Person) -> None:
        """Publish the Home of a person whose permission was checked."""
        with courtesy.turn(), self._asking.store.snapshot():
            home = self._home(person)
        self._publish(person.id, render.view(home))

    def _publish(self, user: str, view: dict[str, object]) -> None:
        slack = self._asking.slack
        try:
            slack.call_patiently("views.publish", user_id=user, view=view)
        except DeliveryError as problem:
            if problem.permanent or problem.code not in {"invalid_arguments", "invalid_blocks"}:
                raise
            log.warning("Slack rejected a Home view: %s", problem)
            slack.call_patiently("views.publish", user_id=user, view=render.sentence(_UNSHOWN))

    def _home(self, person: Person) -> render.Home:
        asking = self._asking
        now, admin = asking.clock(), is_admin(person, asking.settings)
        asker = asker_for(asking, person.id, person.email)
        usage = self._usage(asker, now)
        cards = self._subscriptions.cards_of(person.id, render.MOST_SCHEDULES)
        rules = self._desk.cards_of(person.id, render.MOST_ALERTS)
        return render.Home(
            now=now,
            command=asking.settings.command,
            scope=_scope(asker),
            usage=usage,
            as_of=max(asking.store.state().synced.values(), default=None),
            balance=(
                None
                if sees_own_only(person.id, asking.settings)
                else balance(asking.store, now, asking.settings.zone)
            ),
            schedules=cards[0],
            schedule_count=cards[1],
            alerts=rules[0],
            alert_count=rules[1],
            status=status.status(asking, whole=False) if admin else None,
        )

    def _usage(self, asker: Asker, now: datetime) -> render.Usage | str:
        """The usage that this person may see, or a sentence (mrkdwn) saying why there is none."""
        directory = self._asking.store.directory()
        if asker.own_only and not sight.own(directory, asker):
            return f"{escape(sight.nobody(asker))} {ask_admins(self._asking.settings)}"
        first = Dimension.KEY if asker.own_only else Dimension.CREATOR
        month = Query(period=_MONTH, top=TOP)
        asked = (
            Query(period=_DAY),
            replace(month, by=first),
            replace(month, by=Dimension.MODEL),
        )
        found = [self._answer(query, asker, now) for query in asked]
        answers = [one for one in found if isinstance(one, Summary)]
        if len(answers) < len(found):
            problem = next(one.problem for one in found if isinstance(one, CommandError))
            return escape(problem)
        day, *months = answers
        return render.Usage(day, months[-1], tuple(months))

    def _answer(self, query: Query, asker: Asker, now: datetime) -> Summary | CommandError:
        asking = self._asking
        return answer(asking.store, query, now, asking.settings.zone, asker, whole=False)


def _scope(asker: Asker) -> str:
    return "Your own usage." if asker.own_only else "The whole organization."
