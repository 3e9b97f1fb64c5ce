"""What keys can still spend until a period ends: nothing if disabled, else what limits allow.

Budgets of workspaces and guardrails aren't looked at: they stop many keys at once, and which of
them would have spent the rest isn't known. The answer `limits` says when they are full.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from bot.analysis.forecast_usage import ForecastPeriod
from bot.answers.openrouter_details import key_details
from bot.answers.openrouter_limits import TrackedLimit, stored_limits
from bot.store import Store
from bot.store.sync_state import parts
from bot.store.usage.selection import Ids, Selection
from bot.store.usage.trace_members import SYNTHETIC_REFS
from reports.alerts.periods import AlertPeriod
from reports.analysis.limited_keys import Reason, SpendLeft
from reports.analysis.limits import LimitKind
from reports.time.time_range import Granularity, TimeRange, local, next_bucket
from reports.usage.dimensions import Dimension, Metric, MoneySource

_NOT_LISTED = tuple(prefix for prefix in SYNTHETIC_REFS if prefix != "deleted:")
"""Keys that OpenRouter never listed, so that it doesn't matter that it doesn't list them."""


def spend_left(
    store: Store, period: ForecastPeriod, source: MoneySource
) -> Mapping[int, SpendLeft]:
    """What each key that can't spend without limit can still spend, from a source of money."""
    directory, now = store.directory(), period.moment
    end = local(period.after, period.zone)
    found: dict[int, SpendLeft] = {}
    if source is not MoneySource.BYOK:
        caps = stored_limits(store).caps
        found |= _limited(store, [one for one in caps if one.kind is LimitKind.KEY], now, end)
    details = key_details(store) or {}
    for hash_, detail in details.items():
        id_ = directory.ids.get((Dimension.KEY, hash_))
        if id_ is not None and detail.disabled:
            found[id_] = SpendLeft(Reason.DISABLED)
        elif id_ is not None and detail.expires is not None and detail.expires <= now:
            found[id_] = SpendLeft(Reason.EXPIRED)
    if "keys" not in parts(store):
        for member in directory.of[Dimension.KEY]:
            if member.gone and not member.ref.startswith(_NOT_LISTED):
                found[member.id] = SpendLeft(Reason.DELETED)
    return found


def _limited(
    store: Store, limits: Iterable[TrackedLimit], now: datetime, end: datetime
) -> Mapping[int, SpendLeft]:
    """What the limits of keys let through until `end`; without those whose use isn't known."""
    resets: dict[str, tuple[AlertPeriod | None, int]] = {}
    found: dict[int, SpendLeft] = {}
    unreported: defaultdict[tuple[AlertPeriod, bool], list[TrackedLimit]] = defaultdict(list)
    for one in limits:
        if one.cap.reset not in resets:
            resets[one.cap.reset] = _resets(one, now, end)
        running, count = resets[one.cap.reset]
        if one.cap.used is not None and one.cap.reported_in(running):
            found[_key(one)] = _left(one, one.cap.used, count)
        elif running is not None:
            unreported[running, one.byok].append(one)
    # right after a reset, that is every limit, so those of one period are read together
    for (running, byok), alike in unreported.items():
        used = _used(store, frozenset().union(*(one.ids for one in alike)), running, now, byok=byok)
        for one in alike:
            spent = sum(used.get(id_, 0) for id_ in one.ids)
            found[_key(one)] = _left(one, spent, resets[one.cap.reset][1])
    return found


def _key(one: TrackedLimit) -> int:
    """The key that a limit is of."""
    (key,) = one.ids
    return key


def _left(one: TrackedLimit, used: int, resets: int) -> SpendLeft:
    """What is left of the limit of a key now, and after each of its resets."""
    most = max(0, one.cap.limit - used) + resets * one.cap.limit
    return SpendLeft(Reason.LIMITED, most, credits_only=not one.byok)


def _resets(one: TrackedLimit, now: datetime, end: datetime) -> tuple[AlertPeriod | None, int]:
    """The running period of a limit, and how often it is reset until `end`."""
    running, count = one.cap.periods(now, now)[-1], 0
    at = running
    while at is not None and at.end < end:
        at, count = one.cap.periods(at.end, at.end)[-1], count + 1
    return running, count


def _used(
    store: Store, keys: Ids, span: AlertPeriod, now: datetime, *, byok: bool
) -> Mapping[int, int]:
    """What each key spent toward its limit since the last reset, which is at midnight UTC."""
    buckets = [span.start]
    while (after := next_bucket(buckets[-1], Granularity.DAY)) < span.end and after <= now:
        buckets.append(after)
    end = next_bucket(buckets[-1], Granularity.DAY)
    source = MoneySource.ALL if byok else MoneySource.CREDITS
    found = store.metric_sums(
        Selection(Dimension.KEY).only(Dimension.KEY, keys),
        TimeRange(tuple(buckets), end, Granularity.DAY, end),
        Granularity.DAY, (Metric.SPEND,), source,
    )  # fmt: skip
    return {key: spend for key, (spend,) in found.items()}
