"""An admin's three questions and `status` at once, and somebody else's question meanwhile.

With a rollback journal a commit waits for every open read and keeps new ones out: whatever makes
one answer wait for another shows here first. Both journal modes are measured, whatever this SQLite
is safe for.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from statistics import median
from time import perf_counter, sleep
from urllib.parse import parse_qs, urlsplit

from tests.bench.organizations import LARGE, database
from tests.bench.pulled import copied
from tests.bench.questions import percentile
from tests.bench.serving import Served, serving
from tests.bench.table import Figure, at_most

ADMIN, OTHER = "katherine", "ada"
AT_ONCE = ("spend 1d by key", "tokens 7d by model", "1m", "status")
MEANWHILE = "spend 1d"
TRIALS = 200
_LATER = 0.1
"""Seconds until the other person asks: while the admin's answers are being made."""
LIMIT = 2_000  # ms


def run() -> Iterator[Figure]:
    """What is promised of answers while the bot's state is being read."""
    for journal in ("rollback", "wal"):
        with copied(database(LARGE)) as path, serving(path, journal=journal, admin=ADMIN) as served:
            answers = burst(served)
        name = f"3 questions, status and 1 more, {journal}: {len(answers)} answers"
        yield Figure(f"{name}, p50", median(answers), "ms")
        for percent in (90, 99):
            yield Figure(f"  p{percent}", percentile(answers, percent), "ms")
        yield at_most("  slowest", max(answers), "ms", LIMIT)
        late = sum(answer > LIMIT for answer in answers)
        yield at_most(f"  above {LIMIT / 1_000:g} s", late, "", 0)


def burst(served: Served) -> list[float]:
    """Milliseconds of each answer, from the request that it answers to its post."""
    took: list[float] = []
    command = [sys.executable, "-m", "tests.bench.crowd", served.bot_client.sender.url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        for _ in range(TRIALS):
            at_once = [served.signed(text, ADMIN) for text in AT_ONCE]
            begun = {_reply(body): perf_counter() for body, _ in at_once}
            process.stdin.write(json.dumps(at_once) + "\n")
            process.stdin.flush()
            process.stdout.readline()
            sleep(_LATER)
            now = perf_counter()
            begun[_reply(served.command(MEANWHILE, OTHER).sent[0].decode())] = now
            arrived = _arrivals(served, set(begun))
            took += [1_000 * (arrived[path] - at) for path, at in begun.items()]
        process.stdin.close()
    return took


def _arrivals(served: Served, wanted: set[str]) -> dict[str, float]:
    """When the first post to each of these response URLs came, once all have."""
    hooks = served.hooks
    served.slack.wait_for(
        lambda: len(hooks.used) >= len(wanted) and wanted <= {path for _, path in hooks.arrivals},
        timeout=120,
    )
    for answer in hooks.used:
        text = str(answer["payload"].get("text"))
        if answer["error"] or "went wrong" in text or "locked by another" in text:
            raise RuntimeError(f"an answer: {answer['error']} {text}")
    arrivals, hooks.arrivals[:], hooks.used[:] = list(hooks.arrivals), [], []
    return {path: at for at, path in reversed(arrivals)}


def _reply(body: str) -> str:
    """The path of the response URL of a command."""
    return urlsplit(parse_qs(body)["response_url"][0]).path
