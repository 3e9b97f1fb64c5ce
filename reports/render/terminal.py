"""A Summary as a table of characters for the terminal."""

from __future__ import annotations

from fractions import Fraction

from tabulate import tabulate

from reports.questions.summary import MetricSummary, Summary
from reports.questions.wording import (
    bucket_words,
    capital,
    filter_words,
    metric_words,
    range_words,
    stamp,
    title,
)
from reports.render.charts.sparkline import UNKNOWN, averaged
from reports.render.tables import (
    average,
    detail_heads,
    detail_rows,
    looked_at,
    nothing,
    overview_heads,
    overview_rows,
    versus,
)
from reports.usage.dimensions import Metric
from reports.usage.format import figure

_LEVELS = "▁▂▃▄▅▆▇█"
_COURSE = 32


def terminal(summary: Summary) -> str:
    """The answer as lines of text; names are cleaned, so no control character gets through."""
    filters = filter_words(summary.query)
    lines = [title(summary.query), range_words(summary.range), ""]
    if filters:
        lines[1] += f", {filters}"
    if summary.empty:
        lines.append(nothing(summary, "No data yet. Run `activity sync` to fetch it."))
    else:
        lines += [_figures(summary), ""]
        lines.append(_groups(summary) if summary.query.by else _buckets(summary))
    return "\n".join([*lines, "", *_footer(summary)])


def course(
    values: tuple[int, ...], longest: int = _COURSE, unknown: frozenset[int] = frozenset()
) -> str:
    """A series as one line of characters, `·` where it is unknown.

    Neighbors are averaged where the series is longer than the line.
    """
    points = averaged(values, longest, unknown)
    most = max((point for point in points if point is not None), default=Fraction(0))
    if most <= 0:
        return ""
    return "".join(
        UNKNOWN if point is None else _LEVELS[min(7, point * 8 // most)] if point > 0 else " "
        for point in points
    )


def _figures(summary: Summary) -> str:
    rows = [
        [
            capital(metric_words(summary.query, metric)),
            figure(metric, part.sum),
            average(summary, part),
            versus(summary, part),
            course(part.buckets, unknown=part.unknown),
        ]
        for metric, part in summary.metrics.items()
    ]
    return character_table(rows, (), "lrrll")


def _groups(summary: Summary) -> str:
    metric = summary.query.metric
    part = summary.metrics[metric or Metric.SPEND]
    if metric:
        heads, rows = detail_heads(summary), detail_rows(summary, part)
        shown = looked_at(summary, part)
    else:
        heads, rows = overview_heads(summary), overview_rows(summary)
        shown = part.groups[: summary.query.top]
    courses = [course(group.buckets, unknown=part.unknown) for group in shown]
    courses += [""] * (len(rows) - len(courses))
    lines = [[*row, line] for row, line in zip(rows, courses, strict=True)]
    return character_table(lines, (*heads, ""), "l" + "r" * (len(heads) - 1) + "l")


def _buckets(summary: Summary) -> str:
    rows = [
        [
            bucket_words(bucket, summary.range),
            *(_cell(part, index) for part in summary.metrics.values()),
        ]
        for index, bucket in enumerate(summary.range.buckets)
        if any(part.buckets[index] for part in summary.metrics.values())
    ]
    heads = [str(summary.range.granularity).capitalize()]
    heads += [capital(metric_words(summary.query, metric)) for metric in summary.metrics]
    return character_table(rows, tuple(heads), "l" + "r" * len(summary.metrics))


def _cell(part: MetricSummary, index: int) -> str:
    return figure(part.metric, part.buckets[index])


def _footer(summary: Summary) -> list[str]:
    dated = f"Data as of {stamp(summary.as_of)}" if summary.as_of else "Never synced"
    return [dated, *(f"Incomplete: {words}" for words in summary.partial)]


def character_table(rows: list[list[str]], heads: tuple[str, ...], align: str) -> str:
    """Cells as lines of characters; `align` has a letter for each column, `l` or `r`."""
    names = {"l": "left", "r": "right"}
    return tabulate(
        rows,
        headers=heads,
        tablefmt="simple" if heads else "plain",
        colalign=[names[letter] for letter in align] if rows else None,
        disable_numparse=True,
    )
