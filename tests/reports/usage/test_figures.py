"""Figures of money and counts: which make up a metric, and how they are shown at the edges."""

from fractions import Fraction

import pytest

from reports.usage.dimensions import Metric
from reports.usage.figure_table import (
    FIGURES,
    NAMES,
    OPTIONAL_NAMES,
    OVERVIEW,
    PARTS,
    REQUIRED,
    FigureKind,
    shown,
    summands,
)
from reports.usage.format import axis_money, change, difference, money, number
from reports.usage.limits import Limit, fullest_first
from reports.usage.usage import NANO, Usage, minus, plus

ONE = Usage(*range(1, len(NAMES) + 1))


@pytest.mark.parametrize(
    ("metric", "names"),
    [
        (Metric.SPEND, ["credits", "byok"]),
        (Metric.TOKENS, ["prompt", "completion"]),
        (Metric.REQUESTS, ["requests"]),
    ],
)
def test_a_metric_is_the_sum_of_these_figures_and_no_others(metric, names):
    assert [figure.name for figure in summands(metric)] == names


def test_reasoning_and_byok_requests_are_parts_that_are_not_added_again():
    assert [name for name, _ in PARTS[Metric.TOKENS]] == ["prompt", "completion", "reasoning"]
    assert [name for name, _ in PARTS[Metric.REQUESTS]] == ["byok"]
    assert [name for name, _ in PARTS[Metric.SPEND]] == ["credits", "byok"]


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        ([Metric.SPEND], {"requests", "credits", "byok"}),
        ([Metric.TOKENS], {"requests", "prompt", "completion", "reasoning"}),
        ([Metric.REQUESTS], {"requests", "byok_requests"}),
        (list(Metric), set(NAMES) - {"cached", "saved"}),
    ],
)
def test_a_message_shows_what_its_metrics_are_made_of_and_requests(metrics, names):
    assert shown(metrics) == names


def test_only_the_figures_of_caching_may_be_missing():
    assert {"cached", "saved"} == OPTIONAL_NAMES
    assert {figure.name for figure in REQUIRED} == set(NAMES) - OPTIONAL_NAMES


def test_money_is_counted_in_nano_dollars_and_all_else_in_whole_numbers():
    assert {figure.name for figure in FIGURES if figure.kind is FigureKind.MONEY} == {
        "credits", "byok", "saved",
    }  # fmt: skip


def test_the_columns_of_an_overview_are_those_of_the_site():
    assert [figure.csv for figure in OVERVIEW] == [
        "Usage", "BYOK Usage", "Requests", "Prompt Tokens", "Completion Tokens", "Reasoning Tokens",
    ]  # fmt: skip


def test_usages_are_added_and_subtracted_figure_by_figure():
    assert plus(ONE, ONE) == Usage(*(2 * one for one in ONE))
    assert minus(plus(ONE, ONE), ONE) == ONE


def test_the_share_of_a_limit_is_unknown_where_its_use_is_and_a_limit_of_zero_is_full():
    assert Limit("a", 4 * NANO, 3 * NANO).share == Fraction(3, 4)
    assert Limit("a", 4 * NANO, 0).share == 0
    assert Limit("a", 4 * NANO, None).share is None
    assert Limit("a", 0, 3 * NANO).share == 1
    assert Limit("a", 0, 0).share == 1


def test_limits_come_by_share_with_unknown_ones_last_and_names_in_between():
    full, half, other, unknown = (
        Limit("z", 10, 10), Limit("b", 10, 5), Limit("a", 10, 5), Limit("0", 10, None),
    )  # fmt: skip
    assert fullest_first([unknown, half, full, other]) == (full, other, half, unknown)


def test_less_than_a_hundredth_of_a_cent_has_two_significant_digits():
    assert money(12_345) == "$0.000012"
    assert money(99_999) == "$0.0001"
    assert money(100_000) == "$0.0001"


def test_the_axis_shows_the_minus_before_the_dollar_sign():
    assert axis_money(-1_500 * NANO) == "-$1.5K"
    assert axis_money(1_500 * NANO) == "$1.5K"


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (Fraction(1, 2000), "no change"),
        (Fraction(-1, 2000), "no change"),
        (Fraction(1, 1999), "+0.1%"),
        (Fraction(-1, 1000), "-0.1%"),
    ],
)
def test_a_change_that_rounds_to_no_tenth_of_a_percent_is_none(ratio, said):
    assert change(ratio) == said


def test_a_difference_that_rounds_to_no_tenth_of_a_percent_has_no_percentage():
    assert difference(Metric.REQUESTS, 2_001, 2_000) == "up 1"
    assert difference(Metric.REQUESTS, 2_002, 2_000) == "up 2 (+0.1%)"
    assert difference(Metric.REQUESTS, 1_998, 2_000) == "down 2 (-0.1%)"


def test_counts_have_three_significant_digits_on_both_sides_of_a_hundred():
    assert [number(one) for one in (Fraction(999, 10), 100, Fraction(1004, 10), 999)] == [
        "99.9", "100", "100", "999",
    ]  # fmt: skip
