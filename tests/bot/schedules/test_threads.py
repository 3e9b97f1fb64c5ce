"""Reports by the thousand use no more threads, connections and descriptors than the first ones."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.schedules.deliver import AT_ONCE
from bot.store.sqlite import MOST_IDLE
from tests import databases
from tests.bot.schedules.report_bot import ReportBot, report_bot

DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture
def bot(database: Path) -> Iterator[ReportBot]:
    with report_bot(database, datetime(2026, 11, 21, 9, tzinfo=UTC)) as found:
        yield found


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="needs /proc")
def test_two_thousand_reports_leave_threads_and_descriptors_as_they_were(bot: ReportBot) -> None:
    """They end early, paused after they were due: all use the database, none is typeset."""

    def used() -> tuple[int, int]:
        if databases.on_postgres():
            return len(bot.database.engine.idle), reporting_threads()
        folder = bot.database.address.parent
        files = 0
        for one in DESCRIPTORS.iterdir():
            with suppress(OSError):
                files += one.readlink().is_relative_to(folder)
        return files, reporting_threads()

    def reporting_threads() -> int:
        return sum(one.name.startswith("report") for one in threading.enumerate())

    def ticks(count: int, start: int) -> None:
        for tick in range(start, start + count):
            with bot.database.write() as connection:
                connection.executemany(
                    "INSERT INTO run (schedule, recipient, period, place, due_at, noticed_at,"
                    " next_at, state) VALUES (?, ?, ?, ?, 0, 0, 0, 'due')",
                    [(entry.id, f"U{one}", str(tick), f"U{tick}-{one}") for one in range(8)],
                )
            bot.tick()

    databases.in_a_hurry(bot.database)
    entry = bot.set_up("schedule weekly spend by key mon 9:00")
    bot.reports.schedules.pause(entry.id, "ada")
    before = used()[1]  # other tests may have left idle ones
    ticks(250, 0)
    files, threads = used()
    assert files <= 2 * (MOST_IDLE + 1) + 1  # the file and its log for each, and an index
    assert threads - before <= AT_ONCE
    assert len(bot.states()) == 2_000
    assert {state for _, state, _ in bot.states()} == {"skipped"}
