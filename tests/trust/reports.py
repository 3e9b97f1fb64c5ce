"""The kill loop: report workers are killed at random moments while Slack misbehaves.

Each report must be in Slack once in the end: none lost, none doubled, the database intact.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from bot.demo.slack import LocalSlack
from bot.flows.report import Known
from bot.store import Database
from bot.store.runs import Runs
from bot.store.schedules import Draft, Schedules
from reports.schedule import Daily, Schedule, Target

from .. import world as worlds
from .hurried import HURRIED, LONGEST_DELAY

FAULTS = ("drop", "drop_after", "half", 500, 503, "internal_error", 429)
ROOT = Path(__file__).parents[2]


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

    def __str__(self) -> str:
        return (
            f"{self.reports} reports, {self.kills} kills, {sum(self.faults.values())} faults in"
            f" {self.seconds:.0f} s: {self.lost} lost, {self.doubled} doubled, database"
            f" {'intact' if self.intact else 'DAMAGED'}; {self.states}, {self.how},"
            f" {self.withdrawn} withdrawn"
        )


def set_up(
    database: Path,
    slack: LocalSlack,
    reports: int,
    channels: int,
    ahead: timedelta = timedelta(seconds=-61),
) -> None:
    """As many schedules over some channels, all due at one moment: a while ago, or ahead."""
    bot = slack.workspace.users[slack.bot_user_id]
    places = [slack.workspace.add_channel(f"room-{n}", [bot]).id for n in range(channels)]
    now = worlds.now()
    due = (now + ahead).replace(second=0, microsecond=0)
    files = Database(database)
    schedules = Schedules(files, lambda: due - timedelta(seconds=1))
    schedule = Schedule(Daily(), due.time(), "UTC")
    maker, nothing = slack.user("ada").id, Known().as_json()
    for n in range(reports):
        question = f"spend yesterday by {('creator', 'model', 'key')[n % 3]}"
        room = n % channels
        draft = Draft(
            maker, "", question, schedule, Target.CHANNEL, places[room], f"room-{room}", nothing
        )
        schedules.add(draft)
    files.close()


class Slow:
    """Lets some calls of the local Slack take their time, before or after they are taken."""

    def __init__(self, slack: LocalSlack, chance: random.Random) -> None:
        self._call = slack.api.call
        self._chance = chance
        slack.api.call = self  # type: ignore[method-assign,assignment]

    def __call__(self, name, args, token):
        before = self._chance.random() < 0.01
        after = self._chance.random() < 0.01
        if before:
            time.sleep(self._chance.uniform(0.1, LONGEST_DELAY))
        answer = self._call(name, args, token)
        if after:
            time.sleep(self._chance.uniform(0.1, LONGEST_DELAY))
        return answer


class Fleet:
    """Some workers, forked from one process that has everything imported.

    `patient` ones take the time of real life: their leases are long, and they keep Slack's pace.
    """

    def __init__(self, database: Path, slack: LocalSlack, *, patient: bool = False) -> None:
        command = [sys.executable, "-m", "tests.trust.report_worker", str(database)]
        self._nursery = subprocess.Popen(
            [*command, slack.api_url, slack.bot_token, *["patient"] * patient],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.pids: list[int] = []

    def add(self) -> None:
        assert self._nursery.stdin
        assert self._nursery.stdout
        self._nursery.stdin.write("one\n")
        self._nursery.stdin.flush()
        self.pids.append(int(self._nursery.stdout.readline()))

    def kill(self, pid: int) -> None:
        self.pids.remove(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        for pid in list(self.pids):
            self.kill(pid)
        self._nursery.kill()
        self._nursery.communicate()


def run(
    folder: Path, filled: Path, reports: int, kills: int, most: int, seed: int, longest: float
) -> Outcome:
    """Kill so often while so many reports go out; then let the workers finish in peace."""
    chance, outcome = random.Random(seed), Outcome(reports)
    database = folder / "activity.db"
    database.write_bytes(filled.read_bytes())
    begun = time.monotonic()
    with LocalSlack(rate_limits=False, longest_history_page=30) as slack:
        set_up(database, slack, reports, max(4, reports // 25))
        Slow(slack, random.Random(seed + 1))
        fleet = Fleet(database, slack)
        try:
            _kill(chance, fleet, slack, outcome, kills, most)
            slack.faults.clear()
            while len(fleet.pids) < most:
                fleet.add()
            _wait(database, begun + longest)
        finally:
            fleet.end()
        outcome.seconds = time.monotonic() - begun
        _count(outcome, slack, database)
    return outcome


def _kill(
    chance: random.Random, fleet: Fleet, slack: LocalSlack, outcome: Outcome, kills: int, most: int
) -> None:
    wanted = 1
    while outcome.kills < kills:
        if outcome.kills % 10 == 0:
            wanted = chance.randint(1, most)
        while len(fleet.pids) < wanted:
            fleet.add()
        for _ in range(chance.randint(0, 4)):
            fault = chance.choice(FAULTS)
            method = chance.choice(("chat.postMessage",) * 4 + ("conversations.history",))
            slack.fail(method, fault)
            outcome.faults[f"{fault}"] += 1
        time.sleep(chance.uniform(0.02, 0.6))
        fleet.kill(chance.choice(fleet.pids))
        outcome.kills += 1


def _wait(database: Path, until: float) -> None:
    files = Database(database)
    runs = Runs(files, worlds.now, HURRIED)
    while time.monotonic() < until:
        counts = runs.counts()
        if counts and set(counts) <= {"sent", "skipped", "uncertain", "failed"} and runs.idle():
            break
        time.sleep(0.2)
    files.close()


def _count(outcome: Outcome, slack: LocalSlack, database: Path) -> None:
    connection = sqlite3.connect(database)
    keys = {
        f"{schedule}.{period}.{recipient}"
        for schedule, period, recipient in connection.execute(
            "SELECT schedule, period, recipient FROM run"
        )
    }
    outcome.states = dict(connection.execute("SELECT state, count(*) FROM run GROUP BY 1"))
    outcome.how = dict(connection.execute("SELECT how, count(*) FROM run GROUP BY 1"))
    [(outcome.withdrawn,)] = connection.execute("SELECT count(*) FROM withdrawn")
    outcome.intact = connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()
    posted = Counter(
        message["metadata"]["event_payload"]["key"]
        for channel in list(slack.workspace.channels)
        for message in slack.messages(channel)
        if message.get("metadata")
    )
    assert set(posted) <= keys
    outcome.lost = outcome.reports - len(posted)
    outcome.doubled = sum(count - 1 for count in posted.values())
