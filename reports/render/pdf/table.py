"""Tables of names and figures that run over as many pages as they need and repeat their header."""

from __future__ import annotations

from dataclasses import dataclass

from reports.render.canvas.canvas import FAINT, INK, Align
from reports.render.fonts import Face, fit
from reports.render.pdf.pages import LEFT, RIGHT, Pages
from reports.wording.safe_text import clean

SIZE = 8.0
CELL = SIZE * 0.6  # all letters of the mono face are as wide
ROW = 14.0
_LAST = ROW + 4
SWATCH = 6.5


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns are called, and how wide those of figures are, in letters."""

    name: str
    titles: tuple[str, ...]
    widths: tuple[int, ...]

    @property
    def figures_at(self) -> float:
        """Where the figures begin."""
        return RIGHT - sum(self.widths) * CELL


def draw_header(pages: Pages, names: tuple[tuple[float, str], ...], layout: Layout) -> None:
    """Draw the titles of columns between two rules; names stand at their places."""
    paper = pages.paper

    def draw() -> None:
        paper.rule(LEFT, 0, RIGHT, INK, 1)
        for x, name in names:
            paper.text(x, -13, name, Face.BOLD, SIZE)
        right = layout.figures_at
        for title, wide in zip(layout.titles, layout.widths, strict=True):
            right += wide * CELL
            paper.text(right, -13, title, Face.BOLD, SIZE, align=Align.RIGHT)
        paper.rule(LEFT, -19, RIGHT, INK, 0.5)

    paper.again((names, layout), draw, pages.y)
    pages.y -= 19


class Table:
    """One table: a header, rows, and a bold last line under a rule, which never stands alone."""

    def __init__(self, pages: Pages, running: str, layout: Layout) -> None:
        self._pages, self._running, self._layout = pages, running, layout
        self._waiting: tuple[str, str, str | None] | None = None
        if pages.room < 19 + 4 * ROW:
            pages.turn(running)
        self._header()

    def row(self, name: str, figures: str, colour: str | None = None) -> None:
        """One line; figures are set as they are, each column as wide as the layout says."""
        self._draw_waiting(ROW)
        self._waiting = name, figures, colour

    def last(self, name: str, figures: str) -> None:
        """The sum of all, in bold; at least one row goes with it onto a new page."""
        if self._waiting is None:
            self._make_room(_LAST)
        self._draw_waiting(ROW + _LAST)
        self._pages.paper.rule(LEFT, self._pages.y, RIGHT, INK, 1)
        self._pages.y -= 2
        self._line(name, figures, Face.BOLD, Face.MONO_BOLD, None)
        self._pages.y -= 6

    def _draw_waiting(self, room: float) -> None:
        if self._waiting is None:
            return
        (name, figures, colour), self._waiting = self._waiting, None
        self._make_room(room)
        self._line(name, figures, Face.SANS, Face.MONO, colour)
        self._pages.paper.rule(LEFT, self._pages.y, RIGHT, FAINT, 0.3)

    def _make_room(self, room: float) -> None:
        if self._pages.room < room:
            self._pages.turn(self._running)
            self._header()

    def _header(self) -> None:
        draw_header(self._pages, ((LEFT, self._layout.name),), self._layout)

    def _line(self, name: str, figures: str, face: Face, digits: Face, colour: str | None) -> None:
        paper, y = self._pages.paper, self._pages.y - 10
        x = LEFT
        if colour is not None:
            paper.box(x, y - 0.4, SWATCH, SWATCH, colour)
            x += SWATCH + 5
        room = (self._layout.figures_at - x) / SIZE
        paper.text(x, y, fit(clean(name), face, round(room, 2)), face, SIZE)
        paper.text(RIGHT, y, figures, digits, SIZE, align=Align.RIGHT)
        self._pages.y -= ROW
