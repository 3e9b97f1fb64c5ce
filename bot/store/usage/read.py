"""Reads stored usage: sums by bucket and group for answers, and single rows for files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from heapq import nlargest
from itertools import pairwise
from operator import add, sub
from typing import NamedTuple

from bot.store.connection import Connection
from bot.store.encoding import (
    ALL_OF,
    DIMENSION,
    DIMENSIONS,
    GRANULARITY,
    MEMBERS_OF,
    MODELS_OF,
    PART_SECONDS,
    StoredView,
    from_seconds,
    has_sums,
    part,
    to_seconds,
)
from bot.store.usage import filled_months, imported, model_sums
from bot.store.usage.complement import StoredSums, Term, everybody, terms
from bot.store.usage.selection import Ids, Selection
from reports.time.time_range import STEP, Granularity, TimeRange, floor, next_bucket
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.usage import ZERO, Usage, minus, plus, total

SUMS = ", ".join(f"SUM(t.{name})" for name in Usage._fields)
"""The sums of all figures of table `t`, in the order of Usage."""
ANY_USAGE = ("t.requests + t.prompt + t.completion + t.cached", "t.credits + t.byok")
"""Values that aren't all 0 if there is any usage: the other figures are parts of these. Money has a
sum of its own, because it may be negative."""
_VALUES = {
    (Metric.SPEND, MoneySource.ALL): "t.credits + t.byok",
    (Metric.SPEND, MoneySource.CREDITS): "t.credits",
    (Metric.SPEND, MoneySource.BYOK): "t.byok",
    (Metric.TOKENS, MoneySource.ALL): "t.prompt + t.completion",
    (Metric.REQUESTS, MoneySource.ALL): "t.requests",
}
ALWAYS_SOUGHT = frozenset({Granularity.DAY, Granularity.MONTH})
"""Of these, members are sought in each bucket: even of half of the members, with gaps between all
ids, the rows then take as long as scanned ones, and a tenth of the members takes a quarter. A
bucket of hours has fewer rows than there are members."""
_SEEK_SCANS = {
    Granularity.MINUTE: 50, Granularity.HOUR: 10, Granularity.DAY: 1, Granularity.MONTH: 1,
}  # fmt: skip
"""How many members' rows are scanned while one is sought. Few keys are used in a given minute, and
half of them in a given hour, so these buckets have few rows."""
_FEW_MEMBERS = 20
"""So few are always sought: that takes less than counting all members."""
_MOST = 0.5
"""Of a larger share of the members, the sums of all are read: looking up those of one member takes
2.4 times as long as reading them with those of all others."""
_MANY_TO_SORT = 100
"""From this many selected members on, their rows are not sorted by bucket, and it is worthwhile to
count all members."""
ID_LIMIT = 2**31
"""Ids are below this, so two of them can be one integer."""


class Span(NamedTuple):
    """A granularity to read at, and the start and end (seconds, half-open) to read.

    Only members with ids above `member`; -1 means all of them.
    """

    granularity: Granularity
    start: int
    end: int
    member: int = -1


Row = tuple[int, int, int, Usage]
"""Index of the bucket, member (or 0), model, usage."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The requested groups: the `top` largest by each of the metrics, of a source of money."""

    top: int
    metrics: tuple[Metric, ...]
    source: MoneySource


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """The usage of all groups by bucket, series of the requested groups, and the number of groups.

    `series` has usage by the index of the bucket, by the group's member id.
    """

    whole: tuple[Usage, ...]
    series: Mapping[int, Mapping[int, Usage]]
    count: int


@dataclass(frozen=True, slots=True)
class _Table:
    """The tables that usage is read from: a FROM and a WHERE with their parameters."""

    tables: str
    where: str
    params: tuple[object, ...]
    group: str
    sums: bool = False
    """Whether there is one row for each member and bucket, sorted by member in each part."""
    figures: frozenset[str] = frozenset(Usage._fields)
    """The figures to read; the others are 0."""

    @property
    def columns(self) -> str:
        """The figures of a row, in the order of Usage."""
        return ", ".join(f"t.{name}" if name in self.figures else "0" for name in Usage._fields)

    @property
    def summed(self) -> str:
        """The sums of the figures, in the order of Usage."""
        return ", ".join(
            f"SUM(t.{name})" if name in self.figures else "0" for name in Usage._fields
        )


def group_column(by: Dimension | None) -> str:
    """The column of table `t` (usage) that a dimension groups by."""
    if by is None:
        return "0"
    return "t.model" if DIMENSIONS[by].view is None else "t.member"


def stored_buckets(wanted: TimeRange, stored: Granularity) -> dict[int, int]:
    """The stored buckets (seconds) of a range, each with the index of the range's bucket.

    Months include their days, because some are read in addition to the month.
    """
    if stored is wanted.granularity and stored is not Granularity.MONTH:
        return {to_seconds(bucket): index for index, bucket in enumerate(wanted.buckets)}
    days = Granularity.DAY if stored is Granularity.MONTH else stored
    step = int(STEP[days].total_seconds())
    edges = [to_seconds(edge) for edge in (*wanted.buckets, wanted.end)]
    return {
        at: index
        for index, (start, end) in enumerate(pairwise(edges))
        for at in range(start, end, step)
    }


def read(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    ranking: Ranking | None,
) -> UsageTotals:
    """The figures of a selection in one view; without a ranking, the series of all groups."""
    table = selected_table(connection, selection, wanted, stored)
    places = stored_buckets(wanted, resolution(wanted, stored))
    if selection.by is Dimension.MODEL and not table.sums:
        # there are few models, so rows are read only once for the whole, the ranking and the series
        series = _read_series(
            connection, selection, wanted, stored,
            lambda part: series_by_model(connection, part, wanted, stored),
        )  # fmt: skip
        return _ranked(series, len(wanted.buckets), ranking)
    whole = read_whole(connection, selection, wanted, stored)
    if selection.by is None:
        return UsageTotals(whole, {0: dict(enumerate(whole))}, 1)
    if ranking:
        values = values_by_group(
            connection, selection, wanted, stored, ranking.metrics, ranking.source
        )
        count, chosen = len(values), frozenset(largest(values, ranking.top))
        some = selection.only(selection.by, chosen)
        table = selected_table(connection, some, wanted, stored)
        series = _series(connection, table, places)
    else:
        series = _series(connection, table, places)
        count = len(series)
    return UsageTotals(whole, series, count)


def series_by_model(
    connection: Connection, selection: Selection, wanted: TimeRange, stored: Granularity
) -> dict[int, dict[int, Usage]]:
    """The series of models, from usage rows of some keys or creators.

    Where the database would sort all rows, each bucket is a statement; but not minutes, which have
    so few rows that the statements would take longer.
    """
    table = selected_table(connection, selection, wanted, stored)
    if connection.sorts_groups and not table.sums and stored is not Granularity.MINUTE:
        return _series_by_bucket(connection, selection, wanted, stored)
    return _series(connection, table, stored_buckets(wanted, resolution(wanted, stored)))


def signed_terms(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    *,
    grouped: bool = True,
) -> Sequence[Term]:
    """What to add and subtract to read the usage of a range: see bot.store.usage.complement."""
    grain = resolution(wanted, stored)
    if selection.crossed or _has_months_of_files(connection, wanted, grain):
        return [Term(1, selection)]
    view, code = selection.view, GRANULARITY[grain]

    @cache
    def of_models() -> bool:
        return _has_model_sums(connection, view, wanted, grain)

    sums = StoredSums(has_sums(MEMBERS_OF[view], code), of_models)
    return terms(connection, selection, sums, grouped=grouped)


def _has_model_sums(
    connection: Connection, view: StoredView, wanted: TimeRange, grain: Granularity
) -> bool:
    """Whether the sums by model of a view can be read for a range, and for the months in it."""
    if view is StoredView.KEY:
        return True
    start, end = to_seconds(wanted.start), to_seconds(wanted.end)
    if not model_sums.add_up(connection, GRANULARITY[grain], start, end):
        return False
    if wanted.granularity is not Granularity.DAY:
        return True
    month = to_seconds(floor(wanted.start, Granularity.MONTH))
    return model_sums.add_up(connection, GRANULARITY[Granularity.MONTH], month, end)


def combined(
    found: Iterable[tuple[int, Mapping[int, Mapping[int, Usage]]]],
) -> dict[int, dict[int, Usage]]:
    """Series that are added (1) and subtracted (-1), without groups and buckets without usage."""
    together: dict[int, dict[int, Usage]] = {}
    for sign, series in found:
        operation = plus if sign > 0 else minus
        for group, buckets in series.items():
            into = together.setdefault(group, {})
            for at, usage in buckets.items():
                into[at] = operation(into.get(at, ZERO), usage)
    left = {
        group: {at: usage for at, usage in buckets.items() if usage != ZERO}
        for group, buckets in together.items()
    }
    return {group: buckets for group, buckets in left.items() if buckets}


def _read_series(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    each: Callable[[Selection], dict[int, dict[int, Usage]]],
) -> dict[int, dict[int, Usage]]:
    """The series of a selection, which `each` reads of a selection."""
    parts = signed_terms(connection, selection, wanted, stored)
    if len(parts) == 1:
        return each(selection)
    return combined((sign, each(part)) for sign, part in parts)


def _ranked(
    series: Mapping[int, Mapping[int, Usage]], count: int, ranking: Ranking | None
) -> UsageTotals:
    """The totals of all groups; with a ranking, with the series of the largest groups only.

    `count` is the number of buckets.
    """
    groups: list[list[Usage]] = [[] for _ in range(count)]
    for buckets in series.values():
        for index, usage in buckets.items():
            groups[index].append(usage)
    whole = tuple(map(total, groups))
    if ranking is None:
        return UsageTotals(whole, series, len(series))
    sums = {group: total(buckets.values()) for group, buckets in series.items()}
    sources = {
        metric: ranking.source if metric is Metric.SPEND else MoneySource.ALL
        for metric in ranking.metrics
    }
    rows = [
        (group, *(used.value(metric, source) for metric, source in sources.items()))
        for group, used in sums.items()
    ]
    chosen = largest(rows, ranking.top)
    return UsageTotals(whole, {group: series[group] for group in chosen}, len(series))


def largest(rows: Sequence[Sequence[int]], top: int) -> list[int]:
    """The groups that are largest by any value; each row has a group's id and its values.

    If values are equal, the lower id comes first, so that repeated answers don't differ.
    """
    chosen: set[int] = set()
    for column in range(1, len(rows[0]) if rows else 0):
        order = [(row[column], -row[0]) for row in rows]
        chosen.update(-id_ for _, id_ in nlargest(top, order))
    return sorted(chosen)


def series_by_owner(
    connection: Connection,
    by_key: Selection,
    wanted: TimeRange,
    stored: Granularity,
    no_creator: int,
) -> dict[int, dict[int, Usage]]:
    """The series of a selection by key, grouped by the creators who own the keys.

    `no_creator` is the id under which the usage of keys without one is listed.
    """
    places = stored_buckets(wanted, resolution(wanted, stored))

    def each(part: Selection) -> dict[int, dict[int, Usage]]:
        table = selected_table(connection, part, wanted, stored)
        owned = replace(table, tables=f"{table.tables} CROSS JOIN member o",
                        group=f"COALESCE(o.owner, {no_creator})",
                        where=f"{table.where} AND o.id = t.member")  # fmt: skip
        return _series(connection, owned, places)

    return _read_series(connection, by_key, wanted, stored, each)


def values_by_group(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    metrics: Iterable[Metric],
    source: MoneySource,
) -> list[tuple[int, ...]]:
    """Each group and its values of some metrics, in the order of the groups."""
    columns = value_columns(metrics, source)
    return sums_by_group(connection, selection, wanted, stored, columns)


def usage_by_group(
    connection: Connection, selection: Selection, wanted: TimeRange, stored: Granularity
) -> dict[int, Usage]:
    """The usage of a whole range by group, in the order of the groups."""
    names = [name for name in Usage._fields if name in selection.figures]
    found = sums_by_group(connection, selection, wanted, stored, [f"t.{name}" for name in names])
    return {group: Usage(**dict(zip(names, used, strict=True))) for group, *used in found}


def read_series(
    connection: Connection, selection: Selection, wanted: TimeRange, stored: Granularity
) -> dict[int, dict[int, Usage]]:
    """The series of all groups of a selection in one view."""
    places = stored_buckets(wanted, resolution(wanted, stored))

    def each(part: Selection) -> dict[int, dict[int, Usage]]:
        return _series(connection, selected_table(connection, part, wanted, stored), places)

    return _read_series(connection, selection, wanted, stored, each)


def value_columns(metrics: Iterable[Metric], source: MoneySource) -> list[str]:
    """What to read of table `t` (usage or sums) for some metrics; spend is of a source."""
    return [_VALUES[one, source if one is Metric.SPEND else MoneySource.ALL] for one in metrics]


def read_whole(
    connection: Connection, selection: Selection, wanted: TimeRange, stored: Granularity
) -> tuple[Usage, ...]:
    """The usage of each bucket, from the view for the grouping, without its groups."""
    parts = signed_terms(connection, selection, wanted, stored, grouped=False)
    whole = [ZERO] * len(wanted.buckets)
    for sign, one in parts:
        found = _whole_of(connection, one, wanted, stored)
        if len(parts) == 1:
            return found
        whole = list(map(plus if sign > 0 else minus, whole, found))
    return tuple(whole)


def _whole_of(
    connection: Connection, selection: Selection, wanted: TimeRange, stored: Granularity
) -> tuple[Usage, ...]:
    grain, count = resolution(wanted, stored), len(wanted.buckets)
    table = _whole_table(connection, selection, wanted, grain)
    by_bucket = connection.sorts_groups and stored is not Granularity.MINUTE
    if not table.sums and selection.owners is not None and by_bucket:
        found = _series_by_bucket(connection, selection.grouped(None), wanted, stored)
        return _usage_of_buckets(found.get(0, {}), count)
    return _spread(_by_bucket(connection, table), stored_buckets(wanted, grain), count)


def read_whole_spend(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    source: MoneySource,
) -> list[int]:
    """Only the spend (nano-dollars, of a source of money) in what `read_whole` returns."""
    spent: list[int] = [0] * len(wanted.buckets)
    for sign, one in signed_terms(connection, selection, wanted, stored, grouped=False):
        found = _whole_spend_of(connection, one, wanted, stored, source)
        spent = [before + sign * more for before, more in zip(spent, found, strict=True)]
    return spent


def _whole_spend_of(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    source: MoneySource,
) -> list[int]:
    grain = resolution(wanted, stored)
    table = _whole_table(connection, selection, wanted, grain)
    value, summed = (
        _VALUES[Metric.SPEND, source],
        _summed_whole(connection, selection, wanted, grain),
    )
    if table.sums and summed is not None and selection.owners is not None:
        spent = Counter(
            _spend_of_members(connection, summed[0], selection.owners, wanted, grain, value)
        )
    else:
        spent = Counter(_spend_by_bucket(connection, table, value))
    found = [0] * len(wanted.buckets)
    for bucket, index in stored_buckets(wanted, grain).items():
        found[index] += spent[bucket]
    return found


def _spend_by_bucket(connection: Connection, table: _Table, value: str) -> dict[int, int]:
    """What was spent in each stored bucket (seconds) with any usage."""
    statement = (
        f"SELECT t.bucket, SUM({value}) FROM {table.tables} WHERE {table.where} GROUP BY t.bucket"
    )
    return dict(connection.execute(statement, table.params).fetchall())


def _spend_of_members(
    connection: Connection,
    dimension: int,
    ids: Ids,
    wanted: TimeRange,
    grain: Granularity,
    value: str,
) -> dict[int, int]:
    """What some keys or creators spent together in each stored bucket (seconds)."""
    if len(ids) < _MANY_TO_SORT or grain is Granularity.MONTH:
        return _spend_by_bucket(connection, _totals(dimension, ids, wanted, grain, "0"), value)
    # instead of sorting all rows by bucket, a column for each of the few buckets of a part
    found: dict[int, int] = {}
    code, listed = GRANULARITY[grain], runs(ids)
    step, length = int(STEP[grain].total_seconds()), PART_SECONDS[code]
    start, end = to_seconds(wanted.start), to_seconds(wanted.end)
    for number in range(part(code, start), part(code, end - 1) + 1):
        buckets = range(max(start, number * length), min(end, (number + 1) * length), step)
        columns = ", ".join([f"SUM({value}) FILTER (WHERE t.bucket = ?)"] * len(buckets))
        row = connection.execute(
            f"SELECT {columns} FROM numbers(?) m CROSS JOIN sought(total t ON t.dimension = ?"
            " AND t.granularity = ? AND t.part = ?"
            " AND t.member BETWEEN m.value / ? AND m.value % ?)",
            (*buckets, listed, dimension, code, number, ID_LIMIT, ID_LIMIT),
        ).fetchone()
        found.update((at, spent or 0) for at, spent in zip(buckets, row, strict=True))
    return found


def runs(ids: Ids) -> list[int]:
    """The first and the last of ids that follow each other, as one number.

    It is `first * ID_LIMIT + last`. Keys that were created together often have such ids, and a run
    is found with one seek.
    """
    found: list[list[int]] = []
    for id_ in sorted(ids):
        if found and found[-1][1] == id_ - 1:
            found[-1][1] = id_
        else:
            found.append([id_, id_])
    return [first * ID_LIMIT + last for first, last in found]


def read_sum(
    connection: Connection, selection: Selection, wanted: TimeRange, stored: Granularity
) -> Usage:
    """The usage of a whole range: the sum of what `read_whole` returns."""
    names = [name for name in Usage._fields if name in selection.figures]
    values = sum_values(connection, selection, wanted, stored, [f"t.{name}" for name in names])
    return Usage(**dict(zip(names, values, strict=True)))


def _whole_table(
    connection: Connection, selection: Selection, wanted: TimeRange, grain: Granularity
) -> _Table:
    """The table that the usage of all groups of a selection is read from."""
    table = _table(connection, selection, wanted, grain)
    if _has_months_of_files(connection, wanted, grain):
        return table
    summed = _summed_whole(connection, selection, wanted, grain)
    if summed is None or summed == _summed(selection):
        return table
    return replace(_totals(*summed, wanted, grain, "0"), figures=selection.figures)


def resolution(wanted: TimeRange, stored: Granularity) -> Granularity:
    """The granularity to read: months if the range consists of whole UTC months."""
    months = wanted.granularity is Granularity.MONTH and stored is Granularity.DAY
    whole = all(floor(edge, Granularity.MONTH) == edge for edge in (*wanted.buckets, wanted.end))
    return Granularity.MONTH if months and whole else stored


def sum_of_all(connection: Connection, code: int, start: int, end: int) -> Usage:
    """The sum of a granularity's buckets from `start` until before `end` (seconds)."""
    found = connection.execute(
        f"SELECT {SUMS} FROM total t WHERE t.dimension = ? AND t.granularity = ?"
        " AND t.part BETWEEN ? AND ? AND t.bucket >= ? AND t.bucket < ?",
        (ALL_OF[StoredView.KEY], code, part(code, start), part(code, end), start, end),
    ).fetchone()
    return ZERO if found[0] is None else Usage(*found)


def rows(
    connection: Connection, selection: Selection, wanted: TimeRange, stored: Granularity
) -> Iterator[Row]:
    """Usage rows of one view, newest bucket first: bucket's index, member, model, usage.

    The member is 0 unless the question groups by key or creator.
    """
    member = "t.member" if group_column(selection.by) == "t.member" else "0"
    for index, table in _tables_of_buckets(connection, selection, wanted, stored):
        statement = (
            f"SELECT {member}, t.model, {SUMS} FROM {table.tables} WHERE {table.where}"
            " GROUP BY 1, 2"
        )
        for found in connection.stream(statement, table.params):
            yield index, found[0], found[1], Usage(*found[2:])


def _tables_of_buckets(
    connection: Connection, selection: Selection, wanted: TimeRange, stored: Granularity
) -> Iterator[tuple[int, _Table]]:
    """The usage rows of each bucket of a range, and its index; the newest bucket first."""
    edges = [to_seconds(edge) for edge in (*wanted.buckets, wanted.end)]
    spans = _usage_spans(connection, selection, wanted, resolution(wanted, stored))
    for index in range(len(wanted.buckets) - 1, -1, -1):
        yield index, _usage(connection, selection, _cut(spans, edges[index], edges[index + 1]))


def _summed(selection: Selection) -> tuple[int, Ids | None] | None:
    """The code of the dimension whose sums can be used, and its allowed members (None: all).

    None if the selection uses several dimensions, for which no sums are stored.
    """
    used = {selection.by, *(dimension for dimension, _ in selection.members)} - {None}
    if len(used) > 1:
        return None
    for dimension in used:
        if dimension is Dimension.MODEL:
            return MODELS_OF[selection.view], selection.ids(dimension)
        if dimension is not None:
            return DIMENSION[dimension], selection.ids(dimension)
    return ALL_OF[selection.view], None


def _summed_whole(
    connection: Connection, selection: Selection, wanted: TimeRange, grain: Granularity
) -> tuple[int, Ids | None] | None:
    """The same for all groups together."""
    filtered = [dimension for dimension, _ in selection.members]
    if not filtered:
        return ALL_OF[selection.view], None
    if filtered == [Dimension.MODEL] and _has_model_sums(connection, selection.view, wanted, grain):
        return MODELS_OF[selection.view], selection.ids(Dimension.MODEL)
    return _summed(selection)


def _spans(wanted: TimeRange, stored: Granularity) -> tuple[Span, ...]:
    """The spans to read usage rows of a range in: whole months by month, other days by day.

    A year by month has a twelfth of the rows of a year by day.
    """
    edges = [*wanted.buckets, wanted.end]
    if wanted.granularity is not Granularity.MONTH or stored is not Granularity.DAY:
        return (Span(stored, to_seconds(edges[0]), to_seconds(edges[-1])),)
    spans: list[Span] = []
    for start, end in pairwise(edges):
        whole = floor(start, Granularity.MONTH) == start and floor(end, Granularity.MONTH) == end
        grain = Granularity.MONTH if whole else stored
        span = Span(grain, to_seconds(start), to_seconds(end))
        if spans and spans[-1].granularity is grain:
            span = span._replace(start=spans.pop().start)
        spans.append(span)
    return tuple(spans)


def _usage_spans(
    connection: Connection, selection: Selection, wanted: TimeRange, grain: Granularity
) -> tuple[Span, ...]:
    """The spans of a selection's rows, with the days that the rows by month don't include yet."""
    spans = _spans(wanted, grain)
    months = [span for span in spans if span.granularity is Granularity.MONTH]
    after = filled_months.unfilled(connection, selection.view) if months else None
    if after is None:
        return spans
    of_files = imported.months(connection)
    days = [day for span in months for day in after.days(span.start, span.end, of_files)]
    return (*spans, *(Span(Granularity.DAY, *day) for day in days))


def _has_months_of_files(connection: Connection, wanted: TimeRange, grain: Granularity) -> bool:
    """Whether a range that is read by day has a month that was imported without days."""
    if wanted.granularity is not Granularity.MONTH or grain is not Granularity.DAY:
        return False
    whole = [span for span in _spans(wanted, grain) if span.granularity is Granularity.MONTH]
    months = imported.months(connection)
    return any(span.start <= month < span.end for span in whole for month in months)


def _cut(spans: Iterable[Span], start: int, end: int) -> tuple[Span, ...]:
    """The parts of spans between two times (seconds)."""
    cut = (span._replace(start=max(start, span.start), end=min(end, span.end)) for span in spans)
    return tuple(span for span in cut if span.start < span.end)


def _table(
    connection: Connection, selection: Selection, wanted: TimeRange, grain: Granularity
) -> _Table:
    summed = _summed(selection)
    stored = summed is not None and has_sums(summed[0], GRANULARITY[grain])
    if summed is None or not stored or _has_months_of_files(connection, wanted, grain):
        group = group_column(selection.by)
        usage = _usage(connection, selection, _usage_spans(connection, selection, wanted, grain))
        return replace(usage, group=group)
    dimension, ids = summed
    table = _totals(dimension, ids, wanted, grain, "0" if selection.by is None else "t.member")
    return replace(table, figures=selection.figures)


def _totals(
    dimension: int, ids: Ids | None, wanted: TimeRange, grain: Granularity, group: str
) -> _Table:
    span = Span(grain, to_seconds(wanted.start), to_seconds(wanted.end))
    return _totals_of(dimension, ids, span, group)


def _totals_of(dimension: int, ids: Ids | None, span: Span, group: str) -> _Table:
    code, start, end = GRANULARITY[span.granularity], span.start, span.end
    first, last = part(code, start), part(code, max(start, end - 1))
    where = "t.dimension = ? AND t.granularity = ? AND t.bucket >= ? AND t.bucket < ?"
    params: tuple[object, ...] = (dimension, code, start, end)
    if ids is None:  # a scan of the parts
        where += " AND t.part BETWEEN ? AND ?"
        return _Table("total t", where, (*params, first, last), group, sums=True)
    # CROSS JOIN keeps the order: one seek for each member and part, then a short scan
    tables = "numbers(?) m CROSS JOIN numbers(?) p CROSS JOIN total t"
    where += " AND t.part = p.value AND t.member = m.value"
    lists = sorted(ids), list(range(first, last + 1))
    return _Table(tables, where, (*lists, *params), group, sums=True)


def selected_table(
    connection: Connection, selection: Selection, wanted: TimeRange, stored: Granularity
) -> _Table:
    """The table for the groups of a selection: stored sums if there are any."""
    return _table(connection, selection, wanted, resolution(wanted, stored))


def _tables_of_sums(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    *,
    whole: bool = False,
) -> list[_Table]:
    """Where the groups of a selection, or the `whole`, are read from if only sums of the whole
    range are wanted: of a range of days, whole months by month, which are some twentieth of the
    rows.
    """
    if whole:
        table = _whole_table(connection, selection, wanted, resolution(wanted, stored))
    else:
        table = selected_table(connection, selection, wanted, stored)
    months = _months_in(connection, wanted, stored)
    if months is None:
        return [table]
    first, after = to_seconds(wanted.start), max(months.end, to_seconds(wanted.end))
    spans = [
        Span(Granularity.DAY, first, months.start),
        months,
        Span(Granularity.DAY, months.end, after),
    ]
    spans = [span for span in spans if span.start < span.end]
    summed = _summed(selection)
    if whole:
        summed = _summed_whole(connection, selection, wanted, resolution(wanted, stored))
    if table.sums and summed is not None:
        return [_totals_of(*summed, span, table.group) for span in spans]
    unfilled = filled_months.unfilled(connection, selection.view)
    if unfilled is not None:
        spans += [
            Span(Granularity.DAY, *day) for day in unfilled.days(months.start, months.end, ())
        ]
    usage = _usage(connection, selection, spans)
    return [_Table(usage.tables, usage.where, usage.params, table.group)]


def _months_in(connection: Connection, wanted: TimeRange, stored: Granularity) -> Span | None:
    """The whole months in a range of days; a month that has no usage after the range is whole.

    None if there is none, or if a month was imported: its days may not be stored.
    """
    if wanted.granularity is not Granularity.DAY or stored is not Granularity.DAY:
        return None
    first = floor(wanted.start, Granularity.MONTH)
    if first < wanted.start:
        first = next_bucket(first, Granularity.MONTH)
    last = floor(wanted.end, Granularity.MONTH)
    if last < wanted.end:
        following = next_bucket(last, Granularity.MONTH)
        last = last if _used_between(connection, wanted.end, following) else following
    start, end = to_seconds(first), to_seconds(last)
    if start >= end or any(start <= month < end for month in imported.months(connection)):
        return None
    return Span(Granularity.MONTH, start, end)


def _used_between(connection: Connection, start: datetime, end: datetime) -> bool:
    """Whether there is any usage on the days between two times."""
    code, at, until = GRANULARITY[Granularity.DAY], to_seconds(start), to_seconds(end)
    found = connection.execute(
        f"SELECT 1 FROM total WHERE dimension IN ({', '.join(map(str, ALL_OF.values()))})"
        " AND granularity = ? AND part BETWEEN ? AND ? AND bucket >= ? AND bucket < ? LIMIT 1",
        (code, part(code, at), part(code, until - 1), at, until),
    ).fetchone()
    return found is not None


def sums_are_stored(
    connection: Connection, selection: Selection, wanted: TimeRange, stored: Granularity
) -> bool:
    """Whether sums of the groups of a selection are stored, so that no usage rows are read."""
    return selected_table(connection, selection, wanted, stored).sums


def usage_table(
    connection: Connection, selection: Selection, wanted: TimeRange, stored: Granularity
) -> _Table:
    """The usage rows of a selection over a whole range, at the range's `resolution`."""
    grain = resolution(wanted, stored)
    return _usage(connection, selection, _usage_spans(connection, selection, wanted, grain))


def model_filter(selection: Selection) -> tuple[str, tuple[object, ...]]:
    """A condition on the models of table `t`, to be appended to others, and its parameters."""
    models = selection.ids(Dimension.MODEL)
    if models is None:
        return "", ()
    return " AND listed(t.model, ?)", (sorted(models),)


def bucket_starts(span: Span) -> list[int]:
    """The starts (seconds) of the stored buckets of a span."""
    if span.granularity is not Granularity.MONTH:
        return list(range(span.start, span.end, int(STEP[span.granularity].total_seconds())))
    months = []
    start = span.start
    while start < span.end:
        months.append(start)
        start = to_seconds(next_bucket(from_seconds(start), Granularity.MONTH))
    return months


def _usage(connection: Connection, selection: Selection, spans: Sequence[Span]) -> _Table:
    view, members = int(selection.view), selection.owners
    buckets = [
        (GRANULARITY[span.granularity], bucket, span.member)
        for span in spans
        for bucket in bucket_starts(span)
    ]
    of_models, listed = model_filter(selection)
    params: tuple[object, ...]
    # a single span needs no seeks where those that aren't listed are skipped in the index
    seeks = len(spans) > 1 or not connection.skips_in_index
    if seeks and members is not None and _are_sought(connection, view, len(members), spans):
        params = (sorted(members), view)
        if len(spans) == 1:
            tables = "numbers(?) b CROSS JOIN numbers(?) m CROSS JOIN usage t"
            where = "t.view = ? AND t.member = m.value AND t.granularity = ? AND t.bucket = b.value"
            where += of_models
            params = ([bucket for _, bucket, _ in buckets], *params, buckets[0][0])
        else:
            sought = (
                "t.view = ? AND t.member = m.value AND t.granularity = b.column1"
                f" AND t.bucket = b.column2{of_models}"
            )
            tables = (
                f"{constants(buckets)} b CROSS JOIN numbers(?) m"
                f" CROSS JOIN sought(usage t ON {sought})"
            )
            # m.value, because SQLite would otherwise use t.member > ... instead of t.member = ...
            where = "m.value > b.column3"
            params = (*(value for bucket in buckets for value in bucket), *params)
    else:
        of_members = "" if members is None else " AND listed(t.member, ?)"
        tables, where, params = _scan(view, spans, of_members + of_models)
        if members is not None:
            params = (*params, sorted(members))
    params = (*params, *listed)
    return _Table(tables, where, params, "t.member", figures=selection.figures)


def _are_sought(connection: Connection, view: int, members: int, spans: Sequence[Span]) -> bool:
    """Whether so many members are sought in each bucket of spans, or all rows are scanned."""
    if all(span.granularity in ALWAYS_SOUGHT for span in spans):
        return True
    if members <= _FEW_MEMBERS:
        return True
    every = len(everybody(connection, MEMBERS_OF[view]))
    return all(members * _SEEK_SCANS[span.granularity] <= every for span in spans)


def _scan(view: int, spans: Sequence[Span], more: str) -> tuple[str, str, tuple[object, ...]]:
    """A FROM, a WHERE and their parameters: one seek and a scan for each span.

    `more` are further conditions, whose parameters follow.
    """
    if len(spans) == 1:
        (stored, start, end, _), tables = spans[0], "usage t"
        where = "t.view = ? AND t.granularity = ? AND t.bucket >= ? AND t.bucket < ?"
        return tables, where + more, (view, GRANULARITY[stored], start, end)
    coded = [(GRANULARITY[stored], *span) for stored, *span in spans]
    sought = (
        "t.view = ? AND t.granularity = s.column1 AND t.bucket >= s.column2"
        f" AND t.bucket < s.column3{more}"
    )
    where = "t.member > s.column4" if any(span.member >= 0 for span in spans) else "TRUE"
    params = (*(value for span in coded for value in span), view)
    return f"{constants(coded)} s CROSS JOIN sought(usage t ON {sought})", where, params


def constants(rows: Sequence[Sequence[int]]) -> str:
    """A table of constants for a FROM, with a parameter for each value."""
    row = f"({', '.join('?' * len(rows[0]))})"
    return f"(VALUES {', '.join([row] * len(rows))})"


def sums_by_group(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    values: Sequence[str],
) -> list[tuple[int, ...]]:
    """Each group and the sums of some values of table `t`, in the order of the groups.

    Without groups of which nothing remains after what isn't selected was subtracted.
    """
    parts = signed_terms(connection, selection, wanted, stored)
    if len(parts) == 1:
        return _sums_by_group(connection, selection, wanted, stored, values)
    sums: dict[int, list[int]] = {}
    for sign, one in parts:
        every = [*values, *ANY_USAGE]
        for group, *more in _sums_by_group(connection, one, wanted, stored, every):
            into = sums.setdefault(group, [0] * len(every))
            into[:] = [before + sign * value for before, value in zip(into, more, strict=True)]
    return [(group, *found[: len(values)]) for group, found in sorted(sums.items()) if any(found)]


def _sums_by_group(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    values: Sequence[str],
) -> list[tuple[int, ...]]:
    tables = _tables_of_sums(connection, selection, wanted, stored)
    ids = selection.owners
    if tables[0].sums and ids is not None and _are_most(connection, selection):
        every = _sums_by_group(connection, Selection(selection.by), wanted, stored, values)
        return [row for row in every if row[0] in ids]
    summed = ", ".join(f"SUM({value}) AS c{n}" for n, value in enumerate(values))
    # stored sums are grouped in storage order first, because a part has the rows of a member side
    # by side
    statements = [
        f"SELECT {table.group} AS place, {summed} FROM {table.tables} WHERE {table.where}"
        f" GROUP BY {'t.part, t.member' if table.sums else '1'}"
        for table in tables
    ]
    statement = statements[0]
    if tables[0].sums:
        together = ", ".join(f"SUM(c{n})" for n in range(len(values)))
        statement = f"SELECT place, {together} FROM ({' UNION ALL '.join(statements)}) r GROUP BY 1"
    params = [one for table in tables for one in table.params]
    return connection.execute(f"{statement} ORDER BY 1", params).fetchall()


def _are_most(connection: Connection, selection: Selection) -> bool:
    """Whether so many of the keys or creators that a selection is grouped by are selected that
    their sums take longer to look up than all sums to read."""
    selected = len(selection.owners or ())
    if selected < _MANY_TO_SORT or [one for one, _ in selection.members] != [selection.by]:
        return False
    code = MEMBERS_OF[selection.view]
    found = connection.execute("SELECT COUNT(*) FROM member WHERE dimension = ?", (code,))
    count: int = found.fetchone()[0]
    return selected >= count * _MOST


def sum_values(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    values: Sequence[str],
) -> list[int]:
    """The sums of some values of table `t`, of all groups together."""
    summed, found = ", ".join(f"SUM({value})" for value in values), [0] * len(values)
    for sign, one in signed_terms(connection, selection, wanted, stored, grouped=False):
        for table in _tables_of_sums(connection, one, wanted, stored, whole=True):
            # without GROUP BY: SQLite would sort all rows by a constant
            statement = f"SELECT {summed} FROM {table.tables} WHERE {table.where}"
            row = connection.execute(statement, table.params).fetchone()
            if row[0] is not None:
                found = list(map(add if sign > 0 else sub, found, row))
    return found


def _series_by_bucket(
    connection: Connection, selection: Selection, wanted: TimeRange, stored: Granularity
) -> dict[int, dict[int, Usage]]:
    """The series of the groups of usage rows, read bucket by bucket."""
    series: dict[int, dict[int, Usage]] = {}
    group = group_column(selection.by)
    grouped = " GROUP BY 1" if selection.by else ""  # SQLite would sort by a constant as well
    for index, table in _tables_of_buckets(connection, selection, wanted, stored):
        statement = (
            f"SELECT {group}, {table.summed} FROM {table.tables} WHERE {table.where}{grouped}"
        )
        for row in connection.execute(statement, table.params):
            if row[1] is not None:
                series.setdefault(row[0], {})[index] = Usage._make(row[1:])
    return series


def _series(
    connection: Connection, table: _Table, places: Mapping[int, int]
) -> dict[int, dict[int, Usage]]:
    series: dict[int, dict[int, Usage]] = {}
    grouped = table.sums and table.group == "t.member"
    statement = (
        f"SELECT {table.group}, t.bucket, {table.columns if grouped else table.summed}"
        f" FROM {table.tables} WHERE {table.where}{'' if grouped else ' GROUP BY 1, 2'}"
    )
    for row in connection.execute(statement, table.params):
        group, bucket = row[:2]
        index = places.get(bucket)
        if index is not None:
            by_bucket = series.setdefault(group, {})
            before = by_bucket.get(index)
            usage = Usage._make(row[2:])
            by_bucket[index] = usage if before is None else plus(before, usage)
    return series


def _usage_of_buckets(found: Mapping[int, Usage], count: int) -> tuple[Usage, ...]:
    return tuple(found.get(index, ZERO) for index in range(count))


def _by_bucket(connection: Connection, table: _Table) -> list[tuple[int, Usage]]:
    statement = (
        f"SELECT t.bucket, {table.summed} FROM {table.tables} WHERE {table.where} GROUP BY t.bucket"
    )
    return [(row[0], Usage._make(row[1:])) for row in connection.execute(statement, table.params)]


def _spread(
    found: list[tuple[int, Usage]], places: Mapping[int, int], count: int
) -> tuple[Usage, ...]:
    whole = [ZERO] * count
    for bucket, usage in found:
        index = places.get(bucket)
        if index is not None:
            whole[index] = usage if whole[index] is ZERO else plus(whole[index], usage)
    return tuple(whole)
