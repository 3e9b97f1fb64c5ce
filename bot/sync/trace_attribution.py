"""Attributes usage from traces to keys and creators: traces have the names of keys, but no hashes.

A name that several keys share can't be resolved: its usage is attributed to a member that stands
for all of them. The creator is the key's owner in OpenRouter's directory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from bot.clickhouse import TraceUsage
from bot.openrouter import QueryGrouping
from bot.runtime.priority import pausing_for_requests
from bot.store import Store
from bot.store.encoding import StoredView, to_seconds
from bot.store.usage.diff import RowKey
from bot.store.usage.directory import UNLISTED, Directory
from bot.store.usage.traces import (
    CREATOR_UNKNOWN,
    CREATOR_UNKNOWN_NAME,
    NOT_IN_CLICKHOUSE,
    NOT_IN_CLICKHOUSE_NAME,
    SAME_NAME,
    SAME_NAME_DETAIL,
)
from bot.sync.attribution import FROM_ELSEWHERE, SYNTHETIC_REFS
from bot.sync.pull_window import is_listed, model_ids
from reports.usage.dimensions import Dimension
from reports.usage.members import Member
from reports.usage.usage import Usage

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class MissingUsage(NamedTuple):
    """Usage of a model in a bucket (its start, UTC) that OpenRouter counts and ClickHouse lacks."""

    bucket: datetime
    model: str
    usage: Usage


class _Keys:
    """Finds keys by names in traces. `listed`: OpenRouter's directory was read completely."""

    def __init__(self, directory: Directory, *, listed: bool) -> None:
        self._directory = directory
        self._listed = listed
        self._named: dict[str, list[Member]] = defaultdict(list)
        for member in directory.of[Dimension.KEY]:
            if member.ref and not member.ref.startswith(FROM_ELSEWHERE):
                self._named[member.name].append(member)

    def unknown(self, names: Iterable[str]) -> bool:
        """Whether a name isn't in the directory."""
        return any(name and name not in self._named for name in names)

    def ref(self, name: str, end: datetime) -> str:
        """The ref of the key that a name refers to in a bucket that ends at `end`."""
        if not name:
            return ""
        known = self._named.get(name, ())
        since = self._directory.since
        real = [one for one in known if not one.ref.startswith(SYNTHETIC_REFS)]
        live = [one for one in real if not one.gone and since.get(one.id, _LONG_AGO) < end]
        gone = [one for one in real if one.gone]
        meant = live or gone
        if len(meant) > 1:
            return f"{SAME_NAME}{name}"
        if meant:
            return meant[0].ref
        made_up = next((one.ref for one in known if one.ref.startswith(SYNTHETIC_REFS)), None)
        return made_up or (f"deleted:{name}" if self._listed else f"{UNLISTED}{name}")

    def owner(self, ref: str) -> int | None:
        """The id of the creator of a key; None if it is unknown."""
        if ref.startswith(SAME_NAME):
            alike = self._named.get(ref.removeprefix(SAME_NAME), ())
            owners = {self._directory.owners.get(one.id) for one in alike}
            orphans = any(one.id in self._directory.orphans for one in alike)
            return owners.pop() if len(owners) == 1 and not orphans else None
        id_ = self._directory.ids.get((Dimension.KEY, ref))
        if id_ is None or self._directory.members[id_].owner is None:
            return None
        return self._directory.owners[id_]


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
    keys = _Keys(store.directory(), listed=is_listed(store, QueryGrouping.KEY))
    if keys.unknown(names):
        refresh()
        keys = _Keys(store.directory(), listed=is_listed(store, QueryGrouping.KEY))
    refs = {
        place: keys.ref(place[0], place[1] + step)
        for place in {(row.key, row.bucket) for row in pausing_for_requests(rows)}
    }
    directory = _with_members(store, refs.values(), keys, missing=bool(missing))
    owner = _Owners(directory, keys)
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


class _Owners:
    """Finds the creator of usage: the owner of the key, else the person named in the trace."""

    def __init__(self, directory: Directory, keys: _Keys) -> None:
        self._directory = directory
        self._keys = keys
        people = directory.of[Dimension.CREATOR]
        self._people = {
            one.ref: one.id
            for one in people
            if one.ref and not one.ref.startswith(SYNTHETIC_REFS)
        }  # fmt: skip
        nobody = "" if not self._people else CREATOR_UNKNOWN  # a personal account has no members
        self._unknown = directory.ids[Dimension.CREATOR, nobody]
        self._known: dict[tuple[str, str], int] = {}

    def of(self, key: str, named: str) -> int:
        """The id of the creator, from the key's ref and the person's id in the trace."""
        place = key, named
        if place not in self._known:
            owner = self._keys.owner(key) if key else None
            self._known[place] = owner or self._people.get(named, self._unknown)
        return self._known[place]


def _with_members(store: Store, refs: Collection[str], keys: _Keys, *, missing: bool) -> Directory:
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


def _owner_ref(ref: str, keys: _Keys, directory: Directory) -> str:
    """The ref of the creator that a member standing for keys belongs to."""
    if ref == NOT_IN_CLICKHOUSE:
        return NOT_IN_CLICKHOUSE
    owner = keys.owner(ref)
    return CREATOR_UNKNOWN if owner is None else directory.members[owner].ref
