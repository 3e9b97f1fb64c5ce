"""Due times against brute force: every zone, weekday and half-hour of thirteen years."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reports.schedules import recurrence as schedule
from reports.time.timerange import zone_names

FIRST, END = date(2024, 1, 1), date(2037, 1, 1)
DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)


def brute(zone: str, start: date, end: date) -> dict[tuple[date, time], datetime]:
    """When each local date and half-hour first comes, by looking at every quarter of an hour."""
    tz = ZoneInfo(zone)
    now = datetime.combine(start, time(), UTC) - 2 * DAY
    shown = now.astimezone(tz).replace(tzinfo=None)
    reached = shown
    found: dict[tuple[date, time], datetime] = {}
    wanted = datetime.combine(start - 2 * DAY, time())
    while wanted <= reached:
        wanted += 2 * QUARTER
    while wanted.date() < end:
        now += QUARTER
        shown = now.astimezone(tz).replace(tzinfo=None)
        while wanted <= shown:
            found[wanted.date(), wanted.time()] = now
            wanted += 2 * QUARTER
    return {key: at for key, at in found.items() if key[0] >= start}


def disagreements(zone: str, start: date, end: date) -> list[object]:
    """Where a due time is another than brute force says."""
    return [
        (zone, day, at, expected)
        for (day, at), expected in brute(zone, start, end).items()
        if schedule.occurrence(day, at, zone) != expected
    ]


def all_zones() -> Iterator[tuple[str, list[object]]]:
    """Every zone with its disagreements, as they are found; all processors take part."""
    with ProcessPoolExecutor() as pool:
        zones = sorted(set(zone_names().values()))
        yield from zip(zones, pool.map(_whole, zones), strict=True)


def _whole(zone: str) -> list[object]:
    return disagreements(zone, FIRST, END)
