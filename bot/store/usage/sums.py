"""Sums of usage over a whole range, by group and by pair of member and model.

Answers that explain usage need no buckets, and of an organization's thousands of pairs only a few
figures each. So the database adds up, and only what is asked for leaves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.store.connection import Connection
from bot.store.usage import read as reading
from bot.store.usage.selection import Selection
from reports.time.timerange import Granularity, TimeRange
from reports.usage.dimensions import Metric, MoneySource
from reports.usage.usage import ZERO, Usage, plus, total

PairSums = tuple[int, int, int, int]
"""Member (key or creator; 0 where the selection is by neither) and model, as ids; tokens; spend in
nano-dollars.
"""
_PAIR = 2**31
"""Ids are below this, so a pair is one integer, by which SQLite sorts faster than by two."""
_SPEND = {
    MoneySource.ALL: "t.credits + t.byok",
    MoneySource.CREDITS: "t.credits",
    MoneySource.BYOK: "t.byok",
}


def by_group(
    connection: Connection, selection: Selection, wanted: TimeRange, stored: Granularity
) -> Mapping[int, Usage]:
    """The usage of a whole range by group; that of everything under 0 without a grouping."""
    if selection.by is None:
        return {0: total(reading.read_whole(connection, selection, wanted, stored))}
    table = reading.selected_table(connection, selection, wanted, stored)
    # stored sums have the rows of a member side by side in each part, so nothing has to be sorted
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
    """Tokens and spend (of a source of money) of a whole range by member and model."""
    table = reading.usage_table(selection, wanted, stored)
    member = "t.member" if reading.group_column(selection.by) == "t.member" else "0"
    # a limit keeps SQLite from merging the inner statement into the outer one, which would then
    # sort whole rows instead of three integers
    statement = (
        f"SELECT pair / {_PAIR}, pair % {_PAIR}, SUM(tokens), SUM(spend) FROM ("
        f"SELECT {member} * {_PAIR} + t.model AS pair, t.prompt + t.completion AS tokens,"
        f" {_SPEND[source]} AS spend FROM {table.tables} WHERE {table.where} LIMIT {2**62}) r"
        " GROUP BY pair"
    )
    return connection.execute(statement, table.params).fetchall()


def pairs_of_rows(rows: Iterable[reading.Row], source: MoneySource) -> list[PairSums]:
    """The same from usage rows, for selections that no single view answers."""
    found: dict[tuple[int, int], Usage] = {}
    for _, member, model, usage in rows:
        found[member, model] = plus(found.get((member, model), ZERO), usage)
    return [
        (member, model, usage.tokens, usage.value(Metric.SPEND, source))
        for (member, model), usage in found.items()
    ]
