"""The gap in what the database knows, if it was restored from a backup."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.store import Store

_GAP = "alerts gap"
"""The name of a fact in the database."""
_SHORTEST = timedelta(minutes=2)
"""A restart takes less, and a backup that is younger is never restored."""
_JOINED = timedelta(days=1)
"""A gap that ends so soon before the next one counts as its beginning."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time (UTC) in which nothing was evaluated, as far as the database knows."""

    start: datetime
    end: datetime


def note_gap(store: Store, evaluated_at: datetime | None, now: datetime) -> None:
    """Store the gap since the last evaluation that the database knows, unless it is short."""
    if evaluated_at is None or now - evaluated_at < _SHORTEST:
        return
    before = read_gap(store)
    joined = before is not None and evaluated_at - before.end < _JOINED
    start = min(before.start, evaluated_at) if before and joined else evaluated_at
    store.keep_fact(_GAP, json.dumps([start.isoformat(), now.isoformat()]))


def read_gap(store: Store) -> Gap | None:
    """The newest gap that is stored."""
    stored = store.fact(_GAP)
    return Gap(*map(datetime.fromisoformat, json.loads(stored))) if stored else None
