"""Alerts on the forecast of the month: `forecast > $5,000 per month`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reports.alerts.draft import RuleDraft, WrongRule, above_zero, money
from reports.alerts.draft import rule as make_rule
from reports.alerts.evaluation import AlertEvent, EventKind, Measurement
from reports.alerts.kinds.above import SPENDS, metric_field
from reports.alerts.limits_and_forecast import SpendPace
from reports.alerts.message_details import days_chart, period_drivers
from reports.alerts.needed_usage import Needed
from reports.alerts.periods import AlertPeriod, span_at
from reports.alerts.rule import Rule
from reports.alerts.slack.format import for_each, of_limit, price
from reports.alerts.watch import ALL_TOGETHER, Watch
from reports.analysis.forecast import METHOD_DAYS
from reports.time.period import Unit
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import STORED, Dimension, Filter, Metric, MoneySource
from reports.usage.usage import NANO, exact_money

if TYPE_CHECKING:
    from reports.alerts.form_fields import AlertFields

_FEWEST_DAYS = 3
"""With fewer days before today, one busy day would look typical."""


@dataclass(frozen=True, slots=True)
class Forecast(Watch):
    """The month is on track to exceed a limit in nano-dollars."""

    limit: int
    source: MoneySource = MoneySource.ALL

    key = "forecast"
    spellings = ("forecast",)
    takes_metric = True
    help = (("alert forecast > $5,000 per month", "when the month is on track to exceed this"),)
    form_label = "The month is on track to exceed a limit"
    form_limit = ("Limit", "In dollars.")
    usual_limit = "$1,000"
    form_metrics = SPENDS
    has_zone = in_zone_of_organization = is_level = has_threshold = slow_by_member = True

    def words(self) -> str:
        """The watch in the grammar's own words."""
        source = "" if self.source is MoneySource.ALL else f"{self.source} "
        return f"forecast {source}> {exact_money(self.limit)} per month"

    @classmethod
    def check(cls, draft: RuleDraft) -> Rule:
        """The rule for a draft. Raises WrongRule with the rule probably meant."""

        def make(limit: int) -> Rule:
            return make_rule(draft, cls(limit, draft.source))

        example = make(5_000 * NANO)
        if draft.limit is None or draft.percents:
            raise WrongRule("What is the limit? For example, `> $50 per day`.", example)
        limit = above_zero(money(draft.limit, example, make), draft.limit, example)
        if draft.sign == "<":
            raise WrongRule("A forecast alert needs an upper limit, with `>`.", make(limit))
        if draft.unit not in {None, Unit.MONTH}:
            raise WrongRule("A forecast is always per month.", make(limit))
        return make(limit)

    @classmethod
    def form_words(cls, fields: AlertFields, limit: str) -> str:
        """The grammar's words for the form's fields."""
        return f"forecast {fields.metric.partition(' ')[2]} > {limit} per month"

    def form_values(self) -> Mapping[str, str]:
        """The fields of the form that this kind sets."""
        metric = metric_field(Metric.SPEND, self.source)
        return {"metric": metric, "limit": exact_money(self.limit)}

    @classmethod
    def form_dimensions(cls, what: str) -> tuple[str, ...]:
        """The form's choices of what to evaluate separately."""
        del what
        return (ALL_TOGETHER, *STORED)

    @property
    def money_source(self) -> MoneySource:
        """Which spend counts."""
        return self.source

    @property
    def of_spend(self) -> bool:
        """Only spend can trigger it."""
        return True

    def with_limit(self, limit: int) -> Forecast:
        """The same watch with another limit."""
        return replace(self, limit=limit)

    def needed(
        self,
        by: Dimension | None,
        filters: tuple[Filter, ...],
        zone: str,
        since: datetime,
        now: datetime,
    ) -> tuple[Needed, ...]:
        """The days of this month, and those that its forecast depends on."""
        del since
        month, today = span_at(Unit.MONTH, zone, now), span_at(Unit.DAY, zone, now)
        back = span_at(Unit.DAY, zone, now - timedelta(days=METHOD_DAYS))
        span = AlertPeriod(min(month.start, back.start), today.end)
        return (Needed(by, filters, span, Granularity.DAY, zone),)

    def driver_periods(self, measurement: Measurement) -> tuple[AlertPeriod, AlertPeriod] | None:
        """The month so far, and the same part of the one before."""
        return period_drivers(measurement)

    def chart_range(self, measurement: Measurement, zone: str) -> TimeRange | None:
        """The last days."""
        return days_chart(measurement.at, zone)

    def meaning(self, rule: Rule, zone: str) -> str:
        """When it sends messages."""
        del zone
        return (
            f"Alerts when the month is on track to exceed this{for_each(rule)}. The question"
            " “forecast” has the same figures."
        )

    def already(self) -> str:
        """What follows "It's"."""
        return "already on track to exceed it"

    def current(self, measurement: Measurement) -> str:
        """The forecast and its limit."""
        return of_limit(Metric.SPEND, measurement)

    def topic(self, event: AlertEvent, zone: str) -> str:
        """The headline, without the subject."""
        del event, zone
        return f"OpenRouter spend is on track to exceed {price(self.limit)} this month"

    def sentence(self, event: AlertEvent, zone: str, pace: SpendPace | None) -> str:
        """The forecast, how far it is over the limit, and the month so far."""
        del zone, pace
        value = event.measurement.value or 0
        return (
            f"At this pace the month will end at {price(value)}, {price(value - self.limit)} over"
            f" {price(self.limit)}. So far: {price(event.measurement.so_far)}."
        )

    def ending(self, event: AlertEvent) -> str:
        """The sentence that says that an alert is over."""
        value = price(event.measurement.value or 0)
        if event.kind is EventKind.ENDED:
            return f"The month is over. The last forecast was {value}."
        return f"At this pace the month will end at {value}, below {price(self.limit)}."


@dataclass(frozen=True, slots=True)
class MonthForecast:
    """A month's spend so far and its expected total, in nano-dollars.

    `known_days` is the number of days before today that it is based on.
    """

    so_far: int
    end: int
    known_days: int


def forecast(
    rule: Rule,
    subject: str,
    label: str,
    found: MonthForecast,
    zone: str,
    at: datetime,
    creator: str = "",
) -> Measurement:
    """Measure the expected total of the zone's month, with the figures of `forecast` at `at` (UTC).

    With fewer than three days before today, the value is None, unless the limit is already
    exceeded.
    """
    limit = rule.watch.limit if isinstance(rule.watch, Forecast) else 0
    sure = found.known_days >= _FEWEST_DAYS or found.so_far > limit
    return Measurement(
        subject, label, found.end if sure else None, limit, at, span_at(Unit.MONTH, zone, at), True,
        so_far=found.so_far, creator=creator,
    )  # fmt: skip
