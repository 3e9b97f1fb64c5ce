"""Unknown words in a schedule: what to say about them, and what they may have meant."""

from __future__ import annotations

from reports.schedules.recurrence import WEEKDAYS
from reports.wording import suggestions as nearest
from reports.wording.safe_text import clean
from reports.wording.shared_grammar import time_of_day

EXAMPLE = "schedule weekly spend by creator to me mon 9:00 Europe/Berlin"
DAYS = {
    name: n
    for n, full in enumerate(
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    )
    for name in (WEEKDAYS[n], full, f"{full}s")
} | {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}
RHYTHMS = ("daily", "weekdays", "weekly", "monthly")
KNOWN = (*RHYTHMS, *DAYS, "here", "creators", "cron")
_SELDOM = {
    "quarterly": "0 9 1 1,4,7,10 * 3m",
    "yearly": "0 9 1 1 * last year",
    "annually": "0 9 1 1 * last year",
}
_SPOKEN = {"noon": "12:00", "midday": "12:00", "midnight": "0:00"}


class Wrong(ValueError):  # noqa: N818 - its text is what is said
    """`instead` is what would do in the place of a word, `corrected` a whole schedule that does.

    Without either it is what is left of the words without the wrong ones, with `place` after it.
    """

    def __init__(
        self,
        problem: str,
        corrected: str = EXAMPLE,
        instead: tuple[str, str] | None = None,
        place: str = "",
    ) -> None:
        super().__init__(problem)
        self.corrected = corrected
        self.instead = instead
        self.place = place


def guess(word: str, problem: str, following: str = "") -> None:
    """Raise what a word that no question has may have meant, if that can be guessed.

    With the word `following` it may be a city, such as New York.
    """
    lower = word.lower()
    if following and (there := nearest.city(f"{word}_{following}")):
        both = f"{word} {following}"
        raise Wrong(f"“{clean(both, 40)}” is a city. Use the name of its time zone.",
                     instead=(both, there))  # fmt: skip
    zone = nearest.city(word)
    hours, dot, minutes = lower.partition(".")
    if lower in _SELDOM:
        said = f"There's no shortcut for “{clean(word)}” yet. Use a cron expression."
        raise Wrong(said, instead=(word, _SELDOM[lower]))
    if lower in _SPOKEN:
        raise Wrong(f"I can't read “{clean(word)}” as a time. Write it in digits.",
                     instead=(word, _SPOKEN[lower]))  # fmt: skip
    if dot and hours.isascii() and hours.isdigit() and time_of_day(hours, minutes, ""):
        raise Wrong(f"I can't read “{clean(word)}” as a time. Write it with a colon.",
                     instead=(word, f"{hours}:{minutes}"))  # fmt: skip
    if zone:
        raise Wrong(f"“{clean(word, 40)}” is a city. Use the name of its time zone.",
                     instead=(word, zone))  # fmt: skip
    if (word.isalpha() and word.isupper() and len(word) in {3, 4}) or lower[:3] in {"utc", "gmt"}:
        raise Wrong(
            f"I don't recognize the time zone “{clean(word, 40)}”. Use a name like Europe/Berlin,"
            " or leave it out to use the one in your Slack profile."
        )
    meant = nearest.word(word, KNOWN)
    if meant:
        raise Wrong(problem, instead=(word, meant))
