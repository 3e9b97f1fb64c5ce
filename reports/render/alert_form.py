"""The modal that makes and edits an alert rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reports.alert import Rule, To
from reports.alert_fields import (
    ALL,
    METRICS,
    UNITS,
    URGENT,
    USUAL_LIMITS,
    AlertFields,
    Field,
    Kind,
    bys,
    has_whose,
    has_zone,
)
from reports.alert_state import Reading
from reports.query import Dimension
from reports.render.alert_cards import already, meaning, standing
from reports.render.forms import (
    Entered,
    Meta,
    channel,
    modal,
    preview,
    radio,
    select,
    ticks,
    to_maker,
    typed,
    warning,
    whose,
)
from reports.render.parts import Block, divider
from reports.text import clean, escape

CALLBACK = "alert_form"
_KINDS = (
    (Kind.ABOVE, "More is used than a limit"),
    (Kind.SPIKE, "An hour costs far more than usual"),
    (Kind.BUDGET, "A key or workspace nears its budget"),
    (Kind.CREDITS, "The credits run low"),
    (Kind.FORECAST, "The month is going to end above a limit"),
    (Kind.NEW, "A model or key is used for the first time"),
    (Kind.SYNC, "The data gets old"),
)
_METRICS = dict(
    zip(
        METRICS,
        ("Spend", "Spend from credits", "Spend on own provider keys", "Tokens", "Requests"),
        strict=True,
    )
)
_SPENDS = METRICS[:3]
_UNITS = dict(zip(UNITS, ("An hour", "A day", "A week", "A month"), strict=True))
_BYS = {
    ALL: "All of it together",
    Dimension.MODEL: "Each model on its own",
    Dimension.KEY: "Each API key on its own",
    Dimension.CREATOR: "Each creator on their own",
}
_LIMITS = {
    Kind.ABOVE: ("More than", "Dollars such as $50; tokens and requests such as 500k or 10m."),
    Kind.SPIKE: ("And more than", "In dollars: below that no spike is told."),
    Kind.BUDGET: ("At which parts of it", "In percent, such as 80% 100%."),
    Kind.CREDITS: ("Less left than", "In dollars."),
    Kind.FORECAST: ("More than", "In dollars."),
}
_LONGEST_LIMIT = 40


def view(fields: AlertFields, meta: Meta, words: str, note: str = "") -> dict[str, Any]:
    """The modal; `words` (mrkdwn) is its preview, `note` something to know first."""
    title = "Edit alert" if meta.id else "New alert"
    blocks = [*([warning(note)] if note else []), *whose(meta), *_inputs(fields, meta)]
    return modal(CALLBACK, title, [*blocks, divider(), preview(words)], meta)


def _inputs(fields: AlertFields, meta: Meta) -> Iterator[Block]:
    kind = fields.kind
    yield select(Field.KIND, "Tell when", _KINDS, kind)
    if kind == Kind.ABOVE:
        yield select(Field.METRIC, "Of what", tuple(_METRICS.items()), fields.metric)
    if kind == Kind.FORECAST:
        spends = [(metric, _METRICS[metric]) for metric in _SPENDS]
        yield select(Field.METRIC, "Of what", spends, fields.metric)
    if kind in _LIMITS:
        label, hint = _LIMITS[Kind(kind)]
        # an id of its own for each kind, so that a limit in dollars is none in percent
        name = limit_field(kind)
        yield typed(name, label, fields.limit, hint=hint, longest=_LONGEST_LIMIT)
    if kind == Kind.ABOVE:
        yield select(Field.UNIT, "Within", tuple(_UNITS.items()), fields.unit)
    if kind == Kind.NEW:
        kinds = ((Dimension.MODEL, "A model"), (Dimension.KEY, "An API key"))
        yield select(Field.WHAT, "What is new", kinds, fields.what)
    offered = bys(kind, fields.what)
    if offered:
        by = fields.by if fields.by in offered else ALL
        yield select(Field.BY, "Counted", [(one, _BYS[one]) for one in offered], by)
    if has_whose(kind):
        yield typed(
            Field.WHOSE,
            "Only of",
            fields.whose,
            hint="Filters as in a question; without any it is everybody's.",
            example='model:claude*  key:"Prod key"  creator:me',
            optional=True,
        )
    if has_zone(kind):
        label = "Days and months of which time zone"
        yield typed(Field.ZONE, label, fields.zone, example="Europe/Berlin", longest=60)
    places = (
        (To.ME, to_maker(meta)),
        (To.OWNER, "The creator concerned, privately"),
        (To.CHANNEL, "A channel"),
    )
    yield radio(Field.TO, "To whom", places, fields.to)
    if fields.to == To.CHANNEL:
        hint = "I have to be in it: /invite me there first."
        yield channel(Field.CHANNEL, "Which channel", fields.channel, hint=hint)
    urgent = ((URGENT, "Urgent: told in quiet hours too"),)
    chosen = (URGENT,) if fields.urgent else ()
    yield ticks(Field.URGENT, "How", urgent, chosen, optional=True)


def limit_field(kind: str) -> str:
    """The field of the threshold of a kind."""
    return f"{Field.LIMIT}_{kind}"


def entered(found: Entered, zone: str) -> AlertFields:
    """What stood in the modal; what it did not ask for is as usual, in the person's own zone."""
    usual = AlertFields(zone=zone)
    kind = found.text(Field.KIND, usual.kind)
    kind = kind if kind in set(Kind) else usual.kind
    metric = found.text(Field.METRIC, usual.metric)
    known = _SPENDS if kind == Kind.FORECAST else METRICS
    return AlertFields(
        kind=kind,
        metric=metric if metric in known else usual.metric,
        limit=found.text(limit_field(kind), USUAL_LIMITS.get(Kind(kind), "")),
        unit=found.text(Field.UNIT, usual.unit),
        what=found.text(Field.WHAT, usual.what),
        by=found.text(Field.BY, usual.by),
        whose=found.text(Field.WHOSE),
        zone=found.text(Field.ZONE, usual.zone),
        to=found.text(Field.TO, usual.to),
        channel=found.text(Field.CHANNEL),
        urgent=URGENT in found.many(Field.URGENT),
    )


def foreseen(rule: Rule, zone: str, now: Sequence[Reading] | str) -> str:
    """What the rule means and how near its line things are now; a sentence where that fails."""
    lines = [escape(meaning(rule, zone))]
    if isinstance(now, str):
        lines.append(f":warning: {escape(clean(now, 600))}")
    else:
        lines += [escape(clean(line, 300)) for line in standing(rule, now)]
        lines += [f"*{beyond}.*" for beyond in [already(rule, now)] if beyond]
    return "\n".join(lines)
