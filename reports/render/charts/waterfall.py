"""A waterfall chart: from one level through increases and decreases to another, as a PNG."""

from __future__ import annotations

from collections.abc import Sequence

from reports.render.canvas.canvas import FAINT, GREY, INK, Align, PageCanvas
from reports.render.charts.draw_bars import Box
from reports.render.charts.png import titled_png
from reports.render.fonts import Face
from reports.usage.format import money

Step = tuple[str, int, bool]
"""A label, an amount in nano-dollars, and whether it is a level from zero."""
_LEVEL, _UP, _DOWN = "#475569", "#C2410C", "#15803D"
"""Increases have a warm color, decreases a cool one; they also differ in lightness."""


def waterfall_png(title: str, steps: Sequence[Step], size: tuple[int, int] = (1600, 800)) -> bytes:
    """The steps as a PNG of `size` pixels, with text that a phone can show."""
    return titled_png(title, lambda paper, box, em: draw_waterfall(paper, box, steps, em), size)


def draw_waterfall(paper: PageCanvas, box: Box, steps: Sequence[Step], em: float) -> None:
    """Draw the steps into a box, with a font size of `em` points.

    The axis starts at zero unless all changes are small compared to the levels. Then it starts
    above zero, so that the changes are visible, and a note at its foot says so.
    """
    spans = _spans(steps)
    low, high = min(min(span) for span in spans), max(max(span) for span in spans)
    floor = _floor(
        [span for span, step in zip(spans, steps, strict=True) if not step[2]], low, high
    )
    plot = Box(box.x, box.y + 2.2 * em, box.width, box.height - 4 * em)
    scale = plot.height / max(high - floor, 1)
    slot = plot.width / len(steps)

    def y(value: int) -> float:
        return plot.y + (max(value, floor) - floor) * scale

    paper.rule(plot.x, y(max(0, floor)), plot.right, GREY, em / 14)
    for index, ((label, amount, level), (start, end)) in enumerate(zip(steps, spans, strict=True)):
        x, bar_width = plot.x + (index + 0.14) * slot, 0.72 * slot
        bottom, top = sorted((y(floor if level and floor > 0 else start), y(end)))
        color = _LEVEL if level else _UP if amount > 0 else _DOWN
        paper.box(x, bottom, bar_width, max(top - bottom, em / 10), color)
        if index + 1 < len(steps):
            paper.rule(x + bar_width, y(end), x + slot, FAINT, em / 12)
        amount_text = money(amount) if level or amount <= 0 else f"+{money(amount)}"
        paper.text(
            x + bar_width / 2, top + 0.45 * em, amount_text, Face.BOLD, em, INK, Align.CENTER
        )
        paper.text(x + bar_width / 2, box.y + 0.6 * em, label, size=em, color=GREY,
                   align=Align.CENTER)  # fmt: skip
    if floor > 0:
        paper.text(box.x, box.y - 0.4 * em, f"Bars begin at {money(floor)}", size=0.7 * em,
                   color=GREY)  # fmt: skip


def _spans(steps: Sequence[Step]) -> list[tuple[int, int]]:
    """The start and end value of each bar."""
    spans, running_total = [], 0
    for _, amount, level in steps:
        start = 0 if level else running_total
        running_total = start + amount
        spans.append((start, running_total))
    return spans


def _floor(changes: Sequence[tuple[int, int]], low: int, high: int) -> int:
    """Where the axis starts: above zero only if all changes fit into a quarter of the top level."""
    edges = [edge for span in changes for edge in span]
    if not edges or low < 0 or max(edges) - min(edges) >= high // 4:
        return min(low, 0)
    floor = max(0, min(edges) - 2 * (max(edges) - min(edges)))
    # a round number, so that the note is easy to read: $900 and not $916.24
    step = int(10 ** (len(str(high - floor)) - 1))
    return floor // step * step
