"""Reprices tokens on another model at list prices, and estimates the error.

List prices are per token, in dollars, as OpenRouter's model list gives them. The cost differs from
list prices (discounts, tiers, cache writes, long prompts), so the source model is also repriced:
its difference from the cost shows how reliable the result is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import lcm

from reports.usage.usage import NANO


@dataclass(frozen=True, slots=True)
class ListPrice:
    """A model's list price in dollars: per token of each kind, and per request.

    `cached` is None if the model has no separate price for cached prompt tokens; `reasoning` is
    None if reasoning costs the same as completion.
    """

    prompt: Decimal
    completion: Decimal
    cached: Decimal | None = None
    reasoning: Decimal | None = None
    request: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class TokenUse:
    """Tokens and requests, and what they cost in nano-dollars: `billed`.

    `byok` is the part of that which OpenRouter only estimates, since own provider keys paid it.
    `cached` is the part of the prompt that came from a cache, None if unknown; `reasoning` is a
    part of completion.
    """

    prompt: int
    completion: int
    reasoning: int
    requests: int
    billed: int
    cached: int | None = None
    byok: int = 0


@dataclass(frozen=True, slots=True)
class Repriced:
    """The cost of some usage, and its list price on both models, in nano-dollars.

    `byok` is the part of `billed` that is OpenRouter's estimate.
    """

    label: str
    billed: int
    repriced_same: int
    repriced: int
    byok: int = 0

    @property
    def difference(self) -> int:
        """How much more (less, if negative) the other model would cost than the same one at list
        price."""
        return self.repriced - self.repriced_same

    @property
    def error(self) -> Fraction | None:
        """The difference between list price and cost, as a share of the cost; None if it was
        free."""
        return Fraction(self.repriced_same - self.billed, self.billed) if self.billed else None

    def less(self, parts: Sequence[Repriced]) -> Repriced:
        """What is left without some of its parts."""
        known = together(self.label, parts)
        return Repriced(
            self.label,
            self.billed - known.billed,
            self.repriced_same - known.repriced_same,
            self.repriced - known.repriced,
            self.byok - known.byok,
        )


def at_list(use: TokenUse, price: ListPrice) -> Fraction:
    """The cost of usage at a list price, in nano-dollars.

    OpenRouter may report more cached tokens than prompt tokens; then only as many as the prompt has
    are counted. Likewise, no more reasoning tokens than completion tokens are counted.
    """
    cached = min(use.cached or 0, use.prompt) if price.cached is not None else 0
    reasoning = min(use.reasoning, use.completion) if price.reasoning is not None else 0
    (prompt, of_cached, completion, of_reasoning, request), unit = _whole_numbers(price)
    return Fraction(
        (use.prompt - cached) * prompt
        + cached * of_cached
        + (use.completion - reasoning) * completion
        + reasoning * of_reasoning
        + use.requests * request,
        unit,
    )


@lru_cache(maxsize=1_000)  # there are some hundred models
def _whole_numbers(price: ListPrice) -> tuple[Sequence[int], int]:
    """The nano-dollars of a prompt token, a cached one, a completion token, a reasoning one and a
    request, as whole numbers of a fraction of a nano-dollar, and how many of these are one."""
    each = [
        Fraction(one or 0) * NANO
        for one in (
            price.prompt, price.cached, price.completion, price.reasoning, price.request
        )
    ]  # fmt: skip
    unit = lcm(*(one.denominator for one in each))
    return [int(one * unit) for one in each], unit


def reprice(
    groups: Mapping[str, TokenUse], source: ListPrice, target: ListPrice
) -> tuple[Repriced, tuple[Repriced, ...]]:
    """Reprice the whole and its groups by label; groups are sorted by their bill.

    Each group is rounded to the nano-dollar, and the whole is the sum of its groups.
    """
    found = [
        Repriced(
            label, use.billed, round(at_list(use, source)), round(at_list(use, target)), use.byok
        )
        for label, use in groups.items()
    ]  # fmt: skip
    return together("all", found), tuple(sorted(found, key=lambda one: (-one.billed, one.label)))


def together(label: str, parts: Sequence[Repriced]) -> Repriced:
    """Several groups as one."""
    return Repriced(
        label,
        sum(one.billed for one in parts),
        sum(one.repriced_same for one in parts),
        sum(one.repriced for one in parts),
        sum(one.byok for one in parts),
    )
