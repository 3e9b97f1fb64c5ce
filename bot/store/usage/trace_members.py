"""What the names in traces mean: traces have names of keys, and no hashes.

A name that several keys share can't be resolved: it means a member that stands for all of them. The
creator is the owner of the key, by OpenRouter's directory.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from bot.store.usage.directory import IMPORTED, UNKNOWN, UNLISTED, Directory
from bot.store.usage.traces import CREATOR_UNKNOWN, FROM_TRACES, SAME_NAME
from reports.usage.dimensions import Dimension
from reports.usage.members import Member

FROM_ELSEWHERE = (IMPORTED, UNKNOWN, FROM_TRACES)
"""Prefixes of the refs of members that OpenRouter's rows never mean."""
SYNTHETIC_REFS = ("deleted:", "email:", "name:", UNLISTED, *FROM_ELSEWHERE)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class TraceKeys:
    """The keys that names in traces mean. `listed`: OpenRouter's directory was read completely."""

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
        """The ref of the key that a name means in a bucket that ends at `end`."""
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


class TraceOwners:
    """Who used what: the owner of the key, else the person named in the trace; 0 if unknown."""

    def __init__(self, directory: Directory, keys: TraceKeys) -> None:
        self._directory = directory
        self._keys = keys
        people = directory.of[Dimension.CREATOR]
        self._people = {
            one.ref: one.id
            for one in people
            if one.ref and not one.ref.startswith(SYNTHETIC_REFS)
        }  # fmt: skip
        nobody = "" if not self._people else CREATOR_UNKNOWN  # a personal account has no members
        self._unknown = directory.ids.get((Dimension.CREATOR, nobody), 0)
        self._known: dict[tuple[str, str], int] = {}

    def of(self, key: str, named: str) -> int:
        """The id of the creator, by the key's ref and the id that the trace has."""
        place = key, named
        if place not in self._known:
            owner = self._keys.owner(key) if key else None
            self._known[place] = owner or self._people.get(named, self._unknown)
        return self._known[place]


class TraceModels:
    """Names of models as OpenRouter's totals have them: a model has several.

    `listed` is the stored list of models, `known` the names that are wanted.
    """

    def __init__(self, listed: str | None, known: Collection[str]) -> None:
        self._known = known
        self._other: dict[str, str] = {}
        for one in json.loads(listed)["models"] if listed else ():
            name = next((slug for slug in one["slugs"] if slug in self._known), None)
            if name:
                self._other |= dict.fromkeys(one["slugs"], name)

    def name(self, found: str) -> str:
        """The name of a model that a trace names; a variant (`:free`) belongs to its model."""
        base = found.partition(":")[0]
        for one in (found, base):
            if one in self._known:
                return one
            if one in self._other:
                return self._other[one]
        return found
