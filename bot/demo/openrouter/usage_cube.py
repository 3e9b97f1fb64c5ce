"""Computes the rows for a query, with OpenRouter's labels and formats."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from operator import add, attrgetter, ge, gt, le, lt
from typing import Any

from bot.demo.openrouter.organization import DAY, Organization
from bot.demo.openrouter.usage_query import (
    GRANULARITIES,
    METRICS,
    PARTS,
    CubeQuery,
    Filter,
    Metric,
    Row,
    Sums,
)

HELD = 365 * DAY

_PARTS = attrgetter(*PARTS)
_ORDERED = {"gt": gt, "gte": ge, "lt": lt, "lte": le}


@dataclass(slots=True)
class Dialect:
    """Details of responses that the documentation leaves open; tests can set them.

    `timestamp` is a strftime format, or one for each granularity; `unset` stands for a dimension
    without a value ("" or None); `extra` is added to every row.
    """

    prefix: dict[str, str] = field(
        default_factory=lambda: {"minute": "created_at", "hour": "created_at"}
    )
    timestamp: str | dict[str, str] = "%Y-%m-%dT%H:%M:%S.000Z"
    unset: str | None = ""
    extra: Row = field(default_factory=dict)

    def bucket(self, granularity: str, at: datetime) -> tuple[str, str]:
        """Name and value of a row's bucket column."""
        spelling = self.timestamp
        if isinstance(spelling, dict):
            spelling = spelling.get(granularity, "%Y-%m-%dT%H:%M:%S.000Z")
        return f"{self.prefix.get(granularity, 'date')}__{granularity}", at.strftime(spelling)


@dataclass(frozen=True, slots=True)
class Result:
    """Rows, whether they were truncated, and names that couldn't be resolved."""

    rows: list[Row]
    truncated: bool
    warnings: list[str]


def run(
    query: CubeQuery, organization: Organization, now: datetime, dialect: Dialect, row_limit: int
) -> Result:
    """The rows for a query at `now`; at most `row_limit`, whatever the query says."""
    cube = _Cube(query, organization, dialect)
    start, end = max(query.start, now - HELD), min(query.end, now)
    groups = cube.grouped(start, end) if start < end else {}
    found = [(*group, sums) for group, sums in groups.items() if any(sums)]
    found.sort(key=cube.order, reverse=query.order_by[1])
    kept = _cut(found, query.group_limit)
    limit = min(query.limit, row_limit)
    rows = [cube.row(*one) for one in kept[:limit]]
    return Result(rows, len(found) > len(rows), cube.warnings)


Group = tuple[datetime | None, tuple[str, ...]]
Found = tuple[datetime | None, tuple[str, ...], list[int]]


def _cut(found: list[Found], group_limit: int | None) -> list[Found]:
    if group_limit is None:
        return found
    seen: dict[tuple[str, ...], int] = {}
    kept = []
    for one in found:
        seen[one[1]] = seen.get(one[1], 0) + 1
        if seen[one[1]] <= group_limit:
            kept.append(one)
    return kept


class _Cube:
    """One query's view of an organization: ids for grouping and filters, labels for rows."""

    def __init__(self, query: CubeQuery, organization: Organization, dialect: Dialect) -> None:
        self._query, self._organization, self._dialect = query, organization, dialect
        self._keys = {key.hash: key for key in organization.keys}
        self._members = {member.id: member for member in organization.members or ()}
        self._workspaces = {one.id: one.name for one in organization.workspaces}
        self.warnings: list[str] = []
        self._filters = [self._resolved(one) for one in query.filters]
        self._bucket, self._labels = cache(self._bucket_of), cache(self._labels_of)

    def grouped(self, start: datetime, end: datetime) -> dict[Group, list[int]]:
        """Sums of the usage that passes the filters, by bucket and the dimensions' ids."""
        groups: dict[Group, list[int]] = {}
        granularity = self._query.granularity
        step = GRANULARITIES[granularity] if granularity else DAY
        floored = cache(lambda at: floor(at, granularity))
        ids = cache(self._ids)
        for record in self._organization.usage(start, end, step):
            dimensions = ids(record.key, record.member, record.model, record.app)
            if dimensions is None:
                continue
            group = (floored(record.at), dimensions)
            sums = groups.get(group)
            parts = _PARTS(record)
            groups[group] = list(parts) if sums is None else list(map(add, sums, parts))
        return groups

    def order(self, found: Found) -> tuple[Any, ...]:
        """The sort key: the requested order, then one that is stable."""
        at, ids, sums = found
        name = self._query.order_by[0]
        moment = at or datetime.min.replace(tzinfo=UTC)
        if name in METRICS:
            return METRICS[name].value(sums), moment, ids
        if name in self._query.dimensions:
            return self._label(name, ids[self._query.dimensions.index(name)]) or "", moment, ids
        return moment, METRICS["total_usage"].value(sums), ids

    def row(self, at: datetime | None, ids: tuple[str, ...], sums: Sums) -> Row:
        """A flat row as the API sends it: labels instead of ids, counts as strings, money as
        numbers."""
        metrics = {name: _value(METRICS[name], sums) for name in self._query.metrics}
        return self._bucket(at) | self._labels(ids) | metrics | self._dialect.extra

    def _bucket_of(self, at: datetime | None) -> Row:
        if at is None or self._query.granularity is None:
            return {}
        column, value = self._dialect.bucket(self._query.granularity, at)
        return {column: value}

    def _labels_of(self, ids: tuple[str, ...]) -> Row:
        labels: Row = {}
        for name, one in zip(self._query.dimensions, ids, strict=True):
            labels[name] = self._label(name, one)
            if name == "user":
                member = self._members.get(one)
                labels["user_email"] = member.email if member else None
        return labels

    def _ids(self, key: str, member: str, model: str, app: int) -> tuple[str, ...] | None:
        owner = self._keys.get(key)
        ids = {
            "model": model,
            "variant": model.partition(":")[2] or "standard",
            "api_key_id": key,
            "user": member,
            "workspace": (owner and owner.workspace) or self._organization.default_workspace,
            "app": str(app or ""),
        }
        if not all(passes(one, ids[one.field]) for one in self._filters):
            return None
        return tuple(ids[name] for name in self._query.dimensions)

    def _label(self, name: str, one: str) -> str | None:
        if not one:
            return self._dialect.unset
        if name == "api_key_id":
            key = self._keys.get(one)
            return key.name if key else one
        if name == "user":
            member = self._members.get(one)
            return member.display_name if member else None
        if name == "workspace":
            return self._workspaces.get(one, one)
        if name == "app":
            return self._organization.apps.get(int(one), one)
        return one

    def _resolved(self, one: Filter) -> Filter:
        """A filter on keys without values that match no listed key, and a warning for each of
        those."""
        if one.field != "api_key_id":
            return one
        listed = {key.hash for key in self._organization.keys if not key.deleted}
        unknown = [value for value in one.values if value not in listed]
        self.warnings += [f"Could not resolve api_key_id {value!r}" for value in unknown]
        known = tuple(value for value in one.values if value in listed)
        return Filter(one.field, one.operator, known, one.include_unset)


def passes(condition: Filter, one: str) -> bool:
    """Whether an id meets a condition; "" is a dimension without a value."""
    operator, values = condition.operator, condition.values
    if operator in {"in", "not_in"}:
        if not one:
            return condition.include_unset
        return (one in values) == (operator == "in")
    if operator == "neq":
        return one not in values
    if not one or not values:
        return False
    return one == values[0] if operator == "eq" else bool(_ORDERED[operator](one, values[0]))


def floor(at: datetime, granularity: str | None) -> datetime | None:
    """The start of the bucket that contains `at` (UTC, weeks start on Monday); None for a total."""
    if granularity is None:
        return None
    if granularity == "minute":
        return at.replace(second=0, microsecond=0)
    if granularity == "hour":
        return at.replace(minute=0, second=0, microsecond=0)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if granularity == "week":
        return day - day.weekday() * DAY
    return day.replace(day=1) if granularity == "month" else day


def _value(metric: Metric, sums: Sums) -> str | float | None:
    value = metric.value(sums)
    if metric.nullable and not value:
        return None
    return str(value) if metric.format == "number" else value
