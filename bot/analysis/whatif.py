"""Gathers the usage of a model and the list prices to reprice it on another one."""

from __future__ import annotations

from collections.abc import Mapping

from bot.analysis.request import AnalysisRequest, planned, usage_by_cell
from bot.answers.openrouter_details import StoredModel, listed_model, models
from bot.store import Store
from bot.store.usage.selection import Selection
from reports.analysis.document import AnalysisDocument
from reports.analysis.whatif import Repriced, TokenUse, reprice
from reports.analysis.whatif_answer import CachePricing, whatif_answer
from reports.questions.grammar import CommandError
from reports.usage.coverage import AnswerableRange
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import ZERO, Usage, plus

EXAMPLE = "whatif opus -> sonnet 1m"
NAME_BOTH = f"Name the model that is used and the one to compare it with: `{EXAMPLE}`."
NO_PRICES = "OpenRouter's list prices could not be read yet, so I can't reprice anything."
NO_PRICE = "The list price of {model} is not known, so I can't reprice it."
NO_MODEL = "OpenRouter lists no model like `{word}`, so its price is not known."
NOT_USED = "No model like `{word}` was ever used here."


def gather_whatif(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """What the usage of the first model named would cost on the second one."""
    extra = request.query.extra
    if len(extra) != 3:  # source, arrow, target
        return CommandError(NAME_BOTH, suggestion=EXAMPLE)
    found = planned(request)
    if isinstance(found, CommandError):
        return found
    listed = models(request.store)
    if listed is None:
        return CommandError(NO_PRICES)
    target = _target(listed, extra[2])
    if target is None:
        return CommandError(NO_MODEL.format(word=extra[2]))
    plan, directory = found.plan, request.store.directory()
    word = extra[0]
    meant = directory.find(Dimension.MODEL, word) or directory.find(Dimension.MODEL, f"*{word}*")
    allowed = plan.selection.ids(Dimension.MODEL)
    if allowed is not None:
        meant &= allowed
    if not meant and not request.asker.own_only:  # else it would reveal what others use
        return CommandError(NOT_USED.format(word=word))
    by = None if plan.query.by is Dimension.MODEL else plan.query.by
    wanted = plan.selection.grouped(by).only(Dimension.MODEL, meant)
    cells, unknown = _token_use(request.store, wanted, plan.source)
    used = sorted({model for _, model, _ in cells}, key=lambda id_: found.labels[id_])
    if target.price is None:
        return CommandError(NO_PRICE.format(model=target.slug))
    sums: dict[str, list[Repriced]] = {}
    for (member, model, _), use in cells.items():
        slug = directory.members[model].ref
        source = listed_model(listed, slug)
        if source is None or source.price is None:
            return CommandError(NO_PRICE.format(model=slug))
        label = found.labels[model if plan.query.by is Dimension.MODEL else member] if (
            plan.query.by
        ) else "all"  # fmt: skip
        whole, _ = reprice({label: use}, source.price, target.price)
        sums.setdefault(label, []).append(whole)
    groups = sorted(
        (_added(label, parts) for label, parts in sums.items()),
        key=lambda one: (-one.billed, one.label),
    )
    names = ", ".join(found.labels[id_] for id_ in used) or word
    return whatif_answer(
        plan.query,
        plan.source.range,
        names,
        target.slug,
        _added("all", groups),
        groups if plan.query.by else (),
        CachePricing(unknown, target.price.cached is not None),
        as_of=found.as_of,
        partial=found.partial,
    )


def _token_use(
    store: Store, wanted: Selection, of: AnswerableRange
) -> tuple[Mapping[tuple[int, int, bool], TokenUse], bool]:
    """Usage by group, model and whether its cached tokens are known; and whether any are not."""
    unknown = store.unknown_buckets(of.range, of.stored, {"cached"})
    sums: dict[tuple[int, int, bool], Usage] = {}
    if unknown:
        for index, member, model, usage in store.rows(wanted, of.range, of.stored):
            cell = member, model, index not in unknown
            sums[cell] = plus(sums.get(cell, ZERO), usage)
    else:
        cells = usage_by_cell(store, wanted, of)
        sums = {(member, model, True): usage for (member, model), usage in cells.items()}
    found = {
        cell: TokenUse(
            usage.prompt, usage.completion, usage.reasoning, usage.requests,
            usage.value(Metric.SPEND), usage.cached if cell[2] else None,
        )
        for cell, usage in sums.items()
    }  # fmt: skip
    return found, any(not known for _, _, known in found)


def _added(label: str, parts: list[Repriced]) -> Repriced:
    return Repriced(
        label,
        sum(one.billed for one in parts),
        sum(one.repriced_same for one in parts),
        sum(one.repriced for one in parts),
    )


def _target(listed: Mapping[str, StoredModel], word: str) -> StoredModel | None:
    """The model that a word means: by its slug, by the name after the vendor, or a part of it.

    Where several have the part, the last by name, which of one family is the newest.
    """
    if word in listed:
        return listed[word]
    slugs = sorted({one.slug for one in listed.values()})
    named = [slug for slug in slugs if slug.rpartition("/")[2].casefold() == word.casefold()]
    alike = named or [slug for slug in slugs if word.casefold() in slug.casefold()]
    return listed[alike[-1]] if alike else None
