"""Reads periods: `last 3 weeks`, `october`, `half year`, `between 9am and 5pm`."""

from __future__ import annotations

from itertools import takewhile

from reports.natural import vocabulary, written_dates
from reports.natural.date_ranges import date_range
from reports.natural.text_reader import LONGEST_DATES, TextReader
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import QueryKind
from reports.time.period import NAMED
from reports.wording.safe_text import clean

NO_WEEKENDS = "I can't pick out all weekends; `last weekend` and `this weekend` work."


def read_part_of_day(reader: TextReader) -> int:
    """Read `last night` or `this morning` as the whole day, because days can't be split."""
    word, following = reader.word(), reader.word(1)
    at = 1 if word in {"overnight", "tonight"} else 2
    if (
        word in {"last", "this"}
        and following in vocabulary.PARTS_OF_DAY
        and not reader.schedule_words
    ):
        day = "yesterday" if word == "last" else "today"
    elif word in {"overnight", "tonight"}:
        day = "yesterday" if word == "overnight" else "today"
    elif word in vocabulary.PARTS_OF_DAY and "period" in reader.given and not reader.schedule_words:
        day, at = "", 1
    else:
        return 0
    if day:
        reader.give("period", day)
    reader.remarks.append("I can't look at a part of a day, so this is the whole day.")
    return at


def read_hours(reader: TextReader) -> int:
    """Read `between 9am and 5pm` or `after 18:00` as the whole day, because days can't be split."""
    if reader.schedule_words or reader.word() not in {"between", "from", "after", "before", "at"}:
        return 0
    if not is_time(reader.word(1)):
        return 0
    at = 2
    if reader.word(2) in {"and", "to", "until", "till", "-", "–"} and is_time(reader.word(3)):
        at = 4
    reader.remark("I can't look at single hours of a day, so this is the whole day.")
    reader.whole_day = True
    return at


def read_half_year(reader: TextReader) -> int:
    """`half year`, `half a year`, `last half year`: six months; `half a day`: twelve hours."""
    at = 1 if reader.word() in vocabulary.PAST or reader.word() in {"past", "a"} else 0
    if reader.word(-1) in {"first", "second", "1st", "2nd"}:
        return 0
    if reader.word(at) == "half-year":
        count = at + 1
    elif reader.word(at) == "half":
        count = reader.skip(at + 1, {"a", "the"}) + 1
        if reader.word(count - 1) not in {"year", "day"}:
            return 0
    else:
        return 0
    reader.give("period", "12h" if reader.word(count - 1) == "day" else "6m")
    return count


def read_date_range(reader: TextReader) -> int:
    """Read a range from one day to another, or until now."""
    if reader.compares or (reader.schedule_words and reader.word() in vocabulary.WEEKDAYS):
        return 0
    if reader.kind is QueryKind.FORECAST and reader.word() in {"until", "before", "after"}:
        return 0
    ahead = list(takewhile(bool, reader.ahead(LONGEST_DATES)))
    found = date_range(ahead, reader.today, reader.order)
    if found is None:
        return 0
    reader.give("period", found[1])
    return found[0]


def read_ranked_time(reader: TextReader) -> int:
    """Read `5 most expensive days` or `peak hour`: buckets aren't ranked, and a remark says so."""
    word = reader.word()
    at = 1 if word == "peak" else 0
    unit = vocabulary.UNITS.get(reader.word(1) if at else word)
    if unit is None:
        return 0
    before = reader.word(-1)
    first = reader.number(-1) and reader.word(-2) in vocabulary.TOP  # `top 5 days`
    largest = before in vocabulary.TOP | vocabulary.MOST or (
        before in vocabulary.METRICS and (reader.superlative or "top" in reader.given)
    )
    if not (at or first or largest):
        return 0
    reader.superlative = False
    reader.given.pop("top", None)
    reader.ranked = unit
    reader.remark(f"I can't rank {unit}s; the chart shows the usage over time.")
    return at + 1


def read_date(reader: TextReader) -> int:
    """Parse a day, month, quarter or year in any common spelling."""
    if reader.schedule_words and reader.word() in vocabulary.WEEKDAYS:
        return 0
    may = reader.word() == "may" and reader.word(-1) not in {"in", "for", "of"}
    if may and not reader.word(1)[:1].isdigit():
        return 0
    ahead = list(takewhile(bool, reader.ahead(LONGEST_DATES)))
    if ahead[:1] == ["weekends"]:
        raise ValueError(NO_WEEKENDS)
    found = written_dates.days(ahead, reader.today, reader.order)
    if found is None:
        return 0
    if found[1][0] > reader.today:
        raise ValueError(f"{found[1][0]} is in the future, so there is nothing to show yet.")
    reader.give("period", written_dates.period_of(*found[1]))
    return found[0]


def read_period(reader: TextReader) -> int:
    """`mtd`, `2 weeks`, `7d`, `last month`."""
    for phrase, period in vocabulary.TO_DATE.items():
        if reader.ahead(3) == phrase:
            reader.give("period", period)
            return 3
    if fortnights := _read_fortnights(reader):
        return fortnights
    word = reader.word()
    if word in vocabulary.PAST or word == "past":
        return _read_relative_period(reader)
    if (count := reader.number(0)) and reader.word(1) in vocabulary.UNITS:
        reader.give("period", f"{int(count[:6])}{vocabulary.UNITS[reader.word(1)][0]}")
        return 2
    read = parse(word) if word in NAMED or word[:1].isdigit() else None
    if isinstance(read, QuestionCommand) and read.dated:
        reader.give("period", word)
        return 1
    if isinstance(read, CommandError):
        raise ValueError(read.problem)
    return 0


def _read_fortnights(reader: TextReader) -> int:
    """`fortnight`, `last fortnight`, `2 fortnights`, `past two fortnights`: 14 days each."""
    at = 1 if reader.word() in vocabulary.PAST or reader.word() == "past" else 0
    count = reader.number(at)
    at += bool(count)
    if reader.word(at) not in {"fortnight", "fortnights"}:
        return 0
    reader.give("period", f"{14 * int(count[:4] or 1)}d")
    return at + 1


def _read_relative_period(reader: TextReader) -> int:
    """`last 3 weeks`, `this month`, `past year`."""
    word, following = reader.word(), reader.word(1)
    if whole := _read_whole_units(reader):
        return whole
    if count := reader.number(1):
        at = reader.skip(2, {"of"})
        unit = vocabulary.UNITS.get(reader.word(at))
        if unit:
            reader.give("period", f"{int(count[:6])}{unit[0]}")
            drawn = "hour" if unit == "hour" else "day"
            reader.remarks.append(
                f"The last {drawn} isn't over; the average counts it as a whole {drawn}."
            )
            return at + 1
        if reader.word(at).startswith("min"):
            raise ValueError("I can't look at single minutes. The shortest period is `1h`.")
    counted = parse(following) if following[:1].isdigit() else None
    if isinstance(counted, QuestionCommand):
        reader.give("period", following)
        return 2
    last = vocabulary.PAST.get(word) == "last"
    if last and following == "used":  # `when was opus last used`
        return 2
    unit = vocabulary.UNITS.get(following)
    if unit is None and (last or word == "past"):
        typed = f", not “{clean(following, 40)}”" if following else ""
        raise ValueError(
            f"`{word}` needs a unit of time after it, like `{word} week` or `{word} 3 weeks`"
            f"{typed}."
        )
    if unit is None:
        return 0
    reader.give("period", f"1{unit[0]}" if word == "past" else f"{vocabulary.PAST[word]} {unit}")
    return 2


_MOST_DIGITS = 3
"""Digits of the largest number of calendar units that may be asked for."""
_WHOLE = {"full", "complete", "whole", "calendar", "entire", "completed", "closed"}


def _read_whole_units(reader: TextReader) -> int:
    """`last 3 full months`: the calendar units before the current one."""
    counted = reader.number(1)
    at = 2 if counted else 1
    if reader.word(at) not in _WHOLE or reader.word() in {"this", "current"}:
        return 0
    unit = vocabulary.UNITS.get(reader.word(at + 1), "")
    count = int(counted or 1) if len(counted) <= _MOST_DIGITS else 0
    if unit not in {"day", "week", "month", "year"} or not count:
        return 0
    first, last = (written_dates.calendar(unit, reader.today, back) for back in (count, 1))
    reader.give(
        "period", f"last {unit}" if count == 1 else written_dates.period_of(first[0], last[1])
    )
    return at + 2


def is_time(word: str) -> bool:
    """Whether a word is a time of day: `9:00`, `5pm`."""
    if word in {"noon", "midnight"}:
        return True
    hour = word.removesuffix("am").removesuffix("pm")
    parts = hour.split(":")
    return (
        len(parts) <= 2
        and all(p.isascii() and p.isdigit() and len(p) <= 2 for p in parts)
        and (":" in word or word.endswith(("am", "pm")))
    )
