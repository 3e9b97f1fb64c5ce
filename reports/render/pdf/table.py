"""Tables of names and figures that span pages and repeat their header."""

from __future__ import annotations

from dataclasses import dataclass

from reports.render.canvas.canvas import FAINT, INK, Align
from reports.render.fonts import Face, fit
from reports.render.pdf.pages import LEFT, RIGHT, Pages
from reports.wording.safe_text import clean

SIZE = 8.0  # font size; with it eight columns of figures fit the page
CELL = SIZE * 0.6  # the width of a character in the monospaced font
ROW = 14.0
_LAST = ROW + 4
SWATCH = 6.5


@dataclass(frozen=True, slots=True)
class Layout:
    """The title of the name column; titles and widths (characters) of the figure columns."""

    name: str
    titles: tuple[str, ...]
    widths: tuple[int, ...]

    @property
    def figures_at(self) -> float:
        """The x of the first figure column, in points."""
        return RIGHT - sum(self.widths) * CELL


def draw_header(pages: Pages, names: tuple[tuple[float, str], ...], layout: Layout) -> None:
    """Draw column titles between two rules; `names` are titles with their x."""
    paper = pages.paper

    def draw() -> None:
        paper.rule(LEFT, 0, RIGHT, INK, 1)
        for x, name in names:
            paper.text(x, -13, name, Face.BOLD, SIZE)
        right = layout.figures_at
        for title, width in zip(layout.titles, layout.widths, strict=True):
            right += width * CELL
            paper.text(right, -13, title, Face.BOLD, SIZE, align=Align.RIGHT)
        paper.rule(LEFT, -19, RIGHT, INK, 0.5)

    paper.draw_cached((names, layout), draw, pages.y)
    pages.y -= 19


class Table:
    """One table: a header, rows, and a bold last line that is never alone on a page."""

    def __init__(self, pages: Pages, running: str, layout: Layout) -> None:
        self._pages, self._running, self._layout = pages, running, layout
        self._pending: tuple[str, str, str | None] | None = None
        if pages.room < 19 + 4 * ROW:
            pages.next_page(running)
        self._header()

    def row(self, name: str, figures: str, color: str | None = None) -> None:
        """Add a row; `figures` is text already padded to the layout's widths."""
        self._draw_pending(ROW)
        self._pending = name, figures, color

    def last(self, name: str, figures: str) -> None:
        """Draw the total in bold, on the same page as at least one row."""
        if self._pending is None:
            self._make_room(_LAST)
        self._draw_pending(ROW + _LAST)
        self._pages.paper.rule(LEFT, self._pages.y, RIGHT, INK, 1)
        self._pages.y -= 2
        self._line(name, figures, Face.BOLD, Face.MONO_BOLD, None)
        self._pages.y -= 6

    def _draw_pending(self, room: float) -> None:
        if self._pending is None:
            return
        (name, figures, color), self._pending = self._pending, None
        self._make_room(room)
        self._line(name, figures, Face.SANS, Face.MONO, color)
        self._pages.paper.rule(LEFT, self._pages.y, RIGHT, FAINT, 0.3)

    def _make_room(self, room: float) -> None:
        if self._pages.room < room:
            self._pages.next_page(self._running)
            self._header()

    def _header(self) -> None:
        draw_header(self._pages, ((LEFT, self._layout.name),), self._layout)

    def _line(self, name: str, figures: str, face: Face, digits: Face, color: str | None) -> None:
        paper, y = self._pages.paper, self._pages.y - 10
        x = LEFT
        if color is not None:
            paper.box(x, y - 0.4, SWATCH, SWATCH, color)
            x += SWATCH + 5
        room = (self._layout.figures_at - x) / SIZE
        paper.text(x, y, fit(clean(name), face, round(room, 2)), face, SIZE)
        paper.text(RIGHT, y, figures, digits, SIZE, align=Align.RIGHT)
        self._pages.y -= ROW
