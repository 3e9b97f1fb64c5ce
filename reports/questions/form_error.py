"""What the forms of questions and schedules share: errors at fields, and reading typed words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reports.questions.grammar import Command, CommandError, parse

QuestionWords = Callable[[str], str | CommandError]
"""Rewrites a question in natural language in the grammar's words, or says what is wrong with it.

It knows the names that the person may use, so it comes from outside.
"""


@dataclass(frozen=True, slots=True)
class FormError:
    """What is wrong, and at which field to show it."""

    field: str
    problem: str


def strict_words(text: str) -> str | CommandError:
    """A `QuestionWords` that reads the grammar's own words only."""
    found = parse(text)
    return found if isinstance(found, CommandError) else text


def parse_typed(text: str, rewrite: QuestionWords) -> tuple[Command | CommandError, str]:
    """What a person typed into a field, and its words in the grammar.

    The grammar is tried first; only what it does not cover is rewritten.
    """
    strict = parse(text)
    if not isinstance(strict, CommandError):
        return strict, text
    words = rewrite(text)
    return (words, text) if isinstance(words, CommandError) else (parse(words), words)


def said(wrong: CommandError, command: str = "") -> str:
    """The error at a field: the problem, and what was probably meant."""
    meant = wrong.suggestion.removeprefix(command).strip()
    return (wrong.problem + (f" Did you mean: {meant}" if meant else ""))[:1_000]
