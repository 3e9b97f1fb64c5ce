"""Names that the organisation has, found in what people say in their own words."""

from __future__ import annotations

from dataclasses import dataclass

from reports.query import Dimension, Filter
from reports.text import clean, plain

LONGEST_NAME_WORDS = 5
_SHORTEST_PART = 3


@dataclass(frozen=True, slots=True)
class Known:
    """What may be named: slugs of models, names of keys, people as (name, address)."""

    models: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    people: tuple[tuple[str, str], ...] = ()

    def has(self, name: str) -> bool:
        """Whether a key or a person has that very name."""
        wanted = _folded(name)
        return any(_folded(one) == wanted for one in (*self.keys, *(n for n, _ in self.people)))


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
    found = [Filter(Dimension.KEY, key) for key in known.keys if _folded(key) == wanted][:1]
    people = [
        Filter(Dimension.CREATOR, address or name)
        for name, address in known.people
        if wanted in _callings(name, address)
    ]
    return [*found, *people, *_models(wanted, known)]


def _callings(name: str, address: str) -> set[str]:
    """What a person is called: in full, by one of their names, by their address."""
    full = _folded(name)
    local = address.casefold().partition("@")[0]
    return {full, *full.split(), address.casefold(), local, *local.split(".")} - {""}


def _models(wanted: str, known: Known) -> list[Filter]:
    slugs = [slug.casefold() for slug in known.models]
    if wanted in slugs:
        return [Filter(Dimension.MODEL, wanted)]
    part = wanted.replace(" ", "-")
    if len(part) < _SHORTEST_PART or not any(part in slug for slug in slugs):
        return []
    return [Filter(Dimension.MODEL, f"*{part}*")]


def _parts(wanted: str, known: Known) -> list[Filter]:
    """Keys that have it within their name."""
    if len(wanted) < _SHORTEST_PART or not any(wanted in _folded(key) for key in known.keys):
        return []
    return [Filter(Dimension.KEY, f"*{wanted}*")]


def _folded(name: str) -> str:
    return " ".join(plain(name).replace('"', "").replace("*", "").split()).casefold()
