"""A process that stands still between the check and the post, while another one delivers.

The process stops itself (SIGSTOP) right before it posts; the clock goes on for minutes, another
process takes over and delivers; then the first one goes on (SIGCONT). One message must be there.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.alerts.scope import RuleMembers
from bot.demo.slack import LocalSlack
from bot.schedules.figures import SavedNames
from bot.store import Database, Store
from bot.store.alerts.rules import AlertRules, NewRule
from bot.store.schedules.schedules import NewSchedule, Schedules
from reports.schedules.recurrence import Daily, Recurrence, TargetKind
from reports.usage.usage import NANO

from .. import databases
from .. import world as worlds
from .fleet import ROOT
from .freeze_worker import StepClock

LONGEST = 60.0
"""Seconds that a busy machine may take for one step."""


@dataclass
class Outcome:
    """What came of it."""

    rounds: int
    frozen: int = 0
    late: int = 0
    lost: int = 0
    doubled: int = 0

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds, {self.frozen} frozen before a post, {self.late} late copies"
            f" deleted: {self.lost} lost, {self.doubled} doubled"
        )


class ForkServer:
    """Forks workers, each for one tick."""

    def __init__(self, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.trust.freeze_worker", *map(str, arguments)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def start(self, kind: str) -> int:
        """Start a worker; its process id."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{kind}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


def state(pid: int) -> str:
    """The state of a process as the kernel says it: T is stopped, "" is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def run(folder: Path, filled: Path, rounds: int, seed: int, what: str) -> Outcome:
    """Freeze a worker of `reports` or `alerts` so often, each time for what is due by then."""
    chance, outcome = random.Random(seed), Outcome(rounds)
    database, ahead = folder / "activity.db", folder / "ahead"
    databases.copy(filled, database)
    ahead.write_text("0")
    clock = StepClock(ahead)
    with LocalSlack(clock=clock, rate_limits=False) as slack:
        files = Database(databases.at(database))
        fork_server = ForkServer(databases.at(database), slack.api_url, slack.bot_token, ahead)
        try:
            for number in range(rounds):
                (add_schedule if what == "reports" else add_rule)(files, slack, clock, number)
                clock.step(timedelta(minutes=2))
                first = fork_server.start(f"frozen {what}")
                wait_for(first, "T", "")
                outcome.frozen += state(first) == "T"
                clock.step(timedelta(minutes=chance.randint(4, 9)))
                wait_for(fork_server.start(f"steady {what}"), "")
                if state(first):
                    os.kill(first, signal.SIGCONT)
                wait_for(first, "")
                clock.step(timedelta(minutes=5))
                wait_for(fork_server.start(f"steady {what}"), "")
        finally:
            fork_server.end()
            files.close()
        outcome.late = sum(call.method == "chat.delete" for call in slack.calls)
        _count(outcome, slack)
    return outcome


def wait_for(pid: int, *states: str) -> None:
    """Wait until a process is in one of these states."""
    until = time.monotonic() + LONGEST
    while (found := state(pid)) not in states and not (found == "Z" and "" in states):
        assert time.monotonic() < until, f"process {pid} is {found!r} and not {states}"
        time.sleep(0.002)


def add_schedule(files: Database, slack: LocalSlack, clock: StepClock, number: int) -> None:
    """A daily report that is due within two minutes, in a channel of its own."""
    bot = slack.workspace.users[slack.bot_user_id]
    room = slack.workspace.add_channel(f"room-{number}", [bot])
    due = (clock() + timedelta(minutes=1)).replace(second=0, microsecond=0)
    draft = NewSchedule(
        slack.user("ada").id,
        "",
        # of a day that is held for certain, however far the clock has come
        f"spend {worlds.now() - timedelta(days=2):%Y-%m-%d} by model",
        Recurrence(Daily(), due.time(), "UTC"),
        TargetKind.CHANNEL,
        room.id,
        room.name,
        SavedNames().as_json(),
    )
    Schedules(files, lambda: due - timedelta(seconds=1)).add(draft)


def add_rule(files: Database, slack: LocalSlack, clock: StepClock, number: int) -> None:
    """An alert about the balance, which is below its limit already."""
    ada = slack.user("ada")
    used = {"at": clock().isoformat(), "credits": {"total": 100 * NANO, "used": 95 * NANO}}
    Store(files).keep_fact("limits", json.dumps(used))
    words = f"credits < ${10 + number}"
    draft = NewRule(ada.id, ada.email, words, RuleMembers().as_json())
    AlertRules(files, clock).add(draft, f"rule {number}")


def _count(outcome: Outcome, slack: LocalSlack) -> None:
    posted = Counter(
        message["metadata"]["event_payload"]["key"]
        for channel in list(slack.workspace.channels)
        for message in slack.messages(channel)
        if message.get("metadata")
    )
    outcome.lost = outcome.rounds - len(posted)
    outcome.doubled = posted.total() - len(posted)
