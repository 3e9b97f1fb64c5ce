"""Reads a part of a period, such as `first week of october`, `second half of 2026`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from reports.natural import vocabulary

Days = tuple[date, date]
"""The first and the last day, both included."""
_ORDINALS = {
    "first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4,
}  # fmt: skip
_LAST = "last"
_WEEK = 7
_MIDDLE_DAY = 15
"""The last day of the first half of a month."""
_MIDDLE_MONTH = 6
"""The last month of the first half of a year."""


def part_of_period(
    words: Sequence[str], today: date, whole: Callable[[Sequence[str]], tuple[int, Days] | None]
) -> tuple[int, Days] | None:
    """The number of leading words (lower case) that name a part of a period, and its days.

    Weeks are counted from the first day of the period, so the first week of October is 1 to 7
    October; the last week is its last seven days. A part that isn't over ends today. None if the
    words don't name a part, or name one that the period doesn't have. `whole` reads the period.
    """
    head = _head(words)
    if head is None:
        return None
    at, which, count, unit = head
    if at >= len(words) or words[at] not in {"of", "in"}:
        return None
    at += 1
    found = whole(words[at:])
    if found is None:
        return None
    days = _half(which, found[1]) if unit == "half" else _days(which, count, unit, found[1])
    if days is None:
        return None
    first, last = days
    return at + found[0], (first, min(last, today) if first <= today else last)


def _head(words: Sequence[str]) -> tuple[int, int, int, str] | None:
    """Read `first week`, `last 3 days` or `second half`: returns the number of words, which part
    (0: the last), the number of units, and the unit.
    """
    word = words[0] if words else ""
    which = 0 if word == _LAST else _ORDINALS.get(word, -1)
    if which < 0:
        return None
    counted = vocabulary.NUMBERS.get(words[1], words[1]) if len(words) > 1 else ""
    number = int(counted) if counted.isascii() and counted.isdigit() and len(counted) < 4 else 0
    at = 2 if number else 1
    if number and which > 1:
        return None
    unit = words[at] if at < len(words) else ""
    unit = "half" if unit == "half" else vocabulary.UNITS.get(unit, "")
    if unit not in {"half", "day", "week"} or (unit == "half" and (number or which > 2)):
        return None
    return at + 1, which, number or 1, unit


def _half(which: int, whole: Days) -> Days | None:
    """The first or second half of a month or year; None for other periods."""
    first, last = whole
    following = last + timedelta(days=1)
    if first.day != 1 or following.day != 1:
        return None
    months = (following.year - first.year) * 12 + following.month - first.month
    if months == 1:
        middle = first.replace(day=_MIDDLE_DAY)
    elif months == 12 and first.month == 1:
        middle = date(first.year, _MIDDLE_MONTH + 1, 1) - timedelta(days=1)
    else:
        return None
    return (first, middle) if which == 1 else (middle + timedelta(days=1), last)


def _days(which: int, count: int, unit: str, whole: Days) -> Days | None:
    """Days or weeks of a period; None if it doesn't have them."""
    first, last = whole
    length = timedelta(days=count * (_WEEK if unit == "week" else 1))
    if not which:
        start, end = last - length + timedelta(days=1), last
    else:
        start = first + (which - 1) * length
        end = min(start + length - timedelta(days=1), last)
    return (start, end) if first <= start <= last else None
