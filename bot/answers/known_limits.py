"""The limits of keys and workspaces, from the cache."""

from __future__ import annotations

from datetime import datetime

from bot.answers import visibility
from bot.answers.openrouter_limits import TrackedLimit, limits_of
from bot.answers.visibility import Asker
from bot.store import Store
from bot.store.usage.selection import Selection
from reports.alerts.periods import AlertPeriod
from reports.analysis.limits import LimitKind
from reports.time.time_range import Granularity, TimeRange, next_bucket
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.limits import Limit, fullest_first
from reports.usage.usage import total


def limits(store: Store, now: datetime, asker: Asker) -> tuple[Limit, ...]:
    """The limits that a person may see, fullest first; maybe only those of their own keys."""
    directory = store.directory()
    found = limits_of(store.fact("limits"), directory).caps
    if asker.own_only:
        mine = _keys_of(store, asker)
        found = tuple(one for one in found if one.ids <= mine and _is_key(one))
    return fullest_first([_limit(store, one, now) for one in found])


def are_known(store: Store) -> bool:
    """Whether OpenRouter's limits were ever read; if not, none found doesn't mean none set."""
    return store.fact("limits") is not None


def own_limits(store: Store, now: datetime, asker: Asker) -> tuple[Limit, ...]:
    """The limits of the keys that a person created, fullest first."""
    found = limits_of(store.fact("limits"), store.directory()).caps
    mine = _keys_of(store, asker)
    return fullest_first(
        [_limit(store, one, now) for one in found if one.ids <= mine and _is_key(one)]
    )


def _is_key(one: TrackedLimit) -> bool:
    return one.kind is LimitKind.KEY


def _keys_of(store: Store, asker: Asker) -> frozenset[int]:
    directory = store.directory()
    mine = visibility.own(directory, asker)
    return frozenset(key for key, owner in directory.owners.items() if owner in mine)


def _limit(store: Store, one: TrackedLimit, now: datetime) -> Limit:
    cap, period = one.cap, one.cap.periods(now, now)[-1]
    used = cap.used if cap.reported_in(period) else _used(store, one, period)
    return Limit(cap.label, cap.limit, used, cap.reset, period.end if period else None)


def _used(store: Store, one: TrackedLimit, period: AlertPeriod | None) -> int | None:
    """The spend that counts toward a limit in its period; None if it never resets."""
    if period is None:
        return None
    edges = [period.start]
    while (after := next_bucket(edges[-1], Granularity.HOUR)) < period.end:
        edges.append(after)
    hours = TimeRange(tuple(edges), period.end, Granularity.HOUR, period.end)
    selection = Selection.of(Dimension.KEY, {Dimension.KEY: one.ids})
    source = MoneySource.ALL if one.byok else MoneySource.CREDITS
    usage = total(store.whole(selection, hours, Granularity.HOUR))
    return usage.value(Metric.SPEND, source)
