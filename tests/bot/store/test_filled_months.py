"""Days are added to the rows by month in small steps; answers are the same after each of them."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from bot.store import Database, Store
from bot.store.connection import Area
from bot.store.encoding import DIMENSION, StoredView, to_seconds
from bot.store.usage import filled_months, month_filling
from bot.store.usage.filled_months import Mark
from bot.store.usage.read import Ranking
from bot.store.usage.selection import Selection
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.usage import ZERO, Usage, plus
from reports.usage.windows_to_fetch import Window
from tests import databases

TOKENS_AND_SPEND = (Metric.TOKENS, Metric.SPEND)

DAY = timedelta(days=1)
JANUARY, FEBRUARY, MARCH = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3))
YEAR = TimeRange((JANUARY, FEBRUARY), MARCH, Granularity.MONTH, MARCH)
DAYS = [JANUARY + n * DAY for n in range(28, 36)]  # the last of January, the first of February
KEYS, MODELS = (101, 102, 103), (201, 202)
USED = {
    (day, member, model): Usage(1 + n, prompt=10 * n, credits=2**n, cached=0, saved=0)
    for n, (day, member, model) in enumerate(
        (day, member, model) for day in DAYS[:-1] for member in KEYS for model in MODELS
    )
}
SELECTIONS = (
    Selection(Dimension.KEY),
    Selection.of(Dimension.MODEL, {Dimension.KEY: frozenset({101, 103})}),
    Selection.of(Dimension.KEY, {Dimension.MODEL: frozenset({202})}),
    Selection.of(None, {Dimension.KEY: frozenset({102}), Dimension.MODEL: frozenset({201})}),
    Selection.of(Dimension.CREATOR, {Dimension.MODEL: frozenset({201})}),
)
FIRST = Ranking(1, (Metric.SPEND,), MoneySource.ALL)


def cut(first, last):
    """The days of January and February from one number until before another."""
    days = tuple(JANUARY + n * DAY for n in range(first, last))
    return TimeRange(days, days[-1] + DAY, Granularity.DAY, MARCH)


CUTS = (cut(1, 59), cut(0, 33), cut(2, 31), cut(31, 57))


@pytest.fixture
def store(tmp_path):
    """A store whose rows by month contain nothing of the days used."""
    made = Store(Database(databases.at(tmp_path / "activity.db")))
    with made._db.write(Area.USAGE) as connection:
        for view in StoredView:
            filled_months.set_mark(connection, view, Mark(to_seconds(JANUARY), 0))
        for id_ in MODELS:
            connection.execute(
                "INSERT INTO member (id, dimension, ref, name) VALUES (?, ?, ?, ?)",
                (id_, DIMENSION[Dimension.MODEL], f"model-{id_}", f"model-{id_}"),
            )
    rows = [
        ((view, to_seconds(day), member, model), usage)
        for (day, member, model), usage in USED.items()
        for view in StoredView
    ]
    made.replace(Window(Granularity.DAY, DAYS[0], DAYS[-1]), rows, None)
    yield made
    made.close()


def answers(store):
    """Everything that is read by month, or as months less some of their days."""
    found = []
    for selection in SELECTIONS:
        read = store.read(selection, YEAR, Granularity.DAY)
        found += [read.whole, read.series, list(store.rows(selection, YEAR, Granularity.DAY))]
        order = KEYS if selection.by is Dimension.KEY else MODELS
        found.append(list(store.rows_by_group(selection, YEAR, Granularity.DAY, order)))
        found.append(store.pair_sums(selection, [(YEAR, Granularity.DAY)], TOKENS_AND_SPEND))
        for cut in CUTS:
            found.append(store.pair_sums(selection, [(cut, Granularity.DAY)], TOKENS_AND_SPEND))
    return found


def step(store, until, most):
    """Take one step, if there is one; returns whether there was."""
    with store._db.read() as connection:
        found = month_filling.next_step(connection, to_seconds(until), most)
    if found is not None:
        with store._db.write(Area.USAGE) as connection:
            month_filling.fill(connection, found)
    return found is not None


def by_month(store):
    """How much rows by month contain: the requests of the key view."""
    with store._db.read() as connection:
        return connection.execute(
            "SELECT SUM(requests) FROM usage WHERE view = 0 AND granularity = 3"
        ).fetchone()[0]


@pytest.mark.parametrize("most", [1, 3, 4, 1_000])
def test_answers_are_the_same_after_each_step(store, most):
    before, steps = answers(store), 0
    assert by_month(store) is None
    assert before[0] == tuple(
        Usage(*map(sum, zip(*(u for (day, *_), u in USED.items() if (day < FEBRUARY) is early),
                            strict=True)))
        for early in (True, False)
    )  # fmt: skip
    while step(store, DAYS[-1], most):
        steps += 1
        assert answers(store) == before
    assert steps >= 2 * len(USED) / (most + 2)
    assert by_month(store) == sum(usage.requests for usage in USED.values())


def test_ranges_that_are_read_together_have_the_sums_that_each_has_alone(store):
    ranges = (CUTS[0], CUTS[3], cut(30, 34), cut(29, 33), YEAR)
    stepped = True
    while stepped:
        for selection, one, other in product(SELECTIONS[::2], ranges, ranges):
            both = [(one, Granularity.DAY), (other, Granularity.DAY)]
            expected = {}
            for at, alone in enumerate(both):
                for *pair, tokens, spend in store.pair_sums(selection, [alone], TOKENS_AND_SPEND):
                    of_pair = expected.setdefault(tuple(pair), [0] * 4)
                    of_pair[at], of_pair[at + 2] = tokens, spend
            assert store.pair_sums(selection, both, TOKENS_AND_SPEND) == [
                (*pair, *sums) for pair, sums in sorted(expected.items())
            ]
        stepped = step(store, DAYS[-1], 5)


def test_sums_of_days_that_are_read_by_month_are_those_of_the_days(store):
    ranges = (*CUTS, cut(0, 35), cut(0, 34), cut(30, 36), cut(0, 31), cut(29, 59))
    stepped = True
    while stepped:
        for selection, wanted in product(SELECTIONS, ranges):
            if selection.by is None:
                continue
            expected = {}
            for _, member, model, usage in store.rows(selection, wanted, Granularity.DAY):
                group = model if selection.by is Dimension.MODEL else member
                expected[group] = plus(expected.get(group, ZERO), usage)
            assert store.group_sums(selection, wanted, Granularity.DAY) == expected
            ranked = store.read(selection, wanted, Granularity.DAY, FIRST)
            assert ranked.count == len(expected)
            assert ranked.series.keys() <= {max(expected, key=lambda id_: expected[id_].credits)}
        stepped = step(store, DAYS[-1], 5)


@pytest.mark.parametrize("most", [1, 4, 1_000])
def test_what_is_fetched_between_two_steps_counts_once(store, most):
    changed = {**USED, (DAYS[1], 101, 1): Usage(7), (DAYS[5], 104, 2): Usage(9)}
    rows = [
        ((view, to_seconds(day), member, model), usage)
        for (day, member, model), usage in changed.items()
        for view in StoredView
    ]
    for _ in range(9):
        step(store, DAYS[-1], most)
    store.replace(Window(Granularity.DAY, DAYS[0], DAYS[-1]), rows, None)
    expected = answers(store)
    store.fill_months(DAYS[-1], most)
    assert answers(store) == expected
    assert by_month(store) == sum(usage.requests for usage in changed.values())
