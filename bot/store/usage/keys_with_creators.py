"""Reads usage of keys and creators combined, which no view has by itself.

A key belongs to one creator. So a creator's usage is that of their keys (from the key view) plus
the remainder of the creator view, which counts as chatroom usage. If creators are filtered, that
remainder also includes usage of keys whose creators are unknown. For answers, the database sums
both views; only the sums are added and subtracted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import add

from bot.store.connection import Connection
from bot.store.encoding import DIMENSIONS
from bot.store.usage import read as reading
from bot.store.usage.directory import Directory
from bot.store.usage.read import Ranking, UsageTotals
from bot.store.usage.selection import Ids, Selection
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import ZERO, Usage, minus, plus, total

Series = Mapping[int, Mapping[int, Usage]]
"""Usage by group, then by the index of the bucket."""


@dataclass(frozen=True, slots=True)
class CrossedKeys:
    """The keys that a selection of keys and creators covers.

    `asked` are the selected keys. `owned` are all keys of the selected creators, whose other usage
    is chatroom usage (None: chatroom usage isn't selected). `owners` are the creators of keys,
    `no_creator` and `chatroom` the ids under which the usage of keys without one and usage without
    a key are listed.
    """

    asked: Ids
    owned: Ids | None
    owners: Mapping[int, int]
    no_creator: int
    chatroom: int

    @classmethod
    def of(cls, selection: Selection, directory: Directory) -> CrossedKeys:
        """The keys of a selection."""
        creators, keys = selection.ids(Dimension.CREATOR), selection.ids(Dimension.KEY)
        owners, chatroom = directory.owners, directory.ids[Dimension.KEY, ""]
        owned = frozenset(owners)
        if creators is not None:
            owned = frozenset(key for key, owner in owners.items() if owner in creators)
            owned -= directory.orphans
        asked = owned if keys is None else owned & keys
        return cls(
            asked,
            owned if keys is None or chatroom in keys else None,
            owners,
            directory.ids[Dimension.CREATOR, ""],
            chatroom,
        )


def read_crossed(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    keys: CrossedKeys,
    ranking: Ranking | None,
) -> UsageTotals:
    """The figures of a selection of keys and creators.

    With a ranking, includes series of the largest keys (chatroom usage counts as one) or creators;
    else of all groups. Of creators whose chatroom usage is selected, the figures are all of their
    usage less that of their keys that aren't selected.
    """
    by = selection.by
    of_asked, of_owned, of_creators = parts(selection, keys)
    if keys.owned is None:
        return _without_zeros(_of_keys(connection, of_asked, wanted, stored, ranking, keys), by)
    if by is None and keys.asked == keys.owned:
        # all usage of these creators, with a key or without
        whole = reading.read_whole(connection, of_creators, wanted, stored)
        return _without_zeros(UsageTotals(whole, {}, 1), by)
    if by is not Dimension.KEY:
        less = of_owned.only(Dimension.KEY, keys.owned - keys.asked)
        of_groups = of_creators.grouped(by)
        if by is Dimension.CREATOR and ranking is not None:
            return _largest_rest(connection, of_groups, less, wanted, stored, ranking, keys)
        every = reading.read(connection, of_groups, wanted, stored, None)
        without = _of_keys(connection, less, wanted, stored, None, keys)
        series = reading.combined(((1, every.series), (-1, without.series)))
        whole = tuple(map(minus, every.whole, without.whole))
        return _without_zeros(UsageTotals(whole, series, len(series)), by)
    whole = reading.read_whole(connection, of_creators, wanted, stored)
    if keys.owned != keys.asked:
        of_less = of_owned.only(Dimension.KEY, keys.owned - keys.asked)
        whole = tuple(map(minus, whole, reading.read_whole(connection, of_less, wanted, stored)))
    if ranking is not None:
        return _largest_keys(connection, selection, wanted, stored, ranking, keys, whole)
    asked = reading.read(connection, of_asked, wanted, stored, None)
    chatroom = _of_chatroom(connection, selection, wanted, stored, keys)
    with_chatroom: dict[int, Mapping[int, Usage]] = dict(asked.series)
    with_chatroom[keys.chatroom] = dict(enumerate(chatroom))
    return _without_zeros(UsageTotals(whole, with_chatroom, len(with_chatroom)), by)


def _of_chatroom(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    keys: CrossedKeys,
) -> tuple[Usage, ...]:
    """What the selected creators used without a key in each bucket."""
    _, of_owned, of_creators = parts(selection, keys)
    every, owned = (
        reading.read_whole(connection, one, wanted, stored) for one in (of_creators, of_owned)
    )
    return tuple(map(minus, every, owned))


def _largest_keys(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    ranking: Ranking,
    keys: CrossedKeys,
    whole: tuple[Usage, ...],
) -> UsageTotals:
    """The figures of keys and chatroom usage, with series of the largest.

    Only sums of the whole range decide which these are, and whether there is any chatroom usage.
    """
    of_asked, _, _ = parts(selection, keys)
    metrics = (*ranking.metrics, Metric.REQUESTS)  # chatroom usage is counted if it has any
    found = reading.values_by_group(connection, of_asked, wanted, stored, metrics, ranking.source)
    everything = total(whole)
    chatroom = [
        everything.value(metric, ranking.source) - sum([row[column] for row in found])
        for column, metric in enumerate(metrics, start=1)
    ]
    if any(chatroom):
        found.append((keys.chatroom, *chatroom))
    rows = [row[:-1] for row in found]
    chosen = frozenset(reading.largest(rows, ranking.top))
    of_chosen = of_asked.only(Dimension.KEY, chosen & keys.asked)
    series = reading.read_series(connection, of_chosen, wanted, stored)
    if keys.chatroom in chosen:
        left = _of_chatroom(connection, selection, wanted, stored, keys)
        series[keys.chatroom] = dict(enumerate(left))
    return _without_zeros(UsageTotals(whole, series, len(rows)), Dimension.KEY)


def sum_crossed(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    keys: CrossedKeys,
) -> Usage:
    """The usage of keys and creators combined over a whole range."""
    of_asked, of_owned, of_creators = parts(selection.grouped(None), keys)
    if keys.owned is None:
        return reading.read_sum(connection, of_asked, wanted, stored)
    every = reading.read_sum(connection, of_creators, wanted, stored)
    if keys.asked == keys.owned:
        return every
    less = of_owned.only(Dimension.KEY, keys.owned - keys.asked)
    return minus(every, reading.read_sum(connection, less, wanted, stored))


def parts(selection: Selection, keys: CrossedKeys) -> tuple[Selection, Selection, Selection]:
    """The selected keys, all keys of the selected creators, and all usage of these creators: each
    is a selection that one view has."""
    others = _without_views(selection)
    of_asked = Selection.of(selection.by, {**others, Dimension.KEY: keys.asked})
    of_asked = replace(of_asked, figures=selection.figures)
    creators = selection.ids(Dimension.CREATOR)
    if creators is not None:
        others[Dimension.CREATOR] = creators
    of_owned = of_asked.only(Dimension.KEY, keys.owned or frozenset())
    of_creators = Selection.of(Dimension.CREATOR, others)
    return of_asked, of_owned, replace(of_creators, figures=selection.figures)


def crossed_rows(
    selection: Selection,
    keys: CrossedKeys,
    each: Callable[[Selection], Iterator[reading.Row]],
) -> Iterator[reading.Row]:
    """Usage rows of keys and creators combined, one for each bucket, group and model.

    A row has the index of the bucket, the key or creator (or 0), the model, and usage. `each` reads
    the rows of a selection that one view has.
    """
    found: dict[tuple[int, int, int], Usage] = {}

    def put(index: int, key: int, creator: int, model: int, usage: Usage) -> None:
        groups = {Dimension.KEY: key, Dimension.CREATOR: creator}
        row = index, groups.get(selection.by or Dimension.MODEL, 0), model
        found[row] = plus(found.get(row, ZERO), usage)

    others = _without_views(selection)
    remainder: dict[tuple[int, int, int], Usage] = {}
    if keys.owned is not None:
        creators = selection.ids(Dimension.CREATOR)
        by_creator = Selection.of(Dimension.CREATOR, others)
        if creators is not None:
            by_creator = by_creator.only(Dimension.CREATOR, creators)
        for index, creator, model, usage in each(by_creator):
            remainder[index, creator, model] = usage
    read = keys.asked if keys.owned is None else keys.owned
    for index, key, model, usage in each(
        Selection.of(Dimension.KEY, {**others, Dimension.KEY: read})
    ):
        if keys.owned is not None:
            row = index, keys.owners[key], model
            remainder[row] = minus(remainder.get(row, ZERO), usage)
        if key in keys.asked:
            put(index, key, keys.owners[key], model, usage)
    for (index, creator, model), usage in remainder.items():
        put(index, keys.chatroom, creator, model, usage)
    yield from ((*row, usage) for row, usage in found.items() if usage != ZERO)


def _without_views(selection: Selection) -> dict[Dimension, Ids]:
    """The members of dimensions that every view has."""
    return {one: ids for one, ids in selection.members if DIMENSIONS[one].view is None}


def _of_keys(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    ranking: Ranking | None,
    keys: CrossedKeys,
) -> UsageTotals:
    """The figures of some keys, from their view; grouped by creator, those of each key's owner."""
    if selection.by is not Dimension.CREATOR:
        return reading.read(connection, selection, wanted, stored, ranking)
    by_key = selection.grouped(Dimension.KEY)
    whole = reading.read_whole(connection, by_key, wanted, stored)
    if ranking is None:
        series = reading.series_by_owner(connection, by_key, wanted, stored, keys.no_creator)
        return UsageTotals(whole, series, len(series))
    values: dict[int, list[int]] = {}
    for key, *more in reading.values_by_group(
        connection, by_key, wanted, stored, ranking.metrics, ranking.source
    ):
        owner = keys.owners[key]
        before = values.get(owner)
        values[owner] = more if before is None else list(map(add, before, more))
    largest = reading.largest([(owner, *used) for owner, used in values.items()], ranking.top)
    of_largest = frozenset(
        key for key in by_key.ids(Dimension.KEY) or () if keys.owners[key] in largest
    )
    series = reading.series_by_owner(
        connection, by_key.only(Dimension.KEY, of_largest), wanted, stored, keys.no_creator
    )
    return UsageTotals(whole, series, len(values))


def _largest_rest(
    connection: Connection,
    of_creators: Selection,
    less: Selection,
    wanted: TimeRange,
    stored: Granularity,
    ranking: Ranking,
    keys: CrossedKeys,
) -> UsageTotals:
    """The figures of creators less those of some keys, with series of the largest creators.

    Only sums of the whole range decide which creators these are, and which have any usage.
    """
    less = less.grouped(Dimension.KEY)
    whole = map(
        minus,
        reading.read_whole(connection, of_creators, wanted, stored),
        reading.read_whole(connection, less, wanted, stored),
    )
    used = reading.usage_by_group(connection, of_creators, wanted, stored)
    for key, usage in reading.usage_by_group(connection, less, wanted, stored).items():
        owner = keys.owners[key]
        used[owner] = minus(used.get(owner, ZERO), usage)
    rows = [
        (creator, *(usage.value(metric, ranking.source) for metric in ranking.metrics))
        for creator, usage in used.items()
        if usage != ZERO
    ]
    chosen = frozenset(reading.largest(rows, ranking.top))
    of_chosen = frozenset(
        key for key in less.ids(Dimension.KEY) or () if keys.owners[key] in chosen
    )
    every = reading.read_series(
        connection, of_creators.only(Dimension.CREATOR, chosen), wanted, stored
    )
    without = reading.series_by_owner(
        connection, less.only(Dimension.KEY, of_chosen), wanted, stored, keys.no_creator
    )
    series = reading.combined(((1, every), (-1, without)))
    return _without_zeros(UsageTotals(tuple(whole), series, len(rows)), Dimension.CREATOR)


def _without_zeros(found: UsageTotals, by: Dimension | None) -> UsageTotals:
    """Without buckets in which a group has no usage, and without groups that have none at all."""
    if by is None:
        return UsageTotals(found.whole, {0: dict(enumerate(found.whole))}, 1)
    series = {
        group: kept
        for group, buckets in found.series.items()
        if (kept := {index: usage for index, usage in buckets.items() if usage != ZERO})
    }
    count = found.count - (len(found.series) - len(series))
    return UsageTotals(found.whole, series, count)
