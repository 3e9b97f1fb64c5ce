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

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import nlargest
from itertools import accumulate, zip_longest
from operator import itemgetter, sub
from typing import Any, NamedTuple


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


Row = Sequence[Any]
"""A cell; its names may be ids."""


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


class Cells(NamedTuple):
    """Cells, each once, with their names looked up only where they are shown.

    A row has the figures of `CellUsage` in the same places; its names may be ids. `named` returns
    a row as a cell, `labels` the label of each row's group, in the order of the rows.
    """

    rows: Sequence[Row]
    named: Callable[[Row], CellUsage]
    labels: Callable[[], Sequence[str]] | None = None

    @classmethod
    def of(
        cls, cells: Iterable[CellUsage], group_of: Callable[[CellUsage], str] | None = None
    ) -> Cells:
        """`cells` may contain one cell several times; these are summed first."""
        found = _added(cells)
        if group_of is None:
            return cls(found, _itself)
        return cls(found, _itself, lambda: list(map(group_of, found)))


def _itself(row: Row) -> CellUsage:
    return CellUsage(*row)


_BITS = 64
"""Parts are computed in units of 2^-64 nano-dollars: the denominators of exact fractions would grow
with every cell, and even a million cells are off by less than a millionth of a nano-dollar.
"""
_ONE = 2**_BITS
_BELOW_ONE = _ONE - 1


@dataclass(frozen=True)
class Explanation:
    """A change of spend in nano-dollars. Groups are sorted by the size of their change.

    Answers show few of thousands of cells, so only these are worked out one by one.
    """

    before: int
    now: int
    tokens_before: int
    tokens_now: int
    rows: Sequence[Row]
    named: Callable[[Row], CellUsage]
    running: _Running
    groups: tuple[GroupChange, ...] = ()

    @property
    def change(self) -> int:
        """Later spend minus earlier spend."""
        return self.now - self.before

    @cached_property
    def parts(self) -> ChangeParts:
        """The parts of the whole change."""
        return self.running.parts(0, len(self.rows))

    @cached_property
    def cells(self) -> tuple[CellChange, ...]:
        """All cells, sorted by the size of their change."""
        return tuple(self._changes(range(len(self.rows))))

    def towards(self, part: int, sign: int, least: int, count: int) -> list[CellChange]:
        """The `count` cells with the most of a part (its index), taken times `sign` (1 or -1), of
        those that have more than `least`; of equal ones, those with the largest change."""
        exact = self.running.exact(part)
        amounts = list(exact) if sign > 0 else [-value for value in exact]
        most = min(nlargest(count, amounts), default=0)
        limit = max(least << _BITS, most - (_OFF << _BITS)) - (_OFF << _BITS)
        near = self._changes(at for at, amount in enumerate(amounts) if amount > limit)
        cells = [cell for cell in near if sign * cell.parts[part] > least]
        cells.sort(key=lambda cell: -abs(cell.parts[part]))
        return cells[:count]

    def largest(self, count: int) -> tuple[list[CellChange], int]:
        """The `count` largest changes of cells that cost anything, or of all if all are free; and
        how many cells these are of."""
        spent = [at for at, row in enumerate(self.rows) if row[4] or row[5]]
        places = spent or list(range(len(self.rows)))
        sizes = [abs(self.rows[at][5] - self.rows[at][4]) for at in places]
        least = min(nlargest(count, sizes), default=0)
        near = [at for at, size in zip(places, sizes, strict=True) if size >= least]
        return self._changes(near)[:count], len(places)

    def _changes(self, places: Iterable[int]) -> list[CellChange]:
        rows, named, parts = self.rows, self.named, self.running.parts
        changes = [CellChange(named(rows[at]), parts(at, at + 1)) for at in places]
        changes.sort(key=order)
        return changes


_OFF = 2
"""Rounded parts of a cell are off by less than this: it carries over what those before it were off,
which is less than one unit."""


def explain(cells: Cells) -> Explanation:
    """Split the change of spend between two periods.

    Every figure of the result is a whole number of nano-dollars, rounded so that cells add up to
    groups and groups to the whole (largest remainder).
    """
    rows = cells.rows
    _, _, tokens_before, tokens_now, before, now = columns = _columns(rows)
    running = _running(columns)
    return Explanation(
        before=sum(before),
        now=sum(now),
        tokens_before=sum(tokens_before),
        tokens_now=sum(tokens_now),
        rows=rows,
        named=cells.named,
        running=running,
        groups=_groups(before, now, running, cells.labels()) if cells.labels else (),
    )


def _columns(rows: Sequence[Row]) -> list[Sequence[Any]]:
    """The names of keys and models, tokens before and now, spend before and now."""
    return [[row[at] for row in rows] for at in range(6)]


def order(one: CellChange) -> tuple[int, str, str]:
    """The largest change first."""
    key, model, _, _, before, now, _ = one.usage
    return -abs(now - before), key, model


_PLACE = itemgetter(
    *(CellUsage._fields.index(name) for name in ("key", "model", "creator"))
)  # fmt: skip


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


class _Running(NamedTuple):
    """The changes of cells (nano-dollars), and their parts in units of 2^-64 nano-dollars; mix is
    the rest. `sums` are the sums of changes, volumes and prices of all cells before each, and of
    all of them.

    Cells are rounded one after another: each carries over the rounding error of those before it. So
    the rounded parts of any cells that follow each other are the difference of two rounded sums,
    and no total is off by more than one unit.
    """

    changes: Sequence[int]
    volumes: Sequence[int]
    prices: Sequence[int]
    sums: tuple[Sequence[int], Sequence[int], Sequence[int]]

    def exact(self, part: int) -> Iterable[int]:
        """A part (its index) of each cell, not rounded."""
        if part == _VOLUME:
            return self.volumes
        if part == _PRICE:
            return self.prices
        parts = zip(self.changes, self.volumes, self.prices, strict=True)
        return ((change << _BITS) - volume - price for change, volume, price in parts)

    def parts(self, start: int, end: int) -> ChangeParts:
        """The parts of the cells from one place until before another."""
        until, since = self.rounded(end), self.rounded(start)
        return ChangeParts(until[0] - since[0], until[1] - since[1], until[2] - since[2])

    def rounded(self, at: int) -> tuple[int, int, int]:
        """The parts of all cells before a place as integers that add up to their change."""
        changes, volumes, prices = self.sums
        volume, price = volumes[at], prices[at]
        mix = (changes[at] << _BITS) - volume - price
        whole_v, whole_m, whole_p = volume >> _BITS, mix >> _BITS, price >> _BITS
        missing = changes[at] - whole_v - whole_m - whole_p
        if missing:
            rest_v, rest_m, rest_p = volume & _BELOW_ONE, mix & _BELOW_ONE, price & _BELOW_ONE
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
        return whole_v, whole_m, whole_p


_VOLUME, _PRICE = ChangeParts._fields.index("volume"), ChangeParts._fields.index("price")


def _running(columns: Sequence[Sequence[int]]) -> _Running:
    """The parts of all cells, from their columns."""
    _, _, tokens_before, tokens_now, spend_before, spend_now = columns
    before = sum(tokens_before)
    more = sum(tokens_now) - before
    changes = list(map(sub, spend_now, spend_before))
    if before <= 0:  # there is nothing to compare with
        volumes, prices = [change << _BITS for change in changes], [0] * len(changes)
    else:
        volumes = [
            (spent * more << _BITS) // before if tokens else 0
            for tokens, spent in zip(tokens_before, spend_before, strict=True)
        ]
        prices = [
            ((spend * tokens_was - tokens * spent) << _BITS) // tokens_was
            if tokens_was
            # its earlier spend had no tokens, so there is no price to compare with
            else (-spent if tokens else spend - spent) << _BITS
            for _, _, tokens_was, tokens, spent, spend in zip(*columns, strict=True)
        ]
    first, second, third = (
        list(accumulate(values, initial=0)) for values in (changes, volumes, prices)
    )
    return _Running(changes, volumes, prices, (first, second, third))


def _groups(
    before: Sequence[int], now: Sequence[int], running: _Running, labels: Sequence[str]
) -> tuple[GroupChange, ...]:
    """The sums of the cells of each group: runs of its cells, which often follow each other."""
    sums: dict[str, list[int]] = {label: [0] * 5 for label in set(labels)}
    volume, mix, price = running.rounded(0)
    for at, (label, following) in enumerate(zip_longest(labels, labels[1:]), 1):
        of_group = sums[label]
        of_group[0] += before[at - 1]
        of_group[1] += now[at - 1]
        if label != following:
            earlier = volume, mix, price
            volume, mix, price = running.rounded(at)
            of_group[2] += volume - earlier[0]
            of_group[3] += mix - earlier[1]
            of_group[4] += price - earlier[2]
    groups = [
        GroupChange(label, spent, spend, ChangeParts(*parts))
        for label, (spent, spend, *parts) in sums.items()
    ]
    return tuple(sorted(groups, key=lambda group: (-abs(group.parts.change), group.label)))
