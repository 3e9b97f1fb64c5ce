"""App Home: checks who opens it and publishes what they may see."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bot.access.policy import ask_admins, is_admin, refusal, sees_own_only, unknown_person_text
from bot.admin import status
from bot.alerts.manage import AlertManager
from bot.analysis.balance import balance
from bot.answers import visibility
from bot.answers.answer import answer
from bot.answers.visibility import Asker
from bot.runtime import priority
from bot.schedules.manage import ScheduleManager
from bot.services import REFUSED, Services, asker_for
from bot.slack.types import DeliveryError, SlackUser, UnknownPersonError
from bot.store import StoreError
from reports.admin.audit_log import DONE, Act
from reports.analysis.balance import Balance
from reports.block_kit.elements import Block
from reports.home.slack import home as render
from reports.questions.grammar import CommandError
from reports.questions.query import Query
from reports.questions.summary import Summary
from reports.time.period import Counted, Unit
from reports.usage.dimensions import Dimension
from reports.wording.safe_text import escape

log = logging.getLogger(__name__)

TOP = 5  # groups per list: App Home is an overview
_DAY, _MONTH = Counted(1, Unit.DAY), Counted(1, Unit.MONTH)
_NOT_LOADED = "I couldn't load your Home tab. Open it again in a minute."


class Homes:
    """Publishes App Home; permissions are checked for the person who opens it."""

    def __init__(
        self, services: Services, schedule_manager: ScheduleManager, alert_manager: AlertManager
    ) -> None:
        self._services = services
        self._manager = schedule_manager
        self._alert_manager = alert_manager

    def opened(self, user: str) -> None:
        """Publish a person's Home when they open it, with an audit log entry."""
        try:
            person = self._services.slack.person(user)
            refused = refusal(person, self._services.slack.identity(), self._services.settings)
        except UnknownPersonError as problem:
            self._publish(user, render.single_paragraph(escape(unknown_person_text(problem))))
            return
        if refused:
            self._publish(user, render.single_paragraph(escape(refused.text)))
            self._services.audit.note(Act.HOME, user, outcome=f"{REFUSED}: {refused.text}")
            return
        self.refresh(person)
        self._services.audit.note(Act.HOME, user, outcome=DONE, email=person.email)

    def changed(self, user: str) -> None:
        """Publish a person's Home again after they clicked in it."""
        person = self._services.slack.person(user)
        if refusal(person, self._services.slack.identity(), self._services.settings) is None:
            self.refresh(person)

    def refresh(self, person: SlackUser) -> None:
        """Publish a person's Home; the caller has checked their permission."""
        with priority.compute_slot(), self._services.store.snapshot():
            sections = self._sections(person)
        self._publish(person.id, render.view(sections))

    def _publish(self, user: str, view: dict[str, object]) -> None:
        slack = self._services.slack
        try:
            slack.call_patiently("views.publish", user_id=user, view=view)
        except DeliveryError as problem:
            if problem.permanent or problem.code not in {"invalid_arguments", "invalid_blocks"}:
                raise
            log.warning("Slack rejected a Home view: %s", problem)
            slack.call_patiently(
                "views.publish", user_id=user, view=render.single_paragraph(_NOT_LOADED)
            )

    def _sections(self, person: SlackUser) -> list[list[Block]]:
        """The sections of a person's Home; a failing section is logged and replaced by a note."""
        services, command = self._services, self._services.settings.command
        asker = asker_for(services, person.id, person.email)
        as_of = max(services.store.state().synced.values(), default=None)
        zone = person.zone or services.settings.zone
        sections: list[tuple[str, Callable[[], list[Block]]]] = [
            ("this tab", lambda: render.head(_scope(asker), as_of)),
            ("the usage", lambda: render.usage_section(self._usage(asker), as_of)),
            ("the balance", lambda: render.balance_section(self._balance(person), zone)),
            (
                "your schedules",
                lambda: render.schedules_section(
                    *self._manager.cards_of(person.id, render.MOST_SCHEDULES), command
                ),
            ),
            (
                "your alerts",
                lambda: render.alerts_section(
                    *self._alert_manager.cards_of(person.id, render.MOST_ALERTS), command
                ),
            ),
        ]
        if is_admin(person, services.settings):
            sections.append(
                (
                    "the status",
                    lambda: render.status_section(status.status(services, whole=False), command),
                )
            )
        return [_section_or_note(what, make) for what, make in sections]

    def _balance(self, person: SlackUser) -> Balance | None:
        services = self._services
        if sees_own_only(person.id, services.settings):
            return None
        return balance(services.store, services.clock())

    def _usage(self, asker: Asker) -> render.HomeUsage | str:
        """The usage that this person may see, or a sentence (mrkdwn) saying why there is none."""
        now = self._services.clock()
        directory = self._services.store.directory()
        if asker.own_only and not visibility.own(directory, asker):
            return f"{escape(visibility.why_no_usage(asker))} {ask_admins(self._services.settings)}"
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
        return render.HomeUsage(day, months[-1], tuple(months))

    def _answer(self, query: Query, asker: Asker, now: datetime) -> Summary | CommandError:
        services = self._services
        return answer(services.store, query, now, services.settings.zone, asker, whole=False)


def _section_or_note(what: str, make: Callable[[], list[Block]]) -> list[Block]:
    try:
        return make()
    except StoreError:
        raise  # the caller retries or tells the person
    except Exception:  # a failing section must not hide the others
        log.exception("A section of App Home failed: %s", what)
        return render.unavailable(what)


def _scope(asker: Asker) -> str:
    return "Your own usage." if asker.own_only else "The whole organization."
