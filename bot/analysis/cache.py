"""Gathers what prompt caching did: usage by bucket, and where its figures are unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from bot.analysis.request import AnalysisRequest, planned
from bot.store import Store
from bot.store.usage.selection import Selection
from reports.analysis.cache import GroupUsage, Series, UnknownFigures, sums_of
from reports.analysis.cache_answer import cache_answer
from reports.analysis.document import AnalysisDocument
from reports.questions.grammar import CommandError
from reports.questions.summary import ALL
from reports.usage.coverage import AnswerableRange
from reports.usage.dimensions import Dimension
from reports.usage.usage import ZERO, Usage


def gather_cache(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """The share of prompt tokens from a cache and what it saved, over everything and by group."""
    found = planned(request)
    if isinstance(found, CommandError):
        return found
    store, plan = request.store, found.plan
    wanted, stored = plan.source.range, plan.source.stored
    labels = found.labels if plan.query.by else {0: ALL}
    unknown = UnknownFigures(
        *(store.unknown_buckets(wanted, stored, {name}) for name in ("cached", "saved"))
    )
    return cache_answer(
        plan.query,
        wanted,
        _usage(store, plan.selection, plan.source, labels),
        unknown,
        as_of=found.as_of,
        partial=found.partial,
    )


def _usage(
    store: Store, selection: Selection, of: AnswerableRange, labels: Mapping[int, str]
) -> GroupUsage:
    """The usage of a range by group. Of thousands of keys, only the largest are read by bucket."""
    wanted, stored, by = of.range, of.stored, selection.by

    def read(some: Selection) -> Series:
        found = store.read(some, wanted, stored).series
        return {labels[id_]: buckets for id_, buckets in found.items()}

    if by is None or by is Dimension.MODEL:
        return GroupUsage.of(read(selection))
    buckets = enumerate(store.whole(selection, wanted, stored))
    whole = {index: usage for index, usage in buckets if usage != ZERO}
    ids: dict[str, int] = {}

    def sums(counted: Set[int]) -> Mapping[str, Usage]:
        first, last = min(counted, default=0), max(counted, default=-1)
        if not counted or any(first <= at <= last for at in whole.keys() - counted):
            return sums_of(read(selection), counted)
        starts, edges = wanted.buckets[first : last + 1], (*wanted.buckets[1:], wanted.end)
        end = edges[last]
        part = replace(wanted, buckets=starts, end=end, until=min(wanted.until, end))
        found = store.group_sums(selection, part, stored)
        ids.update((labels[id_], id_) for id_ in found)
        return {labels[id_]: usage for id_, usage in found.items()}

    def series(some: Sequence[str]) -> Series:
        if not ids.keys() >= set(some):
            return read(selection)
        found = store.series_of(selection, wanted, stored, frozenset(ids[label] for label in some))
        return {labels[id_]: buckets for id_, buckets in found.items()}

    return GroupUsage(whole, sums, series)
