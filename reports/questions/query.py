"""The question: which metric, over which period, by which dimension, of whom."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reports.time.period import DEFAULT, Period
from reports.usage.dimensions import Dimension, Filter, Metric, MoneySource


class Versus(StrEnum):
    """What a period is compared with: what came right before it, or the same so much earlier."""

    BEFORE = "before"
    DAY = "yesterday"
    WEEK = "last week"
    MONTH = "last month"
    YEAR = "last year"


class FileFormat(StrEnum):
    """A file that goes with the answer."""

    CSV = "csv"
    PDF = "pdf"
    SUMMARY = "pdf summary"


DEFAULT_TOP = 10


@dataclass(frozen=True, slots=True)
class Query:
    """One question. No metric means an overview of all three; `zone` None means the default."""

    metric: Metric | None = None
    period: Period = DEFAULT
    by: Dimension | None = None
    filters: tuple[Filter, ...] = ()
    source: MoneySource = MoneySource.ALL
    top: int = DEFAULT_TOP
    files: tuple[FileFormat, ...] = ()
    share: bool = False
    zone: str | None = None
    versus: Versus | None = None

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metric asked for, or all three."""
        return (self.metric,) if self.metric else tuple(Metric)

    def words(self) -> str:
        """The question in the grammar's own words, so that reading them gives it back."""
        parts = [self.metric, str(self.period), self.by and f"by {self.by}", *self.filters]
        parts += [None if self.source is MoneySource.ALL else self.source]
        parts += [None if self.top == DEFAULT_TOP else f"top {self.top}"]
        parts += [self.versus and f"vs {self.versus}"]
        parts += [self.zone and f"tz {self.zone}", *self.files, "share" if self.share else None]
        return " ".join(str(part) for part in parts if part)

    def command(self, name: str = "/activity") -> str:
        """The whole command, as one would type it."""
        return f"{name} {self.words()}"
