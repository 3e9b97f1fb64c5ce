"""The kill loop: report workers are killed at random moments while Slack misbehaves.

Each report must be in Slack once in the end: none lost, none doubled, the database intact.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.demo.slack import LocalSlack
from bot.schedules.figures import SavedNames
from bot.store import Database
from bot.store.schedules.runs import ReportRuns
from bot.store.schedules.schedules import NewSchedule, Schedules
from reports.schedules.recurrence import Daily, Recurrence, TargetKind

from .. import databases
from .. import world as worlds
from .fleet import ServerTrouble, Slow, Workers, storm
from .short_leases import SHORT_LEASES

METHODS = ("chat.postMessage",) * 4 + ("conversations.history",)


@dataclass
class Outcome:
    """What came of it."""

    reports: int
    kills: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    seconds: float = 0
    lost: int = 0
    doubled: int = 0
    states: dict[str, int] = field(default_factory=dict)
    how: dict[str, int] = field(default_factory=dict)
    withdrawn: int = 0
    intact: bool = False
    server: str = ""

    def __str__(self) -> str:
        return (
            f"{self.reports} reports, {self.kills} kills, {sum(self.faults.values())} faults in"
            f" {self.seconds:.0f} s: {self.lost} lost, {self.doubled} doubled, database"
            f" {'intact' if self.intact else 'DAMAGED'}; {self.states}, {self.how},"
            f" {self.withdrawn} withdrawn{'; ' if self.server else ''}{self.server}"
        )


def add_rooms(slack: LocalSlack, count: int) -> list[str]:
    """The ids of as many new channels, which the bot is a member of."""
    bot = slack.workspace.users[slack.bot_user_id]
    return [slack.workspace.add_channel(f"room-{n}", [bot]).id for n in range(count)]


def set_up(
    database: Path,
    slack: LocalSlack,
    reports: int,
    rooms: Sequence[str],
    ahead: timedelta = timedelta(seconds=-61),
) -> None:
    """As many schedules over some channels, all due at one moment: a while ago, or ahead."""
    now = worlds.now()
    due = (now + ahead).replace(second=0, microsecond=0)
    files = Database(databases.at(database))
    schedules = Schedules(files, lambda: due - timedelta(seconds=1))
    schedule = Recurrence(Daily(), due.time(), "UTC")
    maker, nothing = slack.user("ada").id, SavedNames().as_json()
    for n in range(reports):
        question = f"spend yesterday by {('creator', 'model', 'key')[n % 3]}"
        room = n % len(rooms)
        draft = NewSchedule(
            maker, "", question, schedule, TargetKind.CHANNEL, rooms[room], f"room-{room}", nothing
        )
        schedules.add(draft)
    files.close()


class Fleet(Workers):
    """Workers that send reports.

    `patient` ones take the time of real life: their leases are long, and they keep Slack's pace.
    """

    def __init__(self, database: Path, slack: LocalSlack, *, patient: bool = False) -> None:
        arguments = [
            str(databases.at(database)),
            slack.api_url,
            slack.bot_token,
            *["patient"] * patient,
        ]
        super().__init__("report_worker", *arguments)


def run(
    folder: Path, filled: Path, reports: int, kills: int, most: int, seed: int, longest: float,
    restarts: int = 0,
) -> Outcome:  # fmt: skip
    """Kill so often while so many reports go out; then let the workers finish in peace.

    On a server, all connections are cut every 2 seconds, and it is restarted so often.
    """
    chance, outcome = random.Random(seed), Outcome(reports)
    database = folder / "activity.db"
    databases.copy(filled, database)
    begun = time.monotonic()
    with LocalSlack(rate_limits=False, longest_history_page=30) as slack:
        set_up(database, slack, reports, add_rooms(slack, max(4, reports // 25)))
        Slow(slack, random.Random(seed + 1))
        fleet = Fleet(database, slack)
        trouble = ServerTrouble(database, restarts)
        try:
            outcome.faults = storm(chance, fleet, slack, kills, most, METHODS, trouble)
            outcome.kills = kills
            while len(fleet.pids) < most:
                fleet.add()
            outcome.server = f"{trouble}" if databases.on_postgres() else ""
            _wait(database, begun + longest)
        finally:
            fleet.end()
        outcome.seconds = time.monotonic() - begun
        _count(outcome, slack, database)
    return outcome


def _wait(database: Path, until: float) -> None:
    files = Database(databases.at(database))
    runs = ReportRuns(files, worlds.now, SHORT_LEASES)
    while time.monotonic() < until:
        counts = runs.counts()
        if counts and set(counts) <= {"sent", "skipped", "uncertain", "failed"} and runs.idle():
            break
        time.sleep(0.2)
    files.close()


def _count(outcome: Outcome, slack: LocalSlack, database: Path) -> None:
    with databases.looking(database) as connection:
        _look(outcome, slack, connection)
    outcome.intact = databases.is_sound(database)


def _look(outcome: Outcome, slack: LocalSlack, connection: Any) -> None:
    keys = {
        f"{schedule}.{period}.{recipient}"
        for schedule, period, recipient in connection.execute(
            "SELECT schedule, period, recipient FROM run"
        )
    }
    states = connection.execute("SELECT state, count(*) FROM run GROUP BY 1")
    outcome.states = dict(states.fetchall())
    outcome.how = dict(connection.execute("SELECT how, count(*) FROM run GROUP BY 1").fetchall())
    [(outcome.withdrawn,)] = connection.execute("SELECT count(*) FROM withdrawn").fetchall()
    posted = Counter(
        message["metadata"]["event_payload"]["key"]
        for channel in list(slack.workspace.channels)
        for message in slack.messages(channel)
        if message.get("metadata")
    )
    assert set(posted) <= keys
    outcome.lost = outcome.reports - len(posted)
    outcome.doubled = sum(count - 1 for count in posted.values())
