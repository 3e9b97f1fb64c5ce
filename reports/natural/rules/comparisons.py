"""Reads what a period is compared with: `vs last month`, `compare october and september`."""

from __future__ import annotations

from itertools import takewhile

from reports.natural import vocabulary, written_dates
from reports.natural.text_reader import LONGEST_DATES, TextReader
from reports.questions.grammar import QuestionCommand, parse
from reports.time.period import Calendar, DateSpan, Month, Unit
from reports.wording.safe_text import clean

ONLY_EARLIER = (
    "I can compare a period only with the one right before it, or with the same one a week, month"
    " or year earlier."
)


def read_comparison(reader: TextReader) -> int:
    """`vs last month`, `compared to yesterday`, `week over week`."""
    for phrase, unit in vocabulary.OVER.items():
        if reader.ahead(len(phrase)) == phrase:
            reader.give("versus", f"vs last {unit}" if unit != "day" else "vs yesterday")
            return len(phrase)
    if reader.word() in vocabulary.COMPARE:
        reader.compares = True
        return 1
    if compared := _read_comparison_with_date(reader):
        return compared
    if turned := _read_reversed_comparison(reader):
        return turned
    if not (reader.word() in vocabulary.VERSUS or _begins_comparison(reader)):
        return 0
    if {reader.word(-1), reader.word(1)} <= vocabulary.TOKEN_PARTS:  # `input vs output tokens`
        return 1
    return _read_compared_period(reader)


def _read_compared_period(reader: TextReader) -> int:
    """The rest of `vs last month`. Raises ValueError if nothing comparable follows."""
    at = reader.skip(1, {"to", "with", "the", "a", "an", "same", "period", "in", "of", "one"})
    if reader.word(at) in vocabulary.UNITS and reader.word(at + 1) in {"last", "previous"}:
        at += 1  # `vs the same month last year`
    word = reader.word(at)
    if word in {"before", "yesterday"}:
        reader.give("versus", f"vs {word}")
        return reader.skip(at + 1, {"period"})
    if word in {"last", "previous"} and reader.word(at + 1) not in vocabulary.UNITS:
        reader.give("versus", "vs before")
        return reader.skip(at + 1, {"period", "one"})
    at = reader.skip(at, {"last", "previous"})
    unit = vocabulary.UNITS.get(reader.word(at), "")
    if not unit and (taken := _read_month_before(reader, at)):
        return taken
    if not unit and reader.is_named(reader.at + at):  # `opus vs sonnet`
        reader.compares = True
        return 1
    if unit not in {"day", "week", "month", "year"}:
        raise ValueError(
            "`vs` needs before, yesterday, last week, last month or last year"
            + (f", not “{clean(word, 40)}”." if word else ".")
        )
    reader.give("versus", _versus_of(reader, unit))
    return reader.skip(at + 1, {"before", "earlier", "ago"})


def _read_month_before(reader: TextReader, at: int) -> int:
    """The month before this one, as in `are we above october`, where no period is named."""
    ahead = list(takewhile(bool, reader.ahead(at + LONGEST_DATES)[at:]))
    found = written_dates.days(ahead, reader.today, reader.order) if ahead else None
    this = Month(reader.today.year, reader.today.month)
    if found is None or "period" in reader.given:
        return 0
    if written_dates.apart(found[1], (this.first, this.last)) != "before":
        raise ValueError(ONLY_EARLIER)
    reader.give("period", "this month")
    reader.give("versus", "vs before")
    return at + found[0]


def _versus_of(reader: TextReader, unit: str) -> str:
    """The words of `vs` for the day, week, month or year before."""
    right_before = {"day": "yesterday"}.get(unit, f"last {unit}")
    if reader.given.get("period") == [right_before]:  # `last week vs the week before`
        return "vs before"
    return f"vs {right_before}"


def _begins_comparison(reader: TextReader) -> bool:
    """Whether `with` or `to` after `compare` introduces the compared period.

    Raises ValueError for a day or month that it can't be compared with, such as `last tuesday`.
    """
    if "period" in reader.given or not reader.compares:
        return reader.compares and reader.word() in {"with", "to", "and"}
    if reader.word() not in {"with", "to"}:
        return False
    at = reader.skip(1, {"the"})
    word, unit = reader.word(at), vocabulary.UNITS.get(reader.word(at + 1))
    if word in {"yesterday", "before"} or (word in {"last", "previous"} and unit):
        return True
    if word in vocabulary.PAST and unit:  # `compare to this month` is the period itself
        return False
    ahead = list(takewhile(bool, reader.ahead(at + LONGEST_DATES)[at:]))
    if written_dates.days(ahead, reader.today, reader.order):
        raise ValueError(ONLY_EARLIER)
    return False


def _read_reversed_comparison(reader: TextReader) -> int:
    """`last month vs this month` is `this month vs last month`."""
    joined = vocabulary.VERSUS | ({"with", "to", "and"} if reader.compares else set())
    if reader.word() not in joined:
        return 0
    earlier, (word, unit) = reader.given.get("period"), (reader.word(1), reader.word(2))
    if earlier == ["yesterday"] and word == "today":
        reader.given["period"] = ["today"]
        reader.give("versus", "vs yesterday")
        return 2
    if word in {"this", "current"} and earlier == [f"last {unit}"]:
        reader.given["period"] = [f"this {unit}"]
        reader.give("versus", f"vs last {unit}")
        return 3
    return 0


def _read_comparison_with_date(reader: TextReader) -> int:
    """`vs september`, after the period that it is compared with."""
    joined = vocabulary.VERSUS | ({"with", "to", "and"} if reader.compares else set())
    if reader.word() not in joined or "period" not in reader.given:
        return 0
    at = reader.skip(1, {"to", "with", "the", "in", "of"})
    ahead = list(takewhile(bool, reader.ahead(at + LONGEST_DATES)[at:]))
    found = written_dates.days(ahead, reader.today, reader.order)
    read = parse(reader.given["period"][-1])
    if found is None or not isinstance(read, QuestionCommand):
        return 0
    period = read.query.period
    if period == Calendar(Unit.MONTH):
        this = Month(reader.today.year, reader.today.month)
        if written_dates.apart(found[1], (this.first, this.last)) != "before":
            raise ValueError(ONLY_EARLIER)
        reader.give("versus", "vs before")
        return at + found[0]
    if not isinstance(period, Month | DateSpan):
        return 0
    ours, theirs = (period.first, period.last), found[1]
    later, earlier = max(ours, theirs), min(ours, theirs)
    versus = written_dates.apart(earlier, later)
    if not versus:
        raise ValueError(ONLY_EARLIER)
    reader.given["period"] = [written_dates.period_of(*later)]
    reader.give("versus", f"vs {versus}")
    return at + found[0]
