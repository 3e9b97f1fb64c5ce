"""Members of a dimension: their names, told apart where two share one, and found by a pattern."""

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

    `ref` is what OpenRouter knows it by (slug, key hash, user id; empty for use without a key or
    a creator); `detail` tells namesakes apart: the key's label, the creator's address. `owner` is
    the creator of a key. `gone`: no longer in OpenRouter's directory.
    """

    id: int
    dimension: Dimension
    ref: str
    name: str
    detail: str = ""
    owner: int | None = None
    gone: bool = False


def labels(members: Iterable[Member]) -> dict[int, str]:
    """What each member is called in answers: its name, with more where another has the same."""
    everyone = list(members)
    shared = Counter(clean(member.name) for member in everyone)
    named = {member.id: _label(member, shared) for member in everyone}
    count = Counter(named.values())
    # use without a key or a creator keeps its name, whatever others are called
    kept = {member.id for member in everyone if not member.ref or count[named[member.id]] == 1}
    taken = set(named.values())
    for member in sorted(named.keys() - kept):
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
    """Whether a text is what a pattern says; `*` stands for anything, case does not matter.

    Nor do quotation marks and invisible characters, which a question does not keep.
    """
    return _matches(_folded(pattern), _folded(text))


def _folded(text: str) -> str:
    return " ".join(plain(plain(text).replace('"', "")).split()).casefold()


def _matches(pattern: str, rest: str) -> bool:
    first, *others = pattern.split("*")
    if not others:
        return rest == first
    if not rest.startswith(first):
        return False
    rest = rest[len(first) :]
    *middle, last = others
    for piece in middle:
        found = rest.find(piece)
        if found < 0:
            return False
        rest = rest[found + len(piece) :]
    return rest.endswith(last)


def called(member: Member, label: str) -> tuple[str, ...]:
    """Everything that a member may be called in a filter."""
    names = {label, member.name, member.detail}
    if member.dimension is Dimension.MODEL:
        names.add(member.name.rpartition("/")[2])
    if member.dimension is Dimension.CREATOR and member.detail:
        names.add("@" + member.detail.partition("@")[0])
    return tuple(filter(None, names))


def find(pattern: str, members: Iterable[Member], named: dict[int, str]) -> frozenset[int]:
    """The ids of the members that a pattern means."""
    wanted = _folded(pattern)
    return frozenset(
        member.id
        for member in members
        if any(_matches(wanted, _folded(name)) for name in called(member, named[member.id]))
    )


def index(members: Iterable[Member], named: dict[int, str]) -> dict[str, frozenset[int]]:
    """The ids of members by each of the names that they may be called, for `look_up`."""
    found: dict[str, set[int]] = {}
    for member in members:
        for name in called(member, named[member.id]):
            found.setdefault(_folded(name), set()).add(member.id)
    return {name: frozenset(ids) for name, ids in found.items()}


def look_up(pattern: str, indexed: Mapping[str, frozenset[int]]) -> frozenset[int] | None:
    """What `find` gives, at once; None for a pattern that stands for many names."""
    wanted = _folded(pattern)
    return None if "*" in wanted else indexed.get(wanted, frozenset())


def nearest(pattern: str, members: Iterable[Member], named: dict[int, str]) -> str | None:
    """The name most like a pattern that means nobody, as it may stand in a filter."""
    wanted = _folded(pattern).strip("*")
    names = {_folded(name): name for m in members for name in sorted(called(m, named[m.id]))}
    holding = sorted(
        (name for name in names if wanted and wanted in name), key=lambda n: (len(n), n)
    )
    found = holding or get_close_matches(wanted, sorted(names), n=1, cutoff=0.5)
    return clean(plain(names[found[0]]).replace('"', "")) if found else None
