"""Unit prices: what a million tokens and a request cost, over all and for each group.

A price is *effective*: spend divided by tokens, so caching, discounts and free requests are inside.
Prices are exact fractions of nano-dollars; price times tokens is the spend again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from reports.usage.usage import Usage

MILLION = 10**6


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """What one group paid. `spend` is in nano-dollars; `byok` is the estimated part of it."""

    label: str
    spend: int
    tokens: int
    requests: int
    prompt: int
    completion: int
    byok: int = 0

    @property
    def per_million(self) -> Fraction | None:
        """Nano-dollars for a million tokens; None without tokens."""
        return Fraction(self.spend * MILLION, self.tokens) if self.tokens else None

    @property
    def per_request(self) -> Fraction | None:
        """Nano-dollars for a request; None without requests."""
        return Fraction(self.spend, self.requests) if self.requests else None

    @property
    def ratio(self) -> Fraction | None:
        """Prompt tokens for each completion token; None without completion tokens."""
        return Fraction(self.prompt, self.completion) if self.completion else None

    @property
    def free(self) -> bool:
        """Whether something was used and nothing was charged."""
        return self.spend == 0 and bool(self.tokens or self.requests)

    def against(self, blended: UnitPrice) -> Fraction | None:
        """This price as a multiple of the blended one; None where either is unknown or zero."""
        own, all_of_it = self.per_million, blended.per_million
        return own / all_of_it if own is not None and all_of_it else None


@dataclass(frozen=True, slots=True)
class Prices:
    """The blended price of everything, and of each group: the dearest first, free ones last."""

    blended: UnitPrice
    groups: tuple[UnitPrice, ...]


def prices(whole: Usage, groups: Mapping[str, Usage]) -> Prices:
    """Unit prices of a whole and of its groups by label; groups without any use are left out."""
    found = [unit_price(label, usage) for label, usage in groups.items() if any(usage)]
    return Prices(unit_price("all", whole), tuple(sorted(found, key=_order)))


def unit_price(label: str, usage: Usage) -> UnitPrice:
    """The unit price of one usage."""
    return UnitPrice(
        label,
        usage.credits + usage.byok,
        usage.tokens,
        usage.requests,
        usage.prompt,
        usage.completion,
        usage.byok,
    )


def _order(one: UnitPrice) -> tuple[bool, bool, int, int, str]:
    # whole numbers, which compare many times faster than fractions; two different prices of less
    # than 2^63 tokens differ by more than 2^-126, so no two of them become equal
    price = (one.spend << 128) // one.tokens if one.tokens else 0
    return one.free, not one.tokens, -price, -one.spend, one.label


def free_groups(groups: Iterable[UnitPrice]) -> tuple[UnitPrice, ...]:
    """The groups that used something and paid nothing."""
    return tuple(one for one in groups if one.free)
