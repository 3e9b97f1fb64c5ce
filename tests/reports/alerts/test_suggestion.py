"""The alert suggested for an answer: a valid rule with a round limit above the current figure."""

from dataclasses import replace

import pytest
from hypothesis import given

from reports.alerts.grammar import parse_alert
from reports.alerts.rule import Rule
from reports.alerts.suggestion import watching
from reports.questions.grammar import QuestionCommand, parse
from tests.reports.render.anything import summaries
from tests.reports.render.samples import answer, rows, time_range


def watched(words: str) -> str:
    read = parse(words)
    assert isinstance(read, QuestionCommand)
    span = time_range(read.query.period)
    return watching(answer(read.query, rows(span), span))


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("spend 7d", "spend > $"),
        ("tokens 1d by key", "tokens > "),
        ("requests 1h", "requests > "),
        ("1m by creator", "spend > $"),
        ("spend byok 1m", "spend byok > $"),
        ("tokens 1m by model key:prod", "tokens > "),
    ],
)
def test_a_suggestion_watches_what_the_answer_shows(words, rule):
    found = watched(words)
    assert found.startswith(rule)
    unit = {"1h": "hour", "1d": "day", "7d": "day", "1m": "month"}
    assert f" per {next(unit[w] for w in words.split() if w in unit)}" in found
    assert isinstance(parse_alert(f"alert {found}"), Rule)
    for word in words.split():
        if ":" in word or word == "by":
            assert word in found


def test_a_suggestion_without_usage_has_the_usual_limit():
    read = parse("spend 2025-01-01")
    assert isinstance(read, QuestionCommand)
    span = time_range(read.query.period)
    assert watching(answer(read.query, [], span)) == "spend > $50 per day"


@pytest.mark.parametrize("words", ["requests 1h", "tokens 1h", "spend 1h", "requests 1m"])
def test_every_suggested_threshold_is_accepted_by_the_grammar(words):
    read = parse(words)
    assert isinstance(read, QuestionCommand)
    span = time_range(read.query.period)
    summary = answer(read.query, rows(span), span)
    huge = {name: replace(part, sum=10**25) for name, part in summary.metrics.items()}
    found = parse_alert(f"alert {watching(replace(summary, metrics=huge))}")
    assert isinstance(found, Rule), found


@given(summaries())
def test_the_suggestion_for_any_answer_is_a_rule_or_an_error_at_its_field(summary):
    query = summary.query
    found = parse_alert(f"alert {watching(summary)}")
    if not query.filters and not query.live:
        assert isinstance(found, Rule), found
