"""Reads usage rows group by group, for files that have a section for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from bot.store.connection import Connection
from bot.store.usage import read as reading
from bot.store.usage.selection import Selection
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import Dimension
from reports.usage.usage import Usage, plus

Row = tuple[int, int, int, Usage]
"""Group (a member's id, or 0), index of the bucket, model, usage."""


def rows_by_group(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    order: Sequence[int],
) -> Iterator[Row]:
    """All rows of one view, with groups in the given order, and the newest bucket first in each.

    The database sorts them, on disk if there are many, so that memory use stays constant.
    """
    table = reading.usage_table(connection, selection, wanted, stored)
    group = reading.group_column(selection.by)
    statement = (
        "WITH rank AS MATERIALIZED (SELECT value AS id, key AS place FROM ordered(?) o)"
        f" SELECT rank.id, t.bucket, t.model, {reading.SUMS} FROM {table.tables}"
        f" JOIN rank ON rank.id = {group} WHERE {table.where}"
        " GROUP BY rank.place, rank.id, t.bucket, t.model"
        " ORDER BY rank.place, t.bucket DESC, t.model"
    )
    ranked = [0] if selection.by is None else list(order)
    found = connection.stream(statement, (ranked, *table.params))
    places = reading.stored_buckets(wanted, reading.resolution(wanted, stored))
    yield from _merged(_placed(found, places))


def sorted_by_group(
    found: Iterable[reading.Row], selection: Selection, order: Sequence[int]
) -> Iterator[Row]:
    """Rows of keys and creators combined, in the same order; they are sorted in memory."""
    place = {member: n for n, member in enumerate(order)}
    rows = [
        (model if selection.by is Dimension.MODEL else member, index, model, usage)
        for index, member, model, usage in found
    ]
    rows.sort(key=lambda row: (place.get(row[0], len(place)), -row[1], row[2]))
    yield from _merged(rows)


def _placed(found: Iterable[Sequence[int]], places: Mapping[int, int]) -> Iterator[Row]:
    for group, bucket, model, *figures in found:
        index = places.get(bucket)
        if index is not None:
            yield group, index, model, Usage(*figures)


def _merged(rows: Iterable[Row]) -> Iterator[Row]:
    """Merge stored buckets that form one bucket of the range (hours of a local day) into one
    row."""
    for (group, index), part in groupby(rows, key=lambda row: row[:2]):
        models: dict[int, Usage] = {}
        for _, _, model, usage in part:
            before = models.get(model)
            models[model] = usage if before is None else plus(before, usage)
        for model, usage in sorted(models.items()):
            yield group, index, model, usage
