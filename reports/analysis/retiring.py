"""Models that end soon, and who still uses them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ModelUser:
    """An API key or a creator that uses a model, with its spend in nano-dollars."""

    label: str
    spend: int


@dataclass(frozen=True, slots=True)
class RetiringModel:
    """A model with an end date that is still in use; `ends` is its last day at OpenRouter.

    The figures are of the past 30 days, `spend` in nano-dollars; `users` are sorted by spend.
    """

    label: str
    ends: date
    spend: int
    tokens: int
    requests: int
    users: tuple[ModelUser, ...] = ()

    def days_left(self, today: date) -> int:
        """The days until its last day: 0 on that day, negative after it."""
        return (self.ends - today).days


def soonest_first(models: Iterable[RetiringModel]) -> tuple[RetiringModel, ...]:
    """Sort models by when they end; those that end together by spend, highest first."""
    return tuple(sorted(models, key=lambda one: (one.ends, -one.spend, one.label)))


def most_spend_first(users: Iterable[ModelUser]) -> tuple[ModelUser, ...]:
    """Sort users by spend, highest first."""
    return tuple(sorted(users, key=lambda one: (-one.spend, one.label)))
