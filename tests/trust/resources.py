"""Descriptors, connections, threads and memory after thousands of questions and reports."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import LocalSlack
from bot.slack.scopes import SCOPES
from tests import world as worlds
from tests.bot.test_process import Running, started

from . import reports as report_loop

QUESTIONS = ("spend 1d by key", "1m", "tokens 7d by model", "why spend yesterday", "status", "help")
TOGETHER = 10
"""Questions that are asked at the same time."""
BATCH = 20
"""Reports that are due at the same time."""
ROOMS = 10
REPORT_SECONDS = 120
"""How long no report may arrive while some are due."""


@dataclass(frozen=True)
class Use:
    """What a process uses: a count of each, and megabytes with those of its child processes."""

    descriptors: int
    connections: int
    threads: int
    megabytes: float

    @classmethod
    def of(cls, pid: int) -> Use:
        """What a process uses at the moment."""
        process = Path(f"/proc/{pid}")
        opened = []
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):  # it was closed meanwhile
                opened.append(str(descriptor.readlink()))
        pages = sum(_pages(one) for one in (pid, *_children(pid)))
        return cls(
            len(opened),
            sum(name.startswith("socket:") for name in opened),
            len(list((process / "task").iterdir())),
            pages * os.sysconf("SC_PAGESIZE") / 2**20,
        )

    def __str__(self) -> str:
        return (
            f"{self.descriptors} descriptors, {self.connections} connections,"
            f" {self.threads} threads, {self.megabytes:.0f} MB"
        )


def _pages(pid: int) -> int:
    """The pages of memory of a process; 0 if it has ended meanwhile."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0


def _children(pid: int) -> list[int]:
    """The processes that a process started."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # the thread has ended meanwhile
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


@dataclass(frozen=True)
class Outcome:
    """What was used after the first questions and reports, and after all of them."""

    asked: int
    unanswered: int
    reports: int
    lost: int
    early: Use
    late: Use

    @property
    def grown(self) -> list[str]:
        """What has grown."""
        found = []
        for name in ("descriptors", "connections", "threads"):
            early, late = getattr(self.early, name), getattr(self.late, name)
            if late > early + TOGETHER:
                found.append(f"{name}: {early} to {late}")
        if self.late.megabytes > self.early.megabytes * 1.15 + 10:
            found.append(f"memory: {self.early.megabytes:.0f} to {self.late.megabytes:.0f} MB")
        return found

    def __str__(self) -> str:
        return f"{self.asked:,} questions, {self.reports:,} reports: {self.early}, then {self.late}"


def use(folder: Path, database: Path, questions: int, reports: int) -> Outcome:
    """Ask a bot in a process of its own so many questions, some at a time, between its reports.

    What it uses is measured after a fifth of them, when everything was used once, and after all.
    """
    with (
        LocalOpenRouter(worlds.small()) as openrouter,
        LocalSlack(scopes=SCOPES, rate_limits=False, file_delay=timedelta(0)) as slack,
    ):
        rooms = report_loop.add_rooms(slack, ROOMS)
        # due before it starts, so that reports are among the first things it does
        report_loop.set_up(database, slack, BATCH, rooms)
        values = worlds.environment(openrouter, slack, database)
        with started(folder, values, "run") as bot:
            return _use(bot, slack, database, rooms, questions, reports)


def _use(
    bot: Running, slack: LocalSlack, database: Path, rooms: list[str], questions: int, reports: int
) -> Outcome:
    bot.wait_until_listening()
    pid = bot.process.pid
    client = slack.bot_client(f"http://127.0.0.1:{bot.port}/slack/events")
    rounds, batches = questions // TOGETHER, reports // BATCH
    unanswered, due, early = 0, 1, Use.of(pid)
    for number in range(rounds):
        while due < batches * (number + 1) // rounds:
            report_loop.set_up(database, slack, BATCH, rooms)
            due += 1
        for one in range(TOGETHER):
            client.command("ada", "general", QUESTIONS[(number * TOGETHER + one) % len(QUESTIONS)])
        worlds.wait_until(lambda: len(slack.hooks.used) >= TOGETHER)
        unanswered += sum(
            "went wrong" in str(answer["payload"].get("text")) for answer in slack.responses
        )
        forget(slack)
        if number == rounds // 5:
            _wait_for_reports(slack, rooms, due * BATCH)
            early = Use.of(pid)
    lost = _wait_for_reports(slack, rooms, due * BATCH)
    return Outcome(rounds * TOGETHER, unanswered, due * BATCH, lost, early, Use.of(pid))


def _wait_for_reports(slack: LocalSlack, rooms: list[str], count: int) -> int:
    """Wait until so many reports were posted; how many are missing once no more arrive."""
    latest, since = -1, monotonic()
    while (posted := _posted(slack, rooms)) < count:
        if posted > latest:
            latest, since = posted, monotonic()
        elif monotonic() - since > REPORT_SECONDS:
            break
        sleep(2)  # each look copies all messages
    return count - posted


def _posted(slack: LocalSlack, rooms: list[str]) -> int:
    return sum(bool(one.get("metadata")) for room in rooms for one in slack.messages(room))


def forget(slack: LocalSlack) -> None:
    """Let the local Slack forget what it was sent, so that it stays fast."""
    with slack.workspace.lock:
        slack.hooks.used.clear()
        slack._calls.clear()
