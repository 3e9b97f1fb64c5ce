"""Gathers the usage that unit prices are computed from."""

from __future__ import annotations

from bot.analysis.request import AnalysisRequest, planned, usage_by_group
from reports.analysis.document import AnalysisDocument
from reports.analysis.price_answer import price_answer
from reports.questions.grammar import CommandError
from reports.usage.usage import total


def gather_price(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """What a million tokens cost, over everything and by group."""
    found = planned(request)
    if isinstance(found, CommandError):
        return found
    plan = found.plan
    groups = usage_by_group(request.store, plan.selection, plan.source)
    return price_answer(
        plan.query,
        plan.source.range,
        total(groups.values()),
        {found.labels[id_]: usage for id_, usage in groups.items()} if plan.query.by else {},
        as_of=found.as_of,
        partial=found.partial,
    )
