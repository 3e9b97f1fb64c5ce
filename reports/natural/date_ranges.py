"""Reads date ranges in natural language, such as `since september` or `1 to 15 october`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta

from reports.natural import vocabulary, written_dates
from reports.natural.parts_of_periods import Days
from reports.natural.written_dates import Order, calendar
from reports.questions.grammar import QuestionCommand, parse
from reports.time.period import DateSpan, Month

LEADS = {"since", "from", "between", "starting", "after"}
_OPEN_ENDED = {"since", "starting", "after"}
_OPEN_STARTED = {"until", "till", "til", "before"}
_JOINTS = {"to", "until", "till", "til", "through", "thru", "-", "–", "up"}
_ONWARDS = {"onward", "onwards"}
_SKIPPED = {"the", "of", "in", "start", "beginning", "first", "early", "on", "day"}
_NOW = {"now", "today", "date", "present"}
NO_BEGINNING = "Since when? Try `since 2026-09-15` or `30d`."


class OpenStartError(ValueError):
    """A date range without a start, such as `until 15 october`.

    `count` is its number of words; `periods` has the possible meanings, by button label.
    """

    def __init__(self, count: int, last: date) -> None:
        super().__init__(f"From which day until {_day(last)}?")
        firsts = (last.replace(day=1), last.replace(month=1, day=1))
        self.count = count
        self.periods = {f"From {_day(one)}": str(DateSpan(one, last)) for one in firsts}


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def date_range(words: Sequence[str], today: date, order: Order = "") -> tuple[int, str] | None:
    """The number of leading words that are a date range, and that range as a period of the grammar.

    `since` and `after` run until now, `after` from the day after; a single day or month after
    another word doesn't count. Raises ValueError if no date follows `since`, and OpenStartError for
    `until` and `before` with a day.
    """
    if words and words[0] in _OPEN_STARTED:
        _refuse_open_start(words, today, order)
        return None
    lead = words[0] if words and words[0] in LEADS else ""
    at = _skip(words, 1, _SKIPPED) if lead else 0
    until_now = lead in _OPEN_ENDED
    if until_now and (counted := _counted(words[at:])):
        return at + counted[0], counted[1]
    if lead and (short := _of_one_month(words[at:], today)):
        return at + short[0], str(DateSpan(*short[1]))
    if until_now and (ordinal := _day_of_month(words[1:], today)):
        return ordinal[0] + 1, str(DateSpan(ordinal[1], today))
    found = days(words[at:], today, order) or (_unit(words[at:], today) if lead else None)
    if found is None:
        if lead == "since":
            raise ValueError(NO_BEGINNING)
        return None
    count, (first, end) = found
    first = end + timedelta(days=1) if lead == "after" else first
    named, at = words[at : at + count], at + count
    joints = _JOINTS | ({"and"} if lead == "between" else set())
    until = _until(words[at:], today, joints, order)
    if until is None and not until_now:
        return None
    at, last = (at + until[0], min(until[1], today)) if until else (at, today)
    if first > last and lead != "after" and _yearless(named):  # `from november to january`
        first = first.replace(year=last.year - (first.month > last.month))
    if first > today and lead == "after":
        raise ValueError(f"There are no days after {end} yet.")
    if first > today:
        raise ValueError(f"{first} is in the future, so there is nothing to show yet.")
    return at, str(DateSpan(first, last))


def _refuse_open_start(words: Sequence[str], today: date, order: Order) -> None:
    """Raise OpenStartError if a day, week, month or year follows `until` or `before`."""
    at = _skip(words, 1, _SKIPPED | {"end"})
    found = days(words[at:], today, order)
    if found is None:
        return
    first, last = found[1]
    last = first - timedelta(days=1) if words[0] == "before" else last
    raise OpenStartError(at + found[0], min(last, today))


def days(words: Sequence[str], today: date, order: Order = "") -> tuple[int, Days] | None:
    """The number of words at the start that name a day, week, month or year; its first and last
    day."""
    word, following = (*words, "", "")[:2]
    if part := written_dates.part(words, today, order):
        return part
    if word in {"today", "yesterday"}:
        return 1, calendar("day", today, int(word == "yesterday"))
    if word in vocabulary.PAST and (unit := vocabulary.UNITS.get(following, "")) not in {
        "",
        "hour",
    }:
        return 2, calendar(unit, today, int(vocabulary.PAST[word] == "last"))
    if word[:1].isdigit():
        read = parse(word)
        if isinstance(read, QuestionCommand) and isinstance(read.query.period, Month | DateSpan):
            return 1, (read.query.period.first, read.query.period.last)
    return written_dates.days(words, today, order)


def _until(
    words: Sequence[str], today: date, joints: set[str], order: Order
) -> tuple[int, date] | None:
    """The number of words that name the end, and that day; None if there are none."""
    word = words[0] if words else ""
    # `from october on`, but not `from october on opus`
    if word in _ONWARDS or list(words) == ["on"]:
        return 1, today
    if word not in joints:
        return None
    at = _skip(words, 1, {"to", "until", "the", "end", "of", "and", "including"})
    if at < len(words) and words[at] in _NOW:
        return at + 1, today
    found = days(words[at:], today, order)
    return (at + found[0], found[1][1]) if found else None


def _of_one_month(words: Sequence[str], today: date) -> tuple[int, Days] | None:
    """`1 to 15 october`, `1 and 15 october 2025`."""
    first, joint = (*words, "", "")[:2]
    day = _number(first)
    if day is None or joint not in _JOINTS | {"and"}:
        return None
    at = _skip(words, 2, {"the"})
    found = written_dates.days(words[at:], today)
    if found is None or found[1][0] != found[1][1]:
        return None
    last = found[1][1]
    return (at + found[0], (last.replace(day=day), last)) if 0 < day <= last.day else None


def _day_of_month(words: Sequence[str], today: date) -> tuple[int, date] | None:
    """`the 1st`, `the 3rd` without a month: the last such day that isn't in the future."""
    at = _skip(words, 0, {"the"})
    word, following = (*words[at:], "", "")[:2]
    if following in vocabulary.MONTHS or following == "of":
        return None
    day = _number(word) if word[-2:] in {"st", "nd", "rd", "th"} else None
    if word == "first" and not following:
        day = 1
    if not day or day > 31:
        return None
    first = today.replace(day=1)
    for _ in range(3):  # at least one of three consecutive months has 31 days
        with suppress(ValueError):
            if (found := first.replace(day=day)) <= today:
                return at + 1, found
        first = (first - timedelta(days=1)).replace(day=1)
    return None


def _unit(words: Sequence[str], today: date) -> tuple[int, Days] | None:
    """`the year`, as in `since the start of the year`."""
    unit = vocabulary.UNITS.get(words[0], "") if words else ""
    return (1, calendar(unit, today)) if unit not in {"", "hour"} else None


def _counted(words: Sequence[str]) -> tuple[int, str] | None:
    """`3 weeks`, `3 weeks ago`."""
    count, unit = (*words, "", "")[:2]
    count = vocabulary.NUMBERS.get(count, count)
    if not (count.isascii() and count.isdigit() and unit in vocabulary.UNITS):
        return None
    return 3 if words[2:3] == ["ago"] else 2, f"{int(count[:6])}{vocabulary.UNITS[unit][0]}"


def _yearless(words: Sequence[str]) -> bool:
    """Whether words name a month without a year."""
    months = any(word in vocabulary.MONTHS for word in words)
    return months and not any(word.isdigit() and len(word) == 4 for word in words)


def _number(word: str) -> int | None:
    digits = word[:-2] if word[-2:] in {"st", "nd", "rd", "th"} else word
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 5 else None


def _skip(words: Sequence[str], at: int, skipped: set[str]) -> int:
    while at < len(words) and words[at] in skipped:
        at += 1
    return at
