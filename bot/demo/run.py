"""`activity demo`: the real bot between a local OpenRouter and a local Slack, with a web page."""

from __future__ import annotations

import logging
import os
import signal
import threading
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import click

from bot.app import Bot, Parts
from bot.config import Need, Settings, load
from bot.demo.clock import DemoClock
from bot.demo.clock_controls import CONTROLS, Controls
from bot.demo.openrouter.organization import Organization
from bot.demo.openrouter.sample_organization import PEOPLE, USES, looping, sample
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.page import Page, Role
from bot.demo.page.completion import EXAMPLES, completion
from bot.demo.slack import LocalSlack
from bot.demo.slack.workspace import Json
from bot.runtime import logs
from bot.store.alerts.rules import NewRule
from reports.questions.slack.form import SHORTCUT, TITLE
from reports.usage.coverage import gaps
from reports.usage.windows_to_fetch import HISTORY

UNHURRIED = 1_000_000
"""Requests per minute: the local OpenRouter has no other users, so the bot needn't slow down."""
REPORT_TICK = 2
"""Seconds between checks for due reports: the user of the demo is watching."""
CALM = timedelta(seconds=30)
"""How long after the start an agent begins to loop, which triggers an alert."""
WATCHED = ("spike by key", "budget 80% 100%")
"""The alert rules that the admin has from the start."""
NAME = "Lumen Labs"
ROLES = {
    "ada": Role("admin"),
    "farid": Role("creator"),
    "guest": Role("guest", "Guests can't ask unless the bot's settings allow it."),
    "otto": Role(
        "another company",
        "In Slack, people of other companies can't use commands, only buttons in messages. Here "
        "the command is sent anyway, to show that the bot refuses it.",
    ),
}
_MAIL = "lumenlabs.example"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def run_demo(port: int) -> None:
    """Serve the page on 127.0.0.1 (`port`, or the next free one) until SIGINT or SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stay_on_this_machine()
    with Demo(port) as demo:
        taken = "" if demo.page.port == port or not port else f" (port {port} is taken)"
        click.echo(f"Activity is at {demo.page.url}{taken} - press Ctrl-C to stop.")
        demo.begin()
        while not stop.wait(0.2):
            demo.look()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)


def stay_on_this_machine() -> None:
    """Remove proxies from this process's environment: all servers are on this machine."""
    for name in _PROXIES:
        os.environ.pop(name, None)
        os.environ.pop(name.lower(), None)


class Demo:
    """All servers: creating this starts the page, `begin()` starts the bot, `look()` checks the
    bot."""

    def __init__(self, port: int = 0) -> None:
        self._stack = ExitStack()
        folder = self._stack.enter_context(TemporaryDirectory(prefix="activity-demo-"))
        self.database = Path(folder) / "activity.db"
        people = tuple((f"{short}@{_MAIL}", _name(short, *names)) for short, *names in PEOPLE)
        self.clock = DemoClock()
        self.slack = self._stack.enter_context(LocalSlack(people=people, clock=self.clock))
        roles = set_up_workspace(self.slack)
        self.organization = sample(self.clock())
        self.organization.records += looping(self.clock() + CALM)
        about = {
            "team": NAME,
            "examples": EXAMPLES,
            "words": _completion(self.organization),
            "controls": CONTROLS,
            "shortcuts": [{"id": SHORTCUT, "name": TITLE}],
            "greeting": f"{NAME} is a sample company: {len(people)} people,"
            f" {len(self.organization.keys)} API keys and a year of usage, updating live.",
        }
        self.page = Page(self.slack, port=port, roles=roles, about=about).start()
        self._stack.callback(self.page.stop)
        Controls(self.slack, self.clock, lambda: self.bot).add_to(self.page.actions)
        self.openrouter = LocalOpenRouter(self.organization, clock=self.clock)
        self.openrouter.requests_per_minute = None
        self._stack.enter_context(self.openrouter)
        self.bot: Bot | None = None
        self._stack.callback(self.stop_bot)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def begin(self) -> Bot:
        """Start the bot, or start it again."""
        settings = self.settings()
        logs.set_up(settings.log_level, settings.secrets, as_json=False)
        # Ticks are skipped while the first sync runs; those warnings would only distract.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        parts = Parts(web=True, worker=True)
        self.bot = bot = Bot(settings, parts, self.clock, requests_a_minute=UNHURRIED)
        bot.report_tick = REPORT_TICK
        self._watch(bot)
        bot.start()
        bot_client = self.slack.bot_client(f"http://127.0.0.1:{bot.port}/slack/events")
        bot_client.sender.now = self.clock.timestamp
        self.page.actions.bot_client = bot_client
        self.look()
        return bot

    def _watch(self, bot: Bot) -> None:
        """Give the admin some alert rules; deleted ones aren't added again."""
        ada = self.slack.user("ada")
        for words in WATCHED:
            bot.alerts.rules.add(NewRule(ada.id, ada.email, words), f"demo {words}")

    def stop_bot(self) -> None:
        """Stop only the bot; the page stays and shows that it is down."""
        bot, self.bot = self.bot, None
        if bot:
            bot.stop()

    def settings(self) -> Settings:
        """The bot's settings, which don't depend on the environment."""
        values = {
            "OPENROUTER_MANAGEMENT_KEY": self.openrouter.key,
            "OPENROUTER_BASE_URL": self.openrouter.base_url,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "SLACK_API_URL": self.slack.api_url,
            "DATABASE_URL": f"sqlite:///{self.database}",
            "HOST": "127.0.0.1",
            "PORT": "0",
            "ACTIVITY_ADMINS": self.slack.user("ada").id,
            "LOG_LEVEL": "WARNING",
        }
        return load(values, Need.SLACK, Need.OPENROUTER)

    def look(self) -> None:
        """Check the bot's health over HTTP and show it on the page."""
        self.page.show_status(self._status())

    def _status(self) -> Json:
        bot = self.bot
        if bot is None or not _answers(f"http://127.0.0.1:{bot.port}/healthz"):
            return {"state": "down"}
        if not _answers(f"http://127.0.0.1:{bot.port}/readyz"):
            return {"state": "syncing", "progress": 0.0}
        progress = sync_progress(bot)
        return {"state": "up" if progress >= 1 else "syncing", "progress": round(progress, 3)}


def set_up_workspace(slack: LocalSlack) -> dict[str, Role]:
    """Create the company's channels; returns the roles of the people listed first, by user id."""
    workspace = slack.workspace
    staff = [user for user in workspace.users.values() if user.email.endswith(f"@{_MAIL}")]
    bot = workspace.users[slack.bot_user_id]
    workspace.add_channel("engineering", [bot, *staff])
    money = {slack.user(name).id for name in ("ada", "ben", "elena", "kasia")}
    workspace.change_channel("finance", members=frozenset(money | {bot.id}))
    return {slack.user(name).id: role for name, role in ROLES.items()}


def sync_progress(bot: Bot) -> float:
    """The share of OpenRouter's usage that the bot has stored, 0 to 1."""
    now, state = bot.clock(), bot.store.state()
    absent = [
        sum((b - a for a, b in gaps((now - reach, now), state.coverage.get(g, ()))), timedelta())
        / reach
        for g, reach in HISTORY.items()
    ]
    done = 1 - sum(absent) / len(absent)
    return 1.0 if done > 0.97 else done


def _completion(organization: Organization) -> list[Json]:
    keys = [key.name for key in organization.keys if not key.deleted]
    creators = [member.email for member in organization.members or () if member.email]
    return completion({use[1].slug for use in USES}, keys, creators)


def _name(short: str, first: str | None, last: str | None) -> str:
    return " ".join(part for part in (first, last) if part) or short.capitalize()


def _answers(url: str) -> bool:
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
