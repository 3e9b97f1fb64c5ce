"""Limits of keys and budgets of workspaces: how much is used, and when they reset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit set at OpenRouter, in nano-dollars; `used` is None where it is not known.

    `reset` is daily, weekly, monthly or empty (never); `resets_at` (UTC) goes with it.
    """

    label: str
    limit: int
    used: int | None
    reset: str = ""
    resets_at: datetime | None = None

    @property
    def share(self) -> Fraction | None:
        """The part of the limit that is used; more than 1 where it was exceeded."""
        return None if self.used is None or not self.limit else Fraction(self.used, self.limit)


def fullest_first(limits: list[Limit]) -> tuple[Limit, ...]:
    """Limits by how much of them is used, the unknown ones last."""
    return tuple(sorted(limits, key=lambda one: (one.share is None, -(one.share or 0), one.label)))
