"""Words that the grammars of schedules and alerts share: lists, buttons, channels, times."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

LISTS = {"schedule": "schedules", "schedules": "schedules", "alert": "alerts", "alerts": "alerts"}
"""Words for schedules or alerts, and the command that lists them."""
_BUTTONS = {
    "delete": "Delete", "remove": "Delete", "cancel": "Delete", "stop": "Delete",
    "unsubscribe": "Delete", "off": "Delete", "disable": "Pause", "pause": "Pause",
    "mute": "Pause", "snooze": "Pause", "resume": "Resume", "continue": "Resume",
    "unmute": "Resume", "enable": "Resume", "edit": "Edit", "preview": "Preview",
    "run": "Run now",
}  # fmt: skip
"""Words for actions in a list, and the label of the button that performs them."""
_VERBS = {"off": "turn off", "unsubscribe": "stop"}
_NAMES = {"alerts": "an alert", "schedules": "a scheduled report"}
_LISTING = {"list", "show", "all", "see", "mine"}
_ABOUT_A_LIST = _LISTING | {
    "my", "our", "the", "a", "an", "of", "do", "i", "we", "have", "are", "there", "is", "what",
    "which", "me", "give", "please", "any", "this", "that", "these", "those", "set", "up", "it",
}  # fmt: skip
_REPORTS = {"report", "reports", "digest", "digests"}
"""What people call what a schedule sends."""
_ABOUT_REPORTS = _REPORTS | {"sending", "getting", "to", "daily", "weekly", "monthly", "scheduled"}
_MOST_WORDS = 8
"""Longer sentences are about more than a list."""
_NUMBER = re.compile(r"(?<![\w.:])\d[\d.,:]*%?")


@dataclass(frozen=True, slots=True)
class ListCommand:
    """A request about a list (`alerts` or `schedules`), and an action such as `delete`, or "".

    `either` is true if the request may be about alerts or schedules.
    """

    listing: str
    button: str = ""
    either: bool = False

    def instructions(self) -> str:
        """A sentence that says how to do it, with commands in back-ticks."""
        word = self.button.lower()
        if word not in _BUTTONS:
            return f"Use `{self.listing}` to see and change yours."
        do, label = _VERBS.get(word, word), _BUTTONS[word]
        said = f"To {do} {_NAMES[self.listing]}, open `{self.listing}` and press {label}."
        return f"{said} Scheduled reports are under `schedules`." if self.either else said


def starts_with_list_word(text: str, listing: str) -> bool:
    """Whether the first word of a text names that list (`alerts` or `schedules`)."""
    first = text.split(maxsplit=1)[:1]
    return bool(first) and LISTS.get(first[0].lower()) == listing


def button_request(word: str, listing: str) -> ListCommand | None:
    """The request if a word stands for a button of the list, else None."""
    return ListCommand(listing, word) if word.lower() in _BUTTONS else None


def list_request(words: Sequence[str]) -> ListCommand | None:
    """The request of words like `stop my alerts`; None if they contain anything else.

    A single word like `stop` may be about alerts or schedules.
    """
    lower = [word.lower().strip("?!.,") for word in words]
    if len(lower) == 1 and lower[0] in _BUTTONS:
        return ListCommand("alerts", lower[0], either=True)
    listing = next((LISTS[word] for word in lower if word in LISTS), "")
    buttons = [word for word in lower if word in _BUTTONS]
    known = _ABOUT_A_LIST | set(_BUTTONS) | set(LISTS)
    if not listing and buttons and not _REPORTS.isdisjoint(lower):
        listing, known = "schedules", known | _ABOUT_REPORTS
    if not listing or len(lower) > _MOST_WORDS:
        return None
    # `alert me` is not about the list
    is_about_list = listing in lower or buttons or not _LISTING.isdisjoint(lower) or "my" in lower
    if not is_about_list or not all(word in known for word in lower):
        return None
    return ListCommand(listing, buttons[0] if buttons else "")


def with_correction(words: Sequence[str], instead: tuple[str, str]) -> list[str]:
    """Words with the phrase `instead[0]` replaced by `instead[1]`; unchanged if it's missing."""
    wrong_words, right_words = instead[0].split(), instead[1].split()
    result = list(words)
    for index in range(len(result) - len(wrong_words) + 1):
        if wrong_words and result[index : index + len(wrong_words)] == wrong_words:
            return [*result[:index], *right_words, *result[index + len(wrong_words) :]]
    return result


def only_asks_for_list(words: Sequence[str]) -> bool:
    """Whether words only ask for the list."""
    return {word.lower() for word in words} <= _LISTING


def page_number(words: Sequence[str]) -> int | None:
    """The page of a list (from 1) that words ask for; None if they are something else."""
    if only_asks_for_list(words):
        return 1
    digits = words[0]
    if len(words) > 1 or not (digits.isascii() and digits.isdigit()):
        return None
    number = int(digits[:4])
    return number if 1 <= number <= 999 else None


def channel_mention(named: str) -> tuple[str, str] | None:
    """The id and name of a channel mention, `<#C123|finance>`; None for other text."""
    if not (named.startswith("<#") and named.endswith(">")):
        return None
    id_, _, name = named[2:-1].partition("|")
    known = id_.isascii() and id_.isalnum() and id_[:1] in {"C", "G"}
    return (id_, name) if known else None


def keeps_numbers(typed: str, suggestion: str) -> bool:
    """Whether a suggestion keeps every number and percent sign of the typed text."""
    suggested = _numbers(suggestion)
    return all(suggested.get(one, 0) >= count for one, count in _numbers(typed).items())


def _numbers(text: str) -> Counter[str]:
    """The numbers of a text and how often each occurs; times without leading zeros."""
    found = _NUMBER.findall(text.lower().replace("−", "-"))
    times = (one.replace(".", ":") for one in found)  # `9.30` is corrected to `9:30`
    return Counter(re.sub(r"\b0+(?=\d)|:00\b", "", one) for one in times)


def time_of_day(hours: str, minutes: str, half: str) -> time | None:
    """The time of day from digits and `am`, `pm` or ""; None if there is no such time."""
    if not all(part.isascii() and part.isdigit() for part in (hours, minutes)):
        return None
    if len(minutes) != 2 or len(hours) > 2:
        return None
    hour, minute = int(hours), int(minutes)
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None
