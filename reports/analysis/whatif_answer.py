"""Presents the cost of the same tokens on another model as an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from reports.analysis.document import AnalysisDocument, ExactTable, TableColumn, json_groups
from reports.analysis.nothing import nothing_used
from reports.analysis.retiring_answer import ends_words
from reports.analysis.whatif import Repriced, together
from reports.questions.query import Query
from reports.questions.wording import DIMENSION_WORDS, capitalize_first, title
from reports.time.time_range import TimeRange
from reports.usage.coverage import NO_DATA_FOR_PERIOD
from reports.usage.format import money, percent
from reports.usage.usage import dollars

NOTHING = "there is nothing to reprice"
NOT_USED = (
    "No model like “{source}” was used in this period{filtered}, so there is nothing to reprice."
)
_ALL = "all"
_NOTE = (
    "Repriced with OpenRouter's list prices, cached prompt tokens at the price of cached ones."
    " Discounts, long prompts and what writing to a cache costs are left out; the error shows"
    " how much they add up to."
)
_NAMED = 3
"""The number of models that a sentence names; if there are more, it has their number, and `by
model` lists them."""
_CACHE_UNKNOWN = (
    "For a part of this period it isn't known how many prompt tokens came from a cache; in that "
    "part, all count at the full price."
)
_NO_CACHE_PRICE = "{target} has no price for cached tokens, so they count at the full prompt price."


@dataclass(frozen=True, slots=True)
class CachePricing:
    """How cached tokens were priced. `unknown`: they aren't known for part of the usage.

    `target_has_price`: the other model has a separate price for them.
    """

    unknown: bool = False
    target_has_price: bool = True


@dataclass(frozen=True, slots=True)
class OtherGroups:
    """How many groups an answer doesn't have, and what these are together."""

    count: int
    found: Repriced


def whatif_answer(
    query: Query,
    span: TimeRange,
    source: str,
    target: str,
    whole: Repriced,
    groups: Sequence[Repriced],
    cache: CachePricing,
    *,
    others: OtherGroups | None = None,
    ends: date | None = None,
    now: datetime | None = None,
    as_of: datetime | None,
    partial: Sequence[str],
) -> AnalysisDocument:
    """`source` and `target` are the models' slugs (several with commas between them); `groups` is
    empty without a grouping, and `others` are those that it lacks because a message doesn't show
    them. `ends` is the target's last day at OpenRouter, if it has one; `now` is the time of the
    question (UTC).
    """
    used = bool(whole.billed or whole.repriced_same or whole.repriced)
    models, every = source.split(", "), query.extra[:1] == (_ALL,)
    many = f"the {len(models):,} models in use" if every else f"{len(models):,} models"
    named = source if len(models) <= _NAMED else many
    filtered = " with these filters" if query.filters else ""
    nothing = (
        nothing_used(query, partial, NOTHING)
        if every or NO_DATA_FOR_PERIOD in partial
        else NOT_USED.format(source=source, filtered=filtered)
    )
    return AnalysisDocument(
        query=query,
        title=f"{title(query)}: {target} instead of {'all models' if every else named}",
        sentences=_sentences(named, target, whole, ends, now) if used else (nothing,),
        as_of=as_of,
        made=span.until,
        range=span,
        partial=tuple(partial),
        columns=_columns(query, whole) if groups else (),
        rows=_rows(query, whole, groups, others) if groups else (),
        notes=_notes(target, cache) if used else (),
        exact=lambda: _exact(query, groups or ((whole,) if used else ())),
        data=lambda: {
            "from": source,
            "to": target,
            **_figures(whole),
            "groups": json_groups(
                query,
                ({"label": one.label, **_figures(one)} for one in groups),
                _figures(whole),
            ),
        },
        groups=tuple(one.label for one in groups[: query.top]),
        empty=not used,
    )


def _notes(target: str, cache: CachePricing) -> tuple[str, ...]:
    notes = [_NOTE]
    if cache.unknown:
        notes.append(_CACHE_UNKNOWN)
    if not cache.target_has_price:
        notes.append(_NO_CACHE_PRICE.format(target=target))
    return tuple(notes)


def _sentences(
    source: str, target: str, whole: Repriced, ends: date | None, now: datetime | None
) -> tuple[str, ...]:
    less = "less" if whole.difference < 0 else "more"
    change = (
        "the same"
        if not whole.difference
        else f"{money(abs(whole.difference))} {less}"
    )  # fmt: skip
    priced = (
        f"At list prices, these tokens cost {money(whole.repriced_same)} on {source} and"
        f" {money(whole.repriced)} on {target}: {change}."
    )
    lines = [priced]
    if ends and now:
        verb = "retires" if ends >= now.date() else "retired"
        lines.append(f"But {target} {verb} on {ends_words(ends, now.date())}.")
    error = whole.error
    if error is None:
        lines.append("Nothing was billed for them.")
        return tuple(lines)
    billed = f"{money(whole.billed)} was billed"
    if whole.byok:
        part = "all" if whole.byok == whole.billed else money(whole.byok)
        billed = f"{money(whole.billed)} was spent ({part} of it estimated by OpenRouter, for BYOK)"
    what = "that" if whole.byok else "the bill"
    if error:
        side = "above" if error > 0 else "below"
        lines.append(
            f"{billed}, so the list is {percent(abs(error))} {side} {what}; expect about the same"
            " error on the other model."
        )
    else:
        lines.append(f"{billed}, exactly the list price.")
    return tuple(lines)


def _columns(query: Query, whole: Repriced) -> tuple[TableColumn, ...]:
    name = capitalize_first(DIMENSION_WORDS[query.by]) if query.by else ""
    heads = (
        "Billed" if not whole.byok else "Spend",
        "At list price",
        "On the other model",
        "Difference",
        "Error",
    )
    return (TableColumn(name, right=False), *map(TableColumn, heads))


def _rows(
    query: Query, whole: Repriced, groups: Sequence[Repriced], others: OtherGroups | None
) -> tuple[tuple[str, ...], ...]:
    shown, remaining = groups[: query.top], groups[query.top :]
    rows = [_row(one, one.label) for one in shown]
    if remaining:
        others = OtherGroups(len(remaining), together("", remaining))
    if others:
        rows.append(_row(others.found, f"Others ({others.count:,})"))
    return (*rows, *([_row(whole, "All")] if len(groups) > 1 or others else []))


def _row(one: Repriced, label: str) -> tuple[str, ...]:
    return (
        label,
        money(one.billed),
        money(one.repriced_same),
        money(one.repriced),
        f"{'+' if one.difference > 0 else ''}{money(one.difference)}",
        "–" if one.error is None else percent(one.error),
    )


def _figures(one: Repriced) -> dict[str, Any]:
    return {
        "billed": dollars(one.billed),
        "byok": dollars(one.byok),
        "repriced_same": dollars(one.repriced_same),
        "repriced": dollars(one.repriced),
        "difference": dollars(one.difference),
        "error": None if one.error is None else float(one.error),
    }


def _exact(query: Query, groups: Sequence[Repriced]) -> ExactTable:
    name = {None: "Group", "model": "Slug", "key": "API Key", "creator": "Creator"}[query.by]
    columns = (name, "Spend", "BYOK", "Repriced Same", "Repriced", "Difference")
    rows = tuple(
        (
            one.label, dollars(one.billed), dollars(one.byok), dollars(one.repriced_same),
            dollars(one.repriced), dollars(one.difference),
        )
        for one in groups
    )  # fmt: skip
    return ExactTable(columns, rows, frozenset(range(1, len(columns))))
