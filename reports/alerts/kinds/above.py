"""Alerts on the usage of a period: `spend > $50 per day`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from reports.alerts.draft import RuleDraft, WrongRule, above_zero, corrected_rule, count, money
from reports.alerts.draft import rule as make_rule
from reports.alerts.evaluation import AlertEvent, EventKind, Measurement
from reports.alerts.limits_and_forecast import SpendPace
from reports.alerts.message_details import (
    days_chart,
    period_chart,
    period_drivers,
    period_of_question,
    recent_pace,
)
from reports.alerts.needed_usage import Needed
from reports.alerts.periods import AlertPeriod, spans
from reports.alerts.rule import USUAL_LIMITS, Rule, amount
from reports.alerts.slack import format as figure_format
from reports.alerts.watch import ALL_TOGETHER, Watch
from reports.time.period import Period, Unit
from reports.time.time_range import HOUR, TimeRange
from reports.usage.dimensions import STORED, Dimension, Filter, Metric, MoneySource
from reports.wording.times import zone_city

if TYPE_CHECKING:
    from reports.alerts.form_fields import AlertFields

SPENDS = (
    Metric.SPEND,
    f"{Metric.SPEND} {MoneySource.CREDITS}",
    f"{Metric.SPEND} {MoneySource.BYOK}",
)


@dataclass(frozen=True, slots=True)
class Above(Watch):
    """The sum of a period exceeds a limit: nano-dollars, tokens or requests.

    The period is an hour, day, week (from Monday) or month of the rule's zone.
    """

    metric: Metric
    limit: int
    unit: Unit
    source: MoneySource = MoneySource.ALL

    key = "above"
    help = (
        (
            "alert spend > $50 per day by creator",
            "also tokens and requests, per hour, week or month",
        ),
    )
    form_label = "Usage exceeds a limit"
    form_limit = ("Limit", "Dollars, like $50; tokens or requests, like 500k or 10m.")
    usual_limit = "$50"
    form_metrics = (*SPENDS, Metric.TOKENS, Metric.REQUESTS)
    has_unit = has_zone = grows = has_threshold = True

    def words(self) -> str:
        """The watch in the grammar's own words."""
        source = "" if self.source is MoneySource.ALL else f" {self.source}"
        return f"{self.metric}{source} > {amount(self.metric, self.limit)} per {self.unit}"

    @classmethod
    def check(cls, draft: RuleDraft) -> Rule:
        """The rule for a draft. Raises WrongRule with the rule probably meant."""
        metric = Metric(draft.watch)
        unit = draft.unit or Unit.DAY

        def make(limit: int, unit: Unit = unit, source: MoneySource = draft.source) -> Rule:
            return make_rule(draft, cls(metric, limit, unit, source))

        if draft.percents:
            raise WrongRule(
                "Percentages only work with `budget`, for limits set at OpenRouter.",
                corrected_rule(
                    replace(draft, watch="budget", limit=None, unit=None, source=MoneySource.ALL)
                ),
            )
        if metric is not Metric.SPEND and draft.source is not MoneySource.ALL:
            said = f"`{draft.source}` only applies to spend, not to {metric}."
            raise WrongRule(said, corrected_rule(replace(draft, source=MoneySource.ALL)))
        limit = _limit(draft, metric, make)
        if draft.sign == "<":
            raise WrongRule(f"An alert on {metric} needs an upper limit, with `>`.", make(limit))
        if unit is Unit.YEAR:
            raise WrongRule("A limit can be per hour, day, week or month.", make(limit, Unit.MONTH))
        if draft.unit is None:
            typed = amount(metric, limit)
            typed = typed if metric is Metric.SPEND else f"{typed} {metric}"
            raise WrongRule(f"Is that {typed} per hour, day, week or month?", make(limit))
        return make(limit)

    @classmethod
    def form_words(cls, fields: AlertFields, limit: str) -> str:
        """The grammar's words for the form's fields."""
        return f"{fields.metric} > {limit} per {fields.unit}"

    def form_values(self) -> Mapping[str, str]:
        """The fields of the form that this kind sets."""
        metric = metric_field(self.metric, self.source)
        return {"metric": metric, "limit": amount(self.metric, self.limit), "unit": self.unit}

    @classmethod
    def in_dollars(cls, metric: str) -> bool:
        """Whether a threshold typed without a unit is in dollars."""
        return metric.startswith(Metric.SPEND)

    @classmethod
    def form_dimensions(cls, what: str) -> tuple[str, ...]:
        """The form's choices of what to evaluate separately."""
        del what
        return (ALL_TOGETHER, *STORED)

    @property
    def measured(self) -> Metric:
        """The metric of its figures."""
        return self.metric

    @property
    def money_source(self) -> MoneySource:
        """Which spend counts."""
        return self.source

    @property
    def of_spend(self) -> bool:
        """Whether only spend can trigger it."""
        return self.metric is Metric.SPEND

    @property
    def limit_unit(self) -> Unit | None:
        """The unit of time that its limit is for."""
        return self.unit

    def with_limit(self, limit: int) -> Above:
        """The same watch with another limit."""
        return replace(self, limit=limit)

    def same_but_limit(self, other: Watch) -> bool:
        """Whether another watch differs at most by its limit."""
        return isinstance(other, Above) and replace(other, limit=self.limit) == self

    def needed(
        self,
        by: Dimension | None,
        filters: tuple[Filter, ...],
        zone: str,
        since: datetime,
        now: datetime,
    ) -> tuple[Needed, ...]:
        """The usage of each period that isn't settled yet."""
        return tuple(Needed(by, filters, span) for span in spans(self.unit, zone, since, now))

    def pace_period(self, measurement: Measurement) -> AlertPeriod | None:
        """The last hour or day, by the length of the period."""
        return recent_pace(measurement)

    def driver_periods(self, measurement: Measurement) -> tuple[AlertPeriod, AlertPeriod] | None:
        """The period so far, and the same part of the one before."""
        return period_drivers(measurement)

    def chart_range(self, measurement: Measurement, zone: str) -> TimeRange | None:
        """The buckets of the period so far."""
        if measurement.period is None:
            return days_chart(measurement.at, zone)
        return period_chart(measurement.period, measurement.at, zone)

    def question_period(self, measurement: Measurement, zone: str) -> Period:
        """The same period."""
        return period_of_question(measurement, zone)

    def meaning(self, rule: Rule, zone: str) -> str:
        """When it sends messages."""
        once = "an hour" if self.unit is Unit.HOUR else f"a {self.unit}"
        verb = "passes" if self.metric is Metric.SPEND else "pass"
        return (
            f"You'll get at most one message {once}{figure_format.for_each(rule)}, as soon as"
            f" {self.metric} {verb} the limit ({zone_city(zone)} time)."
        )

    def already(self) -> str:
        """What follows "It's"."""
        return "already over the limit"

    def current(self, measurement: Measurement) -> str:
        """The current figure and its limit."""
        return figure_format.of_limit(self.metric, measurement)

    def topic(self, event: AlertEvent, zone: str) -> str:
        """The headline, without the subject."""
        when = figure_format.when_words(self.unit, event.measurement, zone)
        return f"OpenRouter {self.metric} over {figure_format.bare(self.metric, self.limit)} {when}"

    def sentence(self, event: AlertEvent, zone: str, pace: SpendPace | None) -> str:
        """The figure, how far it is over the limit, and its projection at the current pace."""
        measurement, metric, limit = event.measurement, self.metric, self.limit
        value = measurement.value or 0
        when = figure_format.when_words(self.unit, measurement, zone)
        of = "" if self.source is MoneySource.ALL else f" from {self.source}"
        over, bare = figure_format.bare(metric, value - limit), figure_format.bare(metric, limit)
        said = f"{figure_format.amount(metric, value)}{of} {when}, {over} over the {bare} limit"
        return f"{said}{self._heading_for(measurement, pace)}."

    def ending(self, event: AlertEvent) -> str:
        """The sentence that says that an alert is over."""
        value, metric, bare = event.measurement.value or 0, self.metric, figure_format.bare
        if event.kind is EventKind.ENDED:
            said = f"The {self.unit} ended at {figure_format.amount(metric, value)}"
            if value > self.limit:
                over = bare(metric, value - self.limit)
                return f"{said}, {over} over the {bare(metric, self.limit)} limit."
            return f"{said}. OpenRouter corrected its figures after this alert."
        return f"{figure_format.amount(metric, value)}; the limit is {bare(metric, self.limit)}."

    def _heading_for(self, measurement: Measurement, pace: SpendPace | None) -> str:
        """The projection for the end of the period at the current pace."""
        period = measurement.period
        if pace is None or period is None or pace.used <= 0 or not measurement.part:
            return ""
        left = period.end - measurement.at
        if left < HOUR / 4 or pace.over <= timedelta():
            return ""
        second = timedelta(seconds=1)
        more = Fraction(pace.used * (left // second), pace.over // second)
        end = figure_format.bare(self.metric, (measurement.value or 0) + int(more))
        return f"; at this pace {end} by the end of the {self.unit}" if more >= 1 else ""


def metric_field(metric: Metric, source: MoneySource) -> str:
    """The form's value for a metric and its source: `spend byok`."""
    return str(metric) if source is MoneySource.ALL else f"{metric} {source}"


def above(
    rule: Rule,
    subject: str,
    label: str,
    value: int | None,
    period: AlertPeriod,
    at: datetime,
    creator: str = "",
) -> Measurement:
    """Measure the sum of a period; if part of it isn't stored, the sum is a lower bound."""
    limit = rule.watch.limit if isinstance(rule.watch, Above) else 0
    return Measurement(subject, label, value, limit, at, period, at < period.end, creator=creator)


def _limit(draft: RuleDraft, metric: Metric, make: Callable[[int], Rule]) -> int:
    example, found = make(USUAL_LIMITS[metric]), draft.limit
    if found is None:
        raise WrongRule("What is the limit? For example, `> $50 per day`.", example)
    if metric is Metric.SPEND:
        return above_zero(money(found, example, make), found, example)
    if found.dollars or found.currency:
        said = f"{str(metric).capitalize()} aren't in dollars. To watch money, use `spend`."
        spend = replace(draft, watch="spend", limit=replace(found, dollars=True, currency=""))
        raise WrongRule(said, corrected_rule(spend))
    return above_zero(count(found, metric, example, make), found, example)
