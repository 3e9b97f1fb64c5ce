"""OpenRouter's requests and responses as pure functions: bodies to send, and bytes parsed.

Parsing is lenient, as the service is: counts are strings or numbers, unused parts null, the bucket
is in `date__*` or `created_at__*`, names come where ids are expected, and unknown fields are
ignored. A row that cannot be read is left out and counted. A metric that was asked for and did not
come is reported as missing, never read as 0.
Source: OpenRouter's API description of its analytics and management endpoints.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, NamedTuple

from bot.runtime.priority import pause_for_requests, pausing_for_requests
from reports.time.timerange import Granularity, floor
from reports.usage import figures
from reports.usage.dimensions import Metric
from reports.usage.figures import REQUIRED, FigureKind, summands
from reports.usage.usage import NANO, Usage

ROW_LIMIT = 10_000
METRICS = tuple(figure.wire for figure in REQUIRED)
OPTIONAL = tuple(figure.wire for figure in figures.OPTIONAL)
"""Metrics without which usage is still of use, should OpenRouter refuse or leave them out."""
_PARTS = {
    "tokens_total": tuple(figure.wire for figure in summands(Metric.TOKENS)),
    "total_usage": tuple(figure.wire for figure in summands(Metric.SPEND)),
}
CHECKS = tuple(_PARTS)
"""Sums that OpenRouter gives as well; they tell a part that is null because it was not used from
one that did not come."""
_SUMMED = tuple(name for parts in _PARTS.values() for name in parts)
_ALWAYS = ("request_count", "tokens_prompt", "credits_usage")
"""Metrics that are never null in all rows, unless a sum in CHECKS says that there is nothing."""
_ROUNDING = Decimal("0.000001")
_MOST_COUNT = 10**16
_MOST_DOLLARS = Decimal(9 * 10**9)
_MOST_DOLLARS_A_ROW = Decimal(10**8)  # so that sums of rows stay within 64 bits
_BUCKET_PREFIXES = ("date__", "created_at__")


class QueryGrouping(Enum):
    """What a usage query groups by: at most two dimensions can be asked for at once."""

    TOTAL = ()
    KEY = ("api_key_id", "model")
    CREATOR = ("user", "model")

    @property
    def field(self) -> str:
        """The dimension besides the model."""
        return self.value[0] if self.value else ""


@dataclass(frozen=True, slots=True)
class IdFilter:
    """A filter by ids of the view's own dimension: only these, or all but these."""

    ids: tuple[str, ...]
    but: bool = False


class WireRow(NamedTuple):
    """One row of usage as it came: a bucket (UTC), names instead of ids, the figures."""

    bucket: datetime
    member: str
    email: str
    model: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class UsageAnswer:
    """The rows of a usage query.

    `bad` rows could not be read and were left out; `truncated` means that more rows exist than
    came. `missing` are the metrics that were asked for and did not come, `unused` others that are
    null in all rows, which usually means that nothing of the kind was used. `lacking` are the
    optional metrics that were not asked for, did not come, or could not be read: unknown, not 0.
    """

    rows: tuple[WireRow, ...]
    bad: int
    truncated: bool
    warnings: tuple[str, ...]
    missing: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    lacking: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """An API key as the directory lists it; limits in nano-dollars, None where there is none.

    `created` (UTC) is None where OpenRouter does not say, `expires` where the key never does.
    """

    hash: str
    name: str
    label: str
    creator_id: str | None
    workspace_id: str | None
    disabled: bool
    limit: int | None
    remaining: int | None
    reset: str | None
    include_byok: bool
    created: datetime | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrganizationMember:
    """A member of the organization."""

    id: str
    name: str
    email: str
    admin: bool


@dataclass(frozen=True, slots=True)
class WorkspaceBudget:
    """A workspace's budget in nano-dollars.

    `reset` is daily, weekly or monthly; empty for a lifetime budget, which never resets.
    """

    limit: int
    reset: str


@dataclass(frozen=True, slots=True)
class Budgets:
    """The budgets of one workspace, and whether BYOK spend counts toward them."""

    budgets: tuple[WorkspaceBudget, ...] = ()
    include_byok: bool = False


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace of the organization. Several may share a name; the slug tells them apart.

    `default_guardrail` is the id of the guardrail that applies to everybody in it.
    """

    id: str
    name: str
    slug: str = ""
    default_guardrail: str = ""


@dataclass(frozen=True, slots=True)
class CreditTotals:
    """Credits bought and used, in nano-dollars."""

    total: int
    used: int

    @property
    def balance(self) -> int:
        """What is left, in nano-dollars."""
        return self.total - self.used


class BadAnswerError(ValueError):
    """The answer as a whole could not be read."""


def usage_query(
    view: QueryGrouping,
    granularity: Granularity,
    start: datetime,
    end: datetime,
    only: IdFilter | None = None,
    without: Collection[str] = (),
) -> dict[str, Any]:
    """The body of a usage query for a window (UTC, end exclusive), `without` optional metrics."""
    optional = [name for name in OPTIONAL if name not in without]
    body: dict[str, Any] = {
        "metrics": [*METRICS, *CHECKS, *optional],
        "granularity": str(granularity),
        "time_range": {"start": _stamp(start), "end": _stamp(end)},
        "limit": ROW_LIMIT,
    }
    if view is not QueryGrouping.TOTAL:
        body["dimensions"] = list(view.value)
    if only:
        operator = "not_in" if only.but else "in"
        wanted: dict[str, Any] = {
            "field": view.field, "operator": operator, "value": list(only.ids)
        }  # fmt: skip
        body["filters"] = [wanted | {"include_unset": True} if only.but else wanted]
    return body


def read_json(body: bytes) -> dict[str, Any]:
    """A JSON object with decimals kept exact. BadAnswerError if it is none.

    Between the rows of a large answer others may go first, whom the C parser alone would hold up
    until its end.
    """
    try:
        try:
            value = _loads(body, Decimal)
        except InvalidOperation:  # an exponent beyond all reason: the slow way around it
            value = _loads(body, _parse_float)
    except (ValueError, RecursionError) as error:
        raise BadAnswerError("the answer is no JSON") from error
    if not isinstance(value, dict):
        raise BadAnswerError("the answer is no JSON object")
    return value


def _loads(body: bytes, parse_float: Callable[[str], object]) -> object:
    return json.loads(
        body,
        object_pairs_hook=_object,
        parse_float=parse_float,
        parse_int=_parse_int,
        parse_constant=lambda _: _NO_NUMBER,
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    pause_for_requests()
    return dict(pairs)


def read_usage(
    body: bytes, view: QueryGrouping, granularity: Granularity, without: Collection[str] = ()
) -> UsageAnswer:
    """The answer to a usage query that was made `without` some of the optional metrics.

    BadAnswerError if there are no rows to be found in it.
    """
    data = read_json(body).get("data")
    rows = data.get("data") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(rows, list):
        raise BadAnswerError("the answer holds no rows")
    metadata = data.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    stamps: dict[str, datetime] = {}
    lacking = _absent(rows, without)
    read = [_row(row, view, granularity, stamps, lacking) for row in pausing_for_requests(rows)]
    warnings = data.get("warnings")
    return UsageAnswer(
        rows=tuple(row for row in read if row),
        bad=sum(row is None for row in read),
        truncated=_truncated(metadata, len(rows)),
        warnings=tuple(str(w)[:200] for w in warnings) if isinstance(warnings, list) else (),
        missing=_missing(rows),
        unused=_unused(rows),
        lacking=frozenset(lacking),
    )


def _absent(rows: Sequence[object], without: Collection[str]) -> set[str]:
    """The optional metrics that were not asked for, or that no row has."""
    found = [row for row in rows if isinstance(row, dict)]
    return {
        name
        for name in OPTIONAL
        if name in without
        or (found and not any(name in row for row in pausing_for_requests(found)))
    }


def _missing(rows: Sequence[object]) -> tuple[str, ...]:
    """The metrics that were asked for and did not come: unknown, not 0.

    That is a metric that no row has (a renamed column), one of _ALWAYS that is null in all rows,
    and one that is null where its sum in CHECKS says that it is not 0.
    """
    found = [row for row in rows if isinstance(row, dict)]
    if not found:
        return ()
    missing = {
        name for name in METRICS if not any(name in row for row in pausing_for_requests(found))
    }
    summed = _summed(found)
    missing |= {name for name in _ALWAYS if name not in summed and not _came(found, name)}
    for row in pausing_for_requests(found):
        missing |= _short(row, missing)
    if any(row.get("request_count", 0) is None and _used(row) for row in found):
        missing.add("request_count")
    return tuple(name for name in METRICS if name in missing)


def _unused(rows: Sequence[object]) -> tuple[str, ...]:
    """The metrics that are null in all rows and that no sum in CHECKS accounts for."""
    summed = _summed(rows)
    names = (*METRICS, *OPTIONAL)
    return tuple(name for name in names if name not in summed and not _came(rows, name))


def _summed(rows: Sequence[object]) -> set[str]:
    """The metrics whose sum in CHECKS came; a sum that is null throughout is 0."""
    return {
        part
        for name in CHECKS
        if any(isinstance(row, dict) and name in row for row in rows)
        for part in _PARTS[name]
    }


def _came(rows: Sequence[object], name: str) -> bool:
    return any(isinstance(row, dict) and row.get(name) is not None for row in rows)


def _short(row: Mapping[str, Any], absent: set[str]) -> set[str]:
    """The metrics of a row that are null although their sum is larger than what did come.

    Where one of `absent` explains that, the other is not blamed.
    """
    missing: set[str] = set()
    for whole, (one, other) in _PARTS.items():
        first, second = row.get(one), row.get(other)
        if (first is not None and second is not None) or whole not in row:
            continue
        if row[whole] in (first, second) or not absent.isdisjoint((one, other)):
            continue  # the usual case: the part that came is the whole sum
        parts = (one, other)
        empty = [part for part in parts if row.get(part) is None]
        try:
            known = sum((_number(row.get(part)) for part in parts), Decimal())
            if _number(row[whole]) - known > _ROUNDING:
                missing.update(empty)
        except (ValueError, ArithmeticError):
            continue  # the row, or the sum, cannot be read
    return missing


def _used(row: Mapping[str, Any]) -> bool:
    """Whether a row has any tokens or spend."""
    return any(row.get(name) not in (None, 0, "0") for name in _SUMMED)


def _number(value: object) -> Decimal:
    """A count or an amount; null is 0. ValueError or ArithmeticError for anything else."""
    if value is None:
        return Decimal()
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError("no number")
    found = Decimal(value)
    if not found.is_finite():
        raise ValueError("no number")
    return found


def read_keys(body: bytes) -> tuple[KeyInfo, ...]:
    """One page of API keys; entries without a hash are left out."""
    return tuple(
        KeyInfo(
            hash=_text(entry.get("hash")),
            name=_text(entry.get("name"))
            or _text(entry.get("label"))
            or _text(entry.get("hash"))[:8],
            label=_text(entry.get("label")),
            creator_id=_text(entry.get("creator_user_id")) or None,
            workspace_id=_text(entry.get("workspace_id")) or None,
            disabled=entry.get("disabled") is True,
            limit=_dollars(entry.get("limit")),
            remaining=_dollars(entry.get("limit_remaining")),
            reset=_text(entry.get("limit_reset")) or None,
            include_byok=entry.get("include_byok_in_limit") is True,
            created=_moment(entry.get("created_at")),
            expires=_moment(entry.get("expires_at")),
        )
        for entry in _entries(body)
        if _text(entry.get("hash"))
    )


def read_people(body: bytes) -> tuple[OrganizationMember, ...]:
    """One page of the organization's members; those without a name go by their e-mail address."""
    return tuple(
        OrganizationMember(
            id=_text(entry.get("id")),
            name=" ".join(filter(None, (_text(entry.get(f"{n}_name")) for n in ("first", "last"))))
            or _text(entry.get("email"))
            or _text(entry.get("id")),
            email=_text(entry.get("email")),
            admin=entry.get("role") == "org:admin",
        )
        for entry in _entries(body)
        if _text(entry.get("id"))
    )


def read_workspaces(body: bytes) -> tuple[Workspace, ...]:
    """One page of workspaces."""
    return tuple(
        Workspace(
            _text(entry.get("id")),
            _text(entry.get("name")) or _text(entry.get("id")),
            _text(entry.get("slug")),
            _text(entry.get("default_guardrail_id")),
        )
        for entry in _entries(body)
        if _text(entry.get("id"))
    )


def read_budgets(body: bytes) -> Budgets:
    """The budgets of one workspace. OpenRouter calls one without a reset lifetime, or null."""
    answer = read_json(body)
    found = ((_dollars(e.get("limit_usd")), _text(e.get("reset_interval"))) for e in _list(answer))
    return Budgets(
        tuple(
            WorkspaceBudget(limit, "" if reset == "lifetime" else reset)
            for limit, reset in found
            if limit is not None
        ),
        answer.get("include_byok_in_budgets") is True,
    )


def read_credits(body: bytes) -> CreditTotals:
    """Credits bought and used. BadAnswerError if either is missing: unknown is not 0."""
    data = read_json(body).get("data")
    data = data if isinstance(data, dict) else {}
    bought, used = (_dollars(data.get(f"total_{name}")) for name in ("credits", "usage"))
    if bought is None or used is None:
        raise BadAnswerError("the answer holds no credits")
    return CreditTotals(bought, used)


def blamed(refusal: str, without: Collection[str]) -> frozenset[str]:
    """The optional metrics that a refusal may be about: those that it names, else all asked for."""
    asked = frozenset(OPTIONAL).difference(without)
    return frozenset(name for name in asked if name in refusal) or asked


def read_is_management(body: bytes) -> bool:
    """Whether the key that asked is a management key."""
    data = read_json(body).get("data")
    if not isinstance(data, dict):
        raise BadAnswerError("the answer says nothing of the key")
    return bool(data.get("is_management_key") or data.get("is_provisioning_key"))


def read_error(body: bytes) -> str:
    """The service's own words for an error, or nothing."""
    try:
        error = read_json(body).get("error")
    except BadAnswerError:
        return ""
    return _text(error.get("message"))[:200] if isinstance(error, dict) else ""


def _row(
    row: object,
    view: QueryGrouping,
    granularity: Granularity,
    stamps: dict[str, datetime],
    lacking: set[str],
) -> WireRow | None:
    """A row, or None if it cannot be read; an optional metric that cannot goes into `lacking`."""
    if not isinstance(row, dict):
        return None
    try:
        bucket = _bucket(row, granularity, stamps)
        if "request_count" not in row:
            raise KeyError("request_count")
        values = [decode(row.get(name)) for name, decode in _DECODERS]
        member = _label(row[view.field]) if view.field else ""
    except (KeyError, ValueError, TypeError, ArithmeticError):
        return None
    model = _text(row.get("model")) if view.field else ""
    if view.field and not model:
        return None
    email = _text(row.get("user_email")) if view is QueryGrouping.CREATOR else ""
    try:
        values += [decode(row.get(name)) for name, decode in _OPTIONAL_DECODERS]
    except (ValueError, TypeError, ArithmeticError):
        values += [_optional(row, name, decode, lacking) for name, decode in _OPTIONAL_DECODERS]
    return WireRow(bucket, member, email, model, Usage._make(values))


def _optional(
    row: Mapping[str, Any], name: str, decode: Callable[[object], int], lacking: set[str]
) -> int:
    """An optional figure of a row; 0, and noted in `lacking`, where it cannot be read."""
    try:
        return decode(row.get(name))
    except (ValueError, TypeError, ArithmeticError):
        lacking.add(name)
        return 0


def _truncated(metadata: Mapping[str, Any], rows: int) -> bool:
    """Whether the rows are only a part; where nothing is said of it, if they are as many as go."""
    try:
        count = _count(metadata.get("row_count"))
    except (ValueError, ArithmeticError):
        count = 0
    truncated = metadata.get("truncated", rows >= ROW_LIMIT)
    return truncated is True or count > rows


def _bucket(
    row: Mapping[str, Any], granularity: Granularity, stamps: dict[str, datetime]
) -> datetime:
    for prefix in _BUCKET_PREFIXES:
        stamp = row.get(f"{prefix}{granularity}")
        if isinstance(stamp, str):
            if stamp not in stamps:
                stamps[stamp] = floor(_parse_moment(stamp), granularity)
            return stamps[stamp]
    raise KeyError("no bucket")


def _parse_moment(stamp: str) -> datetime:
    """A moment in UTC; what names no zone is UTC. ValueError or OverflowError if it is none."""
    moment = datetime.fromisoformat(stamp)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _moment(value: object) -> datetime | None:
    try:
        return _parse_moment(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def _count(value: object) -> int:
    """A count as it comes: 1523, "1523", "1500.0", null. ValueError for anything else."""
    if value is None:
        return 0
    if type(value) is str and len(value) < 16 and value.isascii() and value.isdigit():
        return int(value)  # nearly all of them; a Decimal takes three times as long
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError("no count")
    if isinstance(value, str) and (len(value) > 30 or not value.isascii() or "_" in value):
        raise ValueError("no count")
    number = Decimal(value)
    if not number.is_finite() or abs(number) > _MOST_COUNT or number != int(number):
        raise ValueError("no count")
    return int(number)


def _label(value: object) -> str:
    """The name in a row; null and empty are nobody's. ValueError for anything else."""
    if value is not None and not isinstance(value, str):
        raise ValueError("no name")
    return _text(value)


def _money(value: object, most: Decimal = _MOST_DOLLARS) -> int:
    """Dollars as they come, in nano-dollars; null is none. ValueError for anything else."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError("no amount")
    if isinstance(value, str) and (len(value) > 40 or not value.isascii() or "_" in value):
        raise ValueError("no amount")
    amount = Decimal(value)
    if not amount.is_finite() or abs(amount) > most:
        raise ValueError("no amount")
    return int((amount * NANO).to_integral_value())


def _row_money(value: object) -> int:
    return _money(value, _MOST_DOLLARS_A_ROW)


_DECODE = {FigureKind.COUNT: _count, FigureKind.MONEY: _row_money}
_DECODERS = tuple((figure.wire, _DECODE[figure.kind]) for figure in REQUIRED)
_OPTIONAL_DECODERS = tuple((figure.wire, _DECODE[figure.kind]) for figure in figures.OPTIONAL)


def _dollars(value: object) -> int | None:
    try:
        return None if value is None else _money(value)
    except (ValueError, ArithmeticError):
        return None


_NO_NUMBER = object()


def _parse_int(digits: str) -> object:
    return int(digits) if len(digits) <= 20 else _NO_NUMBER


def _parse_float(digits: str) -> object:
    try:
        return Decimal(digits)
    except InvalidOperation:
        return _NO_NUMBER


def _text(value: object) -> str:
    """Text as it may be kept: no lone surrogates, which no database takes."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _entries(body: bytes) -> Iterable[Mapping[str, Any]]:
    return _list(read_json(body))


text, dollars, entries = _text, _dollars, _entries
"""How the other modules of this package read the fields and the lists that they need."""


def _list(answer: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    data = answer.get("data")
    if not isinstance(data, list):
        raise BadAnswerError("the answer holds no list")
    return [entry for entry in data if isinstance(entry, dict)]


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
