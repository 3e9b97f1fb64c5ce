"""What a native chart takes: few points, few series, short names, each once, nothing lost."""

from datetime import date

import pytest
from hypothesis import given, settings

from reports.questions.query import Query
from reports.render.charts.slack_chart_data import (
    LONGEST_NAME,
    MOST_POINTS,
    MOST_SERIES,
    chart_data,
    step,
)
from reports.time.period import Counted, DateSpan, Unit
from reports.usage.dimensions import Dimension, Metric

from .anything import summaries
from .samples import MONTH, answer, rows, time_range

SPAN = time_range(MONTH)


def drawn(members, *, slugs=False, **more):
    used = rows(SPAN, members=members, models=("a/b",), density=1_000, **more)
    part = answer(Query(Metric.TOKENS, MONTH, Dimension.KEY), used, SPAN).metrics[Metric.TOKENS]
    return chart_data(part, SPAN, slugs=slugs), part


@settings(max_examples=100, deadline=None)
@given(summaries())
def test_any_chart_keeps_to_slacks_limits_and_loses_nothing(summary):
    for part in summary.metrics.values():
        data = chart_data(part, summary.range)
        assert 1 <= len(data.labels) <= MOST_POINTS
        assert 1 <= len(data.series) <= MOST_SERIES
        names = [name for name, _ in data.series]
        for texts in (names, data.labels):
            assert len(set(texts)) == len(texts)
            assert all(0 < len(text) <= LONGEST_NAME for text in texts)
        assert all(len(values) == len(data.labels) for _, values in data.series)
        beside = sum(part.previous_buckets) if part.previous_buckets is not None else 0
        assert sum(sum(values) for _, values in data.series) == part.sum + beside


@settings(max_examples=50, deadline=None)
@given(summaries())
def test_points_are_of_equal_time_but_for_the_newest(summary):
    part = next(iter(summary.metrics.values()))
    data = chart_data(part, summary.range)
    lines = data.series if part.previous_buckets is None else data.series[:1]
    whole = [sum(column) for column in zip(*(line for _, line in lines), strict=True)]
    starts = range(0, len(part.buckets), data.each)
    assert whole == [sum(part.buckets[start : start + data.each]) for start in starts]
    short = len(part.buckets) % data.each
    assert bool(data.note) is bool(short)
    assert (f"({short} " in data.labels[-1]) is bool(short)


def test_groups_that_do_not_fit_are_the_others():
    data, part = drawn([f"key-{number}" for number in range(9)])
    names = [name for name, _ in data.series]
    assert names == [group.label for group in part.groups[:5]] + ["Others (4)"]
    assert sum(data.series[-1][1]) == sum(group.sum for group in part.groups[5:])


def test_six_groups_need_no_others():
    data, _ = drawn([f"key-{number}" for number in range(6)])
    assert len(data.series) == 6
    assert not any("Others" in name for name, _ in data.series)


def test_the_maker_of_a_model_goes_first_where_a_name_is_too_long():
    names = ["google/gemini-3-pro", "moonshotai/kimi-k2-thinking-turbo-0905", "a/b"]
    data, _ = drawn(names, slugs=True)
    assert {name for name, _ in data.series} == {
        "google/gemini-3-pro", "kimi-k2-thinking-tu…", "a/b",
    }  # fmt: skip
    data, _ = drawn(["department-a/production", "department-b/production"])
    assert {name for name, _ in data.series} == {"department-a/produc…", "department-b/produc…"}


def test_names_that_were_cut_to_the_same_are_told_apart():
    long = "x" * 30
    data, _ = drawn([f"{long}1", f"{long}2", f"{long}3"])
    names = [name for name, _ in data.series]
    assert sorted(names) == ["xxxxxxxxxxxxxxxxxx 2", "xxxxxxxxxxxxxxxxxx 3", "x" * 19 + "…"]


def test_without_usage_there_is_one_flat_line():
    part = answer(Query(Metric.SPEND, MONTH), [], SPAN).metrics[Metric.SPEND]
    assert chart_data(part, SPAN).series == (("all", (0,) * 16),)


def test_a_day_of_hours_is_drawn_in_points_of_two_hours_and_the_current_hour():
    span = time_range(Counted(1, Unit.DAY))
    part = answer(Query(Metric.SPEND), rows(span), span).metrics[Metric.SPEND]
    data = chart_data(part, span)
    assert data.each == 2
    assert data.labels[:3] == ("21 Nov 10:00", "21 Nov 12:00", "21 Nov 14:00")
    assert (data.labels[-1], data.note) == ("22 Nov 10:00 (1 h)", "last: 1 hour")
    assert data.series[0][1][0] == part.buckets[0] + part.buckets[1]


@pytest.mark.parametrize(
    ("day", "hours", "note"),
    [(date(2026, 11, 21), 24, ""), (date(2026, 10, 25), 25, "last: 1 hour"),
     (date(2026, 3, 29), 23, "last: 1 hour")],
)  # fmt: skip
def test_a_day_on_which_the_clock_changes_says_which_bar_is_short(day, hours, note):
    span = time_range(DateSpan(day, day), "Europe/Berlin")
    part = answer(Query(Metric.SPEND), rows(span), span).metrics[Metric.SPEND]
    data = chart_data(part, span)
    assert (len(span.buckets), data.each, data.note) == (hours, 2, note)


@pytest.mark.parametrize(
    ("count", "size"),
    [(1, 1), (20, 1), (24, 2), (25, 2), (30, 2), (31, 2), (32, 2), (60, 3), (61, 4), (93, 5)],
)
def test_a_step_divides_where_that_costs_few_points(count, size):
    assert step(count) == size
    assert -(-count // size) <= MOST_POINTS


def test_buckets_without_data_at_the_end_have_no_point():
    used = rows(SPAN, members=("a",), models=("a/b",), density=1_000)[20:]
    gone = range(14, 32)
    part = answer(Query(Metric.TOKENS, MONTH), used, SPAN, unknown=gone).metrics[Metric.TOKENS]
    data = chart_data(part, SPAN)
    assert (data.labels[0], data.labels[-1]) == ("22 Oct", "4 Nov")
    assert sum(data.series[0][1]) == part.sum


def test_buckets_without_data_at_the_beginning_have_no_point():
    used = rows(SPAN, members=("a",), models=("a/b",), density=1_000)[:4]
    part = answer(Query(Metric.TOKENS, MONTH), used, SPAN, unknown=range(20)).metrics[Metric.TOKENS]
    data = chart_data(part, SPAN)
    assert (data.each, data.labels[0]) == (1, "11 Nov")
    assert sum(data.series[0][1]) == part.sum
