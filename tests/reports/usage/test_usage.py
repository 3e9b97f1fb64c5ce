"""Usage adds up, and money is exact on its way in and out."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.alerts.slack.format import price
from reports.usage.dimensions import Metric, MoneySource
from reports.usage.usage import NANO, ZERO, Usage, dollars, exact_money, nano_dollars, total

MOST = 2**63 - 1
nanos = st.integers(-MOST, MOST)
_counts = st.integers(0, 10**12)
usages = st.builds(Usage, *[_counts] * len(Usage._fields))


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (-1, "-0.000000001"),
        (1_200, "0.0000012"),
        (100_000_000, "0.1"),
        (NANO, "1"),
        (10 * NANO, "10"),
        (15_941_000_000, "15.941"),
        (-15_941_000_000, "-15.941"),
        (MOST, "9223372036.854775807"),
        (Fraction(1, 2), "0"),
        (Fraction(3, 2), "0.000000002"),
        (Fraction(-1, 3), "0"),
    ],
)
def test_dollars_are_plain_decimals(nano: int | Fraction, shown: str) -> None:
    assert dollars(nano) == shown


@given(nanos)
@settings(max_examples=300, deadline=None)
def test_nano_dollars_come_back_exactly(nano: int) -> None:
    shown = dollars(nano)
    assert nano_dollars(Decimal(shown)) == nano
    assert "e" not in shown.lower()
    assert shown == "0" or not shown.endswith(".")
    assert len(shown.partition(".")[2]) <= 9
    assert "." not in shown or not shown.endswith("0")


@pytest.mark.parametrize(
    ("amount", "nano"),
    [
        (Decimal("0.000000001"), 1),
        (Decimal("0.0000000005"), 0),
        (Decimal("0.0000000015"), 2),
        (Decimal("0.0000000025"), 2),
        (Decimal("0.00000000050000000000000000000000000000000001"), 1),
        (Decimal("1234567890123456789.123456789"), 1234567890123456789123456789),
        (Decimal("1e-999999"), 0),
        (Decimal("1.5E+1"), 15 * NANO),
        (Decimal("-0"), 0),
        (7, 7 * NANO),
    ],
)
def test_dollars_are_rounded_once_half_to_even(amount: Decimal | int, nano: int) -> None:
    assert nano_dollars(amount) == nano


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        (0, "$0"),
        (5_000 * NANO, "$5,000"),
        (45_800_000_000, "$45.80"),
        (1_100_000_000, "$1.10"),
        (12_345_678_000_000, "$12,345.678"),
        (1_200_000, "$0.0012"),
        (1, "$0.000000001"),
        (-3 * NANO, "-$3"),
    ],
)
def test_money_is_written_exactly_as_people_do(nano: int, shown: str) -> None:
    assert exact_money(nano) == shown


@given(st.integers(10, 10_000 * 100 - 1))
def test_whole_cents_are_written_as_alerts_round_them_but_for_even_dollars(cents: int) -> None:
    nano = cents * (NANO // 100)
    assert exact_money(nano) == price(nano).removesuffix(".00")


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "1e400", "1e999999"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount of money"):
        nano_dollars(Decimal(text))


@given(st.lists(usages, max_size=6), st.lists(usages, max_size=6))
@settings(max_examples=100, deadline=None)
def test_a_total_is_the_sum_of_its_parts_in_any_order(one: list[Usage], other: list[Usage]) -> None:
    whole = total([*one, *other])
    assert whole == total([*reversed(other), total(one)])
    assert all(
        whole.value(metric, source) == sum(usage.value(metric, source) for usage in [*one, *other])
        for metric in Metric
        for source in MoneySource
    )


def test_the_total_of_nothing_is_nothing() -> None:
    assert total([]) == ZERO == Usage()


USED = Usage(
    requests=10, byok_requests=3, prompt=100, completion=40, reasoning=30, credits=7, byok=5
)


@pytest.mark.parametrize(
    ("metric", "source", "value", "parts"),
    [
        (Metric.SPEND, MoneySource.ALL, 12, {"credits": 7, "byok": 5}),
        (Metric.SPEND, MoneySource.CREDITS, 7, {"credits": 7}),
        (Metric.SPEND, MoneySource.BYOK, 5, {"byok": 5}),
        (Metric.TOKENS, MoneySource.BYOK, 140, {"prompt": 100, "completion": 40, "reasoning": 30}),
        (Metric.REQUESTS, MoneySource.ALL, 10, {"byok": 3}),
    ],
)
def test_a_metric_is_one_figure_made_of_parts(
    metric: Metric, source: MoneySource, value: int, parts: dict[str, int]
) -> None:
    assert USED.value(metric, source) == value
    assert USED.parts(metric, source) == parts
    assert USED.tokens == 140


@given(usages)
@settings(max_examples=100, deadline=None)
def test_spend_is_credits_and_byok_together(usage: Usage) -> None:
    assert sum(usage.parts(Metric.SPEND).values()) == usage.value(Metric.SPEND)
    apart = (
        usage.value(Metric.SPEND, source) for source in (MoneySource.CREDITS, MoneySource.BYOK)
    )
    assert sum(apart) == usage.value(Metric.SPEND)
