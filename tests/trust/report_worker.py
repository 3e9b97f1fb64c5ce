"""Workers that send reports: see `fork_server`."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from bot.schedules.deliver import ReportDelivery, ReportServices
from bot.slack.client import Slack
from bot.slack.posting import Posting
from bot.store import Database
from bot.store.schedules.notices import Notices
from bot.store.schedules.opt_outs import OptOuts
from bot.store.schedules.runs import ReportRuns, Timing
from bot.store.schedules.schedules import Schedules

from .. import databases
from .. import world as worlds
from .fork_server import serve, services
from .short_leases import SHORT_LEASES, SLACK_SECONDS


def made(database: Path | str, api_url: str, token: str, *, patient: bool) -> ReportDelivery:
    """The street of reports, over a database and a Slack."""
    stopping = threading.Event()
    files = Database(database)
    slack = Slack(token, api_url, timeout=20 if patient else SLACK_SECONDS)
    return ReportDelivery(
        ReportServices(
            services(files, slack, worlds.now),
            Schedules(files, worlds.now),
            ReportRuns(files, worlds.now, Timing() if patient else SHORT_LEASES),
            Notices(files, worlds.now),
            Posting(slack, stopping.wait),
            f"worker-{os.getpid()}",
            stopping,
            OptOuts(files, worlds.now),
        )
    )


def main() -> None:
    database, api_url, token = databases.address(sys.argv[1]), sys.argv[2], sys.argv[3]
    patient = len(sys.argv) > 4
    serve(lambda _: made(database, api_url, token, patient=patient).tick)


if __name__ == "__main__":
    main()
