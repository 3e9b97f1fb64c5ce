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
    found = _coming(words, reader)
    if found is None or reader.extra:
        return 0
    count, (first, last) = found
    until = first if lead == "before" and not at_the_end else last + _DAY
    reader.extra = ("before", f"{until:%Y-%m}" if until.day == 1 else until.isoformat())
    return at + count


def _coming(words: Sequence[str], reader: TextReader) -> tuple[int, tuple[date, date]] | None:
    """The number of words that are a date, and its days: those that aren't over yet."""
    today, (word, following) = reader.today, (*words, "", "")[:2]
    unit = vocabulary.UNITS.get(following, "")
    if word in {"this", "next"} and unit in _ENDS:
        days = written_dates.calendar(unit, today)
        return 2, days if word == "this" else written_dates.calendar(unit, days[1] + _DAY)
    if vocabulary.UNITS.get(word, "") in _ENDS - {"day"}:  # `by the end of the year`
        return 1, written_dates.calendar(vocabulary.UNITS[word], today)
    found = written_dates.days(words, today, reader.order)
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
