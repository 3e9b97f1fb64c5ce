"""How long requests take, as an answer: p50 and p95."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from reports.analysis.document import AnalysisDocument, LatencyChart
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
    millis,
    slowest_first,
)
from reports.questions.query import Query
from reports.usage.format import change, duration, number

NO_DURATIONS = "Of these requests, none has a known duration."
NONE_TIMED_BEFORE = "Not compared with {before}: no request then has a known duration."


class _Latency(RequestMeasure):
    note = (
        "Latency is the time from the request to the end of the response. Half of the requests took"
        " at most p50, 95% at most p95. Failed requests are left out."
    )
    heads = ("p50", "p95", "Requests", "Failed")
    compared_heads = ("p50", "Change of p50", "p95", "Change of p95", "Requests", "Failed")
    exact_heads = ("p50 (ms)", "p95 (ms)", "Requests", "Failed Requests")

    def known(self, whole: RequestFigures) -> bool:
        return bool(whole.timed)

    def ranked(self, groups: Sequence[RequestFigures]) -> tuple[RequestFigures, ...]:
        return slowest_first(groups)

    def sentences(self, whole: RequestFigures, ranked: Sequence[RequestFigures]) -> tuple[str, ...]:
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
        if few == len(ranked) > 1:
            lines.append(
                f"Each group has fewer than {FEWEST_TIMED} requests, so its p95 says little."
            )
        elif few and len(ranked) > 1:
            listed = "group, which is" if few == 1 else "groups, which are"
            lines.append(f"Fewer than {FEWEST_TIMED} requests: {few:,} {listed} listed last.")
        return tuple(lines)

    def comparison(self, now: RequestFigures, earlier: RequestFigures, before: str) -> str:
        if not earlier.requests:
            return NONE_BEFORE.format(before=before)
        if earlier.p50 is None or earlier.p95 is None or now.p50 is None or now.p95 is None:
            return NONE_TIMED_BEFORE.format(before=before)
        return (
            f"p50 is {_difference(now.p50, earlier.p50)} vs {before} ({duration(earlier.p50)}),"
            f" and p95 is {_difference(now.p95, earlier.p95)} ({duration(earlier.p95)})."
        )

    def cells(self, one: RequestFigures) -> tuple[str, ...]:
        return _cell(one.p50), _cell(one.p95), number(one.requests), number(one.failed)

    def compared_cells(
        self, one: RequestFigures, earlier: RequestFigures | None
    ) -> tuple[str, ...]:
        return (
            _cell(one.p50),
            _change_cell(one.p50, earlier.p50 if earlier else None),
            _cell(one.p95),
            _change_cell(one.p95, earlier.p95 if earlier else None),
            number(one.requests),
            number(one.failed),
        )

    def exact(self, one: RequestFigures) -> tuple[str | int, ...]:
        p50, p95 = ("" if at is None else f"{at / 1000:.3f}" for at in (one.p50, one.p95))
        return p50, p95, one.requests, one.failed

    def data(self, one: RequestFigures) -> dict[str, Any]:
        return {
            "p50_ms": millis(one.p50),
            "p95_ms": millis(one.p95),
            "timed": one.timed,
            **counts(one),
        }

    def change(self, now: RequestFigures, earlier: RequestFigures) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, to, was in (("p50", now.p50, earlier.p50), ("p95", now.p95, earlier.p95)):
            by = None if to is None or was is None else to - was
            found[f"{name}_ms"] = millis(by)
            found[name] = by / was if by is not None and was else None
        return found


def latency_answer(
    query: Query, found: MeasuredRequests, *, as_of: datetime, partial: Sequence[str]
) -> AnalysisDocument:
    """How long the requests of a range took."""
    answer = request_answer(_Latency(), query, found, as_of=as_of, partial=partial)
    each = found.by_bucket()
    if answer.empty or len(each) < 2:
        return answer
    chart = LatencyChart(tuple(one.p50 for one in each), tuple(one.p95 for one in each))
    return replace(answer, latency=chart)


def _cell(micros: int | None) -> str:
    return DASH if micros is None else duration(micros)


def _difference(now: int, earlier: int) -> str:
    """`up 120 ms (+9.1%)`, `down 1.2 s (-40.0%)`, `unchanged`."""
    if duration(now) == duration(earlier):
        return "unchanged"
    return f"{'up' if now > earlier else 'down'} {_amount(now, earlier)}"


def _change_cell(now: int | None, earlier: int | None) -> str:
    """`+120 ms (+9.1%)`; `–` if it is unknown."""
    if now is None or earlier is None:
        return DASH
    if duration(now) == duration(earlier):
        return "no change"
    return f"{'+' if now > earlier else '-'}{_amount(now, earlier)}"


def _amount(now: int, earlier: int) -> str:
    """`120 ms (+9.1%)`; without a percentage if that rounds to 0.0%, or there is none."""
    words = duration(abs(now - earlier))
    ratio = Fraction(now - earlier, earlier) if earlier else Fraction(0)
    return f"{words} ({change(ratio)})" if round(ratio * 1000) else words
