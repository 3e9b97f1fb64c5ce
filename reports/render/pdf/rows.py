"""Detail rows as ready-made page content: hundreds of thousands of them, all of one shape.

A row is one line of text in a face in which all letters are of one width, so that columns align
by counting letters. Whatever repeats (a model, a date, a place on the page) is written once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from reports.render.canvas.canvas import FAINT, PageCanvas, literal, plain, point, stroke
from reports.render.charts.labels import cell
from reports.render.fonts import Face, fit, width
from reports.render.pdf.figures import Columns
from reports.render.pdf.pages import LEFT, RIGHT
from reports.render.pdf.table import CELL, SIZE
from reports.time.timerange import TimeRange
from reports.usage.usage import UsageRow
from reports.wording.safe_text import clean

LEADING = 12.5
_NARROWEST = 0.55  # a long model's letters are drawn narrower, down to this, before it is cut
_GAP = 2
_DARK, _BLUE = ".1 g", ".1 .3 .8 rg"  # in so few letters because they stand in every row
_FAINT_LINE = f"{stroke(FAINT)} 0.4 w"
_EDGE = f" {point(LEFT)} {{0}} m {point(RIGHT)} {{0}} l".format


class _Model(NamedTuple):
    """What shows a model's name, and its link around the heights of its lower and upper edge."""

    name: str
    corner: str | None
    right: str
    link: str


class Rows:
    """What draws detail rows onto one document's pages."""

    def __init__(self, paper: PageCanvas, span: TimeRange, columns: Columns) -> None:
        self._paper = paper
        self._cell = cell(span)
        self._line = columns.line
        letters = int((RIGHT - LEFT) / CELL)
        self.date_letters = len(self._cell(span.start)) + _GAP
        self.slug_letters = letters - self.date_letters - columns.wide
        self.slug_at = LEFT + self.date_letters * CELL
        self._face = f"{paper.font(Face.MONO)} {SIZE:g} Tf"
        # the line of figures ends at the right edge, whatever is left of the last letter
        self._rest = (RIGHT - LEFT) / CELL - letters
        self._models: dict[str, _Model] = {}
        self._ladders: dict[float, list[str]] = {}

    def draw(self, rows: Sequence[UsageRow], top: float) -> None:
        """Draw rows, of which there are some, from a height down; a hairline between dates."""
        models, line = self._models, self._line
        lines: list[str] = []
        links: list[str] = []
        edges: list[str] = []
        heights = self._ladder(top, len(rows) + 1)
        last, date = rows[0].bucket, self._date(rows[0].bucket)
        for (bucket, _, model, usage), above, below in zip(
            rows, heights, heights[1:], strict=False
        ):
            if bucket is not last and bucket != last:
                last, date = bucket, self._date(bucket)
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

    def _ladder(self, top: float, count: int) -> list[str]:
        """The heights of so many lines from the top down, as they are written."""
        known = self._ladders.setdefault(top, [])
        known += (point(top - place * LEADING) for place in range(len(known), count))
        return known

    def _model(self, model: str) -> _Model:
        """A model's name with a link, as wide as its column; a long one is drawn narrower."""
        room = float(self.slug_letters - _GAP)
        name = fit(clean(model, 200), Face.MONO, round(room / _NARROWEST * 0.6, 2))
        letters = width(name, Face.MONO) / 0.6
        narrow = min(1.0, room / letters)
        wide = letters * narrow
        shown = f"{literal(name)}Tj" if plain(name) else self._in_other_fonts(name)
        if narrow < 1:
            shown = f"{100 * narrow:.4g} Tz {shown} 100 Tz"
        # from where the name ends to where the figures begin, in thousandths of the size
        gap = f"[{-600 * (self.slug_letters - wide + self._rest):.0f}("
        action = self._paper.action(model)
        if action is None:
            found = _Model(f"{shown} {gap}", None, "", "")
        else:
            found = _Model(
                f"{_BLUE} {shown} {_DARK} {gap}",
                f"<</Subtype/Link/Rect[{point(self.slug_at)} ",
                point(self.slug_at + wide * CELL),
                f"]/Border[0 0 0]/A {action} 0 R>>",
            )
        self._models[model] = found
        return found

    def _in_other_fonts(self, name: str) -> str:
        return f"{self._paper.letters(name, Face.MONO, SIZE)} {self._face}"
