"""Explains a change in spend as volume, mix and price, exact to the nano-dollar.

A *cell* is the usage of one API key with one model. With `T0`, `S0` its tokens and spend in the
earlier period, `T1`, `S1` in the later one, `V0`, `V1` the tokens of all cells, and `p0 = S0 / T0`
its earlier price (`S1 / T1` where it is new):

- **volume** is `T0 * (V1 / V0 - 1) * p0`: all cells grow at the same rate, at their earlier prices;
- **mix** is `(T1 - T0 * V1 / V0) * p0`: tokens moved between cells, including cells that
  appeared or disappeared;
- **price** is `S1 - T1 * p0`: the same tokens cost more or less than before.

Spend without any tokens in the earlier period has no earlier price, so its change counts as price.
If the earlier period has no tokens at all, the whole change counts as volume. The three parts of
every cell add up to its change, so the parts of any grouping of cells add up to the parts of the
whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import NamedTuple, TypeVar

_Name = TypeVar("_Name", str, tuple[str, ...])
"""What a group is called."""


class CellUsage(NamedTuple):
    """One cell in both periods: tokens, and spend in nano-dollars. `key` and `model` are labels.

    There are thousands of cells, so this class and its results are tuples, which are created three
    times as fast as dataclasses.
    """

    key: str
    model: str
    tokens_before: int
    tokens_now: int
    spend_before: int
    spend_now: int
    creator: str = ""


class ChangeParts(NamedTuple):
    """A change in nano-dollars, split into three parts that add up to it exactly."""

    volume: int
    mix: int
    price: int

    @property
    def change(self) -> int:
        """Their sum."""
        return self.volume + self.mix + self.price


class CellChange(NamedTuple):
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
    """A change of spend in nano-dollars. Cells and groups are sorted by the size of their
    change."""

    before: int
    now: int
    tokens_before: int
    tokens_now: int
    parts: ChangeParts
    cells: tuple[CellChange, ...]
    groups: tuple[GroupChange, ...] = ()

    @property
    def change(self) -> int:
        """Later spend minus earlier spend."""
        return self.now - self.before


_BITS = 64
"""Parts are computed in units of 2^-64 nano-dollars: the denominators of exact fractions would grow
with every cell, and even a million cells are off by less than a millionth of a nano-dollar.
"""
_ONE = 2**_BITS
_BELOW_ONE = _ONE - 1


def explain(
    cells: Iterable[CellUsage], group_of: Callable[[CellUsage], str] | None = None
) -> Explanation:
    """Split the change of spend between two periods.

    `cells` may contain one cell several times; these are summed first. `group_of` gives the label
    of the group that a cell belongs to. Every figure of the result is a whole number of
    nano-dollars, rounded so that cells add up to groups and groups to the whole (largest
    remainder).
    """
    found = _added(cells)
    tokens_before = sum(cell.tokens_before for cell in found)
    tokens_now = sum(cell.tokens_now for cell in found)
    changes = list(
        map(CellChange, found, _parted(found, tokens_before, tokens_now - tokens_before))
    )
    whole = _group("", changes)
    changes.sort(key=_order)
    return Explanation(
        before=whole.before,
        now=whole.now,
        tokens_before=tokens_before,
        tokens_now=tokens_now,
        parts=whole.parts,
        cells=tuple(changes),
        groups=_groups(changes, group_of) if group_of else (),
    )


def _order(one: CellChange) -> tuple[int, str, str]:
    """The largest change first."""
    key, model, _, _, before, now, _ = one.usage
    return -abs(now - before), key, model


_PLACE = itemgetter(
    *(CellUsage._fields.index(name) for name in ("key", "model", "creator"))
)  # fmt: skip
_BEFORE, _NOW = (itemgetter(CellUsage._fields.index(f"spend_{name}")) for name in ("before", "now"))


def _added(cells: Iterable[CellUsage]) -> list[CellUsage]:
    cells = list(cells)
    if len(set(map(_PLACE, cells))) == len(cells):
        return cells
    found: dict[tuple[str, str, str], CellUsage] = {}
    for cell in cells:
        known = found.setdefault(_PLACE(cell), cell)
        if known is not cell:
            found[_PLACE(cell)] = known._replace(
                tokens_before=known.tokens_before + cell.tokens_before,
                tokens_now=known.tokens_now + cell.tokens_now,
                spend_before=known.spend_before + cell.spend_before,
                spend_now=known.spend_now + cell.spend_now,
            )
    return list(found.values())


def _parted(cells: Iterable[CellUsage], before: int, more: int) -> Iterator[ChangeParts]:
    """The parts of each cell as integers; a cell's parts add up to its change, all cells to the
    whole.

    `before` is the number of tokens of all cells in the earlier period, `more` its increase.

    Cells are rounded one after another: each carries over the rounding error of those before it. So
    no total is off by more than one unit.
    """
    rest_v = rest_m = rest_p = 0
    for _, _, tokens_before, tokens_now, spend_before, spend_now, _ in cells:
        change = spend_now - spend_before
        if before <= 0:  # there is nothing to compare with
            volume, price = change << _BITS, 0
        elif tokens_before:
            volume = (spend_before * more << _BITS) // before
            off = spend_now * tokens_before - tokens_now * spend_before
            price = (off << _BITS) // tokens_before
        elif tokens_now:
            # its earlier spend had no tokens, so there is no price to compare with
            volume, price = 0, -spend_before << _BITS
        else:
            volume, price = 0, change << _BITS
        rest_m += (change << _BITS) - volume - price
        rest_v += volume
        rest_p += price
        whole_v, whole_m, whole_p = rest_v >> _BITS, rest_m >> _BITS, rest_p >> _BITS
        rest_v &= _BELOW_ONE
        rest_m &= _BELOW_ONE
        rest_p &= _BELOW_ONE
        missing = change - whole_v - whole_m - whole_p
        while missing:
            missing -= 1
            if rest_v >= rest_m and rest_v >= rest_p:
                whole_v += 1
                rest_v -= _ONE
            elif rest_m >= rest_p:
                whole_m += 1
                rest_m -= _ONE
            else:
                whole_p += 1
                rest_p -= _ONE
        yield ChangeParts(whole_v, whole_m, whole_p)


def _groups(
    changes: Iterable[CellChange], group_of: Callable[[CellUsage], str]
) -> tuple[GroupChange, ...]:
    members: dict[str, list[CellChange]] = {}
    for change in changes:
        members.setdefault(group_of(change.usage), []).append(change)
    groups = [_group(label, found) for label, found in members.items()]
    return tuple(sorted(groups, key=lambda group: (-abs(group.parts.change), group.label)))


def _group(label: str, changes: Sequence[CellChange]) -> GroupChange:
    """The sum of a group's cells."""
    if not changes:
        return GroupChange(label, 0, 0, ChangeParts(0, 0, 0))
    usages, parts = zip(*changes, strict=True)
    return GroupChange(
        label,
        sum(map(_BEFORE, usages)),
        sum(map(_NOW, usages)),
        ChangeParts(*map(sum, zip(*parts, strict=True))),
    )


def moved(before: Mapping[_Name, int], now: Mapping[_Name, int]) -> tuple[tuple[_Name, int], ...]:
    """For tokens and requests, which have no price: how much each group changed.

    Groups are sorted by the size of their change; those without a change are left out.
    """
    changes = {label: now.get(label, 0) - before.get(label, 0) for label in chain(before, now)}
    return tuple(
        sorted(
            ((label, change) for label, change in changes.items() if change),
            key=lambda one: (-abs(one[1]), one[0]),
        )
    )
