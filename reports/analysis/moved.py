"""How much groups moved tokens or requests between two periods; they have no price to part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import nlargest
from itertools import compress
from operator import ne, sub
from typing import NamedTuple

from reports.questions.unfinished import WholeChange

Names = tuple[str, ...]
"""The label of a group; without a grouping, an API key and a model."""


class MovedGroup(NamedTuple):
    """What one group used before and now."""

    names: Names
    before: int
    now: int

    @property
    def change(self) -> int:
        """What it used now minus what it used before."""
        return self.now - self.before


class Moved(NamedTuple):
    """What each group used before and now, each group once.

    Messages show few of thousands of pairs, so names are looked up only where they are shown:
    `named` returns those of the group at a place.
    """

    before: Sequence[int]
    now: Sequence[int]
    named: Callable[[int], Names]

    @property
    def totals(self) -> WholeChange:
        """What all groups used."""
        return WholeChange(sum(self.now), sum(self.before))

    def largest(self, count: int | None = None) -> list[MovedGroup]:
        """The `count` largest changes (None: all), sorted by their size and then by name.

        Groups without a change are left out.
        """
        sizes = list(map(abs, map(sub, self.now, self.before)))
        least = 1
        if count is not None:
            least = max(least, min(nlargest(count, sizes), default=0))
        # names decide which of equal changes come first
        near = [at for at, size in enumerate(sizes) if size >= least]
        found = [MovedGroup(self.named(at), self.before[at], self.now[at]) for at in near]
        found.sort(key=lambda one: (-abs(one.change), one.names))
        return found[:count]

    def without(self, shown: Sequence[MovedGroup]) -> tuple[int, int, int]:
        """How many other groups have changed, and what these used before and now."""
        changed = list(map(ne, self.before, self.now))
        before, now = (sum(compress(used, changed)) for used in (self.before, self.now))
        return (
            sum(changed) - len(shown),
            before - sum(one.before for one in shown),
            now - sum(one.now for one in shown),
        )
