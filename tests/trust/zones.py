"""Due times against brute force: every zone, weekday and half-hour of thirteen years.

Brute force looks at the clock of a zone every hour, and each quarter of an hour where it changes.
Weekly schedules on each weekday are walked through all weeks, and asked for their next run around
each change of the clock.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from reports.schedules import recurrence as schedule
from reports.time.time_range import zone_names

FIRST, END = date(2024, 1, 1), date(2037, 1, 1)
DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)
_BEFORE = 2 * 96
"""Quarters of an hour before and after the days that are wanted: more than any offset."""

Instants = dict[tuple[date, time], datetime]


def brute(zone: str, start: date, end: date) -> Instants:
    """When each local date and half-hour first comes; one that is skipped comes after the gap."""
    wanted, quarters = _grid(start, end)
    found: list[datetime] = []
    for begun, ended, offset in _pieces(zone, quarters):
        # so many quarters lie between the midnight that is wanted first and the first one of UTC
        ahead = offset - _BEFORE
        skipped = (begun + ahead) // 2 + 1 - len(found)
        found += [quarters[begun]] * skipped
        found += quarters[2 * len(found) - ahead : ended : 2]
    return dict(zip(wanted, found, strict=False))  # some days after `end` are found, too


@cache
def _grid(start: date, end: date) -> tuple[list[tuple[date, time]], list[datetime]]:
    """Each local date and half-hour, and each quarter of an hour (UTC) from 2 days before on."""
    midnight, count = datetime.combine(start, time()), (end - start).days * 48
    halves = [midnight + n * 2 * QUARTER for n in range(count)]
    utc = midnight.replace(tzinfo=UTC)
    quarters = [utc + n * QUARTER for n in range(-_BEFORE, 2 * count + _BEFORE)]
    return [(half.date(), half.time()) for half in halves], quarters


def _pieces(zone: str, quarters: list[datetime]) -> Iterator[tuple[int, int, int]]:
    """The indexes at which an offset begins and ends, and the offset in quarters of an hour."""
    tz = ZoneInfo(zone)
    begun, now = 0, _offset(quarters[0], tz)
    for hour in range(4, len(quarters), 4):
        if _offset(quarters[hour], tz) == now:
            continue
        for quarter in range(hour - 3, hour + 1):
            if (new := _offset(quarters[quarter], tz)) != now:
                yield begun, quarter, now
                begun, now = quarter, new
    yield begun, len(quarters), now


def _offset(instant: datetime, tz: ZoneInfo) -> int:
    offset = instant.astimezone(tz).utcoffset()
    assert offset is not None
    quarters, rest = divmod(offset, QUARTER)
    assert not rest
    return quarters


WEEKLY_AT = (time(0), time(0, 30), time(2, 30), time(9), time(23, 30))
"""Times of weekly schedules: clocks change at midnight, before it and at night."""
AROUND = timedelta(days=8)
STEP = timedelta(hours=31)  # so that every hour of the day is looked at, of several days


@dataclass
class Outcome:
    """What came of one zone: changes of its clock, weekly runs, and where they were wrong."""

    zone: str
    changes: int = 0
    runs: int = 0
    wrong: list[object] = field(default_factory=list)


def disagreements(zone: str, start: date, end: date) -> list[object]:
    """Where a due time is another than brute force says."""
    return _disagreements(zone, brute(zone, start, end))


def _disagreements(zone: str, found: Instants) -> list[object]:
    return [
        (zone, day, at, expected)
        for (day, at), expected in found.items()
        if schedule.occurrence(day, at, zone) != expected
    ]


def weekly(zone: str, start: date, end: date) -> Outcome:
    """Walk weekly schedules of all weekdays through all weeks, and around each change."""
    return _weekly(zone, start, end, brute(zone, start, end))


def _weekly(zone: str, start: date, end: date, found: Instants) -> Outcome:
    outcome = Outcome(zone)
    changed = list(changes(zone, start + 2 * AROUND, end - 3 * AROUND))
    outcome.changes = len(changed)
    for weekday in range(7):
        first = start + (weekday - start.weekday()) % 7 * DAY
        days = [first + n * 7 * DAY for n in range((end - first) // (7 * DAY))]
        for at in WEEKLY_AT:
            rule = schedule.Recurrence(schedule.Weekly(frozenset({weekday})), at, zone)
            expected = [(day, found[day, at]) for day in days]
            now = found[days[-1], at]
            last, runs = start - DAY, []
            while last < days[-1]:  # MOST_MISSED days are planned at once
                then = min(now, datetime.combine(last + 300 * DAY, time(), UTC))
                runs += schedule.due_runs(rule, last, then)
                last = max(runs[-1].day, last) if runs else last
            outcome.runs += len(runs)
            if [(run.day, run.at) for run in runs] != expected:
                outcome.wrong.append((str(rule), "not once a week"))
            for change in changed:
                outcome.wrong += _around(rule, change, expected)
    return outcome


def _around(
    rule: schedule.Recurrence, change: datetime, expected: list[tuple[date, datetime]]
) -> Iterator[object]:
    """Where the next run, seen from moments around a change, is not the first that comes."""
    first = bisect_left(expected, change - 3 * AROUND, key=_instant)
    near = expected[first : bisect_left(expected, change + 3 * AROUND, key=_instant)]
    now = change - AROUND
    while now < change + AROUND:
        run = schedule.first_run(rule, now)
        if (run.day, run.at) != next(one for one in near if one[1] > now):
            yield (str(rule), now, run)
        now += STEP


def _instant(run: tuple[date, datetime]) -> datetime:
    return run[1]


def changes(zone: str, start: date, end: date) -> Iterator[datetime]:
    """The days (UTC) at whose end the clock of a zone is another than at their beginning."""
    tz = ZoneInfo(zone)
    day = datetime.combine(start, time(), UTC)
    while day.date() < end:
        if day.astimezone(tz).utcoffset() != (day + DAY).astimezone(tz).utcoffset():
            yield day
        day += DAY


def all_zones(every: int = 1) -> Iterator[tuple[list[object], Outcome]]:
    """Every zone (or one in `every`): due times that are wrong, and what weekly runs did.

    All processors take part, some zones at a time.
    """
    with ProcessPoolExecutor() as pool:
        yield from pool.map(_whole, sorted(set(zone_names().values()))[::every], chunksize=4)


def _whole(zone: str) -> tuple[list[object], Outcome]:
    found = brute(zone, FIRST, END)
    return _disagreements(zone, found), _weekly(zone, FIRST, END, found)
