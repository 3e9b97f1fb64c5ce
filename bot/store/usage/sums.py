"""Computes sums of usage over a whole range, by group and by pair of member and model.

Answers that explain usage need no buckets, and only a few figures of an organization's thousands of
pairs. So the database computes the sums and returns only these figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain, pairwise, product
from math import inf
from typing import NamedTuple

from bot.store.connection import Connection
from bot.store.encoding import GRANULARITY, to_seconds
from bot.store.usage import filled_months, imported
from bot.store.usage import read as reading
from bot.store.usage.read import ID_LIMIT
from bot.store.usage.selection import Selection
from reports.time.time_range import Granularity, TimeRange, floor, next_bucket
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.figure_table import shown

StoredRange = tuple[TimeRange, Granularity]
"""A range, and the granularity that it is read at."""
PairSums = tuple[int, ...]
"""Member (key or creator; 0 where the selection is by neither) and model, as ids; then the first
metric of each range, the second metric of each range, and so on. Spend is in nano-dollars.
"""
_FEW_SEEKS = 20_000
"""In hours and minutes, up to this many pairs of runs of members and buckets are looked up one by
one; more are scanned."""
_MONTH_COSTS = 3 * 86_400
"""A month has about as many rows as three days: a key uses a model on some 40 days in 100."""


class SignedSpan(NamedTuple):
    """A granularity to read at, the start and end (seconds, half-open), and a member: only those
    whose ids are above it are read; -1 is all of them. Rows count `times` (1, 0 or -1) for each
    range that is read.
    """

    granularity: Granularity
    start: int
    end: int
    member: int
    times: tuple[int, ...]


_SPEND = {
    MoneySource.ALL: "t.credits + t.byok",
    MoneySource.CREDITS: "t.credits",
    MoneySource.BYOK: "t.byok",
}


def spend_series(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    source: MoneySource,
) -> dict[int, dict[int, int]]:
    """Only the spend (nano-dollars, of a source of money) by group and index of the bucket; of some
    buckets it may be 0. Without groups of which nothing remains after others were subtracted."""
    places = reading.stored_buckets(wanted, reading.resolution(wanted, stored))
    found: dict[int, dict[int, int]] = {}
    terms = reading.signed_terms(connection, selection, wanted, stored)
    for sign, one in terms:
        table = reading.selected_table(connection, one, wanted, stored)
        if selection.by is Dimension.MODEL and not table.sums:
            some = replace(one, figures=frozenset(shown((Metric.SPEND,))))
            by_model = reading.series_by_model(connection, some, wanted, stored)
            for model, used in by_model.items():
                series = found.setdefault(model, {})
                for at, usage in used.items():
                    series[at] = series.get(at, 0) + sign * usage.value(Metric.SPEND, source)
            continue
        one_row_each = table.sums and selection.by is not None
        value = _SPEND[source] if one_row_each else f"SUM({_SPEND[source]})"
        # SQLite would sort by a constant as well, which takes longer than by a bucket alone
        grouped = "" if one_row_each else f" GROUP BY {'1, ' if selection.by else ''}2"
        statement = (
            f"SELECT {table.group}, t.bucket, {value} FROM {table.tables}"
            f" WHERE {table.where}{grouped}"
        )
        for group, bucket, spend in connection.execute(statement, table.params):
            series, index = found.setdefault(group, {}), places.get(bucket)
            if index is not None:
                series[index] = series.get(index, 0) + sign * spend
    if len(terms) == 1 or selection.by is None:
        return found
    return {group: series for group, series in found.items() if any(series.values())}


def largest_buckets(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    sources: Sequence[MoneySource],
) -> list[dict[int, tuple[int, int]]]:
    """The spend (nano-dollars) of the largest stored bucket of each group, and of all of them; for
    each of some sources of money."""
    table = reading.selected_table(connection, selection, wanted, stored)
    spend = [f"SUM({_SPEND[source]}) AS s{n}" for n, source in enumerate(sources)]
    if table.sums and selection.by is not None:
        # one row for each bucket, those of a member side by side in each part: grouped in storage
        # order first
        largest = [f"MAX({_SPEND[source]}) AS m{n}" for n, source in enumerate(sources)]
        columns, of, grouped = [*largest, *spend], "m", "t.part, t.member"
    else:
        columns, of, grouped = spend, "s", f"{table.group}, t.bucket"
    found = ", ".join(f"MAX({of}{n}), SUM(s{n})" for n in range(len(sources)))
    statement = (
        f"SELECT grouped, {found} FROM (SELECT {table.group} AS grouped, {', '.join(columns)}"
        f" FROM {table.tables} WHERE {table.where} GROUP BY {grouped}) AS parts GROUP BY grouped"
    )
    rows = connection.execute(statement, table.params).fetchall()
    return [{row[0]: (row[1 + 2 * n], row[2 + 2 * n]) for row in rows} for n in range(len(sources))]


def by_pair(
    connection: Connection,
    selection: Selection,
    ranges: Sequence[StoredRange],
    metrics: Sequence[Metric],
    source: MoneySource,
) -> list[PairSums]:
    """Metrics (spend: of a source) of each of some ranges by member and model, in that order.

    The order affects where a rounded nano-dollar goes, so it must be the same on every database.
    """
    return values_by_pair(connection, selection, ranges, reading.value_columns(metrics, source))


def values_by_pair(
    connection: Connection,
    selection: Selection,
    ranges: Sequence[StoredRange],
    values: Sequence[str],
) -> list[PairSums]:
    """The same of values of table `t`."""
    spans = _spans(connection, selection, ranges)
    if spans is None:
        return together(
            [_by_pair_of_rows(connection, selection, one, values) for one in ranges], len(ranges)
        )
    if not spans:
        return []
    tables, params, first = _sought(selection, spans)
    where = f"t.member > s.column{first - 1}" if any(span.member >= 0 for span in spans) else "TRUE"
    times = [f"s.column{first + n}" for n in range(len(ranges))]
    return _grouped_by_pair(connection, selection, values, tables, where, params, times)


def _sought(selection: Selection, spans: Sequence[SignedSpan]) -> tuple[str, list[object], int]:
    """A FROM of table `t` for spans, its parameters, and the column of `s` where their times start;
    the column before it is the member above which rows count.
    """
    view, owners = int(selection.view), selection.owners
    of_models, models = reading.model_filter(selection)
    runs = [] if owners is None else reading.runs(owners)
    buckets = [
        (GRANULARITY[span.granularity], bucket, span.member, *span.times)
        for span in (() if owners is None else spans)
        for bucket in reading.bucket_starts(reading.Span(*span[:3]))
    ]
    of_days = all(span.granularity in reading.ALWAYS_SOUGHT for span in spans)
    if owners is not None and (of_days or len(runs) * len(buckets) <= _FEW_SEEKS):
        on = f"t.bucket = s.column2 AND t.member BETWEEN m.value / ? AND m.value % ?{of_models}"
        rows, first, runs_of = buckets, 4, " CROSS JOIN numbers(?) m"
        more: tuple[object, ...] = (runs, view, ID_LIMIT, ID_LIMIT, *models)
    else:
        of_members = "" if owners is None else " AND listed(t.member, ?)"
        on = f"t.bucket >= s.column2 AND t.bucket < s.column3{of_members}{of_models}"
        rows = [(GRANULARITY[span.granularity], *span[1:-1], *span.times) for span in spans]
        first, runs_of = 5, ""
        more = (view, *([] if owners is None else [sorted(owners)]), *models)
    tables = (
        f"{reading.constants(rows)} s{runs_of}"
        f" CROSS JOIN sought(usage t ON t.view = ? AND t.granularity = s.column1 AND {on})"
    )
    return tables, [*chain.from_iterable(rows), *more], first


def _spans(
    connection: Connection, selection: Selection, ranges: Sequence[StoredRange]
) -> list[SignedSpan] | None:
    """The spans of ranges that are read together; None if they must be read one by one."""
    grains = {stored for _, stored in ranges}
    wanted = [one for one, _ in ranges]
    if grains == {Granularity.DAY}:
        return _signed_spans(connection, selection, wanted)
    grain = grains.pop()
    if grains or grain is Granularity.MONTH:
        return None
    edges = [(to_seconds(one.start), to_seconds(one.end)) for one in wanted]
    return _shared([[SignedSpan(grain, start, end, -1, (1,))] for start, end in edges])


def _by_pair_of_rows(
    connection: Connection, selection: Selection, of: StoredRange, values: Sequence[str]
) -> list[PairSums]:
    table = reading.usage_table(connection, selection, *of)
    return _grouped_by_pair(
        connection, selection, values, table.tables, table.where, table.params, ["1"]
    )


def _grouped_by_pair(
    connection: Connection,
    selection: Selection,
    values: Sequence[str],
    tables: str,
    where: str,
    params: Sequence[object],
    times: Sequence[str],
) -> list[PairSums]:
    """The sums of rows by pair, once for each expression (1, 0 or -1) that rows are taken times."""
    member = "t.member" if reading.group_column(selection.by) == "t.member" else "0"
    each = [f"{one} AS x{n}" for n, one in enumerate(times)]
    each += [f"{value} AS c{n}" for n, value in enumerate(values)]
    summed = [f"SUM(x{x} * c{c})" for c in range(len(values)) for x in range(len(times))]
    # a limit keeps SQLite from merging the inner statement into the outer one, which would then
    # sort whole rows instead of a few integers
    statement = (
        f"SELECT pair / {ID_LIMIT}, pair % {ID_LIMIT}, {', '.join(summed)} FROM ("
        f"SELECT {member} * {ID_LIMIT} + t.model AS pair, {', '.join(each)}"
        f" FROM {tables} WHERE {where} LIMIT {2**62}) r GROUP BY pair"
        f" HAVING {' OR '.join(f'{one} <> 0' for one in summed)} ORDER BY pair"
    )
    return connection.execute(statement, params).fetchall()


def together(found: Iterable[Sequence[PairSums]], count: int) -> list[PairSums]:
    """The sums of `count` ranges, which were read one by one, side by side."""
    pairs: dict[tuple[int, int], list[int]] = {}
    for at, sums in enumerate(found):
        for member, model, *values in sums:
            of_pair = pairs.setdefault((member, model), [0] * (count * len(values)))
            of_pair[at::count] = values
    return [(*pair, *of_pair) for pair, of_pair in sorted(pairs.items()) if any(of_pair)]


def _signed_spans(
    connection: Connection, selection: Selection, wanted: Sequence[TimeRange]
) -> list[SignedSpan]:
    """The spans whose usage, added or subtracted, is that of ranges of UTC days, with few rows.

    A month less its other days has fewer rows than most of its days, and days that one range adds
    another may subtract. An imported month has no days, so it counts as a whole or not
    at all.
    """
    of_files = imported.months(connection)
    unfilled = filled_months.unfilled(connection, selection.view)
    used_until = min((one.until.timestamp() for one in wanted if one.unfinished), default=inf)
    spans: list[SignedSpan] = []
    first = floor(min(one.start for one in wanted), Granularity.MONTH)
    end = max(one.end for one in wanted)
    while first < end:
        after = next_bucket(first, Granularity.MONTH)
        month = to_seconds(first), to_seconds(after)
        days = [] if unfilled is None else list(unfilled.days(*month, of_files))
        ways = [_ways(month, one, days, is_of_file=month[0] in of_files) for one in wanted]
        spans += min(map(_shared, product(*ways)), key=lambda found: _cost(found, used_until))
        first = after
    return spans


def _ways(
    month: tuple[int, int],
    wanted: TimeRange,
    unfilled: Iterable[filled_months.DaysAfter],
    *,
    is_of_file: bool,
) -> list[list[SignedSpan]]:
    """Each way to read what a range has of a month (its start and end): by its days, and as the
    month, whose rows lack the unfilled days, less its other days.
    """
    start, end = month
    a, b = max(to_seconds(wanted.start), start), min(to_seconds(wanted.end), end)
    if a >= b:
        return [[]]
    by_day = [SignedSpan(Granularity.DAY, a, b, -1, (1,))]
    if is_of_file and (a, b) != month:
        return [by_day]
    filled_until = min((days.start for days in unfilled if days.member < 0), default=end)
    spans = [SignedSpan(Granularity.MONTH, start, end, -1, (1,))]
    spans += [
        SignedSpan(Granularity.DAY, x, y, member, (1,)) for x, y, member in unfilled if member >= 0
    ]
    spans += [
        SignedSpan(Granularity.DAY, x, y, -1, (-1,))
        for x, y in ((start, min(a, filled_until)), (b, filled_until))
        if x < y
    ]
    if (rest := max(a, filled_until)) < b:
        spans.append(SignedSpan(Granularity.DAY, rest, b, -1, (1,)))
    return [spans] if (a, b) == month else [by_day, spans]


def _shared(ways: Sequence[Sequence[SignedSpan]]) -> list[SignedSpan]:
    """The spans of one way for each range together: rows of several ranges are read once."""
    edges = sorted(
        {
            edge
            for span in chain(*ways)
            if span.granularity is Granularity.DAY
            for edge in (span.start, span.end)
        }
    )
    times: dict[tuple[Granularity, int, int, int], list[int]] = {}
    for at, spans in enumerate(ways):
        for grain, start, end, member, (sign,) in spans:
            cuts = [start, *(edge for edge in edges if start < edge < end), end]
            pieces = [(start, end)] if grain is Granularity.MONTH else pairwise(cuts)
            for piece in pieces:
                times.setdefault((grain, *piece, member), [0] * len(ways))[at] += sign
    return [SignedSpan(*key, tuple(signs)) for key, signs in times.items() if any(signs)]


def _cost(spans: Iterable[SignedSpan], used_until: float) -> float:
    """How long spans take to read, in seconds of usage; after `used_until` nothing is stored."""
    return sum(
        _MONTH_COSTS
        if span.granularity is Granularity.MONTH
        else max(0, min(span.end, used_until) - span.start)
        for span in spans
    )
