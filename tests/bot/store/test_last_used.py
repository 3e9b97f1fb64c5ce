"""When members were last used is found wherever it lies in the stored hours and days."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.store import Database, Store
from bot.store.encoding import StoredView, to_seconds
from reports.time.time_range import DAY, HOUR, STEP, Granularity
from reports.usage.dimensions import Dimension
from reports.usage.usage import Usage
from reports.usage.windows_to_fetch import Window
from tests import databases

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = [f"key-{n}" for n in range(40)]


@pytest.fixture
def store(tmp_path):
    made = Store(Database(databases.at(tmp_path / "activity.db")))
    made.list_members([(key, key, "") for key in KEYS], [], [])
    made.add_members(Dimension.MODEL, [("a/x", "a/x", "")])
    yield made
    made.close()


def use(store, granularity, buckets):
    """Let keys (by their numbers) make a request in each of some buckets (by theirs)."""
    ids, step = store.directory().ids, STEP[granularity]
    rows = [
        (
            (StoredView.KEY, to_seconds(FIRST + bucket * step), ids[Dimension.KEY, KEYS[number]],
             ids[Dimension.MODEL, "a/x"]),
            Usage(requests, prompt=7),
        )
        for number, bucket, requests in buckets
    ]  # fmt: skip
    end = FIRST + (1 + max(bucket for _, bucket, _ in buckets)) * step
    store.replace(Window(granularity, FIRST, end), rows, None)


@pytest.mark.parametrize(
    ("granularity", "apart"), [(Granularity.HOUR, 24), (Granularity.HOUR, 7), (Granularity.DAY, 8)]
)
def test_each_key_is_found_in_its_own_part_of_time(store, granularity, apart):
    number = {key: n for n, key in enumerate(KEYS[1:])}
    use(store, granularity, [(n, n * apart, 1) for n in number.values()])
    found = store.last_used(Dimension.KEY)
    ids = store.directory().ids
    assert found == {
        ids[Dimension.KEY, KEYS[n]]: FIRST + n * apart * STEP[granularity] for n in number.values()
    }


def test_the_later_of_hours_and_days_counts_and_only_with_requests(store):
    use(store, Granularity.HOUR, [(0, 3, 1), (0, 80, 1), (1, 30, 1), (2, 90, 0), (2, 2, 4)])
    use(store, Granularity.DAY, [(0, 1, 1), (1, 9, 1), (3, 0, 5), (4, 6, 0)])
    ids = [store.directory().ids[Dimension.KEY, key] for key in KEYS]
    assert store.last_used(Dimension.KEY) == {
        ids[0]: FIRST + timedelta(hours=80),
        ids[1]: FIRST + timedelta(days=9),
        ids[2]: FIRST + timedelta(hours=2),
        ids[3]: FIRST,
    }


@given(
    st.lists(st.tuples(st.integers(0, 39), st.integers(0, 60), st.integers(0, 1)), max_size=60),
    st.lists(st.tuples(st.integers(0, 39), st.integers(0, 20), st.integers(0, 1)), max_size=60),
    st.sets(st.integers(0, 39)),
)
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_last_uses_of_some_keys_are_those_among_all(store, hours, days, some):
    # the last bucket is always replaced, so that examples leave nothing of each other
    use(store, Granularity.HOUR, [*hours, (0, 60, 0)])
    use(store, Granularity.DAY, [*days, (0, 20, 0)])
    ids = [store.directory().ids[Dimension.KEY, key] for key in KEYS]
    expected: dict[int, datetime] = {}
    for step, buckets in ((HOUR, hours), (DAY, days)):
        # of rows with the same place, figures are added up
        for number, bucket, requests in buckets:
            if requests:
                at = FIRST + bucket * step
                expected[ids[number]] = max(at, expected.get(ids[number], at))
    assert store.last_used(Dimension.KEY) == expected
    asked = frozenset(ids[number] for number in some)
    found = store.last_used(Dimension.KEY, asked)
    assert found == {id_: at for id_, at in expected.items() if id_ in asked}


def test_nothing_was_used_where_nothing_is_stored(store):
    assert store.last_used(Dimension.KEY) == {}
