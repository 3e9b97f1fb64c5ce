"""The overview: all three metrics as bars on the first page, then the table of groups."""

from __future__ import annotations

from fractions import Fraction

from reports.query import Metric, Source
from reports.render import labels
from reports.render.bars import OTHER_LABEL, Bars, stack
from reports.render.chart import Box, draw_bars
from reports.render.fonts import Face, fit
from reports.render.palette import OTHERS, charted, colour, colours
from reports.render.paper import FAINT, GREY, INK
from reports.render.pdf.cover import Sheet, draw_cover
from reports.render.pdf.figures import count, exact
from reports.render.pdf.pages import LEFT, RIGHT, WIDE, Pages
from reports.render.pdf.table import SWATCH, Layout, Table
from reports.summary import Summary
from reports.text import change, figure, percent
from reports.usage import Usage
from reports.words import DIMENSION_WORDS, capital, metric_words

_ASIDE = 112.0
_LEGEND_COLUMNS = 3
_MONEY = {Source.ALL: "Spend", Source.CREDITS: "Credits", Source.BYOK: "BYOK"}


def write_overview(pages: Pages, summary: Summary, sheet: Sheet) -> None:
    """Draw the whole overview; its last page is left open."""
    draw_cover(pages, summary, sheet)
    known = colours(summary)
    stacks = {
        metric: stack(found, charted(summary, metric), most=5)
        for metric, found in summary.metrics.items()
    }
    pages.paper.bookmark("Overview", 842)
    legend = _legend_height(summary, stacks)
    high = (pages.room - legend) / len(stacks)
    for metric, bars in stacks.items():
        _draw_metric(pages, summary, metric, bars, high)
    if summary.query.by is not None:
        _draw_legend(pages, stacks)
    pages.turn(sheet.organisation)
    by = DIMENSION_WORDS[summary.query.by] if summary.query.by else summary.range.granularity
    pages.paper.bookmark(f"By {by}", 842)
    pages.paper.text(LEFT, pages.y - 14, f"By {by}", Face.BOLD, 14)
    pages.y -= 28
    if summary.query.by is None:
        _draw_buckets(pages, summary, sheet.organisation)
    else:
        _draw_groups(pages, summary, known, capital(by), sheet.organisation)


def _draw_metric(pages: Pages, summary: Summary, metric: Metric, bars: Bars, high: float) -> None:
    paper, found, top = pages.paper, summary.metrics[metric], pages.y
    name = capital(metric_words(summary.query, metric))
    paper.text(LEFT, top - 14, name, Face.BOLD, 11)
    paper.text(LEFT, top - 39, figure(metric, found.sum), Face.BOLD, 19)
    exactly = f"${exact(found.sum).strip()}" if metric is Metric.SPEND else count(found.sum)
    average = f"{figure(metric, found.avg)} {labels.each(summary.range)}"
    lines = [("", exactly), ("Average", average)]
    if found.previous is not None:
        lines += [("Before", figure(metric, found.previous)), ("Change", change(found.change))]
    y = top - 54
    for name, value in lines:
        if name:
            paper.text(LEFT, y, name, size=8, colour=GREY)
        paper.text(LEFT + (42 if name else 0), y, value, size=8, colour=INK if name else GREY)
        y -= 12.5
    box = Box(LEFT + _ASIDE, top - high + 14, WIDE - _ASIDE, high - 20)
    draw_bars(paper, box, bars, summary.range, 7)
    pages.y -= high
    paper.rule(LEFT, pages.y + 6, RIGHT, FAINT)


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


def _draw_groups(
    pages: Pages, summary: Summary, known: dict[str, str], name: str, running: str
) -> None:
    """Every group with its spend, share of it, tokens and requests, and the sum of all."""
    spend = summary.metrics[Metric.SPEND]
    layout = _layout(summary, name, share=True)
    table = Table(pages, running, layout)
    for group in spend.groups:
        line = _figures(layout, summary, group.usage, percent(group.share))
        table.row(group.label, line, colour(group.label, known))
    if spend.rest:
        rests = [summary.metrics[metric].rest_sum for metric in Metric]
        share = percent(Fraction(spend.rest_sum, spend.sum)) if spend.sum else "–"
        line = _line(layout, (exact(rests[0]), share, count(rests[1]), count(rests[2])))
        table.row(f"{OTHER_LABEL} ({spend.rest:,})", line, OTHERS)
    table.last("TOTAL", _figures(layout, summary, summary.totals, "100.0%" if spend.sum else "–"))


def _draw_buckets(pages: Pages, summary: Summary, running: str) -> None:
    """Without groups: every bucket, newest first."""
    layout = _layout(summary, "Date", share=False)
    table = Table(pages, running, layout)
    cell = labels.cell(summary.range)
    columns = [summary.metrics[metric].buckets for metric in Metric]
    for moment, spend, tokens, requests in reversed(
        list(zip(summary.range.buckets, *columns, strict=True))
    ):
        table.row(cell(moment), _line(layout, (exact(spend), count(tokens), count(requests))))
    table.last("TOTAL", _figures(layout, summary, summary.totals, None))


def _layout(summary: Summary, name: str, *, share: bool) -> Layout:
    totals, source = summary.totals, summary.query.source
    texts = [exact(totals.value(Metric.SPEND, source)), count(totals.tokens)]
    texts.append(count(totals.requests))
    titles = [_MONEY[source], "Tokens", "Requests"]
    if share:
        texts.insert(1, "99.9%")
        titles.insert(1, "Share")
    pairs = zip(texts, titles, strict=True)
    return Layout(name, tuple(titles), tuple(max(len(a), len(b)) + 3 for a, b in pairs))


def _figures(layout: Layout, summary: Summary, usage: Usage, share: str | None) -> str:
    source: Source = summary.query.source
    texts = [exact(usage.value(Metric.SPEND, source)), count(usage.tokens), count(usage.requests)]
    if share is not None:
        texts.insert(1, share)
    return _line(layout, tuple(texts))


def _line(layout: Layout, texts: tuple[str, ...]) -> str:
    return "".join(text.rjust(wide) for text, wide in zip(texts, layout.widths, strict=True))
