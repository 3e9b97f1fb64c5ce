"""Dates, times of day and time zones in messages: `Tue 1 Dec, 9:00 (Berlin)`."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo


def zone_city(zone: str) -> str:
    """The short name of a time zone: `Berlin` for `Europe/Berlin`, `UTC` for `UTC`."""
    return zone.rpartition("/")[2].replace("_", " ")


def clock_words(at: time | datetime) -> str:
    """A time of day: `9:00`, `17:30`."""
    return f"{at.hour}:{at.minute:02}"


def day_words(at: datetime, zone: str) -> str:
    """The date and time of day of an aware time, in a zone: `Tue 1 Dec, 9:00`."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b}, {clock_words(local)}"


def moment_words(at: datetime, zone: str) -> str:
    """The same with the zone's name: `Tue 1 Dec, 9:00 (Berlin)`."""
    return f"{day_words(at, zone)} ({zone_city(zone)})"
