"""Attributes usage from traces to keys and creators: traces have the names of keys, but no hashes.

A name that several keys share can't be resolved: its usage is attributed to a member that stands
for all of them. The creator is the key's owner in OpenRouter's directory.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.clickhouse import TraceUsage
from bot.openrouter import QueryGrouping
from bot.runtime.priority import pausing_for_requests
from bot.store import Store
from bot.store.encoding import StoredView, to_seconds
from bot.store.usage.diff import RowKey
from bot.store.usage.directory import UNLISTED, Directory
from bot.store.usage.trace_members import TraceKeys, TraceOwners
from bot.store.usage.traces import (
    CREATOR_UNKNOWN,
    CREATOR_UNKNOWN_NAME,
    NOT_IN_CLICKHOUSE,
    NOT_IN_CLICKHOUSE_NAME,
    SAME_NAME,
    SAME_NAME_DETAIL,
)
from bot.sync.pull_window import is_listed, model_ids
from reports.usage.dimensions import Dimension
from reports.usage.usage import Usage


class MissingUsage(NamedTuple):
    """Usage of a model in a bucket (its start, UTC) that OpenRouter counts and ClickHouse lacks."""

    bucket: datetime
    model: str
    usage: Usage


def attribute(
    store: Store,
    rows: Sequence[TraceUsage],
    missing: Sequence[MissingUsage],
    step: timedelta,
    refresh: Callable[[], object],
) -> tuple[tuple[RowKey, Usage], ...]:
    """Convert rows of traces to rows to store, in both views; `step` is the length of their
    buckets.

    `refresh` is called if a name isn't in the directory. Names still missing become members.
    """
    names = {row.key for row in pausing_for_requests(rows)}
    keys = TraceKeys(store.directory(), listed=is_listed(store, QueryGrouping.KEY))
    if keys.unknown(names):
        refresh()
        keys = TraceKeys(store.directory(), listed=is_listed(store, QueryGrouping.KEY))
    refs = {
        place: keys.ref(place[0], place[1] + step)
        for place in {(row.key, row.bucket) for row in pausing_for_requests(rows)}
    }
    directory = _with_members(store, refs.values(), keys, missing=bool(missing))
    owner = TraceOwners(directory, keys)
    models = model_ids(
        store, {row.model for row in pausing_for_requests(rows)} | {one.model for one in missing}
    )

    def attributed() -> Iterator[tuple[RowKey, Usage]]:
        for row in pausing_for_requests(rows):
            ref, at, model = refs[row.key, row.bucket], to_seconds(row.bucket), models[row.model]
            key, creator = directory.ids[Dimension.KEY, ref], owner.of(ref, row.owner)
            yield (StoredView.KEY, at, key, model), row.usage
            yield (StoredView.CREATOR, at, creator, model), row.usage
        for one in missing:
            for view, dimension in _VIEWS:
                member = directory.ids[dimension, NOT_IN_CLICKHOUSE]
                yield (view, to_seconds(one.bucket), member, models[one.model]), one.usage

    return tuple(attributed())


_VIEWS = (StoredView.KEY, Dimension.KEY), (StoredView.CREATOR, Dimension.CREATOR)


def _with_members(
    store: Store, refs: Collection[str], keys: TraceKeys, *, missing: bool
) -> Directory:
    """The directory, with the additional members that usage from traces needs."""
    directory = store.directory()
    creators = [(CREATOR_UNKNOWN, CREATOR_UNKNOWN_NAME)]
    creators += [(NOT_IN_CLICKHOUSE, NOT_IN_CLICKHOUSE_NAME)] if missing else []
    new = [
        (ref, name, "") for ref, name in creators if (Dimension.CREATOR, ref) not in directory.ids
    ]
    if new:
        directory = store.add_members(Dimension.CREATOR, new)
    found: dict[str, tuple[str, str]] = {}
    if missing:
        found[NOT_IN_CLICKHOUSE] = NOT_IN_CLICKHOUSE_NAME, ""
    for ref in refs:
        if ref.startswith(SAME_NAME):
            found[ref] = ref.removeprefix(SAME_NAME), SAME_NAME_DETAIL
        elif ref.startswith(("deleted:", UNLISTED)):
            found[ref] = ref.partition(":")[2], ""
    new = [
        (ref, name, detail)
        for ref, (name, detail) in sorted(found.items())
        if (Dimension.KEY, ref) not in directory.ids
    ]
    if not new:
        return directory
    return store.add_members(Dimension.KEY, new, [
        (ref, _owner_ref(ref, keys, directory))
        for ref, *_ in new
        if ref.startswith((SAME_NAME, NOT_IN_CLICKHOUSE))
    ])  # fmt: skip


def _owner_ref(ref: str, keys: TraceKeys, directory: Directory) -> str:
    """The ref of the creator that a member standing for keys belongs to."""
    if ref == NOT_IN_CLICKHOUSE:
        return NOT_IN_CLICKHOUSE
    owner = keys.owner(ref)
    return CREATOR_UNKNOWN if owner is None else directory.members[owner].ref
