"""Reads sums of selections of keys and creators, as parts that are added or subtracted.

No view has keys and creators together: see bot.store.usage.keys_with_creators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from operator import add, itemgetter, sub
from typing import TypeVar

from bot.store.connection import Connection
from bot.store.usage import read as reading
from bot.store.usage import sums
from bot.store.usage.keys_with_creators import CrossedKeys, parts
from bot.store.usage.selection import Ids, Selection
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import Dimension, MoneySource
from reports.usage.usage import ZERO, Usage, minus, plus

Place = TypeVar("Place", int, tuple[int, int])
"""A group, or a member and a model."""


@dataclass(frozen=True, slots=True)
class SignedPart:
    """A selection that one view has, whose usage is added (1) or subtracted (-1).

    `group` returns the group of the whole selection that a group of the part belongs to; an integer
    is that of all of them, which are then read without groups. `taken_from` is a group that has
    as much less.
    """

    sign: int
    selection: Selection
    group: Callable[[int], int] | int | None = None
    taken_from: int | None = None


def of_crossed(selection: Selection, keys: CrossedKeys, *, once: bool = False) -> list[SignedPart]:
    """The parts of a selection of keys and creators, each of which one view has.

    With `once`, keys that are groups aren't read again without groups, for usage without a key.
    """
    by, owners = selection.by, keys.owners
    of_asked, of_owned, of_creators = parts(selection, keys)

    def of_keys(sign: int, some: Selection) -> SignedPart:
        if by is Dimension.CREATOR:
            return SignedPart(sign, some.grouped(Dimension.KEY), owners.__getitem__)
        return SignedPart(sign, some.grouped(by), 0 if by is None else None)

    if keys.owned is None:
        return [of_keys(1, of_asked)]
    rest = keys.owned - keys.asked
    of_rest = of_owned.only(Dimension.KEY, rest)
    if by is Dimension.KEY and once:
        found = [
            replace(of_keys(1, of_asked), taken_from=keys.chatroom),
            SignedPart(1, of_creators, keys.chatroom),
        ]
        return [*found, SignedPart(-1, of_rest, keys.chatroom)] if rest else found
    if by is Dimension.KEY:
        return [
            of_keys(1, of_asked),
            SignedPart(1, of_creators, keys.chatroom),
            SignedPart(-1, of_owned, keys.chatroom),
        ]
    if by is None:  # grouped, because selections without any keys or creators are of the key view
        found = [SignedPart(1, of_creators, 0)]
    else:
        found = [SignedPart(1, of_creators.grouped(by))]
    return [*found, of_keys(-1, of_rest)] if rest else found


def _parts(
    selection: Selection,
    keys: CrossedKeys | None,
    groups: Ids | None = None,
    *,
    once: bool = False,
) -> Sequence[SignedPart]:
    """The parts of a selection, or of some of its groups, each of which one view has."""
    whole = SignedPart(1, selection, None if selection.by else 0)
    return _some([whole] if keys is None else of_crossed(selection, keys, once=once), groups)


def _some(each: Sequence[SignedPart], groups: Ids | None) -> Sequence[SignedPart]:
    """What some groups have of parts; all of them if they are None."""
    if groups is None:
        return each
    return [some for part in each if (some := _of_groups(part, groups)) is not None]


def _of_groups(part: SignedPart, groups: Ids) -> SignedPart | None:
    """What some groups of the whole selection have of a part; None if they have nothing of it.

    What belongs to a group is as without the others: with a filter instead, usage without a key
    might be that of other creators.
    """
    by, group = part.selection.by, part.group
    if isinstance(group, int):
        return part if group in groups else None
    if by is None:
        return part
    allowed = part.selection.ids(by)
    if group is not None:
        ids = frozenset(id_ for id_ in allowed or () if group(id_) in groups)
    else:
        ids = groups if allowed is None else groups & allowed
    return replace(part, selection=part.selection.only(by, ids)) if ids else None


def values_by_group(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    keys: CrossedKeys | None,
    values: Sequence[str],
    groups: Ids | None = None,
) -> dict[int, list[int]]:
    """The sums of some values of table `t` over a whole range by group, in the order of the groups;
    0 without a grouping.

    `keys` are those of a selection of keys and creators, `groups` those that are asked for (None:
    all).
    """
    each = _parts(selection, keys, groups, once=groups is None)
    found: dict[int, list[int]] = {}
    columns = [*values, *reading.ANY_USAGE] if len(each) > 1 else values
    for part in each:
        some, group = part.selection, part.group
        if isinstance(group, int):
            rows = [(group, *reading.sum_values(connection, some, wanted, stored, columns))]
            group = None
        elif keys is not None and (ids := _most_keys(some, keys)) is not None:
            every = reading.sums_by_group(
                connection, some.without(Dimension.KEY), wanted, stored, columns
            )
            rows = [row for row in every if row[0] in ids]
        else:
            rows = reading.sums_by_group(connection, some, wanted, stored, columns)
        if not found and part.sign > 0 and group is None:
            found = {id_: more for id_, *more in rows}
        else:
            for id_, *more in rows:
                _put(found, id_ if group is None else group(id_), part.sign, more)
        if part.taken_from is not None and rows:
            _, *more = map(sum, zip(*rows, strict=True))
            _put(found, part.taken_from, -part.sign, more)
    if len(each) > 1:
        found = {
            at: used[: len(values)]
            for at, used in found.items()
            if any(used) or selection.by is None
        }
    return dict(sorted(found.items()))


def _most_keys(selection: Selection, keys: CrossedKeys) -> Ids | None:
    """The keys of a selection by key, if they are most keys; else None.

    Then a scan of the sums of all keys takes less than looking up each of them.
    """
    ids = selection.ids(Dimension.KEY) if selection.by is Dimension.KEY else None
    return ids if ids is not None and 2 * len(ids) > len(keys.owners) else None


def _put(found: dict[Place, list[int]], at: Place, sign: int, values: list[int]) -> None:
    """Add values to those of a place, or subtract them."""
    before = found.get(at)
    if before is not None:
        found[at] = list(map(add if sign > 0 else sub, before, values))
    else:
        found[at] = values if sign > 0 else [-value for value in values]


def by_pair(
    connection: Connection,
    selection: Selection,
    ranges: Sequence[sums.StoredRange],
    values: Sequence[str],
    keys: CrossedKeys | None,
    groups: Ids | None = None,
) -> list[sums.PairSums]:
    """The sums of some values of table `t` over each of some ranges by member and model, in that
    order.

    `keys` are those of a selection of keys and creators, `groups` those that are asked for (None:
    all).
    """
    of_all = groups is None and selection.by is Dimension.KEY
    if of_all and keys is not None and keys.owned is not None:
        return _by_key_and_model(connection, selection, ranges, values, keys)
    whole = SignedPart(1, selection)
    each = _some([whole] if keys is None else of_crossed(selection, keys), groups)
    if len(each) == 1 and each[0].group is None:
        return sums.values_by_pair(connection, each[0].selection, ranges, values)
    found: dict[tuple[int, int], list[int]] = {}
    for part in each:
        some, group = part.selection, part.group
        if isinstance(group, int):
            some = some.grouped(None)
        for member, model, *used in sums.values_by_pair(connection, some, ranges, values):
            at = group if isinstance(group, int) else group(member) if group else member
            _put(found, (at, model), part.sign, used)
    return [(*pair, *found[pair]) for pair in sorted(found) if any(found[pair])]


def _by_key_and_model(
    connection: Connection,
    selection: Selection,
    ranges: Sequence[sums.StoredRange],
    values: Sequence[str],
    keys: CrossedKeys,
) -> list[sums.PairSums]:
    """The sums by pair of a selection by key that has chatroom usage.

    Most creators use nothing without a key, which their sums say: models are only read of others.
    """
    of_asked, of_owned, of_creators = parts(selection, keys)
    pairs = sums.values_by_pair(connection, of_asked, ranges, values)
    owned, nothing = keys.owned or frozenset(), [0] * (len(values) * len(ranges))
    if all(reading.sums_are_stored(connection, of_creators, *one) for one in ranges):
        used_by = partial(_each_range, connection, ranges, values)
        left = dict(used_by(of_creators))
        unasked = owned - keys.asked
        others = used_by(of_owned.only(Dimension.KEY, unasked)) if unasked else ()
        for key, used in chain(((key, used) for key, _, *used in pairs), others):
            owner = keys.owners[key]
            left[owner] = list(map(sub, left.get(owner, nothing), used))
        beyond = frozenset(creator for creator, used in left.items() if any(used))
        if not beyond:
            return pairs
        of_creators = of_creators.only(Dimension.CREATOR, beyond)
        owned = frozenset(key for key in owned if keys.owners[key] in beyond)
    found = sums.values_by_pair(connection, of_creators.grouped(None), ranges, values)
    chatroom = {model: used for _, model, *used in found}
    if unasked := owned - keys.asked:
        less = of_owned.grouped(None).only(Dimension.KEY, unasked)
        found = sums.values_by_pair(connection, less, ranges, values)
    else:
        found = []
    for _, model, *used in chain((pair for pair in pairs if pair[0] in owned), found):
        chatroom[model] = list(map(sub, chatroom.get(model, nothing), used))
    rest = [(keys.chatroom, model, *used) for model, used in chatroom.items() if any(used)]
    return sorted([*pairs, *rest])


def _each_range(
    connection: Connection,
    ranges: Sequence[sums.StoredRange],
    values: Sequence[str],
    selection: Selection,
) -> Iterator[tuple[int, list[int]]]:
    """The sums of some values over each of some ranges by group, side by side as those of pairs."""
    found: dict[int, list[int]] = {}
    for at, (wanted, stored) in enumerate(ranges):
        for group, *used in reading.sums_by_group(connection, selection, wanted, stored, values):
            of_group = found.setdefault(group, [0] * (len(values) * len(ranges)))
            of_group[at :: len(ranges)] = used
    yield from found.items()


def usage_by_pair(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    keys: CrossedKeys | None,
    groups: Ids | None,
    figures: Sequence[str],
) -> dict[tuple[int, int], Usage]:
    """The usage of a whole range by member and model, as `by_pair` returns values; of some figures,
    the others are 0."""
    columns, usage_of = [f"t.{name}" for name in figures], _usage_of(figures)
    found = by_pair(connection, selection, [(wanted, stored)], columns, keys, groups)
    return {(member, model): usage_of(used) for member, model, *used in found}


def usage_by_group(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    keys: CrossedKeys | None,
    figures: Sequence[str],
) -> dict[int, Usage]:
    """The usage of a whole range by group, as `values_by_group` returns values; of some figures,
    the others are 0."""
    columns, usage_of = [f"t.{name}" for name in figures], _usage_of(figures)
    found = values_by_group(connection, selection, wanted, stored, keys, columns)
    return {group: usage_of(used) for group, used in found.items()}


def _usage_of(figures: Sequence[str]) -> Callable[[Sequence[int]], Usage]:
    """Makes usage of some figures, in this order."""
    if tuple(figures) == Usage._fields:
        return Usage._make
    places = [figures.index(name) if name in figures else -1 for name in Usage._fields]
    ordered = itemgetter(*places)
    return lambda values: Usage._make(ordered((*values, 0)))


def whole(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    keys: CrossedKeys,
) -> tuple[Usage, ...]:
    """The usage of each bucket of keys and creators combined."""
    found = (ZERO,) * len(wanted.buckets)
    for part in of_crossed(selection.grouped(None), keys):
        used = reading.read_whole(connection, part.selection, wanted, stored)
        found = tuple(map(plus if part.sign > 0 else minus, found, used))
    return found


def series(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    keys: CrossedKeys | None,
    groups: Ids,
) -> dict[int, dict[int, Usage]]:
    """The usage of some groups by index of the bucket, without buckets that have none."""

    def each() -> Iterator[tuple[int, Mapping[int, Mapping[int, Usage]]]]:
        for part in _parts(selection, keys, groups):
            some, group = part.selection, part.group
            if isinstance(group, int):
                used = reading.read_whole(connection, some, wanted, stored)
                yield part.sign, {group: dict(enumerate(used))}
                continue
            for id_, buckets in reading.read_series(connection, some, wanted, stored).items():
                yield part.sign, {id_ if group is None else group(id_): buckets}

    return reading.combined(each())


def whole_spend(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    keys: CrossedKeys,
    source: MoneySource,
) -> list[int]:
    """The spend (nano-dollars, of a source of money) of each bucket of keys and creators
    combined."""
    found = [0] * len(wanted.buckets)
    for part in of_crossed(selection.grouped(None), keys):
        spent = reading.read_whole_spend(connection, part.selection, wanted, stored, source)
        found = list(map(add if part.sign > 0 else sub, found, spent))
    return found


def spend_series(
    connection: Connection,
    selection: Selection,
    wanted: TimeRange,
    stored: Granularity,
    keys: CrossedKeys | None,
    source: MoneySource,
) -> dict[int, dict[int, int]]:
    """The spend (nano-dollars, of a source of money) by group and index of the bucket; of some
    buckets it may be 0. `keys` are those of a selection of keys and creators, of which groups
    without any spend are left out."""
    found: dict[int, dict[int, int]] = {}
    each = _parts(selection, keys)
    for part in each:
        some, group = part.selection, part.group
        if isinstance(group, int):
            spent = reading.read_whole_spend(connection, some, wanted, stored, source)
            series = {group: dict(enumerate(spent))}
            group = None
        else:
            series = sums.spend_series(connection, some, wanted, stored, source)
        for id_, buckets in series.items():
            into = found.setdefault(id_ if group is None else group(id_), {})
            for index, value in buckets.items():
                into[index] = into.get(index, 0) + part.sign * value
    if len(each) == 1 or selection.by is None:
        return found
    return {id_: buckets for id_, buckets in found.items() if any(buckets.values())}
