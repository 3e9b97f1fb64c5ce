"""Encodes stored values: small integers for names, whole seconds or milliseconds for times.

This is the only codec for times in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import IntEnum
from typing import NamedTuple

from reports.time.time_range import Granularity
from reports.usage.dimensions import Dimension
from reports.usage.figure_table import NAMES

FIGURES = ", ".join(NAMES)
"""The columns of usage and of its sums, in the order of Usage; tables may order them
differently."""

GRANULARITY = {
    Granularity.MINUTE: 0,
    Granularity.HOUR: 1,
    Granularity.DAY: 2,
    Granularity.MONTH: 3,
}


class StoredView(IntEnum):
    """The two views that usage is stored in: by key and model, and by creator and model."""

    KEY = 0
    CREATOR = 1


class StoredDimension(NamedTuple):
    """A dimension's code, and the view that has its members; None: every view has them."""

    code: int
    view: StoredView | None


DIMENSIONS = {
    Dimension.MODEL: StoredDimension(1, None),
    Dimension.KEY: StoredDimension(2, StoredView.KEY),
    Dimension.CREATOR: StoredDimension(3, StoredView.CREATOR),
}
DIMENSION = {dimension: stored.code for dimension, stored in DIMENSIONS.items()}
DIMENSION_OF = {code: dimension for dimension, code in DIMENSION.items()}
ALL_OF: Mapping[int, int] = {StoredView.KEY: 0, StoredView.CREATOR: 4}
"""The dimension code of the sum of everything, by view."""
MEMBERS_OF: Mapping[int, int] = {
    stored.view: stored.code for stored in DIMENSIONS.values() if stored.view is not None
}
"""The codes of the dimension of a view's members."""
MODELS_OF: Mapping[int, int] = {StoredView.KEY: DIMENSION[Dimension.MODEL], StoredView.CREATOR: 5}
"""The dimension code of the sums of models, by view. Those of the creator view were added later and
may be incomplete: see bot/store/usage/model_sums.py."""
MODELS = MODELS_OF[StoredView.KEY]

VIEWS = ", ".join(str(int(view)) for view in StoredView)
"""The codes of all views, for `view IN (...)`, so that the index finds rows by granularity and
time."""
SUMMED = ", ".join(
    str(code) for code in sorted({*DIMENSION.values(), *ALL_OF.values(), *MODELS_OF.values()})
)
"""The codes of all sums, for `dimension IN (...)`."""

_NO_SUMS = {
    GRANULARITY[Granularity.MINUTE]: (
        DIMENSION[Dimension.KEY],
        DIMENSION[Dimension.CREATOR],
        MODELS_OF[StoredView.CREATOR],
    ),
    GRANULARITY[Granularity.HOUR]: (DIMENSION[Dimension.CREATOR],),
}


def has_sums(dimension: int, granularity: int) -> bool:
    """Whether sums of a dimension are stored at a granularity; both are codes.

    Those of keys and creators by minute, and of creators by hour, are not: they would take a
    sixteenth of the file. Their usage rows are read instead, and so are the few of three hours for
    the models of the creator view. At 1,000 keys `1h by key` takes 6 ms of CPU time instead of 5,
    `1d by creator` 10 instead of 5, as long as `1d by key`, and a week of another time zone's days
    by creator 38 instead of 15. Sums of keys by hour are stored, since `limits` and `keys` read
    four weeks of them.
    """
    return dimension not in _NO_SUMS.get(granularity, ())


PART_SECONDS = {0: 3_600, 1: 86_400, 2: 8 * 86_400, 3: 122 * 86_400}
"""The length of a part, by granularity: a span of time within which sums are ordered by member.
Shorter parts make answers slower. Longer ones make writes slower: writing a window again then
touches as many pages as there are keys. Stored rows depend on it, so changing it needs a migration.
"""


def to_seconds(moment: datetime) -> int:
    """A time as stored with usage: whole seconds since 1970, UTC."""
    return int(moment.timestamp())


def part(granularity: int, bucket: int) -> int:
    """The number of the part that a bucket's sums belong to, for the code of a granularity."""
    return bucket // PART_SECONDS[granularity]


def from_seconds(stored: int) -> datetime:
    """The time (UTC) of stored seconds."""
    return datetime.fromtimestamp(stored, UTC)


Clock = Callable[[], datetime]


def to_milliseconds(moment: datetime) -> int:
    """A time as stored with schedules, alerts and audit entries: whole milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def from_milliseconds(stored: int) -> datetime:
    """The time (UTC) of stored milliseconds."""
    return datetime.fromtimestamp(stored / 1000, UTC)
