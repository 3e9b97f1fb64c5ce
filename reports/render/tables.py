"""What people look at, in words and rows: averages, changes, the largest groups, the others."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from reports.questions.summary import MetricSummary, Series, Summary
from reports.questions.wording import (
    DIMENSION_WORDS,
    EARLIER,
    before_words,
    bucket_words,
    capital,
    metric_words,
    since_words,
)
from reports.render.charts.labels import each
from reports.usage.dimensions import Metric
from reports.usage.format import change, difference, figure, percent
from reports.wording.safe_text import clean

LONGEST_NAME = 60
NONE = "–"
EARLIER_ONLY = "Used before only"
"""The row of groups that used something in the period before and nothing since."""


def average(summary: Summary, part: MetricSummary) -> str:
    """The average by bucket: `$20.10 an hour on average (current hour included)`.

    It says since when or over how much of the range, where not all of it is held, and which buckets
    are averaged although they are incomplete or not over yet. Empty where there is only one bucket
    or none is held.
    """
    span = summary.range
    if len(span.buckets) == 1 or not part.known:
        return ""
    words = f"{figure(part.metric, part.avg)} {each(span)} on average"
    if part.unknown:
        words += f" {averaged_over(summary, part)}"
    if notes := short_buckets(summary, part):
        words += f" ({', '.join(notes)})"
    return words


def short_buckets(summary: Summary, part: MetricSummary) -> list[str]:
    """Which of the buckets averaged are shorter than the others: `current day included`."""
    span = summary.range
    notes = [f"{words} incomplete" for words in incomplete_words(summary, part)]
    if span.unfinished and len(span.buckets) - 1 not in part.unknown:
        notes.append(f"current {span.granularity} included")
    return notes


def incomplete_words(summary: Summary, part: MetricSummary) -> list[str]:
    """The buckets that are over and held in part: none, the name of one, or how many."""
    span = summary.range
    last = {len(span.buckets) - 1} if span.unfinished else set[int]()
    short = sorted(part.incomplete - last)
    if len(short) == 1:
        return [bucket_words(span.buckets[short[0]], span)]
    return [f"{len(short):,} {span.granularity}s"] if short else []


def averaged_over(summary: Summary, part: MetricSummary) -> str:
    """Which part of the range is averaged: `since 29 Nov 2025`, `over 20 of 25 hours`, or nothing.

    Since when, where only the beginning is missing; else how many buckets are held.
    """
    if not part.unknown:
        return ""
    leading = part.unknown == frozenset(range(len(part.unknown)))
    if leading and summary.since is not None:
        return f"since {since_words(summary.since, summary.range)}"
    unit = f"{summary.range.granularity}{'s' if len(part.buckets) != 1 else ''}"
    return f"over {part.known:,} of {len(part.buckets):,} {unit}"


def versus(summary: Summary, part: MetricSummary) -> str:
    """The change: `up 248M (+6.0%) vs the month before (4.14B)`, or why there is none."""
    query = summary.query
    before = before_words(query.period, unfinished=summary.range.unfinished, versus=query.versus)
    if part.previous is None:
        return f"no data for {before}"
    if not part.previous:
        inside = before if query.versus in EARLIER else f"in {before}"
        return f"none {inside}" if part.sum else ""
    moved = difference(part.metric, part.sum, part.previous)
    return f"{moved} vs {before} ({figure(part.metric, part.previous)})"


def nothing(summary: Summary, not_yet: str) -> str:
    """Why an answer is empty; `not_yet` is said before the first sync."""
    if summary.as_of is None:
        return not_yet
    if summary.query.filters:
        of = "the stored part of this period" if summary.partial else "this period"
        return f"No usage matches these filters in {of}."
    # there may well have been usage that is not stored
    return "No data for this period." if summary.partial else "No usage in this period."


def head(summary: Summary) -> str:
    """The heading of the column of groups: `API key`."""
    words = DIMENSION_WORDS[summary.query.by] if summary.query.by else "all"
    return words[0].upper() + words[1:]


def detail_heads(summary: Summary) -> list[str]:
    """The headings of `detail_rows`; groups average over their active buckets."""
    if summary.compares:
        return [head(summary), "Sum", "Share", "Before", "Change"]
    return [head(summary), "Sum", "Share", f"Avg/{summary.range.granularity}", "Min", "Max"]


def overview_heads(summary: Summary) -> list[str]:
    """The headings of `overview_rows`; a comparison is of spend."""
    spend = capital(metric_words(summary.query, Metric.SPEND))
    compared = ["Spend before", "Change"] if summary.compares else []
    return [head(summary), spend, "Share", *compared, "Tokens", "Requests"]


def detail_rows(summary: Summary, part: MetricSummary) -> list[list[str]]:
    """The groups, the others and the total: name, sum, share, average, minimum and maximum.

    Where the question compares, the last three give way to the figure before and the change.
    """
    if summary.compares:
        lines = _lines(summary, part)
        return [[name, *_compared(part, now, before)] for name, now, before in lines]
    metric = part.metric
    rows = [_detail_row(metric, group) for group in looked_at(summary, part)]
    if hidden := others(summary, part):
        count, left = hidden
        rows.append([_others(count), figure(metric, left), _share(left, part.sum), *[NONE] * 3])
    rows.append(["Total", figure(metric, part.sum), _share(part.sum, part.sum), *[NONE] * 3])
    return rows


def _lines(summary: Summary, part: MetricSummary) -> list[tuple[str, int, int | None]]:
    """Name, figure and figure before (None: unknown) of the groups, the others and the total."""
    shown = looked_at(summary, part)
    lines = [(clean(group.label, LONGEST_NAME), group.sum, group.previous) for group in shown]
    before = None
    if part.previous is not None:
        before = part.previous - sum(group.previous or 0 for group in shown)
    if hidden := others(summary, part):
        lines.append((_others(hidden[0]), hidden[1], before))
    elif before:  # groups that have used nothing since are not in the answer
        lines.append((EARLIER_ONLY, 0, before))
    return [*lines, ("Total", part.sum, part.previous)]


def _compared(part: MetricSummary, now: int, before: int | None) -> list[str]:
    """A line of a comparison: figure, share, figure before, change."""
    was = NONE if before is None else figure(part.metric, before)
    return [figure(part.metric, now), _share(now, part.sum), was, since_before(now, before)]


def since_before(now: int, before: int | None) -> str:
    """The change of a group: `+8.6%`, `new` where it was nothing, `–` where it is not known."""
    if before is None:
        return NONE
    return change(Fraction(now - before, abs(before))) if before else "new" if now else NONE


def overview_rows(summary: Summary) -> list[list[str]]:
    """The groups, the others and the total: name, spend, share of it, tokens and requests.

    Where the question compares, spend before and its change stand after the share.
    """
    spend, source = summary.metrics[Metric.SPEND], summary.query.source
    shown = spend.groups[: summary.query.top]
    sums = {metric: part.sum for metric, part in summary.metrics.items()}
    used = [{metric: group.usage.value(metric, source) for metric in sums} for group in shown]
    names = [clean(group.label, LONGEST_NAME) for group in shown]
    before = [group.previous for group in shown]
    count = len(spend.groups) + spend.rest - len(shown)
    left = None if spend.previous is None else spend.previous - sum(was or 0 for was in before)
    if count or (summary.compares and left):
        names.append(_others(count) if count else EARLIER_ONLY)
        used.append({m: sums[m] - sum(one[m] for one in used) for m in sums})
        before.append(left)
    rows = [*zip(names, used, before, strict=True), ("Total", sums, spend.previous)]
    return [_overview_row(summary, *row) for row in rows]


def looked_at(summary: Summary, part: MetricSummary) -> tuple[Series, ...]:
    """The groups with a row of their own: the largest, without those that are and were zero."""
    largest = part.groups[: summary.query.top]
    return tuple(group for group in largest if group.sum or group.previous) or largest


def others(summary: Summary, part: MetricSummary) -> tuple[int, int] | None:
    """The number of groups without a row of their own and their sum, None where there are none."""
    shown = looked_at(summary, part)
    count = len(part.groups) + part.rest - len(shown)
    return (count, part.sum - sum(group.sum for group in shown)) if count else None


def _detail_row(metric: Metric, group: Series) -> list[str]:
    figures = (group.avg, group.min, group.max)
    shown = [figure(metric, value) if group.active else NONE for value in figures]
    label = clean(group.label, LONGEST_NAME)
    return [label, figure(metric, group.sum), percent(group.share), *shown]


def _overview_row(
    summary: Summary, name: str, values: Mapping[Metric, int], before: int | None
) -> list[str]:
    spend = summary.metrics[Metric.SPEND]
    line = _compared(spend, values[Metric.SPEND], before)
    counts = [figure(metric, values[metric]) for metric in (Metric.TOKENS, Metric.REQUESTS)]
    return [name, *(line if summary.compares else line[:2]), *counts]


def _others(count: int) -> str:
    return f"Others ({count})"


def _share(value: int, whole: int) -> str:
    return percent(Fraction(value, whole)) if whole else NONE
