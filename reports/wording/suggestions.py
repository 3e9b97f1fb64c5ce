"""Suggestions for unrecognized words. They are only shown, never acted on, so they may be wrong."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

from reports.time.period import YEARS, Month
from reports.time.time_range import zone_names

_LONGEST = 40  # longer words are no typos; comparing them takes quadratic time
_CUTOFF = 0.6  # difflib's default similarity; the edit distance below is stricter
_SHORT = 8  # in words up to this length, two typos make another word: `morning`, `burning`
_MUST_BEGIN_ALIKE = 4  # words up to this length need the same first letter: `stop`, `top`
_SPELLINGS = (("min", ""), ("h", "h"), ("d", "d"), ("w", "w"), ("mo", "m"), ("y", "y"))


def word(wrong: str, known: Iterable[str]) -> str:
    """The known word that differs from a wrong one by a typo, or "".

    A typo is one letter added, missing, wrong or swapped; two in words of nine letters or more.
    Short words must start with the same letter: `stop` is not `top`.
    """
    typed = wrong.lower()[:_LONGEST]
    possible = [one for one in known if _may_be(typed, one)]  # comparing letters is much slower
    for candidate in get_close_matches(typed, possible, n=3, cutoff=_CUTOFF):
        if _edit_distance(typed, candidate) <= _typos(candidate):
            return candidate
    return ""


def _typos(candidate: str) -> int:
    return 1 if len(candidate) <= _SHORT else 2


def _may_be(typed: str, candidate: str) -> bool:
    """Whether the lengths and the first letters of two words allow for a typo."""
    if abs(len(candidate) - len(typed)) > _typos(candidate):
        return False
    starts_alike = candidate[:1] == typed[:1] or len(candidate) > _MUST_BEGIN_ALIKE
    return starts_alike or sorted(candidate) == sorted(typed)


def keeps_amounts(typed: str, suggestion: str) -> bool:
    """Whether a suggestion keeps the amounts of the typed text: digits, signs and units.

    Dates and counts may be corrected (`2026-13`, `top 99`).
    """
    suggested = suggestion.split()
    for word in typed.split():
        if any(sign in word for sign in "$€£¥%") and word.strip(",;?!") not in suggested:
            return False
        if word[:1] in "<>≥≤=" and not any(other[:1] == word[:1] for other in suggested):
            return False
        is_exclusion = word.startswith("-") and word[1:2].isalpha()
        if is_exclusion and not any(other.startswith("-") for other in suggested):
            return False
    return True


def _edit_distance(wrong: str, right: str) -> int:
    """The edit distance of two words, with swapped neighbors as one edit."""
    rows = [list(range(len(right) + 1))]
    for i, left in enumerate(wrong, 1):
        row = [i]
        for j, right_letter in enumerate(right, 1):
            cost = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (left != right_letter))
            if i > 1 and j > 1 and left == right[j - 2] and wrong[i - 2] == right_letter:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]


def period(count: str, unit: str) -> str:
    """The counted period for a number and a spelled-out unit, as in `24hours`; "" if invalid."""
    for spelling, letter in _SPELLINGS:
        if unit.lower().startswith(spelling):
            return f"{count}{letter}" if letter else "1h"
    return ""


def day(wrong: str) -> str:
    """The month or day closest to an invalid date such as `2026-13`."""
    parts = [part for part in wrong.strip(".").split("-") if part]
    if not all(part.isascii() and part.isdigit() for part in parts):
        return "2026-10"
    match [int(part) for part in parts]:
        case [year, month, *day_part] if len(day_part) < 2:
            nearest = Month(_clamp(year, YEARS), _clamp(month, range(1, 13)))
        case _:
            return "2026-10"
    days = range(1, nearest.last.day + 1)
    return f"{nearest}-{_clamp(day_part[0], days):02}" if day_part else f"{nearest}"


def span(first: str, last: str) -> str:
    """The span between two dates, earlier date first; a single date if the other is missing."""
    return "..".join(sorted({day(side) for side in (first, last) if side}))


_SHORTEST_CITY = 3
"""Shorter words are abbreviations such as PST, not misspelled cities."""


def zone(wrong: str, following: str = "") -> str:
    """The time zone of a city (one or two words) or with the most similar spelling, or ""."""
    if any(sign in wrong for sign in "+-") and any(c.isdigit() for c in wrong):
        return ""  # the signs of `Etc/GMT+1` are inverted
    cities = _cities()
    for name in (f"{wrong}_{following}".lower(), wrong.lower()):
        if name in cities:
            return cities[name]
    similar = word(wrong, zone_names())
    if similar:
        return zone_names()[similar]
    if len(wrong) <= _SHORTEST_CITY:
        return ""
    similar_city = word(wrong, [one for one in cities if one[:1] == wrong[:1].lower()])
    return cities[similar_city] if similar_city else ""


def city(name: str) -> str:
    """The time zone named after a city, or ""."""
    return _cities().get(name.lower(), "")


@lru_cache(maxsize=1)
def _cities() -> dict[str, str]:
    zones = sorted(zone_names().items(), reverse=True)
    return {lower.rpartition("/")[2]: name for lower, name in zones}


def _clamp(number: int, allowed: range) -> int:
    return min(max(number, allowed[0]), allowed[-1])
