"""Pages with a running header, a `Page x of y` footer, and a position for the next line.

The number of pages is known only after all pages have been written, so each page draws a form
whose content is written last.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from reports.questions.range_names import moment_words
from reports.render.canvas.canvas import A4, FAINT, GREY, Align, PageCanvas
from reports.render.fonts import Face, fit, text_width
from reports.wording.safe_text import clean

# margins and baselines in points from the lower left corner; A4 with margins of about 15 mm
LEFT, RIGHT = 42.0, A4[0] - 42.0
TOP, BOTTOM = 782.0, 52.0
PAGE_WIDTH = RIGHT - LEFT
_HEADER, _FOOTER = 806.0, 30.0
_SMALL = 7.5
_COUNT = "Count"


class Pages:
    """The pages of one document; `y` is the position below what has been drawn, in points.

    `written` is how the document writes times.
    """

    def __init__(
        self,
        paper: PageCanvas,
        title: str,
        as_of: datetime | None,
        created: datetime,
        written: Callable[[datetime], str] = moment_words,
    ) -> None:
        self.paper = paper
        self.y = TOP
        self.number = 1
        self._reserved = 0.0
        self._title = fit(title, Face.SANS, round(0.72 * PAGE_WIDTH / _SMALL, 2))
        used = text_width(self._title, Face.SANS)
        self._room_of_header = round(PAGE_WIDTH / _SMALL - used - 2, 2)
        self._as_of = f"Data as of {written(as_of)}" if as_of else "No data yet"
        self._created = created
        paper.document.form(_COUNT)

    @property
    def room(self) -> float:
        """The height left on the page, in points."""
        return self.y - BOTTOM - self._reserved

    def keep_free(self, height: float) -> None:
        """Reserve a height (points) at the foot of this page."""
        self._reserved = height

    def begin(self, running: str | None) -> None:
        """Start a page: draw its footer, and a running header unless it is None."""
        self.y = TOP
        page = f"Page {self.number:,}"
        used_width = self.paper.text(LEFT, _FOOTER, page, size=_SMALL, color=GREY)
        self.paper.addLiteral(f"q 1 0 0 1 {LEFT + used_width:.2f} {_FOOTER:g} cm /{_COUNT} Do Q")
        self.paper.draw_cached("footer", self._draw_footer)
        if running is not None:
            self.paper.draw_cached("header", self._draw_header)
            name = fit(clean(running), Face.BOLD, self._room_of_header)
            self.paper.text(LEFT, _HEADER, name, Face.BOLD, _SMALL)

    def next_page(self, running: str) -> None:
        """Finish this page and begin the next."""
        self.paper.showPage()
        self.number += 1
        self._reserved = 0.0
        self.begin(running)

    def finish(self) -> int:
        """Finish the document; returns the number of pages."""
        self.paper.showPage()
        count = f" of {self.number:,}"
        letters = self.paper.letters(count, Face.SANS, _SMALL)
        content = f"BT 0.42 0.447 0.502 rg {letters} ET".encode()
        box = (text_width(count, Face.SANS) * _SMALL + 1, _SMALL)
        self.paper.document.finish_form(_COUNT, content, box)
        self.paper.finish(self._created)
        return self.number

    def _draw_footer(self) -> None:
        self.paper.rule(LEFT, _FOOTER + 13, RIGHT, FAINT)
        self.paper.text(RIGHT, _FOOTER, self._as_of, size=_SMALL, color=GREY, align=Align.RIGHT)

    def _draw_header(self) -> None:
        self.paper.text(RIGHT, _HEADER, self._title, size=_SMALL, color=GREY, align=Align.RIGHT)
        self.paper.rule(LEFT, _HEADER - 7, RIGHT, FAINT)
