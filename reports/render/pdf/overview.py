"""The overview: all three metrics as bars on the first page, then the table of groups."""

from __future__ import annotations

from itertools import islice

from reports.questions.range_names import axis_date
from reports.questions.summary import MetricSummary, Summary
from reports.questions.wording import capital, metric_words
from reports.render.canvas.canvas import FAINT, GREY
from reports.render.charts import labels
from reports.render.charts.draw import Box, draw_bars
from reports.render.charts.palette import OTHERS, charted, colours
from reports.render.charts.stacked_bars import OTHER_LABEL, Bars, stack
from reports.render.fonts import Face, fit
from reports.render.pdf.cover import Sheet, compared_with, draw_cover, each_bucket, wrap
from reports.render.pdf.figures import column_width, count, dollars
from reports.render.pdf.groups import draw_groups
from reports.render.pdf.pages import LEFT, RIGHT, WIDE, Pages
from reports.render.pdf.table import SWATCH, Layout, Table
from reports.usage.dimensions import Metric, MoneySource
from reports.usage.format import change, figure

_ASIDE = 118.0
_PANEL = 104.0
_LEGEND_COLUMNS = 3
_MONEY = {MoneySource.ALL: "Spend", MoneySource.CREDITS: "Credits", MoneySource.BYOK: "BYOK"}


def write_overview(
    pages: Pages, summary: Summary, sheet: Sheet, *, most: int | None = None
) -> None:
    """Draw the overview with all groups or the largest; its last page is left open."""
    draw_cover(pages, summary, sheet)
    known = colours(summary)
    stacks = {
        metric: stack(found, charted(summary, metric), most=4)
        for metric, found in summary.metrics.items()
    }
    pages.paper.bookmark("Overview", 842)
    for metric, bars in stacks.items():
        _draw_metric(pages, summary, metric, bars, _PANEL)
    if summary.query.by is None:
        pages.y -= 8
        _draw_buckets(pages, summary, sheet.organization, most)
        return
    _draw_legend(pages, stacks)
    pages.y -= _legend_height(summary, stacks) + 10
    draw_groups(pages, summary, known, sheet.organization, most=most)


def _draw_metric(pages: Pages, summary: Summary, metric: Metric, bars: Bars, high: float) -> None:
    paper, found, top = pages.paper, summary.metrics[metric], pages.y
    name = capital(metric_words(summary.query, metric))
    paper.text(LEFT, top - 12, name, Face.BOLD, 10)
    paper.text(LEFT, top - 33, figure(metric, found.sum), Face.BOLD, 17)
    lines = [] if metric is Metric.SPEND else [f"{count(found.sum)} {metric}"]
    if found.known:
        average = f"{figure(metric, found.avg)} {each_bucket(summary, found)}"
        lines += wrap(average, Face.SANS, _ASIDE / 8 - 1, most=2)
    if found.previous is not None:
        lines += wrap(_compared(summary, found), Face.SANS, _ASIDE / 8 - 1)
    y = top - 46
    for line in lines:
        paper.text(LEFT, y, line, size=8, colour=GREY)
        y -= 11
    box = Box(LEFT + _ASIDE, top - high + 14, WIDE - _ASIDE, high - 20)
    draw_bars(paper, box, bars, summary.range, 7, date=axis_date)
    pages.y -= high
    paper.rule(LEFT, pages.y + 6, RIGHT, FAINT)


def _compared(summary: Summary, found: MetricSummary) -> str:
    """The change in words: `+12.0% from $4,000.00 (September 2026)`."""
    name = compared_with(summary)
    if not found.previous:
        return f"none before ({name})"
    return f"{change(found.change)} from {figure(found.metric, found.previous)} ({name})"


def _legend(stacks: dict[Metric, Bars]) -> list[tuple[str, str]]:
    """Each colour once, in the order in which the metrics bring them; Others last."""
    parts = [part for bars in stacks.values() for part in bars.parts]
    named = {part.colour: part.label for part in parts if part.colour != OTHERS}
    rest = [(OTHER_LABEL, OTHERS)] if any(part.colour == OTHERS for part in parts) else []
    return [(name, shade) for shade, name in named.items()] + rest


def _legend_height(summary: Summary, stacks: dict[Metric, Bars]) -> float:
    if summary.query.by is None:
        return 0
    return 13.0 * -(-len(_legend(stacks)) // _LEGEND_COLUMNS) + 4


def _draw_legend(pages: Pages, stacks: dict[Metric, Bars]) -> None:
    wide = WIDE / _LEGEND_COLUMNS
    for place, (name, shade) in enumerate(_legend(stacks)):
        x = LEFT + place % _LEGEND_COLUMNS * wide
        y = pages.y - 8 - place // _LEGEND_COLUMNS * 13
        pages.paper.box(x, y, SWATCH, SWATCH, shade)
        room = round((wide - SWATCH - 16) / 8, 2)
        pages.paper.text(x + SWATCH + 5, y + 0.4, fit(name, Face.SANS, room), size=8)


def _draw_buckets(pages: Pages, summary: Summary, running: str, most: int | None) -> None:
    """Without groups: every bucket or the newest, newest first."""
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
    left = len(summary.range.buckets) - most if most is not None else 0
    if left > 0:
        earlier = [sum(found.buckets[:left]) for found in (spend, tokens, requests)]
        figures = (dollars(earlier[0]), *map(count, earlier[1:]))
        table.row(f"Earlier ({left:,})", _line(widths, figures))
    table.last("TOTAL", _line(widths, texts))


def _line(widths: tuple[int, ...], texts: tuple[str, ...]) -> str:
    return "".join(text.rjust(wide) for text, wide in zip(texts, widths, strict=True))
