"""The bot in a process of its own before a local Slack, and people who ask it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from bot.demo.slack import Ack, BotClient, Forge, LocalSlack
from bot.demo.slack.chat import Chat
from bot.demo.slack.responses import ResponseUrls
from bot.demo.slack.signing import Sender
from bot.demo.slack.workspace import Json
from tests.bench.organizations import NOW
from tests.world import before_slack

HOLD = Forge(timestamp=str(int(NOW.timestamp())))
"""Signed at the moment at which the clocks of the benchmark stand still."""
PERSON, CHANNEL = "ada", "general"
JOURNAL = "--journal="


class Stamped(ResponseUrls):
    """Response URLs that note when they are posted to."""

    def __init__(self, chat: Chat) -> None:
        super().__init__(chat)
        self.arrivals: list[tuple[float, str]] = []

    def use(self, path: str, payload: Json) -> None:
        """Note the time before anything else is done."""
        self.arrivals.append((perf_counter(), path))
        super().use(path, payload)


class Unsent(Sender):
    """Signs requests and keeps them."""

    def post(self, body: bytes, headers: dict[str, str]) -> Ack:
        """As if it had been acknowledged."""
        return Ack(200, "", 0, sent=(body, headers))


@dataclass(frozen=True, slots=True)
class Served:
    """A bot that answers, and how to ask it."""

    slack: LocalSlack
    hooks: Stamped
    bot_client: BotClient

    def command(self, text: str, person: str = PERSON) -> Ack:
        """Send a command and wait for its acknowledgement alone."""
        return self.bot_client.command(person, CHANNEL, text, forge=HOLD)

    def signed(self, text: str, person: str = PERSON) -> tuple[str, dict[str, str]]:
        """The same command as a body and headers, not sent."""
        unsent = Unsent(self.bot_client.sender.url, self.slack.signing_secret)
        bot_client = self.slack.bot_client(unsent.url)
        bot_client.sender = unsent
        body, headers = bot_client.command(person, CHANNEL, text, forge=HOLD).sent
        return body.decode(), headers

    def ask(self, text: str) -> float:
        """Milliseconds from the signed request to the answer's post to the response URL."""
        before = len(self.hooks.used)
        begun = perf_counter()
        ack = self.command(text)
        if not ack.ok:
            raise RuntimeError(f"{text}: {ack.status} {ack.body}")
        answer = self.slack.wait_for(lambda: self.hooks.used[before:], timeout=60)
        blocks = answer[0]["payload"].get("blocks", [])
        if answer[0]["error"] or len(blocks) < 3:
            raise RuntimeError(f"{text}: {answer[0]}")
        return (self.hooks.arrivals[before][0] - begun) * 1_000


@contextmanager
def serving(database: Path, *busy: str, journal: str = "", admin: str = "") -> Iterator[Served]:
    """A bot on a database; `busy` are the arguments that keep it so.

    `journal` is a journal mode, whatever this SQLite is safe for; `admin` a person's name.
    """
    with LocalSlack(clock=lambda: NOW, rate_limits=False) as slack:
        slack.hooks = hooks = Stamped(slack.chat)
        environment = os.environ | before_slack(slack, database) | {"LOG_LEVEL": "WARNING"}
        if admin:
            environment["ACTIVITY_ADMINS"] = slack.user(admin).id
        command = [
            sys.executable,
            "-m",
            "tests.bench.bot_process",
            *([f"{JOURNAL}{journal}"] if journal else []),
            *busy,
        ]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
        ) as process:
            assert process.stdin
            assert process.stdout
            try:
                port = int(process.stdout.readline() or 0)
                yield Served(
                    slack, hooks, slack.bot_client(f"http://127.0.0.1:{port}/slack/events")
                )
            finally:
                process.stdin.close()
                process.wait(30)
