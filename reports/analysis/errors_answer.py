"""Which requests fail, as an answer: how many, and what share of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from reports.analysis.document import AnalysisDocument, ShareChart
from reports.analysis.request_answer import (
    NO_REQUESTS,
    NONE_BEFORE,
    RequestMeasure,
    request_answer,
)
from reports.analysis.request_figures import (
    DASH,
    FEWEST_TIMED,
    MeasuredRequests,
    RequestFigures,
    counts,
    most_failed_first,
)
from reports.questions.query import Query
from reports.usage.format import number, percent, points


class _Errors(RequestMeasure):
    note = (
        "Requests that failed before they used anything count here, and not among the requests of"
        " other answers."
    )
    heads = ("Failed", "Share that failed", "Requests")
    compared_heads = ("Failed", "Share that failed", "Before", "Change", "Requests")
    exact_heads = ("Failed Requests", "Share", "Requests")

    def known(self, whole: RequestFigures) -> bool:
        return bool(whole.requests)

    def ranked(self, groups: Sequence[RequestFigures]) -> tuple[RequestFigures, ...]:
        return most_failed_first(groups)

    def sentences(self, whole: RequestFigures, ranked: Sequence[RequestFigures]) -> tuple[str, ...]:
        if whole.share is None:
            return (NO_REQUESTS,)
        if not whole.failed:
            return (f"None of {number(whole.requests)} requests failed.",)
        lines = [f"{percent(whole.share)} of requests failed: {_of_all(whole)}."]
        if len(ranked) > 1:
            most = ranked[0] if ranked[0].failed > ranked[1].failed else whole
            if most is not whole:
                lines.append(
                    f"{most.label} has the most, {number(most.failed)}: {percent(most.share or 0)}"
                    " of its requests failed."
                )
            compared = [one for one in ranked if one.requests >= FEWEST_TIMED]
            worst = max(compared, key=lambda one: one.share or 0, default=most)
            if (worst.share or 0) > (most.share or 0):
                lines.append(
                    f"{worst.label} has the highest share: {percent(worst.share or 0)},"
                    f" {_of_all(worst)}."
                )
        return tuple(lines)

    def comparison(self, now: RequestFigures, earlier: RequestFigures, before: str) -> str:
        change = _change(now, earlier)
        if earlier.share is None or change is None:
            return NONE_BEFORE.format(before=before)
        by = f"{'up' if change > 0 else 'down'} {points(change)} percentage points"
        moved = by if round(change * 1000) else "unchanged"
        was = f"{percent(earlier.share)}: {_of_all(earlier)}"
        return f"The share of failed requests is {moved} vs {before} ({was})."

    def cells(self, one: RequestFigures) -> tuple[str, ...]:
        return number(one.failed), _share(one), number(one.requests)

    def compared_cells(
        self, one: RequestFigures, earlier: RequestFigures | None
    ) -> tuple[str, ...]:
        change = _change(one, earlier)
        before = _share(earlier) if earlier else DASH
        return number(one.failed), _share(one), before, _change_cell(change), number(one.requests)

    def exact(self, one: RequestFigures) -> tuple[str | int, ...]:
        share = "" if one.share is None else f"{float(one.share):.6f}"
        return one.failed, share, one.requests

    def data(self, one: RequestFigures) -> dict[str, Any]:
        return {**counts(one), "share": None if one.share is None else float(one.share)}

    def change(self, now: RequestFigures, earlier: RequestFigures) -> dict[str, Any]:
        change = _change(now, earlier)
        return {"share_points": None if change is None else float(change * 100)}


def errors_answer(
    query: Query, found: MeasuredRequests, *, as_of: datetime, partial: Sequence[str]
) -> AnalysisDocument:
    """Which requests of a range failed."""
    answer = request_answer(_Errors(), query, found, as_of=as_of, partial=partial)
    each = found.by_bucket()
    if not found.whole.failed or len(each) < 2:
        return answer
    chart = ShareChart(
        "Requests that failed",
        tuple(one.failed for one in each),
        tuple(one.requests for one in each),
    )
    return replace(answer, shares=chart)


def _of_all(one: RequestFigures) -> str:
    return f"{number(one.failed)} of {number(one.requests)}"


def _share(one: RequestFigures) -> str:
    return DASH if one.share is None else percent(one.share)


def _change_cell(change: Fraction | None) -> str:
    """`+1.2 points`; `–` if it is unknown."""
    if change is None:
        return DASH
    if not round(change * 1000):
        return "no change"
    return f"{'+' if change > 0 else '-'}{points(change)} points"


def _change(now: RequestFigures, earlier: RequestFigures | None) -> Fraction | None:
    """How much the share has changed; None if one of both is unknown."""
    if earlier is None or now.share is None or earlier.share is None:
        return None
    return now.share - earlier.share
