"""What exactly ClickHouse is asked for a question, and what is known about its completeness."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.analysis.request import AnalysisRequest
from bot.answers import visibility
from bot.answers.answer import Plan, make_plan
from bot.answers.comparison import for_before
from bot.clickhouse import (
    ClickHouse,
    LiveSelection,
    TraceColumns,
    TraceField,
    TracePlace,
    live_selection,
)
from bot.store.sync_state import parts
from bot.store.usage.directory import Directory
from bot.store.usage.openrouter_facts import MODELS
from bot.store.usage.selection import Ids, Selection
from bot.store.usage.store import CacheState
from bot.store.usage.trace_members import TraceKeys, TraceModels, TraceOwners
from bot.store.usage.traces import CREATOR_UNKNOWN_NAME, SAME_NAME
from reports.questions.grammar import CommandError
from reports.questions.query import Query, QueryKind
from reports.questions.summary import ALL
from reports.questions.wording import capitalize_first
from reports.time.period import Counted, Unit
from reports.time.time_range import TimeRange
from reports.usage.coverage import AnswerableRange, answerable_range, is_stored
from reports.usage.dimensions import NAMES, Dimension, Filter
from reports.usage.members import CHATROOM
from reports.usage.usage import total
from reports.wording.safe_text import clean

LONGEST = timedelta(days=32)
"""Shorter than this: 31 days, and the day that is still running, so that `1m` always fits."""
RECENT = timedelta(hours=1)
"""How old the last sync may be, so that totals through then are compared with ClickHouse."""
TOO_LONG_PERIOD = "{what} can be shown for at most 31 days, because each request is looked at"
OR_CREATORS = "; `{creators}` shows the members of the organization"
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


@dataclass(frozen=True, slots=True)
class LivePlan:
    """A question made exact: the query, its range, what to ask ClickHouse, and notes.

    `before` is the range that it is compared with, None if it isn't or nothing is known about that
    range; `partial_before` are notes on it. `labels` are the names of groups that ClickHouse has as
    numbers, None where it has the names.
    """

    query: Query
    span: TimeRange
    before: TimeRange | None
    wanted: LiveSelection
    labels: Mapping[str, str] | None
    partial: tuple[str, ...]
    partial_before: tuple[str, ...]

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


def what_is_asked(query: Query) -> str:
    """What is asked: `Latency`, `Usage by provider`."""
    if query.kind is QueryKind.ERRORS:
        return "The share of failed requests"
    if query.kind is QueryKind.LATENCY:
        return "Latency"
    return f"Usage by {NAMES[query.live_dimensions[0]].label}"


def plan_live(
    request: AnalysisRequest, traces: ClickHouse, *, compares: bool
) -> LivePlan | CommandError:
    """Make a question exact, or say why it can't be asked.

    `compares`: with the previous period. Reads from ClickHouse which keys and models there are.
    """
    store = request.store
    with store.snapshot():
        plan = make_plan(store, request.query, request.now, request.zone, request.asker)
        if isinstance(plan, CommandError):
            return plan
        span, before = plan.ranges.current, plan.ranges.previous
        state = store.state()
        now = _Totals.of(plan.source, state)
        then = _Totals.of(answerable_range(before, state.coverage), state)
    if span.until - span.start >= LONGEST:
        return _too_long(request.query)
    problem = _lacking(request.query, traces.columns())
    if problem and (problem := _lacking(request.query, traces.columns(again=True))):
        return CommandError(problem, examples=())
    places = traces.places(span.start, span.until, now.until)
    earlier = traces.places(before.start, before.until, then.until) if compares else None
    with store.snapshot():
        return _Selecting(request, plan, places, earlier).planned(now, then)


@dataclass(frozen=True, slots=True)
class _Totals:
    """What OpenRouter's totals of a range are known through; `whole`: without a gap."""

    source: AnswerableRange
    until: datetime
    whole: bool

    @classmethod
    def of(cls, source: AnswerableRange, state: CacheState) -> _Totals:
        """The totals of a range; of one that is running, those of the last sync are enough."""
        until, synced = source.range.until, state.synced.get(source.stored)
        if synced is not None and timedelta() < until - synced < RECENT:
            until = synced
        stored = replace(source.range, until=until)
        return cls(source, until, is_stored(stored, source.stored, state.coverage))


def _too_long(query: Query) -> CommandError:
    month = replace(query, period=Counted(1, Unit.MONTH), files=(), share=False)
    said = TOO_LONG_PERIOD.format(what=what_is_asked(query))
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


@dataclass(frozen=True, slots=True)
class _Missing:
    """Notes on what ClickHouse lacks of a range, and whether it has nothing of it although there
    was, or may have been, usage."""

    notes: tuple[str, ...] = ()
    all: bool = False


class _Selecting:
    """Makes the selection for ClickHouse from the names that its traces have."""

    def __init__(
        self,
        request: AnalysisRequest,
        plan: Plan,
        places: Sequence[TracePlace],
        earlier: Sequence[TracePlace] | None,
    ) -> None:
        self._request = request
        self._plan = plan
        self._now, self._earlier = places, earlier
        self._places = (*places, *(earlier or ()))
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

    def planned(self, now: _Totals, then: _Totals) -> LivePlan | CommandError:
        """The question made exact; `now` and `then` are OpenRouter's totals of both periods."""
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
        span, before = self._plan.ranges.current, self._plan.ranges.previous
        missing, earlier = self._missing(self._now, span, now), None
        if self._earlier is not None:
            earlier = self._missing(self._earlier, before, then)
        known = earlier is not None and not earlier.all
        notes = earlier.notes if known and earlier else ()
        return LivePlan(
            query,
            span,
            before if known else None,
            wanted,
            None if self._by in _FIELDS else labels,
            (*missing.notes, *self._shared_names()),
            for_before(one for one in notes if one not in missing.notes),
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

    def _missing(self, places: Sequence[TracePlace], of: TimeRange, totals: _Totals) -> _Missing:
        """How much of what OpenRouter counts in a range is not in ClickHouse.

        `places` are those of the range.
        """
        store, source = self._request.store, totals.source
        there = sum(one.requests for one in places)
        same = (source.range.start, source.range.end) == (of.start, of.end)  # not UTC days instead
        if not totals.whole or not same:
            return _Missing((UNCHECKED,), all=not there)
        counted = total(store.whole(Selection(), source.range, source.stored)).requests
        missing = counted - there
        if missing <= 0:
            return _Missing()
        share = missing / counted
        said = f"{share:.1%}" if share >= 0.0005 else "less than 0.1%"
        return _Missing((f"{said} of requests are not in ClickHouse",), all=not there)

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
