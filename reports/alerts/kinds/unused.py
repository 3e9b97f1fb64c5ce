"""Alerts on API keys that nobody uses: `key unused 60d`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from reports.alerts.draft import RuleDraft, WrongRule
from reports.alerts.draft import rule as make_rule
from reports.alerts.evaluation import AlertEvent, Measurement
from reports.alerts.limits_and_forecast import SpendPace
from reports.alerts.rule import Rule
from reports.alerts.slack.format import many
from reports.alerts.watch import Watch
from reports.analysis.keys import KEYS_PAGE, UNUSED_FOR
from reports.usage.dimensions import Dimension, MoneySource

if TYPE_CHECKING:
    from reports.alerts.form_fields import AlertFields

MOST_DAYS = 365
"""OpenRouter keeps usage for a year; whether a key was used before that is unknown."""
CLOSED = -1
"""The value of a key that was disabled or deleted after the alert."""
_ABOUT_KEYS = "A key is unused if no model was used with it, so this only takes filters on keys."
_ONLY_DAYS = "An alert on unused keys only takes a number of days, like `unused 60d`."


@dataclass(frozen=True, slots=True)
class Unused(Watch):
    """A key was not used for a number of days. Each key is evaluated separately."""

    days: int = UNUSED_FOR.days

    key = "unused"
    spellings = ("unused",)
    nouns = ("key", "keys")
    phrases = (
        r"(?:(?:has|have|is|are|was|were)(?:n't| not)|not|never|no longer)(?: been| being)? used",
        r"without (?:any )?(?:use|usage)",
    )
    takes_days = True
    help = (("alert key unused 60d", "when nobody has used a key for 60 days"),)
    form_label = "An API key is unused"
    form_limit = ("Unused for", "A number of days, like 60d.")
    usual_limit = "60d"
    is_level = has_threshold = True
    shows_current = has_details = False

    def words(self) -> str:
        """The watch in the grammar's own words."""
        return f"key unused {self.days}d"

    @classmethod
    def check(cls, draft: RuleDraft) -> Rule:
        """The rule for a draft. Raises WrongRule with the rule probably meant."""
        days = draft.days or UNUSED_FOR.days
        plain = about_keys(draft)
        meant = make_rule(plain, cls(min(days, MOST_DAYS)))
        if (
            draft.limit
            or draft.percents
            or draft.sign
            or draft.unit
            or draft.source != plain.source
        ):
            raise WrongRule(_ONLY_DAYS, meant)
        if draft.by not in {None, Dimension.KEY} or draft.filters != plain.filters:
            raise WrongRule(_ABOUT_KEYS, meant)
        if days > MOST_DAYS:
            said = f"OpenRouter keeps a year of usage, so use at most {MOST_DAYS}d."
            raise WrongRule(said, meant)
        return meant

    @classmethod
    def form_words(cls, fields: AlertFields, limit: str) -> str:
        """The grammar's words for the form's fields."""
        del fields
        return f"key unused {limit}d" if limit.isdecimal() else f"key unused {limit}"

    def form_values(self) -> Mapping[str, str]:
        """The fields of the form that this kind sets."""
        return {"limit": f"{self.days}d"}

    @classmethod
    def in_dollars(cls, metric: str) -> bool:
        """Its threshold is a number of days."""
        del metric
        return False

    @property
    def has_owner(self) -> bool:
        """A key's owner is its creator."""
        return True

    def with_limit(self, limit: int) -> Unused:
        """The same watch with another number of days."""
        return replace(self, days=limit)

    def same_but_limit(self, other: Watch) -> bool:
        """Whether another watch differs at most by its number of days."""
        return isinstance(other, Unused)

    def subject_dimension(self, by: Dimension | None) -> Dimension | None:
        """Keys, whatever the rule groups by."""
        del by
        return Dimension.KEY

    def reached(self, value: int, limit: int) -> int:
        """Whether the number of days has passed."""
        return int(value >= limit)

    def is_clear(self, value: int, limit: int, *, unfinished: bool) -> bool:
        """Whether the key was used again."""
        del unfinished
        return value < limit

    def meaning(self, rule: Rule, zone: str) -> str:
        """When it sends messages."""
        del rule, zone
        return (
            "You'll get one message for each key that hasn't been used for"
            f" {many(self.days, 'day')}, and another one only if it's used in between. Disabled and"
            " newer keys don't count."
        )

    def already(self) -> str:
        """What follows "It's"."""
        return f"already unused for {many(self.days, 'day')}"

    def topic(self, event: AlertEvent, zone: str) -> str:
        """The headline, without the key."""
        del event, zone
        return f"OpenRouter key unused for {many(self.days, 'day')}"

    def sentence(self, event: AlertEvent, zone: str, pace: SpendPace | None) -> str:
        """When the key was last used."""
        del zone, pace
        days = many(event.measurement.value or 0, "day")
        if event.measurement.unused:
            return f"Created {days} ago, with no usage on record."
        return f"Last used {days} ago."

    def advice(self) -> str:
        """Advice on what to do."""
        return f"If nobody needs this key, disable or delete it at {KEYS_PAGE} (I can only read)."

    def ending(self, event: AlertEvent) -> str:
        """The sentence that says that an alert is over."""
        if event.measurement.value == CLOSED:
            return "The key was disabled or deleted."
        return "The key is in use again."


def about_keys(draft: RuleDraft) -> RuleDraft:
    """A draft for a rule that evaluates each key, without the parts that only fit rules on
    usage."""
    filters = tuple(one for one in draft.filters if one.dimension is not Dimension.MODEL)
    return replace(draft, by=None, filters=filters, source=MoneySource.ALL)


def unused(
    rule: Rule,
    subject: str,
    label: str,
    last: datetime | None,
    created: datetime | None,
    now: datetime,
    at: datetime,
    creator: str = "",
) -> Measurement:
    """Measure a key in whole days since its last use, or since it was created (UTC).

    `last` is None if it wasn't used for as long as usage is stored; in that case, the value is None
    if it is unknown when the key was created. `at` is how fresh the figures are.
    """
    limit = rule.watch.days if isinstance(rule.watch, Unused) else 0
    since = last or created
    days = None if since is None else max((now - since).days, 0)
    return Measurement(subject, label, days, limit, at, creator=creator, unused=last is None)


def closed(rule: Rule, subject: str, label: str, at: datetime) -> Measurement:
    """Measure a key that was disabled or deleted, which ends its alert."""
    limit = rule.watch.days if isinstance(rule.watch, Unused) else 0
    return Measurement(subject, label, CLOSED, limit, at)
