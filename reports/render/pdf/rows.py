"""Detail rows, written directly as PDF operators, because there may be hundreds of thousands.

A row is one line of monospaced text, so columns align by counting characters. Repeated parts
(models, dates, positions on the page) are formatted once and cached.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from reports.render.canvas.canvas import FAINT, PageCanvas, is_ascii, literal, point, stroke
from reports.render.charts.labels import cell
from reports.render.fonts import Face, fit, text_width
from reports.render.pdf.figure_columns import Columns
from reports.render.pdf.pages import LEFT, RIGHT
from reports.render.pdf.table import CELL, SIZE
from reports.time.time_range import TimeRange
from reports.usage.usage import UsageRow
from reports.wording.safe_text import clean

LEADING = 12.5  # line height in points; almost 60 rows on a page
_NARROWEST = 0.55  # long model names are condensed down to this horizontal scale, then cut
_GAP = 2
_DARK, _BLUE = ".1 g", ".1 .3 .8 rg"  # kept short because they are in every row
_FAINT_LINE = f"{stroke(FAINT)} 0.4 w"
_EDGE = f" {point(LEFT)} {{0}} m {point(RIGHT)} {{0}} l".format


class _Model(NamedTuple):
    """The operators for a model's name, and the parts of its link annotation around the heights."""

    name: str
    corner: str | None
    right: str
    link: str


class Rows:
    """Draws detail rows on one document's pages."""

    def __init__(self, paper: PageCanvas, span: TimeRange, columns: Columns) -> None:
        self._paper = paper
        self._cell = cell(span)
        self._line = columns.line
        letters = int((RIGHT - LEFT) / CELL)
        self.date_letters = len(self._cell(span.start)) + _GAP
        self.slug_letters = letters - self.date_letters - columns.width
        self.slug_at = LEFT + self.date_letters * CELL
        self._face = f"{paper.font(Face.MONO)} {SIZE:g} Tf"
        # the fraction of a character that is left over at the right edge
        self._leftover = (RIGHT - LEFT) / CELL - letters
        self._models: dict[str, _Model] = {}
        self._edges_by_top: dict[float, list[str]] = {}

    def draw(self, rows: Sequence[UsageRow], top: float) -> None:
        """Draw rows (at least one) downward from a height; a thin line separates dates."""
        models, line = self._models, self._line
        lines: list[str] = []
        links: list[str] = []
        edges: list[str] = []
        heights = self._row_edges(top, len(rows) + 1)
        last_bucket, date = rows[0].bucket, self._date(rows[0].bucket)
        for (bucket, _, model, usage), above, below in zip(
            rows, heights, heights[1:], strict=False
        ):
            if bucket is not last_bucket and bucket != last_bucket:
                last_bucket, date = bucket, self._date(bucket)
                edges.append(above)
            slug, corner, right, link = models.get(model) or self._model(model)
            lines.append(f"{date}{slug}{line(usage)})]TJ")
            if corner is not None:
                links.append(f"{corner}{below} {right} {above}{link}")
        if edges:
            self._paper.addLiteral(_FAINT_LINE + "".join(map(_EDGE, edges)) + " S")
        at = f"1 0 0 1 {point(LEFT)} {point(top + 3.6)} Tm"
        start = f"BT {self._face} {LEADING:g} TL {_DARK} {at}"
        self._paper.addLiteral("\n".join((start, *lines, "ET")))
        self._paper.annotate(links)

    def _date(self, bucket: datetime) -> str:
        return f"({self._cell(bucket):<{self.date_letters}})' "

    def _row_edges(self, top: float, count: int) -> list[str]:
        """The first `count` row edges from a height down, formatted for PDF."""
        edges = self._edges_by_top.setdefault(top, [])
        edges += (point(top - row * LEADING) for row in range(len(edges), count))
        return edges

    def _model(self, model: str) -> _Model:
        """The operators for a model's name with a link; a long name is condensed to fit."""
        room = float(self.slug_letters - _GAP)
        name = fit(clean(model, 200), Face.MONO, round(room / _NARROWEST * 0.6, 2))
        letters = text_width(name, Face.MONO) / 0.6
        scale = min(1.0, room / letters)
        width = letters * scale
        operators = f"{literal(name)}Tj" if is_ascii(name) else self._in_other_fonts(name)
        if scale < 1:
            operators = f"{100 * scale:.4g} Tz {operators} 100 Tz"
        # the gap from the name's end to the first figure, in thousandths of the font size
        gap = f"[{-600 * (self.slug_letters - width + self._leftover):.0f}("
        action = self._paper.action(model)
        if action is None:
            found = _Model(f"{operators} {gap}", None, "", "")
        else:
            found = _Model(
                f"{_BLUE} {operators} {_DARK} {gap}",
                f"<</Subtype/Link/Rect[{point(self.slug_at)} ",
                point(self.slug_at + width * CELL),
                f"]/Border[0 0 0]/A {action} 0 R>>",
            )
        self._models[model] = found
        return found

    def _in_other_fonts(self, name: str) -> str:
        return f"{self._paper.letters(name, Face.MONO, SIZE)} {self._face}"
