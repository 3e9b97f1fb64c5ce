"""Alerts on the balance of purchased credits: `credits < $100`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from reports.alerts.draft import RuleDraft, WrongRule, corrected_rule, money
from reports.alerts.draft import rule as make_rule
from reports.alerts.evaluation import AlertEvent, Measurement
from reports.alerts.limits_and_forecast import SpendPace
from reports.alerts.message_details import days_chart, week_drivers
from reports.alerts.periods import AlertPeriod
from reports.alerts.rule import Rule
from reports.alerts.slack.format import price
from reports.alerts.watch import Watch
from reports.time.period import Counted, Period, Unit
from reports.time.time_range import TimeRange
from reports.usage.dimensions import MoneySource
from reports.usage.usage import NANO, exact_money

if TYPE_CHECKING:
    from reports.alerts.form_fields import AlertFields


@dataclass(frozen=True, slots=True)
class Credits(Watch):
    """The balance of purchased credits falls below a limit in nano-dollars."""

    limit: int

    key = "credits"
    spellings = ("credits", "credit", "balance")
    help = (("alert credits < $100", "when the balance runs low"),)
    form_label = "Credits run low"
    form_limit = ("Balance below", "In dollars.")
    usual_limit = "$100"
    has_filters = from_usage = names_subject = False
    whole_organization = admins_only = below = is_level = has_threshold = True

    def words(self) -> str:
        """The watch in the grammar's own words."""
        return f"credits < {exact_money(self.limit)}"

    @classmethod
    def check(cls, draft: RuleDraft) -> Rule:
        """The rule for a draft. Raises WrongRule with the rule probably meant."""
        if draft.by or draft.filters or draft.unit or draft.percents:
            said = "The credit balance belongs to the whole organization and has no period."
            plain = replace(draft, by=None, filters=(), unit=None, percents=())
            raise WrongRule(said, corrected_rule(plain))
        example = make_rule(draft, cls(100 * NANO))
        if draft.limit is None:
            raise WrongRule("What is the limit? For example, `credits < $100`.", example)
        limit = money(draft.limit, example, lambda limit: make_rule(draft, cls(limit)))
        if draft.sign != "<":
            raise WrongRule(
                "An alert on credits needs a lower limit, with `<`.", make_rule(draft, cls(limit))
            )
        return make_rule(draft, cls(limit))

    @classmethod
    def form_words(cls, fields: AlertFields, limit: str) -> str:
        """The grammar's words for the form's fields."""
        del fields
        return f"credits < {limit}"

    def form_values(self) -> Mapping[str, str]:
        """The fields of the form that this kind sets."""
        return {"limit": exact_money(self.limit)}

    @property
    def money_source(self) -> MoneySource:
        """Only credits reduce the balance."""
        return MoneySource.CREDITS

    def with_limit(self, limit: int) -> Credits:
        """The same watch with another limit."""
        return replace(self, limit=limit)

    def reached(self, value: int, limit: int) -> int:
        """1 if the balance is below the limit, else 0."""
        return int(value < limit)

    def farther(self, value: int, peak: int) -> int:
        """The lower of two balances."""
        return min(value, peak)

    def is_clear(self, value: int, limit: int, *, unfinished: bool) -> bool:
        """Whether the balance is above the limit by a tenth, and by at least a dollar."""
        del unfinished
        return value >= limit + max(limit // 10, NANO)

    def driver_periods(self, measurement: Measurement) -> tuple[AlertPeriod, AlertPeriod] | None:
        """The last week, and the one before it."""
        return week_drivers(measurement)

    def chart_range(self, measurement: Measurement, zone: str) -> TimeRange | None:
        """The last days."""
        return days_chart(measurement.at, zone)

    def question_period(self, measurement: Measurement, zone: str) -> Period:
        """The last week."""
        del measurement, zone
        return Counted(1, Unit.WEEK)

    def meaning(self, rule: Rule, zone: str) -> str:
        """When it sends messages."""
        del rule, zone
        return "You'll get one message, then another only after you top up."

    def already(self) -> str:
        """What follows "It's"."""
        return "already below that"

    def current(self, measurement: Measurement) -> str:
        """The balance."""
        return price(measurement.value or 0)

    def topic(self, event: AlertEvent, zone: str) -> str:
        """The headline."""
        del zone
        return f"OpenRouter credits low: {price(event.measurement.value or 0)}"

    def sentence(self, event: AlertEvent, zone: str, pace: SpendPace | None) -> str:
        """The balance."""
        del zone, pace
        value = event.measurement.value or 0
        if value < 0:
            return (
                f"The credit balance is {price(value)}. Below $0 OpenRouter rejects requests, even"
                " to free models, until you add credits."
            )
        return f"{price(value)} in credits left, below {price(self.limit)}."

    def ending(self, event: AlertEvent) -> str:
        """The sentence that says that an alert is over."""
        value = price(event.measurement.value or 0)
        return f"The credit balance is {value}, back above {price(self.limit)}."


def balance(rule: Rule, bought: int | None, used: int | None, at: datetime) -> Measurement:
    """Measure the balance that OpenRouter reported at `at`, in nano-dollars; None means unknown."""
    limit = rule.watch.limit if isinstance(rule.watch, Credits) else 0
    value = None if bought is None or used is None else bought - used
    return Measurement("", "OpenRouter credits", value, limit, at)
