"""Finding the members that the names in an imported file mean.

A name that nobody has, or that several share, is not guessed at: it becomes a member of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bot.store import Store
from bot.store.usage.directory import IMPORTED, UNKNOWN, Directory
from reports.usage.dimensions import Dimension

UNKNOWN_NAMES = {
    Dimension.KEY: "(imported, key unknown)",
    Dimension.CREATOR: "(imported, creator unknown)",
}
IMPORTED_DETAIL = "imported"


@dataclass(frozen=True, slots=True)
class MatchedMembers:
    """The key and the creator (their ids) that each name of a file means, by its position.

    `apart` are the names that became members of their own.
    """

    places: tuple[tuple[int, int], ...]
    apart: tuple[str, ...]


def find_members(store: Store, by: Dimension, names: Sequence[str]) -> MatchedMembers:
    """Find the members that a file's names mean; new ones are added."""
    directory = _with_unknown(store)
    if by is Dimension.MODEL:
        unknown = (_unknown(directory, Dimension.KEY), _unknown(directory, Dimension.CREATOR))
        return MatchedMembers(tuple(unknown for _ in names), ())
    known = _by_name(directory, by)
    apart = [name for name in names if name and len(known[name]) != 1]
    refs = [IMPORTED + name for name in apart]
    if by is Dimension.KEY:
        # like the file's rows, the directory then says that their owners are unknown
        ids = (next(iter(known[name])) for name in names if len(known[name]) == 1)
        members = (directory.members[id_] for id_ in ids)
        refs += [member.ref for member in members if member.ref and member.owner is None]
    directory = store.add_members(
        by,
        [(IMPORTED + name, name, IMPORTED_DETAIL) for name in apart],
        [(ref, UNKNOWN) for ref in refs] if by is Dimension.KEY else (),
    )
    ids_of = {name: directory.ids[by, IMPORTED + name] for name in apart}
    ids_of |= {name: next(iter(known[name])) for name in names if len(known[name]) == 1}
    ids_of[""] = directory.ids[by, ""]
    return MatchedMembers(
        tuple(_place(directory, by, ids_of[name]) for name in names), tuple(apart)
    )


def _place(directory: Directory, by: Dimension, id_: int) -> tuple[int, int]:
    if by is Dimension.CREATOR:
        return _unknown(directory, Dimension.KEY), id_
    return id_, directory.members[id_].owner or _unknown(directory, Dimension.CREATOR)


def _by_name(directory: Directory, dimension: Dimension) -> defaultdict[str, set[int]]:
    """All members by what a file may call them: name, label in answers, e-mail address."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for member in directory.of[dimension]:
        names = {member.name, directory.labels[member.id]}
        if dimension is Dimension.CREATOR and member.detail not in {"", IMPORTED_DETAIL}:
            names.add(member.detail)
        for name in names:
            found[name].add(member.id)
    return found


def _unknown(directory: Directory, dimension: Dimension) -> int:
    return directory.ids[dimension, UNKNOWN]


def _with_unknown(store: Store) -> Directory:
    """The directory, with the members that represent unknown keys and creators."""
    directory = store.directory()
    for dimension in (Dimension.CREATOR, Dimension.KEY):
        if (dimension, UNKNOWN) not in directory.ids:
            found = [(UNKNOWN, UNKNOWN_NAMES[dimension], "")]
            owners = [(UNKNOWN, UNKNOWN)] if dimension is Dimension.KEY else []
            directory = store.add_members(dimension, found, owners)
    return directory
