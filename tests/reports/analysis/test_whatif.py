"""The same tokens on another model."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.whatif import ListPrice, Repriced, TokenUse, reprice
from reports.analysis.whatif_answer import CachePricing, whatif_answer
from reports.questions.grammar import parse
from reports.time.period import Counted, Unit
from reports.time.period_to_range import ranges
from reports.usage.usage import NANO
from tests.reports.render.samples import NOW

counts = st.integers(0, 10**10)
uses = st.builds(TokenUse, counts, counts, counts, counts, st.integers(0, 10**13),
                 st.none() | counts)  # fmt: skip
dollars = st.integers(0, 10**6).map(lambda nano: Decimal(nano).scaleb(-9))
priced = st.builds(ListPrice, dollars, dollars, st.none() | dollars, st.none() | dollars, dollars)
groups = st.dictionaries(st.sampled_from("abc"), uses, min_size=1)
FREE = ListPrice(Decimal(0), Decimal(0))


@given(groups, priced)
def test_a_model_against_itself_differs_by_nothing(found, price):
    whole, parts = reprice(found, price, price)
    assert whole.difference == 0
    assert all(part.difference == 0 for part in parts)


@given(groups, priced)
def test_a_doubled_price_doubles(found, price):
    double = ListPrice(
        price.prompt * 2, price.completion * 2,
        None if price.cached is None else price.cached * 2,
        None if price.reasoning is None else price.reasoning * 2, price.request * 2,
    )  # fmt: skip
    whole, _ = reprice(found, price, double)
    assert whole.repriced == 2 * whole.repriced_same


@given(groups, priced)
def test_a_free_model_costs_nothing(found, price):
    assert reprice(found, price, FREE)[0].repriced == 0


@given(groups, priced, priced)
def test_the_whole_is_the_sum_of_its_groups(found, source, target):
    whole, parts = reprice(found, source, target)
    assert whole.repriced == sum(part.repriced for part in parts)
    assert whole.billed == sum(part.billed for part in parts)


def test_cached_and_reasoning_tokens_have_prices_of_their_own():
    price = ListPrice(Decimal("1e-6"), Decimal("2e-6"), Decimal("1e-7"), Decimal("3e-6"))
    use = TokenUse(10**6, 10**6, 500_000, 1, 4 * 10**9, cached=400_000)
    whole, _ = reprice({"a": use}, price, FREE)
    assert whole.repriced_same == 600_000_000 + 40_000_000 + 1_000_000_000 + 1_500_000_000
    assert whole.error == Fraction(3_140_000_000 - 4 * 10**9, 4 * 10**9)
    # without prices of their own they cost what the others do
    plain = replace(price, cached=None, reasoning=None)
    assert reprice({"a": use}, plain, FREE)[0].repriced_same == 3 * 10**9


def test_what_was_free_has_no_error():
    assert reprice({"a": TokenUse(1, 1, 0, 1, 0)}, FREE, FREE)[0].error is None


def told(whole: Repriced, ends: date | None = None) -> tuple[str, ...]:
    query, span = (
        parse("whatif opus -> haiku 1m").query,
        ranges(Counted(1, Unit.MONTH), NOW).current,
    )
    found = whatif_answer(
        query, span, "opus", "haiku", whole, (), CachePricing(), ends=ends, now=NOW, as_of=NOW,
        partial=(),
    )  # fmt: skip
    return found.sentences[1:]


def test_what_own_provider_keys_paid_is_spent_and_not_billed():
    billed = Repriced("all", 10 * NANO, 9 * NANO, 2 * NANO)
    assert told(billed) == (
        (
            "$10.00 was billed, so the list is 10.0% below the bill; expect about the same error on"
            " the other model."
        ),
    )
    assert told(replace(billed, byok=4 * NANO)) == (
        (
            "$10.00 was spent ($4.00 of it estimated by OpenRouter, for BYOK), so the list is 10.0%"
            " below that; expect about the same error on the other model."
        ),
    )
    assert told(Repriced("all", NANO, NANO, NANO, NANO)) == (
        "$1.00 was spent (all of it estimated by OpenRouter, for BYOK), exactly the list price.",
    )


def test_a_model_that_retires_is_said_to_with_its_date():
    whole = Repriced("all", NANO, NANO, NANO)
    day = NOW.date()
    assert told(whole, day + timedelta(days=24))[0].startswith("But haiku retires on ")
    assert told(whole, day + timedelta(days=24))[0].endswith(", in 24 days.")
    assert told(whole, day - timedelta(days=1))[0].startswith("But haiku retired on ")
    assert len(told(whole)) == 1
