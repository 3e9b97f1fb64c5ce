"""Parses the words after `schedule` and `schedules`: a question and when to report, in any order.

    schedules = "schedules" [PAGE]
    schedule  = "schedule" { frequency | time | zone | target | a word of a question }
    frequency = "daily" | "weekdays" | "weekly" | "monthly" | WEEKDAY { "," WEEKDAY }
              | "monthly" (DAY | "last") | ["cron"] FIVE FIELDS
    time      = "9:00" | "9am"               zone  = "Europe/Berlin"
    target    = "in" CHANNEL | "here" | "to" ("me" | "creators")

The remaining words are a question; its period becomes the previous complete one.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from reports.questions.grammar import LONGEST, CommandError, HelpCommand, tokens
from reports.schedules.corrections import EXAMPLE, ScheduleWordsError
from reports.schedules.reader import ScheduleReader
from reports.schedules.schedule import ScheduledQuestion, ScheduleTarget
from reports.wording.safe_text import clean, plain
from reports.wording.shared_grammar import (
    button_request,
    keeps_numbers,
    only_asks_for_list,
    page_number,
    starts_with_list_word,
    with_correction,
)

__all__ = [
    "EXAMPLE",
    "EXAMPLES",
    "ListSchedules",
    "ScheduleTarget",
    "ScheduledQuestion",
    "is_schedule",
    "parse_schedule",
]

EXAMPLES = (EXAMPLE, "schedule daily spend by model to me 8:30", "schedules")
_MOST_TRIES = 20
"""Parsing attempts per suggestion: enough for all pairs of adjacent words in a typical command."""


@dataclass(frozen=True, slots=True)
class ListSchedules:
    """A request to list one's schedules."""

    page: int = 1


ScheduleCommand = ScheduledQuestion | ListSchedules | HelpCommand | CommandError


def is_schedule(text: str) -> bool:
    """Whether the first word of a text is `schedule` or `schedules`."""
    return starts_with_list_word(text, "schedules")


def parse_schedule(text: str) -> ScheduleCommand:
    """Parse a `schedule` or `schedules` command; problems are returned as CommandError."""
    typed = plain(text).strip() if len(text) <= LONGEST * 5 else text
    if len(typed) > LONGEST:
        said = f"That's {len(typed):,} characters. A schedule can have at most {LONGEST}."
        return CommandError(said)
    words: list[str] = []
    target = ""
    try:
        first, *words = tokens(typed)
        if first.lower() == "schedules" or only_asks_for_list(words):
            return _parse_list(words)
        found = _parse(words)
    except ScheduleWordsError as wrong:
        found, target = CommandError(str(wrong), "", wrong.corrected), wrong.target
    except ValueError as error:
        found = CommandError(str(error), "", EXAMPLE)
    return (
        _with_valid_suggestion(found, words, target) if isinstance(found, CommandError) else found
    )


def _with_valid_suggestion(error: CommandError, words: list[str], target: str) -> CommandError:
    """The error, with a suggestion only if it is valid and keeps every typed number.

    `target` (words) replaces a target that can't be used; the suggestion then consists of the
    other words and `target`.
    """
    suggestion = error.suggestion
    if target and (suggestion == EXAMPLE or not _is_valid(suggestion)):
        remaining = _without_wrong_words(words, error.problem)
        target = "" if remaining and remaining.target != ScheduleTarget() else target
        suggestion = f"schedule {remaining.words()} {target}".strip() if remaining else ""
    keeps = suggestion == "schedules" or keeps_numbers(" ".join(words), suggestion)
    if suggestion == EXAMPLE or not keeps or not _is_valid(suggestion):
        suggestion = ""
    return CommandError(error.problem, "", suggestion, EXAMPLES)


def _is_valid(suggestion: str) -> bool:
    if suggestion in {"", "schedules"}:
        return True
    with suppress(ValueError):
        return isinstance(ScheduleReader().read(tokens(suggestion)[1:]), ScheduledQuestion)
    return False


def _without_wrong_words(words: list[str], problem: str) -> ScheduledQuestion | None:
    """The schedule without one or two adjacent words, preferably those quoted in the problem."""
    spans = [
        (index, index + count) for count in (1, 2) for index in range(len(words) - count, -1, -1)
    ]
    is_quoted = [f"“{clean(word, 40)}”" in problem for word in words]
    spans.sort(key=lambda span: not any(is_quoted[span[0] : span[1]]))
    for start, end in spans[:_MOST_TRIES]:
        with suppress(ValueError):
            found = ScheduleReader().read(words[:start] + words[end:])
            if isinstance(found, ScheduledQuestion):
                return found
    return None


def _parse(words: list[str], tries: int = 2) -> ScheduleCommand:
    """Parse a schedule; if a word can be corrected, suggest the whole corrected command.

    Raises ScheduleWordsError for a problem without a correction.
    """
    if words and (meant := button_request(words[0], "schedules")):
        raise ScheduleWordsError(meant.instructions(), "schedules")
    try:
        return ScheduleReader().read(words)
    except ScheduleWordsError as wrong:
        if wrong.instead and tries:
            again = with_correction(words, wrong.instead)
            with suppress(ValueError):
                found = _parse(again, tries - 1)
                if isinstance(found, ScheduledQuestion):
                    return CommandError(str(wrong), "", f"schedule {found.words()}")
        raise


def _parse_list(words: list[str]) -> ListSchedules:
    if wanted := page_number(words):
        return ListSchedules(wanted)
    if words and (meant := button_request(words[0], "schedules")):
        raise ScheduleWordsError(meant.instructions(), "schedules")
    raise ScheduleWordsError(
        f"After `schedules` I only understand a page number, not “{clean(words[0])}”.",
        "schedules",
    )
