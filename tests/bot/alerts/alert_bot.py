"""Alerts on a clock that stands where a test puts it; usage is put straight into the cache."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from bot.alerts.deliver import AlertDelivery
from bot.alerts.evaluate import RuleEvaluator
from bot.alerts.manage import AlertManager
from bot.alerts.message_actions import MessageActions
from bot.alerts.services import AlertServices
from bot.config import load
from bot.demo.slack import LocalSlack
from bot.http.metrics import Metrics
from bot.services import Services
from bot.slack.client import Slack
from bot.slack.posting import Posting
from bot.store import Database, Store
from bot.store.admin.audit_log import AuditLog
from bot.store.admin.status import StatusReader
from bot.store.alerts.events import AlertEvents
from bot.store.alerts.messages import AlertMessages
from bot.store.alerts.quiet_hours import StoredQuietHours
from bot.store.alerts.rules import AlertRules, StoredRule
from bot.store.alerts.silences import AlertSilences
from bot.store.alerts.states import AlertStates
from bot.store.alerts.usage_sums import AlertUsage
from bot.store.encoding import StoredView, to_seconds
from bot.store.expiring_keys import ExpiringKeys
from bot.store.schedules.notices import Notices
from bot.store.schedules.runs import ReportRuns
from bot.store.usage import openrouter_facts
from bot.store.usage.diff import RowKey
from reports.alerts.rule import Rule
from reports.commands import parse_command
from reports.time.time_range import Granularity, floor
from reports.usage.dimensions import Dimension
from reports.usage.figure_table import OPTIONAL_NAMES
from reports.usage.usage import ZERO, Usage
from reports.usage.windows_to_fetch import Window
from tests import databases
from tests.bot.schedules.report_bot import NoPictures
from tests.clock import Clock

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
DOLLAR = 10**9
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
KEYS = (("hash_prod", "prod"), ("hash_evals", "evals"), ("hash_lab", "lab"))
PEOPLE = (
    ("user_ada", "Ada Lovelace", "ada@example.com"),
    ("user_grace", "Grace Hopper", "grace@example.com"),
)
OWNERS = (("hash_prod", "user_ada"), ("hash_evals", "user_grace"))


@dataclass
class Truth:
    """What OpenRouter says was used: minute, key, model -> nano-dollars; a test revises it."""

    used: dict[tuple[datetime, str, str], int] = field(default_factory=dict)
    own_keys: set[str] = field(default_factory=set)
    """Keys whose usage is BYOK, paid to the provider."""

    cached: dict[tuple[datetime, str, str], int] = field(default_factory=dict)
    """The share of prompt tokens from a cache in percent; a cached token saves 500 nano-dollars."""
    figures: frozenset[str] = OPTIONAL_NAMES
    """The optional figures that OpenRouter reports."""

    def use(
        self, at: datetime, dollars: float, key: str = "prod", model: str = "a/x", cached: int = 0
    ) -> None:
        """Somebody uses so much in a minute."""
        self.cached[floor(at, Granularity.MINUTE), key, model] = cached
        place = floor(at, Granularity.MINUTE), key, model
        self.used[place] = self.used.get(place, 0) + round(dollars * DOLLAR)

    def total(self, start: datetime, end: datetime, key: str | None = None) -> int:
        """What was used in a stretch of time."""
        return sum(
            nano
            for (at, name, _), nano in self.used.items()
            if start <= at < end and key in (None, name)
        )


class DeliveredCrossing(NamedTuple):
    """A crossing that was told: its event's id, the key of its message, and what crossed when."""

    event: int
    key: str
    rule: str
    subject: str
    period: datetime


class AlertBot:
    """One process of the bot: `sync()` brings the truth into its cache, `tick()` is its worker."""

    def __init__(self, database: Path, clock: Clock, slack: LocalSlack, **settings: str) -> None:
        values = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_API_URL": slack.api_url,
            "DATABASE_URL": databases.url(database),
            **settings,
        }
        loaded = load(values)
        self.clock, self.slack = clock, slack
        self.database = Database(databases.at(database))
        databases.in_a_hurry(self.database)
        self.store, stopping = Store(self.database), threading.Event()
        edge = Slack(slack.bot_token, slack.api_url, wait=lambda _: None)
        services = Services(
            loaded,
            self.store,
            edge,
            Metrics(self.store, clock),
            NoPictures(),
            clock,
            AuditLog(self.database, clock),
            ExpiringKeys(self.database, clock),
            StatusReader(self.database),
        )
        self.alerts = AlertServices(
            services,
            AlertRules(self.database, clock),
            AlertStates(self.database, clock),
            AlertSilences(self.database, clock),
            AlertEvents(self.database, clock),
            AlertMessages(self.database, clock),
            StoredQuietHours(self.database, clock),
            AlertUsage(self.database),
            ReportRuns(self.database, clock),
            Notices(self.database, clock),
            Posting(edge, lambda _: None),
            f"watch {id(self)}",
            stopping,
        )
        self.restart()

    def restart(self) -> None:
        """Forget all that the process knew and did not write down."""
        self.evaluator = RuleEvaluator(self.alerts)
        self.delivery = AlertDelivery(self.alerts, self.evaluator)
        self.alert_manager = AlertManager(self.alerts, self.evaluator)
        self.message_actions = MessageActions(self.alerts, self.evaluator)

    def close(self) -> None:
        """End the process."""
        self.alerts.stopping.set()
        self.alerts.services.audit.flush()
        self.database.close()

    def set_up_workspace(self) -> None:
        """List keys, people and models."""
        self.store.list_members(
            [(ref, name, f"sk-{name}") for ref, name in KEYS], list(PEOPLE), list(OWNERS)
        )
        self.store.add_members(Dimension.MODEL, [(m, m, "") for m in ("a/x", "b/y", "c/z")])

    def sync(self, truth: Truth, *, back: timedelta = 3 * HOUR, evaluate: bool = True) -> None:
        """Bring what is true now into the cache at all granularities, and judge."""
        now = self.clock()
        for granularity, reach in (
            (Granularity.MINUTE, min(back, 3 * HOUR)),
            (Granularity.HOUR, max(back, 2 * HOUR)),
            (Granularity.DAY, max(back, DAY)),
        ):
            start = floor(now - reach, granularity)
            window = Window(granularity, start, now)
            self.store.replace(window, rows(self.store, truth, window), now, known=truth.figures)
        if evaluate:
            self.evaluator.evaluate_all()

    def tick(self) -> None:
        """What the worker does."""
        self.evaluator.tick()
        self.delivery.tick()

    def say(self, text: str, user: str = "ada", channel: str = "general") -> str:
        """What is answered to words about alerts."""
        rule = parse_command(text)
        assert isinstance(rule, Rule), rule
        person = self.alerts.services.slack.person(self.slack.user(user).id)
        return self.alert_manager.set_up(person, rule, self.slack.channel(channel).id).message.text

    def set_up(self, text: str, **where: str) -> StoredRule:
        """Set a rule up and give it."""
        before = {one.id for one in self.alerts.rules.of(None)}
        said = self.say(text, **where)
        [entry] = [one for one in self.alerts.rules.of(None) if one.id not in before]
        assert entry, said
        return entry

    def delivered_crossings(self) -> list[DeliveredCrossing]:
        """Of which crossings there is a message."""
        with self.database.read() as connection:
            found = connection.execute(
                "SELECT e.id, t.key, e.rule, e.subject, e.period FROM alert_event e"
                " JOIN alert_telling t ON t.id = e.telling AND t.state = 'sent'"
                " WHERE e.kind = 'triggered'"
            ).fetchall()
        return [
            DeliveredCrossing(*row, datetime.fromisoformat(f"{period}+00:00"))
            for *row, period in found
        ]

    def direct_messages(self, user: str = "ada") -> list[dict[str, Any]]:
        """The alerts in somebody's direct messages, threads aside."""
        return self.channel_messages(self.slack.im(user).id)

    def channel_messages(self, channel: str) -> list[dict[str, Any]]:
        """The alerts in a channel, threads aside."""
        return [m for m in self.slack.messages(channel) if _alert(m) and "thread_ts" not in m]

    def thread_replies(self, user: str = "ada") -> list[dict[str, Any]]:
        """The alerts in the threads of somebody's direct messages."""
        messages = self.slack.messages(self.slack.im(user).id)
        return [m for m in messages if _alert(m) and "thread_ts" in m]


def _alert(message: dict[str, Any]) -> bool:
    payload = message.get("metadata", {}).get("event_payload", {})
    return str(payload.get("key", "")).startswith("alert.")


def rows(store: Store, truth: Truth, window: Window) -> list[tuple[RowKey, Usage]]:
    """The rows of a window in both views."""
    ids = store.directory().ids
    creators = {name: dict(OWNERS).get(ref, "") for ref, name in KEYS}
    refs = {name: ref for ref, name in KEYS}
    found: dict[RowKey, Usage] = {}
    end = window.end
    for (at, key, model), nano in truth.used.items():
        if not window.start <= at < end or not nano:
            continue
        bucket = to_seconds(floor(at, window.granularity))
        model_id = ids[Dimension.MODEL, model]
        for view, member in (
            (StoredView.KEY, ids[Dimension.KEY, refs[key]]),
            (StoredView.CREATOR, ids[Dimension.CREATOR, creators[key]]),
        ):
            place = (view, bucket, member, model_id)
            byok = nano if key in truth.own_keys else 0
            prompt = nano // 1000
            cached = prompt * truth.cached.get((at, key, model), 0) // 100
            usage = Usage(
                requests=1, prompt=prompt, credits=nano - byok, byok=byok,
                cached=cached, saved=cached * 500,
            )  # fmt: skip
            before = found.get(place, ZERO)
            found[place] = Usage(*map(sum, zip(before, usage, strict=True)))
    return list(found.items())


def list_keys(bot: AlertBot, created: timedelta, disabled: tuple[str, ...] = ()) -> None:
    """OpenRouter lists the keys, created so long before NOON, and their details."""
    bot.store.list_members(
        [(ref, name, f"sk-{name}") for ref, name in KEYS],
        list(PEOPLE),
        list(OWNERS),
        [(ref, NOON - created) for ref, _ in KEYS],
    )
    owners = dict(OWNERS)
    details = {
        ref: {
            "disabled": ref in disabled, "expires": None, "limited": False, "workspace": "w",
            "creator": owners.get(ref, ""),
        }
        for ref, _ in KEYS
    }  # fmt: skip
    bot.store.keep_fact(
        openrouter_facts.KEYS, json.dumps({"at": NOON.isoformat(), "keys": details})
    )


@contextmanager
def running_bot(
    database: Path, now: datetime, slack: LocalSlack | None = None, **settings: str
) -> Iterator[AlertBot]:
    """One process with an empty cache at a moment."""
    local = slack or LocalSlack(file_delay=timedelta(0), rate_limits=False)
    with local:
        watch = AlertBot(database, Clock(now), local, **settings)
        watch.set_up_workspace()
        yield watch
        watch.close()
