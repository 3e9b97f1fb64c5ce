"""Facts that a sync records for answers: last failure, first sync, unavailable parts.

The syncing process writes these facts; the functions here read them and put them into words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.store import Store
from reports.questions.query import Query
from reports.time.time_range import Granularity
from reports.usage.dimensions import Dimension
from reports.wording.safe_text import clean

TROUBLE = "trouble"
"""The fact with the last failure: JSON, `at` and `words`; empty once a sync succeeded."""
FIRST_SYNC = "first sync"
"""The fact with the progress of the first sync: JSON; empty once it is done."""
UNAVAILABLE = "unavailable"
"""The fact with the parts of the directory that could not be read: JSON, part to reason."""
SLOWED = "slowed"
"""The fact with the intervals at which usage is fetched if they are longer than usual: JSON, the
number of `keys` and seconds in `every` by granularity; empty if they are as usual."""
LEASE, LEASE_LENGTH = "sync", timedelta(seconds=15)
"""The lease of the process that syncs; a heartbeat renews it every 5 seconds. If that process is
killed, another one takes over within 15 seconds.
"""

COSTS = {
    "members": "people may be shown by e-mail address, and some as unknown",
    "workspaces": "keys, limits and budgets of workspaces other than the default one are unknown",
    "keys": "keys that share a name cannot be told apart, and their owners and limits are unknown",
    "credits": "the balance is unknown or old",
    "budgets": "workspace budgets are unknown or old",
    "guardrails": "the budgets of members and keys are unknown or old",
    "models": "list prices and end dates of models are unknown or old",
}
"""What answers lack if a part of the directory cannot be read."""
_MISSED = {
    Dimension.CREATOR: ("members",),
    Dimension.KEY: ("keys", "workspaces"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """The last failed sync: when (UTC) and why, as a sentence."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class SlowedSync:
    """The longer intervals at which usage is fetched, by granularity, because of `keys` keys."""

    keys: int
    every: Mapping[Granularity, timedelta]

    def words(self, granularity: Granularity) -> str:
        """A note for answers read at a granularity, such as `data by hour is updated every 12
        minutes, to stay within OpenRouter's rate limit with 100,000 keys`.
        """  # fmt: skip
        seconds = round(self.every[granularity].total_seconds())
        often = f"{seconds} seconds" if seconds < 120 else f"{round(seconds / 60)} minutes"
        return (
            f"data by {granularity} is updated every {often}, to stay within OpenRouter's rate"
            f" limit with {self.keys:,} keys"
        )


def failure(store: Store) -> Failure | None:
    """The last failure; None if a sync has succeeded since."""
    noted = store.fact(TROUBLE)
    if not noted:
        return None
    saved = json.loads(noted)
    return Failure(datetime.fromisoformat(saved["at"]), str(saved["words"]))


def first_sync(store: Store) -> str:
    """The progress of the first sync (`40% done, about 3 minutes left for 12 keys`).

    "" if it is done or has not started.
    """
    noted = store.fact(FIRST_SYNC)
    if not noted:
        return ""
    saved = json.loads(noted)
    left = f", {saved['left']}" if saved["left"] else ""
    return f"{saved['done']:.0%} done{left}"


def read_slowed(store: Store) -> SlowedSync | None:
    """The intervals at which usage is fetched; None if they are as usual."""
    noted = store.fact(SLOWED)
    if not noted:
        return None
    saved = json.loads(noted)
    every = {Granularity(name): timedelta(seconds=each) for name, each in saved["every"].items()}
    return SlowedSync(saved["keys"], every)


def parts(store: Store) -> dict[str, str]:
    """The parts of the directory that could not be read last time, each with the reason."""
    saved = json.loads(store.fact(UNAVAILABLE) or "{}")
    return {str(part): str(why) for part, why in saved.items()}


def sentences(store: Store) -> list[str]:
    """A sentence (plain text) for each part that could not be read: why, and what answers lack."""
    return [
        f"{part.capitalize()} could not be read, so {COSTS.get(part, 'something is missing')}:"
        f" {clean(why, 300).removesuffix('.')}. I try again within the hour."
        for part, why in parts(store).items()
    ]


def missed(store: Store, query: Query) -> tuple[str, ...]:
    """Notes on what an answer lacks because parts could not be read."""
    asked = {query.by, *(one.dimension for one in query.filters)}
    unavailable = parts(store)
    return tuple(
        f"OpenRouter's {part} could not be read: {COSTS[part]}"
        for dimension, needed in _MISSED.items()
        if dimension in asked
        for part in needed
        if part in unavailable
    )
