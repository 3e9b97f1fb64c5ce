"""Which requests fail, as an answer: how many, and what share of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from reports.analysis.document import AnalysisDocument, ExactTable, ShareChart, TableColumn
from reports.analysis.request_figures import (
    DASH,
    FEWEST_TIMED,
    NO_REQUESTS,
    RequestFigures,
    counts,
    csv_name,
    first_column,
    most_failed_first,
    together,
)
from reports.analysis.text import iso
from reports.questions.query import Query
from reports.questions.wording import title
from reports.time.time_range import TimeRange
from reports.usage.format import number, percent

NOTE = (
    "Requests that failed before they used anything count here, and not among the requests of other"
    " answers."
)
_HEADS = ("Failed", "Share that failed", "Requests")


def errors_answer(
    query: Query,
    span: TimeRange,
    whole: RequestFigures,
    buckets: Mapping[int, RequestFigures],
    groups: Sequence[RequestFigures],
    *,
    as_of: datetime | None,
    partial: Sequence[str],
) -> AnalysisDocument:
    """Which requests of a range failed; `buckets` by index, `groups` if the question has a `by`."""
    ranked = most_failed_first(groups) if query.by else ()
    empty = not whole.requests
    return AnalysisDocument(
        query=query,
        title=title(query),
        sentences=_sentences(whole, ranked),
        as_of=as_of,
        made=span.until,
        range=span,
        partial=tuple(partial),
        columns=(first_column(query), *map(TableColumn, _HEADS)) if ranked else (),
        rows=_rows(whole, ranked, query.top) if ranked else (),
        notes=() if empty else (NOTE,),
        exact=lambda: _exact(query, ranked or (whole,)),
        data=lambda: {
            **_figures(whole),
            "buckets": [
                {"start": iso(start), **_figures(buckets.get(index, RequestFigures("")))}
                for index, start in enumerate(span.buckets)
            ],
            "groups": [{"label": one.label, **_figures(one)} for one in ranked],
        },
        groups=tuple(one.label for one in ranked[: query.top]),
        shares=_chart(whole, buckets, len(span.buckets)),
        empty=empty,
    )


def _sentences(whole: RequestFigures, ranked: Sequence[RequestFigures]) -> tuple[str, ...]:
    if whole.share is None:
        return (NO_REQUESTS,)
    if not whole.failed:
        return (f"None of {number(whole.requests)} requests failed.",)
    of_all = f"{number(whole.failed)} of {number(whole.requests)}"
    lines = [f"{percent(whole.share)} of requests failed: {of_all}."]
    if len(ranked) > 1:
        most = ranked[0]
        lines.append(
            f"{most.label} has the most, {number(most.failed)}: {percent(most.share or 0)} of its"
            " requests failed."
        )
        compared = [one for one in ranked if one.requests >= FEWEST_TIMED]
        worst = max(compared, key=lambda one: one.share or 0, default=most)
        if worst is not most and (worst.share or 0) > (most.share or 0):
            lines.append(
                f"{worst.label} has the highest share: {percent(worst.share or 0)},"
                f" {number(worst.failed)} of {number(worst.requests)}."
            )
    return tuple(lines)


def _rows(
    whole: RequestFigures, ranked: Sequence[RequestFigures], top: int
) -> tuple[tuple[str, ...], ...]:
    rows = [_row(one) for one in ranked[:top]]
    if others := ranked[top:]:
        rows.append(_row(together(others, f"Others ({len(others):,})")))
    if len(ranked) > 1:
        rows.append(_row(RequestFigures("All", whole.requests, whole.failed)))
    return tuple(rows)


def _row(one: RequestFigures) -> tuple[str, ...]:
    share = DASH if one.share is None else percent(one.share)
    return one.label, number(one.failed), share, number(one.requests)


def _figures(one: RequestFigures) -> dict[str, Any]:
    return {**counts(one), "share": None if one.share is None else float(one.share)}


def _exact(query: Query, groups: Sequence[RequestFigures]) -> ExactTable:
    columns = (csv_name(query), "Failed Requests", "Share", "Requests")
    rows = tuple(
        (one.label or "all", one.failed, f"{float(one.share or 0):.6f}", one.requests)
        for one in groups
        if one.requests
    )
    return ExactTable(columns, rows, frozenset(range(1, len(columns))))


def _chart(
    whole: RequestFigures, buckets: Mapping[int, RequestFigures], count: int
) -> ShareChart | None:
    if not whole.failed or count < 2:
        return None
    found = [buckets.get(index, RequestFigures("")) for index in range(count)]
    return ShareChart(
        "Requests that failed",
        tuple(one.failed for one in found),
        tuple(one.requests for one in found),
    )
