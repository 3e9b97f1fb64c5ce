"""A bot whose clock a test sets: moving it on makes reports due."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from bot.answers.file_worker import Renderer, RenderError
from bot.config import load
from bot.demo.slack import LocalSlack
from bot.http.metrics import Metrics
from bot.schedules.deliver import ReportDelivery, ReportServices
from bot.schedules.manage import ScheduleManager
from bot.services import Services
from bot.slack.client import Slack
from bot.slack.posting import Posting
from bot.store import Database, Store
from bot.store.admin.audit_log import AuditLog
from bot.store.admin.status import StatusReader
from bot.store.expiring_keys import ExpiringKeys
from bot.store.schedules.notices import Notices
from bot.store.schedules.opt_outs import OptOuts
from bot.store.schedules.runs import ReportRuns
from bot.store.schedules.schedules import Schedules, StoredSchedule
from reports.commands import parse_command
from reports.schedules.grammar import ScheduledQuestion
from tests import databases


@dataclass
class ReportBot:
    """The bot with a local Slack; `tick()` does what the scheduler would."""

    slack: LocalSlack
    store: Store
    reports: ReportServices
    now: datetime
    database: Database

    def __post_init__(self) -> None:
        self.reporting = ReportDelivery(self.reports)
        self.subscriptions = ScheduleManager(self.reports)

    def say(self, text: str, user: str = "ada", channel: str = "general") -> str:
        """The text of the answer to a schedule command."""
        scheduled = parse_command(text)
        assert isinstance(scheduled, ScheduledQuestion), scheduled
        person = self.reports.services.slack.person(self.slack.user(user).id)
        return self.subscriptions.set_up(
            person, scheduled, self.slack.channel(channel).id
        ).message.text

    def set_up(self, text: str, **where: str) -> StoredSchedule:
        """Set up a schedule; return it."""
        said = self.say(text, **where)
        assert said.startswith("Scheduled"), said
        return self.reports.schedules.of(None)[-1]

    def tick(self, at: datetime | None = None) -> None:
        """Set the clock, if given, and do the worker's work once."""
        self.now = at or self.now
        self.reporting.tick()

    def posted(self, channel: str = "general") -> list[dict[str, Any]]:
        """The reports in a channel."""
        return [m for m in self.slack.messages(channel) if m.get("metadata")]

    def direct_messages(self, user: str = "ada") -> list[str]:
        """The texts of the direct messages to someone, without reports."""
        messages = self.slack.messages(self.slack.im(user).id)
        return [m["text"] for m in messages if not m.get("metadata") and "thread_ts" not in m]

    def states(self) -> list[tuple[str, str, str]]:
        """Period, state and error of all runs."""
        with self.database.read() as connection:
            return connection.execute("SELECT period, state, error FROM run ORDER BY id").fetchall()


class NoPictures:
    """A renderer that always fails, for tests without files: messages keep the native chart."""

    def file(self, job: object) -> NoReturn:
        raise RenderError("no pictures here")


@contextmanager
def report_bot(
    database: Path,
    now: datetime,
    slack: LocalSlack | None = None,
    *,
    pictures: bool = False,
    make_renderer: Callable[[Path | str], Renderer] = Renderer,
    **settings: str,
) -> Iterator[ReportBot]:
    """A bot at a moment, with a cache that was filled before."""
    local = slack or LocalSlack(file_delay=timedelta(0), rate_limits=False)
    with local:
        values = {
            "SLACK_BOT_TOKEN": local.bot_token,
            "SLACK_API_URL": local.api_url,
            "DATABASE_URL": databases.url(database),
            **settings,
        }
        loaded = load(values)
        files = Database(databases.at(database))
        store, stopping = Store(files), threading.Event()
        edge = Slack(local.bot_token, local.api_url, wait=lambda _: None)
        bot: list[ReportBot] = []

        def clock() -> datetime:
            return bot[0].now if bot else now

        renderer = make_renderer(loaded.database_address) if pictures else NoPictures()
        audit = AuditLog(files, clock)
        memory = ExpiringKeys(files, clock)
        metrics, overview = Metrics(store, clock), StatusReader(files)
        services = Services(loaded, store, edge, metrics, renderer, clock, audit, memory, overview)
        reports = ReportServices(
            services,
            Schedules(files, clock),
            ReportRuns(files, clock),
            Notices(files, clock),
            Posting(edge, lambda _: None),
            "office",
            stopping,
            OptOuts(files, clock),
        )
        bot.append(ReportBot(local, store, reports, now, files))
        yield bot[0]
        stopping.set()
        audit.flush()
        files.close()
