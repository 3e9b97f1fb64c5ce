"""What an answer is compared with is read from where its groups are read."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.answers.answer import Plan, answer, make_plan
from bot.answers.comparison import without_groups
from bot.store import Database, Store
from bot.store.encoding import StoredView, to_seconds
from reports.questions.grammar import parse
from reports.questions.summary import Summary
from reports.time.time_range import DAY, Granularity
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import Usage, total
from reports.usage.windows_to_fetch import Window
from tests import databases

TODAY = datetime(2026, 11, 18, tzinfo=UTC)
NOW = TODAY.replace(hour=10)


@pytest.fixture
def store(tmp_path):
    """Each day, keys spent less than their creators: OpenRouter hasn't counted all of it by key."""
    with closing(Store(Database(databases.at(tmp_path / "activity.db")))) as made:
        made.list_members(
            [("k1", "k1", ""), ("k2", "k2", "")],
            [("u1", "u1", "u1@example.com"), ("u2", "u2", "u2@example.com")],
            [("k1", "u1"), ("k2", "u2")],
        )
        ids = made.add_members(Dimension.MODEL, [("a/x", "x", "")]).ids
        model, start = ids[Dimension.MODEL, "a/x"], TODAY - 20 * DAY
        spent = {"k1": 10, "k2": 20, "u1": 15, "u2": 23}
        rows = [
            ((view, to_seconds(start + n * DAY), ids[dimension, ref], model),
             Usage(1, credits=spent[ref] * 10**9))
            for n in range(21)
            for ref in spent
            for view, dimension in [
                (StoredView.KEY, Dimension.KEY) if ref.startswith("k")
                else (StoredView.CREATOR, Dimension.CREATOR)
            ]
        ]  # fmt: skip
        made.replace(Window(Granularity.DAY, start, NOW), rows, NOW)
        yield made


@pytest.mark.parametrize("by", ["", "by key", "by creator", "by model"])
@pytest.mark.parametrize("only", ["", "-key:k2", "key:k1", "creator:u1*", "-key:k2 creator:u1*"])
def test_the_whole_is_the_sum_of_the_groups(store, by, only):
    plan = make_plan(store, parse(f"spend 1w {by} {only}").query, NOW, "UTC")
    assert isinstance(plan, Plan)
    of = plan.source
    whole = store.sum_of(without_groups(plan), of.range, of.stored)
    assert whole == total(store.whole(plan.selection, of.range, of.stored))
    assert whole == total(store.group_sums(plan.selection, of.range, of.stored).values())


def test_equal_days_compare_as_equal_by_creator_without_a_key(store):
    query = replace(parse("spend this week by creator -key:k2 vs previous").query, zone="UTC")
    found = answer(store, query, NOW, "UTC", whole=True)
    assert isinstance(found, Summary)
    spend = found.metrics[Metric.SPEND]
    assert spend.previous == spend.sum
    assert sum(group.previous for group in spend.groups) == spend.previous
