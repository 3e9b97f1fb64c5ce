"""Replacing a window's rows: what has to be deleted and written, and how sums change.

Computed before the write lock is taken, so that the lock is held only while changed rows are
written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import add, itemgetter, neg, sub
from typing import TypeVar

from bot.runtime.priority import pausing_for_requests
from bot.store.encoding import (
    ALL_OF,
    MEMBERS_OF,
    MODELS,
    StoredView,
    from_seconds,
    to_seconds,
)
from reports.usage.usage import ZERO, Usage, plus

RowKey = tuple[int, int, int, int]
"""View, bucket, member, model."""
TotalKey = tuple[int, int, int]
"""Dimension, member, bucket."""
Figures = Sequence[int]
"""The figures of a Usage, in its order: a plain row of the database will do."""
Rows = Mapping[RowKey, Figures]
Sums = dict[TotalKey, Figures]
_Key = TypeVar("_Key", RowKey, TotalKey)


MOST_AT_ONCE = 1_200
"""Rows that one transaction changes, with their sums and the rows of their months: 30 to 60 ms for
which other writers wait, at 1,000 keys on two cores (`python -m tests.bench writes`)."""


@dataclass(frozen=True, slots=True)
class RowChanges:
    """Rows to delete and to write, and what that adds to sums.

    `added` is added to the sums of buckets, `months` to those of months, `month_rows` to the rows
    of months (whose bucket is the first second of the month).
    """

    gone: list[RowKey] = field(default_factory=list)
    written: list[tuple[RowKey, Figures]] = field(default_factory=list)
    added: Sums = field(default_factory=dict)
    months: Sums = field(default_factory=dict)
    month_rows: dict[RowKey, Figures] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows change."""
        return len(self.gone) + len(self.written)


def add_up(rows: Iterable[tuple[RowKey, Usage]]) -> dict[RowKey, Usage]:
    """Rows by their key; two rows of one key (two deleted keys of one name) become their sum."""
    merged: dict[RowKey, Usage] = {}
    for key, usage in pausing_for_requests(rows):
        before = merged.get(key)
        merged[key] = usage if before is None else plus(before, usage)
    return merged


def changes(old: Rows, new: Rows, *, months: bool, most: int = MOST_AT_ONCE) -> list[RowChanges]:
    """What turns the old rows of a window into the new ones; `months` for windows of days.

    Each change keeps the sums consistent, and changes at most `most` rows. A bucket with no more
    than that is changed at once, so that both of its views always agree.
    """
    different = [key for key in pausing_for_requests(old) if key not in new]
    different += [key for key, usage in pausing_for_requests(new.items()) if old.get(key) != usage]
    # rows and sums that lie together are written together
    different.sort(key=lambda key: (key[1], key))
    firsts = {bucket: _month(bucket) for bucket in {key[1] for key in different}} if months else {}
    return [_change(keys, old, new, firsts) for keys in _portions(different, most)]


def _portions(keys: Iterable[RowKey], most: int) -> Iterator[list[RowKey]]:
    """Keys in portions of at most `most`: whole buckets, or parts of a bucket that is larger."""
    portion: list[RowKey] = []
    for _, same in groupby(keys, key=itemgetter(1)):
        bucket = list(same)
        if portion and len(portion) + len(bucket) > most:
            yield portion
            portion = []
        portion += bucket
        while len(portion) > most:
            yield portion[:most]
            portion = portion[most:]
    if portion:
        yield portion


def _change(keys: list[RowKey], old: Rows, new: Rows, firsts: Mapping[int, int]) -> RowChanges:
    change = RowChanges()
    for (view, bucket, member), same in groupby(pausing_for_requests(keys), key=_owner):
        whole: Figures = ()  # what the rows of one member in one bucket add up to
        for key in same:
            before, after = old.get(key), new.get(key)
            if after is None:
                change.gone.append(key)
                more: Figures = list(map(neg, before or ZERO))
            else:
                change.written.append((key, after))
                more = list(after) if before is None else list(map(sub, after, before))
            if view == StoredView.KEY:
                _add(change.added, (MODELS, key[3], bucket), more)
            if bucket in firsts:
                _add(change.month_rows, (view, firsts[bucket], member, key[3]), more)
            whole = list(map(add, whole, more)) if whole else more
        _add(change.added, (ALL_OF[view], 0, bucket), whole)
        _add(change.added, (MEMBERS_OF[view], member, bucket), whole)
    for (dimension, member, bucket), more in change.added.items():
        if bucket in firsts:
            _add(change.months, (dimension, member, firsts[bucket]), more)
    return change


_owner = itemgetter(0, 1, 2)
"""What the rows of one member in one bucket have in common; they come one after the other."""


def _add(sums: dict[_Key, Figures], key: _Key, more: Figures) -> None:
    before = sums.get(key)
    sums[key] = more if before is None else list(map(add, before, more))


def _month(bucket: int) -> int:
    return to_seconds(from_seconds(bucket).replace(day=1))
