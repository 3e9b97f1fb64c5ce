"""Determines the granularity of a file's dates, and the buckets that it covers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from reports.imports.activity_csv import BadFileError
from reports.time.time_range import HOUR, STEP, Granularity, floor, next_bucket
from reports.usage.coverage import Interval

COARSE_FIRST = (Granularity.MONTH, Granularity.DAY, Granularity.HOUR, Granularity.MINUTE)
_LONGEST_EXPORT = {Granularity.DAY: 93, Granularity.HOUR: 73, Granularity.MINUTE: 181}
"""The most buckets that an export can have, including the unfinished one; months are unlimited."""
_MOST_BUCKETS = 50_000  # more than five years by hour
_SHORTEST_LOCAL_DAY = 23 * HOUR  # when daylight saving starts


@dataclass(frozen=True, slots=True)
class Dates:
    """The granularity, a note if it is uncertain, and the buckets that the file covers.

    `buckets` are pairs of start and end (UTC), oldest first. Buckets without rows between two dates
    of an export are covered: there was no usage.
    """

    granularity: Granularity
    note: str
    buckets: tuple[Interval, ...]


def find_granularity(dates: Mapping[datetime, int], chosen: Granularity | None = None) -> Dates:
    """Interpret a file's dates, given with their first line, as buckets of a granularity.

    Without `chosen`, it is the coarsest whose buckets start on all dates: months if all dates are
    the first of a month; a single date is a day at most. Raises BadFileError if the dates don't fit
    a granularity.
    """
    ordered = sorted(dates)
    granularity = chosen or _found(ordered)
    for date in ordered:
        if floor(date, granularity) != date:
            raise BadFileError(f"no {granularity} starts at {date:%Y-%m-%d %H:%M:%S}", dates[date])
    if chosen is None:
        _check(ordered, granularity, dates)
    return Dates(granularity, _note(ordered, granularity, chosen), _buckets(ordered, granularity))


def _found(ordered: Sequence[datetime]) -> Granularity:
    candidates = COARSE_FIRST[1:] if len(ordered) == 1 else COARSE_FIRST
    fitting = (g for g in candidates if all(floor(date, g) == date for date in ordered))
    return next(fitting, Granularity.MINUTE)


def _check(
    ordered: Sequence[datetime], granularity: Granularity, dates: Mapping[datetime, int]
) -> None:
    """Reject days of another time zone, and files that mix granularities. Raises BadFileError."""
    small = granularity in {Granularity.HOUR, Granularity.MINUTE}
    apart = all(b - a >= _SHORTEST_LOCAL_DAY for a, b in pairwise(ordered))
    if small and len(ordered) > 1 and apart:
        raise BadFileError(
            f"the dates are days apart but not at midnight UTC ({ordered[0]:%Y-%m-%d %H:%M}): days"
            " of another time zone can't be imported. Export them in UTC, or choose --granularity"
            f" {granularity} if they are {granularity}s.",
            dates[ordered[0]],
        )
    for coarser in COARSE_FIRST[: COARSE_FIRST.index(granularity)]:
        on_grid = [date for date in ordered if floor(date, coarser) == date]
        if len(on_grid) >= 3 and len(on_grid) * 2 > len(ordered):
            off_grid = next(date for date in ordered if floor(date, coarser) != date)
            raise BadFileError(
                f"most dates are {coarser}s, but {off_grid:%Y-%m-%d %H:%M} is not: the file mixes"
                f" granularities. Choose --granularity {granularity} if it does not.",
                dates[off_grid],
            )


def _note(ordered: Sequence[datetime], granularity: Granularity, chosen: Granularity | None) -> str:
    if chosen or len(ordered) > 1:
        return ""
    return (
        f"There is only one date, interpreted as a {granularity}; choose --granularity if that's"
        " wrong."
    )


def _buckets(ordered: Sequence[datetime], granularity: Granularity) -> tuple[Interval, ...]:
    """All buckets from the first to the last date, without gaps too long for a single export."""
    longest = _LONGEST_EXPORT.get(granularity)
    found: list[Interval] = []
    for date in ordered:
        if found and (longest is None or date - found[-1][0] < longest * STEP[granularity]):
            while (start := found[-1][1]) < date:
                found.append((start, next_bucket(start, granularity)))
        found.append((date, next_bucket(date, granularity)))
        if len(found) > _MOST_BUCKETS:
            raise BadFileError(f"more than {_MOST_BUCKETS:,} {granularity}s from first to last")
    return tuple(found)
