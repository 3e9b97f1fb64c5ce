"""Buttons that only the demo has: post a report now, and jump to the next Monday morning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta

from bot.app import Bot
from bot.demo.clock import DemoClock
from bot.demo.page.actions import PersonActions, Refused
from bot.demo.slack import LocalSlack
from bot.demo.slack.workspace import Json
from bot.schedules.manage import ScheduleManager
from bot.store.schedules.schedules import StoredSchedule
from reports.schedules.grammar import ScheduledQuestion, ScheduleTarget
from reports.schedules.recurrence import Recurrence, TargetKind, Weekly, first_run
from reports.schedules.slack.cards import STANDARD

OWNER = "ada"
ZONE = "Europe/Berlin"
CONTROLS = [
    {"name": "report", "label": "Post last week's report now"},
    {"name": "monday", "label": "Jump to Monday 9:00"},
]
_BEFORE = timedelta(seconds=2)
"""How long before the due time to jump, so that the user sees the report arrive."""


class Controls:
    """Schedules the weekly report of the open channel, and makes it due at once."""

    def __init__(self, slack: LocalSlack, clock: DemoClock, bot: Callable[[], Bot | None]) -> None:
        self._slack = slack
        self._clock = clock
        self._bot = bot

    def add_to(self, actions: PersonActions) -> None:
        """Register the actions of these buttons with the page."""
        actions.add("report", self.report)
        actions.add("monday", self.monday)

    def report(self, body: Json) -> None:
        """Post the weekly report in the open channel now."""
        bot = self._running()
        entry = self._weekly(bot, body)
        bot.reports.runs.add_now(entry, entry.draft.owner, f"{self._clock.timestamp():.6f}")

    def monday(self, body: Json) -> None:
        """Jump to just before the weekly report is due."""
        bot = self._running()
        self._weekly(bot, body)
        monday = first_run(Recurrence(Weekly(), time(9), ZONE), self._clock())
        self._clock.jump_to(monday.at - _BEFORE)

    def _running(self) -> Bot:
        bot = self._bot()
        if bot is None:
            raise Refused("The bot is still starting.")
        return bot

    def _weekly(self, bot: Bot, body: Json) -> StoredSchedule:
        """The weekly report of the open channel; scheduled first if necessary."""
        wanted = replace(STANDARD, zone=ZONE, target=self._target(str(body.get("channel", ""))))
        person = bot.slack.person(self._slack.user(OWNER).id)
        answer = ScheduleManager(bot.reports).set_up(person, wanted, "").message.text
        found = [one for one in bot.reports.schedules.of(person.id) if _is(one, wanted)]
        if not found:
            raise Refused(answer)
        return found[-1]

    def _target(self, channel: str) -> ScheduleTarget:
        known = self._slack.workspace.channels.get(channel)
        if known is None or known.kind == "im":
            return STANDARD.target
        return ScheduleTarget(TargetKind.CHANNEL, known.id, known.name)


def _is(entry: StoredSchedule, wanted: ScheduledQuestion) -> bool:
    same = entry.draft.question == wanted.query.words()
    place = wanted.target
    there = place.kind is not TargetKind.CHANNEL or entry.draft.channel == place.id
    return same and there and entry.draft.target is place.kind
