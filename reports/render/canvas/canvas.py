"""A canvas for PDF pages: plain strings in any script, rectangles, lines, links.

Text is never markup. Distances are in points, from the lower left corner.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from datetime import datetime
from enum import Enum
from functools import lru_cache
from io import BytesIO
from typing import BinaryIO

from reportlab.pdfgen.canvas import Canvas

from reports.render.canvas.streamed_document import StreamedDocument
from reports.render.fonts import Face, TextRun, font, runs, text_width

A4 = (595.276, 841.89)
INK, GREY, FAINT = "#16181D", "#6B7280", "#D9DCE1"
MODELS_URL = "https://openrouter.ai/"
_ESCAPES = str.maketrans({mark: f"\\{mark}" for mark in "\\()"})
_MODEL = re.compile(r"[A-Za-z0-9._~-]{1,100}/[A-Za-z0-9._~:@-]{1,100}")


class Align(Enum):
    """Horizontal alignment: which part of a text is at its x, as a fraction of its width."""

    LEFT = 0.0
    CENTER = 0.5
    RIGHT = 1.0


class PageCanvas(Canvas):
    """A canvas that writes each page as soon as it is finished; all pages have one size."""

    # reportlab has these, its type stubs do not
    _code: list[str]
    _destinations: dict[str, object]

    def __init__(
        self, out: BinaryIO, size: tuple[float, float] = A4, title: str = "", lang: str = "en-US"
    ) -> None:
        super().__init__(BytesIO(), pagesize=size, invariant=1, pageCompression=1)
        self._doc = self.document = StreamedDocument(out, size, lang)
        self.setTitle(title)
        self.setCreator("Activity")
        self.setAuthor("")
        self.setSubject("")
        self.setViewerPreference("DisplayDocTitle", "true")
        self._links: list[str] = []
        self._actions: dict[str, int] = {}
        self._fonts: dict[tuple[str, int], str] = {}
        self._cached_operators: dict[Hashable, str] = {}

    def text(
        self,
        x: float,
        y: float,
        text: str,
        face: Face = Face.SANS,
        size: float = 9,
        color: str = INK,
        align: Align = Align.LEFT,
    ) -> float:
        """Draw one line of text with its baseline at y; returns its width in points."""
        width = text_width(text, face) * size
        at = f"1 0 0 1 {point(x - width * align.value)} {point(y)} Tm"
        self.addLiteral(f"BT {fill(color)} {at} {self.letters(text, face, size)} ET")
        return width

    def letters(self, text: str, face: Face, size: float) -> str:
        """The PDF operators that show a text at the current position, inside BT and ET."""
        if is_ascii(text):
            return f"{self.font(face)} {size:g} Tf {literal(text)} Tj"
        return " ".join(self._run(run, size) for run in runs(text, face))

    def _run(self, run: TextRun, size: float) -> str:
        if run.glyphs:
            return self._glyphs(run, size)
        return " ".join(
            f"{self.font(run.font, subset)} {size:g} Tf {_string(codes)} Tj"
            for subset, codes in font(run.font).splitString(run.text, self.document)
        )

    def _glyphs(self, run: TextRun, size: float) -> str:
        """The PDF operators that show shaped glyphs at the offsets that HarfBuzz computed."""
        operators: list[str] = []
        subset, rise = -1, 0.0
        for glyph in run.glyphs:
            [(glyph_subset, code)] = font(run.font).splitString(glyph.code, self.document)
            if glyph_subset != subset:
                operators.append(f"{self.font(run.font, glyph_subset)} {size:g} Tf")
                subset = glyph_subset
            if glyph.dy != rise:
                rise = glyph.dy
                operators.append(f"{point(rise * size / 1000)} Ts")
            # a number in TJ moves the pen to the left; the pen has moved by the glyph's own width
            after = point(glyph.width + glyph.dx - glyph.advance)
            before = f"{point(-glyph.dx)} " if glyph.dx else ""
            shown = f"[{before}<{code.hex()}>{'' if after == '0' else f' {after}'}] TJ"
            operators.append(shown)
        if rise:
            operators.append("0 Ts")
        return " ".join(operators)

    def font(self, name: str, subset: int = 0) -> str:
        """The name of a font subset in this document; in subset 0, ASCII keeps its codes."""
        internal_name = self._fonts.get((name, subset))
        if internal_name is None:
            internal_name = str(font(name).getSubsetInternalName(subset, self.document))
            self._fonts[name, subset] = internal_name
        return internal_name

    def box(self, x: float, y: float, width: float, height: float, color: str) -> None:
        """Fill a rectangle."""
        self.addLiteral(f"{fill(color)} {_rectangle(x, y, width, height)} f")

    def hatch(
        self, x: float, y: float, width: float, height: float, color: str, step: float
    ) -> None:
        """Fill a rectangle with thin slanted lines."""
        count = int((width + height) / step) + 1
        top = point(y + height)
        lines = " ".join(
            f"{point(x + n * step - height)} {point(y)} m {point(x + n * step)} {top} l"
            for n in range(1, count + 1)
        )
        clip = f"q {_rectangle(x, y, width, height)} W n"
        self.addLiteral(f"{clip} {stroke(color)} {point(step / 3)} w {lines} S Q")

    def rule(
        self, x: float, y: float, right: float, color: str = INK, thickness: float = 0.5
    ) -> None:
        """Draw a line from x to the right."""
        ends = f"{point(x)} {point(y)} m {point(right)} {point(y)} l S"
        self.addLiteral(f"{stroke(color)} {thickness:g} w {ends}")

    def link(self, x: float, y: float, right: float, top: float, model: str) -> None:
        """Make an area a link to a model's page; documents have no other links."""
        action = self.action(model)
        if action is not None:
            rectangle = f"{point(x)} {point(y)} {point(right)} {point(top)}"
            self._links.append(annotation(rectangle, action))

    def action(self, model: str) -> int | None:
        """The number of the action that opens a model's page; None if it isn't a model's name."""
        if not _MODEL.fullmatch(model):
            return None
        if model not in self._actions:
            action = f"<</S/URI/URI({MODELS_URL}{model})>>"
            self._actions[model] = self.document.add(action.encode())
        return self._actions[model]

    def annotate(self, annotations: list[str]) -> None:
        """Add finished annotations (PDF dictionaries) to the page."""
        self._links += annotations

    def draw_cached(self, key: Hashable, draw: Callable[[], None], y: float = 0) -> None:
        """Run `draw` once per key and put its operators on the page, shifted up by y points."""
        if key not in self._cached_operators:
            start = len(self._code)
            draw()
            self._cached_operators[key] = "\n".join(self._code[start:])
            del self._code[start:]
        self.addLiteral(f"q 1 0 0 1 0 {point(y)} cm\n{self._cached_operators[key]}\nQ")

    def bookmark(self, title: str, top: float) -> None:
        """Add an outline entry that points to a height (points) on this page."""
        key = f"section-{len(self._destinations)}"
        self.bookmarkPage(key, fit="XYZ", top=top, left=0)
        self.addOutlineEntry(title, key)

    def showPage(self) -> None:  # noqa: N802 - reportlab's name
        """Finish the page and begin the next."""
        self.document.finish_page("\n".join(self._code).encode("ascii"), self._links)
        self._links.clear()
        self._code.clear()  # nothing else of reportlab's page state is used

    def finish(self, created: datetime | None = None) -> None:
        """Finish the document; `created` is its creation date (aware)."""
        if created is not None:
            self.document.date(created)
        if self._code:
            self.showPage()
        self.document.SaveToFile(None, self)


def annotation(rectangle: str, action: int) -> str:
    """A link annotation without a border."""
    return f"<</Subtype/Link/Rect[{rectangle}]/Border[0 0 0]/A {action} 0 R>>"


@lru_cache(maxsize=10_000)
def point(value: float) -> str:
    """A distance as PDF writes it, to a hundredth of a point."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


@lru_cache(maxsize=256)
def fill(color: str) -> str:
    """The operator that fills with a color from now on."""
    return f"{_rgb(color)} rg"


@lru_cache(maxsize=256)
def stroke(color: str) -> str:
    """The operator that draws lines in a color from now on."""
    return f"{_rgb(color)} RG"


def is_ascii(text: str) -> bool:
    """Whether a text is printable ASCII, which every font has at its standard codes."""
    return text.isascii() and text.isprintable()


def literal(text: str) -> str:
    """ASCII text as a PDF string."""
    return f"({text.translate(_ESCAPES)})"


def _string(codes: bytes) -> str:
    text = codes.decode("latin-1")
    return literal(text) if is_ascii(text) else f"<{codes.hex()}>"


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    return f"{point(x)} {point(y)} {point(width)} {point(height)} re"


def _rgb(color: str) -> str:
    parts = (f"{int(color[i : i + 2], 16) / 255:.3g}" for i in (1, 3, 5))
    return " ".join(part.removeprefix("0") or "0" for part in parts)
