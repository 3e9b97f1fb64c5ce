"""Names that the organisation has, found in what people say in their own words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from reports.query import Dimension, Filter
from reports.text import clean, plain

LONGEST_NAME_WORDS = 5
_SHORTEST_PART = 3


@dataclass(frozen=True)
class Known:
    """What may be named: slugs of models, names of keys, people as (name, address)."""

    models: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    people: tuple[tuple[str, str], ...] = ()

    def has(self, name: str) -> bool:
        """Whether a key or a person has that very name."""
        wanted = _folded(name)
        return wanted in self.by_key or wanted in self.full_names

    @cached_property
    def slugs(self) -> frozenset[str]:
        """The models, folded."""
        return frozenset(slug.casefold() for slug in self.models)

    @cached_property
    def by_key(self) -> Mapping[str, str]:
        """The names of keys by what they are folded."""
        return {_folded(key): key for key in reversed(self.keys)}

    @cached_property
    def all_keys(self) -> str:
        """The folded names of all keys, to look for a part of one."""
        return "\n".join(self.by_key)

    @cached_property
    def full_names(self) -> frozenset[str]:
        """The whole names of people, folded."""
        return frozenset(_folded(name) for name, _ in self.people)

    @cached_property
    def callings(self) -> Mapping[str, tuple[str, ...]]:
        """Those whom each name may mean, by address: their names and their addresses."""
        found: dict[str, list[str]] = defaultdict(list)
        for name, address in self.people:
            for calling in _callings(name, address):
                found[calling].append(address or name)
        return {calling: tuple(dict.fromkeys(who)) for calling, who in found.items()}


class AmbiguousNameError(ValueError):
    """A name that may be several things; `filters` are what it may be."""

    def __init__(self, name: str, filters: tuple[Filter, ...]) -> None:
        meant = " or ".join(f"`{clean(str(one)).replace('`', chr(39))}`" for one in filters)
        super().__init__(f"“{clean(name, 40)}” may be several here: say {meant}.")
        self.filters = filters


def named(name: str, known: Known, dimension: Dimension | None = None) -> Filter | None:
    """The filter that a name means, of one dimension or of any; None: nothing has that name.

    A whole name goes before a part of one. Raises AmbiguousNameError.
    """
    wanted = _folded(name)
    if not wanted:
        return None
    for found in (_wholes(wanted, known), _parts(wanted, known)):
        meant = tuple(f for f in found if dimension in {None, f.dimension})
        if len(meant) > 1:
            raise AmbiguousNameError(name, meant[:4])
        if meant:
            return meant[0]
    return None


def _wholes(wanted: str, known: Known) -> list[Filter]:
    """Keys and people of that very name, and models that have it within their own."""
    keys = [Filter(Dimension.KEY, known.by_key[wanted])] if wanted in known.by_key else []
    people = [Filter(Dimension.CREATOR, who) for who in known.callings.get(wanted, ())]
    return [*keys, *people, *_models(wanted, known)]


def _callings(name: str, address: str) -> set[str]:
    """What a person is called: in full, by one of their names, by their address."""
    full = _folded(name)
    local = address.casefold().partition("@")[0]
    return {full, *full.split(), address.casefold(), local, *local.split(".")} - {""}


def _models(wanted: str, known: Known) -> list[Filter]:
    if wanted in known.slugs:
        return [Filter(Dimension.MODEL, wanted)]
    part = wanted.replace(" ", "-")
    if len(part) < _SHORTEST_PART or not any(part in slug for slug in known.slugs):
        return []
    return [Filter(Dimension.MODEL, f"*{part}*")]


def _parts(wanted: str, known: Known) -> list[Filter]:
    """Keys that have it within their name."""
    if len(wanted) < _SHORTEST_PART or wanted not in known.all_keys:
        return []
    return [Filter(Dimension.KEY, f"*{wanted}*")]


def _folded(name: str) -> str:
    return " ".join(plain(name).replace('"', "").replace("*", "").split()).casefold()
