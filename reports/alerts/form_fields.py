"""An alert rule as the fields of a form, and back.

The fields become the words of an alert, which the grammar reads. So a form has the same defaults
and errors as the command.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from reports.alerts.grammar import parse_alert
from reports.alerts.rule import (
    SPIKE_FLOOR,
    Above,
    Budget,
    Credits,
    Forecast,
    New,
    Recipient,
    RecipientKind,
    Rule,
    Spike,
    Stale,
    amount,
)
from reports.questions.form_error import FormError
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import Query
from reports.time.period import Unit
from reports.time.timerange import zone_names
from reports.usage.dimensions import Dimension, Metric, MoneySource
from reports.usage.usage import exact_money
from reports.wording import suggestions as nearest
from reports.wording.safe_text import clean

ALL = "all"
URGENT = "urgent"
_A_LIMIT = "Enter just a threshold, like $50, 10m or 80%."


class AlertField(StrEnum):
    """The fields of the form."""

    KIND = "form_kind"
    METRIC = "form_metric"
    LIMIT = "form_limit"
    UNIT = "form_unit"
    WHAT = "form_what"
    BY = "form_by"
    WHOSE = "form_whose"
    ZONE = "form_zone"
    TO = "form_to"
    CHANNEL = "form_channel"
    URGENT = "form_urgent"


class AlertKind(StrEnum):
    """What kind of thing is watched."""

    ABOVE = "above"
    SPIKE = "spike"
    BUDGET = "budget"
    CREDITS = "credits"
    FORECAST = "forecast"
    NEW = "new"
    SYNC = "sync"


@dataclass(frozen=True, slots=True)
class AlertFields:
    """What the form holds; fields that don't apply to `kind` and `to` are ignored.

    `metric` may name its source (`spend byok`), `limit` is typed as in words (`$50`, `10m`,
    `80% 100%`), `whose` are filters.
    """

    kind: str = AlertKind.ABOVE
    metric: str = Metric.SPEND
    limit: str = "$50"
    unit: str = Unit.DAY
    what: str = Dimension.MODEL
    by: str = ALL
    whose: str = ""
    zone: str = "UTC"
    to: str = RecipientKind.ME
    channel: str = ""
    urgent: bool = False


METRICS = (
    Metric.SPEND,
    f"{Metric.SPEND} {MoneySource.CREDITS}",
    f"{Metric.SPEND} {MoneySource.BYOK}",
    Metric.TOKENS,
    Metric.REQUESTS,
)
UNITS = (Unit.HOUR, Unit.DAY, Unit.WEEK, Unit.MONTH)
USUAL_LIMITS = {
    AlertKind.ABOVE: "$50",
    AlertKind.SPIKE: exact_money(SPIKE_FLOOR),
    AlertKind.BUDGET: "80% 100%",
    AlertKind.CREDITS: "$100",
    AlertKind.FORECAST: "$1,000",
}


def bys(kind: str, what: str) -> tuple[str, ...]:
    """The dimensions that a kind can watch separately."""
    if kind in {AlertKind.ABOVE, AlertKind.SPIKE, AlertKind.FORECAST}:
        return (ALL, *Dimension)
    if kind == AlertKind.BUDGET:
        return (ALL, Dimension.KEY)
    return (ALL, Dimension.CREATOR) if kind == AlertKind.NEW and what == Dimension.MODEL else ()


def has_whose(kind: str) -> bool:
    """Whether a kind takes filters."""
    return kind not in {AlertKind.CREDITS, AlertKind.SYNC}


def has_zone(kind: str) -> bool:
    """Whether a kind's periods depend on a time zone."""
    return kind in {AlertKind.ABOVE, AlertKind.FORECAST}


def fields_of(rule: Rule, zone: str) -> AlertFields:
    """The fields of a rule; `zone` is used where it names none."""
    found = AlertFields(
        by=rule.by or ALL,
        whose=" ".join(map(str, rule.filters)),
        zone=rule.zone or zone,
        to=rule.to.kind,
        channel=rule.to.channel,
        urgent=rule.urgent,
    )
    watch = rule.watch
    match watch:
        case Above():
            limit = amount(watch.metric, watch.limit)
            metric = _metric(watch.metric, watch.source)
            return replace(found, metric=metric, limit=limit, unit=watch.unit)
        case Forecast():
            limit, metric = exact_money(watch.limit), _metric(Metric.SPEND, watch.source)
            return replace(found, kind=AlertKind.FORECAST, metric=metric, limit=limit)
        case Budget(percents):
            limit = " ".join(f"{percent}%" for percent in percents)
            return replace(found, kind=AlertKind.BUDGET, limit=limit)
        case Spike(floor):
            return replace(found, kind=AlertKind.SPIKE, limit=exact_money(floor))
        case Credits(left):
            return replace(found, kind=AlertKind.CREDITS, limit=exact_money(left))
        case New(what):
            return replace(found, kind=AlertKind.NEW, what=what)
        case Stale():
            return replace(found, kind=AlertKind.SYNC)


def read_fields(fields: AlertFields) -> Rule | FormError:
    """The rule of the fields, or what is wrong in which of them."""
    zone = zone_names().get(fields.zone.strip().lower())
    if has_zone(fields.kind) and zone is None:
        meant, typed = nearest.zone(fields.zone), clean(fields.zone, 40) if fields.zone else ""
        problem = f"I don't recognize the time zone “{typed}”." if typed else "Enter a time zone."
        return FormError(AlertField.ZONE, f"{problem} Did you mean {meant}?")
    if fields.to == RecipientKind.CHANNEL and not fields.channel:
        return FormError(AlertField.CHANNEL, "Choose a channel for the alert.")
    watch = _watch(fields)
    alone = parse_alert(f"alert {watch}")
    if isinstance(alone, CommandError):
        return FormError(AlertField.LIMIT, alone.problem[:1_000])
    if not isinstance(alone, Rule) or alone != Rule(alone.watch):
        return FormError(AlertField.LIMIT, _A_LIMIT)
    whose = fields.whose.strip() if has_whose(fields.kind) else ""
    asked = parse(whose)
    if isinstance(asked, CommandError):
        return FormError(AlertField.WHOSE, asked.problem[:1_000])
    if not isinstance(asked, QuestionCommand) or asked.query != Query(filters=asked.query.filters):
        said = "Enter just filters, for example key:prod or model:claude*"
        return FormError(AlertField.WHOSE, said)
    parts = dict(_parts(fields, whose, zone or "UTC"))
    found = parse_alert(" ".join(["alert", watch, *parts.values()]))
    if isinstance(found, CommandError):
        return FormError(_blamed(watch, parts), found.problem[:1_000])
    if not isinstance(found, Rule) or found.filters != asked.query.filters:
        return FormError(AlertField.LIMIT, _A_LIMIT)
    return found


def _parts(fields: AlertFields, whose: str, zone: str) -> Iterator[tuple[AlertField, str]]:
    """The words after the watch, by the field that they come from."""
    if fields.by != ALL and fields.by in bys(fields.kind, fields.what):
        yield AlertField.BY, f"by {fields.by}"
    if whose:
        yield AlertField.WHOSE, whose
    if fields.to == RecipientKind.CHANNEL:
        yield AlertField.CHANNEL, Recipient(RecipientKind.CHANNEL, fields.channel).words()
    elif fields.to != RecipientKind.ME:
        yield AlertField.TO, f"to {fields.to}"
    if fields.urgent:
        yield AlertField.URGENT, "urgent"
    if has_zone(fields.kind):
        yield AlertField.ZONE, f"tz {zone}"


def _blamed(watch: str, parts: dict[AlertField, str]) -> AlertField:
    """The field without which the rule would be valid."""
    for field in parts:
        rest = [words for name, words in parts.items() if name is not field]
        if isinstance(parse_alert(" ".join(["alert", watch, *rest])), Rule):
            return field
    return AlertField.LIMIT


def _watch(fields: AlertFields) -> str:
    limit, kind = fields.limit.strip(), fields.kind
    if limit[:1].isdigit() and _in_dollars(fields) and not limit.endswith("%"):
        limit = f"${limit}"  # the field says that it is dollars
    match kind:
        case AlertKind.SPIKE:
            return f"spike > {limit}" if limit else "spike"
        case AlertKind.BUDGET:
            return f"budget {limit}"
        case AlertKind.CREDITS:
            return f"credits < {limit}"
        case AlertKind.FORECAST:
            source = fields.metric.partition(" ")[2]
            return f"forecast {source} > {limit} per month"
        case AlertKind.NEW:
            return f"new {fields.what}"
        case AlertKind.SYNC:
            return "sync"
    return f"{fields.metric} > {limit} per {fields.unit}"


def _in_dollars(fields: AlertFields) -> bool:
    if fields.kind == AlertKind.ABOVE:
        return fields.metric.startswith(Metric.SPEND)
    return fields.kind in {AlertKind.SPIKE, AlertKind.CREDITS, AlertKind.FORECAST}


def _metric(metric: Metric, source: MoneySource) -> str:
    return str(metric) if source is MoneySource.ALL else f"{metric} {source}"
