"""Checks a partly read alert: what is missing, out of range, or could never trigger.

Each mistake comes with the rule that was probably meant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reports.alerts.draft import RuleDraft, WrongRule, above_nothing, count, money, percents
from reports.alerts.draft import rule as _rule
from reports.alerts.rule import (
    SPIKE_FLOOR,
    Above,
    Budget,
    Credits,
    Forecast,
    New,
    Recipient,
    RecipientKind,
    Rule,
    Spike,
    Stale,
    amount,
)
from reports.time.period import Unit
from reports.usage.dimensions import Dimension, Filter, Metric, MoneySource
from reports.usage.usage import NANO
from reports.wording.safe_text import clean

_USUAL = {Metric.SPEND: 50 * NANO, Metric.TOKENS: 10**7, Metric.REQUESTS: 10**4}
_FREE = ":free"


def check(draft: RuleDraft) -> Rule:
    """The rule of a draft. Raises WrongRule with the rule that was probably meant."""
    if draft.odd:
        said = f"“{clean(draft.odd, 40)}” only works in a question, not in an alert."
        raise WrongRule(said, _forgiven(replace(draft, odd="")))
    makers = {
        "budget": _budget, "spike": _spike, "credits": _credits, "new": _new,
        "forecast": _forecast, "sync": _sync,
    }  # fmt: skip
    if not draft.watch:
        said = (
            "What should I watch? Start with spend, tokens, requests, budget, spike, credits, new"
            " model, new key, forecast or sync."
        )
        raise WrongRule(said, _forgiven(replace(draft, watch=_meant(draft))))
    rule = makers.get(draft.watch, _above)(draft)
    _check_free(rule)
    _check_owner(rule)
    return rule


def _forgiven(draft: RuleDraft) -> Rule:
    try:
        return check(draft)
    except WrongRule as wrong:
        return wrong.rule


def _meant(draft: RuleDraft) -> str:
    if draft.percents:
        return "budget"
    if draft.sign == "<":
        return "credits"
    large = draft.limit is not None and not draft.limit.dollars and draft.limit.value >= 10**5
    return "tokens" if large else "spend"


def _above(draft: RuleDraft) -> Rule:
    metric = Metric(draft.watch)
    unit = draft.unit or Unit.DAY

    def made(limit: int, unit: Unit = unit, source: MoneySource = draft.source) -> Rule:
        return _rule(draft, Above(metric, limit, unit, source))

    if draft.percents:
        raise WrongRule(
            "Percentages only work with `budget`, for limits set at OpenRouter.",
            _forgiven(
                replace(draft, watch="budget", limit=None, unit=None, source=MoneySource.ALL)
            ),
        )
    if metric is not Metric.SPEND and draft.source is not MoneySource.ALL:
        said = f"`{draft.source}` only applies to spend, not to {metric}."
        raise WrongRule(said, _forgiven(replace(draft, source=MoneySource.ALL)))
    limit = _limit(draft, metric, made)
    if draft.sign == "<":
        raise WrongRule(f"An alert on {metric} needs an upper limit, with `>`.", made(limit))
    if unit is Unit.YEAR:
        raise WrongRule("A limit can be per hour, day, week or month.", made(limit, Unit.MONTH))
    if draft.unit is None:
        typed = amount(metric, limit)
        typed = typed if metric is Metric.SPEND else f"{typed} {metric}"
        raise WrongRule(f"Is that {typed} per hour, day, week or month?", made(limit))
    return made(limit)


def _limit(draft: RuleDraft, metric: Metric, made: Callable[[int], Rule]) -> int:
    example, found = made(_USUAL[metric]), draft.limit
    if found is None:
        raise WrongRule("What is the limit? For example, `> $50 per day`.", example)
    if metric is Metric.SPEND:
        return above_nothing(money(found, example, made), found, example)
    if found.dollars or found.currency:
        said = f"{str(metric).capitalize()} aren't in dollars. To watch money, use `spend`."
        spend = replace(draft, watch="spend", limit=replace(found, dollars=True, currency=""))
        raise WrongRule(said, _forgiven(spend))
    return above_nothing(count(found, metric, example, made), found, example)


def _budget(draft: RuleDraft) -> Rule:
    if draft.by not in {None, Dimension.KEY} or any(
        one.dimension is Dimension.MODEL for one in draft.filters
    ):
        said = "OpenRouter only has limits on keys and workspaces, so this would never trigger."
        filters = tuple(one for one in draft.filters if one.dimension is not Dimension.MODEL)
        raise WrongRule(said, _forgiven(replace(draft, by=Dimension.KEY, filters=filters)))
    if draft.source is not MoneySource.ALL:
        raise WrongRule(
            "OpenRouter decides what counts toward a limit.",
            _forgiven(replace(draft, source=MoneySource.ALL)),
        )
    if draft.unit is not None:
        raise WrongRule(
            "OpenRouter decides when a limit resets.", _forgiven(replace(draft, unit=None))
        )
    parts = Budget(percents(draft))
    if draft.sign == "<":
        said = "A budget alert triggers when a percentage of the limit is used."
        raise WrongRule(said, _rule(draft, parts))
    return _rule(draft, parts)


def _spike(draft: RuleDraft) -> Rule:
    if draft.unit not in {None, Unit.HOUR} or draft.source is not MoneySource.ALL or draft.percents:
        said = "A spike is an hour that costs far more than that hour of the week usually does."
        plain = replace(draft, unit=None, source=MoneySource.ALL, percents=())
        raise WrongRule(said, _forgiven(plain))
    if draft.limit is None:
        return _rule(draft, Spike())
    usual = _rule(draft, Spike(SPIKE_FLOOR))
    floor = money(draft.limit, usual, lambda floor: _rule(draft, Spike(floor)))
    if draft.sign == "<":
        said = "A spike alert needs a minimum, with `>`."
        raise WrongRule(said, _rule(draft, Spike(floor)))
    if floor == 0:
        raise WrongRule("The minimum must be above $0, or a few cents would trigger it.", usual)
    return _rule(draft, Spike(floor))


def _credits(draft: RuleDraft) -> Rule:
    if draft.by or draft.filters or draft.unit or draft.percents:
        said = "The credit balance belongs to the whole organization and has no period."
        plain = replace(draft, by=None, filters=(), unit=None, percents=())
        raise WrongRule(said, _forgiven(plain))
    example = _rule(draft, Credits(100 * NANO))
    if draft.limit is None:
        raise WrongRule("What is the limit? For example, `credits < $100`.", example)
    limit = money(draft.limit, example, lambda limit: _rule(draft, Credits(limit)))
    if draft.sign != "<":
        raise WrongRule(
            "An alert on credits needs a lower limit, with `<`.",
            _rule(draft, Credits(limit)),
        )
    return _rule(draft, Credits(limit))


def _forecast(draft: RuleDraft) -> Rule:
    def made(limit: int) -> Rule:
        return _rule(draft, Forecast(limit, draft.source))

    example = made(5_000 * NANO)
    if draft.limit is None or draft.percents:
        raise WrongRule("What is the limit? For example, `> $50 per day`.", example)
    limit = above_nothing(money(draft.limit, example, made), draft.limit, example)
    if draft.sign == "<":
        raise WrongRule("A forecast alert needs an upper limit, with `>`.", made(limit))
    if draft.unit is not Unit.MONTH:
        raise WrongRule("A forecast is always per month.", made(limit))
    return made(limit)


def _new(draft: RuleDraft) -> Rule:
    what = draft.what or Dimension.MODEL
    plain = replace(
        draft, limit=None, sign="", unit=None, percents=(), source=MoneySource.ALL,
        by=draft.by if what is Dimension.MODEL and draft.by is Dimension.CREATOR else None,
    )  # fmt: skip
    plain = replace(plain, filters=tuple(f for f in draft.filters if _tells(what, f)))
    if plain.filters != draft.filters or plain.by != draft.by:
        said = (
            "A model can be new to the organization, or to each creator with `by creator`."
            if what is Dimension.MODEL
            else "A key can only be new once."
        )
        raise WrongRule(said, _rule(plain, New(what)))
    if plain != draft:
        raise WrongRule(
            "An alert on new models or keys has no limit or period.", _rule(plain, New(what))
        )
    return _rule(draft, New(what))


def _tells(what: Dimension, one: Filter) -> bool:
    return one.dimension in {what, Dimension.CREATOR}


def _sync(draft: RuleDraft) -> Rule:
    plain = replace(
        draft,
        by=None,
        filters=(),
        limit=None,
        sign="",
        unit=None,
        percents=(),
        source=MoneySource.ALL,
    )
    if plain != draft:
        said = "`alert sync` triggers when the data is over an hour old, and takes no other words."
        raise WrongRule(said, _rule(plain, Stale()))
    return _rule(draft, Stale())


def _check_free(rule: Rule) -> None:
    """Spend on free models alone is never above anything."""
    money = isinstance(rule.watch, Spike | Forecast) or (
        isinstance(rule.watch, Above) and rule.watch.metric is Metric.SPEND
    )
    models = [one.pattern for one in rule.filters if one.dimension is Dimension.MODEL]
    if money and models and all(pattern.lower().endswith(_FREE) for pattern in models):
        watch = Above(Metric.REQUESTS, _USUAL[Metric.REQUESTS], Unit.DAY)
        said = "Free models cost nothing, so this would never trigger."
        raise WrongRule(said, replace(rule, watch=watch))


def _check_owner(rule: Rule) -> None:
    """Who has an owner: a key, a limit on one, a creator."""
    if rule.to.kind is not RecipientKind.OWNER:
        return
    people = {Dimension.KEY, Dimension.CREATOR}
    owned = rule.by in people or any(one.dimension in people for one in rule.filters)
    if owned or isinstance(rule.watch, Budget) or rule.watch == New(Dimension.KEY):
        return
    if isinstance(rule.watch, Credits | Stale):
        said = "This is about the whole organization, so there is no owner to send it to."
        raise WrongRule(said, replace(rule, to=Recipient()))
    said = "To send it to the owner, add `by creator`, `by key` or a filter."
    raise WrongRule(said, replace(rule, by=Dimension.CREATOR))
