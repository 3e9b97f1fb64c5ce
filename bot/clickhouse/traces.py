"""Parses the rows of a response."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple

from bot.clickhouse.statements import PICO
from reports.usage.usage import NANO, Usage

_MOST = 10**18
"""Larger than any real count or amount of a bucket; larger figures are rejected."""
_PICO_A_NANO = PICO // NANO


class TraceUsage(NamedTuple):
    """Usage of one bucket (its start, UTC) by the name of the key, the owner and the model.

    `key` is empty for requests without a key. `owner` is OpenRouter's ID of a person or of the
    organization; it may be empty. Traces don't contain what caching saved, so that figure is 0.
    """

    bucket: datetime
    key: str
    owner: str
    model: str
    usage: Usage


class TracePlace(NamedTuple):
    """How many requests there were with a key (by name), of an owner, to a model.

    Those that failed before they used anything aren't counted, nor those after the time through
    which requests are counted, so it may be 0.
    """

    key: str
    owner: str
    model: str
    requests: int


class LiveUsage(NamedTuple):
    """Usage of one bucket (its start, UTC) and group; `model` is empty unless it was asked for."""

    bucket: datetime
    group: str
    model: str
    usage: Usage


class TraceQuality(NamedTuple):
    """Requests of one time or group: how many, how many failed, how long the others took.

    `kind` is `all`, `bucket` (`value` is its start in seconds since 1970) or `group`. `timed` is
    the number of requests whose duration is known and that did not fail; `p50` and `p95` are
    quantiles of their durations in microseconds, None without any.
    """

    kind: str
    value: str
    requests: int
    failed: int
    timed: int
    p50: int | None
    p95: int | None


class TraceCheck(NamedTuple):
    """The numbers of rows, generations, and generations with cost metadata in a window."""

    rows: int
    generations: int
    with_costs: int


def read_line(line: bytes) -> Mapping[str, Any]:
    """Parse a row of a response. Raises ValueError, also for the text of an error in its place."""
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError("not a row")
    return row


def read_usage_row(row: Mapping[str, Any]) -> TraceUsage:
    """Read a row of the statement `usage`. Raises ValueError or KeyError."""
    return TraceUsage(
        datetime.fromtimestamp(_count(row["r_bucket"]), UTC),
        _name(row["r_key"]),
        _name(row["r_owner"]),
        _name(row["r_model"]),
        _usage(row),
    )


def read_live_row(row: Mapping[str, Any]) -> LiveUsage:
    """A row of the statement `live_usage`. Raises ValueError or KeyError."""
    bucket = datetime.fromtimestamp(_count(row["r_bucket"]), UTC)
    return LiveUsage(bucket, _name(row["r_group"]), _name(row["r_model_1"]), _usage(row))


def read_place_row(row: Mapping[str, Any]) -> TracePlace:
    """A row of the statement `places`. Raises ValueError or KeyError."""
    key, owner, model = (_name(row[name]) for name in ("r_key", "r_owner", "r_model"))
    return TracePlace(key, owner, model, _count(row["r_requests"]))


def read_quality_row(row: Mapping[str, Any]) -> TraceQuality:
    """A row of the statement `quality`. Raises ValueError or KeyError."""
    timed = _count(row["r_timings"])
    found = [_count(one) for one in row["r_quantiles"]] if timed else [None, None]
    p50, p95 = found
    return TraceQuality(
        _name(row["r_kind"]),
        _name(row["r_value"]),
        _count(row["r_requests"]),
        _count(row["r_failures"]),
        timed,
        p50,
        p95,
    )


def _usage(row: Mapping[str, Any]) -> Usage:
    """The figures of a row."""
    return Usage(
        requests=_count(row["r_requests"]),
        byok_requests=_count(row["r_byok_requests"]),
        prompt=_count(row["r_prompt"]),
        completion=_count(row["r_completion"]),
        reasoning=_count(row["r_reasoning"]),
        credits=_nano(row["r_credits"]),
        byok=_nano(row["r_byok"]),
        cached=_count(row["r_cached"]),
    )


def read_check_row(row: Mapping[str, Any]) -> TraceCheck:
    """Read the row of the statement `check`. Raises ValueError or KeyError."""
    return TraceCheck(
        _count(row["r_rows"]), _count(row["r_generations"]), _count(row["r_with_costs"])
    )


def _count(value: object) -> int:
    """A whole number, which old versions of the server send as text."""
    if isinstance(value, bool) or not isinstance(value, int | str) or len(str(value)) > 20:
        raise ValueError("not a count")
    found = int(value)
    if abs(found) > _MOST:
        raise ValueError("not a count")
    return found


def _nano(value: object) -> int:
    """Convert whole pico-dollars (text) to nano-dollars."""
    if not isinstance(value, str) or len(value) > 30:
        raise ValueError("not an amount")
    found = (Decimal(int(value)) / _PICO_A_NANO).to_integral_value(ROUND_HALF_EVEN)
    if abs(found) > _MOST:
        raise ValueError("not an amount")
    return int(found)


def _name(value: object) -> str:
    """A name without characters that databases reject."""
    if not isinstance(value, str):
        raise ValueError("not a name")
    return value.encode("utf-8", "replace").decode().replace("\0", "")
