"""Acknowledgements while the bot is busy: a sync writes, a large answer is read, 20 people ask."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from statistics import median
from time import sleep

from tests.bench.naive import members_of
from tests.bench.organizations import LARGE, WEEK, database
from tests.bench.plain_waitress import PLAIN_HTTP
from tests.bench.pulled import copied, owners_of, rows_of
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
_PEER = "plain waitress"
_SERVERS: tuple[tuple[str, ...], ...] = ((), (PLAIN_HTTP,))
QUESTIONS = ("tokens 1m by key", "1d by creator", "spend 1y by model", "requests 1h by key")


def run() -> Iterator[Figure]:
    """What is promised of acknowledgements; the peer is plain waitress (`plain_waitress`)."""
    ours, theirs = ([*_alone(*busy)] for busy in _SERVERS)
    yield _beside(Figure("ack, nothing else to do: p99", _p99(ours), "ms"), theirs)
    upstream = Upstream(
        rows_of(database(LARGE), WEEK), owners_of(database(LARGE)), members_of(LARGE)
    )
    ours, theirs = (_while_syncing(upstream, *busy) for busy in _SERVERS)
    name = f"ack, {upstream.rows:,} rows parsed and written, {PEOPLE} asking"
    yield from _figures(name, ours, theirs)
    ours, theirs = (_while_rendering(*busy) for busy in _SERVERS)
    yield from _figures(f"ack, {REPORTS} reports being rendered", ours, theirs)


def _figures(name: str, ours: list[float], theirs: list[float]) -> Iterator[Figure]:
    p50 = Figure(f"{name}: p50 of {len(ours)}", median(ours), "ms")
    yield replace(p50, peer=_PEER, ratio=median(theirs) / p50.value)
    yield _beside(at_most(f"{name}: p99", _p99(ours), "ms", LIMIT), theirs)


def _beside(p99: Figure, theirs: list[float]) -> Figure:
    return replace(p99, peer=f"{_PEER}, {_p99(theirs):.1f} ms", ratio=_p99(theirs) / p99.value)


def _p99(acks: list[float]) -> float:
    return percentile(acks, 99)


def _alone(*busy: str) -> Iterator[float]:
    with copied(database(LARGE)) as path, serving(path, *busy) as served:
        for _ in range(200):
            yield served.command("help").milliseconds


def _while_syncing(upstream: Upstream, *busy: str) -> list[float]:
    with (
        listening(upstream) as address,
        copied(database(LARGE)) as path,
        serving(path, address, *busy) as served,
    ):
        return crowd(served)


def _while_rendering(*busy: str) -> list[float]:
    acks: list[float] = []
    with copied(database(LARGE)) as path, serving(path, *busy) as served:
        uploads = served.slack.uploads
        for _ in range(_RENDERS):
            before = len(uploads.completed())
            for metric in ("spend", "tokens", "requests", ""):
                served.command(f"{metric} 1m by key pdf")
            while len(uploads.completed()) < before + REPORTS:
                acks.append(served.command("help").milliseconds)
                sleep(_PAUSE)
    return acks


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
