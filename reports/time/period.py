"""Periods of questions: counted (`1m`), calendar (`last month`), a month, or a date span."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

LONGEST_YEARS = 10
"""No cache is older, and longer ranges would make more than 120 monthly buckets."""
YEARS = range(2000, 3000)
"""Other years are typos."""


class Unit(StrEnum):
    """A unit of time that a period is counted in."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


LETTERS = {"h": Unit.HOUR, "d": Unit.DAY, "w": Unit.WEEK, "m": Unit.MONTH, "y": Unit.YEAR}
_MAX_COUNTS = {
    Unit.HOUR: LONGEST_YEARS * 8784,
    Unit.DAY: LONGEST_YEARS * 366,
    Unit.WEEK: LONGEST_YEARS * 53,
    Unit.MONTH: LONGEST_YEARS * 12,
    Unit.YEAR: LONGEST_YEARS,
}


@dataclass(frozen=True, slots=True)
class Counted:
    """A number of units back from now, through the current bucket.

    Raises ValueError for a count below 1 or a period of more than ten years.
    """

    count: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("counts start at 1")
        if self.count > _MAX_COUNTS[self.unit]:
            raise ValueError(f"a period can be at most {LONGEST_YEARS} years long")

    def __str__(self) -> str:
        return f"{self.count}{self.unit[0]}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """This or the last hour, day, week (from Monday), month or year of the calendar."""

    unit: Unit
    last: bool = False
    word: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.word or f"{'last' if self.last else 'this'} {self.unit}"


@dataclass(frozen=True, slots=True)
class Month:
    """One month of the calendar.

    Raises ValueError for a month that does not exist or is out of range.
    """

    year: int
    month: int

    def __post_init__(self) -> None:
        if not 1 <= self.month <= 12:
            raise ValueError("a year has 12 months")
        _check_year(self.year)

    @property
    def first(self) -> date:
        """The month's first day."""
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        """The month's last day."""
        return (self.first + timedelta(days=31)).replace(day=1) - timedelta(days=1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


@dataclass(frozen=True, slots=True)
class DateSpan:
    """From one day through another, both included.

    Raises ValueError if they are in the wrong order, out of range or too far apart.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("the earlier date comes first")
        _check_year(self.first.year)
        _check_year(self.last.year)
        if (self.last - self.first).days >= _MAX_COUNTS[Unit.DAY]:
            raise ValueError(f"a period can be at most {LONGEST_YEARS} years long")

    def __str__(self) -> str:
        one_day = self.first == self.last
        return f"{self.first}" if one_day else f"{self.first}..{self.last}"


def _check_year(year: int) -> None:
    if year not in YEARS:
        raise ValueError(f"years run from {YEARS[0]} to {YEARS[-1]}")


Period = Counted | Calendar | Month | DateSpan

NAMED: dict[str, Calendar] = {
    "today": Calendar(Unit.DAY, word="today"),
    "yesterday": Calendar(Unit.DAY, last=True, word="yesterday"),
    "mtd": Calendar(Unit.MONTH, word="mtd"),
    "ytd": Calendar(Unit.YEAR, word="ytd"),
}
DEFAULT = Counted(1, Unit.DAY)
