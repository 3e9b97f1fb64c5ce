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
from itertools import chain


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


_SCALE = 2**64
"""Parts are worked out in this part of a nano-dollar: the denominators of exact fractions grow with
every cell, and a million cells together are off by less than a millionth of a nano-dollar.
"""
_Scaled = tuple[int, int, int]
"""Volume, mix and price of a cell before they are rounded, in units of `1 / _SCALE`."""


def explain(
    cells: Iterable[CellUsage], group_of: Callable[[CellUsage], str] | None = None
) -> Explanation:
    """Part the change of spend between two periods.

    `cells` may name one cell several times; they are added up first. `group_of` gives the label of
    the group that a cell belongs to. Every figure of the result is a whole number of nano-dollars,
    rounded so that cells add up to groups and groups to the whole (largest remainder).
    """
    found = tuple(_added(cells))
    rounded = _rounded(found, _scaled(found))
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


def _scaled(cells: tuple[CellUsage, ...]) -> list[_Scaled]:
    before = sum(cell.tokens_before for cell in cells)
    now = sum(cell.tokens_now for cell in cells)
    if before <= 0:
        return [((cell.spend_now - cell.spend_before) * _SCALE, 0, 0) for cell in cells]
    return [_parts(cell, before, now) for cell in cells]


def _parts(cell: CellUsage, before: int, now: int) -> _Scaled:
    """The parts of one cell; `before` and `now` are the tokens of all cells."""
    change = (cell.spend_now - cell.spend_before) * _SCALE
    if cell.tokens_before:
        volume = cell.spend_before * (now - before) * _SCALE // before
        at_old_price = cell.tokens_now * cell.spend_before
        price = (cell.spend_now * cell.tokens_before - at_old_price) * _SCALE // cell.tokens_before
        return volume, change - volume - price, price
    if cell.tokens_now:
        # what it cost before came without tokens, so it has no price to compare with
        return 0, cell.spend_now * _SCALE, -cell.spend_before * _SCALE
    return 0, 0, change


def _rounded(cells: tuple[CellUsage, ...], scaled: list[_Scaled]) -> list[ChangeParts]:
    """The parts of each cell as whole numbers: a cell's add up to its change, all to the whole's.

    Cells are rounded one after the other, each by its own largest remainder after what the cells
    before it were rounded by has been carried over. So no total is off by more than one unit.
    """
    carried = (0, 0, 0)
    parts = []
    for cell, three in zip(cells, scaled, strict=True):
        wanted = [part + left for part, left in zip(three, carried, strict=True)]
        lower = [part // _SCALE for part in wanted]
        missing = cell.spend_now - cell.spend_before - sum(lower)
        order = sorted(range(3), key=lambda n: lower[n] * _SCALE - wanted[n])
        for number in order[:missing]:
            lower[number] += 1
        left = [part - given * _SCALE for part, given in zip(wanted, lower, strict=True)]
        carried = left[0], left[1], left[2]
        parts.append(ChangeParts(*lower))
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
