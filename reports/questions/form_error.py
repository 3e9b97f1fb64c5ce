"""What is wrong in a form, and in which field to say it."""

from __future__ import annotations

from dataclasses import dataclass

from reports.questions.grammar import CommandError


@dataclass(frozen=True, slots=True)
class FormError:
    """What is wrong, and at which field to show it."""

    field: str
    problem: str


def said(wrong: CommandError, command: str = "") -> str:
    """The error at a field: the problem, and what was probably meant."""
    meant = wrong.suggestion.removeprefix(command).strip()
    return (wrong.problem + (f" Did you mean: {meant}" if meant else ""))[:1_000]
