"""Workers whose clocks are minutes apart: one syncs, and another one when that one is killed."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import LocalSlack
from bot.slack.scopes import SCOPES

from .. import databases
from .. import world as worlds
from ..fleet import BotProcess, Fleet
from .crowd import REPORT_SECONDS, posted
from .reports import add_rooms, set_up

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
"""None where Debian's package faketime is not installed: all clocks are right then."""
OFF_SECONDS = 300
FAILOVER_SECONDS = 20
"""What is promised: 15 seconds of the lease and 5 to the next tick."""
AHEAD = timedelta(seconds=75)
"""When reports are due: at a full minute after all processes have started."""


@dataclass
class Outcome:
    """What was seen; `failovers` are seconds from a kill until another process syncs."""

    reports: int
    posted: int = 0
    failovers: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        seconds = ", ".join(f"{one:.1f}" for one in self.failovers)
        return (
            f"{self.posted} of {self.reports} reports; taken over {seconds} s after each kill;"
            f" {len(self.wrong)} wrong"
        )


def run(
    folder: Path, filled: Path, openrouter: LocalOpenRouter, kills: int, reports: int
) -> Outcome:
    """Two workers, one of them `OFF_SECONDS` ahead; the one that syncs is killed and replaced."""
    outcome, database = Outcome(reports), folder / "activity.db"
    databases.copy(filled, database)
    with (
        LocalSlack(scopes=SCOPES, rate_limits=False) as slack,
        Fleet(folder, worlds.environment(openrouter, slack, database)) as fleet,
    ):
        workers = [_worker(fleet, 0), _worker(fleet, OFF_SECONDS)]
        due = (worlds.now() + AHEAD).replace(second=0, microsecond=0)
        set_up(database, slack, reports, add_rooms(slack, max(1, reports // 8)), AHEAD)
        worlds.wait_until(lambda: _leader(database, workers))
        _watch(outcome, database, workers, slack, due.timestamp(), reports)
        for number in range(kills):
            _fail_over(outcome, database, workers)
            workers.append(_worker(fleet, OFF_SECONDS * (number % 2)))
        with suppress(AssertionError):  # counted below
            worlds.wait_until(lambda: posted(slack).total() >= reports, REPORT_SECONDS)
        counts = posted(slack)
        outcome.posted = counts.total()
        _check(outcome, slack, counts, due.timestamp())
    return outcome


def _worker(fleet: Fleet, ahead: int) -> BotProcess:
    """A running `activity run` whose clock is some seconds ahead."""
    faked = {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME": f"+{ahead}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    started = fleet.start("run", **(faked if ahead and LIBRARY else {}))
    assert started.port  # it listens
    return started


def _leader(database: Path, workers: list[BotProcess]) -> BotProcess | None:
    """The worker that has the lease of the sync."""
    with databases.looking(database) as connection:
        row = connection.execute("SELECT owner FROM lease WHERE name = 'sync'").fetchone()
    pid = int(row[0].split()[1]) if row else 0
    return next((one for one in workers if one.pid == pid), None)


def _watch(
    outcome: Outcome, database: Path, workers: list[BotProcess], slack: LocalSlack,
    due: float, reports: int,
) -> None:  # fmt: skip
    """Wait until all reports are posted; the lease must stay with one worker meanwhile."""
    leader, end = _leader(database, workers), due + 120
    while posted(slack).total() < reports and time.time() < end:
        if (now := _leader(database, workers)) is not leader:
            outcome.wrong.append(f"the lease went from {leader and leader.name} to {now}")
            leader = now
        time.sleep(0.2)


def _fail_over(outcome: Outcome, database: Path, workers: list[BotProcess]) -> None:
    """Kill the leader, and wait until another process has taken the sync over."""
    worlds.wait_until(lambda: _leader(database, workers))
    leader = _leader(database, workers)
    assert leader is not None
    leader.kill()
    workers.remove(leader)
    begun = time.monotonic()
    worlds.wait_until(lambda: _leader(database, workers), 120)
    outcome.failovers.append(time.monotonic() - begun)
    if outcome.failovers[-1] > FAILOVER_SECONDS:
        outcome.wrong.append(f"{outcome.failovers[-1]:.1f} s until another process took over")


def _check(outcome: Outcome, slack: LocalSlack, counts: Counter[str], due: float) -> None:
    if outcome.posted != outcome.reports:
        outcome.wrong.append(f"{outcome.posted} reports were posted, not {outcome.reports}")
    outcome.wrong += [f"report {key} was posted {n} times" for key, n in counts.items() if n > 1]
    early = [
        message["ts"]
        for channel in list(slack.workspace.channels)
        for message in slack.messages(channel)
        if message.get("metadata") and float(message["ts"]) < due
    ]
    if early:
        outcome.wrong.append(f"{len(early)} reports were posted before they were due")
