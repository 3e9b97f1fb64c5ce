"""Measures startup time, memory, and the total time of `activity ask`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

from bot.demo.openrouter.sample_organization import sample
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import LocalSlack
from tests.bench.organizations import LARGE, database
from tests.bench.pulled import copied
from tests.bench.table import Figure, at_most
from tests.world import environment as settings

READY, ASK = 1.2, 0.7  # s
MEMORY = 60  # MB
_TIMES = 5
_REST_SECONDS = 10
_ACTIVITY = [sys.executable, "-m", "bot"]


def run() -> Iterator[Figure]:
    """What is promised of the start."""
    with copied(database(LARGE)) as path, surroundings(path) as environment:
        starts = [_started(environment, rest=0)[0] for _ in range(_TIMES)]
        yield at_most("activity run, ready", median(starts), "s", READY)
        _, resident, worn = _started(environment, rest=_REST_SECONDS)
        yield at_most("activity run, memory at rest", resident, "MB", MEMORY)
        yield Figure("  most memory until then, while it synced", worn, "MB")
        for words in ("tokens 1m by key", "1y by model --json"):
            took = median(_asked(environment, words) for _ in range(_TIMES))
            yield at_most(f"activity ask {words}", took, "s", ASK)


@contextmanager
def surroundings(path: Path) -> Iterator[Mapping[str, str]]:
    """A local Slack and a local OpenRouter, as the settings of a bot on a database."""
    organization = sample(datetime.now(UTC))
    with LocalSlack() as slack, LocalOpenRouter(organization) as openrouter:
        openrouter.requests_per_minute = None
        yield os.environ | {
            **settings(openrouter, slack, path),
            "PORT": str(_free_port()),
            "LOG_LEVEL": "ERROR",
        }


def _started(environment: Mapping[str, str], rest: float) -> tuple[float, float, float]:
    """Seconds until the bot is well; after some rest, its memory and the most of it, in MB."""
    begun = perf_counter()
    with subprocess.Popen([*_ACTIVITY, "run"], env=environment) as process:
        while not _is_well(int(environment["PORT"])):
            if process.poll() is not None:
                raise RuntimeError(f"activity run ended with {process.returncode}")
            sleep(0.005)
        ready = perf_counter() - begun
        sleep(rest)
        resident, most = _memory(process.pid)
        process.terminate()
    return ready, resident, most


def _is_well(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _memory(pid: int) -> tuple[float, float]:
    """What a process holds, and the most that it has held, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    rows = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    now, most = (int(rows[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def _asked(environment: Mapping[str, str], words: str) -> float:
    begun = perf_counter()
    command = [*_ACTIVITY, "ask", *words.split()]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - begun


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
