"""What is remembered for a while: taken once, kept by a short id, forgotten in time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from bot.store import Database
from bot.store.expiring_keys import ExpiringKeys
from tests import databases
from tests.clock import Clock

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 22, 10, tzinfo=UTC))


@pytest.fixture
def memory(tmp_path: Path, clock: Clock) -> ExpiringKeys:
    return ExpiringKeys(Database(databases.at(tmp_path / "a.db")), clock)


def test_a_key_is_taken_once_until_its_time_is_over(memory: ExpiringKeys, clock: Clock) -> None:
    assert [memory.claim("event:1", HOUR) for _ in range(3)] == [True, False, False]
    assert memory.claim("event:2", HOUR)
    clock.now += HOUR
    assert memory.claim("event:1", HOUR)


def test_a_key_that_is_given_back_can_be_taken_again(memory: ExpiringKeys) -> None:
    memory.claim("share:1", HOUR)
    memory.release("share:1")
    assert memory.claim("share:1", HOUR)


def test_a_restart_forgets_nothing(tmp_path: Path, clock: Clock) -> None:
    first = Database(databases.at(tmp_path / "a.db"))
    ExpiringKeys(first, clock).claim("event:1", HOUR)
    id_ = ExpiringKeys(first, clock).keep("a long question", HOUR)
    first.close()
    again = ExpiringKeys(Database(databases.at(tmp_path / "a.db")), clock)
    assert not again.claim("event:1", HOUR)
    assert again.get(id_) == "a long question"


def test_one_of_many_at_once_takes_a_key(tmp_path: Path, clock: Clock) -> None:
    database, barrier, taken = Database(databases.at(tmp_path / "a.db")), Barrier(8), []

    def try_it() -> None:
        barrier.wait()
        taken.append(ExpiringKeys(database, clock).claim("event:1", HOUR))

    threads = [Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 7 + [True]


def test_a_text_is_kept_by_a_short_id_until_its_time_is_over(
    memory: ExpiringKeys, clock: Clock
) -> None:
    id_ = memory.keep("x" * 5_000, HOUR)
    assert len(id_) == 20
    assert memory.keep("x" * 5_000, HOUR) == id_ != memory.keep("y", HOUR)
    assert memory.get(id_) == "x" * 5_000
    assert memory.get("nothing") is None
    clock.now += HOUR
    assert memory.get(id_) is None


def test_a_text_put_by_its_key_takes_the_place_of_what_was_there(memory: ExpiringKeys) -> None:
    memory.put("thread:1", "spend 1d", HOUR)
    memory.put("thread:1", "spend 1w", HOUR)
    assert memory.get("thread:1") == "spend 1w"


def test_updates_from_many_threads_at_once_lose_nothing(tmp_path: Path, clock: Clock) -> None:
    database = Database(databases.at(tmp_path / "a.db"))

    def add() -> None:
        for _ in range(5):
            ExpiringKeys(database, clock).update(
                "n", lambda text: (str(int(text or 0) + 1), None), HOUR
            )

    threads = [Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    memory = ExpiringKeys(database, clock)
    assert memory.update("n", lambda text: ("x", text), HOUR) == "20"
    clock.now += HOUR
    assert memory.update("n", lambda text: ("y", text), HOUR) is None


def test_what_is_over_is_taken_away(tmp_path: Path, clock: Clock) -> None:
    database = Database(databases.at(tmp_path / "a.db"))
    memory = ExpiringKeys(database, clock)
    for number in range(50):
        memory.claim(f"event:{number}", HOUR)
    clock.now += HOUR
    memory.claim("event:50", HOUR)
    with database.read() as connection:
        assert connection.execute("SELECT count(*) FROM memory").fetchone() == (1,)
