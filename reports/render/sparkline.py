"""Figures as a line of block characters, for places that take no chart."""

from __future__ import annotations

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
LONGEST = 26


def sparkline(values: Sequence[int], longest: int = LONGEST) -> str:
    """One character a figure, the largest a full block: `▁▂▅█`.

    Nothing is the lowest block, and something never is. Where there are more figures than
    characters, as many neighbours as it takes are added up, the newest ones whole.
    """
    columns = _fewer(values, longest)
    largest = max(columns, default=0)
    if largest <= 0:
        return BLOCKS[0] * len(columns)
    top = len(BLOCKS) - 1
    return "".join(
        BLOCKS[-(-value * top // largest)] if value > 0 else BLOCKS[0] for value in columns
    )


def _fewer(values: Sequence[int], longest: int) -> list[int]:
    each = -(-len(values) // longest) if longest > 0 else 1
    if each <= 1:
        return list(values)
    first = len(values) % each
    starts = [0] if first else []
    starts += range(first, len(values), each)
    ends = [*starts[1:], len(values)]
    return [sum(values[start:end]) for start, end in zip(starts, ends, strict=True)]
