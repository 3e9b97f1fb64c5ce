"""Charts as PNG: drawn as a PDF page, rasterized by PDFium and encoded by pillow.

PDFium is not thread-safe: a process may render only one chart at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pypdfium2
from PIL import Image

from reports.questions.summary import Summary
from reports.render.canvas.canvas import PageCanvas
from reports.render.charts.draw_bars import Box, draw_page
from reports.render.fonts import Face, fit
from reports.usage.dimensions import Metric

# Charts have flat colors and antialiased text. With a palette of 256 colors, an image of
# 1600 x 800 takes 25 ms of CPU time and 80 kB; in full color 34 ms and 170 kB. A higher compression
# level takes longer and saves less than a fifth.
_COLORS, _LEVEL = 256, 1
_ALMOST_WHITE = 252  # quantizing merges white with the lightest antialiased shades


def chart_png(
    summary: Summary, metric: Metric | None = None, *, size: tuple[int, int] = (1600, 800)
) -> bytes:
    """One metric's stacked bars as a PNG of `size` pixels, with text legible on a phone.

    The metric defaults to the question's, or to spend if the question has none.
    """
    width, height = size
    out = BytesIO()
    paper = PageCanvas(out, size)
    paper.box(0, 0, width, height, "#FFFFFF")
    em = min(width / 50, height / 25)
    box = Box(1.5 * em, 0.9 * em, width - 3 * em, height - 2.1 * em)
    draw_page(paper, box, summary, metric or summary.query.metric or Metric.SPEND, em)
    paper.finish()
    return rasterize(out.getvalue())


def titled_png(
    title: str,
    draw: Callable[[PageCanvas, Box, float], None],
    size: tuple[int, int] = (1600, 800),
) -> bytes:
    """A PNG of `size` pixels with a title above what `draw` draws into a box.

    `draw` gets the canvas, the box, and the size of letters that a phone can show.
    """
    width, height = size
    out = BytesIO()
    paper = PageCanvas(out, size)
    paper.box(0, 0, width, height, "#FFFFFF")
    em = min(width / 46, height / 23)
    room = round((width - 3 * em) / (1.2 * em), 2)
    paper.text(1.5 * em, height - 2 * em, fit(title, Face.BOLD, room), Face.BOLD, 1.2 * em)
    draw(paper, Box(1.5 * em, 0.8 * em, width - 3 * em, height - 4 * em), em)
    paper.finish()
    return rasterize(out.getvalue())


def rasterize(document: bytes) -> bytes:
    """The first page of a PDF as a PNG with one pixel per point."""
    pdf = pypdfium2.PdfDocument(document)
    try:
        image = pdf[0].render(rev_byteorder=True, prefer_bgrx=False).to_pil()
        quantized = image.quantize(_COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        # make the background pure white again
        quantized.putpalette([level for color in _colors(quantized) for level in color])
        out = BytesIO()
        quantized.save(out, "PNG", compress_level=_LEVEL)
        return out.getvalue()
    finally:
        pdf.close()


def _colors(image: Image.Image) -> list[tuple[int, ...]]:
    """The image's palette (RGB), with nearly white colors replaced by white."""
    levels = image.getpalette() or []
    colors = zip(levels[::3], levels[1::3], levels[2::3], strict=True)
    return [(255, 255, 255) if min(color) > _ALMOST_WHITE else color for color in colors]
