"""Presents the API key review as an answer: how many are unused, unlimited, orphaned or
expiring."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from reports.analysis.document import AnalysisDocument, ExactTable, TableColumn
from reports.analysis.keys import (
    EXPIRES_WITHIN,
    KEYS_PAGE,
    KeyFacts,
    KeyReport,
    KeyReview,
    KeyTrait,
)
from reports.questions.query import Query
from reports.questions.wording import title
from reports.usage.format import money, percent
from reports.usage.usage import dollars

NO_KEYS = "OpenRouter lists no API key in this organization."
NO_MATCH = "No API key in OpenRouter's list matches these filters; `keys` lists all of them."
NONE_SUCH = "No key is {traits}."
UNKNOWN = "OpenRouter's list of keys could not be read yet, so nothing is known about them."
_LINK = f"Keys are changed at {KEYS_PAGE}; I only read."
_YEAR = timedelta(days=365)
_COLUMNS = (
    TableColumn("Key", right=False),
    TableColumn("Note", right=False),
    TableColumn("Owner", right=False),
    TableColumn("Last used", right=False),
    TableColumn("Spend, 30 days"),
    TableColumn("Limit"),
    TableColumn("Created", right=False),
)


def keys_answer(
    query: Query,
    report: KeyReport,
    wanted: frozenset[KeyTrait],
    unused_for: timedelta,
    now: datetime,
    *,
    as_of: datetime | None,
    partial: Sequence[str] = (),
) -> AnalysisDocument:
    """The answer with the requested keys. `wanted` are the requested traits; empty for all keys."""
    return AnalysisDocument(
        query=query,
        title=title(query),
        sentences=_sentences(report, wanted, unused_for, now, filtered=bool(query.filters)),
        as_of=as_of,
        made=now,
        partial=tuple(partial),
        columns=_COLUMNS if report.keys else (),
        rows=_rows(report.keys, query.top, now),
        notes=(_LINK,),
        exact=lambda: _exact(report.keys),
        data=lambda: {
            "counts": {"keys": report.total, **{str(k): n for k, n in report.counts.items()}},
            "keys": [_data(one) for one in report.keys],
        },
        groups=tuple(one.facts.label for one in report.keys[: query.top]),
        empty=not report.keys,
    )


def _sentences(
    report: KeyReport,
    wanted: frozenset[KeyTrait],
    unused_for: timedelta,
    now: datetime,
    *,
    filtered: bool,
) -> tuple[str, ...]:
    if not report.total:
        return (NO_MATCH if filtered else NO_KEYS,)
    counts = report.counts
    overview = (
        f"{report.total:,} {'key' if report.total == 1 else 'keys'}:"
        f" {counts[KeyTrait.UNUSED]:,} unused for {unused_for.days:,} days,"
        f" {counts[KeyTrait.UNLIMITED]:,} without a limit{_disabled(report.disabled_unlimited)},"
        f" {counts[KeyTrait.ORPHANED]:,} of people who left,"
        f" {counts[KeyTrait.EXPIRING]:,} expiring within {EXPIRES_WITHIN.days} days."
    )
    sentences = [overview]
    if wanted and not report.keys:
        sentences.append(NONE_SUCH.format(traits=_traits(wanted, unused_for)))
    spend = sum(one.facts.spend_30d for one in report.keys)
    if wanted and report.keys:
        listed = len(report.keys)
        those = "The key below" if listed == 1 else f"The {listed:,} keys below"
        traits = _traits(wanted, unused_for)
        amount = money(spend) if spend else "nothing"
        sentences.append(f"{those} ({traits}) spent {amount} in the past 30 days.")
        if KeyTrait.EXPIRING in wanted and (expires := report.keys[0].facts.expires):
            name, first = report.keys[0].facts.label, " first" if listed > 1 else ""
            sentences.append(f"{name} expires{first} on {_expires(expires, now)}.")
    left = [one for one in report.keys if KeyTrait.ORPHANED in one.traits and one.facts.spend_30d]
    if left:
        spent = money(sum(one.facts.spend_30d for one in left))
        keys = "1 key" if len(left) == 1 else f"{len(left):,} keys"
        verb = "spends" if len(left) == 1 else "spend"
        sentences.append(f"{keys} of people who left still {verb}: {spent} in the past 30 days.")
    return tuple(sentences)


def _disabled(unlimited: int) -> str:
    """What the number of keys without a limit leaves out."""
    return f" (and {unlimited:,} disabled)" if unlimited else ""


def _traits(wanted: frozenset[KeyTrait], unused_for: timedelta) -> str:
    """The requested traits in words: `unlimited and unused for 60 days`."""
    unused = f"unused for {_days(unused_for.days)}"
    return " and ".join(unused if one is KeyTrait.UNUSED else str(one) for one in sorted(wanted))


def _rows(keys: Sequence[KeyReview], top: int, now: datetime) -> tuple[tuple[str, ...], ...]:
    rows = [_row(one, now) for one in keys[:top]]
    if len(keys) > top:
        spent = money(sum(one.facts.spend_30d for one in keys[top:]))
        rows.append((f"Others ({len(keys) - top:,})", "–", "–", "–", spent, "–", "–"))
    return tuple(rows)


def _row(one: KeyReview, now: datetime) -> tuple[str, ...]:
    facts = one.facts
    limit = "unknown" if not facts.limit_known else "none" if facts.limit is None else None
    owner = facts.owner or ("left" if facts.owner_left else "–")
    return (
        facts.label,
        "; ".join(_notes(one, now)) or "–",
        f"{owner} (left)" if facts.owner_left and facts.owner else owner,
        _ago(facts.last_used, now) if facts.last_used else _never(facts, now),
        money(facts.spend_30d),
        limit or f"{money(facts.limit or 0)} {facts.limit_reset}".rstrip(),
        _date(facts.created, now),
    )


def _notes(one: KeyReview, now: datetime) -> list[str]:
    """Each trait of a key with what it follows from: `unused for 49 days`."""
    facts, expires = one.facts, one.facts.expires
    notes = []
    for trait in one.traits:
        match trait:
            case KeyTrait.UNUSED if facts.last_used:
                notes.append(f"unused for {_days(_days_since(facts.last_used, now))}")
            case KeyTrait.UNUSED:
                notes.append("never used" if _never(facts, now) == "never" else "unused for a year")
            case KeyTrait.ORPHANED:
                notes.append("orphaned: its owner left")
            case KeyTrait.EXPIRING if expires:
                notes.append(f"expires {_expires(expires, now)}")
            case _:
                notes.append(str(trait))
    if facts.limit is not None and (used := facts.limit_used) is not None and used >= facts.limit:
        share = f" ({percent(Fraction(used, facts.limit))} used)" if facts.limit else ""
        notes.append(f"limit is full{share}")
    if expires and expires < now:
        notes.append(f"expired {_date(expires, now)}")
    return notes + (["disabled"] if facts.disabled else [])


def _expires(moment: datetime, now: datetime) -> str:
    """When a key expires: `9 Dec, in 9 days`."""
    days = (moment.date() - now.date()).days
    return f"{_date(moment, now)}, {f'in {_days(days)}' if days > 0 else 'today'}"


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"


def _never(facts: KeyFacts, now: datetime) -> str:
    """Since when a key without any known use wasn't used; usage is only known for a year."""
    new = facts.created is not None and now - facts.created < _YEAR
    return "never" if new else "not in a year"


def _ago(moment: datetime, now: datetime) -> str:
    """How many days ago."""
    days = _days_since(moment, now)
    if days <= 0:
        return "today"
    return "yesterday" if days == 1 else f"{days:,} days ago"


def _days_since(moment: datetime, now: datetime) -> int:
    """Days from one date to the other, since older usage is only known by day."""
    return (now.date() - moment.date()).days


def _date(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "unknown"
    return f"{moment.day} {moment:%b}" + ("" if moment.year == now.year else f" {moment.year}")


def _data(one: KeyReview) -> dict[str, Any]:
    facts = one.facts
    return {
        "label": facts.label,
        "owner": facts.owner,
        "created": _iso(facts.created),
        "last_used": _iso(facts.last_used),
        "expires": _iso(facts.expires),
        "limit": None if facts.limit is None else dollars(facts.limit),
        "limit_reset": facts.limit_reset or None,
        "disabled": facts.disabled,
        "spend_30d": dollars(facts.spend_30d),
        "is": [str(trait) for trait in one.traits],
    }


def _exact(keys: Sequence[KeyReview]) -> ExactTable:
    columns = ("API Key", "Owner", "Created", "Last Used", "Expires", "Limit", "Limit Reset",
               "Disabled", "Spend 30 Days", "Is")  # fmt: skip
    rows = tuple(
        (
            one.facts.label, one.facts.owner, _iso(one.facts.created) or "",
            _iso(one.facts.last_used) or "", _iso(one.facts.expires) or "",
            *_exact_limit(one.facts), "yes" if one.facts.disabled else "no",
            dollars(one.facts.spend_30d), " ".join(one.traits),
        )
        for one in keys
    )  # fmt: skip
    return ExactTable(columns, rows, frozenset({5, 8}))


def _exact_limit(facts: KeyFacts) -> tuple[str, str]:
    """The amount of a limit and when it resets; both empty if there is none."""
    if not facts.limit_known:
        return "unknown", "unknown"
    if facts.limit is None:
        return "", ""
    return dollars(facts.limit), facts.limit_reset or "never"


def _iso(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
