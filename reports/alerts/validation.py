"""Checks a partly read alert: what is missing, out of range, or could never trigger.

Each mistake comes with the rule that was probably meant. Mistakes specific to one kind are checked
by that kind.
"""

from __future__ import annotations

from dataclasses import replace

from reports.alerts.draft import RuleDraft, WrongRule, corrected_rule
from reports.alerts.kinds.above import Above
from reports.alerts.kinds.registry import KINDS, kind_of
from reports.alerts.rule import USUAL_LIMITS, Recipient, RecipientKind, Rule
from reports.time.period import Unit
from reports.usage.dimensions import Dimension, Metric
from reports.wording.safe_text import clean

_FREE = ":free"


def check(draft: RuleDraft) -> Rule:
    """The rule of a draft. Raises WrongRule with the rule that was probably meant."""
    if draft.not_in_alerts:
        said = f"“{clean(draft.not_in_alerts, 40)}” only works in a question, not in an alert."
        raise WrongRule(said, corrected_rule(replace(draft, not_in_alerts="")))
    if not draft.watch:
        *others, last = _beginnings()
        said = f"What should I watch? Start with {', '.join(others)} or {last}."
        raise WrongRule(said, corrected_rule(replace(draft, watch=_meant(draft))))
    rule = kind_of(draft.watch).check(draft)
    _check_free(rule)
    _check_owner(rule)
    return rule


def _beginnings() -> list[str]:
    """The words that an alert can start with, one example for each kind."""
    found = list(map(str, Metric))
    for kind in KINDS:
        for word in kind.spellings[:1]:
            found += [f"{word} {one}" for one in kind.dimensions]
            found += [f"{kind.nouns[0]} {word}"] if kind.nouns else []
            found += [] if kind.dimensions or kind.nouns else [word]
    return found


def _meant(draft: RuleDraft) -> str:
    if draft.percents:
        return "budget"
    if draft.sign == "<":
        return "credits"
    large = draft.limit is not None and not draft.limit.dollars and draft.limit.value >= 10**5
    return "tokens" if large else "spend"


def _check_free(rule: Rule) -> None:
    """Reject spend on only free models, which never exceeds anything."""
    models = [one.pattern for one in rule.filters if one.dimension is Dimension.MODEL]
    free = models and all(pattern.lower().endswith(_FREE) for pattern in models)
    if rule.watch.of_spend and free:
        watch = Above(Metric.REQUESTS, USUAL_LIMITS[Metric.REQUESTS], Unit.DAY)
        said = "Free models cost nothing, so this would never trigger."
        raise WrongRule(said, replace(rule, watch=watch))


def _check_owner(rule: Rule) -> None:
    """Check that there is an owner: keys, limits and creators have one; models and the organization
    don't."""
    if rule.to.kind is not RecipientKind.OWNER:
        return
    people = {Dimension.KEY, Dimension.CREATOR}
    owned = rule.by in people or any(one.dimension in people for one in rule.filters)
    if owned or rule.watch.has_owner:
        return
    if rule.watch.whole_organization:
        said = "This is about the whole organization, so there is no owner to send it to."
        raise WrongRule(said, replace(rule, to=Recipient()))
    said = "To send it to the owner, add `by creator`, `by key` or a filter."
    raise WrongRule(said, replace(rule, by=Dimension.CREATOR))
