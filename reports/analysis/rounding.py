"""Rounds exact fractions to integers that still add up to their total."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor


def largest_remainder(parts: Sequence[Fraction], total: int) -> tuple[int, ...]:
    """Round parts to whole numbers whose sum is `total`.

    Each part is rounded down; the missing units go to the parts that lost the most. Ties go to the
    earlier part, so that the same input always gives the same result.

    Raises ValueError if `total` differs from the exact sum by one unit or more per part, because
    then it isn't a rounding of the sum.
    """
    lower = [floor(part) for part in parts]
    missing = total - sum(lower)
    if not 0 <= missing <= len(parts):
        raise ValueError(f"{total} is not the rounded sum of the parts")
    order = sorted(range(len(parts)), key=lambda n: (lower[n] - parts[n], n))
    for number in order[:missing]:
        lower[number] += 1
    return tuple(lower)
