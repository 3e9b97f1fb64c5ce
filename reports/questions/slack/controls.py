"""The menus and buttons under an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from reports.block_kit.elements import Block, actions, button, menu, option
from reports.block_kit.message import RUN
from reports.questions.follow_up import (
    EVERYTHING,
    NO_COMPARISON,
    OUT,
    PERIODS,
    REFRESH,
    UNGROUPED,
    FollowUpAction,
)
from reports.questions.grammar import QuestionCommand, parse
from reports.questions.query import MEASURED, WITHOUT_GROUPING, WITHOUT_PERIOD, Query, Versus
from reports.questions.summary import Summary
from reports.questions.wording import (
    DIMENSION_WORDS,
    EARLIER,
    before_words,
    capitalize_first,
    is_cut_longer,
    period_words,
)
from reports.render.tables import ranked_groups
from reports.time.period import Calendar, Counted, DateSpan, Month, Period, Unit
from reports.time.period_to_range import OverlapError, shifted_back
from reports.time.time_range import TimeRange
from reports.usage.dimensions import STORED, Dimension, Filter, Metric
from reports.wording.safe_text import clean

EXPORT = "export_"
"""The prefix of the export buttons' action ids; the format follows."""
SHARE = "answer_share"
SCHEDULE = "answer_schedule"
ALERT = "answer_alert"
_UNIT_OF_LENGTH = {
    **{(1, unit): unit for unit in Unit},
    (24, Unit.HOUR): Unit.DAY,
    (7, Unit.DAY): Unit.WEEK,
    (12, Unit.MONTH): Unit.YEAR,
}
_WHY = 9
"""The number of the Why button, distinct from those of other rows, which start at 0."""
_MOST_INSIDE = 25
"""Groups to drill into: a message holds about 13,200 characters in total."""


@dataclass(frozen=True, slots=True)
class Controls:
    """The data that menus and buttons send back.

    `state` (at most 255 characters) comes back from the menus, `value` (2,000) from the buttons;
    `inside` holds the ids of groups (150) by label. `private`: only one person of the conversation
    sees the answer, so it can be shared. `own_only`: the asker can only see their own usage, so the
    creator filter can't be removed. `why` is the question that explains a change, if there is one.
    """

    state: str
    value: str
    inside: Mapping[str, str] = field(default_factory=dict)
    private: bool = False
    own_only: bool = False
    why: str = ""


def rows(summary: Summary, controls: Controls) -> list[Block]:
    """The menus and buttons below an answer; only menus if it is empty."""
    selects = [
        _metric(summary),
        _period(summary.query),
        _by(summary.query),
        *([] if summary.empty else [_versus(summary.query, summary.range)]),
        *_inside(summary.query, _ranked_groups(summary), controls),
    ]
    found = [{**actions(*selects), "block_id": controls.state}]
    buttons = _buttons(controls, alert=not summary.query.live)
    return found if summary.empty else [*found, actions(*buttons)]


def analysis_rows(
    query: Query,
    wanted: TimeRange | None,
    groups: Sequence[str],
    controls: Controls,
    *,
    empty: bool,
) -> list[Block]:
    """The menus and buttons below an analysis answer.

    `wanted` is its range, if it has one; `groups` are the labels of groups to drill into.
    """
    compares = query.kind in MEASURED and not empty
    selects = [
        *([] if query.kind in WITHOUT_PERIOD else [_period(query)]),
        *([] if query.kind in WITHOUT_GROUPING else [_by(query)]),
        *([_versus(query, wanted)] if wanted and compares else []),
        *_inside(query, groups, controls),
    ]
    found = [{**actions(*selects), "block_id": controls.state}] if selects else []
    return found if empty else [*found, actions(*_buttons(controls, alert=False))]


def _metric(summary: Summary) -> Block:
    options = [option("All metrics", EVERYTHING)]
    options += [option(str(metric).capitalize(), metric) for metric in Metric]
    present = summary.query.metric
    return menu(FollowUpAction.METRIC, "Metric", options, str(present or EVERYTHING))


def _period(query: Query) -> Block:
    present = query.period
    options = [option("Up to now", REFRESH)]
    value = str(present)
    for words in PERIODS:
        read = parse(words)
        if isinstance(read, QuestionCommand):
            period = read.query.period
            value = words if period == present else value
            options.append(option(capitalize_first(period_words(period)), words))
    if value not in PERIODS:
        options.append(option(capitalize_first(period_words(present)), value))
    return menu(FollowUpAction.PERIOD, "Period", options, value)


def _by(query: Query) -> Block:
    options = [option("Not grouped", UNGROUPED)]
    offered = Dimension if query.live else STORED
    options += [option(f"By {DIMENSION_WORDS[one]}", one) for one in offered]
    return menu(FollowUpAction.BY, "Group by", options, str(query.by or UNGROUPED))


def _versus(query: Query, wanted: TimeRange) -> Block:
    """The menu of comparisons: the previous period, and the same period a day to a year earlier.

    Of two equal comparisons (a day earlier, the day before) only one is offered.
    """
    same_length = not is_cut_longer(replace(query, versus=None), wanted)
    previous = before_words(query.period, unfinished=wanted.unfinished and same_length)
    equal = _just_before(query.period)
    redundant = Versus.BEFORE if equal and query.versus is equal else equal
    options = [option("Compare with …", NO_COMPARISON), option(f"vs {previous}", Versus.BEFORE)]
    for versus, unit in EARLIER.items():
        with suppress(OverlapError):
            shifted_back(wanted, unit)
            options.append(option(f"vs a {unit} earlier", versus))
    options = [one for one in options if one["value"] != redundant]
    return menu(FollowUpAction.VERSUS, "Compare with", options, str(query.versus or NO_COMPARISON))


def _just_before(period: Period) -> Versus | None:
    """The comparison that equals the one with the previous period, if there is one."""
    match period:
        case Counted(count, unit):
            long = _UNIT_OF_LENGTH.get((count, unit))
        case Calendar(unit):
            long = unit
        case Month():
            long = Unit.MONTH
        case DateSpan(first, last):
            long = _UNIT_OF_LENGTH.get(((last - first).days + 1, Unit.DAY))
    return next((versus for versus, unit in EARLIER.items() if unit is long), None)


def _ranked_groups(summary: Summary) -> list[str]:
    """The labels of the groups shown."""
    if not summary.query.by or summary.empty:
        return []
    return [group.label for group in ranked_groups(summary, next(iter(summary.metrics.values())))]


def _inside(query: Query, groups: Sequence[str], controls: Controls) -> list[Block]:
    """The menu to drill down into groups and to remove filters."""
    filters = query.filters
    options = [
        option(_remove_filter_label(one), f"{OUT}{index}")
        for index, one in enumerate(filters)
        if not (controls.own_only and one.dimension is Dimension.CREATOR)
    ]
    removals = len(options)
    options += [
        option(label, controls.inside[label])
        for label in groups[:_MOST_INSIDE]
        if label in controls.inside
    ]
    if not options:
        return []
    inside = query.by and len(options) > removals
    label = f"Look inside a{_article(query)}" if inside else "Filters"
    return [menu(FollowUpAction.INSIDE, label, options)]


def _remove_filter_label(one: Filter) -> str:
    if one.exclude:
        return f"‹ With {clean(str(one).removeprefix('-'))} again"
    return f"‹ Without {clean(str(one))}"


def _article(query: Query) -> str:
    words = DIMENSION_WORDS[query.by] if query.by else ""
    return f"n {words}" if words.startswith("A") else f" {words}"


def _buttons(controls: Controls, *, alert: bool = True) -> list[Block]:
    share = [button("Share", SHARE, controls.value)] if controls.private else []
    why = [button("Why?", f"{RUN}{_WHY}", controls.why)] if controls.why else []
    return [
        *share,
        *why,
        button("Schedule this", SCHEDULE, controls.value),
        *([button("Alert me", ALERT, controls.value)] if alert else []),
        *(button(name, f"{EXPORT}{name.lower()}", controls.value) for name in ("CSV", "PDF")),
    ]
