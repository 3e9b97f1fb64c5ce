"""Replacing a window's rows: what has to be deleted, written and added up anew.

Worked out beside the database, before the write lock is taken, so that it is held only as long as
the changed rows take to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import add, sub

from bot.store.codes import ALL_OF, MEMBERS_OF, MODELS, View
from reports.usage import ZERO, Usage

RowKey = tuple[int, int, int, int]
"""View, bucket, member, model."""
TotalKey = tuple[int, int, int]
"""Dimension, member, bucket."""
Rows = Mapping[RowKey, Usage]


@dataclass(frozen=True, slots=True)
class Changes:
    """The rows and sums to delete, to write, and to add to months."""

    gone: list[RowKey] = field(default_factory=list)
    written: list[tuple[RowKey, Usage]] = field(default_factory=list)
    totals_gone: list[TotalKey] = field(default_factory=list)
    totals_written: list[tuple[TotalKey, Usage]] = field(default_factory=list)
    months: list[tuple[TotalKey, Usage]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.gone or self.written)


def add_up(rows: Iterable[tuple[RowKey, Usage]]) -> dict[RowKey, Usage]:
    """Rows by their key; two rows of one key (two deleted keys of one name) become their sum."""
    merged: dict[RowKey, Usage] = {}
    for key, usage in rows:
        before = merged.get(key)
        merged[key] = usage if before is None else plus(before, usage)
    return merged


def plus(one: Usage, other: Usage) -> Usage:
    """Both together."""
    return Usage._make(map(add, one, other))


def minus(one: Usage, other: Usage) -> Usage:
    """What remains of one without the other."""
    return Usage._make(map(sub, one, other))


def changes(old: Rows, new: Rows, *, months: bool) -> Changes:
    """What turns the old rows of a window into the new ones; `months` for windows of days."""
    gone = [key for key in old if key not in new]
    written = [(key, usage) for key, usage in new.items() if old.get(key) != usage]
    if not gone and not written:
        return Changes()
    before, after = _totals(old), _totals(new)
    totals_gone = [key for key in before if key not in after]
    totals_written = [(key, usage) for key, usage in after.items() if before.get(key) != usage]
    deltas: dict[TotalKey, Usage] = {}
    if months:
        for key in totals_gone:
            _add(deltas, _month(key), minus(ZERO, before[key]))
        for key, usage in totals_written:
            _add(deltas, _month(key), minus(usage, before.get(key, ZERO)))
    return Changes(gone, written, totals_gone, totals_written, list(deltas.items()))


def _totals(rows: Rows) -> dict[TotalKey, Usage]:
    """What the rows of a window add up to, for every member of every dimension."""
    sums: dict[TotalKey, Usage] = {}
    for (view, bucket, member, model), usage in rows.items():
        _add(sums, (ALL_OF[View(view)], 0, bucket), usage)
        _add(sums, (MEMBERS_OF[View(view)], member, bucket), usage)
        if view == View.KEY:
            _add(sums, (MODELS, model, bucket), usage)
    return sums


def _add(sums: dict[TotalKey, Usage], key: TotalKey, usage: Usage) -> None:
    before = sums.get(key)
    sums[key] = usage if before is None else plus(before, usage)


def _month(key: TotalKey) -> TotalKey:
    dimension, member, bucket = key
    first = datetime.fromtimestamp(bucket, UTC).replace(day=1)
    return dimension, member, int(first.timestamp())
