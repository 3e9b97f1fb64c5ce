"""Presents which limit is hit first as an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from reports.analysis.document import AnalysisDocument, ExactTable, TableColumn
from reports.analysis.limits import (
    FullAt,
    LimitForecast,
    LimitKind,
    first_in_order,
    in_order,
)
from reports.questions.query import Query
from reports.questions.wording import title
from reports.time.time_range import DAY
from reports.usage.format import money, percent
from reports.usage.usage import dollars

NONE_SET = "No limit is set at OpenRouter: no key limit, workspace budget or guardrail budget."
NOT_READ = (
    "OpenRouter's limits could not be read yet, so I don't know which are set. `status` says"
    " whether the sync works."
)
NONE_HERE = "No limit is set for {whose}, so only the organization's own limits apply."
NOTHING_HIT = "At the usual pace, no limit is reached before it resets."
_UNLIMITED_NOTE = (
    "A key counts as unlimited if it has no limit of its own; guardrails and workspace budgets"
    " may still stop it."
)
_BAND_NOTE = (
    "When a limit will be full is estimated from what `forecast` expects of a week, spread over its"
    " hours as in the past four weeks; the times in parentheses are for a busy and a quiet week."
)
ZONE_NOTE = "Times are in {zone}."
_MOST_FULL = 3
"""The number of full limits that get a sentence; the table has all of them."""
_KINDS = {
    LimitKind.KEY: "Key limit",
    LimitKind.WORKSPACE: "Workspace budget",
    LimitKind.MEMBER_GUARDRAIL: "Member guardrail",
    LimitKind.KEY_GUARDRAIL: "Key guardrail",
    LimitKind.CREDITS: "Credits",
}


@dataclass(frozen=True, slots=True)
class UnlimitedKeys:
    """The number of keys without a limit of their own, and their spend in 30 days
    (nano-dollars)."""

    keys: int
    spend_30d: int


def limits_answer(
    query: Query,
    limits: Sequence[LimitForecast],
    unlimited: UnlimitedKeys | None,
    now: datetime,
    zone: str,
    *,
    whose: str = "",
    notes: Sequence[str] = (),
    as_of: datetime | None,
    partial: Sequence[str] = (),
) -> AnalysisDocument:
    """The answer with the limits, in any order.

    `unlimited` is None if the keys without a limit aren't known. `zone` is the reader's; `whose`
    says whose limits they are if not all were requested (`these keys`, `you`).
    """
    hit = in_order(one for one in limits if one.full)
    return AnalysisDocument(
        query=query,
        title=title(query),
        sentences=_sentences(limits, hit, unlimited, now, zone, whose),
        as_of=as_of,
        made=now,
        partial=tuple(partial),
        columns=_COLUMNS if limits else (),
        rows=_rows(limits, query.top, now, zone),
        notes=(
            *_times_note(limits, zone, hit=bool(hit)),
            *([_UNLIMITED_NOTE] if unlimited and unlimited.keys else []),
            *notes,
        ),
        exact=lambda: _exact(in_order(limits)),
        data=lambda: {
            "walls": [_data(one) for one in in_order(limits)],
            "unlimited": None if unlimited is None else {
                "keys": unlimited.keys, "spend_30d": dollars(unlimited.spend_30d)
            },
        },
        empty=not limits,
    )  # fmt: skip


_COLUMNS = (
    TableColumn("Limit", right=False),
    TableColumn("Used"),
    TableColumn("Full", right=False),
    TableColumn("Resets", right=False),
    TableColumn("Owner", right=False),
)


def _sentences(
    limits: Sequence[LimitForecast],
    hit: Sequence[LimitForecast],
    unlimited: UnlimitedKeys | None,
    now: datetime,
    zone: str,
    whose: str,
) -> tuple[str, ...]:
    lines = []
    if not limits:
        lines.append(NONE_HERE.format(whose=whose) if whose else NONE_SET)
    elif not hit:
        lines.append(NOTHING_HIT)
    else:
        full = [one for one in hit if one.full and one.full.at <= now]
        coming = hit[len(full) :]
        lines += [_full_now(one, zone) for one in full[:_MOST_FULL]]
        if len(full) > _MOST_FULL:
            more = len(full) - _MOST_FULL
            lines.append(f"{more:,} more {'is' if more == 1 else 'are'} full.")
        lines += [_next(one, now, zone, after=bool(full)) for one in coming[:1]]
        if len(limits) > 1:
            lines.append(_counts(len(full), coming, len(limits)))
    if unlimited and unlimited.keys:
        spent = f"spent {money(unlimited.spend_30d)}" if unlimited.spend_30d else "spent nothing"
        keys = "1 key has" if unlimited.keys == 1 else f"{unlimited.keys:,} keys have"
        lines.append(f"{keys} no limit and {spent} in the past 30 days.")
    return tuple(lines)


def _counts(full: int, coming: Sequence[LimitForecast], total: int) -> str:
    """How many limits are full, and how many others will be; at least one of both."""
    are = "is" if full == 1 else "are"
    already = f"{full:,} of {total:,} limits {are} full"
    if not coming:
        others = "the other isn't" if total - full == 1 else "none of the others is"
        none = f"at the usual pace, {others} reached before it resets"
        if total > full:
            return f"{already}; {none}."
        return "Both limits are full." if total == 2 else f"All {total:,} limits are full."
    count = f"{len(coming):,} more" if full else f"{len(coming):,} of {total:,} limits"
    are, they = ("is", "it resets") if len(coming) == 1 else ("are", "they reset")
    resetting = sum(one.resets is not None for one in coming)
    before = f"before {they}" if resetting else "within three months"
    if 0 < resetting < len(coming):
        before = f"{before} or within three months"
    reached = f"t the usual pace, {count} {are} reached {before}."
    return f"{already}; a{reached}" if full else f"A{reached}"


def _times_note(limits: Sequence[LimitForecast], zone: str, *, hit: bool) -> tuple[str, ...]:
    """A note on what the times mean and which zone they are in, if there are any."""
    parts = [_BAND_NOTE] if hit else []
    if hit or any(one.resets for one in limits):
        parts.append(ZONE_NOTE.format(zone=zone))
    return (" ".join(parts),) if parts else ()


def _full_now(one: LimitForecast, zone: str) -> str:
    """A sentence that a limit is already reached, and until when."""
    if one.kind is LimitKind.CREDITS:
        return f"Credits are used up: {_used(one)}."
    until = "and never resets"
    if one.resets:
        until = f"until it resets on {_reset(one.resets, zone).replace(',', ' at')}"
    share = f" ({percent(Fraction(one.used, one.limit))})" if one.limit else ""
    return f"{_name(one)} is full {until}: {_used(one)}{share}."


def _next(one: LimitForecast, now: datetime, zone: str, *, after: bool) -> str:
    """A sentence on what is hit next, and when; `after`: something is already full."""
    if one.full is None:
        return ""
    when = full_words(one.full, now, zone, resets=one.resets is not None)
    order = "next" if after else "first"
    verb = "will run out" if one.kind is LimitKind.CREDITS else "will be full"
    return f"{_name(one)} {verb} {order}, about {when}: {_used(one)}."


def _name(one: LimitForecast) -> str:
    if one.kind is LimitKind.CREDITS:
        return "Credits"
    who = f" for {one.owner}" if one.kind is LimitKind.MEMBER_GUARDRAIL and one.owner else ""
    return f"{_KINDS[one.kind]} “{one.label}”{who}"


def _used(one: LimitForecast) -> str:
    return f"{money(one.used)} of {money(one.limit)} used"


def _band(full: FullAt, now: datetime, zone: str, *, resets: bool) -> str:
    early = _when(full.earliest, now, zone)
    never = "not before it resets" if resets else "not within three months"
    late = never if full.latest is None else _when(full.latest, now, zone)
    if early == late == _when(full.at, now, zone):
        return ""
    return f" ({early} to {late})" if full.latest else f" ({early}, or {late})"


def _rows(
    limits: Sequence[LimitForecast], top: int, now: datetime, zone: str
) -> tuple[tuple[str, ...], ...]:
    rows = [_row(one, now, zone) for one in first_in_order(limits, top)]
    if len(limits) > top:
        rows.append((f"Others ({len(limits) - top:,})", "–", "–", "–", "–"))
    return tuple(rows)


def _row(one: LimitForecast, now: datetime, zone: str) -> tuple[str, ...]:
    share = f" ({percent(Fraction(one.used, one.limit))})" if one.limit else ""
    name = one.label if one.kind is LimitKind.CREDITS else f"{one.label} · {_KINDS[one.kind]}"
    return (
        name,
        f"{money(one.used)} of {money(one.limit)}{share}",
        _full(one, now, zone),
        _reset(one.resets, zone) if one.resets else "never",
        one.owner or "–",
    )


def _full(one: LimitForecast, now: datetime, zone: str) -> str:
    if one.full is None:
        return "not before reset" if one.resets else "not within 3 months"
    if one.full.at <= now:
        return "now"
    return full_words(one.full, now, zone, resets=one.resets is not None)


def full_words(full: FullAt, now: datetime, zone: str, *, resets: bool) -> str:
    """When something is used up, with its range: `Tue 14:20 (Tue 9:00 to Wed 11:30)`.

    `resets`: it is a limit that resets.
    """
    return f"{_when(full.at, now, zone)}{_band(full, now, zone, resets=resets)}"


def _reset(moment: datetime, zone: str) -> str:
    """When a limit resets, in the reader's zone: `Tue 1 Dec, 1:00`."""
    in_zone = moment.astimezone(ZoneInfo(zone))
    return f"{in_zone:%a} {in_zone.day} {in_zone:%b}, {in_zone.hour}:{in_zone:%M}"


def _when(moment: datetime, now: datetime, zone: str) -> str:
    """A time in the reader's zone, as short as possible: `14:20`, `Tue 14:20`, `24 Dec`."""
    in_zone, today = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    days = (in_zone.date() - today).days
    if days == 0:
        return f"{in_zone:%H:%M}"
    if 0 < days < 7:
        return f"{in_zone:%a %H:%M}"
    year = "" if in_zone.year == today.year or moment - now < 180 * DAY else f" {in_zone.year}"
    return f"{in_zone.day} {in_zone:%b}{year}"


def _data(one: LimitForecast) -> dict[str, Any]:
    full = one.full
    return {
        "kind": str(one.kind),
        "label": one.label,
        "owner": one.owner,
        "limit": dollars(one.limit),
        "used": dollars(one.used),
        "remaining": dollars(one.remaining),
        "resets": _iso(one.resets),
        "full": None if full is None else full_json(full),
    }


def full_json(full: FullAt) -> dict[str, str | None]:
    """When something is used up as JSON values: times in UTC; `to` may be null."""
    return {"at": _iso(full.at), "from": _iso(full.earliest), "to": _iso(full.latest)}


def _exact(limits: Sequence[LimitForecast]) -> ExactTable:
    columns = ("Kind", "Limit", "Owner", "Amount", "Used", "Remaining", "Resets", "Full",
               "Full From", "Full To")  # fmt: skip
    rows = []
    for one in limits:
        full = one.full
        moments = (full.at, full.earliest, full.latest) if full else (None, None, None)
        rows.append(
            (
                str(one.kind), one.label, one.owner,
                dollars(one.limit), dollars(one.used), dollars(one.remaining),
                *(_iso(moment) or "" for moment in (one.resets, *moments)),
            )
        )  # fmt: skip
    return ExactTable(columns, tuple(rows), frozenset({3, 4, 5}))


def _iso(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
