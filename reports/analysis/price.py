"""Unit prices: what a million tokens and a request cost, overall and for each group.

A price is *effective*: spend divided by tokens, so it includes caching, discounts and free
requests. Prices are exact fractions of nano-dollars; price times tokens equals the spend.

The price of one source of money (credits or BYOK) is its spend divided by the tokens and requests
that were paid from it. OpenRouter splits requests by source, but not tokens: they are known where
all requests of a cell (usually an API key with a model) went through one source.

What a cell with nothing but BYOK requests costs in credits are OpenRouter's fees for these
requests. They pay for no tokens from credits, so they are in no price, and are counted apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from reports.usage.dimensions import Metric, MoneySource
from reports.usage.usage import Usage

MILLION = 10**6


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """What one group paid, in nano-dollars.

    `spend` is the spend that the price is based on: all, or that of one source, without fees for
    BYOK requests where they are known. `byok` is the
    estimated part of it. Tokens and requests are those that were paid with it, None if unknown.
    """

    label: str
    spend: int
    tokens: int | None
    requests: int | None
    prompt: int | None
    completion: int | None
    byok: int = 0

    @property
    def per_million(self) -> Fraction | None:
        """Nano-dollars per million tokens; None without tokens, or if they are unknown."""
        return Fraction(self.spend * MILLION, self.tokens) if self.tokens else None

    @property
    def per_request(self) -> Fraction | None:
        """Nano-dollars per request; None without requests, or if they are unknown."""
        return Fraction(self.spend, self.requests) if self.requests else None

    @property
    def ratio(self) -> Fraction | None:
        """Prompt tokens per completion token; None without completion tokens, or if unknown."""
        if self.prompt is None or not self.completion:
            return None
        return Fraction(self.prompt, self.completion)

    @property
    def free(self) -> bool:
        """Whether there was usage but no charge."""
        return self.spend == 0 and bool(self.tokens or self.requests)

    def against(self, blended: UnitPrice) -> Fraction | None:
        """This price as a multiple of the blended one; None if either is unknown or zero."""
        own, all_of_it = self.per_million, blended.per_million
        return own / all_of_it if own is not None and all_of_it else None


@dataclass(frozen=True, slots=True)
class Prices:
    """The blended price of everything, and of each group: most expensive first, free ones last.

    `groups` are those with usage (of the source, if the prices are of one), out of `total`. `used`
    says whether there was any usage from any source. Of prices of credits, `fees` is what was paid
    for requests through BYOK, which is in no price (nano-dollars); `fees_within`: the prices may
    include more of it, because some cells used both sources.
    """

    blended: UnitPrice
    groups: tuple[UnitPrice, ...]
    total: int
    used: bool
    fees: int = 0
    fees_within: bool = False


def prices(whole: Usage, groups: Mapping[str, Usage]) -> Prices:
    """The unit prices of a whole and of its groups by label, from all sources of money."""
    used = {label: usage for label, usage in groups.items() if any(usage)}
    found = [_of_all(label, usage) for label, usage in used.items()]
    ordered = tuple(sorted(found, key=_order))
    return Prices(_of_all("all", whole), ordered, len(used), any(whole))


def prices_of_source(
    whole: Sequence[Usage], groups: Mapping[str, Sequence[Usage]], source: MoneySource
) -> Prices:
    """The unit prices of what was paid from one source, from the cells of a whole and of groups."""
    found = [_of_source(label, cells, source) for label, cells in groups.items()]
    return Prices(
        _of_source("all", whole, source),
        tuple(sorted((one for one in found if one.spend or one.requests != 0), key=_order)),
        sum(any(map(any, cells)) for cells in groups.values()),
        any(map(any, whole)),
        *((_fees(whole), _has_both(whole)) if source is MoneySource.CREDITS else ()),
    )


def _fees(cells: Iterable[Usage]) -> int:
    """What is known to be fees for BYOK requests, in nano-dollars."""
    return sum(cell.credits for cell in cells if _is_byok(cell))


def _is_byok(cell: Usage) -> bool:
    return 0 < cell.requests <= cell.byok_requests


def _has_both(cells: Iterable[Usage]) -> bool:
    """Whether credits of a cell may be partly fees."""
    return any(
        cell.credits and (cell.byok or cell.byok_requests) and not _is_byok(cell) for cell in cells
    )


def _of_all(label: str, usage: Usage) -> UnitPrice:
    return UnitPrice(
        label,
        usage.value(Metric.SPEND),
        usage.tokens,
        usage.requests,
        usage.prompt,
        usage.completion,
        usage.byok,
    )


def _of_source(label: str, cells: Sequence[Usage], source: MoneySource) -> UnitPrice:
    byok = source is MoneySource.BYOK
    # an imported file may have BYOK spend without the number of BYOK requests
    requests_known = all(cell.byok_requests or not cell.byok for cell in cells)
    own = [(c, c.byok_requests if byok else c.requests - c.byok_requests) for c in cells]
    tokens_known = requests_known and all(count in {0, cell.requests} for cell, count in own)
    prompt = sum(cell.prompt for cell, count in own if count)
    completion = sum(cell.completion for cell, count in own if count)
    spend = sum(cell.value(Metric.SPEND, source) for cell in cells)
    return UnitPrice(
        label,
        spend if byok else spend - _fees(cells),
        prompt + completion if tokens_known else None,
        sum(count for _, count in own) if requests_known else None,
        prompt if tokens_known else None,
        completion if tokens_known else None,
        sum(cell.byok for cell in cells) if byok else 0,
    )


def _order(one: UnitPrice) -> tuple[bool, bool, int, int, str]:
    # integers, which compare much faster than fractions; two different prices of less than 2^63
    # tokens differ by more than 2^-126, so they can't become equal
    price = (one.spend << 128) // one.tokens if one.tokens else 0
    return one.spend == 0, not one.tokens, -price, -one.spend, one.label


def free_groups(groups: Iterable[UnitPrice]) -> tuple[UnitPrice, ...]:
    """The groups with usage that paid nothing."""
    return tuple(one for one in groups if one.free)
