"""Rounds exact fractions to integers: one by one, or so that they still add up to their total."""

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


def rounded(amount: int, count: int) -> int:
    """An amount divided by a positive count, rounded half to even, like `round` with fractions."""
    whole, rest = divmod(amount, count)
    return whole + (2 * rest > count or (2 * rest == count and whole % 2))
