"""The overview: a chart for each metric on the first page, then the table of groups."""

from __future__ import annotations

from itertools import islice

from reports.questions.range_names import axis_date, in_document
from reports.questions.summary import MetricSummary, Summary
from reports.questions.wording import capitalize_first, metric_words
from reports.render.canvas.canvas import FAINT, GREY
from reports.render.changes import just_begun_words, missing_words, whole_words
from reports.render.charts import labels
from reports.render.charts.bar_data import OTHER_LABEL, Bars, stack
from reports.render.charts.draw_bars import Box, draw_bars
from reports.render.charts.palette import OTHERS, charted, colors
from reports.render.fonts import Face, fit
from reports.render.pdf.cover import CoverFacts, compared_with, draw_cover, each_bucket, wrap
from reports.render.pdf.figure_columns import column_width, count, dollars
from reports.render.pdf.groups import draw_groups
from reports.render.pdf.pages import LEFT, PAGE_WIDTH, RIGHT, Pages
from reports.render.pdf.table import SWATCH, Layout, Table
from reports.usage.dimensions import Metric, MoneySource
from reports.usage.format import change, figure

# sizes in points; three charts and a short table fit the first page
_TEXT_WIDTH = 118.0
_PANEL_HEIGHT = 104.0
_LEGEND_COLUMNS = 3
_MONEY = {MoneySource.ALL: "Spend", MoneySource.CREDITS: "Credits", MoneySource.BYOK: "BYOK"}


def write_overview(
    pages: Pages, summary: Summary, facts: CoverFacts, *, most: int | None = None
) -> None:
    """Draw the overview with all groups or the `most` largest, without finishing its last page."""
    draw_cover(pages, summary, facts)
    colors_by_label = colors(summary)
    stacks = {
        metric: stack(found, charted(summary, metric), most=4)
        for metric, found in summary.metrics.items()
    }
    pages.paper.bookmark("Overview", 842)
    for metric, bars in stacks.items():
        _draw_metric(pages, summary, metric, bars, _PANEL_HEIGHT)
    if summary.query.by is None:
        pages.y -= 8
        _draw_buckets(pages, summary, facts.organization, most)
        return
    _draw_legend(pages, stacks)
    pages.y -= _legend_height(summary, stacks) + 10
    draw_groups(pages, summary, colors_by_label, facts.organization, most=most)


def _draw_metric(pages: Pages, summary: Summary, metric: Metric, bars: Bars, height: float) -> None:
    paper, part, top = pages.paper, summary.metrics[metric], pages.y
    name = capitalize_first(metric_words(summary.query, metric))
    paper.text(LEFT, top - 12, name, Face.BOLD, 10)
    paper.text(LEFT, top - 33, figure(metric, part.sum), Face.BOLD, 17)
    lines = [] if metric is Metric.SPEND else [f"{count(part.sum)} {metric}"]
    if part.known:
        average = f"{figure(metric, part.avg)} {each_bucket(summary, part)}"
        lines += wrap(average, Face.SANS, _TEXT_WIDTH / 8 - 1, most=2)
    if part.previous is not None:
        lines += wrap(_compared(summary, part), Face.SANS, _TEXT_WIDTH / 8 - 1)
    y = top - 46
    for line in lines:
        paper.text(LEFT, y, line, size=8, color=GREY)
        y -= 11
    box = Box(LEFT + _TEXT_WIDTH, top - height + 14, PAGE_WIDTH - _TEXT_WIDTH, height - 20)
    draw_bars(paper, box, bars, summary.range, 7, date=axis_date)
    pages.y -= height
    paper.rule(LEFT, pages.y + 6, RIGHT, FAINT)


def _compared(summary: Summary, part: MetricSummary) -> str:
    """The change in words: `+12.0% from $4,000.00 (September 2026)`."""
    name = compared_with(summary)
    if begun := just_begun_words(summary, part):
        return in_document(begun)
    if not part.previous:
        return f"none before ({name})"
    before = figure(part.metric, part.previous)
    said = f"{change(part.change)} from {before} ({name}){missing_words(summary, part)}"
    # there is little room, and the notes say which day isn't over
    whole = in_document(whole_words(summary, part)).partition("; ")[2]
    return f"{said}; {whole}" if whole else said


def _legend(stacks: dict[Metric, Bars]) -> list[tuple[str, str]]:
    """The label and color of each group in any of the charts, in order; Others last."""
    parts = [part for bars in stacks.values() for part in bars.parts]
    named = {part.color: part.label for part in parts if part.color != OTHERS}
    others = [(OTHER_LABEL, OTHERS)] if any(part.color == OTHERS for part in parts) else []
    return [(name, color) for color, name in named.items()] + others


def _legend_height(summary: Summary, stacks: dict[Metric, Bars]) -> float:
    if summary.query.by is None:
        return 0
    return 13.0 * -(-len(_legend(stacks)) // _LEGEND_COLUMNS) + 4


def _draw_legend(pages: Pages, stacks: dict[Metric, Bars]) -> None:
    width = PAGE_WIDTH / _LEGEND_COLUMNS
    for index, (name, color) in enumerate(_legend(stacks)):
        x = LEFT + index % _LEGEND_COLUMNS * width
        y = pages.y - 8 - index // _LEGEND_COLUMNS * 13
        pages.paper.box(x, y, SWATCH, SWATCH, color)
        room = round((width - SWATCH - 16) / 8, 2)
        pages.paper.text(x + SWATCH + 5, y + 0.4, fit(name, Face.SANS, room), size=8)


def _draw_buckets(pages: Pages, summary: Summary, running: str, most: int | None) -> None:
    """Draw a table of buckets instead of groups: all or the `most` newest, newest first."""
    spend, tokens, requests = (summary.metrics[metric] for metric in Metric)
    texts = (dollars(spend.sum), count(tokens.sum), count(requests.sum))
    titles = (_MONEY[summary.query.source], "Tokens", "Requests")
    widths = tuple(map(column_width, titles, texts))
    table = Table(pages, running, Layout("Date", titles, widths))
    cell = labels.cell(summary.range)
    buckets = zip(
        summary.range.buckets, spend.buckets, tokens.buckets, requests.buckets, strict=True
    )
    for moment, *values in islice(reversed(list(buckets)), most):
        table.row(cell(moment), _line(widths, (dollars(values[0]), *map(count, values[1:]))))
    earlier_count = len(summary.range.buckets) - most if most is not None else 0
    if earlier_count > 0:
        earlier_sums = [sum(found.buckets[:earlier_count]) for found in (spend, tokens, requests)]
        figures = (dollars(earlier_sums[0]), *map(count, earlier_sums[1:]))
        table.row(f"Earlier ({earlier_count:,})", _line(widths, figures))
    table.last("TOTAL", _line(widths, texts))


def _line(widths: tuple[int, ...], texts: tuple[str, ...]) -> str:
    return "".join(text.rjust(width) for text, width in zip(texts, widths, strict=True))
