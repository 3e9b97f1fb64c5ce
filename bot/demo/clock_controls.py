"""What only the demo can do: have a report posted now, and jump to the next Monday morning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta

from bot.app import Bot
from bot.demo.clock import DemoClock
from bot.demo.page.actions import Hands, Refused
from bot.demo.slack import LocalSlack
from bot.demo.slack.workspace import Json
from bot.schedules.manage import ScheduleManager
from bot.store.schedules.schedules import StoredSchedule
from reports.schedules.grammar import ScheduledQuestion, ScheduleTarget
from reports.schedules.recurrence import Recurrence, TargetKind, Weekly, first
from reports.schedules.slack.cards import STANDARD

MAKER = "ada"
ZONE = "Europe/Berlin"
CONTROLS = [
    {"name": "report", "label": "Post last week's report now"},
    {"name": "monday", "label": "Jump to Monday 9:00"},
]
_BEFORE = timedelta(seconds=2)


class Controls:
    """Sets the weekly report up for the channel that is looked at, and lets it be due."""

    def __init__(self, slack: LocalSlack, clock: DemoClock, bot: Callable[[], Bot | None]) -> None:
        self._slack = slack
        self._clock = clock
        self._bot = bot

    def add_to(self, hands: Hands) -> None:
        """Let the page do these too."""
        hands.also("report", self.report)
        hands.also("monday", self.monday)

    def report(self, wish: Json) -> None:
        """Have the weekly report posted where the page looks."""
        bot = self._running()
        entry = self._weekly(bot, wish)
        bot.reports.runs.add_now(entry, entry.draft.owner, f"{self._clock.timestamp():.6f}")

    def monday(self, wish: Json) -> None:
        """Jump to the moment at which the weekly report is due."""
        bot = self._running()
        self._weekly(bot, wish)
        monday = first(Recurrence(Weekly(), time(9), ZONE), self._clock())
        self._clock.jump_to(monday.at - _BEFORE)

    def _running(self) -> Bot:
        bot = self._bot()
        if bot is None:
            raise Refused("The bot is still starting.")
        return bot

    def _weekly(self, bot: Bot, wish: Json) -> StoredSchedule:
        """The weekly report of the channel that is looked at, set up if it is not yet."""
        standing = replace(STANDARD, zone=ZONE, target=self._place(str(wish.get("channel", ""))))
        person = bot.slack.person(self._slack.user(MAKER).id)
        said = ScheduleManager(bot.reports).set_up(person, standing, "").message.text
        found = [one for one in bot.reports.schedules.of(person.id) if _is(one, standing)]
        if not found:
            raise Refused(said)
        return found[-1]

    def _place(self, channel: str) -> ScheduleTarget:
        known = self._slack.workspace.channels.get(channel)
        if known is None or known.kind == "im":
            return STANDARD.target
        return ScheduleTarget(TargetKind.CHANNEL, known.id, known.name)


def _is(entry: StoredSchedule, standing: ScheduledQuestion) -> bool:
    same = entry.draft.question == standing.query.words()
    place = standing.target
    there = place.kind is not TargetKind.CHANNEL or entry.draft.channel == place.id
    return same and there and entry.draft.target is place.kind
