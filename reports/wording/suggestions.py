"""Guesses at what a wrong word meant. A guess is shown, never acted on, so it may be wrong."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

from reports.time.period import YEARS, Month
from reports.time.timerange import zone_names

_LONGEST = 40
_CUTOFF = 0.6
_SHORT = 8  # up to here, two slips make another word: `morning` is not `burning`
_MUST_BEGIN_ALIKE = 4
_SPELLINGS = (("min", ""), ("h", "h"), ("d", "d"), ("w", "w"), ("mo", "m"), ("y", "y"))


def word(wrong: str, known: Iterable[str]) -> str:
    """The known word that is a typo away from a wrong one, or nothing.

    A typo is one letter too many, too few, wrong or swapped; two in words of nine letters and more.
    Short words must begin with the same letter: `stop` is not `top`.
    """
    typed = wrong.lower()[:_LONGEST]
    for candidate in get_close_matches(typed, list(known), n=3, cutoff=_CUTOFF):
        slips = _slips(typed, candidate)
        most = 1 if len(candidate) <= _SHORT else 2
        begins = candidate[:1] == typed[:1] or len(candidate) > _MUST_BEGIN_ALIKE
        if slips <= most and (begins or sorted(candidate) == sorted(typed)):
            return candidate
    return ""


def keeps(typed: str, suggestion: str) -> bool:
    """Whether a suggestion keeps every amount of what was typed: its digits, signs and units.

    Dates and counts may be set right (`2026-13`, `top 99`); what they mean is plain.
    """
    here = suggestion.split()
    for word in typed.split():
        if any(sign in word for sign in "$€£¥%") and word.strip(",;?!") not in here:
            return False
        if word[:1] in "<>≥≤=" and not any(other[:1] == word[:1] for other in here):
            return False
        minus = word.startswith("-") and word[1:2].isalpha()
        if minus and not any(other.startswith("-") for other in here):
            return False
    return True


def _slips(wrong: str, right: str) -> int:
    """How many slips of the finger lie between two words."""
    rows = [list(range(len(right) + 1))]
    for i, a in enumerate(wrong, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and wrong[i - 2] == b:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]


def period(count: str, unit: str) -> str:
    """A counted period of a number and a unit spelt out, as in `24hours`; nothing if it is none."""
    for spelling, letter in _SPELLINGS:
        if unit.lower().startswith(spelling):
            return f"{count}{letter}" if letter else "1h"
    return ""


def day(wrong: str) -> str:
    """The month or day nearest to a date that the calendar does not have."""
    parts = [part for part in wrong.strip(".").split("-") if part]
    if not all(part.isascii() and part.isdigit() for part in parts):
        return "2026-10"
    match [int(part) for part in parts]:
        case [year, month, *rest] if len(rest) < 2:
            nearest = Month(_within(year, YEARS), _within(month, range(1, 13)))
        case _:
            return "2026-10"
    days = range(1, nearest.last.day + 1)
    return f"{nearest}-{_within(rest[0], days):02}" if rest else f"{nearest}"


def span(first: str, last: str) -> str:
    """The span between two dates, in the order of time; one date where the other is missing."""
    return "..".join(sorted({day(side) for side in (first, last) if side}))


_SHORTEST_CITY = 3
"""Up to three letters are an abbreviation such as PST, and no misspelt city."""


def zone(wrong: str, following: str = "") -> str:
    """The zone of a city, whose name may be two words, or the one spelt most alike; or nothing."""
    if any(sign in wrong for sign in "+-") and any(c.isdigit() for c in wrong):
        return ""  # the signs of `Etc/GMT+1` are the other way round
    cities = _cities()
    for name in (f"{wrong}_{following}".lower(), wrong.lower()):
        if name in cities:
            return cities[name]
    meant = word(wrong, zone_names())
    if meant:
        return zone_names()[meant]
    if len(wrong) <= _SHORTEST_CITY:
        return ""
    town = word(wrong, [one for one in cities if one[:1] == wrong[:1].lower()])
    return cities[town] if town else ""


def city(name: str) -> str:
    """The zone that has the name of a city, or nothing."""
    return _cities().get(name.lower(), "")


@lru_cache(maxsize=1)
def _cities() -> dict[str, str]:
    zones = sorted(zone_names().items(), reverse=True)
    return {lower.rpartition("/")[2]: name for lower, name in zones}


def _within(number: int, allowed: range) -> int:
    return min(max(number, allowed[0]), allowed[-1])
