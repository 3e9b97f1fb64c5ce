"""Computes sums of usage over a whole range, by group and by pair of member and model.

Answers that explain usage need no buckets, and only a few figures of an organization's thousands of
pairs. So the database computes the sums and returns only these figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.store.connection import Connection
from bot.store.encoding import GRANULARITY, to_seconds
from bot.store.usage import filled_months, imported
from bot.store.usage import read as reading
from bot.store.usage.selection import Selection
from reports.time.timerange import Granularity, TimeRange, floor, next_bucket
from reports.usage.dimensions import Metric, MoneySource
from reports.usage.usage import ZERO, Usage, plus

PairSums = tuple[int, int, int, int]
"""Member (key or creator; 0 if the selection is by neither) and model, as ids; tokens; spend in
nano-dollars.
"""
_PAIR = 2**31
"""Ids are below this, so a pair can be one integer, which SQLite sorts faster than two."""
SignedSpan = tuple[Granularity, int, int, int, int]
"""A granularity to read at, the start and end (seconds, half-open), 1 or -1 to multiply by, and a
member: only members with ids above it are read; -1 means all of them.
"""
_MONTH_COSTS = 3 * 86_400
"""A month has about as many rows as three days: a key uses a model on some 40 days in 100."""
_SPEND = {
    MoneySource.ALL: "t.credits + t.byok",
    MoneySource.CREDITS: "t.credits",
    MoneySource.BYOK: "t.byok",
}


def by_group(
    connection: Connection, selection: Selection, wanted: TimeRange, stored: Granularity
) -> Mapping[int, Usage]:
    """The usage of a whole range by group; without a grouping, that of everything under 0."""
    if selection.by is None:
        return {0: reading.read_sum(connection, selection, wanted, stored)}
    table = reading.selected_table(connection, selection, wanted, stored)
    # stored sums have the rows of a member side by side in each part, so no sorting is needed
    order = "t.part, t.member" if table.sums else table.group
    statement = (
        f"SELECT {table.group}, {reading.SUMS} FROM {table.tables} WHERE {table.where}"
        f" GROUP BY {order}"
    )
    found: dict[int, Usage] = {}
    for group, *figures in connection.execute(statement, table.params):
        before = found.get(group)
        found[group] = Usage._make(figures) if before is None else plus(before, figures)
    return found


def tokens_and_spend(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    source: MoneySource,
) -> dict[int, tuple[int, int]]:
    """Only tokens and spend (nano-dollars, of a source of money) of a whole range by group."""
    table = reading.selected_table(connection, selection, wanted, stored)
    order = "t.part, t.member" if table.sums and selection.by else "1"
    statement = (
        f"SELECT {table.group}, SUM(t.prompt + t.completion), SUM({_SPEND[source]})"
        f" FROM {table.tables} WHERE {table.where} GROUP BY {order}"
    )
    found: dict[int, tuple[int, int]] = {}
    for group, tokens, spend in connection.execute(statement, table.params):
        before = found.get(group, (0, 0))
        found[group] = before[0] + tokens, before[1] + spend
    return found


def spend_series(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    source: MoneySource,
) -> dict[int, dict[int, int]]:
    """Only the spend (nano-dollars, of a source of money) by group and index of the bucket."""
    table = reading.selected_table(connection, selection, wanted, stored)
    places = reading.stored_buckets(wanted, reading.resolution(wanted, stored))
    one_row_each = table.sums and selection.by is not None
    value = _SPEND[source] if one_row_each else f"SUM({_SPEND[source]})"
    statement = (
        f"SELECT {table.group}, t.bucket, {value} FROM {table.tables} WHERE {table.where}"
        f"{'' if one_row_each else ' GROUP BY 1, 2'}"
    )
    found: dict[int, dict[int, int]] = {}
    for group, bucket, spend in connection.execute(statement, table.params):
        series, index = found.setdefault(group, {}), places.get(bucket)
        if index is not None:
            series[index] = series.get(index, 0) + spend
    return found


def by_pair(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    source: MoneySource,
) -> list[PairSums]:
    """Tokens and spend (of a source of money) of a whole range by member and model, in that order.

    The order affects where a rounded nano-dollar goes, so it must be the same on every database.
    """
    tokens, spend = "t.prompt + t.completion", _SPEND[source]
    if stored is Granularity.DAY and selection.owners is None:
        spans = _signed_spans(connection, selection, wanted)
        coded = [value for grain, *more in spans for value in (GRANULARITY[grain], *more)]
        sought = (
            "t.view = ? AND t.granularity = s.column1 AND t.bucket >= s.column2"
            " AND t.bucket < s.column3"
        )
        tables = (
            f"(VALUES {', '.join(['(?, ?, ?, ?, ?)'] * len(spans))}) s"
            f" CROSS JOIN sought(usage t ON {sought})"
        )
        of_models, params = reading.model_filter(selection)
        above = any(member >= 0 for *_, member in spans)
        where = f"{'t.member > s.column5' if above else 'TRUE'}{of_models}"
        params = (*coded, int(selection.view), *params)
        tokens, spend = f"s.column4 * ({tokens})", f"s.column4 * ({spend})"
    else:
        table = reading.usage_table(connection, selection, wanted, stored)
        tables, where, params = table.tables, table.where, table.params
    member = "t.member" if reading.group_column(selection.by) == "t.member" else "0"
    # a limit keeps SQLite from merging the inner statement into the outer one, which would then
    # sort whole rows instead of three integers
    statement = (
        f"SELECT pair / {_PAIR}, pair % {_PAIR}, SUM(tokens), SUM(spend) FROM ("
        f"SELECT {member} * {_PAIR} + t.model AS pair, {tokens} AS tokens, {spend} AS spend"
        f" FROM {tables} WHERE {where} LIMIT {2**62}) r GROUP BY pair"
        " HAVING SUM(tokens) <> 0 OR SUM(spend) <> 0 ORDER BY pair"
    )
    return connection.execute(statement, params).fetchall()


def _signed_spans(
    connection: Connection, selection: Selection, wanted: TimeRange
) -> list[SignedSpan]:
    """Spans whose usage, added or subtracted, is that of a range of UTC days, with few rows.

    Reading a month and subtracting a few days takes fewer rows than reading most of its days. An
    imported month has no days, so it counts as a whole or not at all.
    """
    of_files = imported.months(connection)
    unfilled = filled_months.unfilled(connection, selection.view)
    spans: list[SignedSpan] = []
    first = floor(wanted.start, Granularity.MONTH)
    while first < wanted.end:
        after = next_bucket(first, Granularity.MONTH)
        month = to_seconds(first), to_seconds(after)
        days = [] if unfilled is None else list(unfilled.days(*month, of_files))
        spans += _spans_of_month(month, wanted, days, is_of_file=month[0] in of_files)
        first = after
    return spans


def _spans_of_month(
    month: tuple[int, int],
    wanted: TimeRange,
    unfilled: Iterable[filled_months.DaysAfter],
    *,
    is_of_file: bool,
) -> list[SignedSpan]:
    """The same for one month (its start and end), whose rows lack the unfilled days."""
    start, end = month
    a, b = max(to_seconds(wanted.start), start), min(to_seconds(wanted.end), end)
    filled_until = min((days.start for days in unfilled if days.member < 0), default=end)
    others = [(start, min(a, filled_until)), (b, filled_until)]
    rest = max(a, filled_until), b
    used_until = min(end, to_seconds(wanted.until)) if wanted.unfinished else end
    of_others = (others[0][1] - start) + max(min(used_until, filled_until) - b, 0)
    of_days = of_others + max(rest[1] - rest[0], 0)
    if (a, b) != month and (is_of_file or b - a <= of_days + _MONTH_COSTS):
        return [(Granularity.DAY, a, b, 1, -1)]
    spans: list[SignedSpan] = [(Granularity.MONTH, start, end, 1, -1)]
    spans += [(Granularity.DAY, x, y, 1, member) for x, y, member in unfilled if member >= 0]
    spans += [(Granularity.DAY, x, y, -1, -1) for x, y in others if x < y]
    if rest[0] < rest[1]:
        spans.append((Granularity.DAY, *rest, 1, -1))
    return spans


def pairs_of_rows(rows: Iterable[reading.Row], source: MoneySource) -> list[PairSums]:
    """The same from usage rows, for selections that no single view has."""
    found: dict[tuple[int, int], Usage] = {}
    for _, member, model, usage in rows:
        found[member, model] = plus(found.get((member, model), ZERO), usage)
    return [
        (member, model, usage.tokens, usage.value(Metric.SPEND, source))
        for (member, model), usage in found.items()
    ]
