"""Charts as PNG: the page that a PDF would hold, rasterized by PDFium and encoded by pillow.

PDFium is not thread-safe: a process draws one picture at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pypdfium2
from PIL import Image

from reports.questions.summary import Summary
from reports.render.canvas.canvas import PageCanvas
from reports.render.charts.draw import Box, draw_page
from reports.render.fonts import Face, fit
from reports.usage.dimensions import Metric

# Charts are flat colors, and the shades at the edges of letters. With a palette of 256 a picture of
# 1600 x 800 takes 25 ms of CPU time altogether and 80 kB, in full color 34 ms and 170 kB; a higher
# level takes longer and saves less than a fifth.
_COLORS, _LEVEL = 256, 1
_ALMOST_WHITE = 252


def chart_png(
    summary: Summary, metric: Metric | None = None, *, size: tuple[int, int] = (1600, 800)
) -> bytes:
    """One metric's stacked bars as a PNG of `size` pixels, with text that a phone can show.

    The metric is that of the question where none is given, and spend where it has none.
    """
    wide, high = size
    out = BytesIO()
    paper = PageCanvas(out, size)
    paper.box(0, 0, wide, high, "#FFFFFF")
    em = min(wide / 50, high / 25)
    box = Box(1.5 * em, 0.9 * em, wide - 3 * em, high - 2.1 * em)
    draw_page(paper, box, summary, metric or summary.query.metric or Metric.SPEND, em)
    paper.finish()
    return rasterise(out.getvalue())


def titled_png(
    title: str,
    draw: Callable[[PageCanvas, Box, float], None],
    size: tuple[int, int] = (1600, 800),
) -> bytes:
    """A PNG of `size` pixels with a title above what `draw` draws into a box.

    `draw` gets the canvas, the box, and the size of letters that a phone can show.
    """
    wide, high = size
    out = BytesIO()
    paper = PageCanvas(out, size)
    paper.box(0, 0, wide, high, "#FFFFFF")
    em = min(wide / 46, high / 23)
    room = round((wide - 3 * em) / (1.2 * em), 2)
    paper.text(1.5 * em, high - 2 * em, fit(title, Face.BOLD, room), Face.BOLD, 1.2 * em)
    draw(paper, Box(1.5 * em, 0.8 * em, wide - 3 * em, high - 4 * em), em)
    paper.finish()
    return rasterise(out.getvalue())


def rasterise(document: bytes) -> bytes:
    """The first page of a PDF as PNG, a pixel a point."""
    pdf = pypdfium2.PdfDocument(document)
    try:
        picture = pdf[0].render(rev_byteorder=True, prefer_bgrx=False).to_pil()
        few = picture.quantize(_COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        # the white of the page was averaged with the lightest edges of letters
        few.putpalette([level for color in _colors(few) for level in color])
        out = BytesIO()
        few.save(out, "PNG", compress_level=_LEVEL)
        return out.getvalue()
    finally:
        pdf.close()


def _colors(picture: Image.Image) -> list[tuple[int, ...]]:
    """A picture's palette, with what is nearly white made white."""
    levels = picture.getpalette() or []
    colors = zip(levels[::3], levels[1::3], levels[2::3], strict=True)
    return [(255, 255, 255) if min(color) > _ALMOST_WHITE else color for color in colors]
