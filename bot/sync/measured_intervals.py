"""Determines how often the newest usage and the directory are fetched, from the cost of each
fetch."""

from __future__ import annotations

import json

from bot.store import Store
from bot.store.sync_state import SLOWED, read_slowed
from reports.time.time_range import Granularity
from reports.usage.fetch_intervals import RefreshPlan, refresh_plan
from reports.usage.windows_to_fetch import SYNC_INTERVAL

_WEIGHT = 0.5
"""The weight of the newest measurement in the average: a fetch that was repeated because views
didn't add up shouldn't slow everything down for long."""
_CHANGED = 0.1
"""The plan is stored again once an interval differs by a tenth; otherwise every fetch would
write."""


class RefreshPlanner:
    """Measures how many requests fetches take, and determines how often they can be made.

    Other processes read the stored plan: for answers, for status, and to know whether a granularity
    is due.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queries: dict[Granularity, float] = {}
        self._listing = 0
        self._stored: RefreshPlan | None = None

    @property
    def plan(self) -> RefreshPlan:
        """The plan according to measurements; before the first one, the stored plan."""
        plan = refresh_plan(self._queries, self._listing)
        if self._queries:
            return plan
        slowed = read_slowed(self._store)
        if slowed is None:
            return plan
        return RefreshPlan(slowed.every, plan.list_every, plan.list_unknown, requests=plan.requests)

    def fetched(self, granularity: Granularity, requests: int) -> None:
        """Record how many requests fetching the newest buckets of a granularity took."""
        before = self._queries.get(granularity, float(requests))
        self._queries[granularity] = before + (requests - before) * _WEIGHT

    def listed(self, requests: int) -> None:
        """Record how many requests fetching the directory took."""
        self._listing = requests

    def store(self, keys: int) -> None:
        """Store the plan if it changed noticeably. `keys` is the number of keys."""
        plan = self.plan
        if self._stored and not _differs(plan, self._stored):
            return
        words = ""
        if plan.slowed:
            seconds = {str(each): plan.every[each].total_seconds() for each in SYNC_INTERVAL}
            words = json.dumps({"keys": keys, "every": seconds})
        if words != (self._store.fact(SLOWED) or ""):
            self._store.keep_fact(SLOWED, words)
        self._stored = plan


def _differs(plan: RefreshPlan, other: RefreshPlan) -> bool:
    return plan.slowed is not other.slowed or any(
        abs(plan.every[each] / other.every[each] - 1) > _CHANGED for each in SYNC_INTERVAL
    )
