"""Gathers how much of each limit is used: the same figures as in `limits`, without forecasts."""

from __future__ import annotations

from datetime import datetime

from bot.analysis.limits import (
    CountedLimit,
    HourlySpend,
    counted_limits,
    keys_meant,
    members_of,
    use_is_known,
    uses_of,
)
from bot.answers import visibility
from bot.answers.visibility import Asker
from bot.store import Store
from reports.analysis.limits import LimitKind
from reports.usage.limits import Limit, fullest_first


def limits(store: Store, now: datetime, asker: Asker) -> tuple[Limit, ...]:
    """The limits that a person may see at `now` (UTC), fullest first; maybe only their own."""
    return own_limits(store, now, asker) if asker.own_only else _limits(store, now, asker)


def own_limits(store: Store, now: datetime, asker: Asker) -> tuple[Limit, ...]:
    """The limits of a person and of the keys that they created, fullest first."""
    return _limits(store, now, asker, own=True)


def _limits(store: Store, now: datetime, asker: Asker, *, own: bool = False) -> tuple[Limit, ...]:
    with store.snapshot():
        directory = store.directory()
        creators = visibility.own(directory, asker) if own else None
        keys = keys_meant(directory, None, creators)
        counted = counted_limits(store, visibility.labels(directory, asker), keys, creators)
        members = None if keys is None else members_of(counted, keys)
        spend = HourlySpend(store, now, members)
        known = [one for one in counted if use_is_known(one)]
        found = [
            Limit(_label(one), one.cap.limit, used, one.cap.reset, resets)
            for one, (used, resets) in zip(known, uses_of(known, spend, now), strict=True)
        ]
        found += [
            Limit(_label(one), one.cap.limit, None, one.cap.reset)
            for one in counted
            if not use_is_known(one)
        ]
        return fullest_first(found)


def _label(one: CountedLimit) -> str:
    """What a limit is called in a list of all kinds: `workspace Research, monthly`."""
    match one.kind:
        case LimitKind.WORKSPACE:
            return f"workspace {one.cap.label}"
        case LimitKind.MEMBER_GUARDRAIL:
            return f"guardrail {one.cap.label} for {one.owner}"
        case LimitKind.KEY_GUARDRAIL:
            return f"guardrail {one.cap.label}"
        case _:
            return one.cap.label
