"""API key review: which keys are unused, have no limit or owner, or are about to expire."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

UNUSED_FOR = timedelta(days=30)
"""How long a key must go without use to count as unused, unless the question says otherwise."""
KEYS_PAGE = "https://openrouter.ai/settings/keys"
"""The page where keys can be changed; the bot only reads."""
EXPIRES_WITHIN = timedelta(days=14)
"""A key that expires within this time counts as expiring: two weeks are enough to replace it."""


class KeyTrait(StrEnum):
    """A noteworthy trait of a key; the values are used in questions and in the JSON."""

    UNUSED = "unused"
    UNLIMITED = "unlimited"
    ORPHANED = "orphaned"
    EXPIRING = "expiring"


class KeyFacts(NamedTuple):
    """What is known about a key. Money is in nano-dollars, times are in UTC; None means unknown.

    `owner` is the creator's label, or empty; `owner_left` says that the creator is no longer a
    member of the organization. `limit` is None for a key without one; `limit_reset` says how often
    it resets (`daily`, `weekly`, `monthly`; empty: never), and `limit_used` what was used of it
    since, as OpenRouter reported.
    """

    label: str
    owner: str
    owner_left: bool
    created: datetime | None
    last_used: datetime | None
    expires: datetime | None
    limit: int | None
    limit_known: bool
    spend_30d: int
    disabled: bool = False
    limit_reset: str = ""
    limit_used: int | None = None


class KeyReview(NamedTuple):
    """One key with its traits."""

    facts: KeyFacts
    traits: tuple[KeyTrait, ...]


@dataclass(frozen=True, slots=True)
class KeyReport:
    """The requested keys, and the number of keys with each trait.

    `disabled_unlimited` keys have no limit either, but can't spend, so they aren't counted as
    unlimited. The most expensive key is first; of expiring keys, the one that expires first.
    """

    total: int
    counts: dict[KeyTrait, int]
    keys: tuple[KeyReview, ...]
    disabled_unlimited: int = 0


def traits(key: KeyFacts, now: datetime, unused_for: timedelta = UNUSED_FOR) -> set[KeyTrait]:
    """The traits of one key.

    A key younger than `unused_for` can't count as unused yet. A disabled key is neither unlimited
    nor expiring, because nobody can spend with it.
    """
    return set(_COMBINATIONS[_traits(key, now, unused_for, now + EXPIRES_WITHIN)])


def review(
    keys: Iterable[KeyFacts],
    now: datetime,
    wanted: frozenset[KeyTrait] = frozenset(),
    unused_for: timedelta = UNUSED_FOR,
) -> KeyReport:
    """Review all keys; with `wanted`, only list those with all of these traits."""
    soon, asked = now + EXPIRES_WITHIN, sum(_BITS[trait] for trait in wanted)
    combined = [0] * len(_COMBINATIONS)
    listed, disabled_unlimited = [], 0
    for key in keys:
        found = _traits(key, now, unused_for, soon)
        combined[found] += 1
        if key.disabled and key.limit is None and key.limit_known:
            disabled_unlimited += 1
        if found & asked == asked:
            listed.append(KeyReview(key, _COMBINATIONS[found]))
    counts = {
        trait: sum(count for found, count in enumerate(combined) if found & bit)
        for trait, bit in _BITS.items()
    }
    listed.sort(key=lambda one: (-one.facts.spend_30d, one.facts.label))
    if KeyTrait.EXPIRING in wanted:
        listed.sort(key=lambda one: one.facts.expires or now)
    return KeyReport(sum(combined), counts, tuple(listed), disabled_unlimited)


_BITS = {trait: 1 << at for at, trait in enumerate(KeyTrait)}
_UNUSED, _UNLIMITED, _ORPHANED, _EXPIRING = (
    _BITS[trait]
    for trait in (KeyTrait.UNUSED, KeyTrait.UNLIMITED, KeyTrait.ORPHANED, KeyTrait.EXPIRING)
)
_COMBINATIONS = tuple(
    tuple(trait for trait, bit in _BITS.items() if found & bit) for found in range(1 << len(_BITS))
)
"""The traits in order by the sum of their bits: thousands of keys have few combinations."""


def _traits(key: KeyFacts, now: datetime, unused_for: timedelta, soon: datetime) -> int:
    """The sum of the bits of a key's traits; a key that expires until `soon` is expiring."""
    found = _ORPHANED if key.owner_left else 0
    used = key.last_used or key.created
    if used is None or now - used >= unused_for:
        found += _UNUSED
    if not key.disabled:
        if key.limit is None and key.limit_known:
            found += _UNLIMITED
        if key.expires is not None and now <= key.expires <= soon:
            found += _EXPIRING
    return found
