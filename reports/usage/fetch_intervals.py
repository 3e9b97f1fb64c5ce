"""Computes how often usage and the directory are fetched, to stay within OpenRouter's rate limit.

The more keys an organization has, the more requests each fetch takes. The number of requests a
fetch took recently determines how often it can be repeated: small organizations use the usual
intervals, large ones longer intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from reports.time.time_range import HOUR, Granularity
from reports.usage.windows_to_fetch import SYNC_INTERVAL

STEADY_REQUESTS = 45.0
"""Requests per minute for usage and the directory together. OpenRouter allows 64; the rest is for
past usage, retries, and other users of the key."""
LISTING_REQUESTS = 15.0
"""Requests per minute that listing the directory may take: a third, because usage is more
important."""
SHORT_LISTING = 30
"""Up to this many requests (some 3,000 keys, 100 per page) the directory is listed every 15
minutes: that takes two requests per minute and keeps limits and balances current."""
LIST_EVERY = timedelta(minutes=15)
LIST_LONG_EVERY = HOUR
LIST_UNKNOWN_EVERY = timedelta(minutes=1)
"""How often an unknown name can cause another listing of the directory."""
MOST_TIMES_SLOWER = 10.0
"""With more, minutes would be fetched less often than every 10 minutes, and the newest windows
would no longer overlap. Then only the client's rate limiter delays requests."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """How often the newest buckets of each granularity and the directory are fetched.

    `list_unknown` is the minimum time between two listings because of unknown names; `requests` is
    the number of requests per minute for everything.
    """

    every: Mapping[Granularity, timedelta]
    list_every: timedelta
    list_unknown: timedelta
    requests: float

    @property
    def slowed(self) -> bool:
        """Whether usage is fetched less often than for a small organization."""
        return any(
            self.every[granularity] > SYNC_INTERVAL[granularity] for granularity in SYNC_INTERVAL
        )


def refresh_plan(queries: Mapping[Granularity, float], listing: int) -> RefreshPlan:
    """The plan for the numbers of requests that fetches took recently.

    `queries` is the number of requests for the newest buckets of a granularity (absent: not known
    yet, counted as none); `listing` is the number for one listing of the directory.
    """
    shortest = listing / LISTING_REQUESTS * _MINUTE
    usual = LIST_EVERY if listing <= SHORT_LISTING else LIST_LONG_EVERY
    list_every = max(usual, shortest)
    for_listing = listing * (_MINUTE / list_every)
    for_usage = sum(count * (_MINUTE / SYNC_INTERVAL[each]) for each, count in queries.items())
    slower = min(max(for_usage / (STEADY_REQUESTS - for_listing), 1.0), MOST_TIMES_SLOWER)
    return RefreshPlan(
        {granularity: every * slower for granularity, every in SYNC_INTERVAL.items()},
        list_every,
        max(LIST_UNKNOWN_EVERY, shortest),
        for_listing + for_usage / slower,
    )
