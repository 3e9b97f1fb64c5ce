"""OpenRouter's list of models: list prices and expiration dates.

Source: OpenRouter's API description of `GET /models`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.openrouter import wire
from reports.analysis.whatif import ListPrice

_HIGHEST_PRICE = Decimal(1_000)
"""Dollars per token or request; the most expensive so far cost less than one. Higher prices are
errors in the list, and could make sums overflow."""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model on offer. `slugs` are its id and canonical slug, either of which usage may contain.

    `price` is None if the list has none (a router's price depends on where it sends a request);
    `ends` is the last day on which the model is available, None if unknown.
    """

    slugs: tuple[str, ...]
    name: str
    price: ListPrice | None
    ends: date | None


def read_models(body: bytes) -> tuple[ListedModel, ...]:
    """Parse the list of models, without entries that lack an id. Raises BadAnswerError."""
    return tuple(
        ListedModel(
            slugs=_slugs(entry),
            name=wire.text(entry.get("name")),
            price=_price(entry.get("pricing")),
            ends=_date(entry.get("expiration_date")),
        )
        for entry in wire.entries(body)
        if wire.text(entry.get("id"))
    )


def _slugs(entry: Mapping[str, Any]) -> tuple[str, ...]:
    names = (wire.text(entry.get("id")), wire.text(entry.get("canonical_slug")))
    return tuple(dict.fromkeys(name for name in names if name))


def _price(pricing: object) -> ListPrice | None:
    """List prices in dollars per token; None unless both prompt and completion have one."""
    if not isinstance(pricing, dict):
        return None
    prompt, completion = (_amount(pricing.get(name)) for name in ("prompt", "completion"))
    if prompt is None or completion is None:
        return None
    return ListPrice(
        prompt,
        completion,
        _amount(pricing.get("input_cache_read")),
        _amount(pricing.get("internal_reasoning")) or None,  # 0 means the completion price
        _amount(pricing.get("request")) or Decimal(0),
    )


def _amount(value: object) -> Decimal | None:
    """A price; None for invalid values and for -1, which means a variable price."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    if isinstance(value, str) and (len(value) > 40 or not value.isascii() or "_" in value):
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount <= _HIGHEST_PRICE else None


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
