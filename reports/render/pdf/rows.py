"""Detail rows as ready-made page content: hundreds of thousands of them, all of one shape.

A row is one line of text in a face in which all letters are of one width, so that columns align
by counting letters. Whatever repeats (a model, a date, a place on the page) is written once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from reports.render.fonts import Face, fit, width
from reports.render.labels import cell
from reports.render.paper import FAINT, LINK, Paper, fill, literal, plain, point, stroke
from reports.render.pdf.figures import Columns
from reports.render.pdf.pages import LEFT, RIGHT
from reports.render.pdf.table import CELL, SIZE
from reports.text import clean
from reports.timerange import TimeRange
from reports.usage import UsageRow

LEADING = 12.5
_NARROWEST = 0.55  # a long model's letters are drawn narrower, down to this, before it is cut
_GAP = 2
_DARK = ".1 g"  # in so few letters because it stands in every row
_FAINT_LINE = f"{stroke(FAINT)} 0.4 w"


class _Model(NamedTuple):
    """What shows a model's name, and its link around the heights of its lower and upper edge."""

    name: str
    corner: str | None
    right: str
    link: str


class Rows:
    """What draws detail rows onto one document's pages."""

    def __init__(self, paper: Paper, span: TimeRange, columns: Columns) -> None:
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
        self._dates: dict[datetime, str] = {}
        self._models: dict[str, _Model] = {}
        self._heights: dict[float, str] = {}

    def draw(self, rows: Sequence[UsageRow], top: float) -> None:
        """Draw rows one below another, the first right below a height; a hairline between dates."""
        dates, models, heights, line = self._dates, self._models, self._heights, self._line
        lines: list[str] = []
        links: list[str] = []
        y, above = top, point(top)
        for bucket, _, model, usage in rows:
            date = dates.get(bucket) or self._date(bucket)
            slug, corner, right, link = models.get(model) or self._model(model)
            lines.append(f"{date}{slug}{line(usage)})]TJ")
            y -= LEADING
            below = heights.get(y) or self._height(y)
            if corner is not None:
                links.append(f"{corner}{below} {right} {above}{link}")
            above = below
        self._rules([row.bucket for row in rows], top)
        at = f"1 0 0 1 {point(LEFT)} {point(top + 3.6)} Tm"
        start = f"BT {self._face} {LEADING:g} TL {_DARK} {at}"
        self._paper.addLiteral("\n".join((start, *lines, "ET")))
        self._paper.annotate(links)

    def _rules(self, buckets: Sequence[datetime], top: float) -> None:
        ends = f"{point(LEFT)} %g m {point(RIGHT)} %g l"
        lines = [
            ends % (y, y)
            for place, (one, other) in enumerate(pairwise(buckets), 1)
            if one != other
            for y in (top - place * LEADING,)
        ]
        if lines:
            self._paper.addLiteral(f"{_FAINT_LINE} {' '.join(lines)} S")

    def _date(self, bucket: datetime) -> str:
        written = f"({self._cell(bucket):<{self.date_letters}})' "
        self._dates[bucket] = written
        return written

    def _height(self, y: float) -> str:
        self._heights[y] = point(y)
        return self._heights[y]

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
                f"{fill(LINK)} {shown} {_DARK} {gap}",
                f"<</Subtype/Link/Rect[{point(self.slug_at)} ",
                point(self.slug_at + wide * CELL),
                f"]/Border[0 0 0]/A {action} 0 R>>",
            )
        self._models[model] = found
        return found

    def _in_other_fonts(self, name: str) -> str:
        return f"{self._paper.letters(name, Face.MONO, SIZE)} {self._face}"
