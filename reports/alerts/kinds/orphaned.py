"""Alerts on API keys that still spend although their creators left the organization: `key
orphaned`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reports.alerts.draft import RuleDraft, WrongRule
from reports.alerts.draft import rule as make_rule
from reports.alerts.evaluation import AlertEvent, Measurement
from reports.alerts.kinds.unused import CLOSED, about_keys
from reports.alerts.limits_and_forecast import SpendPace
from reports.alerts.message_details import days_chart, week_drivers
from reports.alerts.periods import AlertPeriod
from reports.alerts.rule import Recipient, RecipientKind, Rule
from reports.alerts.slack.format import price
from reports.alerts.watch import Watch
from reports.analysis.keys import KEYS_PAGE
from reports.time.period import Counted, Period, Unit
from reports.time.time_range import DAY, TimeRange
from reports.usage.dimensions import Dimension
from reports.wording.safe_text import clean

if TYPE_CHECKING:
    from reports.alerts.form_fields import AlertFields

STILL = 7 * DAY
"""A key that spent anything in this time still spends, so weekly jobs count."""
_LEFT = r"left(?: us| the (?:company|organi[sz]ation|org|team))?"
_NO_OWNER = "The owner of such a key has left, so send it to yourself or to a channel."
_ONLY_KEYS = (
    "An alert on keys of people who left takes no threshold; it only takes filters on keys."
)


@dataclass(frozen=True, slots=True)
class Orphaned(Watch):
    """A key spends although its creator is no longer a member. Each key is evaluated separately."""

    key = "orphaned"
    spellings = ("orphaned", "orphan", "orphans")
    nouns = ("key", "keys")
    phrases = (
        rf"(?:\w+ )?(?:who|that)(?:'ve|'s| have| has)? {_LEFT}",
        rf"(?:whose )?(?:owner|creator)s? (?:(?:have|has) )?{_LEFT}",
        r"(?:former|ex) (?:members?|employees?|colleagues?|people|users?)",
    )
    takes_metric = True
    help = (("alert key orphaned", "when a key of someone who left the organization still spends"),)
    form_label = "An API key of someone who left still spends"
    is_level = True
    shows_current = False

    def words(self) -> str:
        """The watch in the grammar's own words."""
        return "key orphaned"

    @classmethod
    def check(cls, draft: RuleDraft) -> Rule:
        """The rule for a draft. Raises WrongRule with the rule probably meant."""
        plain = replace(about_keys(draft), limit=None, sign="", unit=None, percents=(), days=None)
        if plain != replace(draft, by=None if draft.by is Dimension.KEY else draft.by):
            raise WrongRule(_ONLY_KEYS, make_rule(plain, cls()))
        if draft.to is not None and draft.to.kind is RecipientKind.OWNER:
            raise WrongRule(_NO_OWNER, make_rule(replace(draft, to=Recipient()), cls()))
        return make_rule(plain, cls())

    @classmethod
    def form_words(cls, fields: AlertFields, limit: str) -> str:
        """The grammar's words for the form's fields."""
        del fields, limit
        return "key orphaned"

    @property
    def has_owner(self) -> bool:
        """A key's owner is its creator; `check` explains that they left."""
        return True

    @property
    def of_spend(self) -> bool:
        """Only spend can trigger it."""
        return True

    def subject_dimension(self, by: Dimension | None) -> Dimension | None:
        """Keys, whatever the rule groups by."""
        del by
        return Dimension.KEY

    def is_clear(self, value: int, limit: int, *, unfinished: bool) -> bool:
        """Whether it doesn't spend anymore."""
        del unfinished
        return value <= limit

    def driver_periods(self, measurement: Measurement) -> tuple[AlertPeriod, AlertPeriod] | None:
        """The last week and the one before it."""
        return week_drivers(measurement)

    def chart_range(self, measurement: Measurement, zone: str) -> TimeRange | None:
        """The last days."""
        return days_chart(measurement.at, zone)

    def question_period(self, measurement: Measurement, zone: str) -> Period:
        """The last week."""
        del measurement, zone
        return Counted(7, Unit.DAY)

    def meaning(self, rule: Rule, zone: str) -> str:
        """When it sends messages."""
        del rule, zone
        return (
            "You'll get one message for each key that spends although its creator left the"
            " organization, and another one only if it stops for a week in between."
        )

    def already(self) -> str:
        """What follows "It's"."""
        return "already spending"

    def topic(self, event: AlertEvent, zone: str) -> str:
        """The headline, without the key."""
        del event, zone
        return "OpenRouter key of someone who left still spends"

    def sentence(self, event: AlertEvent, zone: str, pace: SpendPace | None) -> str:
        """What the key spent."""
        del zone, pace
        return (
            f"{price(event.measurement.value or 0)} in the past {STILL.days} days, although the"
            " creator of this key is no longer a member of the organization."
        )

    def advice(self) -> str:
        """Advice on what to do."""
        return (
            "Find out what still uses this key, give that a key of its own, then delete this one at"
            f" {KEYS_PAGE} (I can only read)."
        )

    def ending(self, event: AlertEvent) -> str:
        """The sentence that says that an alert is over."""
        if event.measurement.value == CLOSED:
            return "The key was disabled or deleted, or its creator is a member again."
        return f"The key hasn't spent anything for {STILL.days} days."


def orphaned(subject: str, label: str, spent: int, at: datetime) -> Measurement:
    """Measure a key of somebody who left: `spent` nano-dollars in the time of `STILL`."""
    return Measurement(subject, label, spent, 0, at)


def not_orphaned(subject: str, label: str, at: datetime) -> Measurement:
    """Measure a key that is disabled or deleted, or whose creator is back: its alert ends."""
    return Measurement(subject, label, CLOSED, 0, at)


def spend_period(at: datetime) -> AlertPeriod:
    """The time up to `at` (UTC) in which a key has to spend to count as spending."""
    return AlertPeriod(at - STILL, at + timedelta(minutes=1))


def month_before(at: datetime) -> AlertPeriod:
    """The 30 days up to `at` (UTC), the same as in the answer `keys`."""
    return AlertPeriod(at - 30 * DAY, at + timedelta(minutes=1))


def orphan_words(creator: str, spent: int) -> str:
    """A sentence on whose key it was (a label), and its spend in the past 30 days
    (nano-dollars)."""
    return f"Created by {clean(creator, 80)}. Spend in the past 30 days: {price(spent)}."
