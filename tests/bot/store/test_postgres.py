"""What only a server has: lost connections, clocks, locks of areas, and secrets in its URL."""

import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from bot.store import Database, Store, StoreError, postgres
from bot.store.connection import Area
from bot.store.database import patience
from bot.store.errors import (
    CommitUnknownError,
    DatabaseBusyError,
    DatabaseLostError,
    NestedAccessError,
)
from bot.store.migrations import STEPS
from bot.store.postgres import MOST_IDLE, MOST_OPEN
from bot.store.postgres_server import Server, look
from reports.usage.dimensions import Dimension
from tests import databases
from tests.world import wait_until

pytestmark = pytest.mark.skipif(not databases.on_postgres(), reason="needs a server")


@pytest.fixture
def database(tmp_path):
    with closing(Database(databases.at(tmp_path / "a.db"))) as made:
        yield made


@pytest.fixture
def other(database):
    """Another process's connection to the same database."""
    with Server(database.address).connect() as connection:
        yield connection


def facts(database):
    with database.read() as connection:
        return {row[0] for row in connection.execute("SELECT name FROM fact")}


def keep(database, name, area=Area.LEDGER):
    with database.write(area) as connection:
        connection.execute(
            "INSERT INTO fact (name, value) VALUES (?, '') ON CONFLICT DO NOTHING", (name,)
        )


def cut(other):
    """Close all other connections to the database, as a server's restart would."""
    other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def connections(other):
    return other.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()"
    ).fetchone()[0]


# -- lost connections


def test_idle_connections_that_were_cut_are_replaced_unseen(database, other):
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: facts(database), range(9)))
    cut(other)
    keep(database, "a")
    assert facts(database) == {"a"}
    assert database.trouble is None


def test_a_connection_lost_during_a_write_saves_nothing_and_says_so(database, other):
    def write():
        with database.write() as connection:
            connection.execute("INSERT INTO fact (name, value) VALUES ('a', '')")
            cut(other)
            connection.execute("INSERT INTO fact (name, value) VALUES ('b', '')")

    with pytest.raises(DatabaseLostError, match="can't be reached") as caught:
        write()
    assert not isinstance(caught.value, CommitUnknownError)
    assert facts(database) == set()
    keep(database, "c")
    assert facts(database) == {"c"}


def test_a_commit_without_an_answer_is_not_repeated(database, other):
    def write():
        with database.write() as connection:
            connection.execute("INSERT INTO fact (name, value) VALUES ('a', '')")
            cut(other)

    with pytest.raises(CommitUnknownError, match="may be saved or not"):
        write()
    assert facts(database) == set()


def test_a_connection_lost_during_a_read_is_said_and_the_next_read_goes_well(database, other):
    def read():
        with database.read() as connection:
            cut(other)
            connection.execute("SELECT 1")

    with pytest.raises(DatabaseLostError):
        read()
    assert facts(database) == set()


def test_a_failed_statement_that_was_swallowed_cannot_be_committed(database):
    def write():
        with database.write() as connection, suppress(psycopg.ProgrammingError):
            connection.execute("SELECT * FROM nowhere")

    with pytest.raises(RuntimeError, match="rolled back"):
        write()
    assert facts(database) == set()


# -- connections


def test_threads_that_ended_leave_only_a_few_connections(database, other):
    for _ in range(20):
        with ThreadPoolExecutor(12) as pool:
            list(pool.map(lambda _: facts(database), range(12)))
    # the server takes a moment to see that a connection was closed
    wait_until(lambda: connections(other) <= MOST_IDLE)


def test_more_threads_than_connections_take_turns(database):
    begun, go_on = threading.Semaphore(0), threading.Event()

    def read(_):
        with database.read():
            begun.release()
            go_on.wait(60)

    with ThreadPoolExecutor(MOST_OPEN) as pool:
        done = [pool.submit(read, n) for n in range(MOST_OPEN)]
        for _ in done:
            assert begun.acquire(timeout=60)
        with pytest.raises(DatabaseBusyError), patience(0.05):
            facts(database)
        go_on.set()
    assert facts(database) == set()


def test_a_reader_sees_one_state_while_others_write(database):
    with database.read() as connection:
        thread = threading.Thread(target=keep, args=(database, "a"))
        thread.start()
        thread.join()
        assert connection.execute("SELECT count(*) FROM fact").fetchone()[0] == 0
    assert facts(database) == {"a"}


def test_a_reader_cannot_write(database):
    with pytest.raises(StoreError, match="refuses"), database.read() as connection:
        connection.execute("DELETE FROM fact")


def test_a_write_inside_a_read_is_a_mistake_here_too(database):
    with database.read(), pytest.raises(NestedAccessError):
        keep(database, "a")


# -- locks


def test_writers_of_one_area_wait_for_each_other_and_not_for_the_other_area(database):
    with closing(Database(database.address)) as another:
        with database.write(Area.USAGE):
            with patience(0.2):
                keep(another, "ledger")
            with pytest.raises(DatabaseBusyError, match="is busy"), patience(0.2):
                keep(another, "usage", Area.USAGE)
        keep(another, "usage", Area.USAGE)
        assert facts(another) == {"ledger", "usage"}


def test_processes_that_count_at_once_lose_nothing(database):
    def add(_):
        with closing(Database(database.address)) as mine:
            for _ in range(5):
                with mine.write() as connection:
                    found = connection.execute("SELECT value FROM fact").fetchone()
                    number = int(found[0]) if found else 0
                    connection.execute(
                        "INSERT INTO fact (name, value) VALUES ('n', ?) ON CONFLICT (name)"
                        " DO UPDATE SET value = excluded.value",
                        (str(number + 1),),
                    )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    with database.read() as connection:
        assert connection.execute("SELECT value FROM fact").fetchone() == ("20",)


# -- tables


@pytest.fixture
def empty(database):
    """The URL of a database without any table."""
    url = database.address
    with Server(url).connect() as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return url


def test_ten_that_start_at_once_make_one_schema(empty):
    gate, failed = threading.Barrier(10), []

    def start():
        gate.wait(60)
        try:
            Database(empty).close()
        except StoreError as error:
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with Server(empty).connect() as connection:
        found = connection.execute("SELECT name FROM activity_migration ORDER BY 1").fetchall()
        assert [row[0] for row in found] == sorted(step.__name__ for step in STEPS)
        assert connection.execute("SELECT count(*) FROM member").fetchone() == (2,)


def test_a_database_that_must_be_there_is_not_made(empty):
    with pytest.raises(StoreError, match="Run `activity migrate`"):
        Database(empty, must_exist=True)
    assert "m001_usage" in look(empty).missing


def filled(other):
    return dict(
        other.execute(
            "SELECT relname, reloptions FROM pg_class WHERE relname IN ('usage', 'total')"
        ).fetchall()
    )


def test_pages_of_usage_keep_room_for_the_next_version_of_their_rows(database, other):
    assert filled(other) == {"usage": ["fillfactor=90"], "total": ["fillfactor=90"]}


def test_a_database_of_before_gets_room_at_the_next_start_and_other_settings_stay(database, other):
    other.execute("ALTER TABLE usage RESET (fillfactor)")
    other.execute("ALTER TABLE total SET (fillfactor = 70)")
    Database(database.address, must_exist=True).close()
    assert filled(other) == {"usage": None, "total": ["fillfactor=70"]}
    Database(database.address).close()
    assert filled(other) == {"usage": ["fillfactor=90"], "total": ["fillfactor=70"]}


def test_another_programs_database_is_left_alone(empty):
    with Server(empty).connect() as connection:
        connection.execute("CREATE TABLE member (a int)")
    with pytest.raises(StoreError, match="table member of another program"):
        Database(empty)


def test_a_newer_versions_database_is_left_alone(database):
    with Server(database.address).connect() as connection:
        connection.execute("INSERT INTO activity_migration (name) VALUES ('m999_later')")
    with pytest.raises(StoreError, match="written by a newer version of Activity"):
        Database(database.address)


# -- what is stored


def test_names_with_nul_are_stored_without_it(database):
    store = Store(database)
    store.add_members(Dimension.KEY, [("h\0", "na\0me", "")])
    store.add_members(Dimension.KEY, [("h\0", "na\0me", "")])
    assert {m.name for m in store.directory().of[Dimension.KEY]} == {"(chatroom)", "name"}
    store.list_members([("h\0", "new", "")], None, [])
    assert {m.name for m in store.directory().of[Dimension.KEY]} == {"(chatroom)", "new"}


def test_rows_are_streamed_to_their_end_and_may_be_left_early(database, monkeypatch):
    monkeypatch.setattr(postgres, "_FETCH", 2)
    with database.write() as connection:
        connection.executemany(
            "INSERT INTO fact (name, value) VALUES (?, '')", [(f"{n}",) for n in range(5)]
        )
    with database.read() as connection:
        one = connection.stream("SELECT name FROM fact ORDER BY name")
        other = connection.stream("SELECT name FROM fact WHERE name > ? ORDER BY name", ("2",))
        assert next(one) == ("0",)
        assert list(other) == [("3",), ("4",)]
        assert next(one) == ("1",)
    keep(database, "b")
    one.close()
    assert len(facts(database)) == 6


# -- the clock


def test_the_clock_is_the_servers(database, monkeypatch):
    ahead = timedelta(minutes=5)
    monkeypatch.setattr(postgres, "time", (datetime.now(UTC) - ahead).timestamp)
    database.engine._measured = float("-inf")
    facts(database)
    assert abs(database.now() - datetime.now(UTC) - ahead) < timedelta(minutes=1)


def test_clocks_that_agree_are_left_alone(database):
    database.engine._measured = float("-inf")
    facts(database)
    assert database.engine.offset == timedelta(0)


# -- secrets


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bot:canary@127.0.0.1:1/activity",
        "postgresql://bot:canary@127.0.0.1:1/activity?sslmode=nonsense",
        "postgresql://bot:canary@127.0.0.1:1/activity?canary=canary",
    ],
)
def test_no_error_shows_the_password(url):
    with pytest.raises(StoreError) as caught:
        Database(url)
    for shown in (str(caught.value), repr(caught.value), caught.value.public):
        assert "canary" not in shown
        assert "127.0.0.1" not in caught.value.public
    assert caught.value.__suppress_context__ or caught.value.__cause__ is None


def test_a_look_says_how_the_server_is(database):
    found = look(database.address)
    assert found.missing == ()
    assert int(found.version.split(".")[0]) >= 14
    assert abs(found.ahead) < timedelta(minutes=1)


# -- lists


def test_enums_and_booleans_in_lists_are_stored_as_integers(database):
    with database.write(Area.USAGE) as connection:
        rows = [(Area.LEDGER, 60, 120, True), (Area.USAGE, 2**40, 2**41, False)]
        connection.insert_rows("imported", ("granularity", "bucket", "until", "open"), rows)
        connection.delete_rows("imported", ("granularity", "bucket"), [(Area.USAGE, 2**40)])
        stored = connection.execute("SELECT granularity, bucket, until, open FROM imported")
        assert stored.fetchall() == [(2, 60, 120, 1)]
        found = connection.execute("SELECT value FROM numbers(?) n", ([Area.LEDGER, True],))
        assert found.fetchall() == [(2,), (1,)]
        assert connection.execute("SELECT value FROM numbers(?) n", ([],)).fetchall() == []


# -- streams


def test_a_stream_holds_a_few_thousand_rows_at_a_time(database):
    everything = "SELECT n, n * 1000003 FROM generate_series(1, ?::bigint) n"
    with database.read() as connection:
        tracemalloc.start()
        try:
            assert sum(1 for _ in connection.stream(everything, (60_000,))) == 60_000
            streamed = tracemalloc.get_traced_memory()[1]
            tracemalloc.reset_peak()
            assert len(connection.execute(everything, (60_000,)).fetchall()) == 60_000
            fetched = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert streamed * 10 < fetched
