"""Presents what a million tokens cost as an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from reports.analysis.document import AnalysisDocument, ExactTable, TableColumn, json_groups
from reports.analysis.nothing import nothing_used
from reports.analysis.price import Prices, UnitPrice, free_groups
from reports.questions.query import Query
from reports.questions.wording import DIMENSION_WORDS, capitalize_first, title
from reports.time.time_range import TimeRange
from reports.usage.dimensions import MoneySource
from reports.usage.format import money, number
from reports.usage.usage import dollars

UNKNOWN = "–"
NOTHING = "there is no price to compute"
TOKENS_UNKNOWN = (
    "OpenRouter doesn't say how many tokens were paid {source} where credits and BYOK were used for"
    " the same key and model, so there is no price of a token."
)
REQUESTS_UNKNOWN = (
    "It isn't known which requests were paid {source}, because an imported file doesn't say so;"
    " so there is no price to compute."
)
ONE_SOURCE = "Only what was paid {source} counts: spend, tokens and requests."
FEES = "OpenRouter's fees for BYOK requests: {fees} from credits, not in these prices."
ONLY_FEES = "From credits, only OpenRouter's fees for BYOK requests were paid: {fees}."
WITH_FEES = (
    "Where credits and BYOK were used for the same key and model, spend from credits includes"
    " OpenRouter's fees for the BYOK requests."
)
EFFECTIVE = "Effective prices: spend divided by tokens, with caching and discounts included."
_FROM = {MoneySource.ALL: "", MoneySource.CREDITS: "from credits", MoneySource.BYOK: "from BYOK"}
_FIGURES = (
    "Spend", "BYOK", "Prompt", "Completion", "Tokens", "Requests", "Per Million", "Per Request",
    "Ratio",
)  # fmt: skip


def price_answer(
    query: Query,
    span: TimeRange,
    found: Prices,
    *,
    as_of: datetime | None,
    partial: Sequence[str],
) -> AnalysisDocument:
    """The answer with the unit prices of a range; without a grouping, there are no groups."""
    blended = found.blended
    empty = not found.used
    return AnalysisDocument(
        query=query,
        title=title(query),
        sentences=(nothing_used(query, partial, NOTHING),) if empty else _sentences(found, query),
        as_of=as_of,
        made=span.until,
        range=span,
        partial=tuple(partial),
        columns=_columns(query) if query.by else (),
        rows=_rows(found, query) if query.by else (),
        notes=() if empty else _notes(found, query),
        exact=lambda: _exact(found, query),
        data=lambda: {
            "blended": _figures(blended),
            **({"fees": dollars(found.fees)} if query.source is MoneySource.CREDITS else {}),
            "groups": json_groups(
                query,
                ({"label": one.label, **_figures(one)} for one in found.groups),
                _figures(blended),
            ),
        },
        groups=tuple(one.label for one in _parted(found, query.top)[0]),
        empty=empty,
    )


def _sentences(found: Prices, query: Query) -> tuple[str, ...]:
    whole, source = found.blended, _FROM[query.source]
    if not whole.spend and whole.requests == 0:
        if found.fees:
            return (ONLY_FEES.format(fees=money(found.fees)),)
        return (f"Nothing was paid {source} in this period.",)
    spent = " ".join(filter(None, (money(whole.spend), source)))
    if whole.requests is None:
        return (f"{spent}.", REQUESTS_UNKNOWN.format(source=source))
    requests = f"{number(whole.requests)} {'request' if whole.requests == 1 else 'requests'}"
    estimated = "An estimated " if query.source is MoneySource.BYOK else ""
    if whole.tokens is None:
        lines = [f"{estimated}{_money(whole.per_request)} for a request: {spent} for {requests}."]
        lines.append(TOKENS_UNKNOWN.format(source=source))
    elif whole.per_million is None:
        return (f"{spent} for {requests}, without any tokens.",)
    else:
        used = f"{number(whole.tokens)} tokens in {requests}"
        if whole.free:
            return (f"All of it was free: {used}.",)
        lines = [
            (
                f"{estimated}{_money(whole.per_million)} for a million tokens and"
                f" {_money(whole.per_request)} for a request, over everything: {spent} for {used}."
            )
        ]
    if whole.ratio is not None:
        lines.append(f"{number(whole.ratio)} prompt tokens for each completion token.")
    free = free_groups(found.groups)
    if free and query.by:
        names = ", ".join(one.label for one in free[:3])
        more = f" and {len(free) - 3} more" if len(free) > 3 else ""
        tokens = sum(one.tokens or 0 for one in free)
        lines.append(f"Free: {names}{more}, {number(tokens)} tokens in all.")
    if query.by and (without := found.total - len(found.groups)):
        nothing = "nothing but fees" if found.fees else "nothing"
        paid = f"paid {nothing} {source} and {'is' if without == 1 else 'are'} left out"
        lines.append(f"{without:,} of {found.total:,} {paid}.")
    return tuple(lines)


def _notes(found: Prices, query: Query) -> tuple[str, ...]:
    whole, notes = found.blended, [EFFECTIVE]
    if not whole.spend and whole.requests == 0:
        return ()
    if query.source is not MoneySource.ALL:
        notes.append(ONE_SOURCE.format(source=_FROM[query.source]))
    if found.fees:
        notes.append(FEES.format(fees=money(found.fees)))
    if found.fees_within:
        notes.append(WITH_FEES)
    if query.source is MoneySource.BYOK:
        notes.append("What own provider keys (BYOK) cost is OpenRouter's estimate.")
    elif whole.byok:
        notes.append(
            f"{money(whole.byok)} of the spend went through own provider keys (BYOK), which"
            " OpenRouter only estimates."
        )
    return tuple(notes)


def _columns(query: Query) -> tuple[TableColumn, ...]:
    name = capitalize_first(DIMENSION_WORDS[query.by]) if query.by else ""
    heads = ("Per 1M tokens", "vs all", "Per request", "Prompt : completion", "Spend", "Tokens")
    return (TableColumn(name, right=False), *map(TableColumn, heads))


def _rows(found: Prices, query: Query) -> tuple[tuple[str, ...], ...]:
    shown, others, free = _parted(found, query.top)
    rows = [_row(one, one.label, found.blended) for one in shown]
    if others:
        label = others[0].label if len(others) == 1 else f"Others ({len(others):,})"
        rows.append(_row(_together(others), label, found.blended))
    if free:
        label = free[0].label if len(free) == 1 else f"Free ({len(free):,})"
        rows.append(_row(_together(free), label, found.blended))
    if len(found.groups) > 1:
        rows.append(_row(found.blended, "All", found.blended))
    return tuple(rows)


def _parted(
    found: Prices, top: int
) -> tuple[tuple[UnitPrice, ...], tuple[UnitPrice, ...], tuple[UnitPrice, ...]]:
    """Split the groups: those with their own row, the others, and the free ones if those share a
    row.

    Free groups never count among the others, because that would mix their prices.
    """
    if len(found.groups) <= top:
        return found.groups, (), ()
    paid = tuple(one for one in found.groups if not one.free)
    return paid[:top], paid[top:], free_groups(found.groups)


def _together(groups: Sequence[UnitPrice]) -> UnitPrice:
    """Combine several groups."""
    return UnitPrice(
        "",
        sum(one.spend for one in groups),
        _sum(one.tokens for one in groups),
        _sum(one.requests for one in groups),
        _sum(one.prompt for one in groups),
        _sum(one.completion for one in groups),
        sum(one.byok for one in groups),
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    """A sum; None if a part of it is unknown."""
    found = list(counts)
    known = [one for one in found if one is not None]
    return sum(known) if len(known) == len(found) else None


def _row(one: UnitPrice, label: str, blended: UnitPrice) -> tuple[str, ...]:
    against = one.against(blended)
    free = one.free and one.per_million is not None
    return (
        label,
        "free" if free else _money(one.per_million),
        UNKNOWN if against is None or not one.spend else f"{_times(against)}x",
        "free" if free and one.requests else _money(one.per_request),
        UNKNOWN if one.ratio is None else f"{number(one.ratio)} : 1",
        money(one.spend),
        "unknown" if one.tokens is None else number(one.tokens),
    )


def _times(ratio: Fraction) -> str:
    return f"{float(ratio):.2f}" if ratio < 10 else f"{float(ratio):,.0f}"


def _money(price: Fraction | None) -> str:
    return UNKNOWN if price is None else money(price)


def _figures(one: UnitPrice) -> dict[str, Any]:
    return {
        "per_million": _exact_money(one.per_million),
        "per_request": _exact_money(one.per_request),
        "ratio": None if one.ratio is None else float(one.ratio),
        "spend": dollars(one.spend),
        "tokens": one.tokens,
        "requests": one.requests,
    }


def _exact_money(price: Fraction | None) -> str | None:
    return None if price is None else dollars(price)


def _exact(found: Prices, query: Query) -> ExactTable:
    """The exact rows of every group, with the figures that its prices were computed from."""
    name = {None: "Group", "model": "Slug", "key": "API Key", "creator": "Creator"}[query.by]
    groups = found.groups or (
        (found.blended,)
        if any((found.blended.spend, found.blended.tokens, found.blended.requests))
        else ()
    )
    rows = tuple(
        (
            one.label,
            dollars(one.spend), dollars(one.byok), *_known(one),
            _exact_money(one.per_million) or "",
            _exact_money(one.per_request) or "",
            "" if one.ratio is None else f"{float(one.ratio):.6f}".rstrip("0").rstrip("."),
        )
        for one in groups
    )  # fmt: skip
    return ExactTable((name, *_FIGURES), rows, frozenset(range(1, len(_FIGURES) + 1)))


def _known(one: UnitPrice) -> tuple[int | str, ...]:
    """Prompt, completion, all tokens and requests; empty where unknown."""
    counts = one.prompt, one.completion, one.tokens, one.requests
    return tuple("" if count is None else count for count in counts)
