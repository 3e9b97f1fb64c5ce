"""The selects and buttons under an answer, which follow it up without typing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from reports.follow import ALONE, EVERYTHING, OUT, PERIODS, UNGROUPED, UP_TO_NOW, Follow
from reports.grammar import Ask, parse
from reports.query import Dimension, Metric, Versus
from reports.render.rows import looked_at
from reports.summary import Summary
from reports.text import clean
from reports.timerange import OverlapError, earlier
from reports.words import DIMENSION_WORDS, EARLIER, before_words, period_words

Block = dict[str, Any]

EXPORT = "export_"
"""How the actions of the export buttons begin; the format follows."""
SHARE = "answer_share"
SCHEDULE = "answer_schedule"
ALERT = "answer_alert"
_OPTION_TEXT = 75
_MOST_INSIDE = 25
"""Groups to look into: a message holds about 13,200 characters in all."""


@dataclass(frozen=True, slots=True)
class Controls:
    """What comes back when somebody uses what stands under an answer.

    `state` (at most 255 characters) comes back from the selects, `value` (2,000) from the buttons;
    `inside` is what a group's choice stands for (150), by its label. `private`: the answer is for
    one person in a conversation of several, and can be shared.
    """

    state: str
    value: str
    inside: Mapping[str, str] = field(default_factory=dict)
    private: bool = False


def rows(summary: Summary, controls: Controls) -> list[Block]:
    """The rows under an answer; under an empty one only what asks for something else."""
    selects = [
        _metric(summary),
        _period(summary),
        _by(summary),
        *([] if summary.empty else [_versus(summary)]),
        *_inside(summary, controls),
    ]
    found: list[Block] = [
        {"type": "actions", "block_id": controls.state, "elements": selects},
    ]
    if not summary.empty:
        found.append({"type": "actions", "elements": _buttons(controls)})
    return found


def _metric(summary: Summary) -> Block:
    options = [_option("All metrics", EVERYTHING)]
    options += [_option(str(metric).capitalize(), metric) for metric in Metric]
    present = summary.query.metric
    return _select(Follow.METRIC, "Metric", options, str(present or EVERYTHING))


def _period(summary: Summary) -> Block:
    present = summary.query.period
    options = [_option("Up to now", UP_TO_NOW)]
    value = str(present)
    for words in PERIODS:
        read = parse(words)
        if isinstance(read, Ask):
            period = read.query.period
            value = words if period == present else value
            options.append(_option(_capital(period_words(period)), words))
    if value not in PERIODS:
        options.append(_option(_capital(period_words(present)), value))
    return _select(Follow.PERIOD, "Period", options, value)


def _by(summary: Summary) -> Block:
    options = [_option("Not grouped", UNGROUPED)]
    options += [_option(f"By {DIMENSION_WORDS[one]}", one) for one in Dimension]
    return _select(Follow.BY, "Group by", options, str(summary.query.by or UNGROUPED))


def _versus(summary: Summary) -> Block:
    """What it can be compared with: the period before, and as much earlier as it is long."""
    query, wanted = summary.query, summary.range
    before = before_words(query.period, unfinished=wanted.unfinished)
    options = [_option("Compare with …", ALONE), _option(f"vs {before}", Versus.BEFORE)]
    for versus, unit in EARLIER.items():
        with suppress(OverlapError):
            earlier(wanted, unit)
            options.append(_option(f"vs a {unit} earlier", versus))
    return _select(Follow.VERSUS, "Compare with", options, str(query.versus or ALONE))


def _inside(summary: Summary, controls: Controls) -> list[Block]:
    """Ways into the groups that are shown, and out of the filters that were set."""
    filters = summary.query.filters
    options = [
        _option(f"‹ Without {clean(str(one))}", f"{OUT}{index}")
        for index, one in enumerate(filters)
    ]
    if summary.query.by and not summary.empty:
        options += [
            _option(group.label, controls.inside[group.label])
            for group in looked_at(summary, next(iter(summary.metrics.values())))[:_MOST_INSIDE]
            if group.label in controls.inside
        ]
    if not options:
        return []
    inside = summary.query.by and len(options) > len(filters)
    label = f"Look inside a{_article(summary)}" if inside else "Filters"
    return [_select(Follow.INSIDE, label, options)]


def _article(summary: Summary) -> str:
    words = DIMENSION_WORDS[summary.query.by] if summary.query.by else ""
    return f"n {words}" if words.startswith("A") else f" {words}"


def _buttons(controls: Controls) -> list[Block]:
    share = [_button("Share", SHARE, controls.value)] if controls.private else []
    return [
        *share,
        _button("Schedule this", SCHEDULE, controls.value),
        _button("Alert me", ALERT, controls.value),
        *(_button(name, f"{EXPORT}{name.lower()}", controls.value) for name in ("CSV", "PDF")),
    ]


def _select(follow: Follow, label: str, options: list[Block], present: str = "") -> Block:
    chosen = [one for one in options if present and one["value"] == present]
    return {
        "type": "static_select",
        "action_id": str(follow),
        "placeholder": {"type": "plain_text", "text": label},
        "options": options,
        **({"initial_option": chosen[0]} if chosen else {}),
    }


def _option(text: str, value: str) -> Block:
    return {
        "text": {"type": "plain_text", "text": clean(text, _OPTION_TEXT)},
        "value": str(value),
    }


def _button(text: str, action: str, value: str) -> Block:
    label = {"type": "plain_text", "text": text}
    return {"type": "button", "action_id": action, "text": label, "value": value}


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
