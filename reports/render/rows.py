"""What people look at, in words and rows: averages, changes, the largest groups, the others."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from reports.query import Metric
from reports.summary import MetricSummary, Series, Summary
from reports.text import change, clean, figure, percent
from reports.timerange import Granularity
from reports.words import DIMENSION_WORDS, EARLIER, before_words

LONGEST_NAME = 60
NONE = "–"


def average(summary: Summary, part: MetricSummary) -> str:
    """What a bucket comes to: `$20.1 an hour on average`; nothing where there is only one."""
    if len(summary.range.buckets) == 1:
        return ""
    granularity = summary.range.granularity
    each = f"{'an' if granularity is Granularity.HOUR else 'a'} {granularity}"
    return f"{figure(part.metric, part.avg)} {each} on average"


def versus(summary: Summary, part: MetricSummary) -> str:
    """The change: `+6.28% vs the month before (4.39B)`, or why there is none."""
    query = summary.query
    before = before_words(query.period, unfinished=summary.range.unfinished, versus=query.versus)
    if part.previous is None:
        return f"{before} is not held"
    if part.change is None:
        inside = before if summary.query.versus in EARLIER else f"in {before}"
        return f"none {inside}" if part.sum else ""
    return f"{change(part.change)} vs {before} ({figure(part.metric, part.previous)})"


def nothing(summary: Summary, not_yet: str) -> str:
    """Why an answer is empty; `not_yet` is said before the first sync."""
    if summary.as_of is None:
        return not_yet
    if summary.query.filters:
        of = "what is held of this period" if summary.partial else "this period"
        return f"No usage: the filters leave nothing of {of}."
    # what is not held may well have been used
    return "No usage is held for this period." if summary.partial else "No usage in this period."


def head(summary: Summary) -> str:
    """What the groups are, to stand above them."""
    words = DIMENSION_WORDS[summary.query.by] if summary.query.by else "all"
    return words[0].upper() + words[1:]


def detail_heads(summary: Summary) -> list[str]:
    """What stands above `detail_rows`; groups average over the buckets in which they were used."""
    if compares(summary):
        return [head(summary), "Sum", "Share", "Before", "Change"]
    return [head(summary), "Sum", "Share", f"Avg/{summary.range.granularity}", "Min", "Max"]


def overview_heads(summary: Summary) -> list[str]:
    """What stands above `overview_rows`."""
    return [head(summary), "Spend", "Share", "Tokens", "Requests"]


def detail_rows(summary: Summary, part: MetricSummary) -> list[list[str]]:
    """The groups, the others and the total: name, sum, share, average, least and most.

    Where it is compared, the last three give way to what was before and the change since.
    """
    if compares(summary):
        return _compared_rows(summary, part)
    metric = part.metric
    rows = [_detail_row(metric, group) for group in looked_at(summary, part)]
    if hidden := others(summary, part):
        count, left = hidden
        rows.append([_others(count), figure(metric, left), _share(left, part.sum), *[NONE] * 3])
    rows.append(["Total", figure(metric, part.sum), _share(part.sum, part.sum), *[NONE] * 3])
    return rows


def compares(summary: Summary) -> bool:
    """Whether each group stands beside what it was before."""
    return summary.query.versus is not None and any(
        group.before is not None for part in summary.metrics.values() for group in part.groups
    )


def _compared_rows(summary: Summary, part: MetricSummary) -> list[list[str]]:
    shown = looked_at(summary, part)
    rows = [
        _compared_row(part, clean(group.label, LONGEST_NAME), group.sum, group.before)
        for group in shown
    ]
    if hidden := others(summary, part):
        count, left = hidden
        known = None if part.previous is None else part.previous - sum(g.before or 0 for g in shown)
        rows.append(_compared_row(part, _others(count), left, known))
    return [*rows, _compared_row(part, "Total", part.sum, part.previous)]


def _compared_row(part: MetricSummary, name: str, value: int, before: int | None) -> list[str]:
    was = NONE if before is None else figure(part.metric, before)
    since = change(Fraction(value - before, before)) if before else "new" if value else NONE
    return [
        name,
        figure(part.metric, value),
        _share(value, part.sum),
        was,
        NONE if before is None else since,
    ]


def overview_rows(summary: Summary) -> list[list[str]]:
    """The groups, the others and the total: name, spend, share of it, tokens and requests."""
    spend = summary.metrics[Metric.SPEND]
    shown = spend.groups[: summary.query.top]
    sums = {metric: part.sum for metric, part in summary.metrics.items()}
    used = [
        {metric: group.usage.value(metric, summary.query.source) for metric in sums}
        for group in shown
    ]
    rows = [
        _overview_row(clean(group.label, LONGEST_NAME), values, spend.sum)
        for group, values in zip(shown, used, strict=True)
    ]
    if count := len(spend.groups) + spend.rest - len(shown):
        left = {metric: sums[metric] - sum(one[metric] for one in used) for metric in sums}
        rows.append(_overview_row(_others(count), left, spend.sum))
    return [*rows, _overview_row("Total", sums, spend.sum)]


def looked_at(summary: Summary, part: MetricSummary) -> tuple[Series, ...]:
    """The groups that have a row of their own: the largest, but not those that come to nothing."""
    largest = part.groups[: summary.query.top]
    return tuple(group for group in largest if group.sum) or largest


def others(summary: Summary, part: MetricSummary) -> tuple[int, int] | None:
    """How many groups have no row of their own, and what they come to."""
    shown = looked_at(summary, part)
    count = len(part.groups) + part.rest - len(shown)
    return (count, part.sum - sum(group.sum for group in shown)) if count else None


def _detail_row(metric: Metric, group: Series) -> list[str]:
    figures = (group.avg, group.min, group.max)
    shown = [figure(metric, value) if group.active else NONE for value in figures]
    label = clean(group.label, LONGEST_NAME)
    return [label, figure(metric, group.sum), percent(group.share), *shown]


def _overview_row(name: str, values: Mapping[Metric, int], spent: int) -> list[str]:
    spend = values[Metric.SPEND]
    counts = [figure(metric, values[metric]) for metric in (Metric.TOKENS, Metric.REQUESTS)]
    return [name, figure(Metric.SPEND, spend), _share(spend, spent), *counts]


def _others(count: int) -> str:
    return f"Others ({count})"


def _share(value: int, whole: int) -> str:
    return percent(Fraction(value, whole)) if whole else NONE
