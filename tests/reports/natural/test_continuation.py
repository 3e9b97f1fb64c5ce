"""Which messages go on from the question before them, and what they take over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reports.alerts.grammar import parse_alert
from reports.alerts.rule import Rule
from reports.commands import parse_command
from reports.natural.continuation import alert_about, goes_on, inherited, pinned, same_day
from reports.questions.grammar import QuestionCommand, parse
from reports.questions.query import Query

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def query(words: str) -> Query:
    read = parse(words)
    assert isinstance(read, QuestionCommand)
    return read.query


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("and by model?", {"by"}),
        ("only gemini", {"filter"}),
        ("same for october", {"period"}),
        ("and the tokens?", {"metric"}),
        ("what about grace?", {"filter"}),
        ("how about october", {"period"}),
        ("pdf", {"file"}),
        ("csv please", {"file"}),
        ("by key", {"by"}),
        ("show me by key", {"by"}),
        ("can you break it down by key", {"by"}),
        ("top 3", {"top"}),
        ("vs last month", {"versus"}),
        ("gemini", {"filter"}),
        ("without opus", {"filter"}),
        ("now only for last week", {"period"}),
    ],
)
@pytest.mark.parametrize("in_thread", [True, False])
def test_what_makes_no_sense_alone_goes_on(text: str, given: set[str], in_thread: bool) -> None:
    assert goes_on(text, frozenset(given), in_thread=in_thread)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("who uses gemini?", {"by", "filter"}),
        ("which models does ada use", {"by", "filter"}),
        ("what is Ada spending on?", {"metric", "filter"}),
        ("break down prod-006 by model", {"by", "filter"}),
        ("compare ada and grace", {"by", "filter"}),
        ("what did we spend yesterday?", {"metric", "period"}),
        ("spend last week by key", {"metric", "period", "by"}),
        ("please show me who uses gemini", {"by", "filter"}),
        ("why is today so expensive?", {"period"}),
    ],
)
@pytest.mark.parametrize("in_thread", [True, False])
def test_a_question_that_makes_sense_alone_starts_afresh(
    text: str, given: set[str], in_thread: bool
) -> None:
    assert not goes_on(text, frozenset(given), in_thread=in_thread)


@pytest.mark.parametrize(
    ("text", "given"),
    [("tokens", {"metric"}), ("last month", {"period"}), ("tokens by key", {"metric", "by"})],
)
def test_a_metric_or_a_period_alone_goes_on_in_a_thread_only(text: str, given: set[str]) -> None:
    assert goes_on(text, frozenset(given), in_thread=True)
    assert not goes_on(text, frozenset(given), in_thread=False)


def test_what_was_taken_over_can_be_left_out_again() -> None:
    before = query("spend 1d by key creator:alan key:prod*")
    after = query("spend 1d by model creator:alan key:ci*")
    taken = inherited(before, after, query("by model key:ci*"))
    assert [str(one) for one in taken.filters] == ["creator:alan"]
    assert taken.people
    assert taken.without().words() == "spend 1d by model key:ci*"
    assert not inherited(before, before, before).filters


@pytest.mark.parametrize(
    ("words", "days", "expected"),
    [
        ("spend last week", 0, "spend last week"),
        ("spend last week", 2, "spend last week"),
        ("spend last week", 7, "spend 2026-11-09..2026-11-15"),
        ("spend yesterday", 1, "spend 2026-11-17"),
        ("spend today", 1, "spend 2026-11-18"),
        ("spend this week", 40, "spend 2026-11-16..2026-11-22"),
        ("spend last month", 40, "spend 2026-10"),
        ("spend this month", 5, "spend this month"),
        ("spend last year", 60, "spend 2025-01-01..2025-12-31"),
        ("spend 1d", 40, "spend 1d"),
        ("spend last hour", 1, "spend last hour"),
        ("spend 2026-10", 40, "spend 2026-10"),
    ],
)
def test_days_that_a_thread_is_about_stay_the_same_days(
    words: str, days: int, expected: str
) -> None:
    again = pinned(query(words), NOW, NOW + timedelta(days=days), "UTC")
    assert again.words() == expected


def test_days_are_those_of_the_time_zone() -> None:
    late = datetime(2026, 11, 18, 23, 30, tzinfo=UTC)
    tokyo = pinned(query("spend yesterday tz Asia/Tokyo"), late, late + timedelta(days=1), "UTC")
    assert tokyo.words() == "spend 2026-11-18 tz Asia/Tokyo"
    assert not same_day(late, late + timedelta(hours=1), "UTC")
    assert same_day(late, late + timedelta(hours=1), "Asia/Tokyo")


@pytest.mark.parametrize(
    ("alert", "about", "expected"),
    [
        ("spend > $50 per day", "spend 7d model:*gemini*", "spend > $50 per day model:*gemini*"),
        ("spike", "spend 7d key:prod", "spike key:prod"),
        ("spend > $5 per day key:ci", "spend 7d key:prod", "spend > $5 per day key:ci"),
        ("spend > $5 per day", "spend 7d credits", "spend credits > $5 per day"),
        ("tokens > 5M per day", "7d credits key:a", "tokens > 5M per day key:a"),
        ("credits < $5", "spend 7d key:prod", "credits < $5"),
        ("sync", "spend 7d key:prod", "sync"),
    ],
)
def test_an_alert_in_a_thread_is_about_the_usage_of_the_thread(
    alert: str, about: str, expected: str
) -> None:
    rule = parse_alert(f"alert {alert}")
    assert isinstance(rule, Rule)
    assert alert_about(rule, query(about)).words() == expected
    assert isinstance(parse_command(f"alert {expected}"), Rule)
