"""Gathers the usage of a model and the list prices to reprice it on another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from bot.analysis.request import (
    BILLED,
    AnalysisRequest,
    PlannedAnalysis,
    planned,
    usage_by_cell,
    usage_by_group,
)
from bot.answers.openrouter_details import StoredModel, listed_model, models
from bot.store import Store
from bot.store.usage.selection import Ids, Selection
from reports.analysis.document import AnalysisDocument
from reports.analysis.model_match import models_meant, without_version
from reports.analysis.whatif import ListPrice, Repriced, TokenUse, reprice, together
from reports.analysis.whatif_answer import CachePricing, OtherGroups, whatif_answer
from reports.questions.grammar import CommandError
from reports.questions.query import Query
from reports.questions.summary import ALL
from reports.usage.coverage import AnswerableRange
from reports.usage.dimensions import Dimension, Metric
from reports.usage.format import money
from reports.usage.usage import ZERO, Usage, plus

ALL_MODELS = "all"
"""The first word of a question that moves all usage to one model."""
EXAMPLE = "whatif opus -> sonnet 1m"
NAME_ONE = "Which model should I compare with? Name it after an arrow, as in `{like}`."
NO_PRICES = "OpenRouter's list prices could not be read yet, so I can't reprice anything."
NO_PRICE = "OpenRouter lists no price for {model}, so I can't reprice it."
LEFT_OUT = (
    "OpenRouter lists no price for {models}, so {spend} of spend there is left out of all figures"
)
NO_MODEL = "OpenRouter lists no model like “{word}”, so its price is not known."
SEVERAL = "“{word}” may mean several models. Which one?"
NOT_USED = "No model like “{word}” was ever used here; `by model` lists the models in use."
_MOST_CHOICES = 5
_NAMED = 3
_PRICED = (*BILLED, "reasoning", "cached")
"""The figures that have a price, and what was paid for them."""

_Cell = tuple[int, int, bool]
"""A group, a model (ids), and whether the cached tokens are known."""
_Cells = Mapping[_Cell, TokenUse]


def gather_whatif(request: AnalysisRequest) -> AnalysisDocument | CommandError:
    """What the usage of the first model named, or of all, would cost on the second one."""
    extra = request.query.extra
    found = planned(request)
    if isinstance(found, CommandError):
        return found
    listed = models(request.store)
    if listed is None:
        return CommandError(NO_PRICES, examples=())
    if len(extra) != 3:  # source, arrow, target
        return _name_one(request, listed)
    target = _target(request.query, listed)
    if isinstance(target, CommandError):
        return target
    if target.price is None:
        return CommandError(NO_PRICE.format(model=target.slug), examples=())
    plan, directory = found.plan, request.store.directory()
    word = extra[0]
    allowed = plan.selection.ids(Dimension.MODEL)
    meant = allowed
    if word != ALL_MODELS:
        apart = word.replace("-", "*")  # gemini-flash: gemini-3-flash-preview
        patterns = (word, f"*{word}*", f"*{apart}*")
        found_by = (directory.find(Dimension.MODEL, pattern) for pattern in patterns)
        named = next(filter(None, found_by), frozenset())
        meant = named if allowed is None else named & allowed
        if not meant and not request.asker.own_only:  # else it would reveal what others use
            return CommandError(NOT_USED.format(word=word), examples=())
    by = None if plan.query.by is Dimension.MODEL else plan.query.by
    wanted = plan.selection.grouped(by)
    if meant is not None:
        wanted = wanted.only(Dimension.MODEL, meant)
    few = by is not None and not request.whole  # a message shows only the largest groups
    # whose models are those of the question without groups, of which there are stored sums
    cells, unknown = _token_use(request.store, wanted.grouped(None) if few else wanted, plan.source)
    priced = {
        id_: model.price
        for id_ in {model for _, model, _ in cells}
        if (model := listed_model(listed, directory.members[id_].ref)) and model.price
    }
    unpriced = _spent_without(cells, priced.keys())
    if unpriced and not priced:
        names = _named([directory.members[id_].ref for id_ in unpriced])
        return CommandError(NO_PRICE.format(model=names), examples=())
    prices = _Prices(priced, target.price)
    if few:
        of_priced = wanted.only(Dimension.MODEL, frozenset(priced)) if unpriced else wanted
        groups, others, whole = _largest(found, request.store, of_priced, cells, prices)
    else:
        named_by = 1 if plan.query.by is Dimension.MODEL else 0
        labels = {cell: found.labels[cell[named_by]] if plan.query.by else ALL for cell in cells}
        groups, others = _by_label(cells, labels, prices), None
        whole = together(ALL, groups)
    return whatif_answer(
        plan.query,
        plan.source.range,
        ", ".join(sorted(found.labels[id_] for id_ in priced)) or word,
        target.slug,
        whole,
        groups if plan.query.by else (),
        CachePricing(unknown, target.price.cached is not None),
        others=others,
        ends=target.ends,
        now=request.now,
        as_of=found.as_of,
        partial=(*found.partial, *_left_out(found, unpriced)),
    )


@dataclass(frozen=True, slots=True)
class _Prices:
    """The list prices of models (by id), and that of the model to compare with."""

    of: Mapping[int, ListPrice]
    target: ListPrice


def _by_label(cells: _Cells, labels: Mapping[_Cell, str], prices: _Prices) -> list[Repriced]:
    """The groups of some labels, those with the most spend first, of the models with a price."""
    sums: dict[str, list[Repriced]] = {}
    for cell, use in cells.items():
        if cell[1] in prices.of:
            label = labels[cell]
            whole, _ = reprice({label: use}, prices.of[cell[1]], prices.target)
            sums.setdefault(label, []).append(whole)
    return sorted(
        (together(label, parts) for label, parts in sums.items()),
        key=lambda one: (-one.billed, one.label),
    )


def _largest(
    found: PlannedAnalysis, store: Store, wanted: Selection, cells: _Cells, prices: _Prices
) -> tuple[list[Repriced], OtherGroups | None, Repriced]:
    """The groups with the most spend on models with a price, the others together, and the whole.

    Only the models of these groups are read. The others are what is left of the whole, whose
    `cells` are rounded by model.
    """
    of, top = found.plan.source, found.plan.query.top
    ids: dict[str, list[int]] = {}
    spent: Counter[str] = Counter()
    sums = store.metric_sums(wanted, of.range, of.stored, (Metric.SPEND,))
    for id_, (spend,) in sums.items():
        label = found.labels[id_]
        ids.setdefault(label, []).append(id_)
        spent[label] += spend
    shown = sorted(spent, key=lambda label: (-spent[label], label))[:top]
    some = frozenset(id_ for label in shown for id_ in ids[label])
    of_shown, _ = _token_use(store, wanted, of, some)
    labels = {cell: found.labels[cell[0]] for cell in of_shown}
    groups = _by_label(of_shown, labels, prices)
    if len(spent) <= top:
        return groups, None, together(ALL, groups)
    whole = together(ALL, _by_label(cells, dict.fromkeys(cells, ALL), prices))
    return groups, OtherGroups(len(spent) - top, whole.less(groups)), whole


def _left_out(found: PlannedAnalysis, unpriced: Mapping[int, int]) -> tuple[str, ...]:
    """What the answer lacks for want of prices; `unpriced` is the spend of models by id."""
    if not any(unpriced.values()):
        return ()
    names = _named([found.labels[id_] for id_ in unpriced])
    return (LEFT_OUT.format(models=names, spend=money(sum(unpriced.values()))),)


def _spent_without(cells: _Cells, priced: Set[int]) -> Mapping[int, int]:
    """What was spent on each model (id) that has no price, the most first."""
    spent: dict[int, int] = {}
    for (_, model, _), use in cells.items():
        if model not in priced:
            spent[model] = spent.get(model, 0) + use.billed
    return dict(sorted(spent.items(), key=lambda one: -one[1]))


def _named(names: Sequence[str]) -> str:
    """Names in a sentence; many are counted."""
    more = len(names) - _NAMED
    named = list(names[:_NAMED]) + ([f"{more:,} more"] if more > 0 else [])
    return " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))


def _name_one(request: AnalysisRequest, listed: Mapping[str, StoredModel]) -> CommandError:
    """Ask for the model to compare with, with examples of the models that the asker uses."""
    of_model = [one for one in request.query.filters if one.dimension is Dimension.MODEL]
    others = tuple(one for one in request.query.filters if one not in of_model)
    found = planned(replace(request, query=replace(request.query, by=None, filters=others)))
    priced = [] if isinstance(found, CommandError) else _most_used(request.store, found, listed)
    named = next((one.pattern.strip("*") for one in of_model if not one.exclude), "")
    if named:
        from_ = [one for one in priced if named.casefold() in one.slug.casefold()]
        priced = [*from_[:1], *(one for one in priced if one not in from_)] if from_ else priced
    if not priced:
        return CommandError(NAME_ONE.format(like=EXAMPLE), examples=())
    first, cheaper = priced[0], _cheaper(priced)
    period, target = request.query.period, _short(cheaper or first)
    narrowed = "".join(f" {one}" for one in others)
    choices = [f"whatif {ALL_MODELS} -> {target} {period}{narrowed}"]
    if cheaper:
        choices.insert(0, f"whatif {named or _short(first)} -> {target} {period}{narrowed}")
    problem = NAME_ONE.format(like=choices[0])
    return CommandError(problem, examples=(), choices=tuple(choices))


def _most_used(
    store: Store, found: PlannedAnalysis, listed: Mapping[str, StoredModel]
) -> list[StoredModel]:
    """The models with a price that were used, those with the most spend first."""
    directory = store.directory()
    spent = usage_by_group(store, found.plan.selection.grouped(Dimension.MODEL), found.plan.source)
    ranked = sorted(spent, key=lambda id_: -spent[id_].value(Metric.SPEND))
    models_used = (listed_model(listed, directory.members[id_].ref) for id_ in ranked)
    return [model for model in models_used if model and model.price]


def _cheaper(priced: Sequence[StoredModel]) -> StoredModel | None:
    """Of models in the order of their spend, the first that lists less than the first one does."""
    most = priced[0].price
    cheaper = [one for one in priced if one.price and most and 0 < one.price.prompt < most.prompt]
    vendor = priced[0].slug.partition("/")[0]
    return next((one for one in cheaper if one.slug.startswith(f"{vendor}/")), None) or next(
        iter(cheaper), None
    )


def _short(model: StoredModel) -> str:
    """A model's slug without its vendor, as people type it."""
    return model.slug.rpartition("/")[2]


def _token_use(
    store: Store, wanted: Selection, of: AnswerableRange, groups: Ids | None = None
) -> tuple[_Cells, bool]:
    """Usage by group, model and whether its cached tokens are known; and whether any are not.

    `groups` are those that are asked for (None: all).
    """
    unknown = store.unknown_buckets(of.range, of.stored, {"cached"})
    sums: dict[_Cell, Usage] = {}
    for first, after, known in _runs(len(of.range.buckets), unknown):
        for (member, model), usage in _cells(store, wanted, _cut(of, first, after), groups).items():
            cell = member, model, known
            sums[cell] = plus(sums.get(cell, ZERO), usage)
    found = {
        cell: TokenUse(
            usage.prompt, usage.completion, usage.reasoning, usage.requests,
            usage.value(Metric.SPEND), usage.cached if cell[2] else None, usage.byok,
        )
        for cell, usage in sums.items()
    }  # fmt: skip
    return found, any(not known for _, _, known in found)


def _runs(count: int, unknown: Set[int]) -> Iterator[tuple[int, int, bool]]:
    """The buckets that follow each other and are all known, or all unknown: the first one and the
    one after the last."""
    first = 0
    for at in range(1, count + 1):
        if at == count or (at in unknown) is not (first in unknown):
            yield first, at, first not in unknown
            first = at


def _cut(of: AnswerableRange, first: int, after: int) -> AnswerableRange:
    """The buckets of a range from one until before another."""
    edges = (*of.range.buckets, of.range.end)
    if (first, after) == (0, len(of.range.buckets)):
        return of
    part = replace(
        of.range,
        buckets=edges[first:after],
        end=edges[after],
        until=min(of.range.until, edges[after]),
    )
    return replace(of, range=part)


def _cells(
    store: Store, wanted: Selection, of: AnswerableRange, groups: Ids | None
) -> Mapping[tuple[int, int], Usage]:
    """Usage of a whole range by group and model; without groups from stored sums."""
    if wanted.by is not None:
        return usage_by_cell(store, wanted, of, groups, _PRICED)
    by_model = usage_by_group(store, wanted.grouped(Dimension.MODEL), of, _PRICED)
    return {(0, model): usage for model, usage in sorted(by_model.items())}


def _target(query: Query, listed: Mapping[str, StoredModel]) -> StoredModel | CommandError:
    """The model to reprice on; an error where the word means none, or one of several families."""
    word = query.extra[2]
    if word in listed:
        return listed[word]
    slugs = [one.slug for one in listed.values()]
    meant = models_meant(slugs, word)
    if len(meant) == 1:
        return listed[meant[0]]
    problem = SEVERAL
    if not meant:
        problem = NO_MODEL
        # of another version of a model that is listed, offer those that are
        family = without_version(word)
        meant = models_meant(slugs, family) if family else ()
    choices = tuple(
        replace(query, extra=(*query.extra[:2], slug)).words() for slug in meant[:_MOST_CHOICES]
    )
    return CommandError(problem.format(word=word), examples=(), choices=choices)
