"""Limits of keys and budgets of workspaces: used share and reset time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit set in OpenRouter, in nano-dollars; `used` is None if it is unknown.

    `reset` is daily, weekly, monthly or "" (never); `resets_at` (UTC) is the next reset.
    """

    label: str
    limit: int
    used: int | None
    reset: str = ""
    resets_at: datetime | None = None

    @property
    def share(self) -> Fraction | None:
        """The used share of the limit, above 1 if exceeded; None if unknown.

        A limit of $0 is full from the start.
        """
        if self.used is None:
            return None
        return Fraction(self.used, self.limit) if self.limit else Fraction(1)


def fullest_first(limits: list[Limit]) -> tuple[Limit, ...]:
    """Limits by used share, largest first, unknown ones last."""

    def order(one: Limit) -> tuple[bool, int, str]:
        if one.used is None:
            return True, 0, one.label
        # whole numbers, which compare many times faster than fractions; shares of limits below 2^63
        # differ by more than 2^-126, so no two of them become equal
        share = (one.used << 128) // one.limit if one.limit else 1 << 128
        return False, -share, one.label

    return tuple(sorted(limits, key=order))
