"""The table of groups on summary pages: figures, share, change from the previous period."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

from reports.questions.summary import Series, Summary, in_order
from reports.questions.unfinished import WholeChange
from reports.questions.wording import DIMENSION_WORDS, capitalize_first
from reports.render.changes import (
    ComparedFigure,
    change_cell,
    compared,
    without,
)
from reports.render.charts.bar_data import OTHER_LABEL
from reports.render.charts.palette import OTHERS, color
from reports.render.pdf.figure_columns import column_width, columns, count, dollars, figure_text
from reports.render.pdf.pages import Pages
from reports.render.pdf.table import Layout, Table
from reports.usage.dimensions import Metric, MoneySource
from reports.usage.format import percent
from reports.usage.members import NO_CREATOR
from reports.usage.usage import Usage, total

MOST_ON_A_SUMMARY = 40
"""The number of groups that fit on two pages together with the chart and the notes."""
_MONEY = {MoneySource.ALL: "Spend", MoneySource.CREDITS: "Credits", MoneySource.BYOK: "BYOK"}


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of the table; `value` and `previous` are in the metric that shares are based on."""

    name: str
    color: str | None
    usage: Usage
    value: int
    previous: int | None
    whole: WholeChange | None = None

    @property
    def figures(self) -> ComparedFigure:
        """The figures that its change is of."""
        return ComparedFigure(self.value, self.previous, self.whole)


_Column = tuple[str, int, Callable[[_Line], str]]
"""Title, width in characters, and a function that formats a row's cell."""


def draw_groups(
    pages: Pages,
    summary: Summary,
    colors_by_label: dict[str, str],
    running: str,
    *,
    most: int | None = None,
) -> None:
    """Draw every group, or the `most` largest and the sum of the others, and the total.

    Usage without a creator comes last. Shares and changes are of the question's metric, or of
    spend; changes are through the last whole day, as the notes on the first page say. `running` is
    the running header of the following pages.
    """
    metric, by = summary.query.metric or Metric.SPEND, summary.query.by
    part = summary.metrics[metric]
    total_line = _Line("TOTAL", None, summary.totals, part.sum, part.previous, part.whole)
    table_columns = _columns(summary, metric)
    layout = Layout(
        capitalize_first(DIMENSION_WORDS[by]) if by else "",
        tuple(title for title, _, _ in table_columns),
        tuple(width for _, width, _ in table_columns),
    )
    table = Table(pages, running, layout)
    for line in _lines(summary, metric, colors_by_label, most) if by else ():
        table.row(line.name, _cells(table_columns, line), line.color)
    table.last(total_line.name, _cells(table_columns, total_line))


def _lines(
    summary: Summary, metric: Metric, colors_by_label: dict[str, str], most: int | None
) -> Iterable[_Line]:
    part = summary.metrics[metric]
    groups = in_order(part.groups)
    without_creator = [group for group in groups if group.label == NO_CREATOR]
    named = groups[: len(groups) - len(without_creator)]
    listed_count = (
        len(named) if most is None or len(groups) <= most else most - len(without_creator) - 1
    )
    for group in named[:listed_count]:
        yield _line(group, colors_by_label)
    others_count = part.other_count + len(named[listed_count:])
    if others_count:
        listed_groups = [*named[:listed_count], *without_creator]
        listed_usage = total(group.usage for group in listed_groups)
        usage = Usage(*(a - b for a, b in zip(summary.totals, listed_usage, strict=True)))
        previous = None if part.other_count else _sum_previous(named[listed_count:])
        rest = without(compared(part), [compared(group) for group in listed_groups])
        name = f"{OTHER_LABEL} ({others_count:,})"
        yield _Line(name, OTHERS, usage, rest.value, previous, rest.whole)
    for group in without_creator:
        yield _line(group, colors_by_label)


def _line(group: Series, colors_by_label: dict[str, str]) -> _Line:
    return _Line(
        group.label,
        color(group.label, colors_by_label),
        group.usage,
        group.sum,
        group.previous,
        group.whole,
    )


def _sum_previous(groups: Iterable[Series]) -> int | None:
    values = [group.previous for group in groups]
    return None if None in values else sum(value for value in values if value is not None)


def _columns(summary: Summary, metric: Metric) -> list[_Column]:
    part = summary.metrics[metric]
    table_columns, whole = _of_metric(summary, metric), summary.whole is not None
    if summary.query.by:
        table_columns.append(("Share", 8, lambda line: _share(line.value, part.sum)))
    if _compared(summary, metric):
        largest = max(part.previous or 0, *(group.previous or 0 for group in part.groups))
        width = column_width("Before", figure_text(metric, largest))
        table_columns.append(("Before", width, lambda line: _previous_text(metric, line)))
        table_columns.append(
            ("Change", 11, lambda line: change_cell(summary, line.figures, whole=whole))
        )
    if summary.query.metric is None:
        tokens, requests = count(summary.totals.tokens), count(summary.totals.requests)
        width = column_width("Tokens", tokens)
        table_columns.append(("Tokens", width, lambda line: count(line.usage.tokens)))
        width = column_width("Requests", requests)
        table_columns.append(("Requests", width, lambda line: count(line.usage.requests)))
    return table_columns


def _of_metric(summary: Summary, metric: Metric) -> list[_Column]:
    """The columns of the metric, or of spend in an overview."""
    source = summary.query.source
    if summary.query.metric is None:
        width = column_width("Spend", dollars(summary.metrics[metric].sum))
        return [(_MONEY[source], width, lambda line: dollars(line.value))]
    figure_columns = columns(metric, source, summary.totals)
    is_compared = _compared(
        summary, metric
    )  # comparison columns leave no room for a column that is part of another
    return [
        (title, width, _figure(metric, figure_columns.values, index))
        for index, (title, width) in enumerate(
            zip(figure_columns.titles, figure_columns.widths, strict=True)
        )
        if not (is_compared and title == "Reasoning")
    ]


def _compared(summary: Summary, metric: Metric) -> bool:
    return any(group.previous is not None for group in summary.metrics[metric].groups)


def _figure(
    metric: Metric, values: Callable[[Usage], tuple[int, ...]], index: int
) -> Callable[[_Line], str]:
    return lambda line: figure_text(metric, values(line.usage)[index])


def _share(value: int, whole: int) -> str:
    return percent(Fraction(value, whole)) if whole else "–"


def _previous_text(metric: Metric, line: _Line) -> str:
    return "–" if line.previous is None else figure_text(metric, line.previous)


def _cells(table_columns: list[_Column], line: _Line) -> str:
    return "".join(write(line).rjust(width) for _, width, write in table_columns)
