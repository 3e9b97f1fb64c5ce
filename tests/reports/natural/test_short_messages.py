"""Messages of a word or two after an answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reports.natural.parsed_text import ParsedText
from reports.natural.refusals import FEWER, IN_DOLLARS, NO_UNDO
from reports.natural.short_messages import (
    ALREADY_TOTAL,
    IN_A_TABLE,
    MOST_GROUPS,
    NO_CHART,
    NO_GROUPS,
    NO_TOTAL,
    WHOLE_LIST,
    ShortMessage,
    short_answer,
    short_message,
)
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import Query
from reports.reader import Clock, read
from tests.reports.natural.test_parser import KNOWN


def query(words: str) -> Query:
    found = parse(words)
    assert isinstance(found, QuestionCommand)
    return found.query


def alone(text: str) -> ParsedText | CommandError | None:
    """How a text is read as a command, where no answer comes before it."""
    return read(text, lambda: KNOWN, Clock(datetime(2026, 11, 18, 12, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("again", ShortMessage.AGAIN), ("Again, please!", ShortMessage.AGAIN),
        ("same again", ShortMessage.AGAIN), ("once more", ShortMessage.AGAIN),
        ("refresh", ShortMessage.AGAIN), ("more", ShortMessage.MORE),
        ("show me more", ShortMessage.MORE), ("next", ShortMessage.MORE),
        ("the rest", ShortMessage.MORE), ("total", ShortMessage.TOTAL),
        ("in total?", ShortMessage.TOTAL), ("show chart", ShortMessage.CHART),
        ("as a graph", ShortMessage.CHART), ("table", ShortMessage.TABLE),
        ("as a table please", ShortMessage.TABLE), ("total spend", None), ("more tokens", None),
        ("thanks", None), ("by model", None), ("next month", None), ("", None), ("hello", None),
    ],
)  # fmt: skip
def test_a_short_message_is_recognized(text: str, short: ShortMessage | None) -> None:
    assert short_message(text) is short


@pytest.mark.parametrize(
    ("text", "before", "expected"),
    [
        ("again", "spend 7d by key csv share", "spend 7d by key"),
        ("total", "spend last week by key key:prod top 3", "spend last week key:prod"),
        ("chart", "tokens 7d by model", "tokens 7d by model"),
        ("more", "spend 7d by model", "spend 7d by model top 50"),
    ],
)
def test_a_short_message_asks_the_question_before_it(text: str, before: str, expected: str) -> None:
    short = short_message(text)
    assert short
    found = short_answer(short, query(before)).query
    assert found
    assert found.words() == expected


@pytest.mark.parametrize(
    ("text", "before", "sentence", "runs"),
    [
        ("total", "spend 7d", ALREADY_TOTAL, []),
        ("total", "limits", NO_TOTAL, []),
        ("chart", "keys unused", NO_CHART, []),
        ("more", "limits", WHOLE_LIST, ["limits csv"]),
        ("more", "spend 7d by key top 50", MOST_GROUPS, ["spend 7d by key top 50 csv"]),
        ("table", "spend 7d by key", IN_A_TABLE, ["spend 7d by key csv"]),
        ("more", "spend 7d", NO_GROUPS,
         ["spend 7d by model", "spend 7d by key", "spend 7d by creator"]),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_in_one_sentence(
    text: str, before: str, sentence: str, runs: list[str]
) -> None:
    short = short_message(text)
    assert short
    found = short_answer(short, query(before))
    assert (found.query, found.sentence) == (None, sentence)
    assert [one.words for one in found.runs] == runs
    assert all(isinstance(parse(one.words), QuestionCommand) for one in found.runs)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("in EUR", IN_DOLLARS), ("in euros please", IN_DOLLARS), ("convert to £", IN_DOLLARS),
        ("undo", NO_UNDO), ("go back", NO_UNDO), ("show less", FEWER), ("fewer", FEWER),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_without_a_suggestion(text: str, sentence: str) -> None:
    assert alone(text) == CommandError(sentence, examples=())


def test_a_short_message_without_an_answer_says_where_it_works() -> None:
    found = alone("next")
    assert isinstance(found, CommandError)
    assert found.problem.startswith("“next” needs an answer before it")
    assert not found.candidates
