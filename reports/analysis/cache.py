"""What prompt caching does: the share of prompt tokens that came from a cache, and what it saved.

Both figures come from OpenRouter. More tokens can be cached than were in the prompt, and writing a
cache can cost more than reading it saved; both are shown as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Tokens, and what the cache saved in nano-dollars (negative where it cost more).

    `cached` and `saved` are None where they were not recorded; `reasoning` is a part of completion.
    """

    label: str
    prompt: int
    cached: int | None
    saved: int | None
    completion: int
    reasoning: int

    @property
    def share(self) -> Fraction | None:
        """Cached tokens as a share of prompt tokens; above 1 is possible; None if unknown."""
        if self.cached is None or not self.prompt:
            return None
        return Fraction(self.cached, self.prompt)

    @property
    def reasoning_share(self) -> Fraction | None:
        """Reasoning tokens as a share of completion tokens; None without any completion."""
        return Fraction(self.reasoning, self.completion) if self.completion else None


@dataclass(frozen=True, slots=True)
class CacheReport:
    """The whole, and its groups: those with most prompt tokens first."""

    whole: CacheUse
    groups: tuple[CacheUse, ...]


def cache_report(groups: Mapping[str, CacheUse]) -> CacheReport:
    """Add groups up; a figure that is unknown for any group with usage is unknown for the whole."""
    found = [one for one in groups.values() if one.prompt or one.completion]
    whole = CacheUse(
        "all",
        sum(one.prompt for one in found),
        _sum([one.cached for one in found]),
        _sum([one.saved for one in found]),
        sum(one.completion for one in found),
        sum(one.reasoning for one in found),
    )
    return CacheReport(whole, tuple(sorted(found, key=lambda one: (-one.prompt, one.label))))


def _sum(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
