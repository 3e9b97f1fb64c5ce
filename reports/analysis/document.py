"""The content of the answer to a question of any kind except usage, independent of where it is
shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reports.questions.query import Query
from reports.questions.summary import ALL
from reports.questions.wording import compared_words, filter_words, range_words
from reports.time.time_range import TimeRange


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of the table for people; `right`: figures, aligned to the right."""

    title: str
    right: bool = True


@dataclass(frozen=True, slots=True)
class ExactTable:
    """The rows of the CSV file: exact figures, every group. Names are untrusted strings; a figure
    is an int, or a string in the columns listed in `figures` (counted from 0).
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]
    figures: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class WaterfallStep:
    """A bar of a waterfall: an amount added to the previous ones, or a level measured from zero."""

    label: str
    amount: int
    level: bool = False


def no_rows() -> ExactTable:
    """The table of an answer without rows for a file."""
    return ExactTable((), ())


@dataclass(frozen=True, slots=True)
class ShareChart:
    """Bars of a share, one for each bucket of the answer's range: `part` divided by `whole`.

    Buckets in which `whole` is 0 have no bar. `unknown` are the indexes of buckets without data.
    """

    name: str
    part: tuple[int, ...]
    whole: tuple[int, ...]
    unknown: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class LatencyChart:
    """Bars of p50 and p95 in microseconds, for each bucket; None in buckets without requests."""

    p50: tuple[int | None, ...]
    p95: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class AnalysisDocument:
    """The answer to a question of one kind.

    All text is plain, and escaped when it is rendered; names in it may contain anything.
    `sentences` go above the table, `notes` below it in small print. `range` is None if the answer
    is about now, `before` is the range that it is compared with. `exact` returns the rows of the
    CSV file and `data` the kind's own JSON, without
    the parts that all kinds share: messages need neither, and both contain every group. `groups`
    are the labels of the members that can be opened. `steps` are a waterfall in nano-dollars,
    `shares` are the bars of a share, `latency` those of latency; all are empty without such a
    chart. `ask_about` are keys, as (label, id), whose owners may be asked about them. `empty`:
    there were no figures to work with, which `sentences` explain.
    """

    query: Query
    title: str
    sentences: tuple[str, ...]
    as_of: datetime | None
    made: datetime
    range: TimeRange | None = None
    before: TimeRange | None = None
    partial: tuple[str, ...] = ()
    columns: tuple[TableColumn, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()
    exact: Callable[[], ExactTable] = no_rows
    data: Callable[[], Mapping[str, Any]] = dict
    groups: tuple[str, ...] = ()
    steps: tuple[WaterfallStep, ...] = ()
    shares: ShareChart | None = None
    latency: LatencyChart | None = None
    ask_about: tuple[tuple[str, str], ...] = ()
    empty: bool = False

    @property
    def charted(self) -> bool:
        """Whether the answer has a chart."""
        return bool(self.steps or self.shares or self.latency)

    @property
    def when(self) -> str:
        """The range that the answer covers, after the one it is compared with; "" without one."""
        if self.range is None:
            return ""
        return compared_words(self.before, self.range) if self.before else range_words(self.range)

    @property
    def scope(self) -> str:
        """The range that the answer covers, and its filters."""
        return ", ".join(part for part in (self.when, filter_words(self.query)) if part)


def json_groups(
    query: Query, groups: Iterable[Mapping[str, Any]], whole: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """The groups of an answer as JSON values; without a grouping, the whole as one named `all`.

    Groups have a `label` and the same figures as `whole`.
    """
    return list(groups) if query.by else [{"label": ALL, **whole}]
