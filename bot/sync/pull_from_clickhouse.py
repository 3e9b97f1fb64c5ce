"""Fetches a window of usage from ClickHouse, and compares it with OpenRouter's own totals.

OpenRouter's totals by bucket and model are the truth; they take few requests, however many keys
there are. Usage that ClickHouse lacks (because of sampling, a filter of keys, late traces, or BYOK
without cost metadata) is stored under separate members, so that no sum is too small. If ClickHouse
has more usage of a bucket than OpenRouter, that bucket is fetched from OpenRouter instead.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from bot.clickhouse import ClickHouse, ClickHouseError, ClickHouseTooLongError, TraceUsage
from bot.clickhouse.columns import TraceField
from bot.openrouter import OpenRouter, TimedOutError
from bot.runtime.priority import pausing_for_requests
from bot.store import Store
from bot.store.usage.openrouter_facts import MODELS
from bot.store.usage.trace_members import TraceModels
from bot.store.usage.traces import NOTE
from bot.sync.pull_window import (
    ROUNDING,
    SETTLED,
    TOLERANCES,
    Callbacks,
    ModelTotals,
    PulledWindow,
    fetch_model_totals,
    pull,
)
from bot.sync.trace_attribution import MissingUsage, attribute
from reports.time.time_range import STEP, floor
from reports.usage.figure_table import FIGURES, NAMES, FigureKind
from reports.usage.usage import ZERO, Usage, minus, plus, total
from reports.usage.windows_to_fetch import Window

log = logging.getLogger(__name__)

PART_ROWS = 20_000
"""Rows stored at a time: some 30 MB, whatever the length of the window."""
MOST_TRACES = 5_000_000
"""Generations per query: the server keeps the ID of each in memory to count it once (about 1
GB)."""

_CACHED, _SAVED = NAMES.index("cached"), NAMES.index("saved")
_MONEY = frozenset(index for index, figure in enumerate(FIGURES) if figure.kind is FigureKind.MONEY)
_REQUIRED = tuple(index for index, _ in TOLERANCES)


class PulledPart(NamedTuple):
    """A part of a window, and its usage."""

    window: Window
    pulled: PulledWindow


@dataclass(slots=True)
class _Run:
    """Adjacent buckets from one source, newest first."""

    trusted: bool
    start: datetime
    end: datetime
    rows: list[TraceUsage] = field(default_factory=list)
    missing: list[MissingUsage] = field(default_factory=list)
    short: bool = False


class TracePuller:
    """Fetches windows from ClickHouse and OpenRouter's totals."""

    def __init__(self, traces: ClickHouse, api: OpenRouter, store: Store) -> None:
        self._traces = traces
        self._api = api
        self._store = store
        self._warned = False

    def figures(self) -> frozenset[str]:
        """The optional figures that traces have. Raises ClickHouseError."""
        has_cached = self._traces.columns().get(TraceField.CACHED) is not None
        return frozenset({"cached"}) if has_cached else frozenset()

    def pull(
        self, window: Window, calls: Callbacks, now: datetime
    ) -> Generator[PulledPart, None, None]:
        """The usage of a window in parts, newest first, each to be stored immediately.

        Raises OpenRouterError, which is TimedOutError if the window is too long, and
        ClickHouseError.
        """
        totals = fetch_model_totals(self._api, self._store, window, calls.alive)
        calls.listed()
        if totals.notes:
            yield PulledPart(window, pull(self._api, self._store, window, calls, now))
            return
        known = self.figures()
        if "cached_tokens" in totals.lacking:
            known -= {"cached"}
        queries = totals.queries
        with closing(self._runs(window, totals, known, now)) as runs:
            for run in runs:
                calls.alive()
                part = Window(window.granularity, run.start, run.end)
                pulled = self._pulled(part, run, known, calls, now)
                yield PulledPart(part, replace(pulled, queries=pulled.queries + queries))
                queries = 0

    def _pulled(
        self, part: Window, run: _Run, known: frozenset[str], calls: Callbacks, now: datetime
    ) -> PulledWindow:
        if not run.trusted:
            if not self._warned:
                log.warning(
                    "ClickHouse has more usage than OpenRouter from %s to %s;"
                    " fetching such times from OpenRouter",
                    part.start,
                    part.end,
                )
                self._warned = True
            return pull(self._api, self._store, part, calls, now)
        step = STEP[part.granularity]
        found = attribute(self._store, run.rows, run.missing, step, calls.refresh)
        notes = (NOTE,) if run.short else ()
        return PulledWindow(found, notes, len(run.rows) + len(run.missing), known)

    def _runs(
        self, window: Window, totals: ModelTotals, known: Collection[str], now: datetime
    ) -> Generator[_Run, None, None]:
        """The buckets of a window in runs of one source and at most about PART_ROWS rows."""
        step = STEP[window.granularity]
        rounding = self._traces.columns().cost_rounding
        run: _Run | None = None
        end = window.end
        for bucket, rows in self._buckets(window, totals):
            truth = totals.by_bucket.get(bucket, {})
            newer = _newer_share(bucket, bucket + step, now)
            rests = rest_of(truth, rows, known, newer, rounding)
            trusted = rests is not None
            if run and (run.trusted is not trusted or len(run.rows) >= PART_ROWS):
                yield run
                run = None
            run = run or _Run(trusted, bucket, end)
            run.start = end = bucket
            if rests is not None:
                run.rows += rows
                run.missing += [MissingUsage(bucket, *one) for one in rests.items()]
                run.short = run.short or (not newer and bool(rests))
        if run:
            yield run

    def _buckets(
        self, window: Window, totals: ModelTotals
    ) -> Iterator[tuple[datetime, list[TraceUsage]]]:
        """All buckets of a window with their rows, newest first."""
        known = {model for models in totals.by_bucket.values() for model in models}
        models = TraceModels(self._store.fact(MODELS), known)
        for part in _parts(window, totals):
            yield from self._rows_by_bucket(part, models)

    def _rows_by_bucket(
        self, part: Window, models: TraceModels
    ) -> Iterator[tuple[datetime, list[TraceUsage]]]:
        step, at = STEP[part.granularity], floor(part.end, part.granularity)
        at = at if at < part.end else at - step
        try:
            with closing(self._traces.usage(part.granularity, part.start, part.end)) as rows:
                for bucket, group in groupby(rows, attrgetter("bucket")):
                    while at > bucket and at > part.start:
                        yield at, []
                        at -= step
                    if bucket != at:
                        raise ClickHouseError("ClickHouse sent rows outside of the requested time.")
                    found = [row._replace(model=models.name(row.model)) for row in group]
                    # a row without a model can't be stored, so it counts as missing
                    yield at, [row for row in found if row.model]
                    at -= step
        except ClickHouseTooLongError as error:
            raise TimedOutError(str(error)) from error
        while at >= part.start:
            yield at, []
            at -= step


def rest_of(
    truth: Mapping[str, Usage],
    rows: Sequence[TraceUsage],
    known: Collection[str],
    newer: float,
    rounding: int = 0,
) -> dict[str, Usage] | None:
    """The difference between OpenRouter's totals of a bucket and its rows, by model.

    None if the rows can't be correct: they have more than OpenRouter, or only other models. They
    may exceed OpenRouter by the share `newer` (1: by any amount), which it may not have counted
    yet. `known` are optional figures. The table may round each cost by `rounding` nano-dollars.
    """
    sums: dict[str, Usage] = defaultdict(lambda: ZERO)
    counts: dict[str, int] = defaultdict(int)
    for row in pausing_for_requests(rows):
        sums[row.model] = plus(sums[row.model], row.usage)
        counts[row.model] += 1
    if sums.keys() - truth.keys() and truth.keys() - sums.keys():
        return None
    whole = total(truth.values())
    rests: dict[str, Usage] = {}
    for model in truth.keys() | sums.keys():
        rest = minus(truth.get(model, ZERO), sums.get(model, ZERO))
        rounded = rounding * sums[model].requests if model in sums else 0
        tolerance = ROUNDING + counts[model] + rounded  # each row is rounded to a nano-dollar
        beyond = [-rest[at] - (tolerance if at in _MONEY else 0) for at in _REQUIRED]
        if newer < 1 and any(
            more > newer * whole[at] for more, at in zip(beyond, _REQUIRED, strict=True)
        ):
            return None
        if any(more > 0 for more in beyond):
            continue
        if any(rest[at] > (tolerance if at in _MONEY else 0) for at in _REQUIRED):
            left = [max(0, figure) for figure in rest]
            left[_SAVED] = 0
            left[_CACHED] *= "cached" in known
            rests[model] = Usage._make(left)
    return rests


def _newer_share(start: datetime, end: datetime, now: datetime) -> float:
    """The share of a bucket's usage that OpenRouter may not have counted yet; 0 once it is final.

    Twice the share for steady usage, because usage isn't steady.
    """
    if end <= now - SETTLED:
        return 0.0
    return min(1.0, 2 * SETTLED / max(now - start, SETTLED))


def _parts(window: Window, totals: ModelTotals) -> Iterator[Window]:
    """Split a window into parts of at most MOST_TRACES requests (or one bucket), newest first."""
    count, end = 0, window.end
    buckets = sorted((at for at in totals.by_bucket if window.start <= at < end), reverse=True)
    previous = end
    for at in buckets:
        requests = sum(usage.requests for usage in totals.by_bucket[at].values())
        if count and count + requests > MOST_TRACES:
            yield Window(window.granularity, previous, end)
            count, end = 0, previous
        count += requests
        previous = at
    yield Window(window.granularity, window.start, end)
