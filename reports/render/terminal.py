"""A Summary as plain text tables for the terminal."""

from __future__ import annotations

from fractions import Fraction

from reports.questions.summary import MetricSummary, Summary
from reports.questions.wording import (
    bucket_words,
    capitalize_first,
    filter_words,
    metric_words,
    range_words,
    stamp,
    title,
)
from reports.render.changes import change_words, whole_words
from reports.render.charts.sparkline import UNKNOWN, averaged
from reports.render.tables import (
    average,
    detail_headers,
    detail_rows,
    empty_words,
    overview_headers,
    overview_rows,
    parts_words,
    ranked_groups,
)
from reports.usage.dimensions import Metric
from reports.usage.format import figure

_LEVELS = "▁▂▃▄▅▆▇█"
_TREND_LENGTH = 32  # keeps rows within about 110 columns


def as_text(summary: Summary) -> str:
    """The answer as lines of plain text; names contain no control characters."""
    filters = filter_words(summary.query)
    lines = [title(summary.query), range_words(summary.range), ""]
    if filters:
        lines[1] += f", {filters}"
    if summary.empty:
        lines.append(empty_words(summary, "No data yet. Run `activity sync` to fetch it."))
    else:
        lines += [_figures(summary), ""]
        lines.append(_groups(summary) if summary.query.by else _buckets(summary))
    return "\n".join([*lines, "", *_footer(summary)])


def trend(
    values: tuple[int, ...], longest: int = _TREND_LENGTH, unknown: frozenset[int] = frozenset()
) -> str:
    """A series as a line of block characters, `·` for unknown values; "" if nothing was used.

    Neighbors are averaged if there are more values than `longest`.
    """
    points = averaged(values, longest, unknown)
    largest = max((point for point in points if point is not None), default=Fraction(0))
    if largest <= 0:
        return ""
    return "".join(
        UNKNOWN if point is None else _LEVELS[min(7, point * 8 // largest)] if point > 0 else " "
        for point in points
    )


def _figures(summary: Summary) -> str:
    rows = [
        [
            capitalize_first(metric_words(summary.query, metric)),
            figure(metric, part.sum),
            average(summary, part),
            change_words(summary, part),
            trend(part.buckets, unknown=part.unknown),
        ]
        for metric, part in summary.metrics.items()
    ]
    lines = [character_table(rows, (), "lrrll")]
    lines += filter(None, [whole_words(summary, *summary.metrics.values())])
    if summary.query.metric:
        lines += filter(None, [", ".join(parts_words(summary.metrics[summary.query.metric]))])
    return "\n".join(lines)


def _groups(summary: Summary) -> str:
    metric = summary.query.metric
    part = summary.metrics[metric or Metric.SPEND]
    if metric:
        headers, rows = detail_headers(summary, part), detail_rows(summary, part)
        listed = ranked_groups(summary, part)
    else:
        headers, rows = overview_headers(summary), overview_rows(summary)
        listed = part.groups[: summary.query.top]
    trends = [trend(group.buckets, unknown=part.unknown) for group in listed]
    trends += [""] * (len(rows) - len(trends))
    lines = [[*row, line] for row, line in zip(rows, trends, strict=True)]
    return character_table(lines, (*headers, ""), "l" + "r" * (len(headers) - 1) + "l")


def _buckets(summary: Summary) -> str:
    rows = [
        [
            bucket_words(bucket, summary.range),
            *(_cell(part, index) for part in summary.metrics.values()),
        ]
        for index, bucket in enumerate(summary.range.buckets)
        if any(part.buckets[index] for part in summary.metrics.values())
    ]
    headers = [str(summary.range.granularity).capitalize()]
    headers += [capitalize_first(metric_words(summary.query, metric)) for metric in summary.metrics]
    return character_table(rows, tuple(headers), "l" + "r" * len(summary.metrics))


def _cell(part: MetricSummary, index: int) -> str:
    return figure(part.metric, part.buckets[index])


def _footer(summary: Summary) -> list[str]:
    dated = f"Data as of {stamp(summary.as_of)}" if summary.as_of else "Never synced"
    return [dated, *(f"Incomplete: {words}" for words in summary.partial)]


def character_table(rows: list[list[str]], headers: tuple[str, ...], align: str) -> str:
    """Cells as a plain text table; `align` has a letter for each column, `l` or `r`."""
    from tabulate import tabulate  # noqa: PLC0415 - slow to load; pictures and files need none

    names = {"l": "left", "r": "right"}
    return tabulate(
        rows,
        headers=headers,
        tablefmt="simple" if headers else "plain",
        colalign=[names[letter] for letter in align] if rows else None,
        disable_numparse=True,
    )
