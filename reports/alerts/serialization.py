"""Converts alert states and events to JSON values and back, without loss."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reports.alerts.evaluation import (
    AlertEvent,
    AlertState,
    Baseline,
    EventKind,
    Measurement,
    Phase,
)
from reports.alerts.periods import AlertPeriod

Json = dict[str, Any]


def pack_event(event: AlertEvent) -> Json:
    """An event as JSON values. The names are those of stored events; times are ISO 8601 in UTC."""
    return {
        "kind": str(event.kind),
        "step": event.step,
        "at": event.at.isoformat(),
        "reading": pack_measurement(event.measurement),
    }


def unpack_event(packed: Mapping[str, Any]) -> AlertEvent:
    """The event of `pack_event`. Raises KeyError, TypeError or ValueError if it isn't one."""
    at = datetime.fromisoformat(packed["at"])
    return AlertEvent(
        EventKind(packed["kind"]), unpack_measurement(packed["reading"]), packed["step"], at
    )


def pack_state(state: AlertState) -> Json:
    """A state as JSON values. The names are those of stored states."""
    return {
        "phase": str(state.phase),
        "step": state.step,
        "peak": state.peak,
        "limit": state.limit,
        "at": _iso(state.at),
        "since": _iso(state.since),
        "ends": _iso(state.ends),
        "sight": state.visibility,
    }


def unpack_state(packed: Mapping[str, Any]) -> AlertState:
    """The state of `pack_state`. Raises KeyError or ValueError if it isn't one."""
    at, since, ends = (_moment(packed[name]) for name in ("at", "since", "ends"))
    step, peak, limit = (int(packed[name]) for name in ("step", "peak", "limit"))
    visibility = str(packed.get("sight", ""))
    return AlertState(Phase(packed["phase"]), step, peak, limit, at, since, ends, visibility)


def pack_measurement(measurement: Measurement) -> Json:
    """A measurement as JSON values. The names are those of stored events."""
    return {
        "subject": measurement.subject,
        "label": measurement.label,
        "value": measurement.value,
        "limit": measurement.limit,
        "at": measurement.at.isoformat(),
        "period": _pack_span(measurement.period),
        "part": measurement.part,
        "usual": _pack_baseline(measurement.usual) if measurement.usual else None,
        "so_far": measurement.so_far,
        "owner": measurement.creator,
        "hour": _pack_span(measurement.hour),
        "sight": measurement.visibility,
        "unused": measurement.unused,
    }


def unpack_measurement(packed: Mapping[str, Any]) -> Measurement:
    """The measurement of `pack_measurement`. Raises KeyError, TypeError or ValueError otherwise."""
    usual = packed["usual"]
    values = dict(packed)
    special = {
        "at": datetime.fromisoformat(values["at"]),
        "period": _span(values["period"]),
        "hour": _span(values["hour"]),
        "usual": _baseline(usual) if usual else None,
        "visibility": values.pop("sight", ""),
        "creator": values.pop("owner", ""),
    }
    return Measurement(**{**values, **special})


def _pack_baseline(usual: Baseline) -> Json:
    return {
        "median": usual.median,
        "spread": usual.spread,
        "line": usual.threshold,
        "count": usual.count,
    }


def _baseline(packed: Mapping[str, Any]) -> Baseline:
    return Baseline(packed["median"], packed["spread"], packed["line"], packed["count"])


def _pack_span(span: AlertPeriod | None) -> list[str] | None:
    return [span.start.isoformat(), span.end.isoformat()] if span else None


def _span(packed: list[str] | None) -> AlertPeriod | None:
    return AlertPeriod(*map(datetime.fromisoformat, packed)) if packed else None


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
