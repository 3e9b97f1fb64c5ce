"""Figures as a line of block characters, for where there is no room for a chart."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

BLOCKS = "▁▂▃▄▅▆▇█"
LONGEST = 26


def sparkline(values: Sequence[int], longest: int = LONGEST) -> str:
    """One character a figure, the largest a full block: `▁▂▅█`.

    Nothing is the lowest block, and something never is. Where there are more figures than
    characters, neighbors are averaged, so that a column of fewer figures is not lower for it.
    """
    columns = averaged(values, longest)
    largest = max(columns, default=Fraction(0))
    if largest <= 0:
        return BLOCKS[0] * len(columns)
    top = len(BLOCKS) - 1
    return "".join(
        BLOCKS[-(-value * top // largest)] if value > 0 else BLOCKS[0] for value in columns
    )


def averaged(values: Sequence[int], longest: int) -> list[Fraction]:
    """At most `longest` averages of equally many neighbors each; the oldest may have fewer."""
    each = max(-(-len(values) // longest), 1) if longest > 0 else 1
    first = len(values) % each or each
    starts = [0, *range(first, len(values), each)] if values else []
    ends = [*starts[1:], len(values)] if values else []
    parts = (values[start:end] for start, end in zip(starts, ends, strict=True))
    return [Fraction(sum(part), len(part)) for part in parts]
