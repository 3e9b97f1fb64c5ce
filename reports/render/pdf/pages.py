"""Pages with a running header, a footer with `Page x of y`, and a position for the next line.

The number of pages is known only at the end, when the pages are written already: each of them
draws a form whose content is written last.
"""

from __future__ import annotations

from datetime import datetime

from reports.questions.range_names import moment_words
from reports.render.canvas.canvas import A4, FAINT, GREY, Align, PageCanvas
from reports.render.fonts import Face, fit, width
from reports.wording.safe_text import clean

LEFT, RIGHT = 42.0, A4[0] - 42.0
TOP, BOTTOM = 782.0, 52.0
WIDE = RIGHT - LEFT
_HEADER, _FOOTER = 806.0, 30.0
_SMALL = 7.5
_COUNT = "Count"


class Pages:
    """The pages of one document; `y` is where the next thing may begin."""

    def __init__(
        self, paper: PageCanvas, title: str, as_of: datetime | None, made: datetime
    ) -> None:
        self.paper = paper
        self.y = TOP
        self.number = 1
        self._kept = 0.0
        self._title = fit(title, Face.SANS, round(0.72 * WIDE / _SMALL, 2))
        used = width(self._title, Face.SANS)
        self._room_of_header = round(WIDE / _SMALL - used - 2, 2)
        self._as_of = f"Data as of {moment_words(as_of)}" if as_of else "No data yet"
        self._made = made
        paper.document.form(_COUNT)

    @property
    def room(self) -> float:
        """How much height is left on the page."""
        return self.y - BOTTOM - self._kept

    def keep_free(self, height: float) -> None:
        """Leave room at the foot of this page for what is drawn there already."""
        self._kept = height

    def begin(self, running: str | None) -> None:
        """Draw the footer, and a running header unless the page has a title of its own."""
        self.y = TOP
        page = f"Page {self.number:,}"
        used = self.paper.text(LEFT, _FOOTER, page, size=_SMALL, colour=GREY)
        self.paper.addLiteral(f"q 1 0 0 1 {LEFT + used:.2f} {_FOOTER:g} cm /{_COUNT} Do Q")
        self.paper.again("footer", self._draw_footer)
        if running is not None:
            self.paper.again("header", self._draw_header)
            name = fit(clean(running), Face.BOLD, self._room_of_header)
            self.paper.text(LEFT, _HEADER, name, Face.BOLD, _SMALL)

    def turn(self, running: str) -> None:
        """Finish this page and begin the next."""
        self.paper.showPage()
        self.number += 1
        self._kept = 0.0
        self.begin(running)

    def finish(self) -> int:
        """Finish the document; returns how many pages it has."""
        self.paper.showPage()
        count = f" of {self.number:,}"
        letters = self.paper.letters(count, Face.SANS, _SMALL)
        content = f"BT 0.42 0.447 0.502 rg {letters} ET".encode()
        box = (width(count, Face.SANS) * _SMALL + 1, _SMALL)
        self.paper.document.finish_form(_COUNT, content, box)
        self.paper.finish(self._made)
        return self.number

    def _draw_footer(self) -> None:
        self.paper.rule(LEFT, _FOOTER + 13, RIGHT, FAINT)
        self.paper.text(RIGHT, _FOOTER, self._as_of, size=_SMALL, colour=GREY, align=Align.RIGHT)

    def _draw_header(self) -> None:
        self.paper.text(RIGHT, _HEADER, self._title, size=_SMALL, colour=GREY, align=Align.RIGHT)
        self.paper.rule(LEFT, _HEADER - 7, RIGHT, FAINT)
