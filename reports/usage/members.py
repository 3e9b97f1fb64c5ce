"""Members of a dimension: unique labels, and lookup by name pattern."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from reports.usage.dimensions import Dimension
from reports.wording.safe_text import clean, plain

CHATROOM = "(chatroom)"
NO_CREATOR = "(no creator)"


@dataclass(frozen=True, slots=True)
class Member:
    """One model, API key or creator.

    `ref` is OpenRouter's identifier (slug, key hash, user id; empty for usage without a key or
    creator); `detail` distinguishes members with the same name: the key's label or the creator's
    e-mail address. `owner` is the member id of a key's creator. `gone`: no longer in OpenRouter's
    directory.
    """

    id: int
    dimension: Dimension
    ref: str
    name: str
    detail: str = ""
    owner: int | None = None
    gone: bool = False


def labels(members: Iterable[Member]) -> dict[int, str]:
    """A unique label for each member id: its name, with a suffix if another has the same name."""
    members_ = list(members)
    shared = Counter(clean(member.name) for member in members_)
    named = {member.id: _label(member, shared) for member in members_}
    count = Counter(named.values())
    # usage without a key or creator keeps its name even if another member has the same
    final = {member.id for member in members_ if not member.ref or count[named[member.id]] == 1}
    taken = set(named.values())
    for member in sorted(named.keys() - final):
        while named[member] in taken:
            named[member] += f" #{member}"
        taken.add(named[member])
    return named


def _label(member: Member, shared: Counter[str]) -> str:
    name = clean(member.name)
    if shared[name] == 1 or not member.ref:
        return name
    if member.ref.startswith("deleted:"):
        return f"{name} (deleted)"
    return f"{name} ({clean(member.detail or member.ref[:8])})"


def matches(pattern: str, text: str) -> bool:
    """Whether a text matches a pattern, in which `*` matches anything.

    Case, quotation marks and invisible characters are ignored, as questions don't keep them.
    """
    return _matches(_normalized(pattern), _normalized(text))


def _normalized(text: str) -> str:
    return " ".join(plain(plain(text).replace('"', "")).split()).casefold()


def _matches(pattern: str, remaining: str) -> bool:
    first, *others = pattern.split("*")
    if not others:
        return remaining == first
    if not remaining.startswith(first):
        return False
    remaining = remaining[len(first) :]
    *middle, last = others
    for piece in middle:
        found = remaining.find(piece)
        if found < 0:
            return False
        remaining = remaining[found + len(piece) :]
    return remaining.endswith(last)


def filter_names(member: Member, label: str) -> tuple[str, ...]:
    """All names by which a filter may refer to a member."""
    names = {label, member.name, member.detail}
    if member.dimension is Dimension.MODEL:
        names.add(member.name.rpartition("/")[2])
    if member.dimension is Dimension.CREATOR and member.detail:
        names.add("@" + member.detail.partition("@")[0])
    return tuple(filter(None, names))


def find(pattern: str, members: Iterable[Member], named: dict[int, str]) -> frozenset[int]:
    """The ids of the members that match a pattern; `named` are their labels by id."""
    wanted = _normalized(pattern)
    return frozenset(
        member.id
        for member in members
        if any(
            _matches(wanted, _normalized(name)) for name in filter_names(member, named[member.id])
        )
    )


def index_by_name(members: Iterable[Member], named: dict[int, str]) -> dict[str, frozenset[int]]:
    """Member ids by each of their filter names (normalized), for `look_up`."""
    found: dict[str, set[int]] = {}
    for member in members:
        for name in filter_names(member, named[member.id]):
            found.setdefault(_normalized(name), set()).add(member.id)
    return {name: frozenset(ids) for name, ids in found.items()}


def look_up(pattern: str, indexed: Mapping[str, frozenset[int]]) -> frozenset[int] | None:
    """The result of `find` from an index; None for a pattern with a wildcard."""
    wanted = _normalized(pattern)
    return None if "*" in wanted else indexed.get(wanted, frozenset())


def nearest_name(pattern: str, members: Iterable[Member], named: dict[int, str]) -> str | None:
    """The filter name closest to a pattern without a match; None if nothing is similar."""
    wanted = _normalized(pattern).strip("*")
    names = {
        _normalized(name): name
        for member in members
        for name in sorted(filter_names(member, named[member.id]))
    }
    containing = sorted(
        (name for name in names if wanted and wanted in name), key=lambda n: (len(n), n)
    )
    found = containing or get_close_matches(wanted, sorted(names), n=1, cutoff=0.5)
    return clean(plain(names[found[0]]).replace('"', "")) if found else None
