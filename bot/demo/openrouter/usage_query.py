"""`POST /analytics/query`: its metrics and dimensions, and the validation of its body.

Only the metrics and dimensions that reach back 365 days are offered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.demo.openrouter.organization import DAY

MINUTES_OVER = timedelta(hours=3)
MAX_FILTERS, MAX_LIMIT, DEFAULT_LIMIT = 20, 10_000, 1_000

PARTS = (
    "requests",
    "byok_requests",
    "prompt",
    "completion",
    "reasoning",
    "cached",
    "credits_nano",
    "byok_nano",
    "saved_nano",
)
_REQUESTS, _BYOK_REQUESTS, _PROMPT, _COMPLETION, _REASONING, _CACHED = range(6)
_CREDITS, _BYOK, _SAVED = range(6, 9)

Sums = Sequence[int]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its label, how it is computed from sums, and whether it is null without usage."""

    label: str
    format: str
    value: Callable[[Sums], float]
    nullable: bool = False


METRICS = {
    "request_count": Metric("Request Count", "number", lambda s: s[_REQUESTS]),
    "byok_request_count": Metric("BYOK Requests", "number", lambda s: s[_BYOK_REQUESTS], True),
    "tokens_prompt": Metric("Prompt Tokens", "number", lambda s: s[_PROMPT]),
    "tokens_completion": Metric("Completion Tokens", "number", lambda s: s[_COMPLETION]),
    "tokens_total": Metric("Total Tokens", "number", lambda s: s[_PROMPT] + s[_COMPLETION]),
    "reasoning_tokens": Metric("Reasoning Tokens", "number", lambda s: s[_REASONING], True),
    "cached_tokens": Metric("Cached Tokens", "number", lambda s: s[_CACHED], True),
    "credits_usage": Metric("Credits Usage", "currency", lambda s: s[_CREDITS] / 10**9),
    "byok_usage": Metric("BYOK Usage", "currency", lambda s: s[_BYOK] / 10**9, True),
    "total_usage": Metric("Total Usage", "currency", lambda s: (s[_CREDITS] + s[_BYOK]) / 10**9),
    "usage_cache": Metric("Cache Savings", "currency", lambda s: s[_SAVED] / 10**9, True),
    "cache_hit_rate": Metric(
        "Cache Hit Rate", "percent", lambda s: min(1.0, s[_CACHED] / (s[_PROMPT] or 1)), True
    ),
}
DIMENSIONS = {
    "model": "Model",
    "variant": "Variant",
    "api_key_id": "API Key",
    "user": "Creator",
    "workspace": "Workspace",
    "app": "App",
}
GRANULARITIES = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": DAY,
    "week": 7 * DAY,
    "month": 28 * DAY,
}
OPERATORS = {
    "eq": "scalar",
    "neq": "scalar",
    "in": "array",
    "not_in": "array",
    "gt": "scalar",
    "gte": "scalar",
    "lt": "scalar",
    "lte": "scalar",
}


class QueryError(ValueError):
    """A body to which OpenRouter responds with 400; the text is its message."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a dimension's id."""

    field: str
    operator: str
    values: tuple[str, ...]
    include_unset: bool


@dataclass(frozen=True, slots=True)
class CubeQuery:
    """A valid query; `end` is exclusive."""

    metrics: tuple[str, ...]
    dimensions: tuple[str, ...]
    granularity: str | None
    start: datetime
    end: datetime
    filters: tuple[Filter, ...]
    order_by: tuple[str, bool]
    limit: int
    group_limit: int | None


def parse(body: object, now: datetime) -> CubeQuery:
    """Parse the query in a request's body. Raises QueryError."""
    if not isinstance(body, dict):
        raise QueryError("Expected a JSON object")
    metrics = _names(body, "metrics", METRICS)
    if not metrics:
        raise QueryError("metrics: at least one metric is required")
    dimensions = _names(body, "dimensions", DIMENSIONS)
    if len(dimensions) > 2:
        raise QueryError("dimensions: at most 2 dimensions are allowed")
    granularity = body.get("granularity")
    if granularity is not None and granularity not in GRANULARITIES:
        raise QueryError(f"granularity: unknown granularity {granularity!r}")
    start, end = _time_range(body.get("time_range"), now)
    if granularity == "minute" and end - start > MINUTES_OVER:
        raise QueryError("granularity: minute is only available for time ranges up to 3 hours")
    limit = _count(body, "limit") or DEFAULT_LIMIT
    if limit > MAX_LIMIT:
        raise QueryError(f"limit: must be at most {MAX_LIMIT}")
    return CubeQuery(
        metrics,
        dimensions,
        granularity,
        start,
        end,
        _filters(body.get("filters")),
        _order_by(body.get("order_by"), (*metrics, *dimensions)),
        limit,
        _count(body, "group_limit"),
    )


def _names(body: dict[str, Any], part: str, known: Iterable[str]) -> tuple[str, ...]:
    names = body.get(part) or []
    if not isinstance(names, list):
        raise QueryError(f"{part}: expected an array")
    for name in names:
        if name not in known:
            raise QueryError(f"{part}: unknown name {name!r}")
    return tuple(dict.fromkeys(names))


def _count(body: dict[str, Any], part: str) -> int | None:
    count = body.get(part)
    if count is None:
        return None
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise QueryError(f"{part}: expected a positive integer")
    return count


def _time_range(given: object, now: datetime) -> tuple[datetime, datetime]:
    if given is None:
        return now - 7 * DAY, now
    if not isinstance(given, dict):
        raise QueryError("time_range: expected an object")
    start, end = (_instant(given.get(side), side) for side in ("start", "end"))
    if start >= end:
        raise QueryError("time_range: start must be before end")
    return start, end


def _instant(text: object, side: str) -> datetime:
    spelled = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"
    if not isinstance(text, str) or not re.fullmatch(spelled, text, re.ASCII):
        raise QueryError(f"time_range.{side}: expected an RFC 3339 UTC date-time with seconds")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise QueryError(f"time_range.{side}: no such date-time") from error


def _filters(given: object) -> tuple[Filter, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MAX_FILTERS:
        raise QueryError(f"filters: expected an array of at most {MAX_FILTERS}")
    return tuple(_filter(one) for one in given)


def _filter(given: object) -> Filter:
    if not isinstance(given, dict):
        raise QueryError("filters: expected objects")
    name, operator, value = (given.get(part) for part in ("field", "operator", "value"))
    if name not in DIMENSIONS:
        raise QueryError(f"filters: unknown dimension {name!r}")
    if operator not in OPERATORS:
        raise QueryError(f"filters: unknown operator {operator!r}")
    if isinstance(value, list) != (OPERATORS[operator] == "array"):
        raise QueryError(f"filters: {operator} expects {OPERATORS[operator]} value")
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str | int | float) for one in values):
        raise QueryError("filters: values must be strings or numbers")
    return Filter(name, operator, tuple(map(str, values)), given.get("include_unset") is True)


def _order_by(given: object, requested: tuple[str, ...]) -> tuple[str, bool]:
    if given is None:
        return "date", True
    if not isinstance(given, dict) or given.get("direction") not in {"asc", "desc"}:
        raise QueryError("order_by: expected a field and a direction, asc or desc")
    name = given.get("field")
    if name not in (*requested, "request_count", "date"):
        raise QueryError(f"order_by: cannot order by {name!r}")
    return name, given["direction"] == "desc"


def meta() -> dict[str, list[Row]]:
    """The data of `GET /analytics/meta`."""
    return {
        "metrics": [
            {
                "name": name,
                "display_label": metric.label,
                "is_rate": metric.format == "percent",
                "display_format": metric.format,
            }
            for name, metric in METRICS.items()
        ],
        "dimensions": [
            {"name": name, "display_label": label} for name, label in DIMENSIONS.items()
        ],
        "operators": [{"name": name, "value_type": kind} for name, kind in OPERATORS.items()],
        "granularities": [{"name": name, "display_label": name.title()} for name in GRANULARITIES],
    }
