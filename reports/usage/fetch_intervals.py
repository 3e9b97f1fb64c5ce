"""How often usage and the directory are fetched, so that OpenRouter's rate limit is never reached.

The more keys an organization has, the more requests each fetch takes. What a fetch took lately
decides how often it can be repeated: small organizations at the usual intervals, large ones less
often.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from reports.time.timerange import HOUR, Granularity
from reports.usage.windows_to_fetch import SYNC_INTERVAL

STEADY_REQUESTS = 45.0
"""Requests a minute for usage and the directory together. OpenRouter allows 64; the others are left
for usage of the past, retries, and whoever else uses the key."""
LISTING_REQUESTS = 15.0
"""Requests a minute that listing the directory may take: a third, since usage matters more."""
SHORT_LISTING = 30
"""Up to this many requests (some 3,000 keys, 100 on a page) the directory is listed every 15
minutes: two requests a minute, for which limits and balances are never old."""
LIST_EVERY = timedelta(minutes=15)
LIST_LONG_EVERY = HOUR
LIST_UNKNOWN_EVERY = timedelta(minutes=1)
"""How often an unknown name makes the directory be listed again."""
MOST_TIMES_SLOWER = 10.0
"""Beyond this, minutes would be fetched less often than every 10 minutes, and the newest windows
would no longer overlap. The pace of the client then has to do."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """How often the newest buckets of each granularity and the directory are fetched.

    `list_unknown` is the least time between two listings because of names that are not known;
    `requests` is how many requests a minute all of it takes.
    """

    every: Mapping[Granularity, timedelta]
    list_every: timedelta
    list_unknown: timedelta
    requests: float

    @property
    def slowed(self) -> bool:
        """Whether usage is fetched less often than it is for a small organization."""
        return any(
            self.every[granularity] > SYNC_INTERVAL[granularity] for granularity in SYNC_INTERVAL
        )


def refresh_plan(queries: Mapping[Granularity, float], listing: int) -> RefreshPlan:
    """The plan for requests that fetches took lately.

    `queries` has how many requests the newest buckets of a granularity take (absent: not known
    yet, counted as none), `listing` how many one listing of the directory takes.
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
