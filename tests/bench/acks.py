"""Acknowledgements while the bot is busy: a sync writes, a large answer is read, 20 people ask."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from statistics import median
from time import sleep

from tests.bench.naive import members_of
from tests.bench.organizations import LARGE, WEEK, database
from tests.bench.pulled import copied, rows_of
from tests.bench.questions import percentile
from tests.bench.serving import Served, serving
from tests.bench.table import Figure, at_most
from tests.bench.upstream import Upstream, listening

PEOPLE = 20
ROUNDS = 50
REPORTS = 4
_RENDERS = 3
_PAUSE = 0.02  # s
LIMIT = 20  # ms
QUESTIONS = ("tokens 1m by key", "1d by creator", "spend 1y by model", "requests 1h by key")


def run() -> Iterator[Figure]:
    """What is promised of acknowledgements."""
    with copied(database(LARGE)) as path, serving(path) as served:
        alone = [served.command("help").milliseconds for _ in range(200)]
        yield Figure("ack, nothing else to do: p99", percentile(alone, 99), "ms")
    upstream = Upstream(rows_of(database(LARGE), WEEK), members_of(LARGE))
    with (
        listening(upstream) as address,
        copied(database(LARGE)) as path,
        serving(path, address) as served,
    ):
        acks = crowd(served)
    name = f"ack, {upstream.rows:,} rows parsed and written, {PEOPLE} asking"
    yield Figure(f"{name}: p50", median(acks), "ms")
    yield at_most(f"{name}: p99", percentile(acks, 99), "ms", LIMIT)
    yield from _while_rendering()


def _while_rendering() -> Iterator[Figure]:
    with copied(database(LARGE)) as path, serving(path) as served:
        uploads = served.slack.uploads
        acks: list[float] = []
        for _ in range(_RENDERS):
            before = len(uploads.completed())
            for metric in ("spend", "tokens", "requests", ""):
                served.command(f"{metric} 1m by key pdf")
            while len(uploads.completed()) < before + REPORTS:
                acks.append(served.command("help").milliseconds)
                sleep(_PAUSE)
    name = f"ack, {REPORTS} reports being rendered"
    yield Figure(f"{name}: p50 of {len(acks)}", median(acks), "ms")
    yield at_most(f"{name}: p99", percentile(acks, 99), "ms", LIMIT)


def crowd(served: Served) -> list[float]:
    """Milliseconds of each acknowledgement, when people ask at once, again and again."""
    texts = [QUESTIONS[n % len(QUESTIONS)] for n in range(PEOPLE)]
    acks: list[float] = []
    command = [sys.executable, "-m", "tests.bench.crowd", served.bot_client.sender.url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        for _ in range(ROUNDS):
            before = len(served.hooks.used)
            process.stdin.write(json.dumps([served.signed(text) for text in texts]) + "\n")
            process.stdin.flush()
            acks += json.loads(process.stdout.readline())
            expected = before + PEOPLE
            served.slack.wait_for(lambda n=expected: len(served.hooks.used) >= n, timeout=60)
        process.stdin.close()
    return acks
