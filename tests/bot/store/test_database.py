"""The database file: private, consistent after every crash, and never another program's."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bot.store import Database, Store, StoreError, database, sqlite
from bot.store.encoding import StoredView
from bot.store.sqlite import has_safe_wal
from reports.time.time_range import Granularity
from reports.usage.dimensions import Dimension
from reports.usage.usage import Usage
from reports.usage.windows_to_fetch import Window
from tests import databases

pytestmark = pytest.mark.real_files

NOW = datetime(2026, 11, 22, 14, 23, 7, tzinfo=UTC)
DAY = timedelta(days=1)
TODAY = Window(Granularity.DAY, NOW.replace(hour=0, minute=0, second=0), NOW)


def rows(count, start=TODAY.start):
    """Rows of so many models, the same in both views."""
    at = int(start.timestamp())
    return [
        ((view, at, member, model), Usage(1, prompt=model))
        for view, member in ((StoredView.KEY, 1), (StoredView.CREATOR, 2))
        for model in range(10, 10 + count)
    ]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "activity.db"


@pytest.fixture
def store(path):
    made = Store(Database(databases.at(path)))
    yield made
    made.close()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.sqlite_only("about the file")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_all_its_files_are_their_owners_alone(path, umask):
    before = os.umask(umask)
    try:
        made = Database(path)
        with made.write() as connection:
            connection.execute("INSERT INTO fact VALUES ('a', 'b')")
            files = list(path.parent.iterdir())
            assert len(files) > 1
            assert {mode(file) for file in files} == {0o600}
        made.close()
    finally:
        os.umask(before)


@pytest.mark.sqlite_only("about the file")
def test_it_keeps_its_journal_as_this_sqlite_can_do_it_safely(store):
    safe = sqlite.has_safe_wal(sqlite3.sqlite_version_info)  # or what `--journal` asks for
    with store._db.write() as connection:
        kept = connection.execute("PRAGMA journal_mode").fetchone()[0]
        synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
    assert (kept, synchronous) == (("wal", 1) if safe else ("truncate", 2))


@pytest.mark.parametrize(
    ("version", "safe"),
    [((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 0), False),
     ((3, 50, 6), False), ((3, 50, 7), True), ((3, 51, 2), False), ((3, 51, 3), True),
     ((3, 52, 0), True), ((4, 0, 0), True)],
)  # fmt: skip
def test_a_write_ahead_log_is_only_for_versions_without_its_race(version, safe):
    assert has_safe_wal(version) is safe


@pytest.mark.sqlite_only("about the file")
@pytest.mark.parametrize("safe", [True, False])
def test_a_file_survives_a_change_of_journals(path, safe, monkeypatch):
    for kept in (safe, not safe, safe):
        monkeypatch.setattr(sqlite, "has_safe_wal", lambda _, kept=kept: kept)
        made = Store(Database(databases.at(path)))
        made.replace(TODAY, rows(3), NOW)
        assert made.state().synced[Granularity.DAY] == NOW.replace(microsecond=0)
        made.close()


# -- somebody else's, and damaged ones


def foreign(path, statement="CREATE TABLE theirs (a)"):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(statement)
    connection.execute("PRAGMA user_version = 7")
    connection.commit()
    connection.close()


STRANGERS = {
    "text": lambda path: path.write_text("dear diary, " * 1000),
    "zeros": lambda path: path.write_bytes(bytes(8192)),
    "cut header": lambda path: path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 84),
    "database": foreign,
    "migrated": lambda path: foreign(
        path, "CREATE TABLE _sqlite_migrations (id, migration_set, name, applied_at)"
    ),
    "namesake": lambda path: foreign(path, "CREATE TABLE usage (a)"),
}


@pytest.mark.sqlite_only("about the file")
@pytest.mark.parametrize("kind", STRANGERS)
def test_a_file_that_is_not_ours_is_refused_in_a_sentence_and_left_as_it_is(path, kind):
    STRANGERS[kind](path)
    before = path.read_bytes()
    with pytest.raises(StoreError) as caught:
        Database(path)
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith(".")
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.sqlite_only("about the file")
def test_an_empty_file_is_made_ours(path):
    path.touch(0o600)
    Store(Database(databases.at(path))).close()


@pytest.mark.sqlite_only("about the file")
def test_a_folder_that_is_not_there_or_not_writable_is_said_in_a_sentence(tmp_path):
    for place in (tmp_path / "no" / "where.db", tmp_path):
        with pytest.raises(StoreError, match="can't be read or written"):
            Database(place)


@pytest.mark.sqlite_only("about the file")
def test_a_database_that_must_be_there_is_not_made(path):
    with pytest.raises(StoreError, match="Run `activity sync` to create it"):
        Database(path, must_exist=True)
    assert not path.exists()


@pytest.mark.sqlite_only("about the file")
def test_damaged_pages_are_said_in_a_sentence_when_they_are_read(path):
    made = Store(Database(databases.at(path)))
    made.replace(TODAY, rows(3000), NOW)
    made.close()
    whole = bytearray(path.read_bytes())
    whole[8192:] = b"\xa5" * (len(whole) - 8192)
    path.write_bytes(whole)
    with pytest.raises(StoreError, match="damaged or not a database"):
        Store(Database(databases.at(path))).replace(TODAY, rows(1), NOW)
    assert path.read_bytes() == bytes(whole)


# -- accidents


@pytest.mark.sqlite_only("a limit of SQLite stands for the disk")
def test_a_full_disk_keeps_what_was_there_and_recovers_by_itself(store):
    store.replace(TODAY, rows(5), NOW - DAY)
    with store._db.write() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 3}")
    with pytest.raises(StoreError, match="The disk is full"):
        store.replace(TODAY, rows(4000), NOW)
    assert store.state().synced[Granularity.DAY] == NOW - DAY
    assert count(store) == 10
    with store._db.write() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        connection.execute("PRAGMA max_page_count = 1000000")
    store.replace(TODAY, rows(4000), NOW)
    assert count(store) == 8000


def count(store):
    with store._db.read() as connection:
        return connection.execute("SELECT COUNT(*) FROM usage WHERE granularity = 2").fetchone()[0]


def test_a_failure_on_the_way_leaves_nothing_behind(store):
    store.replace(TODAY, rows(5), NOW - DAY)
    with pytest.raises((OverflowError, psycopg.DataError)):
        store.replace(TODAY, [*rows(9), *[((0, 1, 1, 1), Usage(2**63))]], NOW)
    assert count(store) == 10
    assert store.replace(TODAY, rows(6), NOW) == 2


@pytest.mark.sqlite_only("about the file")
def test_questions_wait_for_a_locked_database(path, store):
    store.replace(TODAY, rows(5), NOW)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    threading.Timer(0.4, lambda: other.execute("ROLLBACK")).start()
    assert count(store) == 10
    other.close()


@pytest.mark.sqlite_only("about the file")
@pytest.mark.parametrize("journal", ["rollback"], indirect=True)  # in WAL others read on
def test_a_database_that_stays_locked_is_said_in_a_sentence(path, journal, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    store = Store(Database(databases.at(path)))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for attempt in (store.state, lambda: store.replace(TODAY, rows(1), NOW)):
        with pytest.raises(StoreError, match="locked by another program"):
            attempt()
    other.execute("ROLLBACK")
    assert store.replace(TODAY, rows(1), NOW) == 2
    other.close()
    store.close()


def test_what_is_wrong_with_us_is_not_blamed_on_the_disk(store):
    errors = (sqlite3.OperationalError, psycopg.ProgrammingError)
    missing = pytest.raises(errors, match=r"no such table|does not exist")
    with missing, store._db.read() as connection:
        connection.execute("SELECT * FROM nowhere")
    assert count(store) == 0


def test_a_reader_cannot_write(store):
    with pytest.raises(StoreError), store._db.read() as connection:
        connection.execute("DELETE FROM fact")


@pytest.mark.parametrize("journal", ["wal"], indirect=True)
def test_a_read_sees_one_state_from_first_to_last(path, journal):
    """With a write-ahead log, where a writer need not wait for readers."""
    store = Store(Database(databases.at(path)))
    store.replace(TODAY, rows(1), NOW)
    with store.snapshot():
        before = count(store)
        writer = threading.Thread(target=lambda: store.replace(TODAY, rows(2), NOW))
        writer.start()
        writer.join()
        assert count(store) == before
    assert count(store) == before + 2
    store.close()


def test_many_who_open_a_new_database_at_once_make_one_between_them(path):
    gate, made, failed = threading.Barrier(8), [], []

    def open_it():
        gate.wait()
        try:
            made.append(Database(databases.at(path)))
        except StoreError as error:
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    store = Store(made[0])
    assert len(store.directory().of[Dimension.KEY]) == 1
    for one in made:
        one.close()


# -- rivals


@pytest.mark.parametrize("rivals", [1, 3, 100])
def test_what_another_process_writes_in_between_is_neither_lost_nor_counted_twice(path, rivals):
    """However often somebody else writes between the look at what is there and the writing."""
    store, other, left = (
        Store(Database(databases.at(path))),
        Store(Database(databases.at(path))),
        list(range(rivals)),
    )
    read = store._db.read

    @contextmanager
    def read_and_be_overtaken():
        with read() as connection:
            yield connection
        if left:
            left.pop()
            other.replace(TODAY, rows(2 + len(left) % 7), NOW)

    store._db.read = read_and_be_overtaken
    store.replace(TODAY, rows(4), NOW)
    store._db.read = read
    with store._db.read() as connection:
        kept = connection.execute(
            "SELECT COUNT(*), SUM(prompt) FROM usage WHERE granularity = 2"
        ).fetchone()
        sums = connection.execute(
            "SELECT granularity, SUM(requests), SUM(prompt) FROM total"
            " WHERE dimension = 0 GROUP BY 1"
        ).fetchall()
    assert kept == (8, 2 * (10 + 11 + 12 + 13))
    assert sums == [(2, 4, 46), (3, 4, 46)]
    for one in (store, other):
        one.close()


# -- leases


def test_a_lease_is_one_owners_until_it_ends(store):
    def lease(owner, at):
        return store.lease("sync", owner, timedelta(minutes=2), lambda: NOW + at)

    minute = timedelta(minutes=1)
    assert lease("a", 0 * minute)
    assert not lease("b", 1 * minute)
    assert lease("a", 1 * minute)
    assert not lease("b", 2 * minute)
    assert lease("b", 3 * minute)
    assert not lease("a", 4 * minute)
    assert store.lease("reports", "a", minute, lambda: NOW)


def test_a_lease_from_before_the_clock_was_set_back_binds_nobody(store):
    long = timedelta(minutes=2)
    assert store.lease("sync", "a", long, lambda: NOW + DAY)
    assert store.lease("sync", "b", long, lambda: NOW)
    assert not store.lease("sync", "a", long, lambda: NOW)


GRAB = """
import sys
from datetime import datetime, timedelta, UTC
from pathlib import Path
from bot.store import Database, Store
from tests.databases import address
store = Store(Database(address(sys.argv[1])))
at = lambda: datetime(2026, 11, 22, tzinfo=UTC)
print(sum(store.lease(f"turn {n}", sys.argv[2], timedelta(minutes=1), at) for n in range(40)))
"""


def test_of_two_processes_one_gets_each_lease(path):
    Database(databases.at(path)).close()
    running = [
        subprocess.Popen(
            [sys.executable, "-c", GRAB, str(databases.at(path)), owner],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )
        for owner in ("a", "b")
    ]
    granted = [int(one.communicate(timeout=60)[0]) for one in running]
    assert sum(granted) == 40
