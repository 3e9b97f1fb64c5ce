"""Reads until when models retire: `before january`, `this month`, `by the end of march 2027`.

Dates of other questions are in the past; these are the coming ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import takewhile

from reports.natural import vocabulary, written_dates
from reports.natural.text_reader import LONGEST_DATES, TextReader

_UNTIL = {"before", "until", "till", "by", "in", "during", "within", "on", "through"}
_QUARTER = re.compile("q[1-4]")
_DAY = timedelta(days=1)
_ENDS = {"day", "week", "month", "year"}


def read_end_date(reader: TextReader) -> int:
    """Read until when the models retire that a question is about; 0 if the next words don't say so.

    The first day after that becomes an extra word of the question.
    """
    lead = reader.word() if reader.word() in _UNTIL else ""
    at = reader.skip(1, {"the", "end", "of"}) if lead else 0
    at_the_end = "end" in reader.ahead(at)
    words = list(takewhile(bool, reader.ahead(LONGEST_DATES)))[at:]
    found = _coming(words, reader.today, reader.order)
    if found is None or reader.extra:
        return 0
    count, (first, last) = found
    until = first if lead == "before" and not at_the_end else last + _DAY
    reader.extra = ("before", f"{until:%Y-%m}" if until.day == 1 else until.isoformat())
    return at + count


def last_day_to_come(
    words: Sequence[str], today: date, *, lasts: bool
) -> tuple[int, int, date] | None:
    """The last day of the first date to come that words (lower case) name after `until` or `next`.

    `lasts`: they ask whether something lasts, so that `in december` is to come as well. Returns
    where its words begin, where they end, and the day. Raises ValueError for a date with
    two meanings, or one that doesn't exist.
    """
    for at, word in enumerate(words):
        lead = word if word in (_UNTIL_DAY if lasts else _ONLY_UNTIL) else ""
        if not lead and word not in {"next", "tomorrow", "another"}:
            continue
        start = at + 1 if lead else at
        while lead and start < len(words) and words[start] in {"the", "end", "of"}:
            start += 1
        ahead = list(takewhile(bool, words[start : start + LONGEST_DATES]))
        at_the_end = "end" in words[at:start]
        if found := _length(ahead, today) or _near(ahead, today) or _coming(ahead, today, ""):
            count, (first, last) = found
            before = lead == "before" and not at_the_end
            return at, start + count, first - _DAY if before else last
    return None


_ONLY_UNTIL = {"before", "until", "till", "by", "through", "thru"}
_UNTIL_DAY = _UNTIL | {"to", "for", "thru", "over"}


def _length(words: Sequence[str], today: date) -> tuple[int, tuple[date, date]] | None:
    """`10 days`, `next two weeks`, counted from today."""
    at = sum(1 for one in words[:2] if one in {"next", "another", "coming"})
    number = vocabulary.NUMBERS.get(w := (*words, "", "", "")[at], w)
    unit = vocabulary.UNITS.get((*words, "", "", "")[at + 1], "")
    if not (number.isascii() and number.isdigit() and len(number) < _LONG and unit in _DAYS_IN):
        return None
    day = today + int(number) * _DAYS_IN[unit] * _DAY
    return at + 2, (day, day)


_LONG = 4
"""Numbers with so many digits aren't counts of days or weeks."""
_DAYS_IN = {"day": 1, "week": 7, "month": 30}


def _near(words: Sequence[str], today: date) -> tuple[int, tuple[date, date]] | None:
    """`tomorrow`, `friday`, `next friday`: the first such day to come."""
    word, following = (*words, "", "")[:2]
    if word == "tomorrow":
        return 1, (today + _DAY, today + _DAY)
    at, named = (1, following) if word in {"next", "this", "coming"} else (0, word)
    short = named[:3]
    if named not in vocabulary.WEEKDAYS or short not in written_dates.WEEKDAYS:
        return None
    away = (written_dates.WEEKDAYS.index(short) - today.weekday()) % 7 * _DAY
    day = today + (away or 7 * _DAY if word == "next" else away)
    return at + 1, (day, day)


def _coming(
    words: Sequence[str], today: date, order: written_dates.Order
) -> tuple[int, tuple[date, date]] | None:
    """The number of words that are a date, and its days: those that aren't over yet."""
    word, following = (*words, "", "")[:2]
    unit = vocabulary.UNITS.get(following, "")
    if word in {"this", "next"} and unit in _ENDS:
        days = written_dates.calendar(unit, today)
        return 2, days if word == "this" else written_dates.calendar(unit, days[1] + _DAY)
    if vocabulary.UNITS.get(word, "") in _ENDS - {"day"}:  # `by the end of the year`
        return 1, written_dates.calendar(vocabulary.UNITS[word], today)
    found = written_dates.days(words, today, order)
    if found is None:
        return None
    count, (first, last) = found
    if last >= today:
        return found
    # without a year, it is the latest that has started
    named = any(one in vocabulary.MONTHS or _QUARTER.fullmatch(one) for one in words[:count])
    dated = any(len(one) == 4 and one.isdigit() for one in words[:count])
    return (count, (_year_later(first), _year_later(last + _DAY) - _DAY)) if (
        named and not dated
    ) else None  # fmt: skip


def _year_later(day: date) -> date:
    leap_day = (day.month, day.day) == (2, 29)
    return date(day.year + 1, 3, 1) if leap_day else day.replace(year=day.year + 1)
