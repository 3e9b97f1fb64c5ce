"""The gap in what the database knows, if it was restored from a backup."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.store import Store

CATCHING_UP = timedelta(days=2)
"""How long after a gap usage of that time may arrive, and cause the same alerts again."""
_GAPS = "alerts gaps"
"""The name of a fact in the database."""
_SHORTEST = timedelta(minutes=2)
"""A restart takes less, and a backup that is younger is never restored."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time (UTC) in which nothing was evaluated, as far as the database knows."""

    start: datetime
    end: datetime


def note_gap(store: Store, evaluated_at: datetime | None, now: datetime) -> None:
    """Store the gap since the last evaluation that the database knows, unless it is short."""
    if evaluated_at is None or now - evaluated_at < _SHORTEST:
        return
    earlier = [one for one in _stored(store) if abs(evaluated_at - one.end) < CATCHING_UP]
    gaps = [*earlier, Gap(evaluated_at, now)]
    times = [[one.start.isoformat(), one.end.isoformat()] for one in gaps]
    store.keep_fact(_GAPS, json.dumps(times))


def read_gap(store: Store, now: datetime) -> Gap | None:
    """The newest gap that is stored, with those shortly before it and the time between them."""
    # one that ends long after now is due to a clock that was ahead
    gaps = [one for one in _stored(store) if one.end - now < CATCHING_UP]
    if not gaps:
        return None
    return Gap(min(one.start for one in gaps), max(one.end for one in gaps))


def _stored(store: Store) -> list[Gap]:
    stored = store.fact(_GAPS)
    return [Gap(*map(datetime.fromisoformat, one)) for one in json.loads(stored or "[]")]
