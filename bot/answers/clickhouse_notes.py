"""Notes on usage whose key or creator can't be determined from traces in ClickHouse."""

from __future__ import annotations

from bot.store import Store
from bot.store.usage.directory import Directory
from bot.store.usage.selection import Selection
from bot.store.usage.traces import NOT_IN_CLICKHOUSE, NOT_IN_CLICKHOUSE_NAME
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import Usage, total
from reports.wording.safe_text import clean

MOST_NAMES = 3


def not_in_clickhouse(
    store: Store, selection: Selection, wanted: TimeRange, stored: Granularity
) -> tuple[str, ...]:
    """Phrases for an answer about keys or creators.

    Sums by model alone are OpenRouter's own, so there is nothing to say about them.
    """
    if not selection.views:
        return ()
    directory = store.directory()
    notes = []
    missing = directory.ids.get((Dimension.KEY, NOT_IN_CLICKHOUSE))
    if missing is not None:
        lost = _used(store, frozenset({missing}), wanted, stored)
        whole = total(store.whole(Selection(), wanted, stored))
        if words := _share_words(lost, whole):
            notes.append(
                f"{words} not in ClickHouse, so its keys and creators are unknown: see"
                f" {NOT_IN_CLICKHOUSE_NAME}"
            )
    if selection.by is Dimension.KEY or selection.ids(Dimension.KEY) is not None:
        notes += _shared_names(store, directory, wanted, stored)
    return tuple(notes)


def _share_words(lost: Usage, whole: Usage) -> str:
    """`2.3% of requests are`, of the first figure of which something is missing; or ""."""
    for metric, verb in ((Metric.REQUESTS, "are"), (Metric.SPEND, "is"), (Metric.TOKENS, "are")):
        missing, all_ = lost.value(metric), whole.value(metric)
        if missing > 0 and all_ > 0:
            share = missing / all_
            said = f"{share:.1%}" if share >= 0.0005 else "less than 0.1%"
            return f"{said} of {metric} {verb}"
    return ""


def _shared_names(
    store: Store, directory: Directory, wanted: TimeRange, stored: Granularity
) -> list[str]:
    """A note that keys with the same name can't be distinguished, if they were used."""
    used = [
        key.name
        for key in directory.same_named
        if _used(store, frozenset({key.id}), wanted, stored).requests
    ]
    if not used:
        return []
    listed = ", ".join(f"“{clean(name, 40)}”" for name in sorted(used)[:MOST_NAMES])
    more = f" and {len(used) - MOST_NAMES:,} other names" if len(used) > MOST_NAMES else ""
    return [f"several keys are named {listed}{more}: ClickHouse doesn't tell them apart"]


def _used(store: Store, keys: frozenset[int], wanted: TimeRange, stored: Granularity) -> Usage:
    return total(store.whole(Selection.of(None, {Dimension.KEY: keys}), wanted, stored))
