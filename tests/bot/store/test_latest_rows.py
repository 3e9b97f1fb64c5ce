"""Windows that are fetched again: what is remembered of them is what is stored, or is not used."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from bot.store import Database, Store
from bot.store.encoding import GRANULARITY, StoredView, to_seconds
from bot.store.usage import latest_rows
from bot.store.usage import store as store_module
from bot.store.usage.diff import changes
from reports.time.time_range import Granularity
from reports.usage.usage import Usage
from reports.usage.windows_to_fetch import Window
from tests import databases

NOW = datetime(2026, 11, 22, 14, 23, 7, tzinfo=UTC)
TODAY = NOW.replace(hour=0, minute=0, second=0)
YESTERDAY = TODAY - timedelta(days=1)
HOUR = NOW.replace(minute=0, second=0)
DAYS = Window(Granularity.DAY, YESTERDAY, NOW)
HOURS = Window(Granularity.HOUR, HOUR - timedelta(hours=2), NOW)


@pytest.fixture
def address(tmp_path):
    return databases.at(tmp_path / "a.db")


@pytest.fixture
def store(address):
    with closing(Store(Database(address))) as made:
        yield made


@pytest.fixture
def read(monkeypatch):
    """The windows whose rows were read from the database."""
    windows = []
    real = store_module.window_rows

    def noted(connection, window):
        windows.append(window)
        return real(connection, window)

    monkeypatch.setattr(store_module, "window_rows", noted)
    return windows


def used(requests, *buckets, member=5):
    """Usage in both views."""
    usage = Usage(requests, 0, 10 * requests, requests)
    return [((view, to_seconds(at), member, 9), usage) for at in buckets for view in StoredView]


def stored(store, window):
    """The requests of a window by bucket: of its rows by key, and of the sums of everything."""
    code = GRANULARITY[window.granularity]
    with store._db.read() as connection:
        rows = connection.execute(
            "SELECT bucket, SUM(requests) FROM usage WHERE view = 0 AND granularity = ?"
            " GROUP BY 1 ORDER BY 1",
            (code,),
        ).fetchall()
        sums = connection.execute(
            "SELECT bucket, requests FROM total WHERE dimension = 0 AND granularity = ? ORDER BY 1",
            (code,),
        ).fetchall()
    assert [tuple(row) for row in rows] == [tuple(row) for row in sums]
    return [int(row[1]) for row in rows]


def test_a_window_that_comes_again_is_not_read_back(store, read):
    store.replace(DAYS, used(3, YESTERDAY, TODAY), NOW)
    store.replace(DAYS, used(3, YESTERDAY) + used(4, TODAY), NOW)
    store.replace(DAYS, used(5, TODAY), NOW)
    assert stored(store, DAYS) == [5]
    assert read == [DAYS]


def test_windows_of_other_granularities_may_come_in_between(store, read):
    for requests in (1, 2, 3):
        store.replace(HOURS, used(requests, HOUR), NOW)
        store.replace(DAYS, used(requests, TODAY), NOW)
    assert (stored(store, HOURS), stored(store, DAYS)) == ([3], [3])
    assert read == [HOURS, DAYS]


def test_what_another_process_wrote_is_read_back(store, address, read):
    store.replace(DAYS, used(3, YESTERDAY, TODAY), NOW)
    with closing(Store(Database(address))) as other:
        other.replace(DAYS, used(7, YESTERDAY), NOW)
    read.clear()
    store.replace(DAYS, used(4, TODAY), NOW)
    assert stored(store, DAYS) == [4]
    assert read == [DAYS]


def test_a_window_that_is_half_written_is_read_back(store, read, monkeypatch):
    store.replace(DAYS, used(3, YESTERDAY, TODAY), NOW)
    with monkeypatch.context() as broken:
        broken.setattr(store_module.records, "record_window", lambda *_: 1 / 0)
        broken.setattr(
            store_module,
            "_changes",
            lambda _, old, new, marks: changes(old, new, marks=marks, most=8),
        )
        with pytest.raises(ZeroDivisionError):
            store.replace(DAYS, used(4, YESTERDAY, TODAY), NOW)
    assert stored(store, DAYS) == [4, 3]
    read.clear()
    store.replace(DAYS, used(5, TODAY), NOW)
    assert stored(store, DAYS) == [5]
    assert read == [DAYS]


@pytest.mark.parametrize(
    ("window", "again"),
    [
        (Window(Granularity.DAY, YESTERDAY, NOW + timedelta(minutes=5)), 0),
        (Window(Granularity.DAY, TODAY, NOW), 0),
        (Window(Granularity.DAY, YESTERDAY - timedelta(days=1), NOW), 1),
        (Window(Granularity.DAY, YESTERDAY, NOW + timedelta(days=1)), 1),
        (Window(Granularity.DAY, YESTERDAY, TODAY), 1),
    ],
    ids=["later", "begins later", "begins earlier", "has a new day", "ends earlier"],
)
def test_another_window_is_read_unless_its_rows_are_known(store, read, window, again):
    store.replace(DAYS, used(3, YESTERDAY, TODAY), NOW)
    read.clear()
    store.replace(window, used(4, window.start), NOW)
    assert read == [window] * again
    found = stored(store, DAYS)
    assert found == {TODAY: [3, 4], YESTERDAY: [4]}.get(window.start, [4]) or again


def test_windows_of_many_rows_are_not_remembered(store, read, monkeypatch):
    monkeypatch.setattr(latest_rows, "MOST_ROWS", 3)
    store.replace(DAYS, used(3, YESTERDAY, TODAY), NOW)
    store.replace(DAYS, used(4, YESTERDAY, TODAY), NOW)
    assert stored(store, DAYS) == [4, 4]
    assert read == [DAYS, DAYS]
