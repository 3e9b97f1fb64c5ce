"""Alerts on first uses: `new model`, `new key`, `new creator`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from reports.alerts.draft import RuleDraft, WrongRule
from reports.alerts.draft import rule as make_rule
from reports.alerts.evaluation import AlertEvent, Measurement
from reports.alerts.limits_and_forecast import SpendPace
from reports.alerts.rule import Rule
from reports.alerts.slack.format import price
from reports.alerts.watch import ALL_TOGETHER, Watch
from reports.questions.wording import DIMENSION_WORDS
from reports.usage.dimensions import Dimension, Filter, MoneySource
from reports.wording.safe_text import clean

if TYPE_CHECKING:
    from reports.alerts.form_fields import AlertFields

_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class New(Watch):
    """A model or key is used for the first time, or a creator uses anything for the first time."""

    what: Dimension

    key = "new"
    spellings = ("new",)
    dimensions = (Dimension.MODEL, Dimension.KEY, Dimension.CREATOR)
    help = (("alert new model", "at its first use; also `new key`, `new creator`"),)
    form_label = "First use of a model or key, or by a person"
    happens_once = True
    shows_current = False

    def words(self) -> str:
        """The watch in the grammar's own words."""
        return f"new {self.what}"

    @classmethod
    def check(cls, draft: RuleDraft) -> Rule:
        """The rule for a draft. Raises WrongRule with the rule probably meant."""
        what = draft.what or Dimension.MODEL
        plain = replace(
            draft, limit=None, sign="", unit=None, percents=(), source=MoneySource.ALL,
            by=draft.by if what is Dimension.MODEL and draft.by is Dimension.CREATOR else None,
        )  # fmt: skip
        plain = replace(plain, filters=tuple(f for f in draft.filters if _applies(what, f)))
        if plain.filters != draft.filters or plain.by != draft.by:
            said = (
                "A model can be new to the organization, or to each creator with `by creator`."
                if what is Dimension.MODEL
                else f"A {what} can only be new once."
            )
            raise WrongRule(said, make_rule(plain, cls(what)))
        if plain != draft:
            raise WrongRule(
                "An alert on first uses has no limit or period.",
                make_rule(plain, cls(what)),
            )
        return make_rule(draft, cls(what))

    @classmethod
    def form_words(cls, fields: AlertFields, limit: str) -> str:
        """The grammar's words for the form's fields."""
        del limit
        return f"new {fields.what}"

    def form_values(self) -> Mapping[str, str]:
        """The fields of the form that this kind sets."""
        return {"what": self.what}

    @classmethod
    def form_dimensions(cls, what: str) -> tuple[str, ...]:
        """The form's choices of what to evaluate separately."""
        return (ALL_TOGETHER, Dimension.CREATOR) if what == Dimension.MODEL else ()

    @property
    def has_owner(self) -> bool:
        """A key's owner is its creator, and a creator owns their first use."""
        return self.what is not Dimension.MODEL

    def subject_dimension(self, by: Dimension | None) -> Dimension | None:
        """The dimension of the new members."""
        del by
        return self.what

    def reached(self, value: int, limit: int) -> int:
        """Always 1: only what is new is measured."""
        del value, limit
        return 1

    def meaning(self, rule: Rule, zone: str) -> str:
        """When it sends messages."""
        del zone
        if self.what is Dimension.KEY:
            return "Alerts when a key is created, and when a key is used for the first time."
        if self.what is Dimension.CREATOR:
            return "Alerts when a person uses OpenRouter for the first time."
        per = f" by each {DIMENSION_WORDS[rule.by]}" if rule.by else ""
        return f"Alerts when a {DIMENSION_WORDS[self.what]} is used for the first time{per}."

    def topic(self, event: AlertEvent, zone: str) -> str:
        """The headline, without the subject."""
        del event, zone
        return f"New {DIMENSION_WORDS[self.what]} at OpenRouter"

    def sentence(self, event: AlertEvent, zone: str, pace: SpendPace | None) -> str:
        """When it was first used, and what it has cost since."""
        del zone, pace
        what, value = DIMENSION_WORDS[self.what], event.measurement.value or 0
        if event.measurement.unused:
            return f"This {what} was just created and hasn't been used yet."
        cost = f"{price(value)} so far" if value else "no cost so far"
        used = "Used OpenRouter" if self.what is Dimension.CREATOR else "Used"
        return f"{used} for the first time: {cost}."

    def ending(self, event: AlertEvent) -> str:
        """The sentence that says that an alert is over."""
        del event
        return "It's no longer new."


def first_use_words(lead: str, names: Sequence[str]) -> str:
    """Who or what a first use was by, or with: `Used by Ada, Grace and 2 more.`

    Empty without names.
    """
    shown = [clean(one, 60) for one in names[:_MOST_NAMES]]
    more = len(names) - len(shown)
    shown += [f"{more} more"] if more > 0 else []
    listed = " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))
    return f"{lead} {listed}." if listed else ""


def first_use(
    subject: str,
    label: str,
    cost: int,
    first: datetime | None,
    since: datetime,
    at: datetime,
    creator: str = "",
) -> Measurement:
    """Measure a member: new if it was first used (UTC) at or after `since`.

    `cost` is what it has cost so far, in nano-dollars; `first` is None if it isn't used yet.
    """
    new = first is not None and first >= since
    return Measurement(subject, label, cost if new else None, 0, at, creator=creator)


def _applies(what: Dimension, one: Filter) -> bool:
    return one.dimension in {what, Dimension.CREATOR}
