"""Matches names in an imported file to members.

A name without exactly one match isn't guessed: it becomes a member of its own.
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
    """The member ids of key and creator for each name of a file, in order.

    `unmatched` are the names that became members of their own.
    """

    key_and_creator: tuple[tuple[int, int], ...]
    unmatched: tuple[str, ...]


def find_members(store: Store, by: Dimension, names: Sequence[str]) -> MatchedMembers:
    """Match a file's names to members; new members are added to the directory."""
    directory = _with_unknown(store)
    if by is Dimension.MODEL:
        unknown = (_unknown(directory, Dimension.KEY), _unknown(directory, Dimension.CREATOR))
        return MatchedMembers(tuple(unknown for _ in names), ())
    known = _by_name(directory, by)
    unmatched = [name for name in names if name and len(known[name]) != 1]
    refs = [IMPORTED + name for name in unmatched]
    if by is Dimension.KEY:
        # so the directory has unknown owners for these keys, like the file's rows
        ids = (next(iter(known[name])) for name in names if len(known[name]) == 1)
        members = (directory.members[id_] for id_ in ids)
        refs += [member.ref for member in members if member.ref and member.owner is None]
    directory = store.add_members(
        by,
        [(IMPORTED + name, name, IMPORTED_DETAIL) for name in unmatched],
        [(ref, UNKNOWN) for ref in refs] if by is Dimension.KEY else (),
    )
    ids_of = {name: directory.ids[by, IMPORTED + name] for name in unmatched}
    ids_of |= {name: next(iter(known[name])) for name in names if len(known[name]) == 1}
    ids_of[""] = directory.ids[by, ""]
    return MatchedMembers(
        tuple(_key_and_creator(directory, by, ids_of[name]) for name in names), tuple(unmatched)
    )


def _key_and_creator(directory: Directory, by: Dimension, id_: int) -> tuple[int, int]:
    if by is Dimension.CREATOR:
        return _unknown(directory, Dimension.KEY), id_
    return id_, directory.members[id_].owner or _unknown(directory, Dimension.CREATOR)


def _by_name(directory: Directory, dimension: Dimension) -> defaultdict[str, set[int]]:
    """Member ids by name, label in answers, and e-mail address."""
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
    """The directory, including the members for unknown keys and creators."""
    directory = store.directory()
    for dimension in (Dimension.CREATOR, Dimension.KEY):
        if (dimension, UNKNOWN) not in directory.ids:
            found = [(UNKNOWN, UNKNOWN_NAMES[dimension], "")]
            owners = [(UNKNOWN, UNKNOWN)] if dimension is Dimension.KEY else []
            directory = store.add_members(dimension, found, owners)
    return directory
