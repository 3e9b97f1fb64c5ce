"""Gathers what prompt caching did: usage by bucket, and where its figures are unknown."""

from __future__ import annotations

from bot.analysis.request import AnalysisRequest, planned
from reports.analysis.cache import UnknownFigures
from reports.analysis.cache_answer import cache_answer
from reports.analysis.document import AnalysisDocument
from reports.questions.grammar import CommandError
from reports.questions.summary import ALL


def gather_cache(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """The share of prompt tokens from a cache and what it saved, over everything and by group."""
    found = planned(request)
    if isinstance(found, CommandError):
        return found
    store, plan = request.store, found.plan
    wanted, stored = plan.source.range, plan.source.stored
    series = store.read(plan.selection, wanted, stored, None).series
    labels = found.labels if plan.query.by else {0: ALL}
    unknown = UnknownFigures(
        *(store.unknown_buckets(wanted, stored, {name}) for name in ("cached", "saved"))
    )
    return cache_answer(
        plan.query,
        wanted,
        {labels[id_]: buckets for id_, buckets in series.items()},
        unknown,
        as_of=found.as_of,
        partial=found.partial,
    )
