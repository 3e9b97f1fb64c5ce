"""Converts an alert rule to the fields of a form, and back.

The fields become the words of an alert, which the grammar reads. So a form has the same defaults
and errors as the command.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from reports.alerts.grammar import parse_alert
from reports.alerts.kinds.above import Above
from reports.alerts.kinds.registry import kind_of
from reports.alerts.rule import Recipient, RecipientKind, Rule
from reports.alerts.watch import ALL_TOGETHER
from reports.questions.form_error import FormError
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import Query
from reports.time.period import Unit
from reports.time.time_range import zone_names
from reports.usage.dimensions import Dimension, Metric
from reports.wording import suggestions as nearest
from reports.wording.safe_text import clean

ALL = ALL_TOGETHER
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


@dataclass(frozen=True, slots=True)
class AlertFields:
    """The values of the form; fields that don't apply to `kind` and `to` are ignored.

    `metric` may name its source (`spend byok`), `limit` is typed as in a command (`$50`, `10m`,
    `80% 100%`), `whose` are filters.
    """

    kind: str = Above.key
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


UNITS = (Unit.HOUR, Unit.DAY, Unit.WEEK, Unit.MONTH)


def fields_of(rule: Rule, zone: str) -> AlertFields:
    """The fields of a rule; `zone` is used if it names none."""
    found = AlertFields(
        by=rule.by or ALL,
        whose=" ".join(map(str, rule.filters)),
        zone=rule.zone or zone,
        to=rule.to.kind,
        channel=rule.to.channel,
        urgent=rule.urgent,
    )
    return replace(found, kind=rule.watch.key, **rule.watch.form_values())


def read_fields(fields: AlertFields) -> Rule | FormError:
    """The rule of the fields, or errors by field."""
    zone = zone_names().get(fields.zone.strip().lower())
    if kind_of(fields.kind).has_zone and zone is None:
        meant, typed = nearest.zone(fields.zone), clean(fields.zone, 40) if fields.zone else ""
        problem = f"I don't recognize the time zone “{typed}”." if typed else "Enter a time zone."
        return FormError(AlertField.ZONE, f"{problem} Did you mean {meant}?" if meant else problem)
    if fields.to == RecipientKind.CHANNEL and not fields.channel:
        return FormError(AlertField.CHANNEL, "Choose a channel for the alert.")
    watch = _watch(fields)
    watch_only = parse_alert(f"alert {watch}")
    if isinstance(watch_only, CommandError):
        return FormError(AlertField.LIMIT, watch_only.problem[:1_000])
    if not isinstance(watch_only, Rule) or watch_only != Rule(watch_only.watch):
        return FormError(AlertField.LIMIT, _A_LIMIT)
    whose = fields.whose.strip() if kind_of(fields.kind).has_filters else ""
    asked = parse(whose)
    if isinstance(asked, CommandError):
        return FormError(AlertField.WHOSE, asked.problem[:1_000])
    if not isinstance(asked, QuestionCommand) or asked.query != Query(filters=asked.query.filters):
        field_error_text = "Enter just filters, for example key:prod or model:claude*"
        return FormError(AlertField.WHOSE, field_error_text)
    parts = dict(_parts(fields, whose, zone or "UTC"))
    found = parse_alert(" ".join(["alert", watch, *parts.values()]))
    if isinstance(found, CommandError):
        return FormError(_invalid_field(watch, parts), found.problem[:1_000])
    if not isinstance(found, Rule) or found.filters != asked.query.filters:
        return FormError(AlertField.LIMIT, _A_LIMIT)
    return found


def _parts(fields: AlertFields, whose: str, zone: str) -> Iterator[tuple[AlertField, str]]:
    """The words after the watch, by their field."""
    if fields.by != ALL and fields.by in kind_of(fields.kind).form_dimensions(fields.what):
        yield AlertField.BY, f"by {fields.by}"
    if whose:
        yield AlertField.WHOSE, whose
    if fields.to == RecipientKind.CHANNEL:
        yield AlertField.CHANNEL, Recipient(RecipientKind.CHANNEL, fields.channel).words()
    elif fields.to != RecipientKind.ME:
        yield AlertField.TO, f"to {fields.to}"
    if fields.urgent:
        yield AlertField.URGENT, "urgent"
    if kind_of(fields.kind).has_zone:
        yield AlertField.ZONE, f"tz {zone}"


def _invalid_field(watch: str, parts: dict[AlertField, str]) -> AlertField:
    """The field that makes the rule invalid."""
    for field in parts:
        remaining = [words for name, words in parts.items() if name is not field]
        if isinstance(parse_alert(" ".join(["alert", watch, *remaining])), Rule):
            return field
    return AlertField.LIMIT


def _watch(fields: AlertFields) -> str:
    limit, kind = fields.limit.strip(), kind_of(fields.kind)
    if limit[:1].isdigit() and kind.in_dollars(fields.metric) and not limit.endswith("%"):
        limit = f"${limit}"  # the field's label says dollars
    return kind.form_words(fields, limit)
