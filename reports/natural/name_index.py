"""Indexes of the names of an organization, which are made once for many questions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from reports.wording.safe_text import plain

WORD = re.compile(r"[a-z]+|[0-9.]+")
"""The words of which the folded name of a key or model consists: `gemini`, `3`, `flash`."""
_KEPT = 8
"""Indexes that are kept: the organization's names change rarely, and people who only see their own
usage have few. With 10,000 keys one takes 30 ms to make, and 10 MB."""


@dataclass(frozen=True, slots=True)
class KeyIndex:
    """The names of keys by their folded form (`by_name`), the words of each folded name, the folded
    names that have a word so many times or more, and all folded names as one text to search for
    parts."""

    by_name: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]]
    having: Mapping[tuple[str, int], frozenset[str]]
    text: str


@lru_cache(maxsize=_KEPT)
def key_index(keys: tuple[str, ...]) -> KeyIndex:
    """The index of some names of keys; of names that are equal when folded, the first counts."""
    by_name = {folded(key): key for key in reversed(keys)}
    words = {name: tuple(WORD.findall(name)) for name in by_name}
    having: dict[tuple[str, int], set[str]] = defaultdict(set)
    for name, parts in words.items():
        for place, part in enumerate(parts, 1):
            having[part, parts[:place].count(part)].add(name)
    frozen = {word: frozenset(names) for word, names in having.items()}
    return KeyIndex(by_name, words, frozen, "\n".join(by_name))


@lru_cache(maxsize=_KEPT)
def people_by_spoken_name(people: tuple[tuple[str, str], ...]) -> Mapping[str, tuple[str, ...]]:
    """The people, as (name, address), that each name may refer to: their addresses, or their names
    if they have none."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, address in people:
        for spoken in _spoken_names(name, address):
            found[spoken].append(address or name)
    return {spoken: tuple(dict.fromkeys(who)) for spoken, who in found.items()}


@lru_cache(maxsize=4096)  # a text that is not understood is read several times
def folded(name: str) -> str:
    """A name without regard to case, typography, quotes and asterisks, to be compared."""
    return " ".join(plain(name).replace('"', "").replace("*", "").split()).casefold()


def _spoken_names(name: str, address: str) -> set[str]:
    """The names of a person: the full name, each of its words, and parts of the address."""
    full = folded(name)
    local = address.casefold().partition("@")[0]
    return {full, *full.split(), address.casefold(), local, *local.split(".")} - {""}
