"""What keys can still spend until a period ends: nothing if disabled, else what limits allow.

Budgets of workspaces and guardrails aren't looked at: they stop many keys at once, and which of
them would have spent the rest isn't known. The answer `limits` says when they are full.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.analysis.forecast_usage import ForecastPeriod
from bot.answers.openrouter_details import key_details
from bot.answers.openrouter_limits import TrackedLimit, limits_of
from bot.store import Store
from bot.store.sync_state import parts
from bot.store.usage.selection import Selection
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
    resets: dict[str, tuple[AlertPeriod | None, int]] = {}
    for one in limits_of(store.fact("limits"), directory).caps:
        if one.kind is not LimitKind.KEY or source is MoneySource.BYOK:
            continue
        if one.cap.reset not in resets:
            resets[one.cap.reset] = _resets(one, now, end)
        most = _most(store, one, now, *resets[one.cap.reset])
        if most is not None:
            (key,) = one.ids
            found[key] = SpendLeft(Reason.LIMITED, most, credits_only=not one.byok)
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


def _resets(one: TrackedLimit, now: datetime, end: datetime) -> tuple[AlertPeriod | None, int]:
    """The running period of a limit, and how often it is reset until `end`."""
    running, count = one.cap.periods(now, now)[-1], 0
    at = running
    while at is not None and at.end < end:
        at, count = one.cap.periods(at.end, at.end)[-1], count + 1
    return running, count


def _most(
    store: Store, one: TrackedLimit, now: datetime, running: AlertPeriod | None, resets: int
) -> int | None:
    """The most that a limit lets through; None if what is used of it isn't known."""
    cap = one.cap
    if cap.used is not None and cap.reported_in(running):
        used = cap.used
    elif running is None:
        return None
    else:
        used = _used(store, one, running, now)
    return max(0, cap.limit - used) + resets * cap.limit


def _used(store: Store, one: TrackedLimit, span: AlertPeriod, now: datetime) -> int:
    """What was spent toward a limit since it was last reset, which is at midnight UTC."""
    buckets = [span.start]
    while (after := next_bucket(buckets[-1], Granularity.DAY)) < span.end and after <= now:
        buckets.append(after)
    end = next_bucket(buckets[-1], Granularity.DAY)
    source = MoneySource.ALL if one.byok else MoneySource.CREDITS
    found = store.metric_sums(
        Selection().only(one.by, one.ids), TimeRange(tuple(buckets), end, Granularity.DAY, end),
        Granularity.DAY, (Metric.SPEND,), source,
    )  # fmt: skip
    return sum(spend for (spend,) in found.values())
