"""What is counted, what it is grouped by, and filters of both."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Metric(StrEnum):
    """What is counted: money in nano-dollars, tokens, or requests."""

    SPEND = "spend"
    TOKENS = "tokens"
    REQUESTS = "requests"


class Dimension(StrEnum):
    """What usage is grouped by."""

    MODEL = "model"
    KEY = "key"
    CREATOR = "creator"


class MoneySource(StrEnum):
    """Where the money comes from: OpenRouter credits, one's own provider keys, or both."""

    ALL = "all"
    CREDITS = "credits"
    BYOK = "byok"


@dataclass(frozen=True, slots=True)
class Filter:
    """Members of a dimension by name, to count them alone or to leave them out.

    `*` in the pattern matches anything, and case does not matter.
    """

    dimension: Dimension
    pattern: str
    exclude: bool = False

    def __str__(self) -> str:
        name = f'"{self.pattern}"' if any(c.isspace() for c in self.pattern) else self.pattern
        return f"{'-' if self.exclude else ''}{self.dimension}:{name}"
