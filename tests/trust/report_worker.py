"""Report workers on demand: a process that has everything imported, and forks one a line read."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from bot.config import load
from bot.flows.asking import Asking
from bot.flows.reporting import Reporting, Reports
from bot.metrics import Metrics
from bot.posting import Posting
from bot.rendering import RenderError
from bot.slack import Slack
from bot.store import Database, Store
from bot.store.audit import Audit
from bot.store.memory import Memory
from bot.store.notices import Notices
from bot.store.overview import Overview
from bot.store.runs import Runs, Timing
from bot.store.schedules import Schedules

from .. import world as worlds
from .hurried import HURRIED, SLACK_SECONDS


class NoPictures:
    """Stands in for the renderer: what is proved here has no use for charts."""

    def file(self, job: object) -> object:
        raise RenderError("no pictures here")


def made(database: Path, api_url: str, token: str, *, patient: bool) -> Reporting:
    """The street of reports, over a database and a Slack."""
    settings = load(
        {
            "SLACK_BOT_TOKEN": token,
            "SLACK_API_URL": api_url,
            "DATABASE_URL": f"sqlite:///{database}",
        }
    )
    stopping = threading.Event()
    files = Database(database)
    store, slack = Store(files), Slack(token, api_url, timeout=20 if patient else SLACK_SECONDS)
    audit = Audit(files, worlds.now)
    asking = Asking(
        settings,
        store,
        slack,
        Metrics(store, worlds.now),
        NoPictures(),
        worlds.now,
        audit,  # type: ignore[arg-type]
        Memory(files, worlds.now),
        Overview(files),
    )
    return Reporting(
        Reports(
            asking,
            Schedules(files, worlds.now),
            Runs(files, worlds.now, Timing() if patient else HURRIED),
            Notices(files, worlds.now),
            Posting(slack, stopping.wait),
            f"worker-{os.getpid()}",
            stopping,
        )
    )


def work(reporting: Reporting) -> None:
    """Tick without rest until killed, or until whoever wanted it is gone."""
    parent = os.getppid()
    while os.getppid() == parent:
        try:
            reporting.tick()
        except Exception as error:  # noqa: BLE001 - a locked database is a part of the game
            sys.stderr.write(f"{error!r}\n")
        time.sleep(0.05)


def main() -> None:
    database, api_url, token = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        pid = os.fork()
        if not pid:
            sys.stdin.close()
            work(made(database, api_url, token, patient=len(sys.argv) > 4))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
