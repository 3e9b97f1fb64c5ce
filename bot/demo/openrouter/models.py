"""The local OpenRouter's list of models with their list prices, and when some of them end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

Body = dict[str, Any]


@dataclass(slots=True)
class SampleModel:
    """A model with its prices in nano-dollars per token; None for a price that it doesn't have.

    `ends` is the last day on which it is offered, `canonical` the name of its version.
    """

    slug: str
    prompt_nano: int
    completion_nano: int
    cached_nano: int | None = None
    ends: date | None = None
    canonical: str = ""


def listed(models: list[SampleModel]) -> Body:
    """The body of `GET /models`, which isn't paginated."""
    return {"data": [_entry(one) for one in models]}


def _entry(one: SampleModel) -> Body:
    pricing = {"prompt": _dollars(one.prompt_nano), "completion": _dollars(one.completion_nano)}
    if one.cached_nano is not None:
        pricing["input_cache_read"] = _dollars(one.cached_nano)
    return {
        "id": one.slug,
        "canonical_slug": one.canonical or one.slug,
        "name": one.slug.partition("/")[2].replace("-", " ").title(),
        "created": 1_760_000_000,
        "context_length": 200_000,
        "pricing": pricing,
        "expiration_date": one.ends.isoformat() if one.ends else None,
    }


def _dollars(nano: int) -> str:
    return f"{Decimal(nano).scaleb(-9):f}"
