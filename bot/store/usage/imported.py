"""Usage imported from files: only fills gaps, and is replaced by what OpenRouter returns.

An imported month has no days. It is used by month until all of its days are stored; then their sum
replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.store.connection import Connection
from bot.store.encoding import (
    FIGURES,
    GRANULARITY,
    SUMMED,
    VIEWS,
    StoredView,
    from_seconds,
    part,
    to_seconds,
)
from bot.store.usage import filled_months
from reports.time.time_range import Granularity, next_bucket
from reports.usage.coverage import Interval, gaps, merge

_DAY, _MONTH = GRANULARITY[Granularity.DAY], GRANULARITY[Granularity.MONTH]
_SUMS = ", ".join(f"SUM({name})" for name in FIGURES.split(", "))


@dataclass(frozen=True, slots=True)
class Intake:
    """The buckets of a file, oldest first; `used` are those (seconds) with rows."""

    granularity: Granularity
    buckets: Sequence[Interval]
    used: frozenset[int]


def stored(connection: Connection, code: int) -> tuple[Interval, ...]:
    """The intervals for which usage of a granularity is stored, whatever its source."""
    found = connection.execute("SELECT start, until FROM held WHERE granularity = ?", (code,))
    return merge((from_seconds(start), from_seconds(until)) for start, until in found)


def imported(connection: Connection, code: int) -> tuple[Interval, ...]:
    """The intervals for which usage of a granularity came from files."""
    found = connection.execute("SELECT bucket, until FROM imported WHERE granularity = ?", (code,))
    return merge((from_seconds(bucket), from_seconds(until)) for bucket, until in found)


def all_stored(connection: Connection) -> dict[Granularity, tuple[Interval, ...]]:
    """Like `stored` for every granularity, in one statement to save round trips to a server."""
    return _by_granularity(connection.execute("SELECT granularity, start, until FROM held"))


def all_imported(connection: Connection) -> dict[Granularity, tuple[Interval, ...]]:
    """Like `imported` for every granularity, in one statement."""
    return _by_granularity(connection.execute("SELECT granularity, bucket, until FROM imported"))


def _by_granularity(
    found: Iterable[tuple[int, int, int]],
) -> dict[Granularity, tuple[Interval, ...]]:
    spans: dict[int, list[Interval]] = {code: [] for code in GRANULARITY.values()}
    for code, start, until in found:
        spans[code].append((from_seconds(start), from_seconds(until)))
    return {granularity: merge(spans[code]) for granularity, code in GRANULARITY.items()}


def months(connection: Connection) -> frozenset[int]:
    """The months (their first second) that are stored as months."""
    found = connection.execute("SELECT bucket FROM imported WHERE granularity = ?", (_MONTH,))
    return frozenset(row[0] for row in found)


def free(connection: Connection, file: Intake) -> list[Interval]:
    """The buckets of a file that may be filled from it.

    Stored usage stays, except the newest bucket of an earlier file, which may have been unfinished:
    a file that extends beyond it covers the whole bucket. A month with stored days stays.
    """
    code = GRANULARITY[file.granularity]
    found = connection.execute("SELECT bucket, open FROM imported WHERE granularity = ?", (code,))
    known = dict(found.fetchall())
    filled = stored(connection, _DAY if code == _MONTH else code)
    last = to_seconds(file.buckets[-1][0])

    def may_fill(bucket: Interval) -> bool:
        at = to_seconds(bucket[0])
        if at not in known:
            return _clear(bucket, filled)
        if code == _MONTH and not _clear(bucket, filled):
            return False
        return bool(known[at]) and at in file.used and at != last

    return [bucket for bucket in file.buckets if may_fill(bucket)]


def _clear(bucket: Interval, spans: Iterable[Interval]) -> bool:
    return gaps(bucket, spans) == (bucket,)


def record_import(
    connection: Connection,
    code: int,
    buckets: Iterable[Interval],
    last: datetime,
    now: datetime,
) -> None:
    """Record that buckets came from a file whose newest bucket starts at `last`."""
    connection.executemany(
        "INSERT INTO imported (granularity, bucket, until, open) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (granularity, bucket) DO UPDATE SET until = excluded.until,"
        " open = excluded.open",
        [(code, to_seconds(a), to_seconds(min(b, now)), int(a == last)) for a, b in buckets],
    )


def forget_imports(connection: Connection, code: int, start: datetime, end: datetime) -> None:
    """Forget that the buckets in a window came from files, because OpenRouter has them."""
    for table in ("imported", "log_request"):
        connection.execute(
            f"DELETE FROM {table} WHERE granularity = ? AND bucket >= ? AND bucket < ?",
            (code, to_seconds(start), to_seconds(end)),
        )


def open_to_logs(connection: Connection, code: int, buckets: Sequence[Interval]) -> list[Interval]:
    """The buckets that a Logs export may add to: not stored, or filled by other Logs exports."""
    filled = stored(connection, code)
    logged = {
        row[0]
        for row in connection.execute(
            "SELECT i.bucket FROM imported i WHERE i.granularity = ? AND EXISTS (SELECT 1 FROM"
            " log_request r WHERE r.granularity = i.granularity AND r.bucket = i.bucket)",
            (code,),
        )
    }
    return [one for one in buckets if to_seconds(one[0]) in logged or _clear(one, filled)]


def unseen(connection: Connection, code: int, bucket: int, requests: Iterable[int]) -> set[int]:
    """Record requests as counted in a bucket; returns those that were not counted before."""
    found = connection.execute(
        "SELECT request FROM log_request WHERE granularity = ? AND bucket = ?", (code, bucket)
    )
    known = {row[0] for row in found}
    new = set(requests) - known
    connection.executemany(
        "INSERT INTO log_request (granularity, bucket, request) VALUES (?, ?, ?)",
        [(code, bucket, request) for request in sorted(new)],
    )
    return new


def record_log_import(
    connection: Connection, code: int, buckets: Iterable[Interval], known: Interval
) -> None:
    """Record that buckets came from a Logs export that covers the time `known`."""
    connection.executemany(
        "INSERT INTO imported (granularity, bucket, until, open) VALUES (?, ?, ?, 0)"
        " ON CONFLICT (granularity, bucket) DO UPDATE SET until = excluded.until"
        " WHERE imported.until < excluded.until",
        [(code, to_seconds(a), to_seconds(min(b, known[1]))) for a, b in buckets],
    )


def sum_complete_months(connection: Connection, start: datetime, end: datetime) -> None:
    """Replace imported months with the sum of their days, once all of these are stored."""
    days = stored(connection, _DAY)
    synced = connection.execute(
        "SELECT synced_at FROM sync WHERE granularity = ?", (_DAY,)
    ).fetchone()
    for bucket in sorted(months(connection)):
        first = from_seconds(bucket)
        after = next_bucket(first, Granularity.MONTH)
        # the current month is complete if its days are stored up to the last sync
        until = min(after, from_seconds(synced[0])) if synced and synced[0] > bucket else after
        if first < end and start < after and not gaps((first, until), days):
            _sum_days(connection, bucket, to_seconds(after))


def _sum_days(connection: Connection, bucket: int, after: int) -> None:
    connection.execute(
        f"DELETE FROM usage WHERE view IN ({VIEWS}) AND granularity = ? AND bucket = ?",
        (_MONTH, bucket),
    )
    connection.execute(
        f"DELETE FROM total WHERE dimension IN ({SUMMED}) AND granularity = ? AND bucket = ?",
        (_MONTH, bucket),
    )
    connection.execute(
        f"INSERT INTO total (dimension, granularity, part, member, bucket, {FIGURES})"
        f" SELECT dimension, ?, ?, member, ?, {_SUMS} FROM total"
        f" WHERE dimension IN ({SUMMED}) AND granularity = ? AND part BETWEEN ? AND ?"
        " AND bucket >= ? AND bucket < ? GROUP BY dimension, member",
        (
            _MONTH,
            part(_MONTH, bucket),
            bucket,
            _DAY,
            part(_DAY, bucket),
            part(_DAY, after),
            bucket,
            after,
        ),
    )
    known = filled_months.marks(connection)
    for view in StoredView:
        mark = known.get(view, filled_months.Mark(after, 0))
        connection.execute(
            f"INSERT INTO usage (view, granularity, bucket, member, model, {FIGURES})"
            f" SELECT view, ?, ?, member, model, {_SUMS} FROM usage"
            " WHERE view = ? AND granularity = ? AND bucket >= ? AND bucket < ?"
            " AND (bucket < ? OR (bucket = ? AND member <= ?)) GROUP BY view, member, model",
            (_MONTH, bucket, int(view), _DAY, bucket, after, mark.bucket, *mark),
        )
    connection.execute(
        "DELETE FROM imported WHERE granularity = ? AND bucket = ?", (_MONTH, bucket)
    )
