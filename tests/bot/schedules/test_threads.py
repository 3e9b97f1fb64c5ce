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
from tests.bot.schedules.office import Office, office

DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture
def there(database: Path) -> Iterator[Office]:
    with office(database, datetime(2026, 11, 21, 9, tzinfo=UTC)) as found:
        yield found


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="needs /proc")
def test_two_thousand_reports_leave_threads_and_descriptors_as_they_were(there: Office) -> None:
    """They end early, paused after they were due: all use the database, none is typeset."""

    def used() -> tuple[int, int]:
        if databases.on_postgres():
            return len(there.database.engine.idle), reporting_threads()
        folder = there.database.address.parent
        files = 0
        for one in DESCRIPTORS.iterdir():
            with suppress(OSError):
                files += one.readlink().is_relative_to(folder)
        return files, reporting_threads()

    def reporting_threads() -> int:
        return sum(one.name.startswith("report") for one in threading.enumerate())

    def ticks(count: int, start: int) -> None:
        for tick in range(start, start + count):
            with there.database.write() as connection:
                connection.executemany(
                    "INSERT INTO run (schedule, recipient, period, place, due_at, noticed_at,"
                    " next_at, state) VALUES (?, ?, ?, ?, 0, 0, 0, 'due')",
                    [(entry.id, f"U{one}", str(tick), f"U{tick}-{one}") for one in range(8)],
                )
            there.tick()

    databases.in_a_hurry(there.database)
    entry = there.set_up("schedule weekly spend by key mon 9:00")
    there.reports.schedules.pause(entry.id, "ada")
    before = used()[1]  # other tests may have left idle ones
    ticks(250, 0)
    files, threads = used()
    assert files <= 2 * (MOST_IDLE + 1) + 1  # the file and its log for each, and an index
    assert threads - before <= AT_ONCE
    assert len(there.states()) == 2_000
    assert {state for _, state, _ in there.states()} == {"skipped"}
