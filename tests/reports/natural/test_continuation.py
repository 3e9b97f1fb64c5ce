"""Which messages go on from the question before them, and what they take over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reports.alerts.grammar import parse_alert
from reports.alerts.rule import Rule
from reports.commands import parse_command
from reports.natural.continuation import alert_about, goes_on, inherited, pinned, same_day
from reports.natural.parsed_text import ParsedText
from reports.questions.grammar import LONGEST, QuestionCommand, parse
from reports.questions.query import Query
from reports.reader import Clock, read
from tests.reports.natural.test_parser import KNOWN
from tests.reports.render.anything import queries

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


def query(words: str) -> Query:
    read = parse(words)
    assert isinstance(read, QuestionCommand)
    return read.query


@pytest.mark.parametrize(
    ("text", "parts"),
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
def test_what_makes_no_sense_alone_goes_on(text: str, parts: set[str], in_thread: bool) -> None:
    assert goes_on(text, frozenset(parts), in_thread=in_thread)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("who uses gemini?", {"by", "filter"}),
        ("which models does ada use", {"by", "filter"}),
        ("what is Ada spending on?", {"metric", "filter"}),
        ("break down prod-006 by model", {"by", "filter"}),
        ("compare ada and grace", {"by", "filter"}),
        ("what did we spend yesterday?", {"metric", "period"}),
        ("spend last week by key", {"metric", "period", "by"}),
        ("forecast this month", {"kind", "period"}),
        ("please show me who uses gemini", {"by", "filter"}),
        ("why is today so expensive?", {"period"}),
    ],
)
@pytest.mark.parametrize("in_thread", [True, False])
def test_a_question_that_makes_sense_alone_starts_afresh(
    text: str, parts: set[str], in_thread: bool
) -> None:
    assert not goes_on(text, frozenset(parts), in_thread=in_thread)


@pytest.mark.parametrize(
    ("text", "parts"),
    [("tokens", {"metric"}), ("last month", {"period"}), ("tokens by key", {"metric", "by"})],
)
def test_a_metric_or_a_period_alone_goes_on_in_a_thread_only(text: str, parts: set[str]) -> None:
    assert goes_on(text, frozenset(parts), in_thread=True)
    assert not goes_on(text, frozenset(parts), in_thread=False)


def read_alone(text: str) -> ParsedText:
    found = read(text, lambda: KNOWN, Clock(NOW))
    assert isinstance(found, ParsedText), found
    return found


@pytest.mark.parametrize(
    "text",
    [
        # usage
        "spend", "tokens", "requests", "usage", "spend by model", "tokens by key",
        "spend per person", "cost by model", "requests by creator", "top 5 models by cost",
        "spend on gemini", "how much did ada spend", "who uses gemini?", "who spent the most",
        "which models does ada use", "my tokens, please", "show me spend by key", "spend last week",
        "last month", "total spend", "spend over time", "our biggest costs",
        # other kinds
        "price", "price by model", "cost per million tokens by model", "what is the unit price",
        "why is spend up", "why did tokens drop this month", "what changed this week",
        "forecast", "forecast by model", "will we exceed $5000", "how will the month end",
        "limits", "my limits", "limits of prod", "keys", "unused keys", "keys without a limit",
        "whatif opus -> gpt-5", "what if we moved opus to gpt-5",
        "cache", "cache by model", "how much did caching save",
        "retiring", "which models retire soon", "new models", "new keys",
    ],
)  # fmt: skip
def test_a_question_with_its_own_subject_stands_by_itself(text: str) -> None:
    assert not goes_on(text, read_alone(text).given, in_thread=False)


@pytest.mark.parametrize(
    "text",
    [
        "and by model?", "by model", "per key", "by person please", "can you split it by key",
        "break it down by model", "only gemini", "gemini", "without opus", "what about ada?",
        "and ada?", "just prod", "same for october", "how about last month", "and the tokens?",
        "and the price?", "same forecast", "what about the cache", "now by key", "why?",
        "why is that?", "as pdf", "pdf", "csv please", "top 3", "vs last month", "share",
        "-opus", "key:prod", "credits only", "as a spreadsheet",
    ],
)  # fmt: skip
def test_what_cannot_stand_by_itself_goes_on_in_a_direct_message(text: str) -> None:
    assert goes_on(text, read_alone(text).given, in_thread=False)


@pytest.mark.parametrize(
    ("before", "text", "expected"),
    [
        ("spend last week by creator key:prod", "cost per million tokens by model",
         "price last week by model key:prod"),
        ("spend 1d by key", "price", "price 1m by key"),
        ("spend last week by key", "forecast", "forecast this month by key"),
        ("spend last week by key key:prod", "limits", "limits key:prod"),
        ("spend last week by key credits vs before", "cache", "cache last week by key"),
        ("spend last week by key", "new models", "new models last week"),
        ("spend last week by model", "retiring", "retiring"),
        ("tokens 7d by key", "why", "why tokens 7d by key"),
        ("price last week by model", "and the tokens?", "tokens last week by model"),
        ("whatif opus -> gpt-5 last week", "requests", "requests last week"),
        ("price last week by model", "by key", "price last week by key"),
        ("why spend last week", "tokens", "why tokens last week"),
    ],
)  # fmt: skip
def test_what_is_inherited_fits_the_kind_of_question(before: str, text: str, expected: str) -> None:
    assert read_alone(text).onto(query(before)) == expected
    assert isinstance(parse(expected), QuestionCommand)


@given(queries, st.sampled_from([
    "price", "why", "forecast", "limits", "keys", "cache", "retiring", "new models",
    "whatif opus -> gpt-5", "by key", "tokens",
]))  # fmt: skip
def test_every_kind_can_follow_every_question_about_usage(before: Query, text: str) -> None:
    said = parse(before.words())  # not every name can be typed
    assume(isinstance(said, QuestionCommand) and said.query == before)
    assume(len(before.words()) < LONGEST - 60)  # leaves room for the words of the kind
    merged = read_alone(text).onto(before)
    assert isinstance(parse(merged), QuestionCommand), merged


def test_an_inherited_period_is_named_if_the_question_could_stand_by_itself() -> None:
    before, after = query("spend last week by key"), query("price last week by model")
    said = query("price by model")
    assert str(inherited(before, after, said, alone=True).period) == "last week"
    assert inherited(before, after, said).period is None
    limits = query("limits")
    assert inherited(before, limits, limits, alone=True).period is None


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
