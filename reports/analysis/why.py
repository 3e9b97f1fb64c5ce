"""Explain a change in spend as volume, mix and price, exactly to the nano-dollar.

A *cell* is the usage of one API key with one model. With `T0`, `S0` its tokens and spend in the
earlier period, `T1`, `S1` in the later one, `V0`, `V1` the tokens of all cells, and `p0 = S0 / T0`
its earlier price (`S1 / T1` where it is new):

- **volume** is `T0 * (V1 / V0 - 1) * p0`: all cells grow alike, at their earlier prices;
- **mix** is `(T1 - T0 * V1 / V0) * p0`: tokens moved between cells; new and gone cells count here;
- **price** is `S1 - T1 * p0`: the same tokens cost more or less than before.

Spend without any tokens in the earlier period has no earlier price: its change counts as price.
Where the earlier period has no tokens at all there is nothing to compare, and all is volume. The
three parts of every cell add up to its change, so the parts of any grouping of cells add up to the
parts of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain

from reports.analysis.rounding import largest_remainder


@dataclass(frozen=True, slots=True)
class CellUsage:
    """One cell in both periods: tokens, and spend in nano-dollars. `key` and `model` are labels."""

    key: str
    model: str
    tokens_before: int
    tokens_now: int
    spend_before: int
    spend_now: int
    creator: str = ""


@dataclass(frozen=True, slots=True)
class ChangeParts:
    """A change in nano-dollars, parted. The three add up to it exactly."""

    volume: int
    mix: int
    price: int

    @property
    def change(self) -> int:
        """The three together."""
        return self.volume + self.mix + self.price


@dataclass(frozen=True, slots=True)
class CellChange:
    """What one cell contributed, in nano-dollars."""

    usage: CellUsage
    parts: ChangeParts


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What one group (a person, key or model) contributed, in nano-dollars."""

    label: str
    before: int
    now: int
    parts: ChangeParts


@dataclass(frozen=True, slots=True)
class Explanation:
    """A change of spend in nano-dollars. Cells and groups by the size of their change."""

    before: int
    now: int
    parts: ChangeParts
    cells: tuple[CellChange, ...]
    groups: tuple[GroupChange, ...] = ()

    @property
    def change(self) -> int:
        """Later spend minus earlier spend."""
        return self.now - self.before


_Exact = tuple[Fraction, Fraction, Fraction]
"""Volume, mix and price of a cell before they are rounded."""


def explain(
    cells: Iterable[CellUsage], group_of: Callable[[CellUsage], str] | None = None
) -> Explanation:
    """Part the change of spend between two periods.

    `cells` may name one cell several times; they are added up first. `group_of` gives the label of
    the group that a cell belongs to. Every figure of the result is a whole number of nano-dollars,
    rounded so that cells add up to groups and groups to the whole (largest remainder).
    """
    found = tuple(_added(cells))
    exact = _exact(found)
    rounded = _rounded(found, exact)
    changes = tuple(CellChange(cell, parts) for cell, parts in zip(found, rounded, strict=True))
    return Explanation(
        before=sum(cell.spend_before for cell in found),
        now=sum(cell.spend_now for cell in found),
        parts=_sum(rounded),
        cells=tuple(sorted(changes, key=lambda one: (-abs(one.parts.change), one.usage.key,
                                                     one.usage.model))),
        groups=_groups(changes, group_of) if group_of else (),
    )  # fmt: skip


def _added(cells: Iterable[CellUsage]) -> Iterable[CellUsage]:
    found: dict[tuple[str, str, str], CellUsage] = {}
    for cell in cells:
        place = cell.key, cell.model, cell.creator
        known = found.get(place)
        found[place] = cell if known is None else replace(
            known,
            tokens_before=known.tokens_before + cell.tokens_before,
            tokens_now=known.tokens_now + cell.tokens_now,
            spend_before=known.spend_before + cell.spend_before,
            spend_now=known.spend_now + cell.spend_now,
        )  # fmt: skip
    return found.values()


def _exact(cells: tuple[CellUsage, ...]) -> list[_Exact]:
    before = sum(cell.tokens_before for cell in cells)
    now = sum(cell.tokens_now for cell in cells)
    if before <= 0:
        return [(Fraction(c.spend_now - c.spend_before), Fraction(0), Fraction(0)) for c in cells]
    return [_parts(cell, Fraction(now, before)) for cell in cells]


def _parts(cell: CellUsage, growth: Fraction) -> _Exact:
    zero = Fraction(0)
    if cell.tokens_before:
        price = Fraction(cell.spend_before, cell.tokens_before)
    elif cell.tokens_now:
        price = Fraction(cell.spend_now, cell.tokens_now)
        # what it cost before came without tokens, so it has no price to compare with
        return zero, cell.tokens_now * price, Fraction(-cell.spend_before)
    else:
        return zero, zero, Fraction(cell.spend_now - cell.spend_before)
    return (
        cell.tokens_before * (growth - 1) * price,
        (cell.tokens_now - cell.tokens_before * growth) * price,
        cell.spend_now - cell.tokens_now * price,
    )


def _rounded(cells: tuple[CellUsage, ...], exact: list[_Exact]) -> list[ChangeParts]:
    """The parts of each cell as whole numbers: a cell's add up to its change, all to the whole's.

    Cells are rounded one after the other, each by its own largest remainder after what the cells
    before it were rounded by has been carried over. So no total is off by more than one unit.
    """
    carried = [Fraction(0)] * 3
    parts = []
    for cell, three in zip(cells, exact, strict=True):
        wanted = [part + left for part, left in zip(three, carried, strict=True)]
        whole = largest_remainder(wanted, cell.spend_now - cell.spend_before)
        carried = [part - given for part, given in zip(wanted, whole, strict=True)]
        parts.append(ChangeParts(*whole))
    return parts


def _sum(parts: Iterable[ChangeParts]) -> ChangeParts:
    found = list(parts)
    return ChangeParts(
        sum(one.volume for one in found),
        sum(one.mix for one in found),
        sum(one.price for one in found),
    )


def _groups(
    changes: tuple[CellChange, ...], group_of: Callable[[CellUsage], str]
) -> tuple[GroupChange, ...]:
    members: dict[str, list[CellChange]] = {}
    for change in changes:
        members.setdefault(group_of(change.usage), []).append(change)
    groups = [
        GroupChange(
            label,
            sum(one.usage.spend_before for one in found),
            sum(one.usage.spend_now for one in found),
            _sum(one.parts for one in found),
        )
        for label, found in members.items()
    ]
    return tuple(sorted(groups, key=lambda group: (-abs(group.parts.change), group.label)))


def moved(before: Mapping[str, int], now: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """For tokens and requests, which have no price: what each group added or took away.

    The groups of either period by the size of their change; those without one are left out.
    """
    changes = {label: now.get(label, 0) - before.get(label, 0) for label in chain(before, now)}
    return tuple(
        sorted(
            ((label, change) for label, change in changes.items() if change),
            key=lambda one: (-abs(one[1]), one[0]),
        )
    )
