"""How a document begins: what it is, of whom, of when, from where, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass

from reports.query import Metric
from reports.render.fonts import Face, fit, width
from reports.render.labels import each, heading
from reports.render.paper import FAINT, GREY, INK, Align
from reports.render.pdf.figures import shown
from reports.render.pdf.pages import LEFT, RIGHT, WIDE, Pages
from reports.summary import Summary
from reports.text import change, clean, figure
from reports.words import filter_words, range_words, stamp

AMBER, AMBER_TINT = "#B45309", "#FEF6E7"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a document says of itself: whose it is, where it comes from, how to ask again."""

    organisation: str
    source: str
    command: str


def draw_cover(pages: Pages, summary: Summary, sheet: Sheet) -> None:
    """Draw title, facts and warnings at the top of the first page."""
    paper = pages.paper
    pages.begin(None)
    name = fit(clean(sheet.organisation), Face.BOLD, 40)
    paper.text(LEFT, 800, name, Face.BOLD, 10)
    paper.text(RIGHT, 800, "OpenRouter activity", size=10, colour=GREY, align=Align.RIGHT)
    title = heading(summary.query)
    size = min(24.0, WIDE / width(title, Face.BOLD))
    paper.text(LEFT, 758, title, Face.BOLD, size)
    paper.rule(LEFT, 742, RIGHT, INK, 1.2)
    pages.y = _draw_facts(pages, summary, sheet, 724)
    if summary.partial:
        _draw_warning(pages, summary.partial)
    pages.y -= 6


def draw_figures(pages: Pages, summary: Summary, metric: Metric) -> None:
    """Draw the metric's total, average, and change in a row of large figures."""
    paper, found = pages.paper, summary.metrics[metric]
    before = "–" if found.previous is None else figure(metric, found.previous)
    known = "not held" if found.previous is None else _exactly(metric, found.previous)
    against = "against the period before" if found.change is not None else ""
    cells = (
        ("Total", figure(metric, found.sum), _exactly(metric, found.sum)),
        ("Average", figure(metric, found.avg), each(summary.range)),
        ("Period before", before, known),
        ("Change", change(found.change), against),
    )
    wide = WIDE / len(cells)
    for place, (name, large, small) in enumerate(cells):
        x = LEFT + place * wide
        paper.text(x, pages.y - 10, name, size=8, colour=GREY)
        paper.text(x, pages.y - 31, large, Face.BOLD, 19)
        paper.text(x, pages.y - 44, small, Face.SANS, 8, GREY)
    pages.y -= 56


def _draw_facts(pages: Pages, summary: Summary, sheet: Sheet, top: float) -> float:
    """Two columns of facts; returns where the next thing may begin."""
    query = summary.query
    left = [("Period", range_words(summary.range)), ("Asked for", clean(sheet.command, 200))]
    right = [("Source", clean(sheet.source))]
    right += [("Data as of", stamp(summary.as_of) if summary.as_of else "never synced")]
    if query.filters:
        left.append(("Filters", filter_words(query)))
    if summary.range.unfinished:
        right.append(("Hatched", f"the last {summary.range.granularity}, not over yet"))
    if query.metric in {None, Metric.SPEND}:
        (right if len(right) < 3 else left).append(("Amounts", "US dollars, exact"))
    middle = LEFT + 0.6 * WIDE
    for x, end, facts in ((LEFT, middle - 12, left), (middle, RIGHT, right)):
        for place, (name, value) in enumerate(facts):
            y = top - place * 14
            pages.paper.text(x, y, name, size=8, colour=GREY)
            words = fit(value, Face.SANS, round((end - x - 52) / 8.5, 2))
            pages.paper.text(x + 52, y, words, size=8.5)
    bottom = top - max(len(left), len(right)) * 14
    pages.paper.rule(LEFT, bottom + 4, RIGHT, FAINT)
    return bottom - 6


def _draw_warning(pages: Pages, partial: tuple[str, ...]) -> None:
    lines = [f"Incomplete: {partial[0]}", *partial[1:]]
    high = 12 * len(lines) + 8
    pages.paper.box(LEFT, pages.y - high, WIDE, high, AMBER_TINT)
    pages.paper.box(LEFT, pages.y - high, 2.5, high, AMBER)
    for place, line in enumerate(lines):
        words = fit(clean(line, 200), Face.SANS, round((WIDE - 20) / 8.5, 2))
        pages.paper.text(LEFT + 10, pages.y - 13 - 12 * place, words, size=8.5, colour=AMBER)
    pages.y -= high + 6


def _exactly(metric: Metric, value: int) -> str:
    exactly = shown(metric, value).strip()
    return f"${exactly}" if metric is Metric.SPEND else f"{exactly} {metric}"
