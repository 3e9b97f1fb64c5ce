"""Checks and repairs the sums by model of the creator view.

Earlier versions don't know these sums: they left none, and may still write usage without them while
an update replaces processes one by one. So a reader checks that they add up to the sum of
everything, which all versions keep, and the process that syncs adds up again what doesn't.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import add
from typing import NamedTuple

from bot.store.connection import Connection
from bot.store.encoding import (
    ALL_OF,
    FIGURES,
    GRANULARITY,
    MODELS_OF,
    StoredView,
    from_seconds,
    has_sums,
    part,
    to_seconds,
)
from bot.store.usage import filled_months, imported
from reports.time.time_range import Granularity, next_bucket

_MODELS, _ALL = MODELS_OF[StoredView.CREATOR], ALL_OF[StoredView.CREATOR]
_NAMES = FIGURES.split(", ")
_SUMS = ", ".join(f"SUM(u.{name})" for name in _NAMES)
_DIFFERENCE = " OR ".join(
    f"SUM(CASE WHEN t.dimension = {_MODELS} THEN t.{name} ELSE -t.{name} END) <> 0"
    for name in _NAMES
)
_DAY, _MONTH = GRANULARITY[Granularity.DAY], GRANULARITY[Granularity.MONTH]


class Bucket(NamedTuple):
    """A bucket: the code of its granularity, and its first second."""

    granularity: int
    start: int


class Repair(NamedTuple):
    """A bucket, and its sums by model: each model with the figures."""

    bucket: Bucket
    sums: Sequence[Sequence[int]]


def add_up(connection: Connection, granularity: int, start: int, end: int) -> bool:
    """Whether the sums by model from `start` until before `end` (seconds) are all there."""
    if not has_sums(_MODELS, granularity):
        return False
    key = __name__, granularity, start, end
    if key not in connection.memo:
        connection.memo[key] = not _wrong(connection, granularity, start, end, 1)
    right: bool = connection.memo[key]
    return right


def wrong_buckets(connection: Connection) -> list[Bucket]:
    """The buckets whose sums by model don't add up, the newest days first."""
    found = []
    for code in (_DAY, _MONTH, GRANULARITY[Granularity.HOUR]):
        bounds = connection.execute(
            "SELECT MIN(bucket), MAX(bucket) FROM total WHERE dimension = ? AND granularity = ?",
            (_ALL, code),
        ).fetchone()
        if bounds[0] is not None:
            starts = _wrong(connection, code, bounds[0], bounds[1] + 1)
            found += [Bucket(code, start) for start in starts]
    return found


def _wrong(
    connection: Connection, granularity: int, start: int, end: int, most: int = 2**31
) -> list[int]:
    found = connection.execute(
        f"SELECT t.bucket FROM total t WHERE t.dimension IN ({_ALL}, {_MODELS})"
        " AND t.granularity = ? AND t.part BETWEEN ? AND ? AND t.bucket >= ? AND t.bucket < ?"
        f" GROUP BY t.bucket HAVING {_DIFFERENCE} ORDER BY t.bucket DESC LIMIT ?",
        (granularity, part(granularity, start), part(granularity, end - 1), start, end, most),
    )
    return [bucket for (bucket,) in found]


def prepare(connection: Connection, bucket: Bucket) -> Repair:
    """The sums by model of a bucket, from its rows."""
    places = [(bucket.granularity, bucket.start, bucket.start + 1, -1)]
    unfilled = filled_months.unfilled(connection, StoredView.CREATOR)
    if bucket.granularity == _MONTH and unfilled is not None:
        after = to_seconds(next_bucket(from_seconds(bucket.start), Granularity.MONTH))
        of_files = imported.months(connection)
        places += [(_DAY, *days) for days in unfilled.days(bucket.start, after, of_files)]
    return Repair(bucket, _by_model(connection, places))


def _by_model(
    connection: Connection, places: Iterable[tuple[int, int, int, int]]
) -> Sequence[Sequence[int]]:
    sums: dict[int, list[int]] = {}
    for granularity, start, end, member in places:
        for model, *figures in connection.execute(
            f"SELECT u.model, {_SUMS} FROM usage u WHERE u.view = ? AND u.granularity = ?"
            " AND u.bucket >= ? AND u.bucket < ? AND u.member > ? GROUP BY u.model",
            (int(StoredView.CREATOR), granularity, start, end, member),
        ):
            before = sums.get(model)
            sums[model] = list(map(add, before, figures)) if before else figures
    return [(model, *figures) for model, figures in sorted(sums.items()) if any(figures)]


def repair(connection: Connection, of: Repair) -> None:
    """Replace the sums by model of a bucket."""
    code, start = of.bucket
    connection.execute(
        "DELETE FROM total WHERE dimension = ? AND granularity = ? AND part = ? AND bucket = ?",
        (_MODELS, code, part(code, start), start),
    )
    connection.insert_rows(
        "total",
        ("dimension", "granularity", "part", "member", "bucket", *_NAMES),
        [(_MODELS, code, part(code, start), model, start, *more) for model, *more in of.sums],
    )
