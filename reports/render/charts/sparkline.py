"""Sparklines: values as a line of block characters."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

BLOCKS = "▁▂▃▄▅▆▇█"
UNKNOWN = "·"
LONGEST = 26  # fits half the width of App Home on a phone


def sparkline(
    values: Sequence[int], longest: int = LONGEST, unknown: frozenset[int] = frozenset()
) -> str:
    """One character per value, the largest a full block: `▁▂▅█`; `·` for unknown values.

    Zero is the lowest block, and only zero. If there are more values than characters, neighbors
    are averaged (not summed, so that a column of fewer values isn't lower). `unknown` holds the
    indexes of unknown values.
    """
    columns = averaged(values, longest, unknown)
    largest = max((value for value in columns if value is not None), default=Fraction(0))
    top = len(BLOCKS) - 1
    return "".join(
        UNKNOWN if value is None else BLOCKS[-(-value * top // largest)] if value > 0 else BLOCKS[0]
        for value in columns
    )


def averaged(
    values: Sequence[int], longest: int, unknown: frozenset[int] = frozenset()
) -> list[Fraction | None]:
    """At most `longest` averages of equally many neighbors each; the first may have fewer.

    Unknown values are ignored; a column of only unknown values is None.
    """
    each = max(-(-len(values) // longest), 1) if longest > 0 else 1
    first = len(values) % each or each
    starts = [0, *range(first, len(values), each)] if values else []
    ends = [*starts[1:], len(values)] if values else []
    columns: list[Fraction | None] = []
    for start, end in zip(starts, ends, strict=True):
        part = [values[index] for index in range(start, end) if index not in unknown]
        columns.append(Fraction(sum(part), len(part)) if part else None)
    return columns
