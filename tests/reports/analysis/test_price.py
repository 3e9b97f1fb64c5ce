"""Unit prices."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.price import MILLION, free_groups, prices
from reports.analysis.price_answer import price_answer
from reports.questions.query import Query, QueryKind
from reports.time.period import Counted, Unit
from reports.time.period_to_range import ranges
from reports.usage.dimensions import Dimension, MoneySource
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
    return price_answer(query, span, total(found.values()), found, as_of=NOW, partial=())


def test_free_models_have_a_row_apart_from_the_others():
    rows = answer(top=1).rows
    assert [row[0] for row in rows] == ["gpt", "Others (2)", "Free (2)", "All"]
    assert rows[1][1] == "$10,000.00"  # claude and gemini, without free tokens
    assert rows[2][1:4] == ("free", "\N{EN DASH}", "free")
    assert "Free: kimi:free, qwen:free, 100 tokens in all." in answer().sentences


def test_what_was_paid_from_credits_is_not_free_by_byok():
    found = answer(MoneySource.BYOK)
    assert found.sentences[0].startswith("An estimated $2,500.00 for a million tokens")
    assert "2 of 5 spent nothing from BYOK." in found.sentences
    assert not any("Free: claude" in one for one in found.sentences)
    prices_shown = {row[0]: row[1] for row in found.rows}
    assert prices_shown["claude"] == prices_shown["gpt"] == "\N{EN DASH}"
    assert prices_shown["qwen:free"] == "free"


def test_nothing_from_a_source_is_said_in_words():
    found = answer(MoneySource.BYOK, {"claude": USED["claude"]})
    assert found.sentences[0] == (
        "Nothing was spent from BYOK in this period: 900 tokens in 1 request."
    )
    free = answer(MoneySource.BYOK, {"qwen:free": USED["qwen:free"]})
    assert free.sentences[0] == "All of it was free: 50 tokens in 1 request."
