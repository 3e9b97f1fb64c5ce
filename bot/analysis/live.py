"""Answers straight from ClickHouse: usage by provider and end user, latency, failed requests.

ClickHouse is asked outside of any transaction and without a compute slot, by a few people at a
time, so that a slow server delays no other answer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

from bot.analysis.live_plan import LivePlan, plan_live, what_is_asked
from bot.analysis.live_usage import LiveAnswer, LiveAnswering, edges
from bot.analysis.request import AnalysisRequest
from bot.clickhouse import (
    ClickHouse,
    ClickHouseError,
    ClickHouseRefusedError,
    ClickHouseTooLongError,
    LiveUsage,
    TraceQuality,
)
from bot.runtime import priority
from reports.analysis.document import AnalysisDocument
from reports.analysis.errors_answer import errors_answer
from reports.analysis.latency_answer import latency_answer
from reports.analysis.request_figures import EarlierRequests, MeasuredRequests, RequestFigures
from reports.questions.grammar import CommandError
from reports.questions.query import Query
from reports.questions.unfinished import whole_part
from reports.time.time_range import TimeRange

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Questions that are put to ClickHouse at a time: half of the threads that answer people."""
BUSY_SECONDS = 3.0
NEEDED = (
    "{what} needs ClickHouse, to which OpenRouter can write every request. It isn't connected;"
    " docs/clickhouse.md says how."
)
AWAY = (
    "ClickHouse can't be reached right now, so I can't answer this. Other questions work as usual."
)
SLOW = (
    "ClickHouse took too long for this question. Ask for a shorter period, or add a filter. Other"
    " questions work as usual."
)
REFUSED = (
    "ClickHouse refused this question; `activity doctor` says why. Other questions work as usual."
)
BUSY = "ClickHouse is busy with other questions. Ask again in a moment."
_slots = threading.BoundedSemaphore(AT_ONCE)
T = TypeVar("T")


def live_usage(request: AnalysisRequest, *, rows: bool = False) -> LiveAnswer | CommandError:
    """Usage by or of providers and end users; with `rows`, by model as well."""

    def answer(traces: ClickHouse) -> LiveAnswer | CommandError:
        found = plan_live(request, traces, compares=True)
        if isinstance(found, CommandError):
            return found
        span, before = found.span, found.before
        part = whole_part(found.query, span, before) if before else None

        def usage(of: TimeRange, whole: TimeRange | None) -> Sequence[LiveUsage]:
            return traces.live_usage(edges(of, whole), of.until, found.wanted, models=rows)

        now = usage(span, part.current if part else None)
        earlier = usage(before, part.previous if part else None) if before else ()
        return LiveAnswering(request, found, part, now, earlier).answered(rows=rows)

    return _asked(request, answer)


def needs_clickhouse(query: Query) -> CommandError:
    """Why a live question has no answer where ClickHouse isn't connected."""
    return CommandError(NEEDED.format(what=what_is_asked(query)), examples=())


def gather_latency(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """p50 and p95 of the time that requests took."""
    return _quality(request, latency_answer)


def gather_errors(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """How many requests failed, and their share."""
    return _quality(request, errors_answer)


def _quality(
    request: AnalysisRequest, present: Callable[..., AnalysisDocument]
) -> AnalysisDocument | CommandError:
    def answer(traces: ClickHouse) -> AnalysisDocument | CommandError:
        found = plan_live(request, traces, compares=request.query.versus is not None)
        if isinstance(found, CommandError):
            return found
        span, before = found.span, found.before
        now = traces.quality(span.buckets, span.until, found.wanted)
        earlier = traces.quality(before.buckets[:1], before.until, found.wanted) if before else ()
        partial = (*found.partial, *found.partial_before)
        measured = _measured(found, now, earlier)
        return present(found.query, measured, as_of=request.now, partial=partial)

    return _asked(request, answer)


def _measured(
    found: LivePlan, rows: Iterable[TraceQuality], earlier: Iterable[TraceQuality]
) -> MeasuredRequests:
    now = [(row, _figures(found, row)) for row in rows]
    then = [(row, _figures(found, row)) for row in earlier]
    nothing, span, before = RequestFigures(""), found.span, found.before
    return MeasuredRequests(
        span,
        next((figures for row, figures in now if row.kind == "all"), nothing),
        {
            span.index(datetime.fromtimestamp(int(row.value), UTC)): figures
            for row, figures in now
            if row.kind == "bucket"
        },
        tuple(figures for row, figures in now if row.kind == "group"),
        EarlierRequests(
            before,
            next((figures for row, figures in then if row.kind == "all"), nothing),
            tuple(figures for row, figures in then if row.kind == "group"),
        )
        if before
        else None,
    )


def _figures(found: LivePlan, row: TraceQuality) -> RequestFigures:
    label = found.label(row.value) if row.kind == "group" else ""
    return RequestFigures(label, row.requests, row.failed, row.timed, row.p50, row.p95)


def _asked(
    request: AnalysisRequest, answer: Callable[[ClickHouse], T | CommandError]
) -> T | CommandError:
    """An answer for which ClickHouse is asked, or the sentence that says why there is none."""
    if request.traces is None:
        return needs_clickhouse(request.query)
    try:
        with priority.without_compute_slot(), _slot() as free:
            return answer(request.traces) if free else CommandError(BUSY, examples=())
    except ClickHouseError as error:
        log.warning("A question could not be answered from ClickHouse: %s", error)
        said = {ClickHouseTooLongError: SLOW, ClickHouseRefusedError: REFUSED}
        return CommandError(said.get(type(error), AWAY), examples=())


@contextmanager
def _slot() -> Iterator[bool]:
    """Whether ClickHouse may be asked now; False if too many people are asking it."""
    free = _slots.acquire(timeout=BUSY_SECONDS)
    try:
        yield free
    finally:
        if free:
            _slots.release()
