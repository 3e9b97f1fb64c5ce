"""Gathers the models with an end date that are still used, and who uses them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from bot.analysis.request import BILLED, AnalysisRequest, planned, usage_by_cell, usage_by_group
from bot.answers.answer import make_plan
from bot.answers.openrouter_details import listed_model, models
from reports.analysis.document import AnalysisDocument
from reports.analysis.retiring import ModelUser, RetiringModel, most_spend_first, soonest_first
from reports.analysis.retiring_answer import NO_LIST, retiring_answer
from reports.questions.grammar import CommandError
from reports.questions.kind_options import first_day
from reports.time.period import Counted, Unit
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import total

_USED_IN = Counted(30, Unit.DAY)
"""A model counts as used if it was used in the past 30 days, as a key does."""


def gather_retiring(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """The models that end, soonest first, with what each key (or creator) spends on them."""
    wrong = make_plan(
        request.store, request.query, request.now, request.zone, request.asker
    )  # whose words are those that were typed
    if isinstance(wrong, CommandError):
        return wrong
    by = Dimension.CREATOR if request.query.by is Dimension.CREATOR else Dimension.KEY
    asked = replace(request.query, by=by, period=_USED_IN)
    found = planned(replace(request, query=asked))
    if isinstance(found, CommandError):
        return found
    listed = models(request.store)
    if listed is None:
        return CommandError(NO_LIST)
    plan, directory = found.plan, request.store.directory()
    before = next((day for word in request.query.extra if (day := first_day(word))), date.max)
    ends = {
        one.id: model.ends
        for one in directory.of[Dimension.MODEL]
        if (model := listed_model(listed, one.ref)) and model.ends and model.ends < before
    }
    allowed = plan.selection.ids(Dimension.MODEL)
    wanted = frozenset(ends) if allowed is None else allowed & ends.keys()
    cells = usage_by_cell(
        request.store, plan.selection.only(Dimension.MODEL, wanted), plan.source, figures=BILLED
    ) if wanted else {}  # fmt: skip
    found_models = []
    for id_ in {model for _, model in cells}:
        used = {member: usage for (member, model), usage in cells.items() if model == id_}
        whole = total(used.values())
        if not whole.requests:
            continue
        users = most_spend_first(
            ModelUser(found.labels[member], usage.value(Metric.SPEND))
            for member, usage in used.items()
            if usage.requests
        )
        found_models.append(
            RetiringModel(
                found.labels[id_], ends[id_], whole.value(Metric.SPEND), whole.tokens,
                whole.requests, users,
            )
        )  # fmt: skip
    in_use = {listed[directory.members[id_].ref].slug for _, id_ in cells
              if directory.members[id_].ref in listed}  # fmt: skip
    others = {
        model.slug for model in listed.values() if model.ends and model.ends < before
    } - in_use  # fmt: skip
    any_used = bool(found_models) or any(
        one.requests
        for one in usage_by_group(request.store, plan.selection.grouped(None), plan.source).values()
    )
    return retiring_answer(
        replace(plan.query, period=request.query.period, by=request.query.by and by),
        soonest_first(found_models),
        0 if request.query.filters else len(others),
        request.now,
        used=any_used,
        own=request.asker.own_only,
        before=None if before == date.max else before,
        as_of=found.as_of,
        partial=found.partial,
    )
