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
from reports.render.fonts import Face, TextRun, font, runs, width

A4 = (595.276, 841.89)
INK, GREY, FAINT = "#16181D", "#6B7280", "#D9DCE1"
MODELS_URL = "https://openrouter.ai/"
_ESCAPES = str.maketrans({mark: f"\\{mark}" for mark in "\\()"})
_MODEL = re.compile(r"[A-Za-z0-9._~-]{1,100}/[A-Za-z0-9._~:@-]{1,100}")


class Align(Enum):
    """Which part of a text is at its x: its left edge, its middle, or its right edge."""

    LEFT = 0.0
    CENTRE = 0.5
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
        self._drawn: dict[Hashable, str] = {}

    def text(
        self,
        x: float,
        y: float,
        text: str,
        face: Face = Face.SANS,
        size: float = 9,
        colour: str = INK,
        align: Align = Align.LEFT,
    ) -> float:
        """Draw one line of text; returns how wide it is."""
        wide = width(text, face) * size
        at = f"1 0 0 1 {point(x - wide * align.value)} {point(y)} Tm"
        self.addLiteral(f"BT {fill(colour)} {at} {self.letters(text, face, size)} ET")
        return wide

    def letters(self, text: str, face: Face, size: float) -> str:
        """The operators that show a text where the pen is, for use between BT and ET."""
        if plain(text):
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
        """The operators that show shaped glyphs, each where HarfBuzz puts it."""
        written: list[str] = []
        subset, rise = -1, 0.0
        for glyph in run.glyphs:
            [(found, code)] = font(run.font).splitString(glyph.code, self.document)
            if found != subset:
                written.append(f"{self.font(run.font, found)} {size:g} Tf")
                subset = found
            if glyph.dy != rise:
                rise = glyph.dy
                written.append(f"{point(rise * size / 1000)} Ts")
            # a number in TJ moves the pen to the left; the pen has moved by the glyph's own width
            after = point(glyph.width + glyph.dx - glyph.advance)
            before = f"{point(-glyph.dx)} " if glyph.dx else ""
            shown = f"[{before}<{code.hex()}>{'' if after == '0' else f' {after}'}] TJ"
            written.append(shown)
        if rise:
            written.append("0 Ts")
        return " ".join(written)

    def font(self, name: str, subset: int = 0) -> str:
        """The name of a font in this document; subset 0 has all of ASCII in its place."""
        known = self._fonts.get((name, subset))
        if known is None:
            known = str(font(name).getSubsetInternalName(subset, self.document))
            self._fonts[name, subset] = known
        return known

    def box(self, x: float, y: float, wide: float, high: float, colour: str) -> None:
        """Fill a rectangle."""
        self.addLiteral(f"{fill(colour)} {_rectangle(x, y, wide, high)} f")

    def hatch(self, x: float, y: float, wide: float, high: float, colour: str, step: float) -> None:
        """Fill a rectangle with thin slanted lines."""
        count = int((wide + high) / step) + 1
        lines = " ".join(
            f"{point(x + n * step - high)} {point(y)} m {point(x + n * step)} {point(y + high)} l"
            for n in range(1, count + 1)
        )
        clip = f"q {_rectangle(x, y, wide, high)} W n"
        self.addLiteral(f"{clip} {stroke(colour)} {point(step / 3)} w {lines} S Q")

    def rule(
        self, x: float, y: float, right: float, colour: str = INK, thickness: float = 0.5
    ) -> None:
        """Draw a line from x to the right."""
        ends = f"{point(x)} {point(y)} m {point(right)} {point(y)} l S"
        self.addLiteral(f"{stroke(colour)} {thickness:g} w {ends}")

    def link(self, x: float, y: float, right: float, top: float, model: str) -> None:
        """Make an area a link to a model's page; there are no other links."""
        action = self.action(model)
        if action is not None:
            corners = f"{point(x)} {point(y)} {point(right)} {point(top)}"
            self._links.append(annotation(corners, action))

    def action(self, model: str) -> int | None:
        """The object that opens a model's page; None where the name cannot be a model's."""
        if not _MODEL.fullmatch(model):
            return None
        if model not in self._actions:
            action = f"<</S/URI/URI({MODELS_URL}{model})>>"
            self._actions[model] = self.document.add(action.encode())
        return self._actions[model]

    def annotate(self, annotations: list[str]) -> None:
        """Add annotations that are written already."""
        self._links += annotations

    def again(self, key: Hashable, draw: Callable[[], None], y: float = 0) -> None:
        """Draw something, shifted up by y; what was drawn under the same key is reused."""
        if key not in self._drawn:
            start = len(self._code)
            draw()
            self._drawn[key] = "\n".join(self._code[start:])
            del self._code[start:]
        self.addLiteral(f"q 1 0 0 1 0 {point(y)} cm\n{self._drawn[key]}\nQ")

    def bookmark(self, title: str, top: float) -> None:
        """Begin a section here, in the list that a reader shows beside the pages."""
        key = f"section-{len(self._destinations)}"
        self.bookmarkPage(key, fit="XYZ", top=top, left=0)
        self.addOutlineEntry(title, key)

    def showPage(self) -> None:  # noqa: N802 - reportlab's name
        """Finish the page and begin the next."""
        self.document.finish_page("\n".join(self._code).encode("ascii"), self._links)
        self._links.clear()
        self._code.clear()  # all else that reportlab keeps of a page, we do not use

    def finish(self, made: datetime | None = None) -> None:
        """Finish the document; `made` is its creation date."""
        if made is not None:
            self.document.date(made)
        if self._code:
            self.showPage()
        self.document.SaveToFile(None, self)


def annotation(corners: str, action: int) -> str:
    """A link annotation without a border."""
    return f"<</Subtype/Link/Rect[{corners}]/Border[0 0 0]/A {action} 0 R>>"


@lru_cache(maxsize=10_000)
def point(value: float) -> str:
    """A distance, to a hundredth of a point."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


@lru_cache(maxsize=256)
def fill(colour: str) -> str:
    """The operator that fills with a colour from now on."""
    return f"{_rgb(colour)} rg"


@lru_cache(maxsize=256)
def stroke(colour: str) -> str:
    """The operator that draws lines in a colour from now on."""
    return f"{_rgb(colour)} RG"


def plain(text: str) -> bool:
    """Whether all letters are ASCII, which every face of ours has, in its place."""
    return text.isascii() and text.isprintable()


def literal(text: str) -> str:
    """ASCII text as a PDF string."""
    return f"({text.translate(_ESCAPES)})"


def _string(codes: bytes) -> str:
    text = codes.decode("latin-1")
    return literal(text) if plain(text) else f"<{codes.hex()}>"


def _rectangle(x: float, y: float, wide: float, high: float) -> str:
    return f"{point(x)} {point(y)} {point(wide)} {point(high)} re"


def _rgb(colour: str) -> str:
    parts = (f"{int(colour[i : i + 2], 16) / 255:.3g}" for i in (1, 3, 5))
    return " ".join(part.removeprefix("0") or "0" for part in parts)
