"""Sums over whole ranges for selections of keys and creators combined, which no view has.

The database adds up each view by itself, over the whole range; only these sums are combined here:
see bot.store.usage.keys_with_creators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import add, sub

from bot.store.usage.keys_with_creators import CrossedKeys, parts
from bot.store.usage.selection import Ids, Selection
from bot.store.usage.sums import PairSums
from reports.usage.dimensions import Dimension

Group = tuple[int, ...]
"""A member (key or creator; 0 where the selection is by neither), perhaps with a model."""
Sums = Mapping[Group, Sequence[int]]
ReadSums = Callable[[Selection], Sums]
"""Reads the sums of a selection that one view has."""


def by_group(selection: Selection, keys: CrossedKeys, read: ReadSums) -> dict[Group, Sequence[int]]:
    """The sums of each group with any usage."""
    of_asked, of_owned, of_creators = parts(selection, keys)
    by = selection.by

    def of_keys(ids: Ids) -> Sums:
        return _of_keys(of_asked.only(Dimension.KEY, ids), keys, read)

    if keys.owned is None:
        return _used(of_keys(keys.asked))
    if by is not Dimension.KEY:
        every = read(of_creators.grouped(by))
        less = keys.owned - keys.asked
        return _used(_combined(every, of_keys(less), sub) if less else every)
    asked = of_keys(keys.asked)
    remainder = _combined(read(of_creators.grouped(None)), read(of_owned.grouped(None)), sub)
    chatroom = {(keys.chatroom, *group[1:]): used for group, used in remainder.items()}
    return _used({**asked, **chatroom})


def of_pairs(rows: Iterable[PairSums]) -> Sums:
    """Sums by pair of member and model."""
    return {(member, model): used for member, model, *used in rows}


def pairs(found: Mapping[Group, Sequence[int]]) -> list[PairSums]:
    """Sums of pairs of member and model, in the order of the pairs."""
    return [(*pair, *found[pair]) for pair in sorted(found)]


def _of_keys(selection: Selection, keys: CrossedKeys, read: ReadSums) -> Sums:
    """The sums of some keys, from their view; by creator, those of each key's owner."""
    if selection.by is not Dimension.CREATOR:
        return read(selection)
    of_owners: dict[Group, Sequence[int]] = {}
    for (key, *more), used in read(selection.grouped(Dimension.KEY)).items():
        group = keys.owners[key], *more
        before = of_owners.get(group)
        of_owners[group] = used if before is None else tuple(map(add, before, used))
    return of_owners


def _combined(
    one: Sums, other: Sums, operation: Callable[[int, int], int]
) -> dict[Group, Sequence[int]]:
    combined = dict(one)
    for group, used in other.items():
        before = combined.get(group) or [0] * len(used)
        combined[group] = tuple(map(operation, before, used))
    return combined


def _used(sums: Sums) -> dict[Group, Sequence[int]]:
    return {group: used for group, used in sums.items() if any(used)}
