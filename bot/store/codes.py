"""How values are written in the database: small numbers for names, seconds for time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import IntEnum

from reports.query import Dimension
from reports.timerange import Granularity
from reports.usage import Usage

FIGURES = ", ".join(Usage._fields)
"""The columns of usage and of its sums, in the order of Usage, whatever their order in the file."""

GRANULARITY = {
    Granularity.MINUTE: 0,
    Granularity.HOUR: 1,
    Granularity.DAY: 2,
    Granularity.MONTH: 3,
}
DIMENSION = {Dimension.MODEL: 1, Dimension.KEY: 2, Dimension.CREATOR: 3}
DIMENSION_OF = {code: dimension for dimension, code in DIMENSION.items()}


class View(IntEnum):
    """The two views that usage is cached in: with the model, by key or by creator."""

    KEY = 0
    CREATOR = 1


ALL_OF: Mapping[int, int] = {View.KEY: 0, View.CREATOR: 4}
MEMBERS_OF: Mapping[int, int] = {
    View.KEY: DIMENSION[Dimension.KEY],
    View.CREATOR: DIMENSION[Dimension.CREATOR],
}
MODELS = DIMENSION[Dimension.MODEL]

PART_SECONDS = {0: 3_600, 1: 86_400, 2: 8 * 86_400, 3: 10**11}
"""Sums lie member by member within such stretches of time, by granularity.

Shorter ones would make answers slower, longer ones writing: what is pulled anew then lies in as
many pages as there are keys.
"""


def seconds(moment: datetime) -> int:
    """A moment as it is kept: whole seconds since 1970, UTC."""
    return int(moment.timestamp())


def part(granularity: int, bucket: int) -> int:
    """The part of time in which the sums of a bucket lie, for the code of a granularity."""
    return bucket // PART_SECONDS[granularity]


def moment(kept: int) -> datetime:
    """The moment that was kept (UTC)."""
    return datetime.fromtimestamp(kept, UTC)
