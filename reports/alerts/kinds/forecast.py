"""Alerts on where the month is heading: `forecast > $5,000 per month`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from reports.alerts.draft import RuleDraft, WrongRule, above_zero, money
from reports.alerts.draft import rule as make_rule
from reports.alerts.evaluation import AlertEvent, EventKind, Measurement
from reports.alerts.kinds.above import SPENDS, metric_field
from reports.alerts.limits_and_forecast import SpendPace
from reports.alerts.message_details import days_chart, period_drivers
from reports.alerts.needed_usage import Needed
from reports.alerts.periods import AlertPeriod, span_at
from reports.alerts.rule import Rule
from reports.alerts.slack.figure_words import for_each, of_limit, price
from reports.alerts.watch import ALL_TOGETHER, Watch
from reports.time.period import Unit
from reports.time.timerange import DAY, Granularity, TimeRange
from reports.usage.dimensions import Dimension, Filter, Metric, MoneySource
from reports.usage.usage import NANO, exact_money

if TYPE_CHECKING:
    from reports.alerts.form_fields import AlertFields

FORECAST_DAYS = 28
"""Four weeks: each weekday is expected to be as it was on the last four of them."""
_LEAST_DAYS = 3
"""With fewer days stored before today, nothing is forecast."""
_WEEK, _WEEKS = 7, 4


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
    has_zone = is_level = has_threshold = slow_by_member = True

    def words(self) -> str:
        """The watch in the grammar's own words."""
        source = "" if self.source is MoneySource.ALL else f"{self.source} "
        return f"forecast {source}> {exact_money(self.limit)} per month"

    @classmethod
    def check(cls, draft: RuleDraft) -> Rule:
        """The rule of a draft. Raises WrongRule with the rule probably meant."""

        def make(limit: int) -> Rule:
            return make_rule(draft, cls(limit, draft.source))

        example = make(5_000 * NANO)
        if draft.limit is None or draft.percents:
            raise WrongRule("What is the limit? For example, `> $50 per day`.", example)
        limit = above_zero(money(draft.limit, example, make), draft.limit, example)
        if draft.sign == "<":
            raise WrongRule("A forecast alert needs an upper limit, with `>`.", make(limit))
        if draft.unit is not Unit.MONTH:
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
        return (ALL_TOGETHER, *Dimension)

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
        """The days of this month and of the four weeks before today."""
        del since
        month, today = span_at(Unit.MONTH, zone, now), span_at(Unit.DAY, zone, now)
        back = span_at(Unit.DAY, zone, now - timedelta(days=FORECAST_DAYS))
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
            f"Alerts when the month is on track to exceed this{for_each(rule)}, based on the last"
            " four weeks."
        )

    def already(self) -> str:
        """What follows "It's"."""
        return "already on track to exceed it"

    def current(self, measurement: Measurement) -> str:
        """The forecast and its limit."""
        return of_limit(Metric.SPEND, measurement)

    def topic(self, event: AlertEvent, zone: str) -> str:
        """The headline without whose usage it is."""
        del event, zone
        return f"OpenRouter spend is on track to exceed {price(self.limit)} this month"

    def sentence(self, event: AlertEvent, zone: str, pace: SpendPace | None) -> str:
        """The forecast, how far over the limit it is, and the month so far."""
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


def forecast(
    rule: Rule,
    subject: str,
    label: str,
    days: Mapping[date, int],
    zone: str,
    at: datetime,
    creator: str = "",
) -> Measurement:
    """Measure what the zone's month is going to end at, in nano-dollars.

    That is the usage so far, and for each day to come the average of the same weekday in the last
    four weeks, of which newer ones count more. `days` are the figures by local date of all days
    that are stored, 0 where nothing was used, of this month and the 28 days before today. Where
    less than a week is stored before today, all days count alike; with less than three days the
    value is None.
    """
    limit = rule.watch.limit if isinstance(rule.watch, Forecast) else 0
    month, today = span_at(Unit.MONTH, zone, at), at.astimezone(ZoneInfo(zone)).date()
    first = month.start.astimezone(ZoneInfo(zone)).date()
    so_far = sum(value for day, value in days.items() if first <= day <= today)
    past = {day: value for day, value in days.items() if today - FORECAST_DAYS * DAY <= day < today}
    value: int | None = None
    if len(past) >= _LEAST_DAYS:
        rest_of_today = expected(past, today, today) * (1 - _elapsed(zone, at))
        to_come = rest_of_today + sum(expected(past, today, day) for day in days_after(today))
        value = so_far + int(to_come)
    return Measurement(
        subject, label, value, limit, at, month, True, so_far=so_far, creator=creator
    )


def expected(past: Mapping[date, int], today: date, day: date) -> Fraction:
    """What a day is going to use: as its weekday did, or as any day where that is unknown."""
    same = [(when, value) for when, value in past.items() if when.weekday() == day.weekday()]
    if not same or len(past) < _WEEK:
        return Fraction(sum(past.values()), len(past))
    weights = [(_WEEKS - ((today - when).days - 1) // _WEEK, value) for when, value in same]
    return Fraction(sum(w * value for w, value in weights), sum(w for w, _ in weights))


def days_after(today: date) -> list[date]:
    """The days of the month after a day."""
    month = today.month
    found = []
    while (today := today + DAY).month == month:
        found.append(today)
    return found


def _elapsed(zone: str, at: datetime) -> Fraction:
    """How much of the local day has passed, from 0 to 1."""
    span = span_at(Unit.DAY, zone, at)
    second = timedelta(seconds=1)
    return min(
        Fraction((at - span.start) // second, (span.end - span.start) // second), Fraction(1)
    )
