"""`make trust`: long kill loops, every time zone against brute force, visibility, odd input.

`python -m tests.trust words names` does some of them alone; `PARTS` has all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from bot.demo.openrouter.server import LocalOpenRouter

from .. import databases
from .. import world as worlds
from . import alerts as kill_loop
from .names import shown
from .reports import Outcome, run
from .words import LONGEST_MILLISECONDS, fuzz
from .zones import DAY, END, FIRST, all_zones

ROUNDS = ((600, 90, 1, 11), (600, 90, 2, 12), (600, 90, 3, 13), (600, 90, 4, 14))
"""Reports, kills, most workers at a time, seed."""
STORMS = ((90, 1, 21, False), (90, 2, 22, False), (120, 3, 23, False), (60, 3, 24, True))
"""Kills, most workers at a time, seed, and whether Slack's history cannot be read."""
SERVER_ROUNDS = ((200, 40, 4, 31, 2), (200, 40, 4, 32, 0))
"""Reports, kills, most workers at a time, seed, and restarts of the server."""
SERVER_STORMS = ((60, 4, 41, 2), (60, 4, 42, 0))
"""Kills, most workers at a time, seed, and restarts of the server."""
CASES = 5_000
"""Random people doing random things."""
INPUTS, NAMES = 1_000_000, 10_000
"""Random texts that are read, and hostile names that are shown."""
SHARE = 25_000
"""Texts a process reads at a time, with a seed of their own."""


def main() -> None:
    wanted = sys.argv[1:] or list(PARTS)
    if unknown := set(wanted) - set(PARTS):
        sys.exit(f"There is no {', '.join(sorted(unknown))}; say {' or '.join(PARTS)}.")
    kept = [PARTS[name]() for name in wanted]
    sys.exit(not all(kept))


def reports() -> bool:
    """Kill report workers at random; whether every report arrived once."""
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        openrouter = LocalOpenRouter(worlds.small())
        openrouter.requests_per_minute = None
        filled = Path(folder) / "filled.db"
        with openrouter:
            worlds.fill(openrouter, filled)
        for reports, kills, most, seed in ROUNDS:
            place = Path(folder) / str(seed)
            place.mkdir()
            outcome = run(place, filled, reports, kills, most, seed, longest=900)
            print(f"1 to {most} workers: {outcome}", flush=True)
            outcomes.append(outcome)
    whole = all(
        (one.lost, one.doubled, one.intact, one.states) == (0, 0, True, {"sent": one.reports})
        for one in outcomes
    )
    kills, reports = (sum(getattr(one, name) for one in outcomes) for name in ("kills", "reports"))
    print(f"{kills} kills over {reports} reports: {'trusted' if whole else 'NOT to be trusted'}")
    return whole


def alerts() -> bool:
    """Kill those who sync, judge and tell at random; whether every crossing was told once."""
    outcomes: list[kill_loop.Outcome] = []
    for kills, most, seed, blind in STORMS:
        with tempfile.TemporaryDirectory() as folder:
            outcome = kill_loop.run(Path(folder), kills, most, seed, longest=600, blind=blind)
        print(f"1 to {most} workers: {outcome}", *outcome.wrong[:5], sep="\n  ", flush=True)
        outcomes.append(outcome)
    whole = not any(one.wrong for one in outcomes)
    kills, crossings = (sum(getattr(one, n) for one in outcomes) for n in ("kills", "crossings"))
    verdict = "trusted" if whole else "NOT to be trusted"
    print(f"{kills} kills over {crossings} crossings: {verdict}")
    return whole


def server() -> bool:
    """Both kill loops on a server that cuts connections and crashes; whether all arrived once."""
    with tempfile.TemporaryDirectory() as folder, databases.server(durable=True) as url:
        databases.use(url)
        try:
            return _server(Path(folder))
        finally:
            databases.use("")


def _server(folder: Path) -> bool:
    openrouter = LocalOpenRouter(worlds.small())
    openrouter.requests_per_minute = None
    filled = folder / "filled.db"
    with openrouter:
        worlds.fill(openrouter, filled)
    whole = True
    for number, (reports, kills, most, seed, restarts) in enumerate(SERVER_ROUNDS):
        place = folder / f"reports-{number}"
        place.mkdir()
        found = run(place, filled, reports, kills, most, seed, longest=600, restarts=restarts)
        print(f"server, 1 to {most} workers: {found}", flush=True)
        whole &= (found.lost, found.doubled, found.states) == (0, 0, {"sent": reports})
    for number, (kills, most, seed, restarts) in enumerate(SERVER_STORMS):
        place = folder / f"alerts-{number}"
        place.mkdir()
        outcome = kill_loop.run(place, kills, most, seed, longest=600, restarts=restarts)
        print(f"server, 1 to {most} workers: {outcome}", *outcome.wrong[:5], sep="\n  ", flush=True)
        whole &= not outcome.wrong
    print(f"kill loops on a server: {'trusted' if whole else 'NOT to be trusted'}")
    return whole


def zones() -> bool:
    """Whether every due time of every zone is the one that brute force finds."""
    count = wrong = 0
    begun = time.monotonic()
    for count, (zone, found) in enumerate(all_zones(), 1):
        wrong += len(found)
        for one in found[:3]:
            print(f"wrong: {one}", flush=True)
        if count % 50 == 0:
            print(f"{count} zones, up to {zone}: {wrong} wrong", flush=True)
    seconds = time.monotonic() - begun
    span = f"{FIRST:%Y} to {END - DAY:%Y}"
    print(f"{count} zones, every half-hour of {span}: {wrong} wrong, in {seconds:.0f} s")
    return not wrong


def people() -> bool:
    """Whether what random people do shows all and only what they may see."""
    begun = time.monotonic()
    chosen = {"WHO_MAY_CASES": str(CASES), "WHO_MAY_SEED": "21"}
    command = [sys.executable, "-m", "pytest", "-q", "tests/bot/access/test_who_may.py"]
    kept = subprocess.run(command, env={**os.environ, **chosen}, check=False).returncode == 0
    verdict = "trusted" if kept else "NOT to be trusted"
    print(f"{CASES} cases of who may see what: {verdict}, in {time.monotonic() - begun:.0f} s")
    return kept


def words() -> bool:
    """Whether everything that people could type is an answer or a sentence, and soon."""
    begun, crashed, slow, slowest = time.monotonic(), [], [], 0.0
    with ProcessPoolExecutor() as processes:
        shares = [processes.submit(fuzz, SHARE, seed) for seed in range(INPUTS // SHARE)]
        for share in as_completed(shares):
            outcome = share.result()
            crashed += outcome.crashed
            slow += outcome.slow
            slowest = max(slowest, outcome.slowest)
    print(*crashed[:5], *slow[:5], sep="\n", end="\n" if crashed or slow else "")
    print(
        f"{INPUTS:,} texts: {len(crashed)} crashed, {len(slow)} over {LONGEST_MILLISECONDS} ms,"
        f" the slowest {slowest * 1000:.1f} ms, in {time.monotonic() - begun:.0f} s"
    )
    return not crashed and not slow


def names() -> bool:
    """Whether hostile names stay names wherever they are shown."""
    begun, outcome = time.monotonic(), shown(NAMES, 31)
    print(*outcome.wrong[:5], f"{outcome}, in {time.monotonic() - begun:.0f} s", sep="\n")
    return not outcome.wrong


PARTS = {
    "reports": reports,
    "alerts": alerts,
    "server": server,
    "zones": zones,
    "people": people,
    "words": words,
    "names": names,
}


if __name__ == "__main__":
    main()
