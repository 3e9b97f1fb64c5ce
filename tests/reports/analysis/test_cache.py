"""Prompt caching: shares, savings, what is unknown, and where a share fell."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.cache import (
    CacheFall,
    UnknownFigures,
    cache_report,
    find_fall,
    together,
)
from reports.usage.usage import Usage, plus, total

counts = st.integers(0, 10**9)
usages = st.builds(
    Usage, requests=counts, prompt=counts, completion=counts, reasoning=counts, cached=counts,
    saved=st.integers(-(10**12), 10**12),
)  # fmt: skip
series = st.dictionaries(st.integers(0, 30), usages, max_size=8)
groups = st.dictionaries(st.sampled_from("abcd"), series, max_size=4)
unknowns = st.builds(
    UnknownFigures, st.frozensets(st.integers(0, 30)), st.frozensets(st.integers(0, 30))
)


def used(prompt, cached, saved=0, **more):
    return Usage(requests=1, prompt=prompt, cached=cached, saved=saved, **more)


def days(*shares, prompt=1_000):
    """Days by the percentage of prompt tokens from a cache; each saves a nano-dollar."""
    return {
        n: used(prompt, prompt * share // 100, prompt * share // 100)
        for n, share in enumerate(shares)
    }


@given(groups, unknowns)
def test_the_groups_add_up_to_the_whole(found, unknown):
    report = cache_report(found, unknown)
    whole = report.whole
    for name in ("prompt", "completion", "reasoning"):
        assert getattr(whole, name) == sum(getattr(one, name) for one in report.groups)
    added = together(report.groups)
    if report.groups:
        assert (added.cached, added.saved) == (whole.cached, whole.saved)


@given(groups, unknowns, st.integers(2, 9))
def test_as_many_times_the_tokens_leave_every_share_as_it_is(found, unknown, times):
    more = {
        label: {n: Usage(*(figure * times for figure in usage)) for n, usage in buckets.items()}
        for label, buckets in found.items()
    }
    one, other = cache_report(found, unknown), cache_report(more, unknown)
    assert one.whole.share == other.whole.share
    assert one.whole.reasoning_share == other.whole.reasoning_share
    assert [use.share for use in one.groups] == [use.share for use in other.groups]


@given(series, series, unknowns)
def test_one_group_split_in_two_is_the_same_whole(one, other, unknown):
    both = {n: plus(one.get(n, Usage()), other.get(n, Usage())) for n in one.keys() | other.keys()}
    whole, split = cache_report({"a": both}, unknown), cache_report({"a": one, "b": other}, unknown)
    assert whole.whole == split.whole


@given(groups, unknowns)
def test_what_is_unknown_is_never_counted(found, unknown):
    report = cache_report(found, unknown)
    hidden = {
        label: {
            n: usage._replace(cached=10**12, saved=10**15) if n in unknown.cached else usage
            for n, usage in buckets.items()
        }
        for label, buckets in found.items()
    }
    assert cache_report(hidden, unknown).whole == report.whole


def test_more_can_be_cached_than_was_in_the_prompt_and_it_can_cost_more_than_it_saves():
    [use] = cache_report({"a": {0: used(100, 150, -5, completion=10, reasoning=4)}}).groups
    assert (use.share, use.saved, use.reasoning_share) == (Fraction(3, 2), -5, Fraction(2, 5))


def test_buckets_in_which_the_cache_is_unknown_are_left_out_with_their_prompt():
    report = cache_report(
        {"a": {0: used(900, 0), 1: used(100, 50, 7)}}, UnknownFigures(frozenset({0, 5}))
    )
    assert (report.whole.prompt, report.whole.cached, report.whole.share) == (
        100, 50, Fraction(1, 2),
    )  # fmt: skip
    assert report.left_out == {0}


def test_where_it_is_unknown_throughout_only_the_cache_is_unknown():
    report = cache_report(
        {"a": {0: used(900, 0, completion=10, reasoning=5)}}, UnknownFigures(frozenset({0}))
    )
    whole = report.whole
    assert (whole.prompt, whole.cached, whole.saved, whole.share) == (900, None, None, None)
    assert whole.reasoning_share == Fraction(1, 2)


def test_savings_that_are_unknown_in_a_part_are_unknown_but_the_share_is_known():
    report = cache_report(
        {"a": {0: used(10, 5), 1: used(10, 5, 7)}}, UnknownFigures(saved=frozenset({0}))
    )
    assert (report.whole.saved, report.whole.share) == (None, Fraction(1, 2))


def test_without_any_usage_there_is_nothing():
    report = cache_report({"a": {0: Usage(requests=2)}}, UnknownFigures(frozenset({0})))
    assert (report.groups, report.whole.share, report.left_out) == ((), None, frozenset())
    assert report.whole.cached == 0


def test_a_fall_is_found_with_what_it_costs():
    fall = find_fall(days(80, 82, 78, 80, 80, 30, 28, 32))
    assert fall == CacheFall(5, Fraction(4, 5), Fraction(3, 10), missed=1_500)


def test_a_fall_after_a_rise_is_measured_from_the_level_between():
    fall = find_fall(days(40, 40, 40, 40, 90, 90, 90, 90, 90, 50, 50, 50))
    assert fall is not None
    assert (fall.since, fall.before, fall.after) == (9, Fraction(9, 10), Fraction(1, 2))


@pytest.mark.parametrize(
    "shares",
    [
        (80,) * 10,  # nothing moves
        (80, 80, 80, 80, 30),  # one low day may be chance
        (80, 80, 80, 80, 80, 30, 30),  # and two a weekend
        (80, 80, 80, 80, 30, 30, 30, 30, 80),  # it is back
        (30, 30, 30, 80, 80, 80),  # a rise
        (80, 80, 80, 74, 74, 74),  # less than ten points
        (80, 20, 70, 10, 80, 20, 60, 10),  # it always moves like that
        (80, 80, 30, 30, 30),  # too few days
        (),
    ],
)
def test_what_is_no_fall(shares):
    assert find_fall(days(*shares)) is None


@given(st.lists(st.integers(0, 100), min_size=5, max_size=20))
def test_the_shares_of_a_fall_are_those_of_its_two_sides(shares):
    buckets = days(*shares)
    fall = find_fall(buckets)
    if fall:
        assert fall.before - fall.after >= Fraction(1, 10)
        after = total(usage for n, usage in buckets.items() if n >= fall.since)
        assert fall.after == Fraction(after.cached, after.prompt)


def test_within_a_day_no_falls_are_looked_for():
    found = {"a": days(80, 80, 80, 80, 30, 30, 30, 30)}
    assert cache_report(found).whole.fall is not None
    assert cache_report(found).groups[0].fall is not None
    without = cache_report(found, falls=False)
    assert (without.whole.fall, without.groups[0].fall) == (None, None)


def test_a_day_that_is_not_over_is_no_evidence_of_a_fall_that_lasts():
    found = {"a": days(80, 80, 80, 80, 80, 30, 30, 30)}
    running = cache_report(found, running=7)
    assert (running.whole.fall, running.groups[0].fall) == (None, None)
    assert running.whole.share == cache_report(found).whole.share


def test_where_savings_are_unknown_or_negative_what_a_fall_costs_is_unknown():
    buckets = days(80, 80, 80, 30, 30, 30)
    fall = find_fall(buckets, saved=False)
    assert fall is not None
    assert fall.missed is None
    dear = {n: usage._replace(saved=-usage.saved) for n, usage in buckets.items()}
    fall = find_fall(dear)
    assert fall is not None
    assert fall.missed is None
