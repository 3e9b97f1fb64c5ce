"""How SQLite goes about the statements behind answers: seeks and short walks, never a scan.

Some members are sought one by one, all of them are walked through in the parts of time concerned.
"""

import re
from datetime import UTC, datetime, timedelta

import pytest

from bot.store import Database, Store
from bot.store.encoding import DIMENSION, GRANULARITY, StoredView, has_sums, to_seconds
from bot.store.usage.filled_months import ALL_MEMBERS, Mark, set_mark
from bot.store.usage.read import Ranking
from bot.store.usage.selection import Selection
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import STORED, Dimension, Metric, MoneySource
from reports.usage.usage import Usage
from reports.usage.windows_to_fetch import Window
from tests import databases

TOKENS_AND_SPEND = (Metric.TOKENS, Metric.SPEND)

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
FIRSTS = tuple(datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 13))
YEAR = TimeRange(FIRSTS, datetime(2027, 1, 1, tzinfo=UTC), Granularity.MONTH, NOW)
SEEK = "(dimension=? AND granularity=? AND part=? AND member=? AND bucket>? AND bucket<?)"
WALK = "(dimension=? AND granularity=? AND part>? AND part<?)"
SOUGHT = "(view=? AND granularity=? AND bucket"
ROWS = f"SEARCH t USING PRIMARY KEY {SOUGHT}"
SOME = frozenset(range(1, 40))
FEW = frozenset(range(1, 20))
BY_KEY = Selection(Dimension.KEY)


def named(selection):
    """A selection in a few words."""
    filters = [f"{dimension}s" for dimension, _ in selection.members]
    return "-".join([f"by {selection.by}" if selection.by else "all", *filters])


def is_summed(selection, stored):
    """Whether sums are stored of all that a selection looks at."""
    used = {selection.by, *(dimension for dimension, _ in selection.members)} - {None}
    return all(has_sums(DIMENSION[dimension], GRANULARITY[stored]) for dimension in used)


def back(end, step, count, granularity):
    buckets = tuple(end - n * step for n in range(count, 0, -1))
    return TimeRange(buckets, end, granularity, end), granularity


RANGES = {
    "year": (YEAR, Granularity.DAY),
    "month": back(NOW.replace(hour=0), timedelta(days=1), 31, Granularity.DAY),
    "day": back(NOW, timedelta(hours=1), 25, Granularity.HOUR),
    "hour": back(NOW, timedelta(minutes=1), 61, Granularity.MINUTE),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    made = Store(Database(tmp_path_factory.mktemp("plans") / "activity.db"))
    for dimension in STORED:
        made.add_members(dimension, [(f"{dimension}{n}", f"{dimension}{n}", "") for n in range(50)])
    yield made
    made.close()


def plans(store, act):
    """The plan of each statement that reads usage or its sums, as SQLite tells it."""
    statements = []
    with store._db.read() as connection:
        connection.set_trace_callback(statements.append)
        try:
            act()
        finally:
            connection.set_trace_callback(None)
        read = [one for one in statements if " total t" in one or "usage t" in one]
        assert read
        return [[row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {one}")] for one in read]


@pytest.mark.sqlite_only("SQLite's plans")
@pytest.mark.parametrize("period", RANGES)
@pytest.mark.parametrize("ranking", [None, Ranking(10, tuple(Metric), MoneySource.ALL)])
@pytest.mark.parametrize(
    "selection",
    [Selection(by) for by in STORED]
    + [Selection.of(None, {dimension: SOME}) for dimension in STORED]
    + [Selection.of(by, {by: SOME}) for by in (Dimension.KEY, Dimension.MODEL)],
    ids=named,
)
def test_sums_are_sought_for_each_member_or_walked_through_by_parts(
    store, period, ranking, selection
):
    wanted, stored = RANGES[period]
    some = bool(selection.members)
    ways = []
    for plan in plans(store, lambda: store.read(selection, wanted, stored, ranking)):
        ways += [
            line.removeprefix("SEARCH t USING PRIMARY KEY ") for line in plan if " t " in f"{line} "
        ]
    if not is_summed(selection, stored):
        assert some or ways.pop(0) == WALK  # the whole
        assert all(way.startswith(SOUGHT) for way in ways)
        return
    assert set(ways[:-1] or ways) == {SEEK if some else WALK}
    # of the groups that were ranked only those are read that are looked at
    assert ways[-1] == (SEEK if some or (ranking and selection.by) else WALK)


@pytest.mark.sqlite_only("SQLite's plans")
def test_members_are_ranked_in_the_order_in_which_they_lie(store):
    (wanted, stored), ranking = RANGES["month"], Ranking(10, tuple(Metric), MoneySource.ALL)
    read = plans(store, lambda: store.read(Selection(Dimension.KEY), wanted, stored, ranking))
    _, rank, _ = read
    # one sort for what the parts add up to, none for the rows in them
    assert sum(line.startswith("USE TEMP B-TREE") for line in rank) == 1


@pytest.mark.sqlite_only("SQLite's plans")
def test_the_days_of_many_keys_together_are_read_without_a_sort(store):
    wanted, stored = RANGES["month"]
    keys = Selection.of(None, {Dimension.KEY: frozenset(range(1, 400))})
    read = plans(store, lambda: store.whole_spend(keys, wanted, stored, MoneySource.ALL))
    assert not any(line.startswith("USE TEMP B-TREE") for plan in read for line in plan)
    # keys whose ids follow each other are found with one seek
    seek = "(dimension=? AND granularity=? AND part=? AND member>? AND member<?)"
    assert all(f"SEARCH t USING PRIMARY KEY {seek}" in plan for plan in read)


@pytest.mark.sqlite_only("SQLite's plans")
def test_the_largest_days_of_keys_are_found_in_the_order_in_which_they_lie(store):
    wanted, stored = RANGES["month"]
    (plan,) = plans(
        store,
        lambda: store.largest_buckets(Selection(Dimension.KEY), wanted, stored, tuple(MoneySource)),
    )
    assert sum(line.startswith("USE TEMP B-TREE") for line in plan) == 1  # for the parts


@pytest.mark.sqlite_only("SQLite's plans")
@pytest.mark.parametrize("period", RANGES)
def test_the_whole_is_one_walk(store, period):
    wanted, stored = RANGES[period]
    (plan,) = plans(store, lambda: store.read(Selection(), wanted, stored))
    assert [line for line in plan if " t " in line] == [f"SEARCH t USING PRIMARY KEY {WALK}"]


@pytest.mark.sqlite_only("SQLite's plans")
@pytest.mark.parametrize("period", [one for one in RANGES if one != "hour"])
def test_of_most_models_by_creator_only_sums_are_added_up(store, period):
    wanted, stored = RANGES[period]
    models = frozenset(member.id for member in store.directory().of[Dimension.MODEL])
    most = Selection.of(Dimension.CREATOR, {Dimension.MODEL: models - {min(models)}})
    found = plans(store, lambda: store.whole(most, wanted, stored))
    assert not any(line.startswith(ROWS) for plan in found for line in plan)


@pytest.mark.sqlite_only("SQLite's plans")
@pytest.mark.parametrize("period", RANGES)
@pytest.mark.parametrize(
    "selection",
    [Selection.of(Dimension.MODEL, {Dimension.KEY: SOME}),
     Selection.of(Dimension.CREATOR, {Dimension.MODEL: FEW}),
     Selection.of(None, {Dimension.MODEL: SOME, Dimension.KEY: SOME}),
     Selection.of(Dimension.MODEL, {Dimension.KEY: SOME, Dimension.CREATOR: SOME})],
    ids=named,
)  # fmt: skip
def test_rows_are_sought_by_their_time(store, period, selection):
    wanted, stored = RANGES[period]
    for act in (
        lambda: store.read(selection, wanted, stored),
        lambda: list(store.rows(selection, wanted, stored)),
    ):
        for plan in plans(store, act):
            (way,) = [line for line in plan if " t " in f"{line} "]
            if "(dimension=?" in way:  # the whole of some models is read from their sums
                assert selection.by is Dimension.CREATOR
                continue
            assert way.startswith(ROWS)
            assert "model=?" not in way  # a member uses few of the models


@pytest.mark.sqlite_only("SQLite's plans")
@pytest.mark.parametrize("period", RANGES)
def test_all_usage_of_some_models_is_read_from_their_sums(store, period):
    wanted, stored = RANGES[period]
    selection = Selection.of(Dimension.KEY, {Dimension.MODEL: SOME})
    whole, *groups = plans(store, lambda: store.read(selection, wanted, stored))
    assert [line for line in whole if " t " in line] == [f"SEARCH t USING PRIMARY KEY {SEEK}"]
    assert all(line.startswith(ROWS) for plan in groups for line in plan if " t " in line)


@pytest.mark.sqlite_only("SQLite's plans")
@pytest.mark.parametrize("period", [one for one in RANGES if one != "hour"])
def test_rows_of_some_keys_are_grouped_bucket_by_bucket(store, period):
    wanted, stored = RANGES[period]
    selection = Selection.of(Dimension.MODEL, {Dimension.KEY: SOME})
    read = plans(store, lambda: store.read(selection, wanted, stored))
    assert len(read) == len(wanted.buckets)


@pytest.mark.sqlite_only("SQLite's plans")
@pytest.mark.parametrize("period", RANGES)
@pytest.mark.parametrize("dimension", STORED)
def test_a_sum_over_a_whole_range_needs_no_sorting(store, period, dimension):
    wanted, stored = RANGES[period]
    selection = Selection.of(None, {dimension: SOME})
    read = plans(store, lambda: store.sum_of(selection, wanted, stored))
    assert len(read) <= 3  # of a year and of days, those before, in and after whole months
    assert not [line for plan in read for line in plan if "TEMP B-TREE" in line]


@pytest.mark.parametrize("period", RANGES)
@pytest.mark.parametrize(
    "selection",
    [Selection.of(Dimension.KEY, {Dimension.CREATOR: SOME}),
     Selection.of(Dimension.CREATOR, {Dimension.KEY: SOME}),
     Selection.of(None, {Dimension.KEY: SOME, Dimension.CREATOR: SOME})],
    ids=named,
)  # fmt: skip
def test_keys_and_creators_together_are_read_from_the_sums_of_both(store, period, selection):
    wanted, stored = RANGES[period]
    for plan in plans(store, lambda: store.read(selection, wanted, stored)):
        (way,) = [line for line in plan if " t " in f"{line} "]
        way = way.removeprefix("SEARCH t USING PRIMARY KEY ")
        summed = is_summed(selection, stored)
        assert way in {SEEK, WALK} or (not summed and way.startswith(SOUGHT))


@pytest.mark.sqlite_only("SQLite's plans")
@pytest.mark.parametrize("member", [3, ALL_MEMBERS])
def test_days_that_rows_by_month_lack_are_sought_like_the_months(store, member):
    november = int(FIRSTS[10].timestamp())
    day = Window(Granularity.DAY, NOW - timedelta(days=1), NOW)
    used = ((StoredView.KEY, to_seconds(day.start), 1, 1), Usage(1))
    store.replace(day, [used], None)
    with store._db.write() as connection:
        set_mark(connection, StoredView.KEY, Mark(november, member))
    try:
        selection = Selection.of(Dimension.MODEL, {Dimension.KEY: SOME})
        read = plans(store, lambda: store.read(selection, YEAR, Granularity.DAY))
        assert all(
            any(
                line.endswith("(view=? AND granularity=? AND bucket=? AND member=?)")
                for line in plan
            )
            for plan in read
        )
        # as SQLite 3.51 and 3.53 say it
        listed = re.compile("CONSTANT ROWS|VALUES CLAUSE")
        assert sum(bool(listed.search(line)) for plan in read for line in plan) == 1
        (spans,) = plans(
            store, lambda: store.pair_sums(BY_KEY, [(YEAR, Granularity.DAY)], TOKENS_AND_SPEND)
        )
        assert f"{ROWS}>? AND bucket<?)" in spans
    finally:
        store.replace(day, [], None)
        with store._db.write() as connection:
            connection.execute("DELETE FROM month_filled")


@pytest.mark.parametrize(
    "left_out", [range(0), range(1, 150, 2), range(0, 149, 3), range(149, 150)]
)
def test_the_days_of_many_keys_together_are_those_of_no_others(tmp_path, left_out):
    made = Store(Database(databases.at(tmp_path / "activity.db")))
    names = [f"key{n}" for n in range(300)]
    known = made.add_members(Dimension.KEY, [(name, name, "") for name in names])
    model = made.add_members(Dimension.MODEL, [("m/m", "m", "")]).ids[Dimension.MODEL, "m/m"]
    ids = [known.ids[Dimension.KEY, name] for name in names]
    (wanted, stored), costs = RANGES["month"], {id_: 2**n % 1_000_003 for n, id_ in enumerate(ids)}
    window = Window(stored, wanted.start, wanted.end)
    made.replace(
        window,
        [
            ((StoredView.KEY, to_seconds(bucket), id_, model), Usage(1, credits=cost, byok=at))
            for at, bucket in enumerate(wanted.buckets)
            for id_, cost in costs.items()
        ],
        None,
    )
    some = [id_ for n, id_ in enumerate(ids[:150]) if n not in left_out]
    for chosen in (some, [*some, *ids[150:]]):  # fewer than the others, and more
        keys = Selection.of(None, {Dimension.KEY: frozenset(chosen)})
        spent = made.whole_spend(keys, wanted, stored, MoneySource.ALL)
        credits_ = sum(costs[id_] for id_ in chosen)
        assert list(spent) == [credits_ + at * len(chosen) for at in range(len(wanted.buckets))]
    made.close()
