"""Selections of usage: the filters, the grouping, and the view of stored usage that has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.store.encoding import DIMENSIONS, StoredView
from reports.usage.dimensions import Dimension
from reports.usage.figure_table import NAMES

Ids = frozenset[int]


@dataclass(frozen=True, slots=True)
class Selection:
    """The dimension that usage is grouped by, and the members that filters allow, by dimension.

    A dimension that is not in `members` is not filtered. Use `of` to make one from a mapping.
    `within` is the view to read where no dimension decides it; without one it is the key view.
    `figures` are the names of those that are read; in what is returned as usage, others are 0.
    """

    by: Dimension | None = None
    members: tuple[tuple[Dimension, Ids], ...] = ()
    within: StoredView = StoredView.KEY
    figures: frozenset[str] = frozenset(NAMES)

    @classmethod
    def of(cls, by: Dimension | None, members: Mapping[Dimension, Ids]) -> Selection:
        """A selection from the members allowed by dimension."""
        return cls(by, tuple(sorted(members.items())))

    def ids(self, dimension: Dimension) -> Ids | None:
        """The members of a dimension that are allowed; None: all."""
        return next((ids for one, ids in self.members if one is dimension), None)

    def grouped(self, by: Dimension | None) -> Selection:
        """The same members, grouped by another dimension."""
        return replace(self, by=by)

    def only(self, dimension: Dimension, ids: Ids) -> Selection:
        """The same with only these members of a dimension, whatever was allowed before."""
        return self._with({**dict(self.members), dimension: ids})

    def without(self, dimension: Dimension) -> Selection:
        """The same with all members of a dimension, from the same view."""
        left = {one: ids for one, ids in self.members if one is not dimension}
        return replace(self._with(left), within=self.view)

    def _with(self, members: Mapping[Dimension, Ids]) -> Selection:
        return replace(self, members=tuple(sorted(members.items())))

    @property
    def views(self) -> tuple[StoredView, ...]:
        """The views that have the selection's dimensions; empty if every view has them."""
        used = {self.by, *(dimension for dimension, _ in self.members)}
        found = (stored.view for dimension, stored in DIMENSIONS.items() if dimension in used)
        return tuple(view for view in found if view is not None)

    @property
    def crossed(self) -> bool:
        """Whether it uses dimensions (keys and creators) that no view has together."""
        return len(self.views) > 1

    @property
    def view(self) -> StoredView:
        """The view to read."""
        views = self.views
        return views[-1] if views else self.within

    @property
    def owners(self) -> Ids | None:
        """The members of the view's own dimension that are allowed; None: all."""
        return next(
            (ids for dimension, ids in self.members if DIMENSIONS[dimension].view is self.view),
            None,
        )
