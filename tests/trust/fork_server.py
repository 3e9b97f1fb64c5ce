"""Workers on demand: a process that has everything imported, and forks one for each line read."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime

from bot.answers.file_worker import RenderError
from bot.config import load
from bot.http.metrics import Metrics
from bot.services import Services
from bot.slack.client import Slack
from bot.store import Database, Store
from bot.store.admin.audit_log import AuditLog
from bot.store.admin.status import StatusReader
from bot.store.errors import DatabaseLostError
from bot.store.expiring_keys import ExpiringKeys

from .. import databases

REST = 0.05


class NoPictures:
    """Stands in for the renderer: what is proved here has no use for charts."""

    def file(self, job: object) -> object:
        raise RenderError("no pictures here")


def services(files: Database, slack: Slack, clock: Callable[[], datetime]) -> Services:
    """What every street needs, over a database and a Slack."""
    token, api_url = slack.client.token, slack.client.base_url
    settings = load(
        {
            "SLACK_BOT_TOKEN": token,
            "SLACK_API_URL": api_url,
            "DATABASE_URL": databases.url(files.address),
        }
    )
    store = Store(files)
    return Services(
        settings,
        store,
        slack,
        Metrics(store, clock),
        NoPictures(),  # type: ignore[arg-type]
        clock,
        AuditLog(files, clock),
        ExpiringKeys(files, clock),
        StatusReader(files),
    )


def serve(make: Callable[[str], Callable[[], object]]) -> None:
    """Fork a process for each line read, which does without rest what `make` gives for that line.

    Each ends when it is killed, or when whoever wanted it is gone.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            sys.stdin.close()
            _work(_made(make, line.strip()))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _made(make: Callable[[str], Callable[[], object]], kind: str) -> Callable[[], object]:
    """What `make` gives, as soon as its database can be opened: a server may be restarting."""
    while True:
        try:
            return make(kind)
        except DatabaseLostError as error:
            sys.stderr.write(f"{error!r}\n")
            time.sleep(REST)


def _work(tick: Callable[[], object]) -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        try:
            tick()
        except Exception as error:  # noqa: BLE001 - a locked database is a part of the game
            sys.stderr.write(f"{error!r}\n")
        time.sleep(REST)
    os._exit(0)
