"""What the kill loops share: workers that are killed at random, and a Slack that misbehaves."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psycopg

from bot.demo.slack import LocalSlack

from .. import databases
from .short_leases import LONGEST_DELAY

FAULTS = ("drop", "drop_after", "half", 500, 503, "internal_error", 429)
ROOT = Path(__file__).parents[2]


class Slow:
    """Lets some calls of the local Slack take their time, before or after they are taken."""

    def __init__(self, slack: LocalSlack, chance: random.Random) -> None:
        self._call = slack.api.call
        self._chance = chance
        slack.api.call = self  # type: ignore[method-assign,assignment]

    def __call__(self, name, args, token):
        before = self._chance.random() < 0.01
        after = self._chance.random() < 0.01
        if before:
            time.sleep(self._chance.uniform(0.1, LONGEST_DELAY))
        answer = self._call(name, args, token)
        if after:
            time.sleep(self._chance.uniform(0.1, LONGEST_DELAY))
        return answer


class Workers:
    """Some processes, forked from one of a module of this folder that has everything imported."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._fork_server = subprocess.Popen(
            [sys.executable, "-m", f"tests.trust.{module}", *arguments],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.pids: list[int] = []

    def add(self, kind: str = "one") -> int:
        """Start another; its process id."""
        assert self._fork_server.stdin
        assert self._fork_server.stdout
        self._fork_server.stdin.write(f"{kind}\n")
        self._fork_server.stdin.flush()
        self.pids.append(int(self._fork_server.stdout.readline()))
        return self.pids[-1]

    def kill(self, pid: int) -> None:
        """Take one away as a power cut would, and see it gone."""
        self.pids.remove(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            while True:
                os.kill(pid, 0)
                time.sleep(0.001)

    def end(self) -> None:
        """Take all away."""
        for pid in list(self.pids):
            self.kill(pid)
        self._fork_server.kill()
        self._fork_server.communicate()


def storm(
    chance: random.Random,
    fleet: Workers,
    slack: LocalSlack,
    kills: int,
    most: int,
    methods: Sequence[str],
    meanwhile: Callable[[], None] = lambda: None,
) -> Counter[str]:
    """Kill so often, with one to `most` workers at a time and faults of these methods; the faults.

    `meanwhile` is called before each kill, and may add processes that are killed as well.
    """
    faults: Counter[str] = Counter()
    workers: list[int] = []
    wanted = 1
    for number in range(kills):
        if number % 10 == 0:
            wanted = chance.randint(1, most)
        workers = [pid for pid in workers if pid in fleet.pids]
        while len(workers) < wanted:
            workers.append(fleet.add())
        for _ in range(chance.randint(0, 4)):
            fault = chance.choice(FAULTS)
            slack.fail(chance.choice(methods), fault)
            faults[f"{fault}"] += 1
        meanwhile()
        time.sleep(chance.uniform(0.02, 0.6))
        fleet.kill(chance.choice(fleet.pids))
    slack.faults.clear()
    return faults


class ServerTrouble:
    """Cuts all connections to a server now and then, and restarts it a few times.

    Does nothing where the database is a file.
    """

    def __init__(self, database: Path, restarts: int = 0, every: float = 2.0) -> None:
        self._database, self._restarts, self._every = database, restarts, every
        self._last = self._restarted = time.monotonic()
        self.cuts = self.restarts = 0

    def __call__(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        if not databases.on_postgres() or now - self._last < self._every:
            return
        self._last = now
        if self.restarts < self._restarts and now - self._restarted > 4 * self._every:
            databases.restart_at_once()
            self.restarts += 1
            self._restarted = time.monotonic()
            return
        with suppress(psycopg.Error), databases.looking(self._database) as connection:
            found = connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchone()
            self.cuts += found[0]

    def __str__(self) -> str:
        return f"{self.cuts} connections cut, {self.restarts} restarts of the server"
