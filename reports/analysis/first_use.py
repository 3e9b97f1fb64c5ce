"""First uses in a period: models, API keys or creators that were never used before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FirstUse:
    """A model, key or creator, and when it was first used (UTC, to the hour or day).

    The figures are of the period, `spend` in nano-dollars. `users` are those who used a model
    first, or the owner of a key; empty if they are unknown.
    """

    label: str
    since: datetime
    spend: int
    tokens: int
    requests: int
    users: tuple[str, ...] = ()


def newest_first(found: Iterable[FirstUse]) -> tuple[FirstUse, ...]:
    """Sort first uses by time, latest first; those at the same time by spend, highest first."""
    return tuple(sorted(found, key=lambda one: (-one.since.timestamp(), -one.spend, one.label)))
