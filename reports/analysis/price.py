"""Unit prices: what a million tokens and a request cost, overall and for each group.

A price is *effective*: spend divided by tokens, so it includes caching, discounts and free
requests. Prices are exact fractions of nano-dollars; price times tokens equals the spend.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from reports.usage.dimensions import Metric, MoneySource
from reports.usage.usage import Usage

MILLION = 10**6


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """What one group paid, in nano-dollars.

    `spend` is the spend that the price is based on: all, or that of one source. `byok` is the
    estimated part of it; `other` is the spend of the source that isn't included.
    """

    label: str
    spend: int
    tokens: int
    requests: int
    prompt: int
    completion: int
    byok: int = 0
    other: int = 0

    @property
    def per_million(self) -> Fraction | None:
        """Nano-dollars per million tokens; None without tokens."""
        return Fraction(self.spend * MILLION, self.tokens) if self.tokens else None

    @property
    def per_request(self) -> Fraction | None:
        """Nano-dollars per request; None without requests."""
        return Fraction(self.spend, self.requests) if self.requests else None

    @property
    def ratio(self) -> Fraction | None:
        """Prompt tokens per completion token; None without completion tokens."""
        return Fraction(self.prompt, self.completion) if self.completion else None

    @property
    def free(self) -> bool:
        """Whether there was usage but no charge from any source."""
        return self.spend == self.other == 0 and bool(self.tokens or self.requests)

    def against(self, blended: UnitPrice) -> Fraction | None:
        """This price as a multiple of the blended one; None if either is unknown or zero."""
        own, all_of_it = self.per_million, blended.per_million
        return own / all_of_it if own is not None and all_of_it else None


@dataclass(frozen=True, slots=True)
class Prices:
    """The blended price of everything, and of each group: most expensive first, free ones last."""

    blended: UnitPrice
    groups: tuple[UnitPrice, ...]


def prices(
    whole: Usage, groups: Mapping[str, Usage], source: MoneySource = MoneySource.ALL
) -> Prices:
    """The unit prices of a whole and of its groups by label; groups without usage are left out.

    With a source, the prices are based only on spend from it.
    """
    found = [unit_price(label, usage, source) for label, usage in groups.items() if any(usage)]
    return Prices(unit_price("all", whole, source), tuple(sorted(found, key=_order)))


def unit_price(label: str, usage: Usage, source: MoneySource = MoneySource.ALL) -> UnitPrice:
    """The unit price of some usage, based on all spend or on spend from one source."""
    spend = usage.value(Metric.SPEND, source)
    return UnitPrice(
        label,
        spend,
        usage.tokens,
        usage.requests,
        usage.prompt,
        usage.completion,
        0 if source is MoneySource.CREDITS else usage.byok,
        usage.credits + usage.byok - spend,
    )


def _order(one: UnitPrice) -> tuple[bool, bool, int, int, str]:
    # integers, which compare much faster than fractions; two different prices of less than 2^63
    # tokens differ by more than 2^-126, so they can't become equal
    price = (one.spend << 128) // one.tokens if one.tokens else 0
    return one.spend == 0, not one.tokens, -price, -one.spend, one.label


def free_groups(groups: Iterable[UnitPrice]) -> tuple[UnitPrice, ...]:
    """The groups with usage that paid nothing."""
    return tuple(one for one in groups if one.free)
