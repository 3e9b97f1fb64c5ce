"""Finds the names of an organization's models, keys and people in natural language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from reports.natural.name_index import (
    WORD,
    KeyIndex,
    folded,
    in_order,
    key_index,
    people_by_spoken_name,
)
from reports.usage.dimensions import Dimension, Filter
from reports.usage.members import CHATROOM, matches
from reports.wording.safe_text import clean

LONGEST_NAME_WORDS = 5
_SHORTEST_PART = 2
_PLAIN = re.compile(r"[a-z0-9][a-z0-9.-]*[a-z0-9]?", re.IGNORECASE)
_JOINED = re.compile(r"([a-z]{2,})([0-9][0-9.]*)(?:-?([a-z]+))?")
_OF_CHATROOM = {"chatroom", "chat room", "chatrooms", CHATROOM}
_PATTERNS = ("*{}*", "{}*", "*{}", "{}-*", "*-{}*", "*-{}", "*/{}*", "* {}*", "{} *")
"""From the most natural to the most exact; the first one without other matches is used."""


@dataclass(frozen=True)
class KnownNames:
    """The names that may be used: slugs of models, names of keys, people as (name, address)."""

    models: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    people: tuple[tuple[str, str], ...] = ()

    def has(self, name: str) -> bool:
        """Whether a key or a person has exactly that name."""
        wanted = folded(name)
        return bool(self.key(wanted)) or wanted in self.full_names

    def key(self, wanted: str) -> str:
        """The key with a folded name, whose words may be joined by dashes; empty if there is
        none."""
        spelt = (wanted, wanted.replace(" ", "-"), wanted.replace(" ", "_"))
        return next((self.by_key[name] for name in spelt if name in self.by_key), "")

    @cached_property
    def read(self) -> dict[tuple[str, Dimension | None], tuple[Filter, ...]]:
        """Caches the meaning of names, so that each is looked up once."""
        return {}

    @cached_property
    def read_keys(self) -> dict[str, Filter | None]:
        """Caches the keys that several words refer to."""
        return {}

    @cached_property
    def slugs(self) -> frozenset[str]:
        """The models, folded."""
        return frozenset(slug.casefold() for slug in self.models)

    @cached_property
    def words_of_models(self) -> frozenset[str]:
        """The words of which the names of models consist: `gemini`, `3`, `flash`."""
        return frozenset(word for slug in self.slugs for word in WORD.findall(slug))

    @cached_property
    def index(self) -> KeyIndex:
        """The index of the names of keys."""
        return key_index(self.keys)

    @property
    def by_key(self) -> Mapping[str, str]:
        """The names of keys by their folded form."""
        return self.index.by_name

    def in_a_key(self, part: str) -> bool:
        """Whether the folded name of a key contains a text."""
        if part not in self._in_a_key:
            self._in_a_key[part] = part in self.index.text
        return self._in_a_key[part]

    @cached_property
    def _in_a_key(self) -> dict[str, bool]:
        """Caches which texts are parts of names of keys."""
        return {}

    @cached_property
    def full_names(self) -> frozenset[str]:
        """The whole names of people, folded."""
        return frozenset(folded(name) for name, _ in self.people)

    @cached_property
    def by_spoken_name(self) -> Mapping[str, tuple[str, ...]]:
        """The people that each name may refer to: their addresses, or their names if they have
        none."""
        return people_by_spoken_name(self.people)


class AmbiguousNameError(ValueError):
    """A name with several possible meanings, which are in `filters`."""

    def __init__(self, name: str, filters: tuple[Filter, ...]) -> None:
        meant = " or ".join(f"`{clean(str(one)).replace('`', chr(39))}`" for one in filters)
        super().__init__(f"“{clean(name, 40)}” could mean {meant}.")
        self.name, self.filters = name, filters


def named(name: str, known: KnownNames, dimension: Dimension | None = None) -> Filter | None:
    """The filter for a name, in one dimension or in any; None if no member has that name.

    A whole name takes precedence over a part. Raises AmbiguousNameError.
    """
    wanted = folded(name)
    if not wanted:
        return None
    key = wanted, dimension
    if key not in known.read:
        known.read[key] = _found(wanted, known, dimension)
    meant = known.read[key]
    if len(meant) > 1:
        raise AmbiguousNameError(name, meant[:4])
    return meant[0] if meant else None


def _found(wanted: str, known: KnownNames, dimension: Dimension | None) -> tuple[Filter, ...]:
    for found in (_wholes(wanted, known), _parts(wanted, known)):
        if meant := tuple(f for f in found if dimension in {None, f.dimension}):
            return meant
    return ()


def _wholes(wanted: str, known: KnownNames) -> list[Filter]:
    """Keys and people with exactly that name, and models whose name contains it."""
    if wanted in _OF_CHATROOM and not known.key(wanted):
        return [Filter(Dimension.KEY, CHATROOM)]
    keys = [Filter(Dimension.KEY, key)] if (key := known.key(wanted)) else []
    people = [Filter(Dimension.CREATOR, who) for who in known.by_spoken_name.get(wanted, ())]
    return [*keys, *people, *_models(wanted, known)]


def _models(wanted: str, known: KnownNames) -> list[Filter]:
    if wanted in known.slugs:
        return [Filter(Dimension.MODEL, wanted)]
    found = _by_part(wanted.replace(" ", "-"), Dimension.MODEL, known.slugs)
    if found:
        return found
    if joined := _JOINED.fullmatch(wanted):  # `gpt5.4`
        return _by_part("-".join(filter(None, joined.groups())), Dimension.MODEL, known.slugs)
    return _words_apart(wanted.replace("-", " ").split(), known)


def with_joined_models(text: str, known: KnownNames) -> str:
    """The text with dashes between words that together name a model: `gemini flash`, `gpt 5`."""
    words: list[str] = []
    for word in text.split():
        both = [*words[-1:], word]
        parts = [part for one in both for part in WORD.findall(one.casefold())]
        apart = len(both) == 2 and all(_PLAIN.fullmatch(one) for one in both)
        if apart and set(parts) <= known.words_of_models and _is_one_model(parts, known):
            words[-1] = "-".join(both)
        else:
            words.append(word)
    return " ".join(words)


def _is_one_model(parts: list[str], known: KnownNames) -> bool:
    return any(in_order(parts, WORD.findall(slug)) for slug in known.slugs)


def _words_apart(words: list[str], known: KnownNames) -> list[Filter]:
    """The models whose names have all of several words in this order: `gemini flash`."""
    if len(words) < 2 or not set(words) <= known.words_of_models:
        return []
    pattern = f"*{'*'.join(words)}*"
    meant = {slug for slug in known.slugs if in_order(words, WORD.findall(slug))}
    alike = {slug for slug in known.slugs if matches(pattern, slug)}
    return [Filter(Dimension.MODEL, pattern)] if meant and meant == alike else []


def keys_with(name: str, known: KnownNames) -> Filter | None:
    """The filter for keys whose names have all of several words in this order: `nightly agent`.

    None if there is no such key, or if a name of its own, a model or a person has these words.
    """
    wanted = folded(name)
    if wanted not in known.read_keys:
        known.read_keys[wanted] = _keys_with(wanted.split(), known)
    return known.read_keys[wanted]


def _keys_with(words: list[str], known: KnownNames) -> Filter | None:
    if len(words) < 2 or not all(map(_PLAIN.fullmatch, words)):
        return None
    meant = known.index.with_words(words)
    if len(meant) == 1:
        return Filter(Dimension.KEY, known.by_key[next(iter(meant))])
    if not meant or any(_holds(words, key) for key in known.by_key if key not in meant):
        return None
    return Filter(Dimension.KEY, f"*{'*'.join(words)}*")


def _holds(words: list[str], key: str) -> bool:
    """Whether `*word*word*` matches the folded name of a key."""
    at = 0
    for word in words:
        at = key.find(word, at)
        if at < 0:
            return False
        at += len(word)
    return True


def _parts(wanted: str, known: KnownNames) -> list[Filter]:
    """Keys with that word in their name."""
    if not known.in_a_key(wanted):
        return []
    return _by_part(wanted, Dimension.KEY, known.by_key)


def _by_part(part: str, dimension: Dimension, names: Iterable[str]) -> list[Filter]:
    """One filter for all names that contain a word; several if no pattern is exact."""
    if len(part) < _SHORTEST_PART or part.isdigit():
        return []
    holding = [name for name in names if part in name]
    meant = {name for name in holding if _is_word(part, name)}
    if not meant:
        return []
    if len(meant) == len(holding):
        return [Filter(dimension, f"*{part}*")]
    for pattern in _PATTERNS:
        one = Filter(dimension, pattern.format(part))
        if {name for name in holding if matches(one.pattern, name)} == meant:
            return [one]
    return [Filter(dimension, name) for name in sorted(meant)]


def _is_word(part: str, name: str) -> bool:
    """Whether a name contains a part that isn't continued by another letter or digit."""
    at = name.find(part)
    while at >= 0:
        end = at + len(part)
        if not (
            _continues(name[at - 1 : at], part[0]) or _continues(part[-1], name[end : end + 1])
        ):
            return True
        at = name.find(part, at + 1)
    return False


def _continues(one: str, other: str) -> bool:
    return (one.isalpha() and other.isalpha()) or (one.isdigit() and other.isdigit())
