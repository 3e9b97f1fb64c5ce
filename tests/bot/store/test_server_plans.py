"""How PostgreSQL goes about the statements behind answers, on tables with statistics.

A list of thousands of members must become seeks, or a hash join on servers before 18: these take
`member = ANY (...)` behind a range of buckets as a condition of an index, and seek each pair of a
member and a bucket.
"""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from bot.store import Database, Store
from bot.store.connection import Area
from bot.store.encoding import StoredView, part, to_seconds
from bot.store.postgres import PostgresConnection
from bot.store.usage import complement
from bot.store.usage.filled_months import Mark, set_mark
from bot.store.usage.read import Ranking
from bot.store.usage.selection import Selection
from bot.store.usage.write import USAGE
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.usage import Usage
from tests import databases

TOKENS_AND_SPEND = (Metric.TOKENS, Metric.SPEND)

pytestmark = pytest.mark.skipif(not databases.on_postgres(), reason="needs a server")
NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAYS = TimeRange(
    tuple(NOW - timedelta(days=n) for n in range(31, 0, -1)), NOW, Granularity.DAY, NOW
)
MEMBERS, MODELS, KEPT = 2_000, 2, 60
ONE = frozenset({9_001})
ALL = Ranking(10, tuple(Metric), MoneySource.ALL)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with closing(Database(databases.at(tmp_path_factory.mktemp("plans") / "a.db"))) as database:
        names = ", ".join(Usage._fields)
        ones = ", ".join("1" for _ in Usage._fields)
        first = to_seconds(NOW - timedelta(days=KEPT))
        with database.write() as connection:
            connection.execute(
                f"INSERT INTO usage (view, granularity, bucket, member, model, {names})"
                f" SELECT 0, 2, {first} + 86400 * d, m, 9000 + k, {ones} FROM"
                f" generate_series(0, {KEPT - 1}) d, generate_series(1, {MEMBERS}) m,"
                f" generate_series(1, {MODELS}) k"
            )
            connection.execute(
                f"INSERT INTO total (dimension, granularity, part, member, bucket, {names})"
                f" SELECT 2, 2, ({first} + 86400 * d) / 691200, m, {first} + 86400 * d, {ones}"
                f" FROM generate_series(0, {KEPT - 1}) d, generate_series(1, {MEMBERS}) m"
            )
            connection.execute(  # hours, beside which the days of a month are few
                f"INSERT INTO total (dimension, granularity, part, member, bucket, {names})"
                f" SELECT 2, 1, ({first} + 3600 * h) / 86400, m, {first} + 3600 * h, {ones}"
                f" FROM generate_series(0, 239) h, generate_series(1, {MEMBERS}) m"
            )
            connection.execute("ANALYZE")
        assert part(2, first) == first // 691_200
        yield Store(database)


def plans(store, act, monkeypatch):
    """The plan of each statement that reads usage or its sums: its nodes, as (type, node)."""
    seen = []
    execute = PostgresConnection.execute

    def noted(self, statement, parameters=(), /):
        seen.append((statement, parameters))
        return execute(self, statement, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(PostgresConnection, "execute", noted)
        act()
    read = [one for one in seen if " total t" in one[0] or "usage t" in one[0]]
    assert read
    found = []
    with store._db.read() as connection:
        for statement, parameters in read:
            (row,) = connection.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters).fetchone()
            plan = json.loads(row) if isinstance(row, str) else row
            found.append(list(nodes(plan[0]["Plan"])))
    return found


def nodes(plan):
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def kinds(plan):
    return {node["Node Type"] for node in plan}


def conditions(plan):
    return " ".join(str(node.get("Index Cond", "")) for node in plan)


def test_many_members_are_read_in_one_scan(store, monkeypatch):
    monkeypatch.setattr(complement, "_MANY_MEMBERS", MEMBERS)  # the others aren't read instead
    half = frozenset(range(1, MEMBERS, 2))
    selection = Selection.of(Dimension.MODEL, {Dimension.KEY: half})
    with store._db.read() as connection:
        at_once = connection.skips_in_index
    for plan in plans(store, lambda: store.read(selection, DAYS, Granularity.DAY), monkeypatch):
        joins = {kind for kind in kinds(plan) if "Join" in kind or kind == "Nested Loop"}
        if at_once:
            assert not joins
        else:
            assert "member" not in conditions(plan)
            assert joins <= {"Hash Join", "Merge Join"}
            assert joins


def test_rows_of_other_models_are_skipped_in_the_index(store, monkeypatch):
    selection = Selection.of(None, {Dimension.KEY: frozenset(range(1, 6)), Dimension.MODEL: ONE})
    (plan,) = plans(store, lambda: store.read(selection, DAYS, Granularity.DAY), monkeypatch)
    with store._db.read() as connection:
        assert ("model" in scan_of_usage(plan)) is connection.skips_in_index


def test_a_hundred_members_are_found_by_time_whatever_their_models(store, monkeypatch):
    some = Selection.of(None, {Dimension.KEY: frozenset(range(1, 101)), Dimension.MODEL: ONE})
    week = TimeRange(DAYS.buckets[-7:], NOW, Granularity.DAY, NOW)
    (plan,) = plans(store, lambda: store.read(some, week, Granularity.DAY), monkeypatch)
    assert "bucket" in scan_of_usage(plan)


def test_a_few_members_are_sought(store, monkeypatch):
    some = frozenset(range(1, 6))
    selection = Selection.of(None, {Dimension.KEY: some})
    for plan in plans(store, lambda: store.read(selection, DAYS, Granularity.DAY), monkeypatch):
        assert "Seq Scan" not in kinds(plan)
        assert "member" in conditions(plan)


def test_sums_of_all_members_are_read_by_their_parts(store, monkeypatch):
    by_key = Selection(Dimension.KEY)
    _, rank, _ = plans(store, lambda: store.read(by_key, DAYS, Granularity.DAY, ALL), monkeypatch)
    assert "Seq Scan" not in kinds(rank)
    assert "part" in conditions(rank)


def test_usage_of_several_spans_is_sought(store, monkeypatch):
    by_key = Selection(Dimension.KEY)
    (plan,) = plans(
        store,
        lambda: store.pair_sums(by_key, [(DAYS, Granularity.DAY)], TOKENS_AND_SPEND),
        monkeypatch,
    )
    assert "bucket" in scan_of_usage(plan)


def test_members_are_sought_in_each_bucket_of_several_spans(store, monkeypatch):
    some = Selection.of(Dimension.MODEL, {Dimension.KEY: frozenset(range(1, 400))})
    months = (NOW.replace(day=1, month=10), NOW.replace(day=1))
    wanted = TimeRange(months, NOW.replace(day=1, month=12), Granularity.MONTH, NOW)
    with store._db.write() as connection:
        set_mark(connection, StoredView.KEY, Mark(to_seconds(months[1]), 3))
    read = plans(store, lambda: store.read(some, wanted, Granularity.DAY), monkeypatch)
    with store._db.write() as connection:
        connection.execute("DELETE FROM month_filled")
    for plan in read:
        condition = scan_of_usage(plan)
        assert "bucket" in condition
        assert "member" in condition


def scan_of_usage(plan):
    """The condition of the index by which usage is read, which must be all that reads it."""
    (scan,) = [node for node in plan if node.get("Relation Name") == "usage"]
    return conditions([scan])


def test_many_rows_without_statistics_are_not_compared_with_each_other(store, monkeypatch):
    plans = []
    execute = psycopg.Connection.execute

    def explained(self, statement, parameters=None, **more):
        if isinstance(statement, bytes) and statement.startswith(b"UPDATE usage"):
            (row,) = execute(self, b"EXPLAIN (FORMAT JSON) " + statement, parameters).fetchone()
            plans.append(kinds(nodes(row[0]["Plan"])))
        return execute(self, statement, parameters, **more)

    today = to_seconds(NOW)
    ones = [1] * len(USAGE.figures)
    rows = [(int(StoredView.KEY), 2, today, n, 9_000, *ones) for n in range(500)]
    with store._db.write(Area.USAGE) as connection:
        monkeypatch.setattr(psycopg.Connection, "execute", explained)
        connection.update_rows(USAGE, rows, add=True)
        connection.update_rows(USAGE, rows, add=True)
        monkeypatch.undo()
        shown = connection.execute("SHOW enable_nestloop").fetchone()
        connection.execute("DELETE FROM usage WHERE bucket = ?", (today,))
    assert len(plans) == 2
    assert not any("Nested Loop" in plan for plan in plans)
    assert shown == ("on",)
