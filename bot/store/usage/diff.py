"""Computes what to delete and write when a window's rows are replaced, and how sums change.

That happens before the write lock is taken, so that it is held only while changed rows are written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import add, itemgetter, sub
from typing import TypeVar

from bot.runtime.priority import pausing_for_requests
from bot.store.encoding import (
    ALL_OF,
    MEMBERS_OF,
    MODELS_OF,
    StoredView,
    from_seconds,
    to_seconds,
)
from bot.store.usage.filled_months import Marks, contain
from reports.usage.usage import ZERO, Usage, plus

RowKey = tuple[int, int, int, int]
"""View, bucket, member, model."""
TotalKey = tuple[int, int, int]
"""Dimension, member, bucket."""
Figures = Sequence[int]
"""The figures of a Usage, in its order, as a plain database row."""
Rows = Mapping[RowKey, Figures]
Sums = dict[TotalKey, Figures]
_Key = TypeVar("_Key", RowKey, TotalKey)


@dataclass(frozen=True, slots=True)
class RowChanges:
    """Rows to delete and to write (`new` ones, and `changed` ones), and the changes to sums.

    `added` is added to the sums of buckets, `months` to those of months, `month_rows` to the rows
    by month (whose bucket is the first second of the month), which only contain days up to a mark.
    """

    gone: list[RowKey] = field(default_factory=list)
    new: list[tuple[RowKey, Figures]] = field(default_factory=list)
    changed: list[tuple[RowKey, Figures]] = field(default_factory=list)
    added: Sums = field(default_factory=dict)
    months: Sums = field(default_factory=dict)
    month_rows: dict[RowKey, Figures] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows change."""
        return len(self.gone) + len(self.new) + len(self.changed)


def add_up(rows: Iterable[tuple[RowKey, Usage]]) -> dict[RowKey, Usage]:
    """Rows by their key; rows with the same key (two deleted keys of one name) become their sum."""
    merged: dict[RowKey, Usage] = {}
    for key, usage in pausing_for_requests(rows):
        before = merged.get(key)
        merged[key] = usage if before is None else plus(before, usage)
    return merged


def changes(old: Rows, new: Rows, *, marks: Marks | None, most: int) -> list[RowChanges]:
    """The changes that turn the old rows of a window into the new ones.

    `marks` say which days rows by month contain; None for windows of a finer granularity. Each
    change keeps the sums consistent, and writes about `most` rows at most, including rows by month
    and the sums of members. A bucket that needs no more than that is changed at once, so that its
    two views always agree.
    """
    different = [key for key in pausing_for_requests(old) if key not in new]
    different += [key for key, usage in pausing_for_requests(new.items()) if old.get(key) != usage]
    # rows and sums that are stored together are written together
    different.sort()
    different.sort(key=_BUCKET)
    firsts: dict[int, int] = {}
    contained: set[int] = set()
    if marks is not None:
        firsts = {bucket: _month(bucket) for bucket in {key[1] for key in different}}
        contained = {at for at in firsts if any(contain(marks, view, at, 0) for view in StoredView)}
    return [
        _change(keys, old, new, firsts, contained, marks or {})
        for keys in _portions(different, most, firsts, contained)
    ]


def _portions(
    keys: Iterable[RowKey], most: int, firsts: Mapping[int, int], contained: Container[int]
) -> Iterator[list[RowKey]]:
    """Keys in portions that write at most `most` rows: whole buckets, or parts of a larger bucket.

    For a key in a bucket that its month contains, two rows are written, and for each member a sum
    of the bucket and, if it is a day, a sum of its month. The few sums of models aren't counted.
    """
    portion: list[RowKey] = []
    rows = 0  # with the sums of buckets
    months: set[tuple[int, int, int]] = set()
    for at, same in groupby(keys, key=_BUCKET):
        bucket = list(same)
        members = {(view, member) for view, _, member, _ in bucket}
        more = (2 if at in contained else 1) * len(bucket) + len(members)
        of_months = {(firsts[at], *member) for member in members} if at in firsts else set()
        if portion and rows + more + len(months | of_months) > most:
            yield portion
            portion, rows, months = [], 0, set()
        parts = -(-(more + len(of_months)) // most)
        if parts > 1:  # members have about as many rows each
            fitting = -(-len(bucket) // parts)
            for start in range(0, len(bucket), fitting):
                yield bucket[start : start + fitting]
        else:
            portion += bucket
            rows += more
            months |= of_months
    if portion:
        yield portion


def _change(
    keys: list[RowKey],
    old: Rows,
    new: Rows,
    firsts: Mapping[int, int],
    contained: Container[int],
    marks: Marks,
) -> RowChanges:
    """The change of some rows; `firsts` maps days to their months, `contained` says which are
    included."""
    gone: list[RowKey] = []
    added_rows: list[tuple[RowKey, Figures]] = []
    changed: list[tuple[RowKey, Figures]] = []
    of_members: defaultdict[TotalKey, list[Figures]] = defaultdict(list)
    of_models: defaultdict[TotalKey, list[Figures]] = defaultdict(list)
    of_months: defaultdict[RowKey, list[Figures]] = defaultdict(list)
    before, after = [old.get(key) for key in keys], [new.get(key) for key in keys]
    rows = zip(keys, before, after, _differences(before, after), strict=True)
    for key, was, becomes, more in pausing_for_requests(rows):
        view, bucket, member, model = key
        if becomes is None:
            gone.append(key)
        else:
            (added_rows if was is None else changed).append((key, becomes))
        of_members[_MEMBERS[view], member, bucket].append(more)
        of_models[_MODELS[view], model, bucket].append(more)
        if bucket in contained and contain(marks, view, bucket, member):
            of_months[view, firsts[bucket], member, model].append(more)
    added = _added_up(of_members)
    whole: defaultdict[TotalKey, list[Figures]] = defaultdict(list)
    for (dimension, _, bucket), more in added.items():
        whole[_ALL[dimension], 0, bucket].append(more)
    added |= _added_up(of_models)
    added |= _added_up(whole)
    months: defaultdict[TotalKey, list[Figures]] = defaultdict(list)
    for (dimension, member, bucket), more in added.items():
        if bucket in firsts:
            months[dimension, member, firsts[bucket]].append(more)
    return RowChanges(gone, added_rows, changed, added, _added_up(months), _added_up(of_months))


def change_of_months(view: int, rows: Iterable[Sequence[int]]) -> RowChanges:
    """The change that adds days of a view to their months.

    A row has its bucket (seconds), member and model, and the figures.
    """
    firsts: dict[int, int] = {}
    parts: defaultdict[RowKey, list[Figures]] = defaultdict(list)
    for bucket, member, model, *figures in rows:
        if bucket not in firsts:
            firsts[bucket] = _month(bucket)
        parts[view, firsts[bucket], member, model].append(figures)
    return RowChanges(month_rows=_added_up(parts))


def _differences(
    before: Iterable[Figures | None], after: Iterable[Figures | None]
) -> Iterable[Figures]:
    """What each row has more than before; None is a row that is not there."""
    # column by column: a third of the time that it takes row by row
    old = zip(*(figures or ZERO for figures in before), strict=True)
    new = zip(*(figures or ZERO for figures in after), strict=True)
    return zip(*(map(sub, *columns) for columns in zip(new, old, strict=True)), strict=True)


_BUCKET = itemgetter(1)
_MODELS = {int(view): code for view, code in MODELS_OF.items()}
_MEMBERS = {int(view): code for view, code in MEMBERS_OF.items()}
_ALL = {MEMBERS_OF[view]: ALL_OF[view] for view in StoredView}
"""The sums of everything that the sums of members add up to."""


def _added_up(parts: Mapping[_Key, Sequence[Figures]]) -> dict[_Key, Figures]:
    """The sum of the figures under each key."""
    return {key: rows[0] if len(rows) == 1 else _sum(rows) for key, rows in parts.items()}


def _sum(rows: Sequence[Figures]) -> Figures:
    if len(rows) == 2:  # the usual case takes half as long this way
        return tuple(map(add, *rows))
    # summing by column avoids creating a value for each addition
    return tuple(map(sum, zip(*rows, strict=True)))


def _month(bucket: int) -> int:
    return to_seconds(from_seconds(bucket).replace(day=1))
