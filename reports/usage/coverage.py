"""Determines how a range can be answered from the stored usage, and what is missing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reports.time.time_range import DAY, HOUR, Granularity, TimeRange, floor, local, next_bucket

Interval = tuple[datetime, datetime]
Coverage = Mapping[Granularity, tuple[Interval, ...]]
"""Half-open intervals (UTC) for which usage is stored, by granularity; sorted, not touching."""

_MAX_AGE = {
    Granularity.MINUTE: timedelta(minutes=3),
    Granularity.HOUR: timedelta(minutes=20),
    Granularity.DAY: timedelta(minutes=30),
}
"""How old the newest bucket may be before it counts as missing: a few sync intervals."""


@dataclass(frozen=True, slots=True)
class AnswerableRange:
    """The range as it can be answered, the granularity to read, and what is missing.

    `partial` describes what is missing; `unknown` holds the indexes of buckets without data,
    `incomplete` of those with partial data; `since` is the time (UTC) from which usage is stored,
    if the beginning is missing.
    """

    range: TimeRange
    stored: Granularity
    partial: tuple[str, ...] = ()
    unknown: frozenset[int] = frozenset()
    incomplete: frozenset[int] = frozenset()
    since: datetime | None = None


def merge(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Intervals in order, with overlapping and adjacent ones merged."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return tuple(merged)


def gaps(wanted: Interval, coverage: Iterable[Interval]) -> tuple[Interval, ...]:
    """The parts of an interval that are not covered by merged intervals."""
    missing: list[Interval] = []
    start, end = wanted
    for a, b in coverage:
        if b <= start or a >= end:
            continue
        if a > start:
            missing.append((start, a))
        start = max(start, b)
    if start < end:
        missing.append((start, end))
    return tuple(missing)


def intersection(each: Iterable[Sequence[Interval]]) -> tuple[Interval, ...]:
    """The intersection of several sequences of merged intervals."""
    first, *others = each
    found = tuple(first)
    for other in others:
        found = tuple(
            (max(a, start), min(b, end))
            for a, b in found
            for start, end in other
            if max(a, start) < min(b, end)
        )
    return found


def answerable_range(wanted: TimeRange, coverage: Coverage) -> AnswerableRange:
    """How a range can be answered from the stored usage.

    UTC days and months are read from stored days. Days of another zone are summed from hours if
    all hours are stored, else they become UTC days. In a zone that isn't whole hours from UTC, days
    are summed from minutes (or their stored quarter hours), else they start at the first full UTC
    hour; `partial` mentions such differences. Months that were only imported from a file count in
    questions by month. Past days (or months) that aren't stored by hour (or day) are answered by
    day (or month).
    """
    if wanted.granularity is Granularity.MINUTE:
        return _with_gaps(wanted, Granularity.MINUTE, coverage)
    on_hours = _on_grid(wanted, Granularity.HOUR)
    if not on_hours and _is_stored_as(wanted, coverage, Granularity.MINUTE):
        return _with_gaps(wanted, Granularity.MINUTE, coverage)
    if wanted.granularity is Granularity.HOUR:
        aligned, note = _aligned(wanted, Granularity.HOUR)
        return _with_gaps(aligned, Granularity.HOUR, coverage, note)
    if _on_grid(wanted, Granularity.DAY):
        return _with_gaps(wanted, Granularity.DAY, coverage)
    by_hour, note = _aligned(wanted, Granularity.HOUR)
    if _is_stored_as(by_hour, coverage, Granularity.HOUR):
        return _with_gaps(by_hour, Granularity.HOUR, coverage, note)
    aligned, note = _aligned(wanted, Granularity.DAY)
    return _with_gaps(aligned, Granularity.DAY, coverage, note)


def is_stored(wanted: TimeRange, stored: Granularity, coverage: Coverage) -> bool:
    """Whether a range is stored completely."""
    return not gaps(
        (wanted.start, min(wanted.end, wanted.until)), _stored_intervals(wanted, stored, coverage)
    )


def _stored_intervals(
    wanted: TimeRange, stored: Granularity, coverage: Coverage
) -> tuple[Interval, ...]:
    """The stored intervals at a granularity, with imported months that have no stored days."""
    months = coverage.get(Granularity.MONTH, ())
    if wanted.granularity is not Granularity.MONTH or stored is not Granularity.DAY or not months:
        return coverage.get(stored, ())
    before = wanted.start - timedelta(microseconds=1)
    first = next_bucket(floor(before, Granularity.MONTH), Granularity.MONTH)
    last = floor(wanted.end, Granularity.MONTH)
    whole = ((max(start, first), min(end, last)) for start, end in months)
    return merge([*coverage.get(stored, ()), *whole])


def _coarser(wanted: TimeRange, coverage: Coverage) -> AnswerableRange | None:
    """The range by day instead of hour, or month instead of day, if only that is complete."""
    coarser_of = {Granularity.HOUR: Granularity.DAY, Granularity.DAY: Granularity.MONTH}
    grid = coarser_of.get(wanted.granularity)
    if grid is None or wanted.unfinished:
        return None
    if any(floor(edge, grid, wanted.zone) != edge for edge in (wanted.start, wanted.end)):
        return None
    starts = tuple(b for b in wanted.buckets if floor(b, grid, wanted.zone) == b)
    found = answerable_range(replace(wanted, buckets=starts, granularity=grid), coverage)
    if not is_stored(found.range, found.stored, coverage):
        return None
    coarse = found.range.granularity
    note = f"shown by {coarse}, because not all {wanted.granularity}s of this period are stored"
    return replace(found, partial=(note, *found.partial))


def _on_grid(wanted: TimeRange, grid: Granularity) -> bool:
    return all(floor(edge, grid) == edge for edge in (*wanted.buckets, wanted.end))


def _aligned(wanted: TimeRange, grid: Granularity) -> tuple[TimeRange, tuple[str, ...]]:
    """The range moved to full UTC hours, or to UTC days of the same dates, with notes on it."""
    if _on_grid(wanted, grid):
        return wanted, ()
    # edges that become equal leave no bucket between them
    edges = sorted({_move_edge(edge, wanted.zone, grid) for edge in (*wanted.buckets, wanted.end)})
    if wanted.unfinished:
        if (
            grid is Granularity.HOUR and edges[0] > wanted.until
        ):  # the question was asked minutes after the first bucket started
            edges = [floor(wanted.until, grid), edges[0]]
        begun_count = max(bisect_right(edges, wanted.until), 1)
        edges = edges[: begun_count + 1]
    end = edges[-1]
    until = min(wanted.until, end) if wanted.unfinished else end
    aligned = replace(wanted, buckets=tuple(edges[:-1]), end=end, until=until)
    if grid is Granularity.HOUR:
        return aligned, (_shifted(aligned),)
    reason = (
        f"hourly data for the days of {wanted.zone} is incomplete"
        if _on_grid(wanted, Granularity.HOUR)
        else f"the days of {wanted.zone} don't start on a full UTC hour"
    )
    return replace(aligned, zone="UTC"), (f"days are UTC days: {reason}",)


def _shifted(moved: TimeRange) -> str:
    """A note on how buckets of a zone differ if only full UTC hours are stored."""
    begins = f"{moved.start.astimezone(ZoneInfo(moved.zone)):%H:%M}"
    if moved.granularity is Granularity.HOUR:
        return f"hours are full UTC hours, so this period starts at {begins} in {moved.zone}"
    return (
        f"{moved.granularity}s run from {begins} to {begins} in {moved.zone}:"
        " only full UTC hours are stored"
    )


def _move_edge(edge: datetime, zone: str, grid: Granularity) -> datetime:
    if grid is Granularity.HOUR:
        # rounded up, so that the bucket still starts on its local date
        floored = floor(edge, grid)
        return floored if floored == edge else floored + HOUR
    return local(edge.astimezone(ZoneInfo(zone)).date(), "UTC")


def _with_gaps(
    wanted: TimeRange, stored: Granularity, coverage: Coverage, note: tuple[str, ...] = ()
) -> AnswerableRange:
    missing = _missing(wanted, stored, coverage)
    if missing and (coarser := _coarser(wanted, coverage)):
        return replace(coarser, partial=(*note, *coarser.partial))
    words = (_gap_words(gap, stored, wanted) for gap in missing)
    unknown, incomplete = _missing_buckets(wanted, missing)
    since = None
    if missing and missing[0][0] == wanted.start and len(unknown) < len(wanted.buckets):
        since = missing[0][1]
    return AnswerableRange(wanted, stored, (*note, *words), unknown, incomplete, since)


def _missing_buckets(
    wanted: TimeRange, missing: tuple[Interval, ...]
) -> tuple[frozenset[int], frozenset[int]]:
    """The indexes of buckets that are completely missing, and of those partially missing.

    Of an unfinished bucket only the time that has passed counts.
    """
    unknown, incomplete = set(), set()
    ends = (*wanted.buckets[1:], wanted.end)
    for index, (start, end) in enumerate(zip(wanted.buckets, ends, strict=True)):
        passed = min(end, wanted.until)
        if any(a <= start and passed <= b for a, b in missing):
            unknown.add(index)
        elif any(a < passed and start < b for a, b in missing):
            incomplete.add(index)
    return frozenset(unknown), frozenset(incomplete)


def _is_stored_as(wanted: TimeRange, coverage: Coverage, grain: Granularity) -> bool:
    """Whether a range can be summed from hours or minutes, ignoring gaps newer than a sync."""
    found = gaps((wanted.start, min(wanted.end, wanted.until)), coverage.get(grain, ()))
    tolerated = DAY if grain is Granularity.HOUR else HOUR
    recent = max(wanted.until - tolerated, wanted.start) if wanted.unfinished else wanted.end
    return not any(gap[0] <= recent for gap in found)


def _missing(wanted: TimeRange, stored: Granularity, coverage: Coverage) -> tuple[Interval, ...]:
    found = gaps(
        (wanted.start, min(wanted.end, wanted.until)), _stored_intervals(wanted, stored, coverage)
    )
    if not wanted.unfinished:
        return found
    # the unfinished bucket was fetched when less of it had passed
    recent = wanted.until - _MAX_AGE[stored]
    return tuple(gap for gap in found if gap[0] < recent)


NO_DATA_FOR_PERIOD = "no data for this period"
"""What is missing where nothing of a period is stored."""


def _gap_words(gap: Interval, stored: Granularity, wanted: TimeRange) -> str:
    what = _DATA[stored]
    start, end = (_stamp(moment, stored) for moment in gap)
    if gap[0] == wanted.start and gap[1] >= min(wanted.end, wanted.until):
        return NO_DATA_FOR_PERIOD if what == "data" else f"no {what} for this period"
    if gap[0] == wanted.start:
        return f"no {what} before {end}"
    if gap[1] >= min(wanted.end, wanted.until):
        within = stored is not Granularity.MINUTE and floor(gap[0], stored) != gap[0]
        if within:  # the bucket that was unfinished at the last sync
            return f"no {what} after {_stamp(gap[0], Granularity.HOUR)}"
        return f"no {what} from {start} on"
    return f"no {what} from {start} until {end}"


_DATA = {
    Granularity.MINUTE: "data by minute",
    Granularity.HOUR: "data by hour",
    Granularity.DAY: "data",
    Granularity.MONTH: "data",
}


def _stamp(moment: datetime, stored: Granularity) -> str:
    """A time in UTC: `29 Nov 2025`, or `22 Nov 2026, 10:10 UTC` for buckets below a day."""
    day = f"{moment.day} {moment:%b %Y}"
    return day if stored is Granularity.DAY else f"{day}, {moment:%H:%M} UTC"
