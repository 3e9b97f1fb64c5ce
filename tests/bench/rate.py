"""How many requests a minute keeping up with an organization takes, by its number of keys.

A simulation: how many rows a fetch brings follows from how often a key uses a model (as in the huge
organization), and how many queries from OpenRouter's limit of rows. The plan is the product's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from bot.openrouter.client import PAGE
from bot.openrouter.wire import ROW_LIMIT
from reports.time.time_range import STEP, Granularity
from reports.usage.fetch_intervals import STEADY_REQUESTS, refresh_plan
from reports.usage.windows_to_fetch import HISTORY, RECENT, SYNC_INTERVAL, TARGET_ROWS
from tests.bench.organizations import HUGE
from tests.bench.table import Figure, at_most

KEYS = (1_000, 10_000, 30_000, 100_000)
BESIDES = 60
"""Requests of a listing besides keys and people: workspaces, budgets, guardrails, models."""
_PEOPLE_A_KEY = HUGE.creators / HUGE.keys
_PAGES_OF_KEYS = 2
"""The default workspace's keys are listed, and then those of each workspace."""


def run() -> Iterator[Figure]:
    """The requests a minute, how much slower usage is fetched, and how long a first sync takes."""
    for keys in KEYS:
        queries = {each: float(_queries(each, keys)) for each in SYNC_INTERVAL}
        listing = ceil(keys * (_PAGES_OF_KEYS + _PEOPLE_A_KEY) / PAGE) + min(BESIDES, keys // 50)
        plan = refresh_plan(queries, listing)
        name = f"{keys:,} keys"
        yield at_most(f"rate: {name}, requests a minute", plan.requests, "", STEADY_REQUESTS)
        minutes = plan.every[Granularity.MINUTE].total_seconds()
        yield Figure(f"rate: {name}, minutes are fetched every", minutes, "s")
        hours = plan.every[Granularity.HOUR].total_seconds() / 60
        yield Figure(f"rate: {name}, hours are fetched every", hours, "min")
        yield Figure(
            f"rate: {name}, first sync takes about", _first_sync(keys, plan.requests), "min"
        )


def _rows(granularity: Granularity, keys: int) -> float:
    """Rows by key of one bucket on a weekday."""
    return keys * HUGE.models_each * dict(HUGE.chances)[granularity]


def _queries(granularity: Granularity, keys: int) -> int:
    """Queries for the newest buckets: the total, and both views in as many parts as they need."""
    buckets = RECENT[granularity] // STEP[granularity] + 1
    by_key = _rows(granularity, keys) * buckets
    windows = max(1, ceil(by_key / TARGET_ROWS))
    splits = max(1, ceil(_rows(granularity, keys) / ROW_LIMIT)) if windows >= buckets else 1
    windows = min(windows, buckets)
    return windows * (1 + _views(splits))


def _views(splits: int) -> int:
    """Queries of both views: a bucket that is cut off is asked for again in halves, by ids."""
    by_key = 1 if splits == 1 else 2 * 2 ** ceil(splits - 1).bit_length() - 1
    return by_key + 1


def _first_sync(keys: int, steady: float) -> float:
    """Minutes for all that OpenRouter keeps, beside what keeping up takes, at 60 requests."""
    queries = 0
    for granularity, reach in HISTORY.items():
        buckets = reach // STEP[granularity]
        rows = _rows(granularity, keys)
        splits = max(1, ceil(rows / ROW_LIMIT))
        windows = min(buckets, ceil(rows * buckets / TARGET_ROWS))
        queries += windows * (1 + _views(splits if windows == buckets else 1))
    return queries / (60 - min(steady, STEADY_REQUESTS))
