"""Reads dates as people write them: `3 Oct`, `Q3`, `03.11.2026`, `week 45`, `2 days ago`.

Days and months without a year are the latest that have started.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from reports.natural import vocabulary
from reports.natural.parts_of_periods import Days, part_of_period
from reports.time.period import YEARS, DateSpan, Month

Order = Literal["day", "month", ""]
"""Which comes first in `10/03/2026`: the day or the month; "" if unknown."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SEPARATORS = "/.-"
_WEEK_WORDS = {"week", "wk", "w", "kw", "cw"}
_WEEKS_AROUND = {
    "of": "of", "commencing": "from", "beginning": "from", "starting": "from", "ending": "to",
}  # fmt: skip
_ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "1st": 1,
    "2nd": 2,
    "3rd": 3,
    "4th": 4,
}
_WHOLES = {"month", "quarter", "year"}
"""The units whose parts can be requested."""
_QUARTER, _HALF, _YEAR = 3, 6, 12
_SHORT_YEAR = 2000  # of `10/03/26`


class AmbiguousDateError(ValueError):
    """A date with two meanings, depending on whether the day or the month comes first.

    `labels` are the two dates in words, like `3 October 2026`, by what comes first.
    """

    def __init__(self, typed: str, day_first: date, month_first: date) -> None:
        self.labels: dict[Order, str] = {
            "month": f"{month_first.day} {month_first:%B %Y}",
            "day": f"{day_first.day} {day_first:%B %Y}",
        }
        one, other = self.labels.values()
        if month_first.year == day_first.year:
            one = f"{month_first.day} {month_first:%B}"
        super().__init__(f"Does “{typed}” mean {one} or {other}?")


class NoSuchDateError(ValueError):
    """Words that look like a date that doesn't exist."""

    def __init__(self, typed: str) -> None:
        super().__init__(f"There is no such date as “{typed}”.")


def days(words: Sequence[str], today: date, order: Order = "") -> tuple[int, Days] | None:
    """The number of leading words (lower case) that are a date, and the days that it covers.

    None if they aren't a date. Raises AmbiguousDateError and NoSuchDateError.
    """
    if not words or not words[0]:
        return None
    if around := _week_around(words, today, order):
        return around
    if found := part(words, today, order):
        return found
    for rule in (_ago, _phrase, _quarter, _week, _with_month_name):
        if found := rule(words, today):
            return found
    return _numbers(words, today, order)


def part(words: Sequence[str], today: date, order: Order = "") -> tuple[int, Days] | None:
    """The same for a part of a period: `first week of october`, `second half of last month`."""
    return part_of_period(words, today, lambda rest: _whole(rest, today, order))


def _whole(words: Sequence[str], today: date, order: Order) -> tuple[int, Days] | None:
    """A period whose part is requested: `october`, `last month`, `the year`, `2026`."""
    word, following = (*words, "", "")[:2]
    if _year(word):
        return 1, calendar("year", date(int(word), 1, 1))
    if word == "the":
        skipped = _whole(words[1:], today, order)
        return (skipped[0] + 1, skipped[1]) if skipped else None
    unit = word if word in _WHOLES else vocabulary.UNITS.get(word, "")
    if unit in _WHOLES:
        return 1, calendar(unit, today)
    unit = following if following in _WHOLES else vocabulary.UNITS.get(following, "")
    if word in vocabulary.PAST and unit in _WHOLES:
        return 2, calendar(unit, today, int(vocabulary.PAST[word] == "last"))
    return days(words, today, order)


def period_of(first: date, last: date) -> str:
    """Days as a period of the grammar: a month, a day or a span."""
    month = Month(first.year, first.month)
    whole = (first, last) == (month.first, month.last)
    return str(month) if whole else str(DateSpan(first, last))


def apart(earlier: Days, later: Days) -> str:
    """The word of `vs` for the earlier of two date ranges; "" if there is no word for it."""
    if earlier[1] + timedelta(days=1) == later[0] and _alike(earlier, later):
        return "before"
    for unit, word in (("week", "last week"), ("month", "last month"), ("year", "last year")):
        if tuple(_shifted(day, unit, _ends_month(later)) for day in later) == earlier:
            return word
    return ""


def _alike(one: Days, other: Days) -> bool:
    """Whether two date ranges have the same length, in days or in whole months."""
    if (one[1] - one[0]) == (other[1] - other[0]) and not _ends_month(other):
        return True
    months = [(last.year - first.year) * _YEAR + last.month - first.month for first, last in
              (one, other)]  # fmt: skip
    return _ends_month(one) and _ends_month(other) and months[0] == months[1]


def _ends_month(found: Days) -> bool:
    """Whether a date range consists of whole months."""
    return found[0].day == 1 and (found[1] + timedelta(days=1)).day == 1


def _shifted(day: date, unit: str, whole: bool) -> date | None:
    """The same day one unit earlier. When whole months are compared, the last day maps to the last
    day."""
    if unit == "week":
        return day - timedelta(days=7)
    month = Month(*_split(day.year * _YEAR + day.month - 1 - (1 if unit == "month" else _YEAR)))
    if whole and day.day != 1:
        return month.last
    return month.first.replace(day=day.day) if day.day <= month.last.day else None


def last_weekday(word: str, today: date) -> date:
    """The latest day before today with that name."""
    back = (today.weekday() - WEEKDAYS.index(word[:3]) - 1) % 7 + 1
    return today - timedelta(days=back)


def calendar(unit: str, today: date, back: int = 0) -> Days:
    """The day, week (from Monday), month, quarter or year `back` units ago."""
    if unit == "day":
        day = today - timedelta(days=back)
        return day, day
    if unit == "week":
        first = today - timedelta(days=today.weekday() + 7 * back)
        return first, first + timedelta(days=6)
    length = {"month": 1, "quarter": _QUARTER, "half": _HALF, "year": _YEAR}[unit]
    begun = today.year * _YEAR + (today.month - 1) // length * length - back * length
    return _months(begun, length)


def _months(begun: int, length: int) -> Days:
    """Whole months, counted from the year 0."""
    last = Month(*_split(begun + length - 1))
    return Month(*_split(begun)).first, last.last


def _split(months: int) -> tuple[int, int]:
    return months // _YEAR, months % _YEAR + 1


def _ago(words: Sequence[str], today: date) -> tuple[int, Days] | None:
    """`2 days ago`, `a month ago`, `the day before yesterday`, `the week before last`."""
    count, unit, ago = (*words, "", "", "")[:3]
    if words[:2] == ["day", "before"] and ago == "yesterday":
        return 3, calendar("day", today, 2)
    if list(words[1:3]) == ["before", "last"] and count in vocabulary.UNITS and count != "hour":
        return 3, calendar(vocabulary.UNITS[count], today, 2)
    number = {"a": "1", "an": "1"}.get(count, vocabulary.NUMBERS.get(count, count))
    named = vocabulary.UNITS.get(unit, "")
    if ago != "ago" or not named or not _is_number(number) or len(number) > 3:
        return None
    if named == "hour":
        raise ValueError("I can't look at a single hour in the past. Try `3h` or a day.")
    return 3, calendar(named, today, int(number))


def _phrase(words: Sequence[str], today: date) -> tuple[int, Days] | None:
    """Weekdays, weekends, and days named by their distance from today."""
    word, following = (*words, "")[:2]
    when = vocabulary.PAST.get(word, "")
    if word in vocabulary.WEEKDAYS and not word.endswith("days"):
        back = (today.weekday() - WEEKDAYS.index(word[:3])) % 7
        return 1, calendar("day", today, back)
    if when and following in vocabulary.WEEKDAYS:
        day = last_weekday(following, today)
        if when == "this":
            day = calendar("week", today)[0] + timedelta(days=WEEKDAYS.index(following[:3]))
        return 2, (day, day)
    if when == "last" and following in vocabulary.MONTHS:
        return _last_month_named(words, today)
    if when and following == "weekend":
        return 2, _weekend(today, last=when == "last")
    if word == "weekend":
        return 1, _weekend(today, last=False)
    if when and following in {"half", "half-year"}:
        return 2, calendar("half", today, int(when == "last"))
    if (word, following) in {("quarter", "to"), ("week", "to")} and list(words[2:3]) == ["date"]:
        return 3, (calendar(word, today)[0], today)
    if word in {"qtd", "wtd"}:
        return 1, (calendar("quarter" if word == "qtd" else "week", today)[0], today)
    return None


def _last_month_named(words: Sequence[str], today: date) -> tuple[int, Days] | None:
    """`last october`: the latest October that is over."""
    found = _with_month_name(words[1:], today)
    if found is None or found[1][1] < today:
        return (found[0] + 1, found[1]) if found else None
    begun = found[1][0].year * _YEAR + found[1][0].month - 1
    return found[0] + 1, _months(begun - _YEAR, 1)


def _week_around(words: Sequence[str], today: date, order: Order) -> tuple[int, Days] | None:
    """`week of 16 november`, `w/c 16/11`, `week ending 15 november`: seven days.

    The week of a day starts on Monday; the others start or end with the named day.
    """
    first, following = (*words, "", "")[:2]
    how, at = {"w/c": "from", "wc": "from", "w/e": "to"}.get(first, ""), 1
    if first in {"week", "wk"}:
        how, at = _WEEKS_AROUND.get(following, ""), 2
    at = _skip(words, at, {"the"})
    found = days(words[at:], today, order) if how and at < len(words) else None
    if found is None or found[1][0] != found[1][1]:
        return None
    day = found[1][0]
    back = {"of": day.weekday(), "from": 0, "to": 6}[how]
    start = day - timedelta(days=back)
    return at + found[0], _so_far((start, start + timedelta(days=6)), today)


def _weekend(today: date, *, last: bool) -> Days:
    """The latest weekend that has started; `last` is the one before this week's."""
    saturday = calendar("week", today, int(last))[0] + timedelta(days=5)
    saturday -= timedelta(days=7 if saturday > today else 0)
    return saturday, saturday + timedelta(days=1)


def _quarter(words: Sequence[str], today: date) -> tuple[int, Days] | None:
    """`q3`, `q3 2026`, `2026-q3`, `third quarter of 2026`, `last quarter`, `h1 2025`."""
    word, following = (*words, "")[:2]
    if following in {"quarter", "quarters"}:
        if when := vocabulary.PAST.get(word):
            return 2, _so_far(calendar("quarter", today, int(when == "last")), today)
        if number := _ORDINALS.get(word):
            return _of_year(words, 2, number, _QUARTER, None, today)
    year, letter, number = None, "", 0
    for part in word.replace("/", "-").split("-"):
        if len(part) == 2 and part[0] in "qh" and part[1] in "1234":
            letter, number = part[0], int(part[1])
        elif part[:4].isdigit() and _year(part[:4]) and len(part) == 6 and part[4] in "qh":
            year, letter, number = int(part[:4]), part[4], int(part[5:] or 0)
        elif _year(part):
            year = int(part)
        else:
            return None
    at = 1
    if not letter and year and len(following) == 2 and following[0] in "qh":
        letter, number, at = following[0], int(following[1]) if following[1] in "1234" else 0, 2
    if not letter or not number or (letter == "h" and number > 2):
        return None
    return _of_year(words, at, number, _QUARTER if letter == "q" else _HALF, year, today)


def _of_year(
    words: Sequence[str], at: int, number: int, length: int, year: int | None, today: date
) -> tuple[int, Days]:
    """A quarter or half of the year that may follow; without one, the latest that has started."""
    if year is None:
        skipped = _skip(words, at, {"of", "in"})
        if skipped < len(words) and _year(words[skipped]):
            at, year = skipped + 1, int(words[skipped])
    first = (number - 1) * length
    if year is None:
        year = today.year - (first + 1 > today.month)
    return at, _so_far(_months(year * _YEAR + first, length), today)


def _so_far(found: Days, today: date) -> Days:
    """Days up to today, if they have started."""
    return found[0], min(found[1], today) if found[0] <= today else found[1]


def _week(words: Sequence[str], today: date) -> tuple[int, Days] | None:
    """`week 45`, `w45`, `2026-w45`, `week 45 of 2025`: weeks of the ISO calendar."""
    word, following = (*words, "")[:2]
    year, at = None, 1
    if word in _WEEK_WORDS and _is_number(following):
        number, at = following, 2
    else:
        before, dash, rest = word.partition("-")
        if dash and _year(before):
            year, word = int(before), rest
        name = word.rstrip("0123456789")
        number = word[len(name) :]
        if name not in _WEEK_WORDS or not number:
            return None
    if len(number) > 2:
        return None
    if year is None:
        skipped = _skip(words, at, {"of", "in"})
        if skipped < len(words) and _year(words[skipped]):
            at, year = skipped + 1, int(words[skipped])
    passed = int(number) <= today.isocalendar().week
    which = year or today.isocalendar().year - (0 if passed else 1)
    try:
        first = date.fromisocalendar(which, int(number), 1)
    except ValueError:
        raise NoSuchDateError(" ".join(words[:at])) from None
    return at, _so_far((first, first + timedelta(days=6)), today)


def _with_month_name(words: Sequence[str], today: date) -> tuple[int, Days] | None:
    """`october`, `oct 2025`, `3rd of oct`, `oct 3, 2025`, `nov 1-15`, `1-15 nov`, `3-oct-2026`."""
    parts, owners = _parts(tuple(words[:_LONGEST]))
    at, numbers = 0, _day_numbers(parts, 0)
    if numbers:
        at = _skip(parts, numbers[0], {"of"})
    if at >= len(parts) or (month := vocabulary.MONTHS.get(parts[at])) is None:
        return None
    at += 1
    if not numbers and (after := _day_numbers(parts, at)) and not _starts_time(words, owners, at):
        numbers = after
        at = after[0] - (parts[after[0] - 1] == "-")  # `oct 1 - oct 15` goes on
    year = int(parts[at]) if at < len(parts) and _year(parts[at]) else None
    if year is None and at + 1 < len(parts) and parts[at] in {"of", "-"} and _year(parts[at + 1]):
        at, year = at + 1, int(parts[at + 1])
    at += year is not None
    if year is None and list(parts[at : at + 2]) == ["last", "year"]:
        at, year = at + 2, today.year - 1
    taken = owners[at - 1] + 1
    if owners[at : at + 1] == [taken - 1]:  # the rest of a word isn't a date
        return None
    wanted = numbers[1] if numbers else None
    if year is None:
        began = (month, wanted[0] if wanted else 1)
        year = today.year - (began > (today.month, today.day))
    whole = Month(year, month)
    if wanted is None:
        return taken, (whole.first, whole.last)
    try:
        first, last = (date(year, month, day) for day in wanted)
    except ValueError:
        raise NoSuchDateError(" ".join(words[:taken])) from None
    if last < first:
        raise NoSuchDateError(" ".join(words[:taken]))
    return taken, (first, last)


def _starts_time(words: Sequence[str], owners: Sequence[int], at: int) -> bool:
    """Whether a number after a month belongs to something else: `october 3 models`, `oct 7
    days`."""
    following = words[owners[at] + 1] if owners[at] + 1 < len(words) else ""
    return following in vocabulary.UNITS or following in vocabulary.DIMENSIONS


_LONGEST = 6
"""Words that a date with a month's name has at most."""


@lru_cache(maxsize=512)  # the rules look at the same words several times
def _parts(words: tuple[str, ...]) -> tuple[Sequence[str], Sequence[int]]:
    """Words split at dashes, slashes, and between letters and digits, with the index of
    the word each came from.

    Endings of ordinals and commas are dropped: `3rd,` is `3`.
    """
    parts: list[str] = []
    owners: list[int] = []
    for index, word in enumerate(words):
        for piece in word.rstrip(",").replace("/", "-").replace("-", " - ").split():
            bare = piece.rstrip(".,")
            digits = bare[: len(bare) - len(bare.lstrip("0123456789"))]
            rest = bare[len(digits) :]
            if digits and rest in {"st", "nd", "rd", "th"}:
                rest = ""
            lead = rest.rstrip("0123456789")
            cut = [digits, lead, rest[len(lead) :]] if rest in vocabulary.MONTHS or (
                lead in vocabulary.MONTHS
            ) else [digits + rest]  # fmt: skip
            for part in filter(None, cut):
                parts.append(part)
                owners.append(index)
    return tuple(parts), tuple(owners)


def _day_numbers(parts: Sequence[str], at: int) -> tuple[int, tuple[int, int]] | None:
    """One day or a day range: the index after it, and its first and last day."""
    first = _day(parts, at)
    if first is None:
        return None
    joint = parts[at + 1] if at + 1 < len(parts) else ""
    last = _day(parts, at + 2) if joint in {"-", "to", "through", "until", "till"} else None
    if last is None:
        if joint == "-":  # `3-oct`
            return at + 2, (first, first)
        return at + 1, (first, first)
    return at + 3, (first, last)


def _day(parts: Sequence[str], at: int) -> int | None:
    part = parts[at] if at < len(parts) else ""
    return int(part) if _is_number(part) and len(part) < 3 and 0 < int(part) < 32 else None


def _numbers(words: Sequence[str], today: date, order: Order) -> tuple[int, Days] | None:
    """`2026/11/03`, `03.11.2026`, `10/03/2026`, `10/2026`, `20261103`, `2025`."""
    word = words[0].rstrip(",")
    if len(word) == 8 and _is_number(word) and int(word[:4]) in YEARS:
        return 1, _one_day(word, int(word[:4]), int(word[4:6]), int(word[6:]))
    if _year(word):
        year = int(word)
        return 1, _so_far((date(year, 1, 1), date(year, 12, 31)), today)
    separator = next((sign for sign in _SEPARATORS if sign in word), "")
    parts = word.strip(".").split(separator) if separator else []
    if not all(_is_number(part) for part in parts) or not 2 <= len(parts) <= 3:
        return None
    sizes, numbers = [len(part) for part in parts], [int(part[:9]) for part in parts]
    match sizes:
        case [4, 1 | 2]:
            return 1, _one_month(word, numbers[0], numbers[1])
        case [1 | 2, 4]:
            return 1, _one_month(word, numbers[1], numbers[0])
        case [4, 1 | 2, 1 | 2]:
            return 1, _one_day(word, *numbers)
        case [1 | 2, 1 | 2, 2 | 4]:
            year = numbers[2] + (_SHORT_YEAR if sizes[2] == 2 else 0)
            day_first = "day" if separator == "." else order
            return 1, _either(word, numbers[0], numbers[1], (year,), today, day_first)
        case [1 | 2, 1 | 2] if separator == "/" or (separator == "." and sizes == [2, 2]):
            years = (today.year, today.year - 1)
            first = "day" if separator == "." else order
            return 1, _either(word, numbers[0], numbers[1], years, today, first)
    return None


def _either(typed: str, one: int, two: int, years: Sequence[int], today: date, order: str) -> Days:
    """A day whose day/month order may be ambiguous.

    Usage is in the past, so a meaning in the future is discarded if the other isn't in the future.
    """
    readings: dict[str, date] = {}
    for first, (day, month) in {"day": (one, two), "month": (two, one)}.items():
        for year in years:
            try:
                found = date(year, month, day)
            except ValueError:
                continue
            if found <= today or len(years) == 1:
                readings.setdefault(first, found)
    if order:
        readings = {first: found for first, found in readings.items() if first == order}
    begun = {first: found for first, found in readings.items() if found <= today} or readings
    if len(set(begun.values())) > 1:
        raise AmbiguousDateError(typed, begun["day"], begun["month"])
    if not begun:
        raise NoSuchDateError(typed)
    found = next(iter(begun.values()))
    return found, found


def _one_day(typed: str, year: int, month: int, day: int) -> Days:
    try:
        found = date(year, month, day)
        Month(year, month)
    except ValueError:
        raise NoSuchDateError(typed) from None
    return found, found


def _one_month(typed: str, year: int, month: int) -> Days:
    try:
        found = Month(year, month)
    except ValueError:
        raise NoSuchDateError(typed) from None
    return found.first, found.last


def _year(word: str) -> bool:
    """Whether a word is a plausible year (2015-2099); `2100 tokens` isn't."""
    return len(word) == 4 and _is_number(word) and 2015 <= int(word) < 2100


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit()


def _skip(words: Sequence[str], at: int, skipped: set[str]) -> int:
    while at < len(words) and words[at] in skipped:
        at += 1
    return at
