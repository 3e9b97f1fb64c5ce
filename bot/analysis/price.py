"""Gathers the usage that unit prices are computed from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bot.analysis.request import (
    BILLED,
    AnalysisRequest,
    PlannedAnalysis,
    planned,
    usage_by_cell,
    usage_by_group,
)
from bot.store import Store
from reports.analysis.document import AnalysisDocument
from reports.analysis.price import prices, prices_of_source
from reports.analysis.price_answer import price_answer
from reports.questions.grammar import CommandError
from reports.usage.dimensions import Dimension, MoneySource
from reports.usage.usage import Usage, total


def gather_price(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """What a million tokens cost, over everything and by group."""
    found = planned(request)
    if isinstance(found, CommandError):
        return found
    plan, labels = found.plan, found.labels
    if plan.query.source is MoneySource.ALL:
        groups = usage_by_group(request.store, plan.selection, plan.source, BILLED)
        named = {labels[id_]: usage for id_, usage in groups.items()} if plan.query.by else {}
        unit_prices = prices(total(groups.values()), named)
    else:
        cells = _cells(request.store, found)
        by_name = {labels[id_]: used for id_, used in cells.items()} if plan.query.by else {}
        whole = [usage for used in cells.values() for usage in used]
        unit_prices = prices_of_source(whole, by_name, plan.query.source)
    return price_answer(
        plan.query, plan.source.range, unit_prices, as_of=found.as_of, partial=found.partial
    )


def _cells(store: Store, found: PlannedAnalysis) -> Mapping[int, Sequence[Usage]]:
    """Usage of each API key with each model (of each creator, where the question is about those),
    by the id of its group; 0 without a grouping."""
    plan = found.plan
    of_creators = plan.selection.ids(Dimension.CREATOR) is not None
    dimension = plan.query.by or Dimension.MODEL
    if dimension is Dimension.MODEL:
        dimension = Dimension.CREATOR if of_creators else Dimension.KEY
    cells: dict[int, list[Usage]] = defaultdict(list)
    by_source = (*BILLED, "byok_requests")
    read = usage_by_cell(store, plan.selection.grouped(dimension), plan.source, figures=by_source)
    for (member, model), usage in read.items():
        group = model if plan.query.by is Dimension.MODEL else member if plan.query.by else 0
        cells[group].append(usage)
    return cells
