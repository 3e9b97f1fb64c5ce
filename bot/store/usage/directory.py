"""Stores the directory: the members of all dimensions, by OpenRouter's ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from bot.store.connection import Connection
from bot.store.encoding import DIMENSION, DIMENSION_OF, from_seconds, to_seconds
from bot.store.usage.traces import SAME_NAME
from reports.usage.dimensions import Dimension
from reports.usage.members import Member, find, index_by_name, labels, look_up, nearest_name

IMPORTED = "imported:"
"""Prefix of the ref of a member known only from an imported file."""
UNLISTED = "unlisted:"
"""Prefix of the ref of a member in usage while OpenRouter's directory couldn't be read."""
UNKNOWN = "unknown:"
"""Prefix of the ref of the member for keys or creators that an imported file does not name."""


@dataclass(frozen=True)
class Directory:
    """All members known at one time; labels are computed on first use.

    `since` is when keys were created (UTC), if known. `seen_by` caches the labels shown to people
    with limited visibility, by their e-mail address.
    """

    members: Mapping[int, Member]
    version: int = 0
    since: Mapping[int, datetime] = field(default_factory=dict)
    _found: dict[tuple[Dimension, str], frozenset[int]] = field(default_factory=dict)
    seen_by: dict[str, Mapping[int, str]] = field(default_factory=dict)

    @cached_property
    def of(self) -> Mapping[Dimension, tuple[Member, ...]]:
        """The members of each dimension."""
        return {
            dimension: tuple(m for m in self.members.values() if m.dimension is dimension)
            for dimension in Dimension
        }

    @cached_property
    def labels(self) -> Mapping[int, str]:
        """The label of each member; members with the same name get different labels."""
        return {i: label for group in self.of.values() for i, label in labels(group).items()}

    @cached_property
    def ids(self) -> Mapping[tuple[Dimension, str], int]:
        """Ids by dimension and ref."""
        return {(m.dimension, m.ref): m.id for m in self.members.values()}

    @cached_property
    def owners(self) -> Mapping[int, int]:
        """The id of each key's creator; for keys without one, the id of `(no creator)`."""
        no_creator = self.ids.get((Dimension.CREATOR, ""), 0)
        keys = self.of[Dimension.KEY]
        return {key.id: key.owner or no_creator for key in keys if key.ref}

    @cached_property
    def orphans(self) -> frozenset[int]:
        """Keys whose creator is unknown: deleted keys, and keys of people who weren't listed."""
        keys = self.of[Dimension.KEY]
        return frozenset(key.id for key in keys if key.ref and key.owner is None)

    @cached_property
    def same_named(self) -> tuple[Member, ...]:
        """The entries for usage of several keys with one name, which ClickHouse doesn't tell
        apart."""
        return tuple(key for key in self.of[Dimension.KEY] if key.ref.startswith(SAME_NAME))

    @cached_property
    def _indexes(self) -> Mapping[Dimension, Mapping[str, frozenset[int]]]:
        """The members of each dimension by all of their names."""
        named = dict(self.labels)
        return {dimension: index_by_name(group, named) for dimension, group in self.of.items()}

    def at(self, address: str) -> frozenset[int]:
        """The creators that have an e-mail address."""
        people = self.of[Dimension.CREATOR]
        return frozenset(m.id for m in people if m.detail.casefold() == address.casefold())

    def find(self, dimension: Dimension, pattern: str) -> frozenset[int]:
        """The members that match a filter's pattern."""
        key = dimension, pattern
        if key not in self._found:
            ids = look_up(pattern, self._indexes[dimension])
            if ids is None:
                ids = find(pattern, self.of[dimension], dict(self.labels))
            if not ids and dimension is Dimension.CREATOR and not set("@*") & set(pattern):
                ids = self.find(dimension, f"@{pattern}")  # `creator:ada`, as `@ada`
            self._found[key] = ids
        return self._found[key]

    def nearest(self, dimension: Dimension, pattern: str) -> str | None:
        """The name most similar to a pattern that matches no member; None if none is similar."""
        return nearest_name(pattern, self.of[dimension], dict(self.labels))


def read(connection: Connection, version: int) -> Directory:
    """Read the whole directory."""
    found = connection.execute(
        "SELECT id, dimension, ref, name, detail, owner, gone, since FROM member ORDER BY id"
    ).fetchall()
    return Directory(
        {
            row[0]: Member(
                row[0], DIMENSION_OF[row[1]], row[2], row[3], row[4], row[5], bool(row[6])
            )
            for row in found
        },
        version,
        {row[0]: from_seconds(row[7]) for row in found if row[7] is not None},
    )


def add(
    connection: Connection, dimension: Dimension, found: Iterable[tuple[str, str, str]]
) -> None:
    """Add members named in usage, as (ref, name, detail); known ones aren't changed."""
    found = list(found)
    adopt(connection, dimension, found)
    connection.executemany(
        "INSERT INTO member (dimension, ref, name, detail, gone) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (dimension, ref) DO NOTHING",
        [
            (DIMENSION[dimension], ref, name, detail, int(ref.startswith("deleted:")))
            for ref, name, detail in found
        ],
    )


def replace(
    connection: Connection,
    dimension: Dimension,
    listed: Iterable[tuple[str, str, str]],
    *,
    whole: bool = True,
) -> list[int]:
    """Store what OpenRouter lists as (ref, name, detail); if the list is `whole`, others are gone.

    Returns the ids of members that were previously known only by name.
    """
    listed = list(listed)
    adopted = adopt(connection, dimension, listed)
    code = DIMENSION[dimension]
    if whole:
        connection.execute(
            "UPDATE member SET gone = 1 WHERE dimension = ? AND ref != '' AND ref NOT IN"
            " (SELECT value FROM texts(?) t)",
            (code, [ref for ref, *_ in listed]),
        )
    connection.executemany(
        "INSERT INTO member (dimension, ref, name, detail) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (dimension, ref) DO UPDATE"
        " SET name = excluded.name, detail = excluded.detail, gone = 0",
        [(code, *entry) for entry in listed],
    )
    return adopted


def adopt(
    connection: Connection, dimension: Dimension, found: Sequence[tuple[str, str, str]]
) -> list[int]:
    """Give members known from files or unlisted rows the refs under which OpenRouter lists them.

    Only if exactly one stored and one listed member have the e-mail address or the name. Returns
    the ids of the members that have a new ref.
    """
    code = DIMENSION[dimension]
    known = connection.execute(
        "SELECT ref, name, detail, id FROM member WHERE dimension = ?", (code,)
    ).fetchall()
    waiting = [row for row in known if row[0].startswith((IMPORTED, UNLISTED))]
    if not waiting:
        return []
    refs = {row[0] for row in known}
    adopted: dict[int, tuple[str, str, bool]] = {}
    for column in (2, 1):  # the e-mail address is more reliable than the name
        stored = Counter(row[column] for row in known)
        listed = Counter((ref, name, detail)[column] for ref, name, detail in found)
        ids = {row[column]: row[3] for row in waiting if column == 1 or "@" in row[2]}
        for ref, name, detail in found:
            value = (ref, name, detail)[column]
            unique = value in ids and stored[value] == listed[value] == 1
            if unique and ref not in refs and not ref.startswith((IMPORTED, UNLISTED)):
                adopted.setdefault(ids[value], (ref, detail, ref.startswith("deleted:")))
                refs.add(ref)
    connection.executemany(
        "UPDATE member SET ref = ?, detail = ?, gone = ? WHERE id = ?",
        [(ref, detail, int(gone), id_) for id_, (ref, detail, gone) in adopted.items()],
    )
    return list(adopted)


def set_since(connection: Connection, since: Iterable[tuple[str, datetime]]) -> None:
    """Store when keys were created: (key's hash, time)."""
    connection.executemany(
        "UPDATE member SET since = ? WHERE dimension = ? AND ref = ?",
        [(to_seconds(at), DIMENSION[Dimension.KEY], key) for key, at in since],
    )


def set_owners(connection: Connection, owners: Iterable[tuple[str, str]]) -> None:
    """Store the creator of each key: (key's hash, user id)."""
    connection.executemany(
        "UPDATE member SET owner = (SELECT id FROM member WHERE dimension = ? AND ref = ?)"
        " WHERE dimension = ? AND ref = ?",
        [
            (DIMENSION[Dimension.CREATOR], user, DIMENSION[Dimension.KEY], key)
            for key, user in owners
        ],
    )
