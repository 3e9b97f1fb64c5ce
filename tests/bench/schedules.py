"""Scheduled reports in numbers: a tick with nothing due, and all due in the same minute."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from time import monotonic, perf_counter, sleep

from bot.demo.slack import LocalSlack
from bot.store import Database
from bot.store.schedules.runs import ReportRuns
from tests import world as worlds
from tests.bench.table import Figure, at_most
from tests.trust.report_worker import made
from tests.trust.reports import Fleet, add_rooms, set_up

SCHEDULES, CHANNELS, WORKERS = 10_000, 200, 4
TICKS = 500
LONGEST = 1_200
INFO_A_MINUTE = 50  # who reads along in a channel is asked anew for each run


def run() -> Iterator[Figure]:
    """All figures, the slow one last."""
    with tempfile.TemporaryDirectory() as folder:
        filled = Path(folder) / "filled.db"
        worlds.filled(worlds.small(), filled)
        yield from _idle(filled, Path(folder) / "idle.db")
        yield from _at_once(filled, Path(folder) / "at-once.db")


def _idle(filled: Path, database: Path) -> Iterator[Figure]:
    """A whole tick, while every schedule is due another time."""
    database.write_bytes(filled.read_bytes())
    with LocalSlack(rate_limits=False) as slack:
        set_up(database, slack, SCHEDULES, add_rooms(slack, CHANNELS), timedelta(hours=3))
        reporting = made(database, slack.api_url, slack.bot_token, patient=True)
        begun = perf_counter()
        reporting.tick()
        first = perf_counter() - begun
        took = []
        for _ in range(TICKS):
            begun = perf_counter()
            reporting.tick()
            took.append((perf_counter() - begun) * 1_000)
    name = f"tick, nothing due of {SCHEDULES:,} schedules"
    percentiles = quantiles(took, n=100)
    yield at_most(f"{name}, p50", percentiles[49], "ms", 5)
    yield at_most(f"{name}, p99", percentiles[98], "ms", 5)
    yield Figure(f"the first tick of a process, {SCHEDULES:,} schedules", first * 1_000, "ms")


def _at_once(filled: Path, database: Path) -> Iterator[Figure]:
    """All due in the same minute, under Slack's rate limits."""
    database.write_bytes(filled.read_bytes())
    with LocalSlack(longest_history_page=200) as slack:
        set_up(database, slack, SCHEDULES, add_rooms(slack, CHANNELS))
        fleet = Fleet(database, slack, patient=True)
        files = Database(database)
        runs = ReportRuns(files, worlds.now)
        begun = monotonic()
        try:
            for _ in range(WORKERS):
                fleet.add()
            while runs.counts().get("sent", 0) < SCHEDULES and monotonic() < begun + LONGEST:
                sleep(1)
        finally:
            took = monotonic() - begun
            fleet.end()
            files.close()
        posted = Counter(
            message["metadata"]["event_payload"]["key"]
            for channel in list(slack.workspace.channels)
            for message in slack.messages(channel)
            if message.get("metadata")
        )
    name = f"{SCHEDULES:,} due at once, {CHANNELS} channels, {WORKERS} processes"
    pace = max(SCHEDULES / CHANNELS, CHANNELS / INFO_A_MINUTE * 60)
    yield at_most(f"{name}: not posted", SCHEDULES - len(posted), "", 0)
    yield at_most(f"{name}: twice", sum(posted.values()) - len(posted), "", 0)
    yield Figure(f"{name}", took, "s", "Slack's pace", None, "that pace", took / pace)
