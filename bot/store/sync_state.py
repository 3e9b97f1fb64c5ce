"""What a sync records for answers: the last failure, the first sync, and what is unavailable.

The syncing process writes the facts; here they are read and put into words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.store import Store
from reports.questions.query import Query
from reports.time.timerange import Granularity
from reports.usage.dimensions import Dimension
from reports.wording.safe_text import clean

TROUBLE = "trouble"
"""The fact with the last failure: JSON, `at` and `words`; empty once a sync succeeded."""
FIRST_SYNC = "first sync"
"""The fact that says how far the first sync has come: JSON; empty once it is done."""
UNAVAILABLE = "unavailable"
"""The fact that says which parts of the directory could not be read: JSON, part to words."""
SLOWED = "slowed"
"""The fact that says how often usage is fetched where that is less often than usual: JSON, the
number of `keys` and seconds in `every` by granularity; empty where it is as often as usual."""
LEASE, LEASE_LENGTH = "sync", timedelta(seconds=15)
"""The lease of the one process that syncs; a heartbeat renews it every 5 seconds.

So 15 seconds after that process was killed, another one syncs.
"""

COSTS = {
    "members": "people may be shown by e-mail address, and some as unknown",
    "workspaces": "keys, limits and budgets of other workspaces than the default one are unknown",
    "keys": "keys that share a name cannot be told apart, and their owners and limits are unknown",
    "credits": "the balance is unknown or old",
    "budgets": "workspace budgets are unknown or old",
    "guardrails": "the budgets of members and keys are unknown or old",
    "models": "list prices and end dates of models are unknown or old",
}
"""What is missing where a part of the directory cannot be read."""
_MISSED = {
    Dimension.CREATOR: ("members",),
    Dimension.KEY: ("keys", "workspaces"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """The sync that failed last: when (UTC), and why."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class SlowedSync:
    """How often usage is fetched because there are so many keys, by granularity."""

    keys: int
    every: Mapping[Granularity, timedelta]

    def words(self, granularity: Granularity) -> str:
        """A note for answers that are read at a granularity, such as `data by hour is updated every
        12 minutes, to stay within OpenRouter's rate limit with 100,000 keys`.
        """  # fmt: skip
        seconds = round(self.every[granularity].total_seconds())
        often = f"{seconds} seconds" if seconds < 120 else f"{round(seconds / 60)} minutes"
        return (
            f"data by {granularity} is updated every {often}, to stay within OpenRouter's rate"
            f" limit with {self.keys:,} keys"
        )


def failure(store: Store) -> Failure | None:
    """The last failure, where no sync has succeeded since."""
    noted = store.fact(TROUBLE)
    if not noted:
        return None
    said = json.loads(noted)
    return Failure(datetime.fromisoformat(said["at"]), str(said["words"]))


def first_sync(store: Store) -> str:
    """How far the first sync has come, in words (`40% done, about 3 minutes left for 12 keys`).

    Empty where it is done, or has not begun.
    """
    noted = store.fact(FIRST_SYNC)
    if not noted:
        return ""
    said = json.loads(noted)
    left = f", {said['left']}" if said["left"] else ""
    return f"{said['done']:.0%} done{left}"


def read_slowed(store: Store) -> SlowedSync | None:
    """How often usage is fetched, where that is less often than usual."""
    noted = store.fact(SLOWED)
    if not noted:
        return None
    said = json.loads(noted)
    every = {Granularity(name): timedelta(seconds=each) for name, each in said["every"].items()}
    return SlowedSync(said["keys"], every)


def parts(store: Store) -> dict[str, str]:
    """The parts that could not be read at the last listing, and why, in words."""
    said = json.loads(store.fact(UNAVAILABLE) or "{}")
    return {str(part): str(why) for part, why in said.items()}


def sentences(store: Store) -> list[str]:
    """A sentence for each part that could not be read: why, and what is missing for it."""
    return [
        f"{part.capitalize()} could not be read, so {COSTS.get(part, 'something is missing')}:"
        f" {clean(why, 300).removesuffix('.')}. I try again within the hour."
        for part, why in parts(store).items()
    ]


def missed(store: Store, query: Query) -> tuple[str, ...]:
    """What an answer misses for it, for the notes below it."""
    asked = {query.by, *(one.dimension for one in query.filters)}
    unavailable = parts(store)
    return tuple(
        f"OpenRouter's {part} could not be read: {COSTS[part]}"
        for dimension, needed in _MISSED.items()
        if dimension in asked
        for part in needed
        if part in unavailable
    )
