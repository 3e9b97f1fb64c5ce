"""How long requests take, as an answer: p50 and p95."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from reports.analysis.document import AnalysisDocument, ExactTable, LatencyChart, TableColumn
from reports.analysis.request_figures import (
    DASH,
    FEWEST_TIMED,
    NO_REQUESTS,
    RequestFigures,
    counts,
    csv_name,
    first_column,
    millis,
    slowest_first,
    together,
)
from reports.analysis.text import iso
from reports.questions.query import Query
from reports.questions.wording import title
from reports.time.time_range import TimeRange
from reports.usage.format import duration, number

NOTE = (
    "Latency is the time from the request to the end of the response. Half of the requests took at"
    " most p50, 95% at most p95. Failed requests are left out."
)
NO_DURATIONS = "Of these requests, none has a known duration."
_HEADS = ("p50", "p95", "Requests", "Failed")


def latency_answer(
    query: Query,
    span: TimeRange,
    whole: RequestFigures,
    buckets: Mapping[int, RequestFigures],
    groups: Sequence[RequestFigures],
    *,
    as_of: datetime | None,
    partial: Sequence[str],
) -> AnalysisDocument:
    """How long requests took; `buckets` by index, `groups` if the question has a `by`."""
    ranked = slowest_first(groups) if query.by else ()
    empty = not whole.timed
    return AnalysisDocument(
        query=query,
        title=title(query),
        sentences=_sentences(whole, ranked),
        as_of=as_of,
        made=span.until,
        range=span,
        partial=tuple(partial),
        columns=(first_column(query), *map(TableColumn, _HEADS)) if ranked and not empty else (),
        rows=_rows(whole, ranked, query.top) if ranked and not empty else (),
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
        latency=None if empty else _chart(buckets, len(span.buckets)),
        empty=empty,
    )


def _sentences(whole: RequestFigures, ranked: Sequence[RequestFigures]) -> tuple[str, ...]:
    if not whole.requests:
        return (NO_REQUESTS,)
    if whole.p50 is None or whole.p95 is None:
        return (NO_DURATIONS,)
    over = f"{number(whole.timed)} {'request' if whole.timed == 1 else 'requests'}"
    lines = [f"p50 is {duration(whole.p50)} and p95 is {duration(whole.p95)}, over {over}."]
    compared = [one for one in ranked if one.timed >= FEWEST_TIMED]
    if len(compared) > 1:
        slowest, fastest = compared[0], compared[-1]
        lines.append(
            f"{slowest.label} is the slowest with a p95 of {duration(slowest.p95 or 0)},"
            f" {fastest.label} the fastest with {duration(fastest.p95 or 0)}."
        )
    few = len(ranked) - len(compared)
    if few and len(ranked) > 1:
        listed = "group, which is" if few == 1 else "groups, which are"
        lines.append(f"Fewer than {FEWEST_TIMED} requests: {few:,} {listed} listed last.")
    return tuple(lines)


def _rows(
    whole: RequestFigures, ranked: Sequence[RequestFigures], top: int
) -> tuple[tuple[str, ...], ...]:
    rows = [_row(one) for one in ranked[:top]]
    if others := ranked[top:]:
        rows.append(_row(together(others, f"Others ({len(others):,})")))
    if len(ranked) > 1:
        rows.append(_row(RequestFigures("All", whole.requests, whole.failed, whole.timed,
                                        whole.p50, whole.p95)))  # fmt: skip
    return tuple(rows)


def _row(one: RequestFigures) -> tuple[str, ...]:
    return (
        one.label,
        DASH if one.p50 is None else duration(one.p50),
        DASH if one.p95 is None else duration(one.p95),
        number(one.requests),
        number(one.failed),
    )


def _figures(one: RequestFigures) -> dict[str, Any]:
    return {"p50_ms": millis(one.p50), "p95_ms": millis(one.p95), "timed": one.timed, **counts(one)}


def _exact(query: Query, groups: Sequence[RequestFigures]) -> ExactTable:
    columns = (csv_name(query), "p50 (ms)", "p95 (ms)", "Requests", "Failed Requests")
    rows = tuple(
        (
            one.label or "all",
            "" if one.p50 is None else f"{one.p50 / 1000:.3f}",
            "" if one.p95 is None else f"{one.p95 / 1000:.3f}",
            one.requests,
            one.failed,
        )
        for one in groups
        if one.requests
    )
    return ExactTable(columns, rows, frozenset(range(1, len(columns))))


def _chart(buckets: Mapping[int, RequestFigures], count: int) -> LatencyChart | None:
    if count < 2:
        return None
    found = [buckets.get(index) for index in range(count)]
    return LatencyChart(
        tuple(one.p50 if one else None for one in found),
        tuple(one.p95 if one else None for one in found),
    )
