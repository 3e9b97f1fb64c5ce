"""Dates, times of day and zones as people read them: `Tue 1 Dec, 9:00 (Berlin)`."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo


def zone_city(zone: str) -> str:
    """A time zone in short: `Berlin` for `Europe/Berlin`, `UTC` for itself."""
    return zone.rpartition("/")[2].replace("_", " ")


def clock_words(at: time | datetime) -> str:
    """A time of day: `9:00`, `17:30`."""
    return f"{at.hour}:{at.minute:02}"


def day_words(at: datetime, zone: str) -> str:
    """A moment's date and time of day in a zone: `Tue 1 Dec, 9:00`."""
    there = at.astimezone(ZoneInfo(zone))
    return f"{there:%a} {there.day} {there:%b}, {clock_words(there)}"


def moment_words(at: datetime, zone: str) -> str:
    """The same with the zone: `Tue 1 Dec, 9:00 (Berlin)`."""
    return f"{day_words(at, zone)} ({zone_city(zone)})"
