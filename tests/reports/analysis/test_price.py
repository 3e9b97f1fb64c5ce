"""Unit prices."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.price import MILLION, free_groups, prices
from reports.usage.usage import Usage, total

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
