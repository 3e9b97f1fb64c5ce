"""Downtime of minutes and days, and steps of the clock: what was due meanwhile comes once.

What has to come is worked out from the moments at which the bot looked: of what a schedule missed
between two of them, the newest is sent if it is at most three days old, and the owner is told of
the others. A crossing is told in every period that can still be evaluated.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path

from bot.demo.slack import LocalSlack
from bot.schedules.figures import SavedNames
from bot.store.schedules.schedules import NewSchedule
from reports.schedules.recurrence import Daily, Recurrence, TargetKind
from tests import world as worlds
from tests.bot.alerts.alert_bot import NOON, Truth, running_bot
from tests.bot.schedules.report_bot import ReportBot, report_bot
from tests.bot.schedules.test_deliver import MONDAY

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DOWNTIMES = (30 * MINUTE, 2 * DAY, 10 * DAY)
TOO_OLD = 3 * DAY
LOOK = 10 * MINUTE
"""How often the clock moves while the bot runs."""


@dataclass
class Outcome:
    """What came of it; `late` is what came after a downtime, `skipped` what was only mentioned."""

    due: int = 0
    late: int = 0
    skipped: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.due} due, {self.late} of them late, {self.skipped} skipped as too old:"
            f" {len(self.lost)} lost, {len(self.doubled)} doubled, {len(self.wrong)} wrong"
        )


class Oracle:
    """Which reports have to be sent, by the moments at which the bot looked."""

    def __init__(self, begin: datetime, at: dict[str, time]) -> None:
        self._at = at
        self._seen = begin
        self.sent: set[str] = set()
        self.late: set[str] = set()
        self.skipped: set[str] = set()

    def look(self, now: datetime) -> None:
        """The bot looks; a clock that was set back makes nothing due again."""
        for schedule, at in self._at.items():
            day, due = self._seen.date(), []
            while day <= now.date():
                moment = datetime.combine(day, at, now.tzinfo)
                if self._seen < moment <= now:
                    due.append((moment, f"{schedule}.{day}"))
                day += DAY
            if due and now - due[-1][0] <= TOO_OLD:
                moment, key = due.pop()
                self.sent.add(key)
                self.late |= {key} if now - moment > LOOK else set()
            self.skipped |= {key for _, key in due}
        self._seen = max(self._seen, now)


def reports(folder: Path, count: int, seed: int) -> Outcome:
    """So many daily reports over three downtimes, with the clock stepped at random in between."""
    chance, outcome = random.Random(seed), Outcome()
    database = folder / "activity.db"
    worlds.filled(worlds.small(MONDAY - timedelta(hours=30)), database)
    with report_bot(database, MONDAY) as bot:
        at = dict(_schedule(bot, chance, number) for number in range(count))
        oracle = Oracle(MONDAY, at)
        now = MONDAY
        for down in (*DOWNTIMES, timedelta()):
            until = now + chance.randint(5, 20) * HOUR
            while now < until:
                now += LOOK
                if chance.random() < 0.05:
                    now += chance.choice((-7, -2, -1, 25, 90)) * MINUTE
                oracle.look(now)
                bot.tick(now)
            bot.reporting.close()
            bot.__post_init__()  # the process starts again
            now += down + chance.randint(0, 59) * MINUTE
        _count_reports(outcome, bot, oracle)
    return outcome


def _schedule(bot: ReportBot, chance: random.Random, number: int) -> tuple[str, time]:
    """A daily report about a past day in a channel of its own; its id and its random minute."""
    slack, at = bot.slack, time(chance.randrange(24), chance.randrange(60))
    room = slack.workspace.add_channel(f"room-{number}", [slack.workspace.users[slack.bot_user_id]])
    draft = NewSchedule(
        slack.user("ada").id,
        "",
        f"spend {MONDAY - 2 * DAY:%Y-%m-%d} by model",
        Recurrence(Daily(), at, "UTC"),
        TargetKind.CHANNEL,
        room.id,
        room.name,
        SavedNames().as_json(),
    )
    return bot.reports.schedules.add(draft).id, at


def _count_reports(outcome: Outcome, bot: ReportBot, oracle: Oracle) -> None:
    posted = Counter(
        message["metadata"]["event_payload"]["key"].rpartition(".")[0]
        for channel in list(bot.slack.workspace.channels)
        for message in bot.slack.messages(channel)
        if message.get("metadata")
    )
    with bot.database.read() as connection:
        skipped = {
            f"{schedule}.{period}"
            for schedule, period in connection.execute(
                "SELECT schedule, period FROM run WHERE state = 'skipped'"
            )
        }
    outcome.due = len(oracle.sent) + len(oracle.skipped)
    outcome.late, outcome.skipped = len(oracle.late), len(oracle.skipped)
    outcome.lost = sorted(oracle.sent - posted.keys())
    outcome.doubled = [f"{key}: {times} times" for key, times in posted.items() if times > 1]
    outcome.wrong = [f"{key} was not due" for key in sorted(posted.keys() - oracle.sent)]
    if skipped != oracle.skipped:
        outcome.wrong.append(f"skipped, not as due: {sorted(skipped ^ oracle.skipped)[:5]}")


def alerts(folder: Path, rounds: int, seed: int) -> Outcome:
    """A limit of a day is crossed every day, also while the bot is down; so many bots."""
    chance, outcome = random.Random(seed), Outcome()
    for number in range(rounds):
        down = DOWNTIMES[number % len(DOWNTIMES)]
        truth = Truth()
        truth.use(NOON - 2 * DAY, 1)
        slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
        path = folder / f"alert-{number}.db"
        with running_bot(path, NOON, slack) as bot:
            bot.sync(truth, back=3 * DAY)
            bot.set_up("alert spend > $50 per day tz UTC")
            bot.tick()
            stopped = bot.clock.now
            bot.clock.now += down + chance.randint(0, 600) * MINUTE
            day = NOON
            while day <= bot.clock.now:
                truth.use(day, chance.choice((60, 40, 75)))
                day += DAY
            bot.restart()
            bot.sync(truth, back=13 * DAY)
            for _ in range(6):
                bot.tick()
                bot.clock.now += chance.choice((MINUTE, 3 * MINUTE, -2 * MINUTE))
                bot.sync(truth)
            earliest = max(stopped - 3 * HOUR, bot.clock.now - TOO_OLD).date()
            days = {at.date() for at, *_ in truth.used}
            crossed = {day for day in days if sum(_of(truth, day)) > 50 * worlds.DOLLAR}
            must = {day for day in crossed if day > earliest}
            may = must | (crossed & {earliest})
            told = Counter(one.period.date() for one in bot.delivered_crossings())
            name = f"down for {down}"
            outcome.due += len(must)
            outcome.late += len(must)
            outcome.lost += [f"{name}: {day}" for day in sorted(must - told.keys())]
            outcome.doubled += [f"{name}: {day}" for day, times in told.items() if times > 1]
            outcome.wrong += [f"{name}: {day} invented" for day in sorted(told.keys() - may)]
        path.unlink(missing_ok=True)
    return outcome


def _of(truth: Truth, day: object) -> list[int]:
    return [nano for (at, *_), nano in truth.used.items() if at.date() == day]
