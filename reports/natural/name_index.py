"""Indexes of the names of an organization, which are made once for many questions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from reports.wording.safe_text import plain

K = TypeVar("K", bound=Hashable)

WORD = re.compile(r"[a-z]+|[0-9.]+")
"""The words of which the folded name of a key or model consists: `gemini`, `3`, `flash`."""
_KEPT = 3
"""Indexes that are kept: with 10,000 keys one takes 30 ms to make, and 10 MB."""
_COMMON = 50
"""A word of more keys than this is common. Of other words, the keys are looked at one by one."""


@dataclass(frozen=True, slots=True)
class KeyIndex:
    """The names of keys by their folded form (`by_name`), and all folded names as one `text` to
    search for parts.

    `words` has the words of each folded name, `having` the folded names that have a word, and
    `sharing` those that have the same common words in the same order.
    """

    by_name: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]]
    having: Mapping[str, frozenset[str]]
    sharing: Mapping[tuple[str, ...], frozenset[str]]
    text: str

    def with_words(self, wanted: Sequence[str]) -> frozenset[str]:
        """The folded names that have all of these words, in this order."""
        having = [self.having.get(word, frozenset()) for word in wanted]
        fewest = min(having, key=len)
        if len(fewest) <= _COMMON:
            return frozenset(name for name in fewest if in_order(wanted, self.words[name]))
        alike = (names for words, names in self.sharing.items() if in_order(wanted, words))
        return frozenset().union(*alike)


@lru_cache(maxsize=_KEPT)
def key_index(keys: tuple[str, ...]) -> KeyIndex:
    """The index of some names of keys; of names that are equal when folded, the first counts."""
    by_name = {folded(key): key for key in reversed(keys)}
    words = {name: tuple(WORD.findall(name)) for name in by_name}
    having: dict[str, set[str]] = defaultdict(set)
    for name, parts in words.items():
        for part in parts:
            having[part].add(name)
    common = {word for word, names in having.items() if len(names) > _COMMON}
    sharing: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for name, parts in words.items():
        sharing[tuple(part for part in parts if part in common)].add(name)
    return KeyIndex(by_name, words, _frozen(having), _frozen(sharing), "\n".join(by_name))


def in_order(wanted: Iterable[str], words: Iterable[str]) -> bool:
    """Whether all wanted words are among some words, in the same order."""
    rest = iter(words)
    return all(word in rest for word in wanted)


def _frozen(sets: Mapping[K, set[str]]) -> dict[K, frozenset[str]]:
    return {key: frozenset(names) for key, names in sets.items()}


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
