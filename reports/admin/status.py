"""How the bot is: how old its data, what failed last, what is next and what went out last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reports.time.timerange import Granularity

LATE_AFTER = {
    Granularity.MINUTE: timedelta(minutes=5),
    Granularity.HOUR: timedelta(minutes=20),
    Granularity.DAY: timedelta(minutes=60),
}
"""The age at which data is called late: longer than any pull that goes well takes."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """One granularity: when it was last synced (None: never), and back to when it is held."""

    granularity: Granularity
    as_of: datetime | None
    since: datetime | None
    whole: bool = True

    def late(self, now: datetime) -> bool:
        """Whether it is older than it should be."""
        return self.as_of is None or now - self.as_of > LATE_AFTER[self.granularity]


@dataclass(frozen=True, slots=True)
class Trouble:
    """The sync that failed last, with nothing gone well since."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class UpcomingReport:
    """A report that is due next; `where` is mrkdwn of ours."""

    title: str
    where: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A report or alert that went out, or did not; `where` is mrkdwn of ours."""

    title: str
    where: str
    at: datetime
    state: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class AdminDetails:
    """What only admins are told. Sizes are bytes."""

    coming: tuple[UpcomingReport, ...]
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
    """How the bot is doing at a moment (UTC); `inside` is None for people who are not admins.

    `unsaved` is why nothing can be saved at present, as a sentence, or empty. `unavailable` are
    sentences on what else could not be read, `first_sync` says how far the first sync has come
    (empty: it is done).
    """

    now: datetime
    version: str
    data: tuple[Freshness, ...]
    trouble: Trouble | None
    inside: AdminDetails | None = None
    unsaved: str = ""
    unavailable: tuple[str, ...] = ()
    first_sync: str = ""

    @property
    def well(self) -> bool:
        """Whether all data is as fresh as it should be, and new data can be saved."""
        return not self.unsaved and not any(one.late(self.now) for one in self.data)
