"""Workers that stop themselves (SIGSTOP) right before they post: see `frozen`.

The arguments are a database, Slack's address, a token and a file that says how many seconds
everything is ahead of the real clock. A line on stdin is `frozen` or `steady`, and `reports` or
`alerts`: a process is forked that works for one tick, and its id is written to stdout.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from bot.alerts.deliver import AlertDelivery
from bot.alerts.evaluate import RuleEvaluator
from bot.schedules.deliver import ReportDelivery, ReportServices
from bot.slack.client import Slack
from bot.slack.posting import Posting
from bot.store import Database
from bot.store.schedules.notices import Notices
from bot.store.schedules.opt_outs import OptOuts
from bot.store.schedules.runs import ReportRuns
from bot.store.schedules.schedules import Schedules

from .. import world as worlds
from ..databases import address
from .alert_worker import alert_services
from .fork_server import services


class StepClock:
    """The real clock and what a file adds to it (seconds)."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self) -> datetime:
        return worlds.now() + timedelta(seconds=float(self._file.read_text()))

    def step(self, by: timedelta) -> None:
        """Put the clock of all processes ahead."""
        ahead = float(self._file.read_text()) + by.total_seconds()
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead}")
        new.replace(self._file)


class Freezing(Posting):
    """Stops the process right before the first message that it posts."""

    def post(self, *arguments, **more):
        if not getattr(self, "frozen", False):
            self.frozen = True
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(0.05)  # the kernel stops one thread after the other, perhaps this one last
        return super().post(*arguments, **more)


def work(kind: str, database: Path | str, slack: Slack, clock: Callable[[], datetime]) -> None:
    """One tick."""
    how, _, what = kind.partition(" ")
    files = Database(database)
    posting = (Freezing if how == "frozen" else Posting)(slack, lambda _: None)
    if what == "alerts":
        alerts = alert_services(files, slack, clock, posting)
        evaluator = RuleEvaluator(alerts)
        evaluator.tick(timedelta(0))
        AlertDelivery(alerts, evaluator).tick()
        return
    ReportDelivery(
        ReportServices(
            services(files, slack, clock),
            Schedules(files, clock),
            ReportRuns(files, clock),
            Notices(files, clock),
            posting,
            f"worker-{os.getpid()}",
            threading.Event(),
            OptOuts(files, clock),
        )
    ).tick()


def main() -> None:
    database, api_url, token, ahead = sys.argv[1:]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            try:
                slack = Slack(token, api_url, wait=lambda _: None)
                work(line.strip(), address(database), slack, StepClock(Path(ahead)))
            except Exception:  # noqa: BLE001 - the next worker goes on, as after a restart
                traceback.print_exc()
            finally:
                os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
