"""Sums by hour that are asked for again: what was written since is read, and nothing is missed."""

from contextlib import closing
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.store import Database, Store
from bot.store.encoding import StoredView, to_seconds
from bot.store.usage import latest_hours
from bot.store.usage.selection import Selection
from reports.time.time_range import DAY, HOUR, Granularity, TimeRange
from reports.usage.dimensions import Dimension, MoneySource
from reports.usage.usage import Usage
from reports.usage.windows_to_fetch import Window
from tests import databases

FIRST = datetime(2026, 11, 20, tzinfo=UTC)
COUNT = 60
KEYS = (5, 6, 7)
SOME = Selection().only(Dimension.KEY, frozenset({5, 6}))
SOURCES = (MoneySource.ALL, MoneySource.CREDITS)


@pytest.fixture
def address(tmp_path):
    return databases.at(tmp_path / "a.db")


@pytest.fixture
def store(address):
    with closing(Store(Database(address))) as made:
        yield made


@pytest.fixture
def read(monkeypatch):
    """The spans of hours (indexes) that are read from the database."""
    spans = []
    real = Store.spend_series

    def noted(self, selection, wanted, *more):
        start = (wanted.start - FIRST) // HOUR
        spans.append((start, start + len(wanted.buckets)))
        return real(self, selection, wanted, *more)

    monkeypatch.setattr(Store, "spend_series", noted)
    return spans


def hours(start, end):
    buckets = tuple(FIRST + n * HOUR for n in range(start, end))
    after = FIRST + end * HOUR
    return TimeRange(buckets, after, Granularity.HOUR, after)


def write(store, start, end, amount, granularity=Granularity.HOUR):
    """Let each key spend an amount in every other bucket of a window (indexes)."""
    step = HOUR if granularity is Granularity.HOUR else DAY
    rows = [
        ((view, to_seconds(FIRST + at * step), key, 9), Usage(1, credits=amount * key, byok=at))
        for at in range(start, end, 2)
        for key in KEYS
        for view in StoredView
    ]
    window = Window(granularity, FIRST + start * step, FIRST + end * step)
    store.replace(window, rows if amount else [], FIRST)


def asked(store, start=0, end=COUNT, source=MoneySource.ALL):
    found = store.hourly_spend(SOME, hours(start, end), source)
    return {at: spent for at, spent in found.items() if spent}


def test_only_hours_that_were_written_since_are_read_again(store, read):
    write(store, 0, COUNT, 3)
    before = asked(store)
    assert read == [(0, COUNT)]
    assert asked(store) == before
    assert len(read) == 1
    write(store, 50, COUNT, 4)
    write(store, 0, 3, 4, Granularity.DAY)
    write(store, 20, 22, 0)
    after = asked(store)
    assert read[1:] == [(20, 22), (50, COUNT)]
    assert after == {
        at: 11 * (4 if at >= 50 else 3) + 2 * at for at in range(0, COUNT, 2) if at != 20
    }


def test_the_next_hour_is_read_when_time_goes_on(store, read):
    write(store, 0, COUNT, 3)
    asked(store, 0, 40)
    asked(store, 2, 42)
    assert read == [(0, 40), (40, 42)]


def test_after_another_process_wrote_everything_is_read_again(store, address, read):
    write(store, 0, COUNT, 3)
    asked(store)
    with closing(Store(Database(address))) as other:
        write(other, 10, 12, 9)
    write(store, 50, COUNT, 4)
    assert asked(store)[10] == 11 * 9 + 20
    assert read == [(0, COUNT)] * 2


def test_as_many_changes_as_are_kept_are_known(store, read, monkeypatch):
    monkeypatch.setattr(latest_hours, "_MOST_CHANGES", 3)
    write(store, 0, COUNT, 3)
    asked(store)
    for at in (0, 2, 4):
        write(store, at, at + 2, 5)
    assert [asked(store)[at] for at in (0, 2, 4)] == [55, 59, 63]
    assert read == [(0, COUNT), (0, 6)]
    for at in (0, 2, 4, 6):
        write(store, at, at + 2, 7)
    assert [asked(store)[at] for at in (0, 2, 4, 6)] == [77, 81, 85, 89]
    assert read[2:] == [(0, COUNT)]


@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.just("write"), st.integers(0, 20), st.integers(1, 9), st.integers(0, 4),
                st.booleans(), st.sampled_from([Granularity.HOUR, Granularity.DAY]),
            ),
            st.tuples(
                st.just("ask"), st.integers(0, 20), st.integers(1, 9), st.sampled_from(SOURCES)
            ),
            st.just(("forget",)),
        ),
        max_size=25,
    )
)  # fmt: skip
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_sums_are_those_of_the_stored_hours_whoever_writes(store, address, steps):
    with closing(Store(Database(address))) as other:
        for step, *given_ in steps:
            if step == "write":
                start, count, amount, elsewhere, granularity = given_
                write(other if elsewhere else store, start, start + count, amount, granularity)
            elif step == "ask":
                start, count, source = given_
                wanted = hours(start, start + count)
                found = store.spend_series(SOME, wanted, Granularity.HOUR, source).get(0, {})
                assert asked(store, start, start + count, source) == {
                    at: spent for at, spent in found.items() if spent
                }
            else:
                store.forget(Granularity.HOUR, FIRST + 4 * HOUR)
