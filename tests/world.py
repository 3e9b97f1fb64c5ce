"""A whole small world for tests: a local OpenRouter, a local Slack, and the real bot between them.

Everything speaks real HTTP on 127.0.0.1. The organization is small and its usage is known, so that
a test can work out what an answer has to say.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from bot import app
from bot.app import Bot, Parts
from bot.config import Need, Settings, load
from bot.demo.openrouter.organization import Key, Member, Organization, Record
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import Ack, BotClient, Forge, LocalSlack, escaped
from bot.openrouter import OpenRouter
from bot.slack.scopes import SCOPES
from bot.sync.sync import Sync
from tests import databases

DOLLAR = 10**9
WEB, WORKER, WHOLE = Parts(web=True, worker=False), Parts(web=False, worker=True), Parts(True, True)


def now() -> datetime:
    """The clock on the wall, in UTC."""
    return datetime.now(UTC)


def small(at: datetime | None = None) -> Organization:
    """Ada and Grace, three keys, two models; every record lies within the last two days."""
    at = (at or now()).replace(second=0, microsecond=0)
    ada = Member("user_ada", "Ada", "Lovelace", "ada@example.com", "org:admin")
    grace = Member("user_grace", "Grace", "Hopper", "grace@example.com")
    keys = [Key("prod", creator=ada.id), Key("evals", creator=grace.id), Key("laptop")]
    prod, evals, laptop = (key.hash for key in keys)

    def used(minutes: int, key: str, member: str, model: str, dollars: int, **more: int) -> Record:
        moment = at - timedelta(minutes=minutes)
        tokens = {"prompt": 1_000 * dollars, "completion": 100 * dollars, "reasoning": 40 * dollars}
        return Record(moment, key, member, model, 3, credits_nano=dollars * DOLLAR, **tokens | more)

    claude, gpt = "anthropic/claude-opus-4.5", "openai/gpt-5.1"
    records = [
        used(2, prod, ada.id, claude, 7),
        used(30, prod, ada.id, gpt, 2),
        used(90, evals, grace.id, gpt, 5),
        used(600, evals, grace.id, claude, 3),
        used(1_000, laptop, "", gpt, 1, byok_requests=3, byok_nano=4 * DOLLAR),
        used(1_300, "", ada.id, claude, 6),
        used(2_600, prod, ada.id, claude, 11),
    ]
    return Organization([ada, grace], keys, records=records, credits=1_000 * DOLLAR)


def eager(settings: Settings, *_: object) -> OpenRouter:
    """The real client, without the pauses that spare the real OpenRouter."""
    return OpenRouter(
        settings.openrouter_url,
        settings.management_key.value,
        wait=lambda _: None,
        requests_a_minute=10**6,
    )


def fill(openrouter: LocalOpenRouter, database: Path) -> None:
    """The whole first sync into a database file."""
    settings = load(
        {
            "OPENROUTER_MANAGEMENT_KEY": openrouter.key,
            "OPENROUTER_BASE_URL": openrouter.base_url,
            "DATABASE_URL": databases.url(database),
        }
    )
    store, api = app.open_store(settings), eager(settings)
    sync = Sync(api, store, now)
    more = True
    try:
        while more:
            turn = sync.turn()
            assert not turn.error, turn.error
            more = turn.more
    finally:
        api.close()
        store.close()


def filled(organization: Organization, database: Path) -> LocalOpenRouter:
    """A local OpenRouter of an organization (not started), after the first sync from it."""
    openrouter = LocalOpenRouter(organization)
    openrouter.requests_per_minute = None
    with openrouter:
        fill(openrouter, database)
    return openrouter


@dataclass(slots=True)
class World:
    """All that is there; `bot` is running."""

    openrouter: LocalOpenRouter
    slack: LocalSlack
    bot: Bot
    settings: Settings
    values: Mapping[str, str]

    @property
    def bot_client(self) -> BotClient:
        """How Slack reaches the bot."""
        return self.slack.bot_client(self.url("/slack/events"))

    def url(self, path: str) -> str:
        """A URL of the bot's HTTP server."""
        return f"http://127.0.0.1:{self.bot.port}{path}"

    def send(
        self,
        text: str = "",
        user: str = "ada",
        channel: str = "general",
        forge: Forge | None = None,
    ) -> Ack:
        """A command, without waiting for its answer."""
        return self.bot_client.command(user, channel, text, forge=forge or Forge())

    def ask(self, text: str = "", user: str = "ada", channel: str = "general") -> dict[str, Any]:
        """A command, acknowledged without words, and the payload of its answer."""
        before = len(self.slack.responses)
        ack = self.send(text, user, channel)
        assert (ack.status, ack.body, ack.error) == (200, "", None)
        answers = self.slack.wait_for(lambda: self.slack.responses[before:])
        payload: dict[str, Any] = answers[-1]["payload"]
        return payload

    def words(self, text: str = "", user: str = "ada", channel: str = "general") -> str:
        """The text of a command's answer."""
        return str(self.ask(text, user, channel)["text"])


def say(world: World, text: str, user: str = "ada", channel: str = "general") -> str:
    """The text of the answer to words in which Slack escapes people and channels first."""
    return world.words(escaped(world.slack.workspace, text), user, channel)


def environment(
    openrouter: LocalOpenRouter, slack: LocalSlack, database: Path, **more: str
) -> dict[str, str]:
    """The settings that join the parts, as the environment would hold them."""
    return {
        "OPENROUTER_MANAGEMENT_KEY": openrouter.key,
        "OPENROUTER_BASE_URL": openrouter.base_url,
        **before_slack(slack, database),
        **more,
    }


def before_slack(slack: LocalSlack, database: Path) -> dict[str, str]:
    """The same of a bot on a database that never asks OpenRouter."""
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "DATABASE_URL": databases.url(database),
        "HOST": "127.0.0.1",
        "PORT": "0",
    }


@contextmanager
def running(
    openrouter: LocalOpenRouter,
    slack: LocalSlack,
    database: Path,
    parts: Parts = WEB,
    clock: Callable[[], datetime] = now,
    **more: str,
) -> Iterator[World]:
    """The bot between these two; `more` are further settings."""
    values = environment(openrouter, slack, database, **more)
    settings = load(values, Need.SLACK, Need.OPENROUTER)
    bot = Bot(settings, parts, clock)
    try:
        bot.start()
        yield World(openrouter, slack, bot, settings, values)
    finally:
        bot.stop()


@contextmanager
def administered(
    openrouter: LocalOpenRouter, database: Path, admin: str = "katherine", **more: str
) -> Iterator[World]:
    """The web half with somebody as its admin, before a Slack without rate limits."""
    with LocalSlack(scopes=SCOPES, rate_limits=False, file_delay=timedelta(0)) as slack:
        more["ACTIVITY_ADMINS"] = slack.user(admin).id
        with running(openrouter, slack, database, **more) as world:
            yield world


def wait_until(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something is so, as long as a busy machine may take; for what nobody announces."""
    end = monotonic() + seconds
    while not true():
        assert monotonic() < end, f"not so within {seconds} s"
        sleep(0.01)


@contextmanager
def quiet_logging() -> Iterator[None]:
    """Put the process's logging back as it was, after what sets it up anew."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
