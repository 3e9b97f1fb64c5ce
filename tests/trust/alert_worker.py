"""Workers of alerts, and one that syncs: see `fork_server`."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.alerts.deliver import AlertDelivery
from bot.alerts.evaluate import RuleEvaluator
from bot.alerts.services import AlertServices
from bot.schedules.deliver import ReportDelivery, ReportServices
from bot.slack.client import Slack
from bot.slack.posting import Posting
from bot.store import Database, Store
from bot.store.alerts.events import AlertEvents
from bot.store.alerts.messages import AlertMessages
from bot.store.alerts.quiet_hours import StoredQuietHours
from bot.store.alerts.rules import AlertRules
from bot.store.alerts.silences import AlertSilences
from bot.store.alerts.states import AlertStates
from bot.store.alerts.usage_sums import AlertUsage
from bot.store.encoding import StoredView, to_seconds
from bot.store.schedules.notices import Notices
from bot.store.schedules.opt_outs import OptOuts
from bot.store.schedules.runs import ReportRuns
from bot.store.schedules.schedules import Schedules
from bot.store.usage.diff import RowKey
from reports.time.time_range import Granularity, floor
from reports.usage.dimensions import Dimension
from reports.usage.usage import NANO, ZERO, Usage
from reports.usage.windows_to_fetch import Window

from .. import databases
from .fast_clock import FastClock
from .fork_server import REST, serve, services
from .organization import KEYS, MODELS, NANO_A_CENT, TOKENS_A_CENT, Version
from .short_leases import SLACK_SECONDS

WRITTEN = "written"
"""The fact that says which version the cache holds, and since when."""
BACK = (
    (Granularity.MINUTE, timedelta(hours=3)),
    (Granularity.HOUR, timedelta(days=1)),
    (Granularity.DAY, timedelta(days=1)),
)


def alert_services(
    files: Database, slack: Slack, clock: Callable[[], datetime], posting: Posting
) -> AlertServices:
    """What alerts need, over a database and a Slack."""
    return AlertServices(
        services(files, slack, clock),
        AlertRules(files, clock),
        AlertStates(files, clock),
        AlertSilences(files, clock),
        AlertEvents(files, clock),
        AlertMessages(files, clock),
        StoredQuietHours(files, clock),
        AlertUsage(files),
        ReportRuns(files, clock),
        Notices(files, clock),
        posting,
        f"worker-{os.getpid()}",
        threading.Event(),
    )


def watching(database: Path | str, slack: Slack, clock: FastClock) -> Callable[[], None]:
    """Judges and tells."""
    files = Database(database)
    alerts = alert_services(files, slack, clock, Posting(slack, clock.wait))
    evaluator = RuleEvaluator(alerts)
    delivery = AlertDelivery(alerts, evaluator)

    def tick() -> None:
        evaluator.tick(timedelta(0))
        delivery.tick()

    return tick


def reporting(database: Path | str, slack: Slack, clock: FastClock) -> Callable[[], None]:
    """Delivers reports."""
    files = Database(database)
    return ReportDelivery(
        ReportServices(
            services(files, slack, clock),
            Schedules(files, clock),
            ReportRuns(files, clock),
            Notices(files, clock),
            Posting(slack, clock.wait),
            f"worker-{os.getpid()}",
            threading.Event(),
            OptOuts(files, clock),
        )
    ).tick


def all_of_it(database: Path | str, slack: Slack, clock: FastClock) -> Callable[[], None]:
    """Evaluates and delivers alerts in one thread, and delivers reports in another."""
    begun: list[threading.Thread] = []

    def tick() -> None:
        if not begun:
            ticks = watching(database, slack, clock), reporting(database, slack, clock)
            begun.extend(
                threading.Thread(target=endless, args=(one,), daemon=True) for one in ticks
            )
            for thread in begun:
                thread.start()

    return tick


def endless(tick: Callable[[], None]) -> None:
    """Tick until the process is killed."""
    while True:
        try:
            tick()
        except Exception as error:  # noqa: BLE001 - a locked database is a part of the game
            sys.stderr.write(f"{error!r}\n")
        time.sleep(REST)


def syncing(database: Path | str, source: Path, clock: FastClock) -> Callable[[], None]:
    """Brings what is saved in a file into the cache, again and again."""
    store = Store(Database(database))

    def tick() -> None:
        now, version = clock(), Version.read(source)
        cents = version.balance * 100 * NANO_A_CENT
        limits = {"at": now.isoformat(), "credits": {"total": 10_000 * NANO, "used": 0}}
        limits["credits"]["used"] = 10_000 * NANO - cents
        store.keep_fact("limits", json.dumps(limits))
        for granularity, back in BACK:
            window = Window(granularity, floor(now - back, granularity), now)
            store.replace(window, rows(store, version, window), now)
        if (store.fact(WRITTEN) or "").partition(" ")[0] != str(version.number):
            store.keep_fact(WRITTEN, f"{version.number} {clock().isoformat()}")

    return tick


def set_up_workspace(store: Store) -> None:
    """List keys, people and models."""
    people = sorted(set(KEYS.values()))
    store.list_members(
        [(f"hash_{key}", key, f"sk-{key}") for key in KEYS],
        [(f"user_{one}", one, f"{one}@example.com") for one in people],
        [(f"hash_{key}", f"user_{one}") for key, one in KEYS.items()],
    )
    store.add_members(Dimension.MODEL, [(one, one, "") for one in MODELS])


def rows(store: Store, version: Version, window: Window) -> list[tuple[RowKey, Usage]]:
    """The rows of a window in both views."""
    ids = store.directory().ids
    found: dict[RowKey, Usage] = {}
    for (minute, key, model), cents in version.used.items():
        at = datetime.fromtimestamp(minute, UTC)
        if not window.start <= at < window.end or not cents:
            continue
        used = Usage(requests=cents, prompt=cents * TOKENS_A_CENT, credits=cents * NANO_A_CENT)
        for view, member in (
            (StoredView.KEY, ids[Dimension.KEY, f"hash_{key}"]),
            (StoredView.CREATOR, ids[Dimension.CREATOR, f"user_{KEYS[key]}"]),
        ):
            bucket = to_seconds(floor(at, window.granularity))
            place = (view, bucket, member, ids[Dimension.MODEL, model])
            before = found.get(place, ZERO)
            found[place] = Usage(*map(sum, zip(before, used, strict=True)))
    return list(found.items())


def main() -> None:
    database, source, api_url, token, words = sys.argv[1:]
    clock = FastClock.of(words)

    def make(kind: str) -> Callable[[], None]:
        if kind == "sync":
            return syncing(databases.address(database), Path(source), clock)
        slack = Slack(token, api_url, wait=clock.wait, timeout=SLACK_SECONDS)
        made = all_of_it if kind == "all" else watching
        return made(databases.address(database), slack, clock)

    serve(make)


if __name__ == "__main__":
    main()
