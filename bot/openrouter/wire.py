"""OpenRouter's wire format as pure functions that build request bodies and parse responses.

Parsing is lenient, because the service varies: counts are strings or numbers, unused parts are
null, the bucket is in `date__*` or `created_at__*`, names appear instead of ids, and unknown fields
are ignored. Unreadable rows are skipped and counted. A negative count is unreadable; money may be
negative (a refund). A requested metric that is absent is reported as missing, never treated as 0.
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
from reports.time.time_range import Granularity, floor
from reports.usage import figure_table
from reports.usage.dimensions import Metric
from reports.usage.figure_table import REQUIRED, FigureKind, summands
from reports.usage.usage import NANO, Usage

ROW_LIMIT = 10_000  # OpenRouter's maximum
METRICS = tuple(figure.wire for figure in REQUIRED)
OPTIONAL = tuple(figure.wire for figure in figure_table.OPTIONAL)
"""Metrics that OpenRouter may reject or omit; usage is then stored without them."""
_PARTS = {
    "tokens_total": tuple(figure.wire for figure in summands(Metric.TOKENS)),
    "total_usage": tuple(figure.wire for figure in summands(Metric.SPEND)),
}
CHECKS = tuple(_PARTS)
"""Sums that OpenRouter also returns, which show whether a null part was unused or is missing."""
_SUMMED = tuple(name for parts in _PARTS.values() for name in parts)
_ALWAYS = ("request_count", "tokens_prompt", "credits_usage")
"""Metrics that are never null in all rows, unless a sum in CHECKS is 0."""
_ROUNDING = Decimal("0.000001")
_MOST_COUNT = 10**16
_MOST_DOLLARS = Decimal(9 * 10**9)
_MOST_DOLLARS_A_ROW = Decimal(10**8)  # so that sums of rows stay within 64 bits
_BUCKET_PREFIXES = ("date__", "created_at__")


class QueryGrouping(Enum):
    """The grouping of a usage query: OpenRouter allows at most two dimensions."""

    TOTAL = ""  # not an empty tuple, which Python before 3.11.4 replaces
    MODEL = "model"
    KEY = "api_key_id model"
    CREATOR = "user model"

    @property
    def dimensions(self) -> list[str]:
        """The dimensions of the query."""
        return self.value.split()

    @property
    def field(self) -> str:
        """The dimension besides the model; the model itself if there is no other."""
        return self.value.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class IdFilter:
    """A filter by ids of the view's dimension: only these, or (`but`) all except these."""

    ids: tuple[str, ...]
    but: bool = False


class WireRow(NamedTuple):
    """One row of usage as returned: bucket (UTC), names instead of ids, figures."""

    bucket: datetime
    member: str
    email: str
    model: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class UsageAnswer:
    """The response to a usage query.

    `bad` counts unreadable rows, which were skipped; `truncated`: there are more rows than were
    returned. `missing` are requested metrics that are absent, `unused` other metrics that are null
    in all rows, usually because there was no such usage. `lacking` are optional metrics that were
    not requested, absent or unreadable: unknown, not 0.
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
    """An API key in the directory; limits are in nano-dollars, None if there is none.

    `used` (nano-dollars) is what counted toward its limit since the last reset, None if unknown.
    `created` (UTC) is None if unknown, `expires` (UTC) None if the key doesn't expire.
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
    used: int | None = None


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
    """A workspace of the organization. Several may share a name; the slug is unique.

    `default_guardrail` is the id of the guardrail that applies to all its members.
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
        """The remaining credits, in nano-dollars."""
        return self.total - self.used


class BadAnswerError(ValueError):
    """A response that can't be parsed."""


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
        body["dimensions"] = view.dimensions
    if only:
        operator = "not_in" if only.but else "in"
        wanted: dict[str, Any] = {
            "field": view.field, "operator": operator, "value": list(only.ids)
        }  # fmt: skip
        body["filters"] = [wanted | {"include_unset": True} if only.but else wanted]
    return body


def read_json(body: bytes) -> dict[str, Any]:
    """Parse a JSON object with exact decimals. Raises BadAnswerError.

    While parsing a large response it pauses for Slack requests, which the C parser alone would
    block until it is done.
    """
    try:
        try:
            value = _loads(body, Decimal)
        except InvalidOperation:  # a huge exponent, so parse again with a slower hook
            value = _loads(body, _parse_float)
    except (ValueError, RecursionError) as error:
        raise BadAnswerError("the response is not JSON") from error
    if not isinstance(value, dict):
        raise BadAnswerError("the response is not a JSON object")
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
    """Parse the response to a usage query that was made `without` some optional metrics.

    Raises BadAnswerError if it has no list of rows.
    """
    data = read_json(body).get("data")
    rows = data.get("data") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(rows, list):
        raise BadAnswerError("the response has no rows")
    metadata = data.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    stamps: dict[str, datetime] = {}
    lacking = _lacking_optional(rows, without)
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


def repeated(rows: Sequence[WireRow], view: QueryGrouping) -> int:
    """The number of rows that come again although a response has each only once.

    Without dimensions, a bucket has one row. Models are told apart by names that two of them may
    share, so only a row that is the same in every figure counts. Keys and members often share a
    name and may be used alike (a row each), so that theirs never count: that such a view adds up to
    the total is checked elsewhere.
    """
    if view is QueryGrouping.TOTAL:
        return len(rows) - len({row.bucket for row in rows})
    if view is QueryGrouping.MODEL:
        return len(rows) - len(set(pausing_for_requests(rows)))
    return 0


def _lacking_optional(rows: Sequence[object], without: Collection[str]) -> set[str]:
    """The optional metrics that were not requested, or that no row has."""
    found = [row for row in rows if isinstance(row, dict)]
    return {
        name
        for name in OPTIONAL
        if name in without
        or (found and not any(name in row for row in pausing_for_requests(found)))
    }


def _missing(rows: Sequence[object]) -> tuple[str, ...]:
    """The requested metrics that are absent: unknown, not 0.

    A metric is absent if no row has it (a renamed column), if it is one of _ALWAYS and null in all
    rows, or if it is null although its sum in CHECKS shows that it isn't 0.
    """
    found = [row for row in rows if isinstance(row, dict)]
    if not found:
        return ()
    missing = {
        name for name in METRICS if not any(name in row for row in pausing_for_requests(found))
    }
    summed = _summed(found)
    missing |= {name for name in _ALWAYS if name not in summed and not _has_value(found, name)}
    for row in pausing_for_requests(found):
        missing |= _null_parts(row, missing)
    if any(row.get("request_count", 0) is None and _used(row) for row in found):
        missing.add("request_count")
    return tuple(name for name in METRICS if name in missing)


def _unused(rows: Sequence[object]) -> tuple[str, ...]:
    """The metrics that are null in all rows and not part of a returned sum in CHECKS."""
    summed = _summed(rows)
    names = (*METRICS, *OPTIONAL)
    return tuple(name for name in names if name not in summed and not _has_value(rows, name))


def _summed(rows: Sequence[object]) -> set[str]:
    """The metrics whose sum in CHECKS was returned; a sum that is null in all rows is 0."""
    return {
        part
        for name in CHECKS
        if any(isinstance(row, dict) and name in row for row in rows)
        for part in _PARTS[name]
    }


def _has_value(rows: Sequence[object], name: str) -> bool:
    return any(isinstance(row, dict) and row.get(name) is not None for row in rows)


def _null_parts(row: Mapping[str, Any], absent: set[str]) -> set[str]:
    """The metrics of a row that are null although their sum exceeds the other parts.

    If one part is in `absent`, the other isn't reported.
    """
    missing: set[str] = set()
    for sum_name, (first_part, second_part) in _PARTS.items():
        first, second = row.get(first_part), row.get(second_part)
        if (first is not None and second is not None) or sum_name not in row:
            continue
        if row[sum_name] in (first, second) or not absent.isdisjoint((first_part, second_part)):
            continue  # the usual case: the other part equals the sum
        parts = (first_part, second_part)
        empty = [part for part in parts if row.get(part) is None]
        try:
            known = sum((_number(row.get(part)) for part in parts), Decimal())
            if _number(row[sum_name]) - known > _ROUNDING:
                missing.update(empty)
        except (ValueError, ArithmeticError):
            continue  # the row or its sum is unreadable
    return missing


def _used(row: Mapping[str, Any]) -> bool:
    """Whether a row has any tokens or spend."""
    return any(row.get(name) not in (None, 0, "0") for name in _SUMMED)


def _number(value: object) -> Decimal:
    """A count or an amount; null is 0. Raises ValueError or ArithmeticError if invalid."""
    if value is None:
        return Decimal()
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError("not a number")
    found = Decimal(value)
    if not found.is_finite():
        raise ValueError("not a number")
    return found


def read_keys(body: bytes) -> tuple[KeyInfo, ...]:
    """Parse a page of API keys, without entries that lack a hash. Raises BadAnswerError."""
    return tuple(
        KeyInfo(
            hash=text(entry.get("hash")),
            name=text(entry.get("name")) or text(entry.get("label")) or text(entry.get("hash"))[:8],
            label=text(entry.get("label")),
            creator_id=text(entry.get("creator_user_id")) or None,
            workspace_id=text(entry.get("workspace_id")) or None,
            disabled=entry.get("disabled") is True,
            limit=dollars(entry.get("limit")),
            remaining=dollars(entry.get("limit_remaining")),
            reset=text(entry.get("limit_reset")) or None,
            include_byok=entry.get("include_byok_in_limit") is True,
            created=_moment(entry.get("created_at")),
            expires=_moment(entry.get("expires_at")),
            used=_used_of_limit(entry),
        )
        for entry in entries(body)
        if text(entry.get("hash"))
    )


def _used_of_limit(entry: Mapping[str, Any]) -> int | None:
    """What a key spent toward its limit since the last reset, in nano-dollars; None if unknown."""
    reset = text(entry.get("limit_reset"))
    suffix = f"_{reset}" if reset else ""
    amounts = [dollars(entry.get(f"usage{suffix}"))]
    if entry.get("include_byok_in_limit") is True:
        amounts.append(dollars(entry.get(f"byok_usage{suffix}")))
    known = [one for one in amounts if one is not None]
    return sum(known) if len(known) == len(amounts) else None


def read_people(body: bytes) -> tuple[OrganizationMember, ...]:
    """Parse a page of members; the e-mail replaces a missing name. Raises BadAnswerError."""
    return tuple(
        OrganizationMember(
            id=text(entry.get("id")),
            name=" ".join(filter(None, (text(entry.get(f"{n}_name")) for n in ("first", "last"))))
            or text(entry.get("email"))
            or text(entry.get("id")),
            email=text(entry.get("email")),
            admin=entry.get("role") == "org:admin",
        )
        for entry in entries(body)
        if text(entry.get("id"))
    )


def read_workspaces(body: bytes) -> tuple[Workspace, ...]:
    """Parse a page of workspaces. Raises BadAnswerError."""
    return tuple(
        Workspace(
            text(entry.get("id")),
            text(entry.get("name")) or text(entry.get("id")),
            text(entry.get("slug")),
            text(entry.get("default_guardrail_id")),
        )
        for entry in entries(body)
        if text(entry.get("id"))
    )


def read_budgets(body: bytes) -> Budgets:
    """Parse a workspace's budgets; reset "lifetime" or null means never. Raises BadAnswerError."""
    answer = read_json(body)
    found = ((dollars(e.get("limit_usd")), text(e.get("reset_interval"))) for e in _list(answer))
    return Budgets(
        tuple(
            WorkspaceBudget(limit, "" if reset == "lifetime" else reset)
            for limit, reset in found
            if limit is not None
        ),
        answer.get("include_byok_in_budgets") is True,
    )


def read_credits(body: bytes) -> CreditTotals:
    """Parse credits bought and used. Raises BadAnswerError if either is missing."""
    data = read_json(body).get("data")
    data = data if isinstance(data, dict) else {}
    bought, used = (dollars(data.get(f"total_{name}")) for name in ("credits", "usage"))
    if bought is None or used is None:
        raise BadAnswerError("the response has no credits")
    return CreditTotals(bought, used)


def possibly_rejected(refusal: str, without: Collection[str]) -> frozenset[str]:
    """The optional metrics that an error may refer to: those it names, else all requested ones."""
    asked = frozenset(OPTIONAL).difference(without)
    return frozenset(name for name in asked if name in refusal) or asked


def read_is_management(body: bytes) -> bool:
    """Whether the key is a management key. Raises BadAnswerError."""
    data = read_json(body).get("data")
    if not isinstance(data, dict):
        raise BadAnswerError("the response doesn't describe the key")
    return bool(data.get("is_management_key") or data.get("is_provisioning_key"))


def read_error(body: bytes) -> str:
    """The error message in a response, or ""."""
    try:
        error = read_json(body).get("error")
    except BadAnswerError:
        return ""
    return text(error.get("message"))[:200] if isinstance(error, dict) else ""


def _row(
    row: object,
    view: QueryGrouping,
    granularity: Granularity,
    stamps: dict[str, datetime],
    lacking: set[str],
) -> WireRow | None:
    """A row, or None if it is unreadable; unreadable optional metrics are added to `lacking`."""
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
    model = text(row.get("model")) if view.field else ""
    if view.field and not model:
        return None
    email = text(row.get("user_email")) if view is QueryGrouping.CREATOR else ""
    try:
        values += [decode(row.get(name)) for name, decode in _OPTIONAL_DECODERS]
    except (ValueError, TypeError, ArithmeticError):
        values += [_optional(row, name, decode, lacking) for name, decode in _OPTIONAL_DECODERS]
    return WireRow(bucket, member, email, model, Usage._make(values))


def _optional(
    row: Mapping[str, Any], name: str, decode: Callable[[object], int], lacking: set[str]
) -> int:
    """An optional figure of a row; if unreadable, 0, and its name is added to `lacking`."""
    try:
        return decode(row.get(name))
    except (ValueError, TypeError, ArithmeticError):
        lacking.add(name)
        return 0


def _truncated(metadata: Mapping[str, Any], rows: int) -> bool:
    """Whether rows are missing, by the metadata or else because the row limit was reached."""
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
    raise KeyError("no bucket column")


def _parse_moment(stamp: str) -> datetime:
    """Parse a time as UTC, which is the default zone. Raises ValueError or OverflowError."""
    moment = datetime.fromisoformat(stamp)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _moment(value: object) -> datetime | None:
    try:
        return _parse_moment(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def _count(value: object) -> int:
    """Parse a count: 1523, "1523", "1500.0", null (0).

    Raises ValueError or ArithmeticError, also for a negative number.
    """
    if value is None:
        return 0
    if type(value) is str and len(value) < 16 and value.isascii() and value.isdigit():
        return int(value)  # the usual case; a Decimal takes three times as long
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError("not a count")
    if isinstance(value, str) and (len(value) > 30 or not value.isascii() or "_" in value):
        raise ValueError("not a count")
    number = Decimal(value)
    if not number.is_finite() or not 0 <= number <= _MOST_COUNT or number != int(number):
        raise ValueError("not a count")
    return int(number)


def _label(value: object) -> str:
    """The name in a row, "" for null. Raises ValueError if it isn't text."""
    if value is not None and not isinstance(value, str):
        raise ValueError("not a name")
    return text(value)


def _money(value: object, most: Decimal = _MOST_DOLLARS) -> int:
    """Parse dollars into nano-dollars; null is 0. Raises ValueError or ArithmeticError."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError("not an amount")
    if isinstance(value, str) and (len(value) > 40 or not value.isascii() or "_" in value):
        raise ValueError("not an amount")
    amount = Decimal(value)
    if not amount.is_finite() or abs(amount) > most:
        raise ValueError("not an amount")
    return int((amount * NANO).to_integral_value())


def _row_money(value: object) -> int:
    return _money(value, _MOST_DOLLARS_A_ROW)


_DECODE = {FigureKind.COUNT: _count, FigureKind.MONEY: _row_money}
_DECODERS = tuple((figure.wire, _DECODE[figure.kind]) for figure in REQUIRED)
_OPTIONAL_DECODERS = tuple((figure.wire, _DECODE[figure.kind]) for figure in figure_table.OPTIONAL)


def dollars(value: object) -> int | None:
    """Convert dollars to nano-dollars; None if null or invalid."""
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


def text(value: object) -> str:
    """Text without lone surrogates, which databases reject; "" for other values."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def entries(body: bytes) -> Iterable[Mapping[str, Any]]:
    """The objects in the `data` list of a response. Raises BadAnswerError."""
    return _list(read_json(body))


def _list(answer: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    data = answer.get("data")
    if not isinstance(data, list):
        raise BadAnswerError("the response has no list")
    return [entry for entry in data if isinstance(entry, dict)]


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
