"""A waterfall: from one level over what was added and taken away to another, as a PNG."""

from __future__ import annotations

from collections.abc import Sequence

from reports.render.canvas.canvas import FAINT, GREY, INK, Align, PageCanvas
from reports.render.charts.draw import Box
from reports.render.charts.png import titled_png
from reports.render.fonts import Face
from reports.usage.format import money

Step = tuple[str, int, bool]
"""A label, an amount in nano-dollars, and whether it is a level from zero."""
_LEVEL, _UP, _DOWN = "#475569", "#C2410C", "#15803D"
"""More spend is the warm color, less the cool one; both differ in lightness too."""


def waterfall_png(title: str, steps: Sequence[Step], size: tuple[int, int] = (1600, 800)) -> bytes:
    """The steps as a PNG of `size` pixels, with text that a phone can show."""
    return titled_png(title, lambda paper, box, em: draw_waterfall(paper, box, steps, em), size)


def draw_waterfall(paper: PageCanvas, box: Box, steps: Sequence[Step], em: float) -> None:
    """Draw the steps into a box, in letters of size `em`.

    The axis begins at zero unless all changes are small beside the levels: then it is cut above
    zero, which is written at its foot, so that they can be seen at all.
    """
    spans = _spans(steps)
    low, high = min(min(span) for span in spans), max(max(span) for span in spans)
    floor = _floor(
        [span for span, step in zip(spans, steps, strict=True) if not step[2]], low, high
    )
    plot = Box(box.x, box.y + 2.2 * em, box.wide, box.high - 4 * em)
    scale = plot.high / max(high - floor, 1)
    slot = plot.wide / len(steps)

    def y(value: int) -> float:
        return plot.y + (max(value, floor) - floor) * scale

    paper.rule(plot.x, y(max(0, floor)), plot.right, GREY, em / 14)
    for at, ((label, amount, level), (start, end)) in enumerate(zip(steps, spans, strict=True)):
        x, broad = plot.x + (at + 0.14) * slot, 0.72 * slot
        bottom, top = sorted((y(floor if level and floor > 0 else start), y(end)))
        colour = _LEVEL if level else _UP if amount > 0 else _DOWN
        paper.box(x, bottom, broad, max(top - bottom, em / 10), colour)
        if at + 1 < len(steps):
            paper.rule(x + broad, y(end), x + slot, FAINT, em / 12)
        shown = money(amount) if level or amount <= 0 else f"+{money(amount)}"
        paper.text(x + broad / 2, top + 0.45 * em, shown, Face.BOLD, em, INK, Align.CENTRE)
        paper.text(x + broad / 2, box.y + 0.6 * em, label, size=em, colour=GREY,
                   align=Align.CENTRE)  # fmt: skip
    if floor > 0:
        paper.text(box.x, box.y - 0.4 * em, f"Bars begin at {money(floor)}", size=0.7 * em,
                   colour=GREY)  # fmt: skip


def _spans(steps: Sequence[Step]) -> list[tuple[int, int]]:
    """Where each bar begins and ends."""
    spans, at = [], 0
    for _, amount, level in steps:
        start = 0 if level else at
        at = start + amount
        spans.append((start, at))
    return spans


def _floor(changes: Sequence[tuple[int, int]], low: int, high: int) -> int:
    """The foot of the axis: zero, or where changes are less than a quarter of the levels, above."""
    edges = [edge for span in changes for edge in span]
    if not edges or low < 0 or max(edges) - min(edges) >= high // 4:
        return min(low, 0)
    return max(0, min(edges) - 2 * (max(edges) - min(edges)))
