"""Helpers of the forms of questions and schedules: errors by field, and parsing typed text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reports.questions.grammar import Command, CommandError, parse

QuestionWords = Callable[[str], str | CommandError]
"""Converts natural language into a command, or returns an error.

It is passed in, because it needs the names that the person may see.
"""


@dataclass(frozen=True, slots=True)
class FormError:
    """A problem, and the field to show it at."""

    field: str
    problem: str


def strict_words(text: str) -> str | CommandError:
    """A `QuestionWords` that only accepts the strict grammar."""
    found = parse(text)
    return found if isinstance(found, CommandError) else text


def parse_typed(text: str, rewrite: QuestionWords) -> tuple[Command | CommandError, str]:
    """Parse text typed into a field; returns the result and its words in the grammar.

    Text that the strict grammar doesn't accept is rewritten with `rewrite`.
    """
    strict = parse(text)
    if not isinstance(strict, CommandError):
        return strict, text
    words = rewrite(text)
    return (words, text) if isinstance(words, CommandError) else (parse(words), words)


def field_error_text(wrong: CommandError, command: str = "") -> str:
    """The text of a field error: the problem, and a suggestion if there is one."""
    meant = wrong.suggestion.removeprefix(command).strip()
    return (wrong.problem + (f" Did you mean: {meant}" if meant else ""))[:1_000]
