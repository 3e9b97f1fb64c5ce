"""Changes from the previous period, in words and as cells of tables.

Of an unfinished range by day or month, the change through the last whole day or month is shown as
well, because the last day may have lasted only minutes.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from reports.questions.summary import MetricSummary, Series, Summary
from reports.questions.unfinished import WholeChange, through_words, unfinished_words
from reports.questions.wording import EARLIER, bucket_words, capitalize_first, previous_words
from reports.time.time_range import Granularity, TimeRange
from reports.usage.format import change, difference, figure

NONE = "–"
NEW = "new"
CHANGE = "Change"
"""The title of a column of changes."""


class ComparedFigure(NamedTuple):
    """A figure, the one of the previous period (None: unknown), and both through the last whole
    day (None: not compared)."""

    value: int
    previous: int | None
    whole: WholeChange | None


def compared(found: MetricSummary | Series) -> ComparedFigure:
    """The figure of a metric or group with what it is compared with."""
    return ComparedFigure(found.sum, found.previous, found.whole)


def change_words(summary: Summary, part: MetricSummary) -> str:
    """The change: `up 248M (+6.0%) vs the month before (4.14B)`, or why there is none."""
    query = summary.query
    before = previous_words(query, summary.range, summary.before)
    if part.previous is None:
        return f"no data for {before}"
    if begun := just_begun_words(summary, part):
        return begun
    if not part.previous:
        in_period = (
            before
            if query.versus in EARLIER
            else f"{'on' if before[:1].isdigit() else 'in'} {before}"
        )
        return f"none {in_period}" if part.sum else ""
    changed = difference(part.metric, part.sum, part.previous)
    missing = missing_words(summary, part)
    return f"{changed} vs {before} ({figure(part.metric, part.previous)}){missing}"


def just_begun_words(summary: Summary, part: MetricSummary) -> str:
    """What is said in place of a change on the first day: `1 Nov isn't over; 1 Oct came to $193`.

    Empty on other days, and if the previous period isn't stored.
    """
    if not summary.just_begun or summary.before is None or part.previous is None:
        return ""
    before = bucket_words(summary.before.start, summary.before)
    now = unfinished_words(summary.range, summary.whole)
    if summary.before.granularity is Granularity.HOUR:
        before = f"the hour from {before}"
    return (
        f"{capitalize_first(now)} isn't over; {before} came to {figure(part.metric, part.previous)}"
    )


def whole_words(summary: Summary, *parts: MetricSummary) -> str:
    """The changes through the last whole day or month: `30 Nov isn't over; through 29 Nov: +0.4%`.

    Of several metrics each is named. Empty if each is the same as the change shown, or unknown.
    """
    whole = summary.whole
    known = [(part, part.whole) for part in parts if part.whole and part.previous]
    if not whole or all(_shown(part, change_) for part, change_ in known):
        return ""
    names = len(parts) > 1
    changes = ", ".join(
        f"{part.metric} {_whole_change(part, change_)}" if names else _whole_change(part, change_)
        for part, change_ in known
    )
    unfinished = capitalize_first(unfinished_words(summary.range, whole))
    return f"{unfinished} isn't over; through {through_words(summary.range, whole)}: {changes}"


def _shown(part: MetricSummary, whole: WholeChange) -> bool:
    """Whether the change through the last whole day is displayed as the other one is."""
    return whole.change is not None and change(whole.change) == change(part.change)


def _whole_change(part: MetricSummary, whole: WholeChange) -> str:
    if whole.change is None:
        return f"{figure(part.metric, whole.now)}, none before"
    return change(whole.change)


def missing_words(summary: Summary, part: MetricSummary) -> str:
    """What a comparison leaves out: `, with 4 of 7 days missing`, or "" if all data is there."""
    span = summary.range
    missing = part.unknown - unfinished_index(span)
    if not missing:
        return ""
    unit = f"{span.granularity}{'s' if len(span.buckets) != 1 else ''}"
    return f", with {len(missing):,} of {len(span.buckets):,} {unit} missing"


def unfinished_index(span: TimeRange) -> frozenset[int]:
    """The index of the bucket that is not over yet, if there is one."""
    return frozenset({len(span.buckets) - 1} if span.unfinished else ())


def compares_whole(summary: Summary, figures: list[ComparedFigure]) -> bool:
    """Whether the changes in a table are those through the last whole day or month.

    They are where one of them is displayed differently than the change of the whole range.
    """
    return summary.whole is not None and any(
        one.whole and change_from(one.whole.now, one.whole.before)
        != change_from(one.value, one.previous)
        for one in figures
    )  # fmt: skip


def change_title(summary: Summary, *, whole: bool) -> str:
    """The title of a column of changes: `Change`, `Change through 29 Nov`."""
    if not whole or summary.whole is None:
        return CHANGE
    return f"{CHANGE} through {through_words(summary.range, summary.whole)}"


def change_cell(summary: Summary, of: ComparedFigure, *, whole: bool) -> str:
    """A change in a table: `+8.6%`; `–` if it is unknown, and on the first day, which isn't
    over."""
    if summary.just_begun:
        return NONE
    if whole:
        return change_from(of.whole.now, of.whole.before) if of.whole else NONE
    return change_from(of.value, of.previous)


def change_from(value: int, previous: int | None) -> str:
    """The change of a group: `+8.6%`, `new` if it was zero, `–` if it is unknown."""
    if previous is None:
        return NONE
    if not previous:
        return NEW if value else NONE
    return change(Fraction(value - previous, abs(previous)))


def without(whole: ComparedFigure, listed: list[ComparedFigure]) -> ComparedFigure:
    """The figures of all that isn't listed."""
    previous = whole_change = None
    if whole.previous is not None:
        previous = whole.previous - sum(one.previous or 0 for one in listed)
    if whole.whole and all(one.whole for one in listed):
        parts = [one.whole for one in listed if one.whole]
        whole_change = WholeChange(
            whole.whole.now - sum(one.now for one in parts),
            whole.whole.before - sum(one.before for one in parts),
        )
    return ComparedFigure(whole.value - sum(one.value for one in listed), previous, whole_change)
