"""Writes an analysis as a PDF document: its sentences, chart, table and notes.

It writes dates as the answer in Slack does (`15 Dec 2026`), in sentences, tables and charts alike:
names that others chose stand among them, so dates aren't rewritten here. Command words, which Slack
shows as code, are in quotation marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import BinaryIO

from reports.analysis.document import AnalysisDocument, TableColumn
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
_ROW, _LINE = 16.0, 10.0
"""The height of a row with one line, and of each further line."""
_MOST_LINES = 3
_GAP = 10.0
_CHART = 170.0
_LEAST_WORDS = 50.0
"""The least width of a column of words, in points, if its texts are longer."""
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
    edges = _edges(found.columns, rows)

    def draw_heads() -> None:
        _draw_row(pages, _wrapped(heads, edges, found.columns, Face.BOLD), edges, Face.BOLD, found)
        pages.paper.rule(LEFT, pages.y + 11, RIGHT, INK, 0.8)

    draw_heads()
    for row in rows:
        cells = _wrapped(row, edges, found.columns, Face.SANS)
        if pages.room < _height(cells):
            pages.next_page(running)
            draw_heads()
        _draw_row(pages, cells, edges, Face.SANS, found)
        pages.paper.rule(LEFT, pages.y + 11, RIGHT, FAINT, 0.3)


def _wrapped(
    cells: tuple[str, ...],
    edges: list[tuple[float, float]],
    columns: Sequence[TableColumn],
    face: Face,
) -> list[list[str]]:
    """The lines of each cell: words are wrapped, figures are on one line."""
    return [
        wrap(cell, face, (right - left) / _SMALL + 0.05, 1 if column.right else _MOST_LINES)
        for cell, (left, right), column in zip(cells, edges, columns, strict=True)
    ]


def _height(cells: list[list[str]]) -> float:
    """The height of a row, in points."""
    return _ROW + _LINE * (max(1, *map(len, cells)) - 1)


def _edges(
    columns: Sequence[TableColumn], rows: list[tuple[str, ...]]
) -> list[tuple[float, float]]:
    """The left and right edge of each column: as wide as its texts; the first one takes the rest.

    If that is too little for all words, the widest columns of words are narrowed first, and their
    cells wrapped; then all columns.
    """
    wide = [
        max(
            text_width(column.title, Face.BOLD),
            *(text_width(row[at], Face.SANS) for row in rows),
        )
        * _SMALL
        for at, column in enumerate(columns)
    ]
    room = PAGE_WIDTH - _GAP * (len(columns) - 1)
    most = room - min(wide[0], room * _MOST_NAME / 2)
    figures = sum(one for one, column in zip(wide[1:], columns[1:], strict=True) if column.right)
    words = [one for one, column in zip(wide[1:], columns[1:], strict=True) if not column.right]
    limit = _limit(words, most - figures)
    narrowed = [
        one if column.right else min(one, limit)
        for one, column in zip(wide[1:], columns[1:], strict=True)
    ]
    others = sum(narrowed)
    squeeze = min(1.0, most / others) if others else 1.0
    widths = [0.0, *(one * squeeze for one in narrowed)]
    widths[0] = room - sum(widths)
    edges, x = [], LEFT
    for one in widths:
        edges.append((x, x + one))
        x += one + _GAP
    return edges


def _limit(widths: Sequence[float], room: float) -> float:
    """The greatest width with which all columns fit; at least that of a date."""
    left, limit = room, 0.0
    for number, one in enumerate(sorted(widths)):
        limit = max(_LEAST_WORDS, left / (len(widths) - number))
        if one > limit:
            return limit
        left -= one
    return max([limit, *widths])


def _draw_row(
    pages: Pages,
    cells: list[list[str]],
    edges: list[tuple[float, float]],
    face: Face,
    found: AnalysisDocument,
) -> None:
    for lines, (left, right), column in zip(cells, edges, found.columns, strict=True):
        x, align = (right, Align.RIGHT) if column.right else (left, Align.LEFT)
        for number, line in enumerate(lines):
            y = pages.y - number * _LINE
            pages.paper.text(x, y, line, face, _SMALL, align=align)
    pages.y -= _height(cells)
