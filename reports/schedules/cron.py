"""Five-field cron expressions for reports: one time of day on some days.

Monday is 1, Sunday 0 or 7. As in cron, if both the day of the month and the day of the week are
restricted, either may match; a field that starts with `*` is unrestricted.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time

_WEEKDAYS = {name: n for n, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_MONTHS = {
    name: n
    for n, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_SIGNS = frozenset("0123456789*/,-")
_LEAP_YEAR = 2024


class CronError(ValueError):
    """An expression that reports can't use; the text says why, `meant` is a valid alternative."""

    def __init__(self, problem: str, meant: str = "0 9 * * 1") -> None:
        super().__init__(problem)
        self.meant = meant


@dataclass(frozen=True, slots=True)
class Cron:
    """The days of a cron expression; weekdays count from Sunday (0). `either`: one may match."""

    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool
    words: str

    def matches(self, day: date) -> bool:
        """Whether it runs on a day."""
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return of_month or of_week if self.either else of_month and of_week

    @property
    def ever_runs(self) -> bool:
        """Whether any such day exists; 31 February doesn't."""
        if self.either:
            return True
        return any(n <= monthrange(_LEAP_YEAR, m)[1] for m in self.months for n in self.days)

    def __str__(self) -> str:
        return self.words


def looks_like_cron(fields: list[str]) -> bool:
    """Whether words look like the five fields of an expression."""
    if len(fields) != 5 or not (fields[0][:1].isdigit() or fields[0].startswith("*")):
        return False
    return all(_is_field(word) for word in fields[:3]) and all(
        _is_field(word, names) for word, names in zip(fields[3:], (_MONTHS, _WEEKDAYS), strict=True)
    )


def parse(text: str) -> tuple[Cron, time]:
    """Parse an expression into its days and its time of day. Raises CronError."""
    fields = text.lower().split()
    if len(fields) != 5:
        raise CronError(f"A cron expression has five fields, not {len(fields)}.")
    minute = _values(fields[0], "minute", range(60))
    hour = _values(fields[1], "hour", range(24))
    days = _values(fields[2], "day of the month", range(1, 32))
    months = _values(fields[3], "month", range(1, 13), _MONTHS)
    weekdays = _values(fields[4], "day of the week", range(8), _WEEKDAYS)
    if len(minute) > 1 or len(hour) > 1:
        first = min(minute) if len(minute) == 1 else 0
        meant = " ".join((str(first), str(_one(hour)), *fields[2:]))
        raise CronError("A report runs at most once a day, at one minute of one hour.", meant)
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    words = " ".join(fields)
    cron = Cron(days, months, frozenset(n % 7 for n in weekdays), either, words)
    if not cron.ever_runs:
        last = max(monthrange(_LEAP_YEAR, month)[1] for month in months)
        meant = " ".join((fields[0], fields[1], str(last), *fields[3:]))
        raise CronError("There is no such day in any year, so it would never run.", meant)
    return cron, time(min(hour), min(minute))


def _one(hours: frozenset[int]) -> int:
    return min(hours) if len(hours) < 24 else 9


def _is_field(word: str, names: Mapping[str, int] | None = None) -> bool:
    if set(word) <= _SIGNS:
        return True
    parts = word.lower().replace(",", "-").split("-")
    return names is not None and all(part in names or set(part) <= _SIGNS for part in parts)


def _values(
    field: str, name: str, allowed: range, names: Mapping[str, int] | None = None
) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        found.update(_part(part, name, allowed, names or {}))
    return frozenset(found)


def _part(part: str, name: str, allowed: range, names: Mapping[str, int]) -> range:
    span, has_step, step = part.partition("/")
    step_size = _number(step, name, range(1, allowed[-1] + 1), {}) if has_step else 1
    if span == "*":
        # Sunday has two numbers (0 and 7); count it once
        last = 6 if names is _WEEKDAYS else allowed[-1]
        return range(allowed[0], last + 1, step_size)
    first, has_end, last_word = span.partition("-")
    start = _number(first, name, allowed, names)
    if not has_end:
        return range(start, (allowed[-1] if has_step else start) + 1, step_size)
    end = _number(last_word, name, allowed, names)
    if names is _WEEKDAYS and end == 0:
        end = 7
    if end < start:
        raise CronError(f"In the {name} of that cron expression, {span} runs backwards.")
    return range(start, end + 1, step_size)


def _number(word: str, name: str, allowed: range, names: Mapping[str, int]) -> int:
    known = names.get(word)
    if known is not None:
        return known
    if word.isascii() and word.isdigit() and len(word) <= 3 and int(word) in allowed:
        return int(word)
    raise CronError(
        f"The {name} of that cron expression must be from {allowed[0]} to {allowed[-1]}."
    )
