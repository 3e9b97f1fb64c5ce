"""Tables of figures as text cells, and phrases about averages and changes."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from reports.questions.summary import MetricSummary, Series, Summary
from reports.questions.wording import (
    DIMENSION_WORDS,
    bucket_words,
    capitalize_first,
    metric_words,
    since_words,
)
from reports.render.changes import (
    NONE,
    ComparedFigure,
    change_cell,
    change_title,
    compared,
    compares_whole,
    unfinished_index,
    without,
)
from reports.render.charts.labels import each
from reports.usage.dimensions import Metric
from reports.usage.format import figure, percent
from reports.wording.safe_text import clean

LONGEST_NAME = 60  # longer names make table columns too narrow
EARLIER_ONLY = "Used before only"
"""The label of the row for groups with usage only in the previous period."""


def average(summary: Summary, part: MetricSummary) -> str:
    """The average by bucket: `$20.10 an hour on average (current hour included)`.

    If part of the range isn't stored, it says since when or over how many buckets. It mentions
    incomplete and unfinished buckets that are part of the average. Empty if there is only one
    bucket, or none with data.
    """
    span = summary.range
    if len(span.buckets) == 1 or not part.known:
        return ""
    text = f"{figure(part.metric, part.avg)} {each(span)} on average"
    if part.unknown:
        text += f" {averaged_over(summary, part)}"
    if notes := short_buckets(summary, part):
        text += f" ({', '.join(notes)})"
    return text


def short_buckets(summary: Summary, part: MetricSummary) -> list[str]:
    """Phrases for the incomplete and unfinished buckets that are part of the average."""
    span = summary.range
    notes = [f"{words} incomplete" for words in incomplete_words(summary, part)]
    if span.unfinished and len(span.buckets) - 1 not in part.unknown:
        notes.append(f"current {span.granularity} included")
    return notes


def incomplete_words(summary: Summary, part: MetricSummary) -> list[str]:
    """The buckets that are over and held in part: none, the name of one, or how many."""
    span = summary.range
    short = sorted(part.incomplete - unfinished_index(span))
    if len(short) == 1:
        return [bucket_words(span.buckets[short[0]], span)]
    return [f"{len(short):,} {span.granularity}s"] if short else []


def averaged_over(summary: Summary, part: MetricSummary) -> str:
    """Which part of the range is averaged: `since 29 Nov 2025`, `over 20 of 25 hours`, or "".

    "since" if only the beginning is missing, else the number of buckets with data.
    """
    if not part.unknown:
        return ""
    leading = part.unknown == frozenset(range(len(part.unknown)))
    if leading and summary.since is not None:
        return f"since {since_words(summary.since, summary.range)}"
    unit = f"{summary.range.granularity}{'s' if len(part.buckets) != 1 else ''}"
    return f"over {part.known:,} of {len(part.buckets):,} {unit}"


def empty_words(summary: Summary, not_yet: str) -> str:
    """Why an answer is empty; `not_yet` is the text for the time before the first sync."""
    if summary.as_of is None:
        return not_yet
    if summary.query.filters:
        span = "the stored part of this period" if summary.partial else "this period"
        return f"No usage matches these filters in {span}."
    # in a partial period there may have been usage that isn't stored
    return "No data for this period." if summary.partial else "No usage in this period."


def group_header(summary: Summary) -> str:
    """The header of the group column: `API key`."""
    label = DIMENSION_WORDS[summary.query.by] if summary.query.by else "all"
    return label[0].upper() + label[1:]


def detail_headers(summary: Summary, part: MetricSummary) -> list[str]:
    """The headers of `detail_rows`; a group's average covers its active buckets."""
    if summary.compares:
        whole = _compares_whole(summary, part)
        return [group_header(summary), "Sum", "Share", "Before", change_title(summary, whole=whole)]
    return [group_header(summary), "Sum", "Share", f"Avg/{summary.range.granularity}", "Min", "Max"]


def overview_headers(summary: Summary) -> list[str]:
    """The headers of `overview_rows`; a comparison is of spend."""
    spend = capitalize_first(metric_words(summary.query, Metric.SPEND))
    compared_: list[str] = []
    if summary.compares:
        whole = _compares_whole(summary, summary.metrics[Metric.SPEND])
        compared_ = ["Spend before", change_title(summary, whole=whole)]
    return [group_header(summary), spend, "Share", *compared_, "Tokens", "Requests"]


def detail_rows(summary: Summary, part: MetricSummary) -> list[list[str]]:
    """Rows for the groups, the others and the total: name, sum, share, average, minimum, maximum.

    In a comparison, the last three are replaced by the previous figure and the change.
    """
    if summary.compares:
        whole = _compares_whole(summary, part)
        return [
            [name, *_compared(summary, part, of, whole=whole)] for name, of in _lines(summary, part)
        ]
    metric = part.metric
    rows = [_detail_row(metric, group) for group in ranked_groups(summary, part)]
    if other := others(summary, part):
        count, other_sum = other
        rows.append(
            [_others(count), figure(metric, other_sum), _share(other_sum, part.sum), *[NONE] * 3]
        )
    rows.append(["Total", figure(metric, part.sum), _share(part.sum, part.sum), *[NONE] * 3])
    return rows


def _lines(summary: Summary, part: MetricSummary) -> list[tuple[str, ComparedFigure]]:
    """The names and figures of the groups, the others and the total."""
    ranked = ranked_groups(summary, part)
    listed = [compared(group) for group in ranked]
    names = [clean(group.label, LONGEST_NAME) for group in ranked]
    lines = list(zip(names, listed, strict=True))
    rest = without(compared(part), listed)
    if other := others(summary, part):
        lines.append((_others(other[0]), rest))
    elif rest.previous:  # groups with usage only in the previous period are not in the answer
        lines.append((EARLIER_ONLY, rest))
    return [*lines, ("Total", compared(part))]


def _compares_whole(summary: Summary, part: MetricSummary) -> bool:
    return compares_whole(summary, [of for _, of in _lines(summary, part)])


def _compared(
    summary: Summary, part: MetricSummary, of: ComparedFigure, *, whole: bool
) -> list[str]:
    """The cells of a comparison: figure, share, previous figure, change."""
    return [
        figure(part.metric, of.value),
        _share(of.value, part.sum),
        NONE if of.previous is None else figure(part.metric, of.previous),
        change_cell(summary, of, whole=whole),
    ]


def overview_rows(summary: Summary) -> list[list[str]]:
    """Rows for the groups, the others and the total: name, spend, share of it, tokens, requests.

    In a comparison, the previous spend and its change follow the share.
    """
    spend, source = summary.metrics[Metric.SPEND], summary.query.source
    listed = spend.groups[: summary.query.top]
    sums = {metric: part.sum for metric, part in summary.metrics.items()}
    used = [{metric: group.usage.value(metric, source) for metric in sums} for group in listed]
    names = [clean(group.label, LONGEST_NAME) for group in listed]
    figures = [compared(group) for group in listed]
    count = len(spend.groups) + spend.other_count - len(listed)
    rest = without(compared(spend), figures)
    if count or (summary.compares and rest.previous):
        names.append(_others(count) if count else EARLIER_ONLY)
        used.append({m: sums[m] - sum(one[m] for one in used) for m in sums})
        figures.append(rest)
    whole = _compares_whole(summary, spend)
    rows = [*zip(names, used, figures, strict=True), ("Total", sums, compared(spend))]
    return [_overview_row(summary, *row, whole=whole) for row in rows]


def ranked_groups(summary: Summary, part: MetricSummary) -> tuple[Series, ...]:
    """The groups with their own row: the largest, except those without usage in both periods."""
    largest = part.groups[: summary.query.top]
    return tuple(group for group in largest if group.sum or group.previous) or largest


def others(summary: Summary, part: MetricSummary) -> tuple[int, int] | None:
    """The number of groups without their own row, and their sum; None if there are none."""
    ranked = ranked_groups(summary, part)
    count = len(part.groups) + part.other_count - len(ranked)
    return (count, part.sum - sum(group.sum for group in ranked)) if count else None


def _detail_row(metric: Metric, group: Series) -> list[str]:
    figures = (group.avg, group.min, group.max)
    cells = [figure(metric, value) if group.active else NONE for value in figures]
    label = clean(group.label, LONGEST_NAME)
    return [label, figure(metric, group.sum), percent(group.share), *cells]


def _overview_row(
    summary: Summary, name: str, values: Mapping[Metric, int], of: ComparedFigure, *, whole: bool
) -> list[str]:
    line = _compared(summary, summary.metrics[Metric.SPEND], of, whole=whole)
    counts = [figure(metric, values[metric]) for metric in (Metric.TOKENS, Metric.REQUESTS)]
    return [name, *(line if summary.compares else line[:2]), *counts]


def _others(count: int) -> str:
    return f"Others ({count})"


def _share(value: int, whole: int) -> str:
    return percent(Fraction(value, whole)) if whole else NONE


def parts_words(part: MetricSummary) -> tuple[str, ...]:
    """What a total is made of, a phrase for each part: `Credits $92.16`, `BYOK $23.37 (estimated)`.

    Empty where there is nothing to tell apart.
    """
    shown = {name: figure(part.metric, value) for name, value in part.parts.items()}
    match part.metric:
        case Metric.TOKENS:
            reasoning = f"of which reasoning {shown['reasoning']}"
            return f"Prompt {shown['prompt']}", f"Completion {shown['completion']}", reasoning
        case Metric.SPEND if len(shown) == 2:
            estimated = " (estimated)" if part.parts["byok"] else ""
            return f"Credits {shown['credits']}", f"BYOK {shown['byok']}{estimated}"
        case Metric.REQUESTS if part.parts["byok"]:
            return (f"Including {shown['byok']} through own provider keys (BYOK)",)
        case _:
            return ()
