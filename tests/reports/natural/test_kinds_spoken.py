"""The word of a kind of answer: never left out, and corrected where it is misspelled."""

from __future__ import annotations

import pytest

from reports.commands import parse_command
from reports.natural.parsed_text import ParsedText
from reports.questions.grammar import CommandError, QuestionCommand, parse
from tests.reports.natural.test_questions_people_ask import ask, command


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("forcast this month", "forecast this month"),
        ("latencey 1w by provder", "latency 1w by provider"),
        ("limts", "limits"),
        ("limts for ada", "limits creator:ada@example.com"),
        ("prce by model last week", "price last week by model"),
        ("balence", "balance"),
        ("retireing", "retiring"),
        ("whatf opus -> sonnet", "whatif opus -> sonnet 1m"),
        ("cahce 1m without opus", "cache 1m -model:*opus*"),
        ("budgt", "budget"),
    ],
)
def test_a_misspelled_kind_is_suggested_with_the_other_words(asked: str, meant: str) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError), found
    assert found.candidates == (meant,)
    assert not isinstance(parse_command(meant), CommandError)


def test_a_kind_misspelled_within_a_sentence_is_corrected_and_said() -> None:
    found = ask("what's the forcast for this month by person?")
    assert isinstance(found, ParsedText)
    assert found.canonical == "forecast this month by creator"
    assert found.note().endswith("I took “forcast” for “forecast”.")


@pytest.mark.parametrize("asked", ["forcast marketing", "limts of marketing", "kards"])
def test_nothing_is_suggested_beside_another_unknown_word(asked: str) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError)
    assert not found.candidates


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("keys ada", "keys creator:ada@example.com"),
        ("keys of ada", "keys creator:ada@example.com"),
        ("list ada's keys", "keys creator:ada@example.com"),
        ("what keys does grace have", "keys creator:grace@example.com"),
        ("which keys does grace use", "1d by key creator:grace@example.com"),
        ("ada's keys by spend", "spend 1d by key creator:ada@example.com"),
        ("keys on opus", "1d by key model:*opus*"),
    ],
)
def test_somebodys_keys_are_a_list_unless_their_usage_is_asked_for(asked: str, meant: str) -> None:
    assert command(asked) == meant


NARROWED = "creator:ada@example.com model:*opus* -key:(chatroom) tz Europe/Berlin"
BY_PERSON = "creator:ada@example.com -key:(chatroom) tz Europe/Berlin"


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("price", f"price 1m {NARROWED}"),
        ("cache", f"cache 1m {NARROWED}"),
        ("forecast", f"forecast this month {NARROWED}"),
        ("why spend", f"why spend 1w {NARROWED}"),
        ("new models", f"new models 1m {NARROWED}"),
        ("retiring", f"retiring {NARROWED}"),
        ("latency", f"latency 1d {NARROWED}"),
        ("keys", f"1d by key {NARROWED}"),  # the list of keys has no models, their usage has
        ("limits", ""),
    ],
)
def test_filters_in_words_are_kept_or_refused_by_each_kind(kind: str, kept: str) -> None:
    words = f"{kind} for ada on opus excluding the chatroom in europe/berlin"
    if kept:
        assert command(words) == kept
        return
    found = ask(words)
    assert isinstance(found, CommandError), found
    assert "not" in found.problem
    assert command(words.replace(" on opus", "")) == f"{kind} {BY_PERSON}"


@pytest.mark.parametrize("kind", ["balance", "budget"])
def test_filters_of_the_balance_lead_to_the_limits_or_are_refused(kind: str) -> None:
    assert command(f"{kind} for ada") == "limits creator:ada@example.com"
    for words in (f"{kind} on opus", f"{kind} by model", f"{kind} for marketing team"):
        found = ask(words)
        noted = isinstance(found, ParsedText) and "I didn't look for" in found.note()
        assert isinstance(found, CommandError) or noted, words


@pytest.mark.parametrize(
    "asked",
    ["keys foo", "price limits", "forecast errors", "limits forecast", "cache of the weather"],
)
def test_the_first_word_of_a_command_is_never_left_out(asked: str) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError), found
    first = asked.partition(" ")[0]
    assert not found.understood or found.understood.startswith(first)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("which keys expire this month", "expire within 14 days"),
        ("keys expiring 5d", "expires within 14 days"),
        ("keys not used in october", "takes a number of days"),
        ("keys disabled", "`keys` lists all keys"),
    ],
)
def test_a_period_or_trait_that_keys_cannot_have_is_refused(asked: str, said: str) -> None:
    found = ask(asked)
    assert isinstance(found, CommandError), found
    assert said in found.problem


def test_weeks_without_use_are_days() -> None:
    found = parse("keys unused 2w")
    assert isinstance(found, QuestionCommand)
    assert found.query.words() == "keys unused 14d"
