"""Finds messages and suggestions for unrecognized words in a schedule."""

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
FREQUENCIES = ("daily", "weekdays", "weekly", "monthly")
KNOWN = (*FREQUENCIES, *DAYS, "here", "creators", "cron")
_RARE_FREQUENCIES = {
    "quarterly": "0 9 1 1,4,7,10 * 3m",
    "yearly": "0 9 1 1 * last year",
    "annually": "0 9 1 1 * last year",
}
_NAMED_TIMES = {"noon": "12:00", "midday": "12:00", "midnight": "0:00"}


class ScheduleWordsError(ValueError):
    """A problem with the words of a schedule; the text says what it is.

    The suggestion is one of: `corrected`, a complete valid command; `instead`, a pair of wrong
    words and their replacement; or `target`, words for another target (`to me`), which replace the
    wrong target in the remaining words.
    """

    def __init__(
        self,
        problem: str,
        corrected: str = EXAMPLE,
        instead: tuple[str, str] | None = None,
        target: str = "",
    ) -> None:
        super().__init__(problem)
        self.corrected = corrected
        self.instead = instead
        self.target = target


def suggest_for(word: str, problem: str, before: str = "", following: str = "") -> None:
    """Raise ScheduleWordsError if a suggestion for an unrecognized word is found.

    `before` and `following` are the words around it, for cities of two words such as New York.
    """
    lower = word.lower()
    for pair in ((before, word), (word, following)):
        if all(pair) and (zone_of_city := nearest.city("_".join(pair))):
            raise ScheduleWordsError(
                f"“{clean(' '.join(pair), 40)}” is a city. Use the name of its time zone.",
                instead=(" ".join(pair), zone_of_city),
            )
    zone = nearest.city(word)
    hours, dot, minutes = lower.partition(".")
    if lower in _RARE_FREQUENCIES:
        problem_words = f"There's no shortcut for “{clean(word)}” yet. Use a cron expression."
        raise ScheduleWordsError(problem_words, instead=(word, _RARE_FREQUENCIES[lower]))
    if lower in _NAMED_TIMES:
        raise ScheduleWordsError(f"I can't read “{clean(word)}” as a time. Write it in digits.",
                     instead=(word, _NAMED_TIMES[lower]))  # fmt: skip
    if dot and hours.isascii() and hours.isdigit() and time_of_day(hours, minutes, ""):
        raise ScheduleWordsError(f"I can't read “{clean(word)}” as a time. Write it with a colon.",
                     instead=(word, f"{hours}:{minutes}"))  # fmt: skip
    if zone:
        raise ScheduleWordsError(f"“{clean(word, 40)}” is a city. Use the name of its time zone.",
                     instead=(word, zone))  # fmt: skip
    if (word.isalpha() and word.isupper() and len(word) in {3, 4}) or lower[:3] in {"utc", "gmt"}:
        raise ScheduleWordsError(
            f"I don't recognize the time zone “{clean(word, 40)}”. Use a name like Europe/Berlin,"
            " or leave it out to use the one in your Slack profile."
        )
    similar = nearest.word(word, KNOWN)
    if similar:
        raise ScheduleWordsError(problem, instead=(word, similar))
