"""Unit prices."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.price import MILLION, free_groups, prices, prices_of_source
from reports.analysis.price_answer import FEES, WITH_FEES, price_answer
from reports.questions.query import Query, QueryKind
from reports.time.period import Counted, Unit
from reports.time.period_to_range import ranges
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.usage import NANO, Usage, total
from tests.reports.render.samples import NOW

counts = st.integers(0, 10**12)
usages = st.builds(Usage, counts, counts, counts, counts, counts, counts, counts)
groups = st.dictionaries(st.sampled_from("abcdef"), usages, max_size=5)


@given(groups)
def test_price_times_tokens_is_the_spend_exactly(found):
    told = prices(total(found.values()), found)
    for one in (told.blended, *told.groups):
        if one.per_million is not None:
            assert one.per_million * one.tokens / MILLION == one.spend
        if one.per_request is not None:
            assert one.per_request * one.requests == one.spend
    assert sum(one.spend for one in told.groups) == told.blended.spend


@given(groups)
def test_the_dearest_comes_first_and_free_ones_last(found):
    told = prices(total(found.values()), found).groups
    assert [one.free for one in told] == sorted(one.free for one in told)
    paid = [one.per_million for one in told if not one.free and one.per_million is not None]
    assert paid == sorted(paid, reverse=True)


def test_what_cannot_be_divided_is_unknown():
    [image] = prices(Usage(), {"image": Usage(requests=2, credits=8)}).groups
    assert (image.per_million, image.per_request, image.ratio) == (None, Fraction(4), None)
    assert image.against(image) is None


def test_free_models_are_told_apart_from_unused_ones():
    found = {"free": Usage(requests=1, prompt=5), "paid": Usage(1, 0, 5, 5, 0, 10), "none": Usage()}
    told = prices(total(found.values()), found)
    assert [one.label for one in free_groups(told.groups)] == ["free"]
    assert [one.label for one in told.groups] == ["paid", "free"]
    assert told.groups[0].against(told.blended) == Fraction(3, 2)


USED = {
    "claude": Usage(requests=1, prompt=900, credits=9 * NANO),
    "gemini": Usage(requests=1, prompt=500, credits=NANO, byok=4 * NANO),
    "gpt": Usage(requests=1, prompt=100, credits=2 * NANO),
    "qwen:free": Usage(requests=1, prompt=50),
    "kimi:free": Usage(requests=1, prompt=50),
}


def answer(source=MoneySource.ALL, found=USED, top=10):
    month = Counted(1, Unit.MONTH)
    query = Query(kind=QueryKind.PRICE, period=month, by=Dimension.MODEL, source=source, top=top)
    span = ranges(month, NOW).current
    if source is MoneySource.ALL:
        told = prices(total(found.values()), found)
    else:
        told = prices_of_source([*found.values()], {k: [one] for k, one in found.items()}, source)
    return price_answer(query, span, told, as_of=NOW, partial=())


def test_free_models_have_a_row_apart_from_the_others():
    rows = answer(top=1).rows
    assert [row[0] for row in rows] == ["gpt", "Others (2)", "Free (2)", "All"]
    assert rows[1][1] == "$10,000.00"  # claude and gemini, without free tokens
    assert rows[2][1:4] == ("free", "\N{EN DASH}", "free")
    assert "Free: kimi:free, qwen:free, 100 tokens in all." in answer().sentences


# all requests of claude and none of gpt went through BYOK; some of gemini's did
SPLIT = {
    "claude": Usage(2, 2, 900, 100, credits=NANO, byok=9 * NANO),
    "gpt": Usage(4, 0, 100, 100, credits=2 * NANO),
    "qwen:free": Usage(requests=1, prompt=50),
}
MIXED = SPLIT | {"gemini": Usage(4, 1, 500, 500, credits=6 * NANO, byok=2 * NANO)}
IMPORTED = SPLIT | {"kimi": Usage(3, 0, 50, 50, byok=NANO)}


def test_a_price_of_byok_divides_by_the_tokens_that_went_through_it():
    found = answer(MoneySource.BYOK, SPLIT)
    assert found.sentences[0] == (
        "An estimated $9,000.00 for a million tokens and $4.50 for a request, over everything:"
        " $9.00 from BYOK for 1K tokens in 2 requests."
    )
    assert "2 of 3 paid nothing from BYOK and are left out." in found.sentences
    assert [row[0] for row in found.rows] == ["claude"]


def test_a_price_of_credits_divides_by_the_tokens_that_were_paid_with_them():
    found = answer(MoneySource.CREDITS, SPLIT)
    gpt = next(row for row in found.rows if row[0] == "gpt")
    assert (gpt[1], gpt[3], gpt[6]) == ("$10,000.00", "$0.50", "200")
    assert "qwen:free" in [row[0] for row in found.rows]
    alone = answer(MoneySource.CREDITS, {"gpt": SPLIT["gpt"]})
    assert not any("fees" in note for note in alone.notes)


def test_fees_for_byok_requests_are_in_no_price_of_credits():
    found = answer(MoneySource.CREDITS, SPLIT)  # claude's credits are fees
    assert found.sentences[0].startswith("$8,000.00 for a million tokens")
    assert "claude" not in [row[0] for row in found.rows]
    assert "1 of 3 paid nothing but fees from credits and is left out." in found.sentences
    assert FEES.format(fees="$1.00") in found.notes
    assert WITH_FEES not in found.notes
    assert (found.data()["blended"]["spend"], found.data()["fees"]) == ("2", "1")
    only = answer(MoneySource.CREDITS, {"claude": SPLIT["claude"]})
    assert only.sentences[0] == (
        "From credits, only OpenRouter's fees for BYOK requests were paid: $1.00."
    )


def test_fees_within_a_price_are_noted():
    assert WITH_FEES in answer(MoneySource.CREDITS, MIXED).notes


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            MoneySource.BYOK,
            "An estimated $3.67 for a request: $11.00 from BYOK for 3 requests.",
        ),
        (MoneySource.CREDITS, "$1.00 for a request: $8.00 from credits for 8 requests."),
    ],
)
def test_tokens_that_are_not_known_by_source_have_no_price(source, said):
    found = answer(source, MIXED)
    assert found.sentences[0] == said
    assert found.sentences[1].endswith("so there is no price of a token.")
    gemini = next(row for row in found.rows if row[0] == "gemini")
    assert (gemini[1], gemini[6]) == ("\N{EN DASH}", "unknown")
    assert found.data()["blended"]["per_million"] is None
    assert found.data()["blended"]["tokens"] is None
    exact = {row[0]: row for row in found.exact().rows}
    assert exact["gemini"][3:6] == ("", "", "")


def test_requests_of_an_imported_file_are_not_known_by_source():
    found = answer(MoneySource.BYOK, IMPORTED)
    assert found.sentences[0] == "$10.00 from BYOK."
    assert found.sentences[1].endswith("so there is no price to compute.")
    assert found.data()["blended"]["requests"] is None


SOURCES = (MoneySource.CREDITS, MoneySource.BYOK)
cells = st.lists(
    usages.map(lambda one: one._replace(byok_requests=min(one.byok_requests, one.requests))),
    max_size=6,
)


@given(cells, st.sampled_from(SOURCES))
def test_the_price_of_a_source_times_its_tokens_is_its_spend_exactly(found, source):
    of_source = prices_of_source(found, {"a": found}, source)
    told = of_source.blended
    assert told.spend + of_source.fees == sum(one.value(Metric.SPEND, source) for one in found)
    assert sum(one.spend for one in of_source.groups) == told.spend
    if told.per_million is not None:
        assert told.per_million * told.tokens / MILLION == told.spend
    if told.per_request is not None:
        assert told.per_request * told.requests == told.spend


@given(cells)
def test_tokens_of_both_sources_are_all_tokens(found):
    by = [prices_of_source(found, {}, source).blended for source in SOURCES]
    if all(one.tokens is not None for one in by):
        assert sum(one.tokens for one in by) == sum(one.tokens for one in found if one.requests)
    if all(one.requests is not None for one in by):
        assert sum(one.requests for one in by) == sum(one.requests for one in found)


def test_nothing_from_a_source_is_said_in_words():
    found = answer(MoneySource.BYOK, {"claude": USED["claude"]})
    assert found.sentences == ("Nothing was paid from BYOK in this period.",)
    assert found.notes == ()
    free = answer(MoneySource.CREDITS, {"qwen:free": USED["qwen:free"]})
    assert free.sentences[0] == "All of it was free: 50 tokens in 1 request."
