"""The stacked bars: one drawing, as vectors in a PDF and rasterised as a picture for Slack.

All sizes follow from one font size, so the same drawing is right on a page and on a phone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from reports.questions.summary import MetricSummary, Summary
from reports.render.canvas.canvas import FAINT, GREY, Align, PageCanvas
from reports.render.charts import labels
from reports.render.charts.palette import charted, tint
from reports.render.charts.stacked_bars import Bars, Part, stack
from reports.render.fonts import Face, fit, width
from reports.render.tables import averaged_over
from reports.time.timerange import TimeRange
from reports.usage.dimensions import Metric
from reports.usage.format import figure

EMPTY = "No usage in this period"
UNKNOWN = "No data for this period"
NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class Box:
    """A place on the paper, from its lower left corner."""

    x: float
    y: float
    wide: float
    high: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.wide

    @property
    def top(self) -> float:
        """Its upper edge."""
        return self.y + self.high


def draw_bars(
    paper: PageCanvas,
    box: Box,
    bars: Bars,
    span: TimeRange,
    em: float,
    *,
    date: Callable[[str], str] = str,
) -> None:
    """Draw bars with their axes into a box, in letters of size `em`.

    `date` turns the name of a bucket, such as `22 Nov`, into the form that its page has.
    """
    axis = max(width(name, Face.SANS) for name in bars.names) * em + 0.6 * em
    plot = Box(box.x + axis, box.y + 1.8 * em, box.wide - axis, box.high - 2.4 * em)
    scale = plot.high / max(bars.ticks[-1], 1)
    for value, name in zip(bars.ticks, bars.names, strict=True):
        y = plot.y + value * scale
        paper.rule(plot.x, y, plot.right, GREY if value == 0 else FAINT, em / 14)
        paper.text(plot.x - 0.6 * em, y - 0.34 * em, name, size=em, colour=GREY, align=Align.RIGHT)
    _name_buckets(paper, plot, span, em, date)
    _draw_gaps(paper, plot, bars, len(span.buckets), em)
    if bars.empty:
        middle = plot.y + plot.high / 2
        centre = plot.x + plot.wide / 2
        said = UNKNOWN if bars.unknown else EMPTY
        paper.text(centre, middle, said, size=1.2 * em, colour=GREY, align=Align.CENTRE)
        return
    slot = plot.wide / len(span.buckets)
    for index in range(len(span.buckets)):
        column = Box(plot.x + (index + 0.08) * slot, plot.y, 0.84 * slot, plot.high)
        hatched = index in _hatched(bars, span)
        _draw_column(paper, column, bars.parts, index, scale, em, hatched=hatched)


def draw_legend(
    paper: PageCanvas, box: Box, bars: Bars, span: TimeRange, metric: Metric, em: float
) -> None:
    """Draw what the colours mean into a box, from its top down, with each group's figure."""
    notes = [] if bars.empty else hatch_words(bars, span)
    line = min(1.75 * em, box.high / (len(bars.parts) + len(notes) or 1))
    y = box.top - 0.9 * em
    # as in the bars: the first at the bottom would be last here, but readers look for the largest
    for part in bars.parts:
        paper.box(box.x, y - 0.06 * em, 0.8 * em, 0.8 * em, part.colour)
        sum_ = figure(metric, part.sum)
        used = paper.text(box.right, y, sum_, size=em, colour=GREY, align=Align.RIGHT)
        room = (box.wide - 1.3 * em - used - 0.6 * em) / em
        paper.text(box.x + 1.3 * em, y, fit(part.label, Face.SANS, round(room, 2)), size=em)
        y -= line
    for note in notes:
        _draw_mark(paper, Box(box.x, y - 0.06 * em, 0.8 * em, 0.8 * em), GREY, em)
        paper.text(box.x + 1.3 * em, y, note, size=em, colour=GREY)
        y -= line


def draw_page(paper: PageCanvas, box: Box, summary: Summary, metric: Metric, em: float) -> None:
    """Draw a whole picture into a box: what it is, the total, the bars, and what they mean."""
    shown = summary.metrics[metric]
    bars = stack(shown, charted(summary, metric))
    _draw_title(paper, box, summary, shown, bars, em)
    body = Box(box.x, box.y, box.wide, box.high - 4.6 * em)
    grouped = summary.query.by is not None and bool(bars.parts)
    aside = 15 * em if grouped else 0.0
    plot = Box(body.x, body.y, body.wide - aside - (1.6 * em if aside else 0), body.high)
    draw_bars(paper, plot, bars, summary.range, em)
    if grouped:
        legend = Box(body.right - aside, body.y + 1.8 * em, aside, body.high - 1.8 * em)
        draw_legend(paper, legend, bars, summary.range, metric, em)


def _draw_title(
    paper: PageCanvas, box: Box, summary: Summary, shown: MetricSummary, bars: Bars, em: float
) -> None:
    top = box.top - 1.5 * em
    total = figure(shown.metric, shown.sum)
    used = paper.text(box.right, top, total, Face.BOLD, 1.6 * em, align=Align.RIGHT)
    room = (box.wide - used) / (1.6 * em) - 1
    name = fit(labels.heading(summary.query, shown.metric), Face.BOLD, round(room, 2))
    paper.text(box.x, top, name, Face.BOLD, 1.6 * em)
    below = top - 1.6 * em
    average = average_words(summary, shown)
    used = paper.text(box.right, below, average, size=em, colour=GREY, align=Align.RIGHT)
    about = labels.about(summary)
    if summary.query.by is None and not bars.empty:  # there is no legend to say it
        about += "".join(f" · hatched: {note}" for note in hatch_words(bars, summary.range))
    words = fit(about, Face.SANS, round((box.wide - used) / em - 1, 2))
    paper.text(box.x, below, words, size=em, colour=GREY)


def hatch_words(bars: Bars, span: TimeRange) -> list[str]:
    """What hatched bars are: `not over yet (10:31)`, `incomplete data`."""
    at = span.until.astimezone(ZoneInfo(span.zone))
    unfinished = span.unfinished and len(span.buckets) - 1 not in bars.unknown
    notes = [f"not over yet ({at:%H:%M})"] if unfinished else []
    return [*notes, *(["incomplete data"] if bars.incomplete else [])]


def average_words(summary: Summary, part: MetricSummary) -> str:
    """The average for a picture: `$19.90 a day since 29 Nov 2025`, empty where nothing is held."""
    if not part.known:
        return ""
    shown = f"{figure(part.metric, part.avg)} {labels.each(summary.range)}"
    return f"{shown} {averaged_over(summary, part)}".rstrip()


def _hatched(bars: Bars, span: TimeRange) -> frozenset[int]:
    last = {len(span.buckets) - 1} if span.unfinished else set()
    return bars.incomplete | last


def _draw_gaps(paper: PageCanvas, plot: Box, bars: Bars, count: int, em: float) -> None:
    """Mark stretches of buckets without data, which is not the same as no usage."""
    slot = plot.wide / count
    for first, last in _stretches(bars.unknown):
        x, wide = plot.x + first * slot, (last - first + 1) * slot
        paper.box(x, plot.y, wide, plot.high, tint(FAINT, 0.4))
        if wide > (width(NO_DATA, Face.SANS) + 1) * em and not bars.empty:
            centre, middle = x + wide / 2, plot.y + plot.high / 2
            paper.text(centre, middle, NO_DATA, size=em, colour=GREY, align=Align.CENTRE)


def _stretches(indexes: frozenset[int]) -> list[tuple[int, int]]:
    """Runs of neighboring indexes, as first and last."""
    runs: list[tuple[int, int]] = []
    for index in sorted(indexes):
        if runs and runs[-1][1] == index - 1:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return runs


def _name_buckets(
    paper: PageCanvas, plot: Box, span: TimeRange, em: float, date: Callable[[str], str]
) -> None:
    widest = max(width(labels.tick(span, n), Face.SANS) for n in range(len(span.buckets)))
    slot = plot.wide / len(span.buckets)
    edge = plot.right + 0.8 * em
    for index, label in labels.ticks(span, int(plot.wide / ((widest + 1) * em))):
        x = plot.x + (index + 0.5) * slot
        name = date(label)
        half = width(name, Face.SANS) * em / 2
        if x + half <= edge:
            y = plot.y - 1.4 * em
            paper.text(max(x, plot.x + half), y, name, size=em, colour=GREY, align=Align.CENTRE)


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
        high = max(part.values[index], 0) * scale
        if not high:
            continue
        # a hair of white between two colours tells them apart where hues do not
        gap = min(em / 16, high / 4) if y > column.y else 0.0
        piece = Box(column.x, y + gap, column.wide, high - gap)
        if hatched:
            _draw_mark(paper, piece, part.colour, em)
        else:
            paper.box(piece.x, piece.y, piece.wide, piece.high, part.colour)
        y += high


def _draw_mark(paper: PageCanvas, box: Box, colour: str, em: float) -> None:
    """What is not over yet: the colour thinned, and hatched with itself."""
    paper.box(box.x, box.y, box.wide, box.high, tint(colour, 0.35))
    paper.hatch(box.x, box.y, box.wide, box.high, colour, em / 3.2)
