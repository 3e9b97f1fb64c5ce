"""A question as a value: metric, period, dimension, filters and options."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reports.time.period import DEFAULT, Calendar, Counted, Period, Unit
from reports.usage.dimensions import NAMES, Dimension, Filter, Metric, MoneySource


class QueryKind(StrEnum):
    """The kind of a question; the value is the first word of its command."""

    USAGE = "usage"
    PRICE = "price"
    WHY = "why"
    FORECAST = "forecast"
    LIMITS = "limits"
    KEYS = "keys"
    CACHE = "cache"
    WHATIF = "whatif"
    RETIRING = "retiring"
    NEW = "new"
    LATENCY = "latency"
    ERRORS = "errors"


DEFAULT_PERIODS: dict[QueryKind, Period] = {
    QueryKind.PRICE: Counted(1, Unit.MONTH),
    QueryKind.WHY: Counted(1, Unit.WEEK),
    QueryKind.FORECAST: Calendar(Unit.MONTH),
    QueryKind.CACHE: Counted(1, Unit.MONTH),
    QueryKind.WHATIF: Counted(1, Unit.MONTH),
    QueryKind.NEW: Counted(1, Unit.MONTH),
}
"""The default period of a kind if the question names none; other kinds use that of usage. A day has
too few requests for a meaningful price, changes are compared by week, and forecasts are for the end
of the month.
"""


WITHOUT_PERIOD = frozenset({QueryKind.LIMITS, QueryKind.KEYS, QueryKind.RETIRING})
"""Kinds that are about now: their period is written out only if it isn't the default."""
WITHOUT_GROUPING = WITHOUT_PERIOD | {QueryKind.NEW}
"""Kinds that list things by themselves, so no grouping is offered."""
RUNNING = WITHOUT_PERIOD | {QueryKind.FORECAST}
"""Kinds whose answer is about a period that isn't over, so a schedule keeps their period."""

MEASURED = frozenset({QueryKind.LATENCY, QueryKind.ERRORS})
"""Kinds that are answered from ClickHouse alone."""
LIVE = MEASURED | {QueryKind.USAGE}
"""Kinds that can be grouped and filtered by what only ClickHouse has."""


class Versus(StrEnum):
    """What a period is compared with: the previous one, or the same one a unit of time earlier."""

    BEFORE = "before"
    DAY = "yesterday"
    WEEK = "last week"
    MONTH = "last month"
    YEAR = "last year"


class FileFormat(StrEnum):
    """A file to attach to the answer."""

    CSV = "csv"
    PDF = "pdf"
    SUMMARY = "pdf summary"


DEFAULT_TOP = 10


@dataclass(frozen=True, slots=True)
class Query:
    """One question. Without a metric, it is an overview of all three; `zone` None is the default.

    `extra` are words specific to its kind, in the order in which they were typed.
    """

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
    kind: QueryKind = QueryKind.USAGE
    extra: tuple[str, ...] = ()

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The requested metric, or all three."""
        return (self.metric,) if self.metric else tuple(Metric)

    @property
    def live_dimensions(self) -> tuple[Dimension, ...]:
        """What it is grouped or filtered by and only ClickHouse has."""
        used = (self.by, *(one.dimension for one in self.filters))
        return tuple(one for one in used if one is not None and NAMES[one].live)

    @property
    def live(self) -> bool:
        """Whether ClickHouse is asked for the answer, because stored usage doesn't have it."""
        return self.kind in MEASURED or bool(self.live_dimensions)

    def words(self) -> str:
        """The question in the grammar's own words; parsing them gives the same question."""
        parts: list[object] = [None if self.kind is QueryKind.USAGE else self.kind, *self.extra]
        default = DEFAULT_PERIODS.get(self.kind, DEFAULT)
        dated = self.kind not in WITHOUT_PERIOD or self.period != default
        parts += [self.metric, str(self.period) if dated else None]
        parts += [self.by and f"by {self.by}", *self.filters]
        parts += [None if self.source is MoneySource.ALL else self.source]
        parts += [None if self.top == DEFAULT_TOP else f"top {self.top}"]
        parts += [self.versus and f"vs {self.versus}"]
        parts += [self.zone and f"tz {self.zone}", *self.files, "share" if self.share else None]
        return " ".join(str(part) for part in parts if part)

    def command(self, name: str = "/activity") -> str:
        """The whole command, as typed."""
        return f"{name} {self.words()}"
