"""The words after `schedule` and `schedules`: a question and when to report on it, in any order.

    schedules = "schedules" [PAGE]
    schedule  = "schedule" { rhythm | time | zone | place | a word of a question }
    rhythm    = "daily" | "weekdays" | "weekly" | "monthly" | WEEKDAY { "," WEEKDAY }
              | "monthly" (DAY | "last") | ["cron"] FIVE FIELDS
    time      = "9:00" | "9am"               zone  = "Europe/Berlin"
    place     = "in" CHANNEL | "here" | "to" ("me" | "creators")

What is left of the words is a question; its period becomes the complete one before.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from reports.questions.grammar import LONGEST, CommandError, HelpCommand, tokens
from reports.schedules.corrections import EXAMPLE, Wrong
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


@dataclass(frozen=True, slots=True)
class ListSchedules:
    """The person wants to see their schedules."""

    page: int = 1


Read = ScheduledQuestion | ListSchedules | HelpCommand | CommandError


def is_schedule(text: str) -> bool:
    """Whether a text is about schedules, by its first word."""
    return starts_with_list_word(text, "schedules")


def parse_schedule(text: str) -> Read:
    """Read the words of a schedule, `schedule` itself with them."""
    typed = plain(text).strip() if len(text) <= LONGEST * 5 else text
    if len(typed) > LONGEST:
        said = f"That's {len(typed):,} characters. A schedule can have at most {LONGEST}."
        return CommandError(said)
    words: list[str] = []
    place = ""
    try:
        first, *words = tokens(typed)
        if first.lower() == "schedules" or only_asks_for_list(words):
            return _list(words)
        found = _read(words)
    except Wrong as wrong:
        found, place = CommandError(str(wrong), "", wrong.corrected), wrong.place
    except ValueError as error:
        found = CommandError(str(error), "", EXAMPLE)
    return _helpful(found, words, place) if isinstance(found, CommandError) else found


def _helpful(wrong: CommandError, words: list[str], place: str) -> CommandError:
    """With a suggestion that is a valid schedule and keeps every number that was typed.

    Where no word is near enough there is no suggestion. `place` replaces a place that can't be
    used: then the rest of the words is suggested with it.
    """
    suggestion = wrong.suggestion
    if place and (suggestion == EXAMPLE or not _is_right(suggestion)):
        left = _left(words, wrong.problem)
        place = "" if left and left.target != ScheduleTarget() else place
        suggestion = f"schedule {left.words()} {place}".strip() if left else ""
    kept = suggestion == "schedules" or keeps_numbers(" ".join(words), suggestion)
    if suggestion == EXAMPLE or not kept or not _is_right(suggestion):
        suggestion = ""
    return CommandError(wrong.problem, "", suggestion, EXAMPLES)


def _is_right(suggestion: str) -> bool:
    if suggestion in {"", "schedules"}:
        return True
    with suppress(ValueError):
        return isinstance(ScheduleReader().read(tokens(suggestion)[1:]), ScheduledQuestion)
    return False


def _left(words: list[str], problem: str) -> ScheduledQuestion | None:
    """The schedule without one or two adjacent words, preferably those the problem names."""
    spans = [(at, at + count) for count in (1, 2) for at in range(len(words) - count, -1, -1)]
    complained = [f"“{clean(word, 40)}”" in problem for word in words]
    spans.sort(key=lambda span: not any(complained[span[0] : span[1]]))
    for start, end in spans[:_MOST_TRIES]:
        with suppress(ValueError):
            found = ScheduleReader().read(words[:start] + words[end:])
            if isinstance(found, ScheduledQuestion):
                return found
    return None


def _read(words: list[str], tries: int = 2) -> Read:
    """Read a schedule; where a correction is known, suggest the whole command with it."""
    if words and (meant := button_request(words[0], "schedules")):
        raise Wrong(meant.instructions(), "schedules")
    try:
        return ScheduleReader().read(words)
    except Wrong as wrong:
        if wrong.instead and tries:
            again = with_correction(words, wrong.instead)
            with suppress(ValueError):
                found = _read(again, tries - 1)
                if isinstance(found, ScheduledQuestion):
                    return CommandError(str(wrong), "", f"schedule {found.words()}")
        raise


def _list(words: list[str]) -> ListSchedules:
    if wanted := page_number(words):
        return ListSchedules(wanted)
    if words and (meant := button_request(words[0], "schedules")):
        raise Wrong(meant.instructions(), "schedules")
    raise Wrong(
        f"After `schedules` I only understand a page number, not “{clean(words[0])}”.",
        "schedules",
    )
