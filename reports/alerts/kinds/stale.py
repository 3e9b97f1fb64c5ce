"""Alerts on out-of-date usage data: `sync`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reports.alerts.draft import RuleDraft, WrongRule
from reports.alerts.draft import rule as make_rule
from reports.alerts.evaluation import AlertEvent, Measurement
from reports.alerts.limits_and_forecast import SpendPace
from reports.alerts.rule import STALE_AFTER, Rule
from reports.alerts.slack.format import age
from reports.alerts.watch import Watch
from reports.usage.dimensions import MoneySource

if TYPE_CHECKING:
    from reports.alerts.form_fields import AlertFields


@dataclass(frozen=True, slots=True)
class Stale(Watch):
    """The data is older than a number of seconds."""

    limit: int = STALE_AFTER

    key = "sync"
    spellings = ("sync", "stale")
    form_label = "Data is stale"
    has_filters = from_usage = names_subject = shows_current = has_details = False
    whole_organization = hides_nothing = is_level = True

    def words(self) -> str:
        """The watch in the grammar's own words."""
        return "sync"

    @classmethod
    def check(cls, draft: RuleDraft) -> Rule:
        """The rule for a draft. Raises WrongRule with the rule probably meant."""
        plain = replace(
            draft, by=None, filters=(), limit=None, sign="", unit=None, percents=(),
            source=MoneySource.ALL,
        )  # fmt: skip
        if plain != draft:
            said = (
                "`alert sync` triggers when the data is over an hour old, and takes no other words."
            )
            raise WrongRule(said, make_rule(plain, cls()))
        return make_rule(draft, cls())

    @classmethod
    def form_words(cls, fields: AlertFields, limit: str) -> str:
        """The grammar's words for the form's fields."""
        del fields, limit
        return "sync"

    def meaning(self, rule: Rule, zone: str) -> str:
        """When it sends messages."""
        del rule, zone
        return "Alerts when the data is more than an hour old."

    def topic(self, event: AlertEvent, zone: str) -> str:
        """The headline."""
        del event, zone
        return "OpenRouter data is out of date"

    def sentence(self, event: AlertEvent, zone: str, pace: SpendPace | None) -> str:
        """The age of the data."""
        del zone, pace
        return (
            f"The latest usage data is {age(event.measurement.value or 0)} old; it should be no"
            f" more than {age(self.limit)} old. Answers and alerts are based on"
            " data from that time."
        )

    def ending(self, event: AlertEvent) -> str:
        """The sentence that says that an alert is over."""
        return f"The data is up to date again ({age(event.measurement.value or 0)} old)."


def stale(rule: Rule, synced: datetime | None, since: datetime, now: datetime) -> Measurement:
    """Measure the data's age in seconds: since the last sync, or since the rule was set up."""
    limit = rule.watch.limit if isinstance(rule.watch, Stale) else 0
    age_ = max((now - (synced or since)) // timedelta(seconds=1), 0)
    return Measurement("", "OpenRouter sync", age_, limit, now)
