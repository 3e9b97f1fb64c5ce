"""The bot's status: age of its data, last failure, next and last deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reports.time.time_range import Granularity

LATE_AFTER = {
    Granularity.MINUTE: timedelta(minutes=5),
    Granularity.HOUR: timedelta(minutes=20),
    Granularity.DAY: timedelta(minutes=60),
}
"""The age at which data counts as late: longer than any successful sync takes."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """One granularity: last sync (None: never) and since when it is stored, both UTC.

    `whole`: without gaps.
    """

    granularity: Granularity
    as_of: datetime | None
    since: datetime | None
    whole: bool = True

    def late(self, now: datetime) -> bool:
        """Whether the data is older than it should be."""
        return self.as_of is None or now - self.as_of > LATE_AFTER[self.granularity]


@dataclass(frozen=True, slots=True)
class Trouble:
    """The last failed sync, if none succeeded since."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class UpcomingReport:
    """An upcoming report; `where` is trusted mrkdwn."""

    title: str
    where: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A sent or failed report or alert; `where` is trusted mrkdwn."""

    title: str
    where: str
    at: datetime
    state: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class AdminDetails:
    """The part of the status for admins. Sizes are in bytes."""

    upcoming: tuple[UpcomingReport, ...]
    delivered: tuple[SentMessage, ...]
    schedules: int
    paused: int
    alerts: int
    database: int
    entries: int
    rules: tuple[str, ...]
    alerted: tuple[SentMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """The bot's status at a time (UTC); `details` is None for people who aren't admins.

    `unsaved` is a sentence why nothing can be saved at present, or "". `unavailable` are sentences
    about data that couldn't be fetched, `first_sync` is the progress of the first sync ("": done).
    """

    now: datetime
    version: str
    data: tuple[Freshness, ...]
    trouble: Trouble | None
    details: AdminDetails | None = None
    unsaved: str = ""
    unavailable: tuple[str, ...] = ()
    first_sync: str = ""

    @property
    def well(self) -> bool:
        """Whether no data is late and new data can be saved."""
        return not self.unsaved and not any(one.late(self.now) for one in self.data)
