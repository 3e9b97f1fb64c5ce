"""The composition root: creates and connects all parts of the bot."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from queue import SimpleQueue
from time import monotonic, sleep
from typing import TYPE_CHECKING

from bot.config import Settings
from bot.runtime import priority
from bot.runtime.heartbeat import heartbeat
from bot.runtime.isolation import isolated
from bot.store import Database, Store, StoreError
from bot.store.sync_state import LEASE, LEASE_LENGTH

if TYPE_CHECKING:
    from slack_bolt import App

    from bot.alerts.deliver import AlertDelivery
    from bot.alerts.evaluate import RuleEvaluator
    from bot.alerts.services import AlertServices
    from bot.clickhouse import ClickHouse
    from bot.http.metrics import Metrics
    from bot.openrouter import OpenRouter
    from bot.schedules.deliver import ReportServices
    from bot.services import Services
    from bot.slack.client import Slack
    from bot.slack.socket_mode import SocketMode
    from bot.store.schedules.runs import Timing
    from bot.sync.sync import Sync

log = logging.getLogger(__name__)

# Seconds between ticks. A tick without work is one query; these are short compared to the delays
# that people notice, except the audit log's, which only deletes old entries.
SYNC_TICK = 5
REPORT_TICK = 15
ALERT_TICK = 5
AUDIT_TICK = 6 * 3600
SYNC_LEASE = LEASE_LENGTH
SHUTDOWN_SECONDS = 8.0
"""How long started work may continue after SIGTERM: orchestrators kill after ten seconds. See
bot.listeners.background for how jobs share it."""
LOOK_SECONDS = 0.5
"""How soon a signal is noticed that the system gave to another thread than the main one."""
PROBE_SECONDS = 0.3
"""How long a probe waits for the database before it gets the last known state."""
SCRAPE_SECONDS = 2.0
"""How long a scrape of the metrics waits for the database before it gets the last ones."""
STUCK_SECONDS = 10.0
"""After this many seconds without a response from the database, the process isn't ready."""


def utc_now() -> datetime:
    """The clock of the process."""
    return datetime.now(UTC)


def process_name() -> str:
    """A unique name of this process: `process 4711 on web-1 (a1b2c3d4)`."""
    return f"process {os.getpid()} on {socket.gethostname()} ({secrets.token_hex(4)})"


def open_store(settings: Settings, *, must_exist: bool = False) -> Store:
    """The cache. Raises StoreError."""
    return Store(Database(settings.database_address, must_exist=must_exist))


def make_openrouter(
    settings: Settings,
    wait: Callable[[float], object] | None = None,
    requests_a_minute: int | None = None,
) -> OpenRouter:
    """The OpenRouter client; `requests_a_minute` defaults to OpenRouter's rate limit."""
    from bot.openrouter import OpenRouter  # noqa: PLC0415 - not needed by `ask` and `web`
    from bot.openrouter.client import REQUESTS_A_MINUTE  # noqa: PLC0415

    return OpenRouter(
        settings.openrouter_url,
        settings.management_key.value,
        wait=wait,
        requests_a_minute=requests_a_minute or REQUESTS_A_MINUTE,
    )


def make_clickhouse(
    settings: Settings, wait: Callable[[float], object] | None = None
) -> ClickHouse | None:
    """The client of the organization's ClickHouse for the sync; None without CLICKHOUSE_URL."""
    if not settings.clickhouse_url:
        return None
    from bot.clickhouse import ClickHouse  # noqa: PLC0415 - not needed by `ask` and `web`

    return ClickHouse(settings.clickhouse_url.value, settings.clickhouse_table, wait=wait)


def make_live_clickhouse(settings: Settings) -> ClickHouse | None:
    """The same for questions that somebody waits for, with shorter limits."""
    if not settings.clickhouse_url:
        return None
    from bot.clickhouse import LIVE, ClickHouse  # noqa: PLC0415 - not needed by most questions

    return ClickHouse(settings.clickhouse_url.value, settings.clickhouse_table, limits=LIVE)


@dataclass(frozen=True, slots=True)
class Parts:
    """Which parts of the bot run in this process."""

    web: bool
    worker: bool


class Bot:
    """The bot in this process: create it, then start, then stop it."""

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        clock: Callable[[], datetime] | None = None,
        requests_a_minute: int | None = None,
    ) -> None:
        from bot.admin.database_monitor import DatabaseMonitor  # noqa: PLC0415
        from bot.http.metrics import Metrics  # noqa: PLC0415 - not needed by `ask` and `sync`
        from bot.slack.client import Slack  # noqa: PLC0415
        from bot.store.admin.audit_log import AuditLog  # noqa: PLC0415

        self.settings = settings
        self.parts = parts
        self.requests_a_minute = requests_a_minute
        self.stopping = threading.Event()
        self._stopped_at: float | None = None
        self.database = Database(settings.database_address)
        # processes on several machines go by one clock
        self.clock = clock or self.database.now
        self.store = Store(self.database)
        self.slack: Slack = Slack(
            settings.slack_bot_token.value, settings.slack_api_url, wait=self.stopping.wait
        )
        # only the worker notifies admins, because it writes all the time
        admins = settings.admins if parts.worker else ()
        self.database.observer = DatabaseMonitor(admins, self._notify_admin)
        self.metrics: Metrics = Metrics(self.store, self.clock)
        self.port = 0
        self.owner = process_name()
        self.timing: Timing | None = None
        self.report_tick = REPORT_TICK
        self._stops = ExitStack()
        self._stops.callback(self.store.close)
        self.audit = AuditLog(self.database, self.clock, settings.secrets)
        self._stops.callback(self.audit.close)
        self._socket: SocketMode | None = None

    def start(self) -> None:
        """Start the HTTP server, Socket Mode and the worker, and return. Raises OSError."""
        from bot.runtime.private_folder import delete_leftovers  # noqa: PLC0415 - not needed by `ask` and `sync`

        delete_leftovers()
        if self.parts.web:
            self._look_up_identity()
            app = self._listen()
            self._open_http(app)
            if self.settings.socket_mode:
                self._connect_socket(app)
        if self.parts.worker:
            self._start_worker()

    def stop(self) -> None:
        """Stop listening and finish started work."""
        self.stopping.set()
        self._stopped_at = monotonic()
        self._stops.close()

    def healthy(self) -> str | None:
        """A problem of this process, or None."""
        if self._socket is not None and not self._socket.connected:
            return "Socket Mode is not connected"
        return "stopping" if self.stopping.is_set() else None

    def ready(self) -> str | None:
        """Why the cache can't answer yet, or None."""
        missing = 3 - len(self.store.state().synced)
        return "the first sync isn't finished yet" if missing > 0 else None

    def _notify_admin(self, user: str, words: str) -> None:
        """Send an admin (Slack id) a direct message. Raises DeliveryError."""
        from reports.block_kit.message import text_message  # noqa: PLC0415

        self.slack.direct(user, text_message(words))

    def _look_up_identity(self) -> None:
        from bot.slack.types import DeliveryError  # noqa: PLC0415

        try:
            identity = self.slack.identity()
            if identity.team and self.store.fact("organisation") != identity.team:
                self.store.keep_fact("organisation", identity.team)
        except DeliveryError as error:
            if error.permanent:
                raise
            log.warning("Slack is not reachable yet (%s), retrying at the next request", error)

    def _listen(self) -> App:
        from bot.alerts.form import AlertForm  # noqa: PLC0415
        from bot.alerts.manage import AlertManager  # noqa: PLC0415
        from bot.alerts.message_actions import MessageActions  # noqa: PLC0415
        from bot.home.home import Homes  # noqa: PLC0415
        from bot.http.slack_signatures import SharedSignatures  # noqa: PLC0415
        from bot.listeners import (  # noqa: PLC0415
            alerts,
            ask_owner,
            bolt_app,
            command,
            controls,
            exports,
            forms,
            home,
            messages,
            schedules,
        )
        from bot.listeners import help as help_buttons  # noqa: PLC0415
        from bot.listeners.background import BackgroundWork  # noqa: PLC0415
        from bot.questions.form import QuestionForm  # noqa: PLC0415
        from bot.schedules.form import ScheduleForm  # noqa: PLC0415
        from bot.schedules.manage import ScheduleManager  # noqa: PLC0415
        from reports.alerts.slack.form import CALLBACK as ALERT_FORM  # noqa: PLC0415
        from reports.home.slack.home import ASK, NEW_ALERT, NEW_SCHEDULE  # noqa: PLC0415
        from reports.questions.slack.form import CALLBACK as QUESTION_FORM  # noqa: PLC0415
        from reports.questions.slack.form import SHORTCUT  # noqa: PLC0415
        from reports.schedules.slack.form import CALLBACK as SCHEDULE_FORM  # noqa: PLC0415

        app = bolt_app.make_app(self.slack, self.settings.slack_bot_token.value)
        reports = self.reports
        claim = SharedSignatures(reports.services.expiring_keys).claim
        work = BackgroundWork(self.slack, self.database.is_free, claim)
        self._stops.callback(lambda: work.stop(self._stopped_at))
        services, schedule_manager = reports.services, ScheduleManager(reports)
        alert_manager = AlertManager(self.alerts, self.evaluator)
        command.register(app, services, work, schedule_manager, alert_manager)
        messages.register(app, services, work, schedule_manager, alert_manager)
        exports.register(app, services, work)
        ask_owner.register(app, services, work)
        help_buttons.register(app, services, work)
        homes = Homes(services, schedule_manager, alert_manager)
        schedule = ScheduleForm(services, schedule_manager, homes.refresh)
        alert = AlertForm(services, alert_manager, homes.refresh)
        question = QuestionForm(services, reports.posting, work.submit)
        opens = {ASK: question.new, NEW_SCHEDULE: schedule.new, NEW_ALERT: alert.new}
        controls.register(app, services, work, schedule, alert)
        schedules.register(app, reports, schedule_manager, work, schedule, homes)
        home.register(app, services, homes, work, opens, {SHORTCUT: question.new})
        forms.register(
            app,
            services,
            work,
            {SCHEDULE_FORM: schedule, ALERT_FORM: alert, QUESTION_FORM: question},
        )
        actions = MessageActions(self.alerts, self.evaluator)
        alerts.register(app, services, alert_manager, actions, work, alert, homes)
        bolt_app.register_fallbacks(app)
        return app

    def _services(self) -> Services:
        from bot.answers.file_worker import Renderer  # noqa: PLC0415
        from bot.services import Services  # noqa: PLC0415
        from bot.store.admin.status import StatusReader  # noqa: PLC0415
        from bot.store.expiring_keys import ExpiringKeys  # noqa: PLC0415

        return Services(
            self.settings,
            self.store,
            self.slack,
            self.metrics,
            Renderer(
                self.settings.database_address,
                self.settings.clickhouse_url.value,
                self.settings.clickhouse_table,
            ),
            self.clock,
            self.audit,
            ExpiringKeys(self.database, self.clock),
            StatusReader(self.database),
            self._traces(),
        )

    def _traces(self) -> ClickHouse | None:
        """The client of ClickHouse for questions."""
        traces = make_live_clickhouse(self.settings)
        if traces:
            self._stops.callback(traces.close)
        return traces

    @cached_property
    def reports(self) -> ReportServices:
        """The services of scheduled reports."""
        from bot.schedules.deliver import ReportServices  # noqa: PLC0415
        from bot.slack.posting import Posting  # noqa: PLC0415
        from bot.store.schedules.notices import Notices  # noqa: PLC0415
        from bot.store.schedules.opt_outs import OptOuts  # noqa: PLC0415
        from bot.store.schedules.runs import ReportRuns  # noqa: PLC0415
        from bot.store.schedules.schedules import Schedules  # noqa: PLC0415

        database = self.database
        runs = ReportRuns(database, self.clock, self.timing)
        self.metrics.count_runs(runs.counts)
        return ReportServices(
            services=self._services(),
            schedules=Schedules(database, self.clock),
            runs=runs,
            notices=Notices(database, self.clock),
            posting=Posting(self.slack, self.stopping.wait),
            owner=self.owner,
            stopping=self.stopping,
            opt_outs=OptOuts(database, self.clock),
        )

    @cached_property
    def alerts(self) -> AlertServices:
        """The services of alerts."""
        from bot.alerts.services import AlertServices  # noqa: PLC0415
        from bot.store.alerts.events import AlertEvents  # noqa: PLC0415
        from bot.store.alerts.messages import AlertMessages  # noqa: PLC0415
        from bot.store.alerts.quiet_hours import StoredQuietHours  # noqa: PLC0415
        from bot.store.alerts.rules import AlertRules  # noqa: PLC0415
        from bot.store.alerts.silences import AlertSilences  # noqa: PLC0415
        from bot.store.alerts.states import AlertStates  # noqa: PLC0415
        from bot.store.alerts.usage_sums import AlertUsage  # noqa: PLC0415

        reports = self.reports
        messages = AlertMessages(self.database, self.clock)
        self.metrics.count_alerts(messages.counts)
        return AlertServices(
            services=reports.services,
            rules=AlertRules(self.database, self.clock),
            states=AlertStates(self.database, self.clock),
            silences=AlertSilences(self.database, self.clock),
            events=AlertEvents(self.database, self.clock),
            messages=messages,
            quiet_hours=StoredQuietHours(self.database, self.clock),
            usage=AlertUsage(self.database),
            runs=reports.runs,
            notices=reports.notices,
            posting=reports.posting,
            process=self.owner,
            stopping=self.stopping,
        )

    @cached_property
    def evaluator(self) -> RuleEvaluator:
        """The evaluator of alert rules."""
        from bot.alerts.evaluate import RuleEvaluator  # noqa: PLC0415

        return RuleEvaluator(self.alerts)

    def _open_http(self, app: App) -> None:
        from bot.http.endpoints import LARGEST_BODY, HttpEndpoints, is_immediate  # noqa: PLC0415
        from bot.http.server import HttpServer  # noqa: PLC0415
        from bot.http.slack_signatures import Signatures  # noqa: PLC0415
        from bot.runtime.cached_value import CachedValue  # noqa: PLC0415

        slack = None
        if not self.settings.socket_mode:
            secret = self.settings.slack_signing_secret.value
            slack = app, Signatures(secret, lambda: self.clock().timestamp())
        ready = CachedValue[str | None](
            self.ready, "starting", _not_ready, _late_ready, timeout=PROBE_SECONDS
        )
        metrics = CachedValue[bytes | None](
            self.metrics.text, None, lambda _: None, timeout=SCRAPE_SECONDS
        )
        for probe in (ready, metrics):
            self._stops.callback(probe.stop)
            probe.get(STUCK_SECONDS)  # so that the first request gets a value
        endpoints = HttpEndpoints(slack, self.healthy, ready.get, metrics.get)
        server = HttpServer(
            endpoints, self.settings.host, self.settings.port, LARGEST_BODY, is_immediate
        )
        self.port = server.port
        self._stops.callback(server.stop)
        log.info("Listening on %s:%d", self.settings.host, self.port)

    def _connect_socket(self, app: App) -> None:
        from bot.slack.socket_mode import SocketMode  # noqa: PLC0415

        token = self.settings.slack_app_token.value
        self._socket = SocketMode(app, self.slack, token, self.stopping)
        self._stops.callback(self._socket.stop)
        self._socket.start()

    def _start_worker(self) -> None:
        from bot.alerts.deliver import AlertDelivery  # noqa: PLC0415
        from bot.runtime import ticker as scheduler  # noqa: PLC0415
        from bot.schedules.deliver import ReportDelivery  # noqa: PLC0415
        from bot.sync.sync import Sync  # noqa: PLC0415

        api = make_openrouter(self.settings, self.stopping.wait, self.requests_a_minute)
        self._stops.callback(api.close)
        traces = make_clickhouse(self.settings, self.stopping.wait)
        if traces:
            self._stops.callback(traces.close)
        sync = Sync(
            api,
            self.store,
            self.clock,
            alive=lambda: self._lease(self.owner),
            zones=lambda: (self.settings.zone,),
            traces=traces,
        )
        reporting, delivery = (
            ReportDelivery(self.reports),
            AlertDelivery(self.alerts, self.evaluator),
        )
        self._stops.callback(reporting.close)
        running = scheduler.start(
            {
                "sync": (SYNC_TICK, lambda: self._sync(sync, self.owner)),
                "reports": (self.report_tick, reporting.tick),
                "alerts": (ALERT_TICK, lambda: self._run_alerts(delivery)),
                "audit": (AUDIT_TICK, self.audit.prune),
            },
            utc_now,  # the demo's clock may be ahead; ticks use the machine's clock
        )
        self._stops.callback(self._give_lease_back)
        self._stops.callback(lambda: running.shutdown(wait=True))
        self._stops.callback(delivery.release)
        self._stops.callback(reporting.release)

    def _sync(self, sync: Sync, owner: str) -> None:
        """Sync as long as there is something to fetch; one process at a time."""
        if self._lease(owner):
            with heartbeat(lambda: self._lease(owner)):
                self._sync_turns(sync, owner)

    def _sync_turns(self, sync: Sync, owner: str) -> None:
        while not self.stopping.is_set():
            if not self._lease(owner):
                return
            try:
                turn = sync.turn()
            except Exception as error:  # the ticker logs it; the status has to mention it as well
                sync.crashed(error)
                self.metrics.syncs.labels("failed").inc()
                raise
            self.metrics.syncs.labels("failed" if turn.error else "done").inc()
            if turn.error:
                if not isinstance(turn.error, StoreError):  # the monitor logs those
                    log.warning("Sync failed: %s", turn.error)
            elif turn.changed:
                self._evaluate_alerts(timedelta(seconds=15 if turn.more else 0))
            if not turn.more:
                return

    def _lease(self, owner: str) -> bool:
        """Take or renew the sync lease; False if another process holds it."""
        return self.store.lease(LEASE, owner, SYNC_LEASE, self.clock)

    def _give_lease_back(self) -> None:
        """Release the sync lease, so that another process can sync at once."""
        with isolated(log, "The lease of the sync could not be given back"):
            self.store.lease(LEASE, self.owner, timedelta(), self.clock)

    def _evaluate_alerts(self, pause: timedelta) -> None:
        """Evaluate the alert rules on what was just synced; a failure there doesn't stop the
        sync."""
        with isolated(log, "Alert rules could not be evaluated after a sync"):
            try:
                self.evaluator.tick(pause)
            except StoreError as error:
                log.debug("Alert rules could not be evaluated: %s", error)  # the monitor logs it

    def _run_alerts(self, delivery: AlertDelivery) -> None:
        """Evaluate rules that depend on the time, then deliver alerts even if that failed."""
        with isolated(log, "Alert rules could not be evaluated"):
            self.evaluator.tick()
        delivery.tick()


def _not_ready(error: Exception) -> str:
    """The text of an error for probes: anybody may see it, so it contains no path, host or name."""
    if isinstance(error, StoreError):
        return error.public
    return f"the database can't be read ({type(error).__name__})"


def _late_ready(last: str | None, seconds: float) -> str | None:
    """Readiness while the database doesn't respond: the last known state for STUCK_SECONDS."""
    return last if seconds < STUCK_SECONDS else f"no response from the database for {seconds:.0f} s"


def serve(settings: Settings, parts: Parts) -> None:
    """Run until SIGTERM or SIGINT, then stop within SHUTDOWN_SECONDS."""
    bot = Bot(settings, parts)

    asked: SimpleQueue[int] = SimpleQueue()

    def end() -> None:
        asked.get()
        bot.stopping.set()
        sleep(SHUTDOWN_SECONDS)
        _exit_now()

    threading.Thread(target=end, name="end", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        # a handler may interrupt anything, and of all that locks only this can be used in it
        signal.signal(number, lambda got, _: asked.put(got))
    try:
        bot.start()
        priority.tune_interpreter()
        # the system may give a signal to another thread, and then nothing wakes this one, which
        # alone runs handlers
        while not bot.stopping.wait(LOOK_SECONDS):
            pass
    finally:
        asked.put(0)
        log.info("Stopping")
        bot.stop()


def _exit_now() -> None:
    """Exit although calls are still pending; SQLite rolls back incomplete transactions."""
    log.warning("Shutdown timed out after %.0f s, exiting", SHUTDOWN_SECONDS)
    logging.shutdown()
    os._exit(0)
