"""Writes an analysis as a PDF document: its sentences, chart, table and notes.

It writes dates as the answer in Slack does (`15 Dec 2026`), in sentences, tables and charts alike:
names that others chose stand among them, so dates aren't rewritten here. Command words, which Slack
shows as code, are in quotation marks.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from reports.analysis.document import AnalysisDocument
from reports.analysis.latency_chart import NAME, latency_bars
from reports.analysis.share_chart import share_bars
from reports.questions.wording import stamp
from reports.render.canvas.canvas import FAINT, GREY, INK, Align, PageCanvas
from reports.render.charts.bar_data import Bars
from reports.render.charts.draw_bars import Box, draw_bars
from reports.render.charts.waterfall import draw_waterfall
from reports.render.fonts import Face, fit, text_width
from reports.render.pdf.cover import wrap
from reports.render.pdf.pages import LEFT, PAGE_WIDTH, RIGHT, Pages
from reports.time.time_range import TimeRange
from reports.wording.safe_text import clean

_TITLE, _SIZE, _SMALL = 18.0, 9.5, 8.0
_ROW = 16.0
_GAP = 10.0
_CHART = 170.0
_CODE = re.compile(r"`([a-z][a-z ]*)`")
_MOST_NAME = 0.45
"""The share of the width that the first column may take; figures need the rest."""


def write_analysis_pdf(
    found: AnalysisDocument, out: BinaryIO, *, organization: str, command: str = "/activity"
) -> int:
    """Write the answer as a PDF document to `out`; returns the number of pages."""
    title = clean(found.title, 300)
    paper = PageCanvas(out, title=f"{title} · {organization}")
    pages = Pages(paper, title, found.as_of, found.made, stamp)
    pages.begin(None)
    _draw_head(pages, found, title, organization, command)
    for words in found.sentences:
        _draw_lines(pages, title, words, _SIZE, INK)
        pages.y -= 3
    if found.steps:
        _draw_steps(pages, found)
    if found.shares and found.range:
        _draw_bars(pages, found.shares.name, share_bars(found.shares), found.range)
    if found.latency and found.range:
        _draw_bars(pages, NAME, latency_bars(found.latency), found.range)
    if found.rows:
        pages.y -= 8
        _draw_table(pages, found, title)
    pages.y -= 8
    for words in (*found.notes, *(f"Incomplete: {words}." for words in found.partial)):
        _draw_lines(pages, title, words, _SMALL, GREY)
    return pages.finish()


def _draw_head(
    pages: Pages, found: AnalysisDocument, title: str, organization: str, command: str
) -> None:
    paper = pages.paper
    paper.text(LEFT, pages.y, fit(clean(organization), Face.SANS, PAGE_WIDTH / _SIZE), size=_SIZE,
               color=GREY)  # fmt: skip
    pages.y -= 26
    paper.text(LEFT, pages.y, fit(title, Face.BOLD, PAGE_WIDTH / _TITLE), Face.BOLD, _TITLE)
    pages.y -= 18
    if found.scope:
        _draw_lines(pages, title, found.scope, _SMALL, GREY)
    _draw_lines(pages, title, found.query.command(command), _SMALL, GREY)
    pages.y -= 4
    paper.rule(LEFT, pages.y, RIGHT, FAINT)
    pages.y -= 16


def _draw_lines(pages: Pages, running: str, words: str, size: float, color: str) -> None:
    quoted = _CODE.sub(r"“\1”", clean(words, 2_000))
    for line in wrap(quoted, Face.SANS, PAGE_WIDTH / size):
        if pages.room < size * 1.5:
            pages.next_page(running)
        pages.paper.text(LEFT, pages.y, line, size=size, color=color)
        pages.y -= size * 1.45


def _draw_steps(pages: Pages, found: AnalysisDocument) -> None:
    steps = [(step.label, step.amount, step.level) for step in found.steps]
    pages.y -= _CHART + 4
    draw_waterfall(pages.paper, Box(LEFT, pages.y, PAGE_WIDTH, _CHART), steps, 8)
    pages.y -= _GAP  # for the note at the foot of the chart


def _draw_bars(pages: Pages, name: str, bars: Bars, span: TimeRange) -> None:
    pages.y -= 14
    pages.paper.text(LEFT, pages.y, name, Face.BOLD, _SMALL)
    pages.y -= _CHART + 2
    box = Box(LEFT, pages.y, PAGE_WIDTH, _CHART)
    draw_bars(pages.paper, box, bars, span, _SMALL)
    pages.y -= 10


def _draw_table(pages: Pages, found: AnalysisDocument, running: str) -> None:
    heads = tuple(column.title for column in found.columns)
    rows = [tuple(clean(cell, 200) if cell else "" for cell in row) for row in found.rows]
    edges = _edges(heads, rows)
    _draw_row(pages, heads, edges, Face.BOLD, found)
    pages.paper.rule(LEFT, pages.y + 11, RIGHT, INK, 0.8)
    for row in rows:
        if pages.room < _ROW:
            pages.next_page(running)
            _draw_row(pages, heads, edges, Face.BOLD, found)
            pages.paper.rule(LEFT, pages.y + 11, RIGHT, INK, 0.8)
        _draw_row(pages, row, edges, Face.SANS, found)
        pages.paper.rule(LEFT, pages.y + 11, RIGHT, FAINT, 0.3)


def _edges(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[tuple[float, float]]:
    """The left and right edge of each column: as wide as its texts; the first one takes the
    rest."""
    wide = [
        max(
            text_width(heads[at], Face.BOLD),
            *(text_width(row[at], Face.SANS) for row in rows),
        )
        * _SMALL
        for at in range(len(heads))
    ]
    room = PAGE_WIDTH - _GAP * (len(heads) - 1)
    others = sum(wide[1:])
    squeeze = min(1.0, room * (1 - _MOST_NAME / 2) / others) if others else 1.0
    widths = [0.0, *(one * squeeze for one in wide[1:])]
    widths[0] = room - sum(widths)
    edges, x = [], LEFT
    for one in widths:
        edges.append((x, x + one))
        x += one + _GAP
    return edges


def _draw_row(
    pages: Pages,
    cells: tuple[str, ...],
    edges: list[tuple[float, float]],
    face: Face,
    found: AnalysisDocument,
) -> None:
    for cell, (left, right), column in zip(cells, edges, found.columns, strict=True):
        shown = fit(cell, face, round((right - left) / _SMALL + 0.05, 2))
        x, align = (right, Align.RIGHT) if column.right else (left, Align.LEFT)
        pages.paper.text(x, pages.y, shown, face, _SMALL, align=align)
    pages.y -= _ROW
