"""What is kept of an alert as JSON: how a subject stands, and what happened to it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from reports.alert_state import Event, Kind, Phase, Reading, State, Usual
from reports.alert_time import Span


def state_text(state: State) -> str:
    """A state as it is kept."""
    return json.dumps(
        [
            state.phase, state.step, state.peak, state.limit, _text(state.at), _text(state.since),
            _text(state.ends),
        ]
    )  # fmt: skip


def state_of(text: str) -> State:
    """The state that was kept."""
    phase, step, peak, limit, at, since, ends = json.loads(text)
    return State(Phase(phase), step, peak, limit, _moment(at), _moment(since), _moment(ends))


def event_text(event: Event) -> str:
    """What happened, as it is kept."""
    one = event.reading
    return json.dumps(
        {
            "kind": event.kind,
            "step": event.step,
            "at": _text(event.at),
            "subject": one.subject,
            "label": one.label,
            "value": one.value,
            "limit": one.limit,
            "read_at": _text(one.at),
            "period": one.period and [_text(one.period.start), _text(one.period.end)],
            "part": one.part,
            "usual": one.usual
            and [one.usual.median, one.usual.spread, one.usual.line, one.usual.count],
            "so_far": one.so_far,
            "owner": one.owner,
        }
    )


def event_of(text: str) -> Event:
    """What was kept to have happened."""
    kept: dict[str, Any] = json.loads(text)
    period = kept["period"]
    reading = Reading(
        kept["subject"],
        kept["label"],
        kept["value"],
        kept["limit"],
        datetime.fromisoformat(kept["read_at"]),
        Span(*map(datetime.fromisoformat, period)) if period else None,
        kept["part"],
        Usual(*kept["usual"]) if kept["usual"] else None,
        kept["so_far"],
        kept["owner"],
    )
    return Event(Kind(kept["kind"]), reading, kept["step"], datetime.fromisoformat(kept["at"]))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
