"""The same tokens on another model: repriced at list prices, with the error of doing so.

List prices are per token, in dollars, as OpenRouter's model list gives them. What was billed
differs from the list (discounts, tiers, cache writes, long prompts); so the source model is
repriced as well, and how far that is from what was billed says how much to trust the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from reports.usage.usage import NANO


@dataclass(frozen=True, slots=True)
class ListPrice:
    """A model's list price in dollars: for a token of each kind, and for each request.

    `cached` is None where the model has no price of its own for cached prompt tokens; `reasoning`
    is None where reasoning costs what completion does.
    """

    prompt: Decimal
    completion: Decimal
    cached: Decimal | None = None
    reasoning: Decimal | None = None
    request: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class TokenUse:
    """Tokens and requests; `billed` in nano-dollars.

    `cached` is the part of prompt that came from a cache, None where it is not known; `reasoning`
    is a part of completion.
    """

    prompt: int
    completion: int
    reasoning: int
    requests: int
    billed: int
    cached: int | None = None


@dataclass(frozen=True, slots=True)
class Repriced:
    """What usage was billed, and what the list makes of it on both models, in nano-dollars."""

    label: str
    billed: int
    repriced_same: int
    repriced: int

    @property
    def difference(self) -> int:
        """What the other model would cost more (or less, if negative) than the same at list."""
        return self.repriced - self.repriced_same

    @property
    def error(self) -> Fraction | None:
        """How far the list is from what was billed, as a share of that; None where it was free."""
        return Fraction(self.repriced_same - self.billed, self.billed) if self.billed else None


def at_list(use: TokenUse, price: ListPrice) -> Fraction:
    """What usage costs at a list price, in nano-dollars.

    More cached tokens than prompt tokens are possible upstream; what exceeds the prompt is not
    counted twice. Reasoning tokens beyond completion are likewise no more than completion.
    """
    cached = min(use.cached or 0, use.prompt) if price.cached is not None else 0
    reasoning = min(use.reasoning, use.completion) if price.reasoning is not None else 0
    amount = (
        (use.prompt - cached) * Fraction(price.prompt)
        + cached * Fraction(price.cached or 0)
        + (use.completion - reasoning) * Fraction(price.completion)
        + reasoning * Fraction(price.reasoning or 0)
        + use.requests * Fraction(price.request)
    )
    return amount * NANO


def reprice(
    groups: Mapping[str, TokenUse], source: ListPrice, target: ListPrice
) -> tuple[Repriced, tuple[Repriced, ...]]:
    """The whole and its groups by label, repriced; the groups by what was billed.

    Each group is rounded to the nano-dollar, and the whole is the sum of its groups.
    """
    found = [
        Repriced(label, use.billed, round(at_list(use, source)), round(at_list(use, target)))
        for label, use in groups.items()
    ]
    whole = Repriced(
        "all",
        sum(one.billed for one in found),
        sum(one.repriced_same for one in found),
        sum(one.repriced for one in found),
    )
    return whole, tuple(sorted(found, key=lambda one: (-one.billed, one.label)))
