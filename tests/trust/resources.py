"""Descriptors, connections, threads and memory after thousands of questions and reports."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import LocalSlack
from bot.slack.scopes import SCOPES
from tests import world as worlds
from tests.bot.test_process import started

QUESTIONS = ("spend 1d by key", "1m", "tokens 7d by model", "why spend yesterday", "status", "help")
TOGETHER = 10
"""Questions that are asked at the same time."""


@dataclass(frozen=True)
class Use:
    """What a process uses: a count of each, and megabytes."""

    descriptors: int
    threads: int
    megabytes: float

    @classmethod
    def of(cls, pid: int) -> Use:
        """What a process uses at the moment."""
        process = Path(f"/proc/{pid}")
        pages = int((process / "statm").read_text().split()[1])
        return cls(
            len(list((process / "fd").iterdir())),
            len(list((process / "task").iterdir())),
            pages * os.sysconf("SC_PAGESIZE") / 2**20,
        )

    def __str__(self) -> str:
        return f"{self.descriptors} descriptors, {self.threads} threads, {self.megabytes:.0f} MB"


@dataclass(frozen=True)
class Outcome:
    """What was used after the first questions, and after all of them."""

    asked: int
    unanswered: int
    early: Use
    late: Use

    @property
    def grown(self) -> list[str]:
        """What has grown."""
        found = []
        if self.late.descriptors > self.early.descriptors + TOGETHER:
            found.append(f"descriptors: {self.early.descriptors} to {self.late.descriptors}")
        if self.late.threads > self.early.threads + TOGETHER:
            found.append(f"threads: {self.early.threads} to {self.late.threads}")
        if self.late.megabytes > self.early.megabytes * 1.15 + 10:
            found.append(f"memory: {self.early.megabytes:.0f} to {self.late.megabytes:.0f} MB")
        return found

    def __str__(self) -> str:
        return f"{self.asked:,} questions: {self.early}, then {self.late}"


def ask(folder: Path, database: Path, count: int) -> Outcome:
    """Ask a bot in a process of its own so many questions, some at a time.

    What it uses is measured after a fifth of them, when everything was used once, and after all.
    """
    with (
        LocalOpenRouter(worlds.small()) as openrouter,
        LocalSlack(scopes=SCOPES, rate_limits=False, file_delay=timedelta(0)) as slack,
        started(folder, worlds.environment(openrouter, slack, database), "web") as bot,
    ):
        bot.wait_until_listening()
        pid = bot.process.pid
        client = slack.bot_client(f"http://127.0.0.1:{bot.port}/slack/events")
        unanswered, early = 0, Use.of(pid)
        for number in range(0, count, TOGETHER):
            for one in range(TOGETHER):
                client.command("ada", "general", QUESTIONS[(number + one) % len(QUESTIONS)])
            worlds.wait_until(lambda: len(slack.hooks.used) >= TOGETHER)
            unanswered += sum(
                "went wrong" in str(answer["payload"].get("text")) for answer in slack.responses
            )
            forget(slack)
            if number == count // 5 // TOGETHER * TOGETHER:
                early = Use.of(pid)
        return Outcome(count, unanswered, early, Use.of(pid))


def forget(slack: LocalSlack) -> None:
    """Let the local Slack forget what it was sent, so that it stays fast."""
    with slack.workspace.lock:
        slack.hooks.used.clear()
        slack._calls.clear()
