"""What the cache holds, and so from which granularity a range is answered and what is missing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from reports.timerange import DAY, HOUR, Granularity, TimeRange, floor, following, local

Interval = tuple[datetime, datetime]
Held = Mapping[Granularity, tuple[Interval, ...]]
"""Half-open intervals (UTC) for which usage is held, by granularity; sorted, not touching."""

_AWAITED = {
    Granularity.MINUTE: timedelta(minutes=3),
    Granularity.HOUR: timedelta(minutes=20),
    Granularity.DAY: timedelta(minutes=30),
}
"""How old the newest bucket may be without a word: some times what the rhythm of syncs promises."""


@dataclass(frozen=True, slots=True)
class Source:
    """The range as it can be answered, the granularity it is read at, and what is missing."""

    range: TimeRange
    stored: Granularity
    partial: tuple[str, ...] = ()


def merge(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Intervals sorted, with those that overlap or touch made one."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return tuple(merged)


def gaps(wanted: Interval, held: Iterable[Interval]) -> tuple[Interval, ...]:
    """The parts of an interval that are not held."""
    missing: list[Interval] = []
    start, end = wanted
    for a, b in held:
        if b <= start or a >= end:
            continue
        if a > start:
            missing.append((start, a))
        start = max(start, b)
    if start < end:
        missing.append((start, end))
    return tuple(missing)


def source(wanted: TimeRange, held: Held) -> Source:
    """How a range is answered from what is held.

    UTC days are read as days, months as days; the days of another zone are made of hours where
    all of them are held, else they are UTC days, and `partial` says so. Where a zone is not whole
    hours from UTC they are made of minutes (or of the quarter hours that are kept of them), else
    they begin at the hour before, which `partial` says too. Months that only a file
    brought count in questions by month. Whole days or months that are over and not held by hour
    or by day are answered in days or months.
    """
    if wanted.granularity is Granularity.MINUTE:
        return _seen(wanted, Granularity.MINUTE, held)
    on_hours = _on_grid(wanted, Granularity.HOUR)
    if not on_hours and _made_of(wanted, held, Granularity.MINUTE):
        return _seen(wanted, Granularity.MINUTE, held)
    if wanted.granularity is Granularity.HOUR:
        aligned, note = _aligned(wanted, Granularity.HOUR)
        return _seen(aligned, Granularity.HOUR, held, note)
    if _on_grid(wanted, Granularity.DAY):
        return _seen(wanted, Granularity.DAY, held)
    by_hour, note = _aligned(wanted, Granularity.HOUR)
    if _made_of(by_hour, held, Granularity.HOUR):
        return _seen(by_hour, Granularity.HOUR, held, note)
    aligned, note = _aligned(wanted, Granularity.DAY)
    return _seen(aligned, Granularity.DAY, held, note)


def reaches(wanted: TimeRange, stored: Granularity, held: Held) -> bool:
    """Whether everything of a range is held, so that it can be compared with."""
    return not gaps((wanted.start, min(wanted.end, wanted.until)), _known(wanted, stored, held))


def _known(wanted: TimeRange, stored: Granularity, held: Held) -> tuple[Interval, ...]:
    """What is held of a range at a granularity, with the whole months that have no days."""
    months = held.get(Granularity.MONTH, ())
    if wanted.granularity is not Granularity.MONTH or stored is not Granularity.DAY or not months:
        return held.get(stored, ())
    before = wanted.start - timedelta(microseconds=1)
    first = following(floor(before, Granularity.MONTH), Granularity.MONTH)
    last = floor(wanted.end, Granularity.MONTH)
    whole = ((max(start, first), min(end, last)) for start, end in months)
    return merge([*held.get(stored, ()), *whole])


def _coarser(wanted: TimeRange, held: Held) -> Source | None:
    """The same period in days for hours, in months for days, where only so all of it is held."""
    to = {Granularity.HOUR: Granularity.DAY, Granularity.DAY: Granularity.MONTH}
    grid = to.get(wanted.granularity)
    if grid is None or wanted.unfinished:
        return None
    if any(floor(edge, grid, wanted.zone) != edge for edge in (wanted.start, wanted.end)):
        return None
    firsts = tuple(b for b in wanted.buckets if floor(b, grid, wanted.zone) == b)
    found = source(replace(wanted, buckets=firsts, granularity=grid), held)
    if not reaches(found.range, found.stored, held):
        return None
    coarse = found.range.granularity
    note = f"not all {wanted.granularity}s of this period are held, so it is told by {coarse}"
    return replace(found, partial=(note, *found.partial))


def _on_grid(wanted: TimeRange, grid: Granularity) -> bool:
    return all(floor(edge, grid) == edge for edge in (*wanted.buckets, wanted.end))


def _aligned(wanted: TimeRange, grid: Granularity) -> tuple[TimeRange, tuple[str, ...]]:
    """The same range on UTC hours, or on the UTC days and months of the same dates."""
    if _on_grid(wanted, grid):
        return wanted, ()
    # two edges that fall together leave no bucket between them
    edges = sorted({_moved(edge, wanted.zone, grid) for edge in (*wanted.buckets, wanted.end)})
    if wanted.unfinished:
        begun = max(bisect_right(edges, wanted.until), 1)
        edges = edges[: begun + 1]
        if grid is Granularity.HOUR and begun == len(edges):
            edges.append(edges[-1] + HOUR)
    end = edges[-1]
    until = min(wanted.until, end) if wanted.unfinished else end
    moved = replace(wanted, buckets=tuple(edges[:-1]), end=end, until=until)
    if grid is Granularity.HOUR:
        return moved, (_shifted(moved),)
    why = f"hours for the days of {wanted.zone} are not held"
    return replace(moved, zone="UTC"), (f"days are UTC days: {why}",)


def _shifted(moved: TimeRange) -> str:
    """What a range is called whose zone is not whole hours from UTC, where minutes are not held."""
    zone = ZoneInfo(moved.zone)
    start = moved.start.astimezone(zone)
    if moved.granularity is Granularity.HOUR:
        end = moved.end.astimezone(zone)
        return (
            f"this runs from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} in {moved.zone}:"
            " usage is held by whole hours of UTC"
        )
    days = (bucket.astimezone(zone) for bucket in moved.buckets)
    start = next((day for day in days if day.minute or day.hour), start)
    return (
        f"{moved.granularity}s begin at {start:%H:%M} in {moved.zone}: usage is held by whole hours"
        " of UTC"
    )


def _moved(edge: datetime, zone: str, grid: Granularity) -> datetime:
    if grid is Granularity.HOUR:
        return floor(edge, grid)
    return local(edge.astimezone(ZoneInfo(zone)).date(), "UTC")


def _seen(wanted: TimeRange, stored: Granularity, held: Held, note: tuple[str, ...] = ()) -> Source:
    missing = _missing(wanted, stored, held)
    if missing and (coarser := _coarser(wanted, held)):
        return replace(coarser, partial=(*note, *coarser.partial))
    return Source(wanted, stored, (*note, *(_words(gap, stored, wanted) for gap in missing)))


def _made_of(wanted: TimeRange, held: Held, grain: Granularity) -> bool:
    """Whether hours or minutes make up a range; those that only wait for a sync do not matter."""
    found = gaps((wanted.start, min(wanted.end, wanted.until)), held.get(grain, ()))
    waiting = DAY if grain is Granularity.HOUR else HOUR
    recent = max(wanted.until - waiting, wanted.start) if wanted.unfinished else wanted.end
    return not any(gap[0] <= recent for gap in found)


def _missing(wanted: TimeRange, stored: Granularity, held: Held) -> tuple[Interval, ...]:
    found = gaps((wanted.start, min(wanted.end, wanted.until)), _known(wanted, stored, held))
    if not wanted.unfinished:
        return found
    # the bucket that is being filled was pulled while it was still shorter
    recent = wanted.until - _AWAITED[stored]
    return tuple(gap for gap in found if gap[0] < recent)


def _words(gap: Interval, stored: Granularity, wanted: TimeRange) -> str:
    start, end = (_stamp(moment, stored) for moment in gap)
    if gap[0] == wanted.start and gap[1] >= min(wanted.end, wanted.until):
        return f"no {stored}s of this period are held"
    if gap[0] == wanted.start:
        return f"{stored}s before {end} are not held"
    if gap[1] >= min(wanted.end, wanted.until):
        within = stored is not Granularity.MINUTE and floor(gap[0], stored) != gap[0]
        if within:  # the bucket that was being filled
            return f"{stored}s are held until {gap[0]:%Y-%m-%d %H:%M} UTC"
        return f"{stored}s from {start} on are not held"
    return f"{stored}s from {start} until {end} are not held"


def _stamp(moment: datetime, stored: Granularity) -> str:
    if stored is Granularity.DAY:
        return date.isoformat(moment.date())
    return moment.strftime("%Y-%m-%d %H:%M UTC")
