"""Presents what was first used in a period as an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reports.analysis.document import AnalysisDocument, ExactTable, TableColumn
from reports.analysis.first_use import FirstUse
from reports.analysis.text import iso
from reports.questions.query import Query
from reports.questions.wording import (
    DIMENSION_WORDS,
    bucket_words,
    capitalize_first,
    period_words,
    since_words,
)
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import Dimension
from reports.usage.format import money, number
from reports.usage.usage import dollars

NO_HISTORY = (
    "No usage is stored from before this period, so I can't tell what is new in it; try a shorter"
    " period."
)
NOTHING_NEW = "No {what} was used for the first time in this period."
NOBODY_NEW = "Nobody used OpenRouter for the first time in this period."
_NAMED = 3
"""The number of users named in a row; the files have all of them."""


def first_use_answer(
    query: Query,
    span: TimeRange,
    what: Dimension,
    found: Sequence[FirstUse],
    history: datetime | None,
    *,
    as_of: datetime | None,
    partial: Sequence[str],
) -> AnalysisDocument:
    """The answer; `found` are the new models, keys or creators, latest first.

    `history` is the time (UTC) from which usage before the period is stored, None if none is.
    """
    return AnalysisDocument(
        query=query,
        title=f"New {_plural(what, 2)}, {period_words(query.period)}",
        sentences=(_sentence(what, found, known=history is not None),),
        as_of=as_of,
        made=span.until,
        range=span,
        partial=tuple(partial),
        columns=_columns(what) if found else (),
        rows=_rows(found, query, span) if found else (),
        notes=(_note(query, history),) if history else (),
        exact=lambda: _exact(what, found),
        data=lambda: {
            "new": [
                {
                    "label": one.label,
                    "since": iso(one.since),
                    "first_users" if what is Dimension.MODEL else "owners": list(one.users),
                    "spend": dollars(one.spend),
                    "tokens": one.tokens,
                    "requests": one.requests,
                }
                for one in found
            ]
        },
        groups=tuple(one.label for one in found[: query.top]),
        empty=not found,
    )


def _plural(what: Dimension, count: int) -> str:
    return f"{DIMENSION_WORDS[what]}{'' if count == 1 else 's'}"


def _sentence(what: Dimension, found: Sequence[FirstUse], *, known: bool) -> str:
    if not known:
        return NO_HISTORY
    creators = what is Dimension.CREATOR
    if not found and creators:
        return NOBODY_NEW
    if not found:
        return NOTHING_NEW.format(what=DIMENSION_WORDS[what])
    used = "used OpenRouter" if creators else "was used" if len(found) == 1 else "were used"
    spend = money(sum(one.spend for one in found))
    return (
        f"{len(found):,} {_plural(what, len(found))} {used} for the first time, for"
        f" {spend} so far in this period."
    )


def _note(query: Query, history: datetime) -> str:
    within = ", within the filters above" if query.filters else ""
    return f"New means without any usage since {history.day} {history:%b %Y}{within}."


def _columns(what: Dimension) -> tuple[TableColumn, ...]:
    users = {
        Dimension.MODEL: (TableColumn("First used by", right=False),),
        Dimension.KEY: (TableColumn("Owner", right=False),),
    }.get(what, ())
    return (
        TableColumn(capitalize_first(DIMENSION_WORDS[what]), right=False),
        TableColumn("First used", right=False),
        *users,
        TableColumn("Spend"),
        TableColumn("Tokens"),
        TableColumn("Requests"),
    )


def _rows(found: Sequence[FirstUse], query: Query, span: TimeRange) -> tuple[tuple[str, ...], ...]:
    with_users = any(one.users for one in found) or query.extra != ("creators",)
    rows = [
        (
            one.label,
            _since(one.since, span),
            *((_names(one.users),) if with_users else ()),
            money(one.spend),
            number(one.tokens),
            number(one.requests),
        )
        for one in found[: query.top]
    ]
    remaining_groups = found[query.top :]
    if remaining_groups:
        sums = (
            money(sum(one.spend for one in remaining_groups)),
            number(sum(one.tokens for one in remaining_groups)),
            number(sum(one.requests for one in remaining_groups)),
        )
        blank = ("–", *(("–",) if with_users else ()))
        rows.append((f"Others ({len(remaining_groups):,})", *blank, *sums))
    return tuple(rows)


def _since(moment: datetime, span: TimeRange) -> str:
    """The time of a first use, as precise as the buckets of the period."""
    if span.granularity is Granularity.MONTH:
        return bucket_words(moment, span)
    return since_words(moment, span)


def _names(users: Sequence[str]) -> str:
    more = len(users) - _NAMED
    return ", ".join([*users[:_NAMED], *([f"{more:,} more"] if more > 0 else [])]) or "–"


def _exact(what: Dimension, found: Sequence[FirstUse]) -> ExactTable:
    name = {Dimension.MODEL: "Slug", Dimension.KEY: "API Key", Dimension.CREATOR: "Creator"}[what]
    users = "First Used By" if what is Dimension.MODEL else "Owner"
    rows = tuple(
        (one.label, iso(one.since), ", ".join(one.users), dollars(one.spend), one.tokens,
         one.requests)
        for one in found
    )  # fmt: skip
    columns = (name, "First Used", users, "Spend", "Tokens", "Requests")
    return ExactTable(columns, rows, frozenset({1, 3, 4, 5}))
