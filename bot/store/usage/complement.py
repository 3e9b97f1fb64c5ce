"""Decides when usage is read as everything less what isn't selected.

Usage adds up: what all but a few keys used is everything less what these few used. Of everything
sums are stored, so only the rows of the few are read. The same holds for models, and for both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from bot.store.connection import Connection
from bot.store.encoding import DIMENSIONS, MEMBERS_OF, MODELS
from bot.store.usage.selection import Ids, Selection
from reports.usage.dimensions import Dimension

_MANY_MEMBERS = 500
"""Of fewer selected members, reading the rows takes less than finding out which the others are."""
_SUM = 0.3
"""What reading a sum of a member takes, if reading the rows that it adds up takes 1: on a day on
which a key is used, two or three models are used."""
_SKIPPED = 0.3
"""What skipping a row because of its model takes, if reading it takes 1."""
_WORTHWHILE = 0.8
"""Another way has to take at most this share of the time, because it needs more statements."""


class Term(NamedTuple):
    """Usage to be added (1) or subtracted (-1)."""

    sign: int
    selection: Selection


class _Shares(NamedTuple):
    """Which share of members and of models is read (0 to 1); None: all of them."""

    members: float | None
    models: float | None


@dataclass(frozen=True, slots=True)
class _Filter:
    """A filter on a dimension: the members that it leaves out, and the share that it selects."""

    dimension: Dimension
    others: Ids
    share: float


@dataclass(frozen=True, slots=True)
class StoredSums:
    """Which sums of the selection's view may be read: those of its members, and of models.

    `of_models` is only called if it matters, because it may read sums itself.
    """

    of_members: bool
    of_models: Callable[[], bool]


def terms(
    connection: Connection,
    selection: Selection,
    stored: StoredSums,
    *,
    grouped: bool = True,
) -> Sequence[Term]:
    """The selections whose usage, added and subtracted, is that of a selection of one view.

    Only the selection itself, if nothing else takes clearly less time. Without `grouped` only the
    usage of all groups together is read.
    """
    direct = [Term(1, selection)]
    if not selection.members or _count(connection, selection) < _MANY_MEMBERS:
        return direct
    view = selection.view
    of_view = next(one for one, found in DIMENSIONS.items() if found.view is view)
    members = _filter(connection, of_view, MEMBERS_OF[view], selection)
    models = _filter(connection, Dimension.MODEL, MODELS, selection)
    by_models = grouped and selection.by is Dimension.MODEL
    by_members = grouped and selection.by is of_view

    def cost(shares: _Shares) -> float:
        if shares.members is None and not by_members:
            if (shares.models is None and not by_models) or stored.of_models():
                return 0
            if selection.by is not of_view:
                return inf  # nothing says which view these rows are of
        of_members = 1 if shares.members is None else shares.members
        if shares.models is None and not by_models and stored.of_members:
            return _SUM * of_members
        of_models = 1 if shares.models is None else shares.models
        return of_members * (_SKIPPED + (1 - _SKIPPED) * of_models)

    selected = _Shares(members.share if members else None, models.share if models else None)
    ways = [(cost(selected), direct)]
    if members is not None and not by_members:
        every = selected._replace(members=None)
        others = selected._replace(members=1 - members.share)
        ways.append((cost(every) + cost(others), _less(selection, members)))
    if models is not None and not by_models:
        every = selected._replace(models=None)
        others = selected._replace(models=1 - models.share)
        ways.append((cost(every) + cost(others), _less(selection, models)))
    if members is not None and models is not None and not by_members and not by_models:
        outside = _Shares(1 - members.share, 1 - models.share)
        costs = (outside._replace(models=None), outside._replace(members=None), outside)
        way = [
            Term(sign * term.sign, term.selection)
            for sign, part in _less(selection, members)
            for term in _less(part, models)
        ]
        ways.append((sum(map(cost, costs)), way))
    least, way = min(ways, key=lambda one: one[0])
    return way if least <= _WORTHWHILE * ways[0][0] else direct


def _less(selection: Selection, of: _Filter) -> list[Term]:
    """The selection without a filter, less what the filter leaves out."""
    every = selection.without(of.dimension)
    return [Term(1, every), Term(-1, selection.only(of.dimension, of.others))]


def _count(connection: Connection, selection: Selection) -> int:
    """How many keys or creators are selected."""
    if selection.owners is not None:
        return len(selection.owners)
    return len(everybody(connection, MEMBERS_OF[selection.view]))


def everybody(connection: Connection, code: int) -> Ids:
    """The ids of all members of a dimension."""
    key = __name__, code
    if key not in connection.memo:
        found = connection.execute("SELECT id FROM member WHERE dimension = ?", (code,))
        connection.memo[key] = frozenset(row[0] for row in found)
    ids: Ids = connection.memo[key]
    return ids


def _filter(
    connection: Connection, dimension: Dimension, code: int, selection: Selection
) -> _Filter | None:
    ids = selection.ids(dimension)
    if ids is None:
        return None
    every = everybody(connection, code)
    others = every - ids
    return _Filter(dimension, others, 1 - len(others) / max(1, len(every)))
