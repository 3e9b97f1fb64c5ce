"""Which usage is stored, and so at which granularity a range is read and what is missing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reports.time.timerange import DAY, HOUR, Granularity, TimeRange, floor, following, local

Interval = tuple[datetime, datetime]
Held = Mapping[Granularity, tuple[Interval, ...]]
"""Half-open intervals (UTC) for which usage is stored, by granularity; sorted, not touching."""

_AWAITED = {
    Granularity.MINUTE: timedelta(minutes=3),
    Granularity.HOUR: timedelta(minutes=20),
    Granularity.DAY: timedelta(minutes=30),
}
"""How old the newest bucket may be without a word: some times what the rhythm of syncs promises."""


@dataclass(frozen=True, slots=True)
class AnswerableRange:
    """The range as it can be answered, the granularity it is read at, and what is missing.

    `partial` says in words what is missing; `unknown` are the indexes of buckets of which nothing
    is held, `incomplete` those of buckets of which a part is not; `since` is the moment (UTC) from
    which usage is held, where the beginning is missing.
    """

    range: TimeRange
    stored: Granularity
    partial: tuple[str, ...] = ()
    unknown: frozenset[int] = frozenset()
    incomplete: frozenset[int] = frozenset()
    since: datetime | None = None


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
    """The parts of an interval that are in none of some merged intervals."""
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


def common(each: Iterable[Sequence[Interval]]) -> tuple[Interval, ...]:
    """The intervals that lie in all of several sequences of merged intervals."""
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


def source(wanted: TimeRange, held: Held) -> AnswerableRange:
    """How a range is answered from what is held.

    UTC days are read as days, months as days; the days of another zone are made of hours where
    all of them are held, else they are UTC days. Where a zone is not whole hours from UTC they are
    made of minutes (or of the quarter hours that are kept of them), else they begin with the first
    full UTC hour in them. `partial` says what differs. Months that only a file
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
    """Whether all of a range is stored, so that it can be compared with."""
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


def _coarser(wanted: TimeRange, held: Held) -> AnswerableRange | None:
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
    note = f"shown by {coarse}, since not all {wanted.granularity}s of this period are stored"
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
        if grid is Granularity.HOUR and edges[0] > wanted.until:  # minutes after its first bucket
            edges = [floor(wanted.until, grid), edges[0]]
        begun = max(bisect_right(edges, wanted.until), 1)
        edges = edges[: begun + 1]
    end = edges[-1]
    until = min(wanted.until, end) if wanted.unfinished else end
    moved = replace(wanted, buckets=tuple(edges[:-1]), end=end, until=until)
    if grid is Granularity.HOUR:
        return moved, (_shifted(moved),)
    why = (
        f"hourly data for the days of {wanted.zone} is incomplete"
        if _on_grid(wanted, Granularity.HOUR)
        else f"the days of {wanted.zone} do not begin on a full UTC hour"
    )
    return replace(moved, zone="UTC"), (f"days are UTC days: {why}",)


def _shifted(moved: TimeRange) -> str:
    """What the days of a zone really are where only whole UTC hours are stored."""
    begins = f"{moved.start.astimezone(ZoneInfo(moved.zone)):%H:%M}"
    if moved.granularity is Granularity.HOUR:
        return f"hours are full UTC hours, so this period starts at {begins} in {moved.zone}"
    return (
        f"{moved.granularity}s run from {begins} to {begins} in {moved.zone}:"
        " only full UTC hours are stored"
    )


def _moved(edge: datetime, zone: str, grid: Granularity) -> datetime:
    if grid is Granularity.HOUR:
        # up and not down, so that the bucket still begins on its own date in its zone
        floored = floor(edge, grid)
        return floored if floored == edge else floored + HOUR
    return local(edge.astimezone(ZoneInfo(zone)).date(), "UTC")


def _seen(
    wanted: TimeRange, stored: Granularity, held: Held, note: tuple[str, ...] = ()
) -> AnswerableRange:
    missing = _missing(wanted, stored, held)
    if missing and (coarser := _coarser(wanted, held)):
        return replace(coarser, partial=(*note, *coarser.partial))
    words = (_words(gap, stored, wanted) for gap in missing)
    unknown, incomplete = _missing_buckets(wanted, missing)
    since = None
    if missing and missing[0][0] == wanted.start and len(unknown) < len(wanted.buckets):
        since = missing[0][1]
    return AnswerableRange(wanted, stored, (*note, *words), unknown, incomplete, since)


def _missing_buckets(
    wanted: TimeRange, missing: tuple[Interval, ...]
) -> tuple[frozenset[int], frozenset[int]]:
    """The indexes of buckets that lie wholly in gaps, and of those that lie there in part.

    Of the bucket that is being filled only the time that has passed counts.
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
    what = _DATA[stored]
    start, end = (_stamp(moment, stored) for moment in gap)
    if gap[0] == wanted.start and gap[1] >= min(wanted.end, wanted.until):
        return f"no {what} for this period"
    if gap[0] == wanted.start:
        return f"no {what} before {end}"
    if gap[1] >= min(wanted.end, wanted.until):
        within = stored is not Granularity.MINUTE and floor(gap[0], stored) != gap[0]
        if within:  # the bucket that was being filled
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
    """A moment in UTC: `29 Nov 2025`, or `22 Nov 2026, 10:10 UTC` where buckets are finer."""
    day = f"{moment.day} {moment:%b %Y}"
    return day if stored is Granularity.DAY else f"{day}, {moment:%H:%M} UTC"
