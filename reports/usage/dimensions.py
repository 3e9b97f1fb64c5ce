"""Metrics, dimensions, money sources and filters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Metric(StrEnum):
    """A metric: spend in nano-dollars, tokens, or requests."""

    SPEND = "spend"
    TOKENS = "tokens"
    REQUESTS = "requests"


class Dimension(StrEnum):
    """A dimension that usage can be grouped by."""

    MODEL = "model"
    KEY = "key"
    CREATOR = "creator"
    PROVIDER = "provider"
    END_USER = "end-user"


@dataclass(frozen=True, slots=True)
class DimensionNames:
    """The names of a dimension.

    `label` is its name in messages; `words` are those of the question grammar, the first one is
    preferred, and `spoken` are further ones in natural language, with their plurals. `csv` is the
    column of its members in CSV files, in addition to the model's, which every row has. `example`
    is a pattern for a filter. `live`: only ClickHouse has it, so it is asked for each answer.
    """

    label: str
    words: tuple[str, ...]
    spoken: tuple[str, ...]
    csv: str
    example: str
    live: bool = False


NAMES = {
    Dimension.MODEL: DimensionNames("model", ("model",), (), "", "claude*"),
    Dimension.KEY: DimensionNames(
        "API key", ("key",), ("api-key", "api-keys", "apikey", "apikeys"), "API Key", '"Prod key"'
    ),
    Dimension.CREATOR: DimensionNames(
        "creator",
        ("creator", "user", "member"),
        ("person", "people", "persons", "developer", "developers", "colleague", "colleagues",
         "spender", "spenders", "employee", "employees"),
        "Creator",
        "me",
    ),
    Dimension.PROVIDER: DimensionNames(
        "provider", ("provider",), (), "Provider", "anthropic", live=True
    ),
    Dimension.END_USER: DimensionNames(
        "end user", ("end-user", "enduser"), ("customer", "customers"), "End User", "customer-17",
        live=True,
    ),
}  # fmt: skip
"""The table of dimensions, in the order in which forms offer them."""
STORED = tuple(dimension for dimension in Dimension if not NAMES[dimension].live)
"""The dimensions of stored usage."""


def form_label(dimension: Dimension) -> str:
    """A dimension's name at the start of a line or a button: `Model`, `API key`."""
    name = NAMES[dimension].label
    return name[:1].upper() + name[1:]


class MoneySource(StrEnum):
    """Which spend counts: OpenRouter credits, the estimated cost of own provider keys, or both."""

    ALL = "all"
    CREDITS = "credits"
    BYOK = "byok"


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter by name on the members of a dimension, or an exclusion of them.

    `*` in the pattern matches anything; case is ignored.
    """

    dimension: Dimension
    pattern: str
    exclude: bool = False

    def __str__(self) -> str:
        name = f'"{self.pattern}"' if any(c.isspace() for c in self.pattern) else self.pattern
        return f"{'-' if self.exclude else ''}{self.dimension}:{name}"
