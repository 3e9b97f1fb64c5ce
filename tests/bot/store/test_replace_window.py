"""Whatever is put in the place of what, the cache holds that and its sums, and answers from it."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.store import Database, Store
from bot.store.connection import Area
from bot.store.encoding import (
    ALL_OF,
    FIGURES,
    GRANULARITY,
    MEMBERS_OF,
    MODELS_OF,
    StoredView,
    from_seconds,
    has_sums,
    to_seconds,
)
from bot.store.usage import complement, month_filling
from bot.store.usage import read as reading
from bot.store.usage.filled_months import contain, marks
from bot.store.usage.read import Ranking
from bot.store.usage.selection import Selection
from reports.time.time_range import STEP, Granularity, TimeRange, floor
from reports.usage.dimensions import STORED, Dimension, Metric, MoneySource
from reports.usage.figure_table import NAMES, shown
from reports.usage.usage import ZERO, Usage
from reports.usage.windows_to_fetch import Window
from tests import databases

TOKENS_AND_SPEND = (Metric.TOKENS, Metric.SPEND)

MINUTES, HOURS, DAYS, MONTHS = Granularity
START = datetime(2026, 2, 20, tzinfo=UTC)
SPAN = {MINUTES: 40, HOURS: 50, DAYS: 75}
KEYS = ("k1", "k2", "k3", "")
OWNERS = {"k1": "u1", "k2": "u1", "k3": ""}
PEOPLE = ("u1", "u2", "")
SLUGS = ("a/x", "a/y", "b/z")
ADDED_LATER = MODELS_OF[StoredView.CREATOR]
"""Sums that earlier versions don't know."""

figures = st.builds(
    Usage, st.integers(1, 9), st.integers(0, 2), st.integers(0, 99), st.integers(0, 9),
    st.integers(0, 5), st.integers(-9, 10**12), st.integers(0, 10**12),
    st.integers(0, 200), st.integers(-9, 10**9),
)  # fmt: skip
uses = st.tuples(st.sampled_from(KEYS), st.sampled_from(PEOPLE), st.sampled_from(SLUGS))
rows_of = st.dictionaries(st.tuples(st.integers(0, 80), uses), figures, max_size=12)
some = st.none() | st.sets(st.integers(0, 3), max_size=3)


def total(usages):
    return Usage(*map(sum, zip(ZERO, *usages, strict=True)))


def of_metric(usage, ranking):
    """What is read of usage if only the largest groups by a metric are."""
    names = NAMES if ranking is None else shown(ranking.metrics)
    return Usage(**{name: value for name, value in usage._asdict().items() if name in names})


class Replacing(RuleBasedStateMachine):
    """Windows of random usage, replaced by others; the model is a dictionary of what was used."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = Store(Database(databases.at(self.folder / "activity.db")))
        self.used: dict[Granularity, dict] = {grain: {} for grain in SPAN}
        self.coverage: dict[Granularity, set[datetime]] = {grain: set() for grain in SPAN}
        self.complete = True

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    @initialize()
    def directory(self) -> None:
        self.store.list_members(
            [(key, key, "") for key in KEYS if key],
            [(user, user, "") for user in PEOPLE if user],
            list(OWNERS.items()),
        )
        known = self.store.add_members(Dimension.MODEL, [(slug, slug, "") for slug in SLUGS])
        self.ids = known.ids

    @rule(
        grain=st.sampled_from(list(SPAN)),
        at=st.integers(0, 70),
        length=st.integers(1, 40),
        rows=rows_of,
    )
    def replace(self, grain, at, length, rows):
        step = STEP[grain]
        window = Window(grain, START + at * step, START + (at + length) * step)
        used = self.used[grain]
        for place in [place for place in used if window.start <= place[0] < window.end]:
            del used[place]
        for (offset, (key, user, slug)), usage in rows.items():
            bucket = START + (at + offset % length) * step
            place = bucket, key, OWNERS.get(key, user), slug
            used[place] = total([used.get(place, ZERO), usage])
        new = [
            (place, usage) for place, usage in used.items() if window.start <= place[0] < window.end
        ]
        self.store.replace(window, self.in_both_views(new), None)
        self.coverage[grain] |= {window.start + n * step for n in range(length)}

    def in_both_views(self, used):
        for (bucket, key, user, slug), usage in used:
            model = self.ids[Dimension.MODEL, slug]
            yield (StoredView.KEY, to_seconds(bucket), self.ids[Dimension.KEY, key], model), usage
            yield (
                (StoredView.CREATOR, to_seconds(bucket), self.ids[Dimension.CREATOR, user], model),
                usage,
            )

    @rule(grain=st.sampled_from([MINUTES, HOURS]), before=st.integers(0, 60))
    def forget(self, grain, before):
        limit = START + before * STEP[grain]
        self.store.forget(grain, limit)
        self.used[grain] = {k: v for k, v in self.used[grain].items() if k[0] >= limit}
        self.coverage[grain] = {bucket for bucket in self.coverage[grain] if bucket >= limit}

    @rule(days=st.integers(0, 80), most=st.integers(1, 4))
    def fill_months(self, days, most):
        self.store.fill_months(START + days * STEP[DAYS], most)

    @rule(days=st.integers(0, 80), most=st.integers(1, 4), steps=st.integers(1, 5))
    def fill_months_until_killed(self, days, most, steps):
        until = to_seconds(START + days * STEP[DAYS])
        for _ in range(steps):
            with self.store._db.read() as connection:
                step = month_filling.next_step(connection, until, most)
            if step is not None:
                with self.store._db.write(Area.USAGE) as connection:
                    month_filling.fill(connection, step)

    @rule(grain=st.sampled_from([HOURS, DAYS, MONTHS]), at=st.integers(0, 75))
    def an_earlier_version_leaves_out_sums(self, grain, at):
        bucket = to_seconds(floor(START + at * STEP[DAYS if grain is MONTHS else grain], grain))
        with self.store._db.write(Area.USAGE) as connection:
            connection.execute(
                "DELETE FROM total WHERE dimension = ? AND granularity = ? AND bucket <= ?",
                (ADDED_LATER, GRANULARITY[grain], bucket),
            )
        self.complete = False

    @rule()
    def repair(self):
        while not self.store.repair_model_sums(most=20):
            pass
        self.complete = True

    @rule()
    def open_anew(self):
        self.store.close()
        self.store = Store(Database(databases.at(self.folder / "activity.db")))

    @rule(
        grain=st.sampled_from([MINUTES, HOURS, DAYS, MONTHS]),
        at=st.integers(0, 60),
        length=st.integers(1, 80),
        by=st.none() | st.sampled_from(STORED),
        models=some,
        keys=some,
        creators=some,
        top=st.none() | st.integers(0, 4),
        metric=st.sampled_from(Metric),
        many=st.sampled_from([0, 1_000]),
    )
    def ask(self, grain, at, length, by, models, keys, creators, top, metric, many):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(complement, "_MANY_MEMBERS", many)
            self.asked(grain, at, length, by, models, keys, creators, top, metric)

    def asked(self, grain, at, length, by, models, keys, creators, top, metric):
        wanted, stored = time_range(grain, at, length), DAYS if grain is MONTHS else grain
        chosen = [self.some(dimension, ids) for dimension, ids in
                  zip(STORED, (models, keys, creators), strict=True)]  # fmt: skip
        allowed = {dimension: frozenset(ids) for dimension, ids in
                   zip(STORED, chosen, strict=True) if ids is not None}  # fmt: skip
        selection = Selection.of(by, allowed)
        ranking = None if top is None else Ranking(top, (metric,), MoneySource.ALL)
        figures = NAMES if ranking is None else shown(ranking.metrics)
        some = replace(selection, figures=frozenset(figures))
        read = self.store.read(some, wanted, stored, ranking)
        expected = self.expected(by, chosen, wanted, stored)
        whole = [total(s.get(n, ZERO) for s in expected.values())
                 for n in range(len(wanted.buckets))]  # fmt: skip
        assert list(read.whole) == [of_metric(usage, ranking) for usage in whole]
        assert list(self.store.whole(selection, wanted, stored)) == whole
        assert self.store.sum_of(selection, wanted, stored) == total(whole)
        assert self.store.sum_of(some, wanted, stored) == of_metric(total(whole), ranking)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reading, "_MANY_TO_SORT", 0)
            for source in MoneySource:
                assert list(self.store.whole_spend(selection, wanted, stored, source)) == [
                    usage.value(Metric.SPEND, source) for usage in whole
                ]
        pairs = defaultdict(lambda: ZERO)
        for _, member, model, usage in self.store.rows(selection, wanted, stored):
            pairs[member, model] = total([pairs[member, model], usage])
        used = {pair: usage for pair, usage in pairs.items() if usage != ZERO}
        assert self.store.pair_usage(selection, wanted, stored) == used
        some = frozenset(sorted({member for member, _ in used})[::2])
        if by in {Dimension.KEY, Dimension.CREATOR}:
            assert self.store.pair_usage(selection, wanted, stored, some) == {
                pair: usage for pair, usage in used.items() if pair[0] in some
            }
        sums = self.store.pair_sums(selection, [(wanted, stored)], TOKENS_AND_SPEND)
        assert {(member, model): tuple(more) for member, model, *more in sums if any(more)} == {
            pair: (usage.tokens, usage.value(Metric.SPEND))
            for pair, usage in pairs.items()
            if usage.tokens or usage.value(Metric.SPEND)
        }
        if by is None:
            assert self.store.group_sums(selection, wanted, stored) == {0: total(whole)}
            return
        assert read.count == len(expected)
        ranked = {i: {n: of_metric(usage, ranking) for n, usage in s.items()}
                  for i, s in expected.items()}  # fmt: skip
        assert {i: dict(s) for i, s in read.series.items()}.items() <= ranked.items()
        sums = {i: total(s.values()).value(metric) for i, s in expected.items()}
        if ranking is None:
            assert set(read.series) == set(expected)
        else:
            best = sorted(sums.values(), reverse=True)[:top]
            assert sorted((sums[i] for i in read.series), reverse=True) == best
        rows = list(self.store.rows(selection, wanted, stored))
        assert [row[0] for row in rows] == sorted((row[0] for row in rows), reverse=True)
        assert len({row[:3] for row in rows}) == len(rows)
        again = defaultdict(lambda: ZERO)
        for index, member, model, usage in rows:
            group = model if by is Dimension.MODEL else member
            again[group, index] = total([again[group, index], usage])
        assert again == {(i, n): u for i, s in expected.items() for n, u in s.items()}
        self.ask_for_sums(selection, wanted, stored, expected)

    def ask_for_sums(self, selection, wanted, stored, expected):
        """Sums of the whole range, and spend alone."""
        every = {i: total(s.values()) for i, s in expected.items()}
        assert self.store.group_sums(selection, wanted, stored) == every
        for groups in (frozenset(sorted(every)[::2]), frozenset(every)):
            assert self.store.series_of(selection, wanted, stored, groups) == {
                i: s for i, s in expected.items() if i in groups
            }
            sums = self.store.metric_sums(
                selection, wanted, stored, (Metric.REQUESTS,), groups=groups
            )
            assert sums == {i: [every[i].requests] for i in groups}
        for source in MoneySource:
            metrics = (Metric.REQUESTS, Metric.SPEND)
            sums = self.store.metric_sums(selection, wanted, stored, metrics, source)
            assert {i: tuple(values) for i, values in sums.items()} == {
                i: (usage.requests, usage.value(Metric.SPEND, source)) for i, usage in every.items()
            }
            spent = self.store.spend_series(selection, wanted, stored, source)
            assert {(i, n): value for i, s in spent.items() for n, value in s.items() if value} == {
                (i, n): usage.value(Metric.SPEND, source)
                for i, s in expected.items()
                for n, usage in s.items()
                if usage.value(Metric.SPEND, source)
            }

    @rule()
    def look_for_last_uses(self):
        for dimension in STORED:
            last = {}
            for bucket, key, user, slug in [*self.used[HOURS], *self.used[DAYS]]:
                names = {Dimension.MODEL: slug, Dimension.KEY: key, Dimension.CREATOR: user}
                id_ = self.ids[dimension, names[dimension]]
                last[id_] = max(bucket, last.get(id_, bucket))
            assert self.store.last_used(dimension) == last

    def some(self, dimension, numbers):
        if numbers is None:
            return None
        names = {Dimension.MODEL: SLUGS, Dimension.KEY: KEYS, Dimension.CREATOR: PEOPLE}[dimension]
        return {self.ids[dimension, names[n % len(names)]] for n in numbers}

    def expected(self, by, chosen, wanted, stored):
        """The series of each group, straight from what was used."""
        found: dict[int, dict[int, Usage]] = {}
        for (bucket, *names), usage in self.used[stored].items():
            key, user, slug = names
            ids = {
                Dimension.MODEL: self.ids[Dimension.MODEL, slug],
                Dimension.KEY: self.ids[Dimension.KEY, key],
                Dimension.CREATOR: self.ids[Dimension.CREATOR, user],
            }
            if not wanted.start <= bucket < wanted.end:
                continue
            if any(c is not None and ids[d] not in c for d, c in zip(STORED, chosen, strict=True)):
                continue
            series = found.setdefault(ids[by] if by else 0, {})
            index = wanted.index(bucket)
            series[index] = total([series.get(index, ZERO), usage])
        return found

    @invariant()
    def the_rows_are_those_that_were_used(self):
        expected = {}
        with self.store._db.read() as connection:
            filled = marks(connection)
        for grain, used in self.used.items():
            for (view, *place), usage in self.in_both_views(used.items()):
                bucket, *names = place
                where = view, GRANULARITY[grain], bucket, *names
                expected[where] = total([expected.get(where, ZERO), usage])
                if grain is Granularity.DAY and contain(filled, view, bucket, names[0]):
                    first = to_seconds(floor(from_seconds(bucket), MONTHS))
                    where = view, GRANULARITY[MONTHS], first, *names
                    expected[where] = total([expected.get(where, ZERO), usage])
        assert self.table("usage", 5) == expected

    @invariant()
    def the_sums_are_those_of_the_rows(self):
        expected = defaultdict(lambda: ZERO)
        for (view, grain, bucket, member, model), usage in self.table("usage", 5).items():
            buckets = {grain: bucket}
            if grain == GRANULARITY[MONTHS]:
                continue  # they may lack the last days, which their sums have
            if grain == GRANULARITY[DAYS]:
                buckets[GRANULARITY[MONTHS]] = to_seconds(floor(from_seconds(bucket), MONTHS))
            places = [(ALL_OF[StoredView(view)], 0), (MEMBERS_OF[StoredView(view)], member)]
            places += [(MODELS_OF[StoredView(view)], model)]
            for dimension, one in places:
                for code, at in buckets.items():
                    if not has_sums(dimension, code):
                        continue
                    where = dimension, code, one, at
                    expected[where] = total([expected[where], usage])
        found = self.table("total", 4, "dimension, granularity, member, bucket")
        if not self.complete:  # see `an_earlier_version_leaves_out_sums`
            found, expected = (
                {where: usage for where, usage in one.items() if where[0] != ADDED_LATER}
                for one in (found, expected)
            )
        assert found == expected

    @invariant()
    def what_is_held_is_what_was_put_in(self):
        held = self.store.state().coverage
        for grain, buckets in self.coverage.items():
            spans = held[grain]
            covered = {start + n * STEP[grain] for start, end in spans
                       for n in range((end - start) // STEP[grain])}  # fmt: skip
            assert covered == buckets
            assert all(a[1] < b[0] for a, b in pairwise(spans))

    def table(self, name, width, place=""):
        columns = f"{place}, {FIGURES}" if place else "*"
        with self.store._db.read() as connection:
            found = connection.execute(f"SELECT {columns} FROM {name}")
            return {tuple(row[:width]): Usage(*row[width:]) for row in found}


def time_range(grain, at, length):
    if grain is MONTHS:
        firsts = [datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 8)]
        first = at % 4
        count = 1 + length % (6 - first)
        buckets, end = firsts[first : first + count], firsts[first + count]
        return TimeRange(tuple(buckets), end, MONTHS, end)
    start = START + at * STEP[grain]
    end = start + length * STEP[grain]
    return TimeRange(tuple(start + n * STEP[grain] for n in range(length)), end, grain, end)


TestReplacing = Replacing.TestCase
TestReplacing.settings = settings(
    max_examples=25,
    stateful_step_count=15,
)


@pytest.mark.parametrize("by", STORED)
def test_groups_of_which_nothing_is_left_have_no_spend(tmp_path, monkeypatch, by):
    monkeypatch.setattr(complement, "_MANY_MEMBERS", 0)
    with closing(Store(Database(databases.at(tmp_path / "activity.db")))) as store:
        store.list_members(
            [("k1", "k1", ""), ("k2", "k2", "")],
            [("u1", "u1", ""), ("u2", "u2", "")],
            [("k1", "u1"), ("k2", "u2")],
        )
        ids = store.add_members(Dimension.MODEL, [("a/x", "x", ""), ("a/y", "y", "")]).ids
        used = [("k1", "u1", "a/x"), ("k2", "u2", "a/y")]
        rows = [
            (
                (view, to_seconds(START), ids[member], ids[Dimension.MODEL, slug]),
                Usage(1, credits=7),
            )
            for key, user, slug in used
            for view, member in (
                (StoredView.KEY, (Dimension.KEY, key)),
                (StoredView.CREATOR, (Dimension.CREATOR, user)),
            )
        ]
        store.replace(Window(DAYS, START, START + STEP[DAYS]), rows, None)
        wanted = time_range(DAYS, 0, 1)
        of_one = {Dimension.KEY: ids[Dimension.KEY, "k1"],
                  Dimension.CREATOR: ids[Dimension.CREATOR, "u1"],
                  Dimension.MODEL: ids[Dimension.MODEL, "a/x"]}  # fmt: skip
        not_second = frozenset({ids[Dimension.KEY, "k1"], ids[Dimension.KEY, ""]})
        for selected in (
            {Dimension.CREATOR: frozenset({of_one[Dimension.CREATOR]})},
            {Dimension.KEY: not_second},
        ):
            selection = Selection.of(by, selected)
            for source in (MoneySource.ALL, MoneySource.CREDITS):
                found = store.spend_series(selection, wanted, DAYS, source)
                assert {group: dict(series) for group, series in found.items()} == {
                    of_one[by]: {0: 7}
                }
