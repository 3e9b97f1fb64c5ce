"""A reference model of visibility, and bots whose messages are compared with it.

What a person with access to their own usage only sees must not depend on other people. So it is
compared with what the same bot sends when there are no other people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from bot.alerts.deliver import AlertDelivery
from bot.answers.file_worker import Renderer, RenderError
from bot.answers.write_file import Job, UnanswerableError, write_file
from bot.app import Bot, open_store
from bot.config import Need, load
from bot.demo.openrouter.organization import Key, Member, Organization, Record, key_hash
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import Ack, BotClient, LocalSlack
from bot.listeners.background import BackgroundWork
from bot.listeners.background import _Job as WorkJob
from bot.schedules.deliver import ReportDelivery
from bot.slack.types import ReplyTarget
from bot.store import Database, Store
from bot.sync.sync import Sync
from tests import databases
from tests import world as worlds
from tests.clock import Clock

START = datetime(2026, 11, 18, 12, 0, 30, tzinfo=UTC)
ADMIN = "katherine"
LIMITED = ("ada", "grace")
NAMES = {
    "ada": ("Ada Lovelace", "ada@example.com", "lab-ada", "y/adas-model"),
    "grace": ("Grace Hopper", "grace@example.com", "evals", "x/secret-model"),
    "katherine": ("Katherine Johnson", "katherine@example.com", "board"),
    "mary": ("Mary Jackson", "mary@example.com", "orbit", "z/marys-model"),
}
"""What each is called, and what is theirs alone."""


# -- the reference model


class May(Enum):
    """What somebody may have of what they do."""

    NOTHING = "they are of elsewhere, a guest, a bot or gone"
    NO_ADMIN = "it is for admins"
    NOT_THEIRS = "it is somebody else's"
    OWN = "their own part of it"
    ALL = "all of it"


def may(
    person: str, *, own: bool, guests: bool, forged: bool = False,
    for_admins: bool = False, maker: str | None = None, shows: str | None = None,
) -> May:  # fmt: skip
    """Who may see what.

    `maker` has set up what is clicked on, `shows` is whose usage alone it shows.
    """
    if forged or person in {"otto", "eve", "former", "activity"}:
        return May.NOTHING
    if person == "guest" and not guests:
        return May.NOTHING
    if person == ADMIN:
        return May.ALL
    if for_admins:
        return May.NO_ADMIN
    if maker not in {None, person}:
        return May.NOT_THEIRS
    if not own:
        return May.ALL
    if person not in LIMITED or shows not in {None, person}:
        return May.NOT_THEIRS
    return May.OWN


# -- the organization, whole or of one alone


def organization(only: str | None = None) -> Organization:
    """Four people with usage that cannot be mistaken, or one of them; one key is nobody's."""
    creators = {name: f"user_{name}" for name in NAMES}
    people = [
        Member(creators[name], *words[0].split(), words[1])
        for name, words in NAMES.items()
        if only in {None, name}
    ]
    keys = {
        (name, key): Key(key, key_hash(f"{name} {key}"), creators[name])
        for name, words in NAMES.items()
        for key in ("prod", words[2])
        if only in {None, name}
    }
    stray = Key("stray", key_hash("stray"))
    records = []
    for place, (name, words) in enumerate(NAMES.items()):
        if only not in {None, name}:
            continue
        models = ("anthropic/claude-opus-4.5", words[3] if len(words) > 3 else "openai/gpt-5.1")
        for number, hours in enumerate((1, 5, 30, 100, 200, 700)):
            key = keys.get((name, ("prod", words[2], "")[number % 3]))
            amount = 7_919 * (place + 2) ** 3 + 104_729 * number
            records.append(
                Record(
                    START - timedelta(hours=hours), key.hash if key else "", creators[name],
                    models[number % 2], amount % 97 + 3, credits_nano=amount * 10**5,
                    prompt=amount, completion=amount // 7, reasoning=amount // 11,
                    byok_requests=number, byok_nano=amount * 10**4 * number,
                )
            )  # fmt: skip
    return Organization(people, [*keys.values(), stray], records=records, credits=10**12)


def fill(only: str | None, database: Path) -> None:
    """The whole first sync of an organization into a database."""
    with LocalOpenRouter(organization(only), clock=lambda: START) as server:
        server.requests_per_minute = None
        values = {
            "OPENROUTER_MANAGEMENT_KEY": server.key,
            "OPENROUTER_BASE_URL": server.base_url,
            "DATABASE_URL": databases.url(database),
        }
        settings = load(values)
        store, api = open_store(settings), worlds.eager(settings)
        more = True
        while more:
            turn = Sync(api, store, lambda: START).turn()
            assert not turn.error, turn.error
            more = turn.more
        api.close()
        store.close()


# -- a bot, and all that it sends


@dataclass
class Side:
    """A bot in its workspace; `sent` is what it sent since somebody last looked."""

    slack: LocalSlack
    bot: Bot
    bot_client: BotClient
    clock: Clock
    schedules: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    cards: dict[str, str] = field(default_factory=dict)
    fired: dict[str, tuple[str, str]] = field(default_factory=dict)
    said: str = ""
    """The ts of what a person said last."""
    _heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def hear(self, kind: str, data: dict[str, Any]) -> None:
        said = kind in {"message", "message_changed", "ephemeral"} and data.get("bot_id")
        if said or kind in {"view", "home"}:
            self._heard.append((kind, data))
        elif kind == "message":
            self.said = data["ts"]

    def sent(self) -> list[tuple[str, str, str]]:
        """Kind, for whom, and all of it as text, of what was sent since the last look."""
        heard, self._heard = self._heard, []
        return [(kind, self._for_whom(data), self._essence(data)) for kind, data in heard]

    def person(self, name: str) -> str:
        """A person's id."""
        return self.slack.user(name).id

    def tick(self) -> None:
        """What the worker does when reports are due."""
        self.clock.now += timedelta(seconds=2)
        ReportDelivery(self.bot.reports).tick()

    def alert(self) -> None:
        """What the worker does after a sync: judge the alert rules, and tell what is to be told."""
        self.clock.now += timedelta(minutes=2)
        self.bot.evaluator.evaluate_all()
        AlertDelivery(self.bot.alerts, self.bot.evaluator).tick()

    def _for_whom(self, data: dict[str, Any]) -> str:
        if data.get("_user"):
            return str(data["_user"])
        where = data.get("channel")
        if not where:
            return str(data.get("user") or data.get("_for") or "")
        channel = self.slack.channel(where)
        return self._owner(channel.id) if channel.kind == "im" else channel.name

    def _owner(self, im: str) -> str:
        members = self.slack.channel(im).members
        return next(iter(members - {self.slack.bot_user_id}))

    def _essence(self, data: dict[str, Any]) -> str:
        shown = {name: data.get(name) for name in _SHOWN}
        files = [self._file(file["id"]) for file in data.get("files", [])]
        text = json.dumps([shown, files], ensure_ascii=False)
        text = re.sub(r"D0DEMO\d+", lambda found: self._owner(found[0]), text)
        return _IDS.sub("#", text)

    def _file(self, id_: str) -> tuple[str, str]:
        """A file's name, and what is in it where that is text."""
        file = self.slack.uploads.by_id[id_]
        data = file.data or b""
        return file.name, "" if data[:4] in {b"%PDF", b"\x89PNG"} else data.decode()


_SHOWN = ("text", "blocks", "title", "thread_ts", "_errors")
_IDS = re.compile(
    r'"value": "(?:[0-9a-f]{10}|\d+[^"]*)"|[FV]0DEMO\d+|\d{10}\.\d{6}|"[0-9a-f]{10}"'
    r'|"block_id": "(?![qk]\|)[^"]*"|http://127[^"]*'
)


@contextmanager
def side(only: str | None, folder: Path, clock: Clock, **settings: str) -> Iterator[Side]:
    """A bot on the usage of everybody, or of one alone."""
    database = folder / f"{only or 'all'}-{'-'.join(settings.values())}.db"
    fill(only, database)
    with LocalSlack(clock=clock, rate_limits=False, file_delay=timedelta(0)) as slack:
        slack.workspace.add_user("eve", "Eve Elsewhere", team_id="T0OTHER0001")
        values = {
            "OPENROUTER_MANAGEMENT_KEY": "sk-or-v1-none",
            "OPENROUTER_BASE_URL": "http://127.0.0.1:9",
            **worlds.before_slack(slack, database),
            "ACTIVITY_ADMINS": slack.user(ADMIN).id,
            **settings,
        }
        bot = Bot(load(values, Need.SLACK, Need.OPENROUTER), worlds.WEB, clock)
        bot.start()
        # nothing has to outlast this test: the log's thousands of entries wait for no disk
        databases.in_a_hurry(bot.database)
        try:
            bot_client = slack.bot_client(f"http://127.0.0.1:{bot.port}/slack/events")
            bot_client.sender.now = lambda: clock().timestamp()
            administered = Side(slack, bot, bot_client, clock)
            slack.listen(administered.hear)
            yield administered
        finally:
            bot.stop()


class Here(Renderer):
    """Writes files as ever, but in this process: thousands of them would take minutes to start."""

    def _run(self, job: Job, path: Path) -> None:
        database = Database(databases.at(self._database), must_exist=True)
        try:
            with path.open("wb") as out:
                write_file(Store(database), job, out)
        except UnanswerableError as error:
            raise RenderError(str(error)) from error
        finally:
            database.close()


def at_once(work: BackgroundWork, place: ReplyTarget, job: Callable[[], None], **_: object) -> None:
    """Work that is done before the acknowledgement, so that nobody has to wait for it."""
    work._run(WorkJob(place, job))


def good(ack: Ack) -> None:
    """Nothing that was sent to the bot may go without its acknowledgement."""
    assert ack.status == 200, ack.body
