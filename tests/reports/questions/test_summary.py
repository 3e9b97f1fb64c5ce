"""What a question's usage adds up to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.questions.query import Query, Versus
from reports.questions.summary import ALL, MetricSummary, Series, Summary, UsageFigures, summarize
from reports.time.period import Calendar, Counted, Unit
from reports.time.period_to_range import ranges
from reports.time.time_range import TimeRange
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.usage import ZERO, Usage, total

NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)
WEEK = ranges(Calendar(Unit.WEEK, last=True), NOW).current
MONTH = ranges(Counted(1, Unit.MONTH), NOW).current
EVERYTHING = (Metric.SPEND, Metric.TOKENS, Metric.REQUESTS)


def figures(
    series: dict[str, dict[int, Usage]],
    span: TimeRange = WEEK,
    ranked_groups: set[str] | None = None,
    previous: Usage | None = None,
) -> UsageFigures:
    """What the cache would say of usage by group and bucket."""
    whole = tuple(
        total(buckets[index] for buckets in series.values() if index in buckets)
        for index in range(len(span.buckets))
    )
    shown = {
        label: b for label, b in series.items() if ranked_groups is None or label in ranked_groups
    }
    return UsageFigures(whole, shown, len(series), previous)


def one(query: Query, found: UsageFigures, span: TimeRange = WEEK) -> MetricSummary:
    summary = summarize(query, span, found, NOW)
    return summary.metrics[query.metric or Metric.SPEND]


def requests(count: int) -> Usage:
    return Usage(requests=count)


def test_a_group_is_averaged_over_its_active_days_only() -> None:
    beebox = dict(enumerate([90, 150, 100, 121, 80, 200, 100]))
    quiet = {n + 3 * (n > 2): requests(count) for n, count in beebox.items()}
    query = Query(Metric.REQUESTS, by=Dimension.KEY)
    (group,) = one(query, figures({"beebox": quiet}, MONTH), MONTH).groups
    assert (group.sum, group.active, len(group.buckets)) == (841, 7, 32)
    assert round(group.avg) == 120
    assert (group.min, group.max) == (80, 200)
    assert group.share == 1


def test_the_whole_is_averaged_over_all_buckets() -> None:
    found = one(Query(Metric.REQUESTS), figures({ALL: {0: requests(700), 3: requests(141)}}))
    assert (found.sum, found.avg) == (841, Fraction(841, 7))
    assert found.buckets == (700, 0, 0, 141, 0, 0, 0)


def test_a_bucket_with_figures_but_no_request_is_not_active() -> None:
    corrected = {0: Usage(requests=1, prompt=10), 1: Usage(prompt=50)}
    (group,) = one(Query(Metric.TOKENS), figures({ALL: corrected})).groups
    assert (group.active, group.min, group.max, group.avg) == (1, 10, 10, Fraction(10))
    assert group.sum == sum(group.buckets) == 60


def test_a_bucket_with_requests_that_cost_nothing_is_active() -> None:
    free = {0: Usage(requests=5, credits=0), 1: Usage(requests=5, credits=20)}
    (group,) = one(Query(Metric.SPEND), figures({ALL: free})).groups
    assert (group.active, group.min, group.avg) == (2, 0, Fraction(10))


def test_groups_stand_by_sum_and_then_by_name() -> None:
    used = {"b": {0: requests(5)}, "a": {0: requests(5)}, "z": {0: requests(9)}, "c": {}}
    found = one(Query(Metric.REQUESTS, by=Dimension.KEY), figures(used))
    assert [group.label for group in found.groups] == ["z", "a", "b", "c"]


def test_each_metric_of_an_overview_has_its_own_order() -> None:
    used = {
        "dear": {0: Usage(requests=1, credits=100, prompt=1)},
        "chatty": {0: Usage(requests=50, credits=1, prompt=2)},
        "long": {0: Usage(requests=2, credits=2, prompt=900)},
    }
    found = summarize(Query(by=Dimension.MODEL), WEEK, figures(used), NOW)
    first = {metric: part.groups[0].label for metric, part in found.metrics.items()}
    assert first == {Metric.SPEND: "dear", Metric.TOKENS: "long", Metric.REQUESTS: "chatty"}


def test_groups_that_are_not_looked_at_are_the_rest() -> None:
    used = {name: {day: requests(n) for day in range(3)} for n, name in enumerate("abcd")}
    found = one(Query(Metric.REQUESTS, by=Dimension.KEY), figures(used, ranked_groups={"c", "d"}))
    assert [group.label for group in found.groups] == ["d", "c"]
    assert (found.other_count, found.other_sum) == (2, 3)


def test_without_a_group_everything_is_the_rest() -> None:
    found = one(Query(Metric.REQUESTS), figures({"a": {1: requests(4)}}, ranked_groups=set()))
    assert (found.groups, found.other_count, found.other_sum) == ((), 1, 4)


@pytest.mark.parametrize(
    ("previous", "now", "change"),
    [
        (requests(100), 110, Fraction(1, 10)),
        (requests(100), 0, Fraction(-1)),
        (requests(100), 100, Fraction(0)),
        (ZERO, 10, None),
        (ZERO, 0, None),
        (None, 10, None),
    ],
)
def test_a_change_is_against_the_period_before(
    previous: Usage | None, now: int, change: Fraction | None
) -> None:
    found = one(Query(Metric.REQUESTS), figures({ALL: {0: requests(now)}}, previous=previous))
    assert found.change == change
    assert found.previous == (None if previous is None else previous.requests)


@pytest.mark.parametrize(
    ("source", "spend", "before", "parts"),
    [
        (MoneySource.ALL, 12, 30, {"credits": 7, "byok": 5}),
        (MoneySource.CREDITS, 7, 20, {"credits": 7}),
        (MoneySource.BYOK, 5, 10, {"byok": 5}),
    ],
)
def test_spend_from_one_source_leaves_the_other_out(
    source: MoneySource, spend: int, before: int, parts: dict[str, int]
) -> None:
    used = {ALL: {0: Usage(requests=2, credits=7, byok=5)}}
    previous = Usage(requests=1, credits=20, byok=10)
    found = one(Query(Metric.SPEND, source=source), figures(used, previous=previous))
    assert (found.sum, found.previous, found.parts) == (spend, before, parts)
    assert found.buckets[0] == found.groups[0].sum == spend


def test_nothing_used_is_an_empty_answer_and_no_error() -> None:
    summary = summarize(Query(), WEEK, figures({}), None)
    assert summary.empty
    assert summary.as_of is None
    for part in summary.metrics.values():
        assert (part.sum, part.avg, part.change) == (0, Fraction(0), None)
        assert part.groups == ()
        assert part.buckets == (0,) * 7


def test_a_group_that_used_nothing_has_no_share() -> None:
    (group,) = one(Query(Metric.SPEND), figures({ALL: {0: requests(1)}})).groups
    assert (group.share, group.sum, group.active) == (Fraction(0), 0, 1)


def test_what_is_missing_and_when_it_was_synced_are_carried_along() -> None:
    summary = summarize(Query(), WEEK, figures({}), NOW, ("no data before 22 Nov 2025",))
    assert (summary.as_of, summary.partial) == (NOW, ("no data before 22 Nov 2025",))
    assert (summary.query, summary.range) == (Query(), WEEK)


_counts = st.integers(0, 10**9)
_used = st.one_of(
    st.builds(Usage, st.integers(1, 10**6), _counts, _counts, _counts, _counts, _counts, _counts),
    st.just(ZERO),
)
_series = st.dictionaries(
    st.text(max_size=3), st.dictionaries(st.integers(0, 6), _used, max_size=7), max_size=6
)
_queries = st.builds(
    Query,
    st.sampled_from([None, *Metric]),
    by=st.just(Dimension.KEY),
    source=st.sampled_from(MoneySource),
)


def hold_to_the_laws(group: Series, part: MetricSummary) -> None:
    assert group.sum == sum(group.buckets)
    assert len(group.buckets) == len(part.buckets)
    assert group.share == (Fraction(group.sum, part.sum) if part.sum else 0)
    if group.active:
        assert group.min <= group.avg <= group.max <= group.sum
        assert group.avg == Fraction(group.sum, group.active)
    else:
        assert group.min == group.avg == group.max == group.sum == 0


def every_sum_fits(summary: Summary, query: Query) -> None:
    for metric, part in summary.metrics.items():
        assert part.sum == sum(part.buckets) == summary.totals.value(metric, query.source)
        assert part.avg * part.known == part.sum
        assert part.sum == part.other_sum + sum(group.sum for group in part.groups)
        for whole, *shown in zip(part.buckets, *(g.buckets for g in part.groups), strict=True):
            assert whole >= sum(shown)


@given(_queries, _series, st.sets(st.text(max_size=3)))
@settings(max_examples=200, deadline=None)
def test_groups_and_the_rest_are_the_whole(
    query: Query, series: dict[str, dict[int, Usage]], unseen: set[str]
) -> None:
    shown = set(series) - unseen
    summary = summarize(query, WEEK, figures(series, ranked_groups=shown), NOW)
    every_sum_fits(summary, query)
    for part in summary.metrics.values():
        assert {group.label for group in part.groups} == shown
        assert part.other_count == len(series) - len(shown)
        for group in part.groups:
            hold_to_the_laws(group, part)
        order = [(-group.sum, group.label) for group in part.groups]
        assert order == sorted(order)


@given(_queries, _series)
@settings(max_examples=100, deadline=None)
def test_all_shares_make_one(query: Query, series: dict[str, dict[int, Usage]]) -> None:
    summary = summarize(query, WEEK, figures(series), NOW)
    assert summary.empty is not any(any(u) for b in series.values() for u in b.values())
    for part in summary.metrics.values():
        assert sum(group.share for group in part.groups) == (1 if part.sum else 0)
        assert (part.other_count, part.other_sum) == (0, 0)


def test_an_overview_has_all_three_metrics_in_their_order() -> None:
    assert tuple(summarize(Query(), WEEK, figures({}), NOW).metrics) == EVERYTHING


def test_the_whole_is_averaged_over_the_buckets_held() -> None:
    held = figures({ALL: {5: requests(700), 6: requests(300)}})
    part = one(Query(Metric.REQUESTS), replace(held, unknown=frozenset(range(5))))
    assert (part.sum, part.avg, part.known) == (1000, 500, 2)


def test_where_nothing_is_held_there_is_no_average() -> None:
    part = one(Query(Metric.REQUESTS), replace(figures({}), unknown=frozenset(range(7))))
    assert (part.known, part.avg) == (0, 0)


def test_usage_that_is_there_after_all_is_known() -> None:
    used = figures({ALL: {0: requests(7)}})
    part = one(Query(Metric.REQUESTS), replace(used, unknown=frozenset({0, 1})))
    assert (part.unknown, part.known) == (frozenset({1}), 6)


@given(_queries, _series, st.sets(st.integers(0, 6)))
@settings(max_examples=100, deadline=None)
def test_the_average_times_the_buckets_held_is_the_sum(
    query: Query, series: dict[str, dict[int, Usage]], unknown: set[int]
) -> None:
    found = replace(figures(series), unknown=frozenset(unknown))
    for part in summarize(query, WEEK, found, NOW).metrics.values():
        assert part.avg * part.known == part.sum
        assert part.known or not part.sum


@given(_queries, _series, _series)
@settings(max_examples=100, deadline=None)
def test_what_groups_were_adds_up_to_the_period_before(
    query: Query, series: dict[str, dict[int, Usage]], earlier: dict[str, dict[int, Usage]]
) -> None:
    before = {label: total(buckets.values()) for label, buckets in earlier.items()}
    groups: dict[str, dict[int, Usage]] = {**{label: {} for label in before}, **series}
    found = replace(figures(groups), previous=total(before.values()), before=before)
    for part in summarize(replace(query, versus=Versus.BEFORE), WEEK, found, NOW).metrics.values():
        assert sum(group.previous or 0 for group in part.groups) == part.previous
