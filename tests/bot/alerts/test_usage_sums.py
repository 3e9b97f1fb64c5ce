"""Sums for alert rules are those of the stored rows, in whatever buckets they are read from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.store import Database, Store
from bot.store.alerts.usage_sums import AlertUsage, GranularInterval
from bot.store.encoding import StoredView, to_seconds
from reports.time.time_range import DAY, HOUR, STEP, Granularity, floor
from reports.usage.dimensions import Dimension
from reports.usage.usage import ZERO, Usage, plus
from reports.usage.windows_to_fetch import Window
from tests import databases

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = [f"key-{n}" for n in range(6)]
PERSON = "user-1"
USED = {
    Granularity.DAY: [(0, 1), (0, 9), (1, 12), (2, 13), (3, 30), (1, 30)],
    Granularity.HOUR: [(0, 31 * 24), (0, 31 * 24 + 1), (4, 31 * 24 + 1)],
    Granularity.MINUTE: [(1, (31 * 24 + 2) * 60 + 5), (0, (31 * 24 + 2) * 60 + 5)],
}
"""The number of a key and the bucket in which it made a request, by granularity."""
INTERVALS: list[GranularInterval] = [
    (Granularity.DAY, (FIRST + 9 * DAY, FIRST + 31 * DAY)),
    (Granularity.HOUR, (FIRST + 31 * DAY, FIRST + 31 * DAY + 2 * HOUR)),
    (Granularity.MINUTE, (FIRST + 31 * DAY + 2 * HOUR, FIRST + 31 * DAY + 3 * HOUR)),
]


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[tuple[Store, AlertUsage]]:
    database = Database(databases.at(tmp_path / "activity.db"))
    store = Store(database)
    store.list_members([(key, key, "") for key in KEYS], [(PERSON, PERSON, "")], [])
    store.add_members(Dimension.MODEL, [("a/x", "a/x", "")])
    ids = store.directory().ids
    model = ids[Dimension.MODEL, "a/x"]
    for granularity, used in USED.items():
        rows = []
        for number, bucket in used:
            at = to_seconds(FIRST + bucket * STEP[granularity])
            for view, ref in (
                (StoredView.KEY, ids[Dimension.KEY, KEYS[number]]),
                (StoredView.CREATOR, ids[Dimension.CREATOR, PERSON]),
            ):
                rows.append(((view, at, ref, model), of(number)))
        end = FIRST + (1 + max(bucket for _, bucket in used)) * STEP[granularity]
        store.replace(Window(granularity, FIRST, end), rows, None)
    yield store, AlertUsage(database)
    store.close()


def of(number: int) -> Usage:
    return Usage(1, 0, 100, 10, credits=1_000 + number, byok=number)


def expected() -> dict[int, dict[datetime, Usage]]:
    """The usage in the intervals by the number of the key."""
    found: dict[int, dict[datetime, Usage]] = defaultdict(dict)
    for granularity, (start, end) in INTERVALS:
        for number, bucket in USED[granularity]:
            at = FIRST + bucket * STEP[granularity]
            if start <= at < end:
                found[number][at] = of(number)
    return found


def test_intervals_of_several_granularities_are_added_up(
    stored: tuple[Store, AlertUsage],
) -> None:
    store, usage = stored
    ids, whole = store.directory().ids, ZERO
    by_key = usage.sums(Dimension.KEY, INTERVALS)
    for number, key in enumerate(KEYS):
        together = ZERO
        for one in expected().get(number, {}).values():
            together = plus(together, one)
        whole = plus(whole, together)
        assert by_key.get(ids[Dimension.KEY, key], ZERO) == together
    assert list(by_key) == sorted(by_key)
    assert usage.sums(Dimension.CREATOR, INTERVALS) == {ids[Dimension.CREATOR, PERSON]: whole}
    assert usage.sums(Dimension.MODEL, INTERVALS) == {ids[Dimension.MODEL, "a/x"]: whole}
    assert usage.sums(None, INTERVALS) == {0: whole}
    assert usage.sums(Dimension.KEY, []) == {}
    assert usage.sums(None, INTERVALS, ("byok", "credits")) == {
        0: Usage(credits=whole.credits, byok=whole.byok)
    }


def test_the_spend_of_each_day_is_that_of_its_rows(stored: tuple[Store, AlertUsage]) -> None:
    store, usage = stored
    found = usage.spend_series(Dimension.KEY, INTERVALS, lambda at: floor(at, Granularity.DAY))
    ids = store.directory().ids
    assert found == {
        ids[Dimension.KEY, KEYS[number]]: {
            day: sum(
                one.credits + one.byok
                for at, one in buckets.items()
                if floor(at, Granularity.DAY) == day
            )
            for day in {floor(at, Granularity.DAY) for at in buckets}
        }
        for number, buckets in expected().items()
    }


def test_the_first_day_of_each_key_is_found_in_whichever_part_it_lies(
    stored: tuple[Store, AlertUsage],
) -> None:
    store, usage = stored
    ids = [store.directory().ids[Dimension.KEY, key] for key in KEYS]
    for since in range(32):
        wanted: dict[int, datetime] = {}
        for number, bucket in USED[Granularity.DAY]:
            if bucket >= since and number != 2:
                at = FIRST + bucket * DAY
                wanted[ids[number]] = min(at, wanted.get(ids[number], at))
        asked = [id_ for number, id_ in enumerate(ids) if number != 2]
        assert usage.first(Dimension.KEY, asked, FIRST + since * DAY) == wanted
    assert usage.first(Dimension.KEY, [], FIRST) == {}


@pytest.mark.parametrize("asked", [{0}, {5}, {2, 5}, set(range(6)), set()])
def test_members_without_requests_in_any_interval_are_found(
    stored: tuple[Store, AlertUsage], asked: set[int]
) -> None:
    store, usage = stored
    ids = {number: store.directory().ids[Dimension.KEY, key] for number, key in enumerate(KEYS)}
    members = frozenset(ids[number] for number in asked)
    for first in range(len(INTERVALS)):
        used = {
            ids[number]
            for granularity, (start, end) in INTERVALS[first:]
            for number, bucket in USED[granularity]
            if start <= FIRST + bucket * STEP[granularity] < end
        }
        assert usage.unused(Dimension.KEY, members, INTERVALS[first:]) == members - used
