"""What is said about the latency of requests and about failed requests."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reports.analysis.errors_answer import errors_answer
from reports.analysis.latency_answer import latency_answer
from reports.analysis.request_figures import EarlierRequests, MeasuredRequests, RequestFigures
from reports.questions.grammar import parse
from reports.time.period_to_range import ranges

NOW = datetime(2026, 11, 22, 10, 31, tzinfo=UTC)
SECOND = 1_000_000


def answered(words, whole, groups=(), earlier=None, groups_before=()):
    """The answer about figures of a period, compared with earlier ones."""
    query = parse(words).query
    both = ranges(query.period, NOW)
    before = EarlierRequests(both.previous, earlier, groups_before) if earlier else None
    found = MeasuredRequests(both.current, whole, {}, groups, before)
    answer = latency_answer if words.startswith("latency") else errors_answer
    return answer(query, found, as_of=NOW, partial=())


def failing(label, failed, requests):
    return RequestFigures(label, requests, failed)


def timed(label, p50, p95, requests=100):
    return RequestFigures(label, requests, 0, requests, p50, p95)


def test_a_group_has_the_most_failures_only_if_no_other_has_as_many():
    whole = failing("", 6, 300)
    groups = (failing("a", 3, 200), failing("b", 3, 100))
    [_, worst] = answered("errors 1w by key", whole, groups).sentences
    assert worst == "b has the highest share: 3.0%, 3 of 100."
    groups = (failing("a", 4, 200), failing("b", 2, 100))
    [_, most] = answered("errors 1w by key", whole, groups).sentences
    assert most == "a has the most, 4: 2.0% of its requests failed."


@pytest.mark.parametrize(
    ("now", "then", "said"),
    [
        ((42, 1_000), (31, 1_000), "up 1.1 percentage points vs the week before (3.1%: 31 of 1K)"),
        ((0, 1_000), (31, 1_000), "down 3.1 percentage points vs the week before (3.1%: 31 of 1K)"),
        ((310, 10_000), (31, 1_001), "unchanged vs the week before (3.1%: 31 of 1K)"),
    ],
)
def test_a_share_is_compared_in_percentage_points(now, then, said):
    found = answered("errors 1w vs before", failing("", *now), (), failing("", *then))
    assert found.sentences[-1] == f"The share of failed requests is {said}."
    assert found.before is not None


def test_a_table_of_shares_has_the_earlier_ones_and_no_change_where_one_is_unknown():
    groups = (failing("a", 5, 100), failing("b", 1, 100), failing("new", 0, 10))
    before = (failing("a", 4, 100), failing("b", 1, 100), failing("gone", 9, 10))
    found = answered(
        "errors 1w by key top 2 vs before", failing("", 6, 210), groups, failing("", 14, 210),
        before,
    )  # fmt: skip
    assert found.rows == (
        ("a", "5", "5.0%", "4.0%", "+1.0 points", "100"),
        ("b", "1", "1.0%", "1.0%", "no change", "100"),
        ("Others (1)", "0", "0.0%", "–", "–", "10"),
        ("All", "6", "2.9%", "6.7%", "-3.8 points", "210"),
    )
    assert [row[0] for row in found.exact().rows] == ["a", "b", "new", "gone"]
    assert found.groups == ("a", "b")


def test_latency_is_compared_in_words_and_cells():
    found = answered(
        "latency 1w by model vs before",
        timed("", 1_200_000, 5 * SECOND),
        (timed("a/x", 1_200_000, 5 * SECOND),),
        timed("", 1_080_000, 5_300_000),
        (timed("a/x", 1_200_400, 4 * SECOND),),
    )
    assert found.sentences[-1] == (
        "p50 is up 120 ms (+11.1%) vs the week before (1.08 s), and p95 is down 300 ms (-5.7%)"
        " (5.3 s)."
    )
    assert found.rows == (("a/x", "1.2 s", "no change", "5 s", "+1 s (+25.0%)", "100", "0"),)


def test_what_is_unknown_is_said_and_not_0():
    whole = timed("", SECOND, 2 * SECOND)
    assert answered("latency 1w vs before", whole).sentences[-1] == (
        "ClickHouse has no data for the week before."
    )
    untimed = answered("latency 1w vs before", whole, (), failing("", 0, 50))
    assert untimed.sentences[-1] == (
        "Not compared with the week before: no request then has a known duration."
    )
    assert untimed.data()["change"] == dict.fromkeys(("p50_ms", "p50", "p95_ms", "p95"))
    for words, now in (("errors", failing("", 1, 50)), ("latency", whole)):
        nothing = answered(f"{words} 1w vs week", now, (), RequestFigures(""))
        assert nothing.sentences[-1] == (
            "Not compared with a week earlier: there were no requests like that then."
        )
    assert "previous" not in answered("errors 1w", failing("", 1, 50)).data()


def test_a_change_that_rounds_to_0_percent_has_no_percentage():
    now, earlier = timed("", 1_234_900, 812_600), timed("", 1_235_200, 812_400)
    found = answered(
        "latency 1w by key vs before", now, (replace(now, label="a"),), earlier,
        (replace(earlier, label="a"),),
    )  # fmt: skip
    assert found.sentences[-1] == (
        "p50 is down <1 ms vs the week before (1.24 s), and p95 is up <1 ms (812 ms)."
    )
    assert found.rows == (("a", "1.23 s", "-<1 ms", "813 ms", "+<1 ms", "100", "0"),)


def test_where_every_request_failed_there_is_no_latency_to_compare():
    found = answered("latency 1w vs before", failing("", 50, 50), (), timed("", SECOND, SECOND))
    assert found.sentences == ("Of these requests, none has a known duration.",)


def test_groups_that_all_have_few_requests_are_not_called_the_last_ones():
    groups = (timed("a", SECOND, SECOND, 5), timed("b", SECOND, SECOND, 6))
    found = answered("latency 1h by key", timed("", SECOND, SECOND, 11), groups)
    assert found.sentences[-1] == "Each group has fewer than 20 requests, so its p95 says little."
