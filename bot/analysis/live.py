"""Answers straight from ClickHouse: usage by provider and end user, latency, failed requests.

ClickHouse is asked outside of any transaction and without a compute slot, by a few people at a
time, so that a slow server delays no other answer.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from bot.analysis.request import AnalysisRequest
from bot.answers import visibility
from bot.answers.answer import Plan, make_plan
from bot.clickhouse import (
    ClickHouse,
    ClickHouseError,
    ClickHouseRefusedError,
    ClickHouseTooLongError,
    LiveSelection,
    LiveUsage,
    TraceColumns,
    TraceField,
    TracePlace,
    live_selection,
)
from bot.runtime import priority
from bot.store.sync_state import parts
from bot.store.usage.directory import Directory
from bot.store.usage.openrouter_facts import MODELS
from bot.store.usage.selection import Ids, Selection
from bot.store.usage.trace_members import TraceKeys, TraceModels, TraceOwners
from bot.store.usage.traces import CREATOR_UNKNOWN_NAME, SAME_NAME
from reports.analysis.document import AnalysisDocument
from reports.analysis.errors_answer import errors_answer
from reports.analysis.latency_answer import latency_answer
from reports.analysis.request_figures import RequestFigures
from reports.questions.grammar import CommandError
from reports.questions.query import Query, QueryKind
from reports.questions.summary import ALL, Summary, UsageFigures, summarize
from reports.questions.wording import capitalize_first
from reports.time.period import Counted, Unit
from reports.time.time_range import TimeRange
from reports.usage.coverage import is_stored
from reports.usage.dimensions import NAMES, Dimension, Filter
from reports.usage.members import CHATROOM
from reports.usage.usage import ZERO, Usage, UsageRow, plus, total
from reports.wording.safe_text import clean

log = logging.getLogger(__name__)

LONGEST = timedelta(days=32)
"""Shorter than this: 31 days, and the day that is still running, so that `1m` always fits."""
AT_ONCE = 4
"""Questions that are put to ClickHouse at a time: half of the threads that answer people."""
BUSY_SECONDS = 3.0
NEEDED = (
    "{what} needs ClickHouse, to which OpenRouter can write every request. It isn't connected;"
    " docs/clickhouse.md says how."
)
TOO_LONG_PERIOD = (
    "{what} can be asked for at most 31 days, since it looks at each request. Ask for `{shorter}`"
)
OR_CREATORS = ", or for the members of the organization: `{creators}`"
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
NO_COLUMN = "{what} is unknown: the table in ClickHouse has no column {column}."
TOO_MANY_KEYS = (
    "That is about more keys than I can ask ClickHouse for. Add a filter, like `key:ci*`."
)
UNCHECKED = (
    "OpenRouter's own totals of this time aren't all stored, so it isn't known whether every"
    " request is in ClickHouse"
)
NO_PROVIDER, NO_END_USER, NO_MODEL = "(no provider)", "(no end user)", "(no model)"
_NOBODY = {Dimension.PROVIDER: NO_PROVIDER, Dimension.END_USER: NO_END_USER}
_FIELDS = {Dimension.PROVIDER: TraceField.PROVIDER, Dimension.END_USER: TraceField.END_USER}
_MOST_NAMES = 3
_slots = threading.BoundedSemaphore(AT_ONCE)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """The answer, and its rows by bucket, group and model (none unless they were asked for)."""

    summary: Summary
    rows: tuple[UsageRow, ...] = ()


@dataclass(frozen=True, slots=True)
class _Planned:
    """A question made exact: the query, its range, what to ask ClickHouse, and notes.

    `labels` are the names of groups that ClickHouse has as numbers, None where it has the names.
    """

    query: Query
    span: TimeRange
    wanted: LiveSelection
    labels: Mapping[str, str] | None
    partial: tuple[str, ...]

    def label(self, group: str) -> str:
        """What a group is called."""
        if self.query.by is None:
            return ALL
        if self.labels is not None:
            return self.labels.get(group, group)
        nobody = _NOBODY[self.query.by]
        if not group:
            return nobody
        return f"“{group}”" if group == nobody else group


def live_usage(request: AnalysisRequest, *, rows: bool = False) -> LiveAnswer | CommandError:
    """Usage by or of providers and end users; with `rows`, by model as well."""

    def answer(traces: ClickHouse) -> LiveAnswer | CommandError:
        found = _plan(request, traces)
        if isinstance(found, CommandError):
            return found
        span = found.span
        usage = traces.live_usage(span.buckets, span.until, found.wanted, models=rows)
        return _summarized(request, found, usage, rows=rows)

    return _asked(request, answer)


def needs_clickhouse(query: Query) -> CommandError:
    """Why a live question has no answer where ClickHouse isn't connected."""
    return CommandError(NEEDED.format(what=_what(query)), examples=())


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
        found = _plan(request, traces)
        if isinstance(found, CommandError):
            return found
        span = found.span
        at = {str(int(start.timestamp())): index for index, start in enumerate(span.buckets)}
        whole, buckets, groups = RequestFigures(""), {}, []
        for row in traces.quality(span.buckets, span.until, found.wanted):
            figures = RequestFigures(
                found.label(row.value) if row.kind == "group" else "",
                row.requests, row.failed, row.timed, row.p50, row.p95,
            )  # fmt: skip
            if row.kind == "all":
                whole = figures
            elif row.kind == "group":
                groups.append(figures)
            elif row.value in at:
                buckets[at[row.value]] = figures
        return present(
            found.query, span, whole, buckets, groups, as_of=request.now, partial=found.partial
        )

    return _asked(request, answer)


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


def _what(query: Query) -> str:
    """What is asked: `Latency`, `Usage by provider`."""
    if query.kind is QueryKind.ERRORS:
        return "The share of failed requests"
    if query.kind is QueryKind.LATENCY:
        return "Latency"
    return f"Usage by {NAMES[query.live_dimensions[0]].label}"


def _plan(request: AnalysisRequest, traces: ClickHouse) -> _Planned | CommandError:
    with request.store.snapshot():
        plan = make_plan(request.store, request.query, request.now, request.zone, request.asker)
    if isinstance(plan, CommandError):
        return plan
    span = plan.ranges.current
    if span.until - span.start >= LONGEST:
        return _too_long(request.query)
    problem = _lacking(request.query, traces.columns())
    if problem and (problem := _lacking(request.query, traces.columns(again=True))):
        return CommandError(problem, examples=())
    places = traces.places(span.start, span.until)
    with request.store.snapshot():
        return _Selecting(request, plan, places).planned()


def _too_long(query: Query) -> CommandError:
    month = replace(query, period=Counted(1, Unit.MONTH), files=(), share=False)
    said = TOO_LONG_PERIOD.format(what=_what(query), shorter=month.words())
    if query.by is Dimension.END_USER and query.kind is QueryKind.USAGE:
        said += OR_CREATORS.format(creators=replace(query, by=Dimension.CREATOR).words())
    return CommandError(f"{said}.", suggestion=month.words(), examples=())


def _lacking(query: Query, columns: TraceColumns) -> str:
    """Why the table can't answer a question; "" if it can."""
    for dimension in query.live_dimensions:
        field = _FIELDS[dimension]
        if columns.get(field) is None:
            label = capitalize_first(NAMES[dimension].label)
            return NO_COLUMN.format(what=label, column=field.names[0])
    if query.kind is QueryKind.LATENCY and not columns.has_latency:
        return NO_COLUMN.format(what="Latency", column=TraceField.DURATION.names[0])
    if query.kind is QueryKind.ERRORS and columns.get(TraceField.STATUS) is None:
        what = "Which requests failed"
        return NO_COLUMN.format(what=what, column=TraceField.STATUS.names[0])
    return ""


class _Selecting:
    """Makes the selection for ClickHouse from the names that its traces have."""

    def __init__(self, request: AnalysisRequest, plan: Plan, places: Sequence[TracePlace]) -> None:
        self._request = request
        self._plan = plan
        self._places = places
        self._by = plan.query.by
        store = request.store
        self._directory: Directory = store.directory()
        self._seen = visibility.labels(self._directory, request.asker)
        self._keys = TraceKeys(self._directory, listed="keys" not in parts(store))
        self._owners = TraceOwners(self._directory, self._keys)
        known = {member.ref for member in self._directory.of[Dimension.MODEL]}
        self._models = TraceModels(store.fact(MODELS), known)
        self._numbers: dict[str, int] = {}
        self._shared: set[str] = set()

    def planned(self) -> _Planned | CommandError:
        """The question made exact."""
        query, selection = self._plan.query, self._plan.selection
        by_place = self._by in {Dimension.KEY, Dimension.CREATOR}
        by_model = self._by is Dimension.MODEL
        keys, creators = selection.ids(Dimension.KEY), selection.ids(Dimension.CREATOR)
        narrowed = keys is not None or creators is not None
        models = selection.ids(Dimension.MODEL)
        placed = self._placed(keys, creators) if by_place or narrowed else None
        try:
            wanted = live_selection(
                None if self._by is None else _FIELDS.get(self._by),
                places=placed,
                models=self._named(models) if by_model or models is not None else None,
                grouped_by_model=by_model,
                patterns=_patterns(query.filters),
            )
        except ValueError:
            return CommandError(TOO_MANY_KEYS, examples=())
        labels = {str(number): label for label, number in self._numbers.items()}
        return _Planned(
            query,
            self._plan.ranges.current,
            wanted,
            None if self._by in _FIELDS else labels,
            (*self._missing(), *self._shared_names()),
        )

    def _number(self, label: str) -> int:
        """The number of the group with a label, from 1."""
        return self._numbers.setdefault(label, len(self._numbers) + 1)

    def _placed(self, keys: Ids | None, creators: Ids | None) -> dict[tuple[str, str], int]:
        """The pairs of key and owner that the filters allow, with the numbers of their groups."""
        found: dict[tuple[str, str], int] = {}
        end = self._plan.ranges.current.end
        for name, owner in {(one.key, one.owner) for one in self._places}:
            ref = self._keys.ref(name, end)
            key = self._directory.ids.get((Dimension.KEY, ref), 0)
            creator = self._owners.of(ref, owner)
            if (keys is not None and key not in keys) or (
                creators is not None and creator not in creators
            ):
                continue
            if ref.startswith(SAME_NAME):
                self._shared.add(name)
            if self._by is Dimension.KEY:
                label = self._seen.get(key) or (clean(name) if name else CHATROOM)
            elif self._by is Dimension.CREATOR:
                label = self._seen.get(creator) or CREATOR_UNKNOWN_NAME
            else:
                label = ALL
            found[name, owner] = self._number(label)
        return found

    def _named(self, models: Ids | None) -> dict[str, int]:
        """The names of the models that the filters allow, with the numbers of their groups."""
        found: dict[str, int] = {}
        for raw in {one.model for one in self._places}:
            name = self._models.name(raw)
            id_ = self._directory.ids.get((Dimension.MODEL, name), 0)
            if models is None or id_ in models:
                label = self._seen.get(id_) or clean(name) or NO_MODEL
                grouped = self._by is Dimension.MODEL
                found[raw] = self._number(label) if grouped else 1
        return found

    def _missing(self) -> tuple[str, ...]:
        """How much of what OpenRouter counts in the same time is not in ClickHouse."""
        store, source = self._request.store, self._plan.source
        known = is_stored(source.range, source.stored, store.state().coverage)
        if not known or source.range.start > self._plan.ranges.current.start:
            return (UNCHECKED,)
        counted = total(store.whole(Selection(), source.range, source.stored)).requests
        missing = counted - sum(one.requests for one in self._places)
        if missing <= 0:
            return ()
        share = missing / counted
        said = f"{share:.1%}" if share >= 0.0005 else "less than 0.1%"
        return (f"{said} of requests are not in ClickHouse",)

    def _shared_names(self) -> tuple[str, ...]:
        """That keys with one name can't be told apart."""
        if not self._shared:
            return ()
        listed = ", ".join(f"“{clean(name, 40)}”" for name in sorted(self._shared)[:_MOST_NAMES])
        more = len(self._shared) - _MOST_NAMES
        also = f" and {more:,} other names" if more > 0 else ""
        return (f"several keys are named {listed}{also}: ClickHouse doesn't tell them apart",)


def _patterns(filters: Iterable[Filter]) -> dict[tuple[TraceField, bool], str]:
    """The filters on what only ClickHouse has, as one regular expression for each side."""
    found: dict[tuple[TraceField, bool], list[str]] = defaultdict(list)
    for one in filters:
        if one.dimension in _FIELDS:
            part = ".*".join(re.escape(words) for words in one.pattern.split("*"))
            found[_FIELDS[one.dimension], one.exclude].append(part)
    return {side: f"(?is)^(?:{'|'.join(each)})$" for side, each in found.items()}


def _summarized(
    request: AnalysisRequest, found: _Planned, usage: Sequence[LiveUsage], *, rows: bool
) -> LiveAnswer:
    span = found.span
    at = {start: index for index, start in enumerate(span.buckets)}
    whole = [ZERO] * len(span.buckets)
    series: dict[str, dict[int, Usage]] = defaultdict(dict)
    for row in priority.pausing_for_requests(usage):
        index, label = at[row.bucket], found.label(row.group)
        whole[index] = plus(whole[index], row.usage)
        series[label][index] = plus(series[label].get(index, ZERO), row.usage)
    figures = UsageFigures(tuple(whole), series, len(series))
    summary = summarize(found.query, span, figures, request.now, found.partial)
    if not rows:
        return LiveAnswer(summary)
    detailed = sorted(usage, key=lambda row: (row.bucket, row.group, row.model))
    return LiveAnswer(
        summary,
        tuple(
            UsageRow(row.bucket, found.label(row.group), row.model or NO_MODEL, row.usage)
            for row in detailed
        ),
    )
