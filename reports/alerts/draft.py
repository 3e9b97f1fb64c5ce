"""A partly read alert, and its threshold in whole nano-dollars or counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from reports.alerts.rule import Recipient, Rule
from reports.alerts.threshold import Amount
from reports.alerts.watch import Watch
from reports.time.period import Unit
from reports.usage.dimensions import Dimension, Filter, Metric, MoneySource
from reports.usage.usage import NANO, nano_dollars
from reports.wording.safe_text import clean

MOST_DOLLARS = 10**8
MOST_COUNT = 10**15
_PARTS: dict[Unit | None, int] = {Unit.HOUR: 100, Unit.DAY: 10, Unit.WEEK: 4}
"""Divides the highest plausible monthly amount for shorter periods."""
_TOKENS = 1_000
"""The approximate number of tokens per request."""
CENT = NANO // 100
MakeRule = Callable[[int], Rule]
"""Creates the intended rule from a limit."""


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """A partly read alert; `not_in_alerts` is a word that doesn't belong in an alert."""

    watch: str = ""
    what: Dimension | None = None
    limit: Amount | None = None
    sign: str = ""
    unit: Unit | None = None
    percents: tuple[Amount, ...] = ()
    days: int | None = None
    to: Recipient | None = None
    urgent: bool = False
    by: Dimension | None = None
    filters: tuple[Filter, ...] = ()
    zone: str | None = None
    source: MoneySource = MoneySource.ALL
    not_in_alerts: str = ""


class WrongRule(ValueError):  # noqa: N818 - its text is what is said
    """A draft isn't a valid rule; `rule` is what was probably meant."""

    def __init__(self, problem: str, rule: Rule) -> None:
        super().__init__(problem)
        self.rule = rule


def corrected_rule(draft: RuleDraft) -> Rule:
    """The rule that was probably meant by a draft, with its mistakes corrected."""
    from reports.alerts.validation import check  # noqa: PLC0415 - it asks the kinds, which ask this

    try:
        return check(draft)
    except WrongRule as wrong:
        return wrong.rule


def rule(draft: RuleDraft, watch: Watch) -> Rule:
    """The rule for a draft with this watch."""
    to = draft.to or Recipient()
    return Rule(watch, draft.by, draft.filters, to, draft.urgent, draft.zone)


def money(found: Amount, example: Rule, make: MakeRule) -> int:
    """A threshold in nano-dollars. Raises WrongRule if it isn't one; `example` suggests one."""
    most = highest_limit(example)
    nano, typed = _fit(found.value, most), clean(found.typed, 20)
    above = not example.watch.below  # a balance triggers below its limit
    always, any_use = (
        (", so it's always exceeded", ", so any usage exceeds it") if above else ("", "")
    )
    if found.currency:
        said = f"OpenRouter bills in US dollars, not {clean(found.currency, 20)}."
        raise WrongRule(said, make(nano))
    if found.comma:
        raise WrongRule(f"Write “{typed}” with a decimal point.", make(nano))
    if found.value < 0:
        raise WrongRule(f"“{typed}” is negative{always}.", make(nano))
    if not found.dollars:
        raise WrongRule(f"Is “{typed}” in dollars? Then write it with a dollar sign.", make(nano))
    if found.value > most:
        never = _never(example, "it will never be reached")
        raise WrongRule(f"“{typed}” is too high: {never}.", example)
    if 0 < found.value < Decimal("0.01"):
        raise WrongRule(f"“{typed}” is less than a cent{any_use}.", make(CENT))
    return nano


def highest_limit(rule: Rule) -> int:
    """The threshold above which a rule could never trigger, in dollars, tokens or requests."""
    watch = rule.watch
    part = _PARTS.get(watch.limit_unit, 1)
    if watch.measured is Metric.SPEND:
        return MOST_DOLLARS // part
    return MOST_COUNT // part // (1 if watch.measured is Metric.TOKENS else _TOKENS)


def _never(example: Rule, said: str) -> str:
    unit = example.watch.limit_unit
    return f"{said} in {'an' if unit is Unit.HOUR else 'a'} {unit}" if unit in _PARTS else said


def _fit(value: Decimal, most: int) -> int:
    """An amount in nano-dollars, without its sign, limited to between a cent and the maximum."""
    value = min(abs(value), Decimal(most))
    return max(nano_dollars(value), CENT) if value else 0


def count(found: Amount, metric: Metric, example: Rule, make: MakeRule) -> int:
    """A threshold in tokens or requests. Raises WrongRule if it isn't one."""
    most = highest_limit(example)
    whole, typed = min(int(abs(found.value)), most), clean(found.typed, 20)
    if found.comma or found.value != int(found.value):
        raise WrongRule(f"“{typed}” isn't a whole number of {metric}.", make(max(whole, 1)))
    if found.value < 0:
        raise WrongRule(f"“{typed}” is negative, so it's always exceeded.", make(whole))
    if found.value > most:
        never = _never(example, "it will never be reached")
        raise WrongRule(f"“{typed}” is too high: {never}.", example)
    return whole


def above_zero(limit: int, found: Amount, example: Rule) -> int:
    """A threshold above zero. Raises WrongRule if any use at all would exceed it."""
    if limit > 0:
        return limit
    said = (
        f"Any usage is above “{clean(found.typed, 20)}”. To be notified of first uses, use"
        " `alert new model` or `alert new key`."
    )
    raise WrongRule(said, example)
