"""Draws stacked bar charts as vectors, for PDF files and for the PNG that Slack shows.

All sizes derive from one font size (`em`), so the same drawing fits a page and a phone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from reports.questions.summary import MetricSummary, Summary
from reports.render.canvas.canvas import FAINT, GREY, Align, PageCanvas
from reports.render.charts import labels
from reports.render.charts.bar_data import Bars, Part, stack
from reports.render.charts.palette import charted, tint
from reports.render.fonts import Face, fit, text_width
from reports.render.tables import averaged_over
from reports.time.time_range import TimeRange
from reports.usage.dimensions import Metric
from reports.usage.format import figure

EMPTY = "No usage in this period"
UNKNOWN = "No data for this period"
NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the page, in points from the lower left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width

    @property
    def top(self) -> float:
        """Its upper edge."""
        return self.y + self.height


def draw_bars(
    paper: PageCanvas,
    box: Box,
    bars: Bars,
    span: TimeRange,
    em: float,
    *,
    date: Callable[[str], str] = str,
) -> None:
    """Draw bars with their axes into a box, with a font size of `em` points.

    `date` converts an axis label such as `22 Nov` into the date format of the document.
    """
    axis = max(text_width(name, Face.SANS) for name in bars.names) * em + 0.6 * em
    plot = Box(box.x + axis, box.y + 1.8 * em, box.width - axis, box.height - 2.4 * em)
    scale = plot.height / max(bars.ticks[-1], 1)
    for value, name in zip(bars.ticks, bars.names, strict=True):
        y = plot.y + value * scale
        paper.rule(plot.x, y, plot.right, GREY if value == 0 else FAINT, em / 14)
        paper.text(plot.x - 0.6 * em, y - 0.34 * em, name, size=em, color=GREY, align=Align.RIGHT)
    _draw_bucket_labels(paper, plot, span, em, date)
    _draw_gaps(paper, plot, bars, len(span.buckets), em)
    if bars.empty:
        middle = plot.y + plot.height / 2
        center = plot.x + plot.width / 2
        message = UNKNOWN if bars.unknown else EMPTY
        paper.text(center, middle, message, size=1.2 * em, color=GREY, align=Align.CENTER)
        return
    slot = plot.width / len(span.buckets)
    for index in range(len(span.buckets)):
        column = Box(plot.x + (index + 0.08) * slot, plot.y, 0.84 * slot, plot.height)
        hatched = index in _hatched(bars, span)
        _draw_column(paper, column, bars.parts, index, scale, em, hatched=hatched)


def draw_legend(
    paper: PageCanvas, box: Box, bars: Bars, span: TimeRange, metric: Metric, em: float
) -> None:
    """Draw the legend into a box, from the top down, with each group's sum."""
    notes = [] if bars.empty else hatch_words(bars, span)
    line = min(1.75 * em, box.height / (len(bars.parts) + len(notes) or 1))
    y = box.top - 0.9 * em
    # largest first, as readers expect, although the largest is at the bottom of each bar
    for part in bars.parts:
        paper.box(box.x, y - 0.06 * em, 0.8 * em, 0.8 * em, part.color)
        total = figure(metric, part.sum)
        used_width = paper.text(box.right, y, total, size=em, color=GREY, align=Align.RIGHT)
        room = (box.width - 1.3 * em - used_width - 0.6 * em) / em
        paper.text(box.x + 1.3 * em, y, fit(part.label, Face.SANS, round(room, 2)), size=em)
        y -= line
    for note in notes:
        _draw_hatched_box(paper, Box(box.x, y - 0.06 * em, 0.8 * em, 0.8 * em), GREY, em)
        paper.text(box.x + 1.3 * em, y, note, size=em, color=GREY)
        y -= line


def draw_page(paper: PageCanvas, box: Box, summary: Summary, metric: Metric, em: float) -> None:
    """Draw a complete chart into a box: title, total, bars and legend."""
    part = summary.metrics[metric]
    bars = stack(part, charted(summary, metric))
    _draw_title(paper, box, summary, part, bars, em)
    body = Box(box.x, box.y, box.width, box.height - 4.6 * em)
    grouped = summary.query.by is not None and bool(bars.parts)
    legend_width = 15 * em if grouped else 0.0
    plot = Box(
        body.x, body.y, body.width - legend_width - (1.6 * em if legend_width else 0), body.height
    )
    draw_bars(paper, plot, bars, summary.range, em)
    if grouped:
        legend = Box(
            body.right - legend_width, body.y + 1.8 * em, legend_width, body.height - 1.8 * em
        )
        draw_legend(paper, legend, bars, summary.range, metric, em)


def _draw_title(
    paper: PageCanvas, box: Box, summary: Summary, part: MetricSummary, bars: Bars, em: float
) -> None:
    top = box.top - 1.5 * em
    total = figure(part.metric, part.sum)
    used_width = paper.text(box.right, top, total, Face.BOLD, 1.6 * em, align=Align.RIGHT)
    room = (box.width - used_width) / (1.6 * em) - 1
    name = fit(labels.heading(summary.query, part.metric), Face.BOLD, round(room, 2))
    paper.text(box.x, top, name, Face.BOLD, 1.6 * em)
    below = top - 1.6 * em
    average = average_words(summary, part)
    used_width = paper.text(box.right, below, average, size=em, color=GREY, align=Align.RIGHT)
    subtitle = labels.subtitle(summary)
    if summary.query.by is None and not bars.empty:  # there is no legend to explain the hatching
        subtitle += "".join(f" · hatched: {note}" for note in hatch_words(bars, summary.range))
    words = fit(subtitle, Face.SANS, round((box.width - used_width) / em - 1, 2))
    paper.text(box.x, below, words, size=em, color=GREY)


def hatch_words(bars: Bars, span: TimeRange) -> list[str]:
    """What hatched bars mean: `not over yet (10:31)`, `incomplete data`."""
    at = span.until.astimezone(ZoneInfo(span.zone))
    unfinished = span.unfinished and len(span.buckets) - 1 not in bars.unknown
    notes = [f"not over yet ({at:%H:%M})"] if unfinished else []
    return [*notes, *(["incomplete data"] if bars.incomplete else [])]


def average_words(summary: Summary, part: MetricSummary) -> str:
    """The average for a chart: `$19.90 a day since 29 Nov 2025`; empty if nothing is stored."""
    if not part.known:
        return ""
    average = f"{figure(part.metric, part.avg)} {labels.each(summary.range)}"
    return f"{average} {averaged_over(summary, part)}".rstrip()


def _hatched(bars: Bars, span: TimeRange) -> frozenset[int]:
    last = {len(span.buckets) - 1} if span.unfinished else set()
    return bars.incomplete | last


def _draw_gaps(paper: PageCanvas, plot: Box, bars: Bars, count: int, em: float) -> None:
    """Shade runs of buckets without data, so that they don't look like zero usage."""
    slot = plot.width / count
    for first, last in _consecutive_runs(bars.unknown):
        x, width = plot.x + first * slot, (last - first + 1) * slot
        paper.box(x, plot.y, width, plot.height, tint(FAINT, 0.4))
        if width > (text_width(NO_DATA, Face.SANS) + 1) * em and not bars.empty:
            center, middle = x + width / 2, plot.y + plot.height / 2
            paper.text(center, middle, NO_DATA, size=em, color=GREY, align=Align.CENTER)


def _consecutive_runs(indexes: frozenset[int]) -> list[tuple[int, int]]:
    """Runs of consecutive indexes, as pairs of first and last."""
    runs: list[tuple[int, int]] = []
    for index in sorted(indexes):
        if runs and runs[-1][1] == index - 1:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return runs


def _draw_bucket_labels(
    paper: PageCanvas, plot: Box, span: TimeRange, em: float, date: Callable[[str], str]
) -> None:
    widest = max(text_width(labels.tick(span, n), Face.SANS) for n in range(len(span.buckets)))
    slot = plot.width / len(span.buckets)
    edge = plot.right + 0.8 * em
    for index, label in labels.ticks(span, int(plot.width / ((widest + 1) * em))):
        x = plot.x + (index + 0.5) * slot
        name = date(label)
        half_width = text_width(name, Face.SANS) * em / 2
        if x + half_width <= edge:
            y = plot.y - 1.4 * em
            paper.text(
                max(x, plot.x + half_width), y, name, size=em, color=GREY, align=Align.CENTER
            )


def _draw_column(
    paper: PageCanvas,
    column: Box,
    parts: tuple[Part, ...],
    index: int,
    scale: float,
    em: float,
    *,
    hatched: bool,
) -> None:
    y = column.y
    for part in parts:
        height = max(part.values[index], 0) * scale
        if not height:
            continue
        # a thin white gap separates two segments even if their colors look alike
        gap = min(em / 16, height / 4) if y > column.y else 0.0
        segment = Box(column.x, y + gap, column.width, height - gap)
        if hatched:
            _draw_hatched_box(paper, segment, part.color, em)
        else:
            paper.box(segment.x, segment.y, segment.width, segment.height, part.color)
        y += height


def _draw_hatched_box(paper: PageCanvas, box: Box, color: str, em: float) -> None:
    """Fill a box with a light tint of the color, hatched with the color itself."""
    paper.box(box.x, box.y, box.width, box.height, tint(color, 0.35))
    paper.hatch(box.x, box.y, box.width, box.height, color, em / 3.2)
