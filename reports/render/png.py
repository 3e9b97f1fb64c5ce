"""Charts as PNG: the page that a PDF would hold, rasterised and packed quickly.

PDFium is not thread-safe: a process draws one picture at a time.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pypdfium2

from reports.query import Metric
from reports.render.chart import Box, draw_page
from reports.render.paper import Paper
from reports.summary import Summary


def chart_png(
    summary: Summary, metric: Metric | None = None, *, size: tuple[int, int] = (1600, 800)
) -> bytes:
    """A picture of one metric's stacked bars, of so many pixels; by default the metric asked for.

    Lettered so large that it is readable on a phone. Without a metric: spend.
    """
    wide, high = size
    out = BytesIO()
    paper = Paper(out, size)
    paper.box(0, 0, wide, high, "#FFFFFF")
    em = min(wide / 50, high / 25)
    box = Box(1.5 * em, 0.9 * em, wide - 3 * em, high - 2.1 * em)
    draw_page(paper, box, summary, metric or summary.query.metric or Metric.SPEND, em)
    paper.finish()
    return rasterise(out.getvalue())


def rasterise(document: bytes) -> bytes:
    """The first page of a PDF as PNG, a pixel a point."""
    pdf = pypdfium2.PdfDocument(document)
    try:
        bitmap = pdf[0].render(rev_byteorder=True, prefer_bgrx=False)
        return _png(bitmap.width, bitmap.height, bitmap.stride, memoryview(bitmap.buffer))
    finally:
        pdf.close()


def _png(wide: int, high: int, stride: int, pixels: memoryview) -> bytes:
    """Pack RGB pixels with as little effort as keeps the file small: charts are flat colours."""
    packer = zlib.compressobj(1)
    rows = pixels.cast("B")
    packed: list[bytes] = []
    for start in range(0, high * stride, stride):
        packed += (packer.compress(b"\0"), packer.compress(rows[start : start + 3 * wide]))
    packed.append(packer.flush())
    header = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", b"".join(packed)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
