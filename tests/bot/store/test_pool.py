"""Readers and the writer beside each other: pooled, never waiting for themselves."""

import gc
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest

from bot.store import Database, DatabaseBusyError, DiskFullError
from bot.store import database as database_module
from bot.store.database import patience
from bot.store.errors import NestedAccessError
from bot.store.sqlite import MOST_IDLE
from tests import databases

DESCRIPTORS = Path("/proc/self/fd")
KEEP = "INSERT INTO fact (name, value) VALUES (?, 'x') ON CONFLICT DO NOTHING"


@pytest.fixture
def database(tmp_path, journal):
    made = Database(databases.at(tmp_path / "activity.db"))
    yield made
    made.close()


@pytest.fixture
def other(database):
    """Another program's connection to the same file."""
    connection = sqlite3.connect(
        database.address, isolation_level=None, check_same_thread=False, timeout=30
    )
    yield connection
    connection.close()


def facts(database):
    with database.read() as connection:
        return {row[0] for row in connection.execute("SELECT name FROM fact")}


def keep(database, name):
    with database.write() as connection:
        connection.execute(KEEP, (name,))


def ours(database):
    """How many descriptors this process holds on the database's files."""
    found = 0
    for one in DESCRIPTORS.iterdir():
        with suppress(OSError):  # the one that lists them is gone by now
            found += one.readlink().is_relative_to(database.address.parent)
    return found


# -- a write never begins where its commit would wait for its own thread


def test_a_write_inside_a_read_is_a_mistake_of_the_program(database):
    with database.read(), pytest.raises(NestedAccessError, match="holds a read transaction"):
        keep(database, "a")
    keep(database, "b")
    assert facts(database) == {"b"}


def test_a_write_between_two_rows_of_a_read_is_one_as_well(database):
    def rows():
        with database.read() as connection:
            yield from connection.execute("SELECT ref FROM member")

    unfinished = rows()
    next(unfinished)
    with pytest.raises(NestedAccessError):
        keep(database, "a")
    unfinished.close()
    keep(database, "a")


def test_a_read_inside_a_write_and_a_write_inside_a_write_are_mistakes(database):
    for attempt in (lambda: facts(database), lambda: keep(database, "a")):
        with pytest.raises(NestedAccessError), database.write():
            attempt()
    assert facts(database) == set()


def test_another_thread_may_write_while_this_one_reads(database):
    with ThreadPoolExecutor(1) as pool:
        with database.read():
            written = pool.submit(keep, database, "a")
        written.result(30)
    assert facts(database) == {"a"}


def test_readers_and_writers_beside_each_other_all_get_through(database):
    def work(number):
        for turn in range(30):
            keep(database, f"{number} {turn}")
            with database.read():
                assert facts(database) == facts(database)

    begun = monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(facts(database)) == 240
    assert monotonic() - begun < 30  # a wait of one for itself would take BUSY_SECONDS


# -- connections come back


@pytest.mark.sqlite_only("counts the files of a database")
@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="needs /proc")
def test_threads_that_ended_leave_no_connections_behind(database):
    def rounds(count):
        for _ in range(count):
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda _: facts(database), range(8)))

    rounds(60)
    # the file and its log for each reader and the writer, the log's index for all of them
    assert ours(database) <= 2 * (MOST_IDLE + 1) + 1
    assert len(database.engine.idle) <= MOST_IDLE


@pytest.mark.sqlite_only("more readers than a server is asked for")
def test_no_more_readers_than_a_few_are_kept_for_later(database):
    gate = threading.Barrier(3 * MOST_IDLE)

    def read(_):
        with database.read():
            gate.wait(60)

    with ThreadPoolExecutor(3 * MOST_IDLE) as pool:
        list(pool.map(read, range(3 * MOST_IDLE)))
    assert len(database.engine.idle) == MOST_IDLE


def test_a_read_that_outlives_the_one_around_it_keeps_its_connection_to_itself(database):
    keep(database, "a")

    def rows():
        with database.read() as connection:
            yield from connection.execute("SELECT name FROM fact UNION SELECT 'b' ORDER BY 1")

    with database.read():
        unfinished = rows()
        first = next(unfinished)
    assert database.reading
    assert [first, *unfinished] == [("a",), ("b",)]
    assert not database.reading


def test_a_generator_that_another_thread_ends_gives_its_connection_back(database):
    def rows():
        with database.read() as connection:
            yield from connection.execute("SELECT ref FROM member")

    unfinished = rows()
    next(unfinished)
    thread = threading.Thread(target=unfinished.close)
    thread.start()
    thread.join()
    gc.collect()
    keep(database, "a")
    assert facts(database) == {"a"}


# -- locks of other programs


@pytest.mark.sqlite_only("the lock of a file")
def test_a_locked_database_is_said_within_the_patience_of_a_thread(database, other):
    other.execute("BEGIN EXCLUSIVE")
    for attempt in (lambda: keep(database, "a"), *[lambda: facts(database)] * (not is_wal(other))):
        begun = monotonic()
        with pytest.raises(DatabaseBusyError), patience(0.1):
            attempt()
        assert monotonic() - begun < 5
    other.execute("ROLLBACK")
    keep(database, "a")
    assert database.trouble is None


def is_wal(connection):
    return connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


@pytest.mark.sqlite_only("the lock of a file")
def test_after_a_first_wait_it_is_said_once_and_then_waited_on(database, other):
    said = []

    def on_wait():
        said.append("wait")
        other.execute("ROLLBACK")

    other.execute("BEGIN IMMEDIATE")
    with patience(0.05, 60, on_wait):
        keep(database, "a")
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.2, lambda: other.execute("ROLLBACK")).start()
        keep(database, "b")
    assert said == ["wait"]
    assert facts(database) == {"a", "b"}


@pytest.mark.sqlite_only("the lock of a file")
def test_a_writer_that_waits_holds_up_no_other_for_longer_than_that_one_would_wait(database, other):
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as pool:
        patient = pool.submit(keep, database, "patient")
        begun = monotonic()
        with pytest.raises(DatabaseBusyError), patience(0.2):
            keep(database, "hurried")
        assert monotonic() - begun < 5
        other.execute("ROLLBACK")
        patient.result(60)
    assert facts(database) == {"patient"}


# -- trouble


@pytest.mark.sqlite_only("a limit of SQLite stands for the disk")
def test_a_full_disk_is_trouble_until_writes_go_well_again(database, monkeypatch):
    class Seen(list):
        def failed(self, error):
            self.append(type(error))

        def written(self):
            self.append("written")

    database.observer = seen = Seen()
    with database.write() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskFullError), database.write() as connection:
        connection.execute("INSERT INTO fact (name, value) VALUES ('a', ?)", ("x" * 100_000,))
    assert isinstance(database.trouble, DiskFullError)
    assert facts(database) == set()
    keep(database, "b")  # a small one that fits does not end it at once
    assert isinstance(database.trouble, DiskFullError)
    monkeypatch.setattr(database_module, "SETTLED_SECONDS", 0.0)
    assert database.trouble is None
    assert seen == ["written", DiskFullError, "written"]
