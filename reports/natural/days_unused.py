"""Reads since when keys are unused, and what a list of keys can't be narrowed to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from reports.natural import vocabulary, written_dates
from reports.natural.text_reader import LONGEST_DATES
from reports.questions.kind_options import days_of

EXPIRING_SOON = (
    "`keys expiring` lists the keys that expire within 14 days, each with its date; I can't list"
    " those of another period."
)


def with_days_unused(flags: str, words: Sequence[str], today: date) -> str:
    """The words of `keys ...` with the days since a date: `unused 60d` for `since october`.

    `flags` are the words so far; without `unused`, or without such a date, they stay as they are.
    `words` are those of the question in lower case.
    """
    parts = flags.split()
    if "unused" not in parts or any(map(days_of, parts)):
        return flags
    first = _first_day(words, today)
    days = f"{(today - first).days}d" if first else ""
    if not days_of(days):
        return flags
    parts.insert(parts.index("unused") + 1, days)
    return " ".join(parts)


def _first_day(words: Sequence[str], today: date) -> date | None:
    """The day since which nothing was used; None if words name none."""
    for at, word in enumerate(words):
        after = list(words[at + 1 : at + 1 + LONGEST_DATES])
        if word == "since":
            return _start(after, today)
        unit = vocabulary.UNITS.get("".join(after[:1]), "")
        if word == "this" and unit not in {"", "hour", "day"}:
            return written_dates.calendar(unit, today)[0]
    return None


def _start(words: list[str], today: date) -> date | None:
    word, following = (*words, "", "")[:2]
    unit = vocabulary.UNITS.get(following, "")
    if word in {"last", "this"} and unit not in {"", "hour", "day"}:
        return written_dates.calendar(unit, today, int(word == "last"))[0]
    try:
        found = written_dates.days(words, today)
    except ValueError:  # a date with two meanings
        return None
    return found[1][0] if found else None
