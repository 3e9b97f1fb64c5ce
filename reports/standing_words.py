"""What the words of schedules and of alerts have in common: their lists and buttons, places, times.

Both stand until somebody ends them, which is done with the buttons under the list of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

from reports.text import clean

LISTS = {"schedule": "schedules", "schedules": "schedules", "alert": "alerts", "alerts": "alerts"}
"""What is spoken of, and the list of it."""
_BUTTONS = {
    "delete", "remove", "cancel", "stop", "pause", "resume", "continue", "edit", "preview", "run",
    "mute", "unmute", "snooze", "disable", "enable", "off",
}  # fmt: skip
_LISTING = {"list", "show", "all", "see", "mine"}
_ABOUT_A_LIST = _LISTING | {
    "my", "our", "the", "a", "an", "of", "do", "i", "we", "have", "are", "there", "is", "what",
    "which", "me", "give", "please", "any", "this", "that", "these", "those", "set", "up", "it",
}  # fmt: skip
_MOST_WORDS = 8


@dataclass(frozen=True, slots=True)
class Managing:
    """Which list somebody means, and what they would do there: `delete`, or nothing but look."""

    listing: str
    button: str = ""

    def said(self) -> str:
        """Where that is done."""
        if self.button:
            return f"For “{clean(self.button, 40)}” there is a button under `{self.listing}`."
        return f"Yours, with their buttons, are under `{self.listing}`."


def begins(text: str, listing: str) -> bool:
    """Whether the first word is about what that list holds."""
    first = text.split(maxsplit=1)[:1]
    return bool(first) and LISTS.get(first[0].lower()) == listing


def button(word: str, listing: str) -> Managing | None:
    """What is done with a button, where a word says so."""
    return Managing(listing, word) if word.lower() in _BUTTONS else None


def managing(words: Sequence[str]) -> Managing | None:
    """What words are about that name a list and nothing but what is done there: `stop my alerts`.

    None where they say anything else.
    """
    lower = [word.lower().strip("?!.,") for word in words]
    listing = next((LISTS[word] for word in lower if word in LISTS), "")
    if not listing or len(lower) > _MOST_WORDS:
        return None
    buttons = [word for word in lower if word in _BUTTONS]
    known = _ABOUT_A_LIST | _BUTTONS | set(LISTS)
    # `alert me` is not about the list
    about = listing in lower or buttons or not _LISTING.isdisjoint(lower) or "my" in lower
    if not about or not all(word in known for word in lower):
        return None
    return Managing(listing, buttons[0] if buttons else "")


def corrected(words: Sequence[str], instead: tuple[str, str]) -> list[str]:
    """Words with what would do in the place of one that is wrong; as they are where it is not."""
    bad, good = instead[0].split(), instead[1].split()
    found = list(words)
    for at in range(len(found) - len(bad) + 1):
        if bad and found[at : at + len(bad)] == bad:
            return [*found[:at], *good, *found[at + len(bad) :]]
    return found


def lists(words: Sequence[str]) -> bool:
    """Whether words say no more than that somebody would see the list."""
    return {word.lower() for word in words} <= _LISTING


def page(words: Sequence[str]) -> int | None:
    """The page of a list that is asked for, from 1 up; None where words say something else."""
    if lists(words):
        return 1
    digits = words[0]
    if len(words) > 1 or not (digits.isascii() and digits.isdigit()):
        return None
    number = int(digits[:4])
    return number if 1 <= number <= 999 else None


def channel(named: str) -> tuple[str, str] | None:
    """The id and name of a channel that Slack's list was asked for: `<#C123|finance>`."""
    if not (named.startswith("<#") and named.endswith(">")):
        return None
    id_, _, name = named[2:-1].partition("|")
    known = id_.isascii() and id_.isalnum() and id_[:1] in {"C", "G"}
    return (id_, name) if known else None


def clock(hours: str, minutes: str, half: str) -> time | None:
    """The time of day of digits and `am`, `pm` or nothing; None if there is none such."""
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
