"""Updating many rows at once, on either database: some exist, and some don't."""

from contextlib import closing

import pytest

from bot.store import Database
from bot.store.connection import Area
from bot.store.usage.write import USAGE
from tests import databases


@pytest.fixture
def database(tmp_path):
    with closing(Database(databases.at(tmp_path / "a.db"))) as made:
        yield made


def row(bucket, member, figure):
    return (0, 2, bucket, member, 9_000, figure, *[0] * (len(USAGE.figures) - 1))


def rows(database):
    with database.read() as connection:
        found = connection.execute(f"SELECT {', '.join(USAGE.columns)} FROM usage ORDER BY 3, 4")
        return [tuple(one) for one in found]


def update(database, found, *, add):
    with database.write(Area.USAGE) as connection:
        connection.update_rows(USAGE, found, add=add)


@pytest.mark.parametrize("count", [0, 1, 149, 150, 1_000])
@pytest.mark.parametrize("existing", ["none", "one in three", "all"])
def test_figures_are_added_to_rows_that_exist_and_others_are_inserted(database, count, existing):
    every = {"none": 10**9, "one in three": 3, "all": 1}[existing]
    before = {n: 1_000 + n for n in range(count) if existing != "none" and n % every == 0}
    update(database, [row(1, n, figure) for n, figure in before.items()], add=False)
    update(database, [row(1, n, 7) for n in range(count)], add=True)
    assert rows(database) == [row(1, n, before.get(n, 0) + 7) for n in range(count)]


@pytest.mark.parametrize("count", [1, 150, 1_000])
def test_figures_are_replaced_in_rows_that_exist_and_others_are_inserted(database, count):
    update(database, [row(2, n, 5) for n in range(0, count, 2)], add=True)
    update(database, [row(2, n, n) for n in reversed(range(count))], add=False)
    assert rows(database) == [row(2, n, n) for n in range(count)]


def test_rows_of_other_buckets_stay(database):
    others = [row(3, n, 5) for n in range(400)]
    update(database, others, add=False)
    mixed = [row(1, n, 6) for n in range(300)] + [row(2, n, 7) for n in range(10)]
    for _ in range(2):
        update(database, mixed, add=False)
    assert rows(database) == mixed + others
