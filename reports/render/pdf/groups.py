"""The table of groups on the summary pages: figures, share, and change since the period before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

from reports.questions.summary import Series, Summary, in_order
from reports.questions.wording import DIMENSION_WORDS, capital
from reports.render.charts.palette import OTHERS, colour
from reports.render.charts.stacked_bars import OTHER_LABEL
from reports.render.pdf.figures import column_width, columns, count, dollars, shown
from reports.render.pdf.pages import Pages
from reports.render.pdf.table import Layout, Table
from reports.usage.dimensions import Metric, MoneySource
from reports.usage.format import change, percent
from reports.usage.members import NO_CREATOR
from reports.usage.usage import Usage, total

MOST_ON_A_SUMMARY = 40
"""Groups in a summary without sections: with the chart and the notes they take two pages."""
_NEW = "new"
_MONEY = {MoneySource.ALL: "Spend", MoneySource.CREDITS: "Credits", MoneySource.BYOK: "BYOK"}


@dataclass(frozen=True, slots=True)
class _Line:
    """What a row of the table is about; `value` is in the metric that shares are of."""

    name: str
    colour: str | None
    usage: Usage
    value: int
    before: int | None


_Column = tuple[str, int, Callable[[_Line], str]]
"""Title, width in letters, and what writes a row's cell."""


def draw_groups(
    pages: Pages,
    summary: Summary,
    known: dict[str, str],
    running: str,
    *,
    most: int | None = None,
) -> None:
    """Draw every group, or the largest and the sum of the others, and the sum of all.

    Usage that nobody is known for comes last. Shares and changes are of the metric asked for, or
    of spend.
    """
    metric, by = summary.query.metric or Metric.SPEND, summary.query.by
    found = summary.metrics[metric]
    whole = _Line("TOTAL", None, summary.totals, found.sum, found.previous)
    chosen = _columns(summary, metric)
    layout = Layout(
        capital(DIMENSION_WORDS[by]) if by else "",
        tuple(title for title, _, _ in chosen),
        tuple(wide for _, wide, _ in chosen),
    )
    table = Table(pages, running, layout)
    for line in _lines(summary, metric, known, most) if by else ():
        table.row(line.name, _cells(chosen, line), line.colour)
    table.last(whole.name, _cells(chosen, whole))


def _lines(
    summary: Summary, metric: Metric, known: dict[str, str], most: int | None
) -> Iterable[_Line]:
    found = summary.metrics[metric]
    groups = in_order(found.groups)
    nobody = [group for group in groups if group.label == NO_CREATOR]
    named = groups[: len(groups) - len(nobody)]
    cut = len(named) if most is None or len(groups) <= most else most - len(nobody) - 1
    for group in named[:cut]:
        yield _line(group, known)
    rest = found.rest + len(named[cut:])
    if rest:
        listed = [*named[:cut], *nobody]
        used = total(group.usage for group in listed)
        usage = Usage(*(a - b for a, b in zip(summary.totals, used, strict=True)))
        before = None if found.rest else _sum_before(named[cut:])
        value = found.sum - sum(group.sum for group in listed)
        yield _Line(f"{OTHER_LABEL} ({rest:,})", OTHERS, usage, value, before)
    for group in nobody:
        yield _line(group, known)


def _line(group: Series, known: dict[str, str]) -> _Line:
    return _Line(group.label, colour(group.label, known), group.usage, group.sum, group.previous)


def _sum_before(groups: Iterable[Series]) -> int | None:
    values = [group.previous for group in groups]
    return None if None in values else sum(value for value in values if value is not None)


def _columns(summary: Summary, metric: Metric) -> list[_Column]:
    found = summary.metrics[metric]
    chosen = _of_metric(summary, metric)
    if summary.query.by:
        chosen.append(("Share", 8, lambda line: _share(line.value, found.sum)))
    if _compared(summary, metric):
        largest = max(found.previous or 0, *(group.previous or 0 for group in found.groups))
        wide = column_width("Before", shown(metric, largest))
        chosen.append(("Before", wide, lambda line: _before(metric, line)))
        chosen.append(("Change", 11, _change))
    if summary.query.metric is None:
        tokens, requests = count(summary.totals.tokens), count(summary.totals.requests)
        wide = column_width("Tokens", tokens)
        chosen.append(("Tokens", wide, lambda line: count(line.usage.tokens)))
        wide = column_width("Requests", requests)
        chosen.append(("Requests", wide, lambda line: count(line.usage.requests)))
    return chosen


def _of_metric(summary: Summary, metric: Metric) -> list[_Column]:
    """The columns of the metric itself, or of spend in an overview."""
    source = summary.query.source
    if summary.query.metric is None:
        wide = column_width("Spend", dollars(summary.metrics[metric].sum))
        return [(_MONEY[source], wide, lambda line: dollars(line.value))]
    shape = columns(metric, source, summary.totals)
    narrow = _compared(summary, metric)  # then there is no room for a part of another column
    return [
        (title, wide, _figure(metric, shape.values, place))
        for place, (title, wide) in enumerate(zip(shape.titles, shape.widths, strict=True))
        if not (narrow and title == "Reasoning")
    ]


def _compared(summary: Summary, metric: Metric) -> bool:
    return any(group.previous is not None for group in summary.metrics[metric].groups)


def _figure(
    metric: Metric, values: Callable[[Usage], tuple[int, ...]], place: int
) -> Callable[[_Line], str]:
    return lambda line: shown(metric, values(line.usage)[place])


def _share(value: int, whole: int) -> str:
    return percent(Fraction(value, whole)) if whole else "–"


def _before(metric: Metric, line: _Line) -> str:
    return "–" if line.before is None else shown(metric, line.before)


def _change(line: _Line) -> str:
    if line.before is None:
        return "–"
    if not line.before:
        return _NEW if line.value else "–"
    return change(Fraction(line.value - line.before, line.before))


def _cells(chosen: list[_Column], line: _Line) -> str:
    return "".join(write(line).rjust(wide) for _, wide, write in chosen)
