"""The modal that creates and edits an alert rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reports.alerts.evaluation import Measurement
from reports.alerts.form_fields import ALL, UNITS, URGENT, AlertField, AlertFields
from reports.alerts.kinds.above import Above
from reports.alerts.kinds.registry import BY_KEY, KINDS, kind_of
from reports.alerts.rule import RecipientKind, Rule
from reports.alerts.slack.cards import already, current_figures, meaning
from reports.block_kit.elements import Block, divider
from reports.block_kit.inputs import (
    Entered,
    Meta,
    channel_input,
    checkboxes,
    modal,
    owner_label,
    owner_note,
    preview,
    radio_input,
    select_input,
    text_input,
    warning,
)
from reports.usage.dimensions import NAMES, Dimension, form_label
from reports.wording.safe_text import clean, escape

CALLBACK = "alert_form"
_METRICS = dict(
    zip(
        Above.form_metrics,
        ("Spend", "Spend from credits", "BYOK spend", "Tokens", "Requests"),
        strict=True,
    )
)
_DIMENSIONS = {
    Dimension.MODEL: "Model",
    Dimension.KEY: "API key",
    Dimension.CREATOR: "Creator",
}
_UNITS = dict(zip(UNITS, ("Hour", "Day", "Week", "Month"), strict=True))
_BYS: dict[str, str] = {
    ALL: "Everything combined",
    **{dimension: f"Each {names.label} separately" for dimension, names in NAMES.items()},
}
_LONGEST_LIMIT = 40


def view(fields: AlertFields, meta: Meta, words: str, note: str = "") -> dict[str, Any]:
    """The modal; `words` (mrkdwn) is its preview, `note` (mrkdwn) a warning at the top."""
    title = "Edit alert" if meta.id else "New alert"
    blocks = [*([warning(note)] if note else []), *owner_note(meta), *_inputs(fields, meta)]
    return modal(CALLBACK, title, [*blocks, divider(), preview(words)], meta)


def _inputs(fields: AlertFields, meta: Meta) -> Iterator[Block]:
    kind = kind_of(fields.kind)
    kinds = [(one.key, one.form_label) for one in KINDS]
    yield select_input(AlertField.KIND, "Alert when", kinds, fields.kind)
    if kind.form_metrics:
        metrics = [(metric, _METRICS[metric]) for metric in kind.form_metrics]
        yield select_input(AlertField.METRIC, "Metric", metrics, fields.metric)
    if kind.form_limit:
        label, hint = kind.form_limit
        # each kind has its own id, so that an amount in dollars isn't kept as a percentage
        name = limit_field(fields.kind)
        yield text_input(name, label, fields.limit, hint=hint, longest=_LONGEST_LIMIT)
    if kind.has_unit:
        yield select_input(AlertField.UNIT, "Per", tuple(_UNITS.items()), fields.unit)
    if len(kind.dimensions) > 1:
        whats = [(one, form_label(one)) for one in kind.dimensions]
        yield select_input(AlertField.WHAT, "New", whats, fields.what)
    offered = kind.form_dimensions(fields.what)
    if offered:
        by = fields.by if fields.by in offered else ALL
        yield select_input(AlertField.BY, "Count", [(one, _BYS[one]) for one in offered], by)
    if kind.has_filters:
        yield text_input(
            AlertField.WHOSE,
            "Filter",
            fields.whose,
            hint="Same filters as in a question. Leave empty for everyone.",
            example='model:claude*  key:"Prod key"  creator:me',
            optional=True,
        )
    if kind.has_zone:
        name = zone_field(fields.kind)
        yield text_input(name, "Time zone", fields.zone, example="Europe/Berlin", longest=60)
    places = (
        (RecipientKind.ME, owner_label(meta)),
        (RecipientKind.OWNER, "The key's creator (DM)"),
        (RecipientKind.CHANNEL, "A channel"),
    )
    yield radio_input(AlertField.TO, "Send to", places, fields.to)
    if fields.to == RecipientKind.CHANNEL:
        hint = "I need to be a member. Use /invite in the channel first."
        yield channel_input(AlertField.CHANNEL, "Channel", fields.channel, hint=hint)
    urgent = ((URGENT, "Urgent: send even during quiet hours"),)
    chosen = (URGENT,) if fields.urgent else ()
    yield checkboxes(AlertField.URGENT, "Delivery", urgent, chosen, optional=True)


def limit_field(kind: str) -> str:
    """The field of the threshold of a kind."""
    return f"{AlertField.LIMIT}_{kind}"


def zone_field(kind: str) -> str:
    """The field of the time zone of a kind.

    Kinds in the organization's zone have a separate field, so that the person's zone isn't kept for
    them when the kind changes.
    """
    return f"{AlertField.ZONE}_{kind}" if kind_of(kind).in_zone_of_organization else AlertField.ZONE


def entered(found: Entered, zone: str, organization: str) -> AlertFields:
    """The values in the modal, with defaults for inputs it didn't have.

    `zone` is the person's zone; `organization` is that of kinds in the organization's zone.
    """
    usual = AlertFields(zone=zone)
    kind = found.text(AlertField.KIND, usual.kind)
    kind = kind if kind in BY_KEY else usual.kind
    usual_zone = organization if kind_of(kind).in_zone_of_organization else zone
    metric = found.text(AlertField.METRIC, usual.metric)
    known = kind_of(kind).form_metrics or Above.form_metrics
    return AlertFields(
        kind=kind,
        metric=metric if metric in known else usual.metric,
        limit=found.text(limit_field(kind), kind_of(kind).usual_limit),
        unit=found.text(AlertField.UNIT, usual.unit),
        what=found.text(AlertField.WHAT, usual.what),
        by=found.text(AlertField.BY, usual.by),
        whose=found.text(AlertField.WHOSE),
        zone=found.text(zone_field(kind), usual_zone),
        to=found.text(AlertField.TO, usual.to),
        channel=found.text(AlertField.CHANNEL),
        urgent=URGENT in found.many(AlertField.URGENT),
    )


def preview_text(rule: Rule, zone: str, now: Sequence[Measurement] | str) -> str:
    """The preview (mrkdwn): what the rule means and the current figures, or what is wrong."""
    lines = [escape(meaning(rule, zone))]
    if isinstance(now, str):
        lines.append(f":warning: {escape(clean(now, 600))}")
    else:
        lines += [escape(clean(line, 300)) for line in current_figures(rule, now)]
        lines += [f"*{beyond}.*" for beyond in [already(rule, now)] if beyond]
    return "\n".join(lines)
