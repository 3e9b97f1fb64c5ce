"""The detail of one metric: a summary of all groups, a section for each, and the total."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from reports.questions.range_names import axis_date
from reports.questions.summary import Summary
from reports.render.canvas.canvas import GREY, INK, Align
from reports.render.charts.draw import Box, draw_bars
from reports.render.charts.palette import charted, colour, colours
from reports.render.charts.stacked_bars import stack
from reports.render.fonts import Face, fit
from reports.render.pdf.cover import Sheet, draw_cover, draw_figures
from reports.render.pdf.figures import Columns, columns
from reports.render.pdf.groups import draw_groups
from reports.render.pdf.pages import LEFT, RIGHT, WIDE, Pages
from reports.render.pdf.rows import LEADING, Rows
from reports.render.pdf.table import SIZE, SWATCH, Layout, draw_header
from reports.usage.dimensions import Metric
from reports.usage.format import figure, percent
from reports.usage.usage import ZERO, Usage, UsageRow, total
from reports.wording.safe_text import clean

_CHART = 150.0
_HEADING = 34.0
_HEADER = 19.0
_SUBTOTAL = 24.0
_BETWEEN = 16.0
_FEWEST = 4  # rows that a section begins with on a page, or else begins on the next


def write_detail(
    pages: Pages,
    summary: Summary,
    metric: Metric,
    sections: Iterable[tuple[str, Iterable[UsageRow]]],
    sheet: Sheet,
) -> None:
    """Draw the whole detail; its last page is left open."""
    shape = columns(metric, summary.query.source, summary.totals)
    write_summary(pages, summary, metric, sheet)
    writer = _Sections(pages, summary, metric, shape, colours(summary))
    everything = total(writer.section(label, rows) for label, rows in sections)
    if shape.values(everything) != shape.values(summary.totals):
        raise ValueError("the rows do not add up to the summary")
    if writer.any:
        writer.grand_total(everything)


def write_summary(
    pages: Pages, summary: Summary, metric: Metric, sheet: Sheet, *, most: int | None = None
) -> None:
    """Draw the summary of one metric, with all groups or the largest; its last page is open."""
    known = colours(summary)
    draw_cover(pages, summary, sheet)
    pages.paper.bookmark("Summary", 842)
    draw_figures(pages, summary, metric)
    bars = stack(summary.metrics[metric], charted(summary, metric))
    box = Box(LEFT, pages.y - _CHART, WIDE, _CHART)
    draw_bars(pages.paper, box, bars, summary.range, 7.5, date=axis_date)
    pages.y -= _CHART + 16
    draw_groups(pages, summary, known, sheet.organization, most=most)


class _Sections:
    """The sections, one after another; a short one does not need a page of its own."""

    def __init__(
        self,
        pages: Pages,
        summary: Summary,
        metric: Metric,
        shape: Columns,
        known: dict[str, str],
    ) -> None:
        self._pages, self._summary, self._metric = pages, summary, metric
        self._shape, self._known = shape, known
        self._rows = Rows(pages.paper, summary.range, shape)
        self._sums = {group.label: group for group in summary.metrics[metric].groups}
        self._layout = Layout("Date", shape.titles, shape.widths)
        self.any = False

    def section(self, label: str, rows: Iterable[UsageRow]) -> Usage:
        """Draw a group's rows over as many pages as they need; returns what they add up to."""
        name = self._begin(label)
        subtotal = ZERO
        waiting: list[UsageRow] = []
        source = iter(rows)
        while True:
            room = int(self._pages.room / LEADING)
            waiting += islice(source, room + 1 - len(waiting))
            if len(waiting) * LEADING + _SUBTOTAL <= self._pages.room:
                break
            # a subtotal never stands alone: at least one row goes with it
            now = min(room, len(waiting) - 1)
            subtotal = total((subtotal, self._draw(waiting[:now])))
            del waiting[:now]
            self._pages.turn(name)
            self._header()
        subtotal = total((subtotal, self._draw(waiting)))
        self._sum("SUBTOTAL", subtotal)
        return subtotal

    def grand_total(self, everything: Usage) -> None:
        """The sum of all sections, on the last page."""
        if self._pages.room < 60:
            self._pages.turn("Total")
        self._pages.y -= 14
        self._pages.paper.bookmark("Total", self._pages.y + 12)
        self._pages.paper.rule(LEFT, self._pages.y + 2, RIGHT, INK, 1)
        self._sum("TOTAL", everything)
        note = "All sections together: the total of the summary on page 1."
        self._pages.paper.text(LEFT, self._pages.y - 2, note, size=7.5, colour=GREY)

    def _begin(self, label: str) -> str:
        """Draw a section's heading; returns what its pages are called."""
        pages, paper = self._pages, self._pages.paper
        needed = _HEADING + _HEADER + _FEWEST * LEADING + _SUBTOTAL
        grouped = self._summary.query.by is not None
        name, group = clean(label) if grouped else "All usage", self._sums.get(label)
        if not self.any or pages.room < needed + _BETWEEN:
            pages.turn(name)
        else:
            pages.y -= _BETWEEN
        self.any = True
        paper.bookmark(name, pages.y + 6)
        y, x = pages.y - 14, LEFT
        if grouped:
            paper.box(x, y - 0.4, 1.4 * SWATCH, 1.4 * SWATCH, colour(label, self._known))
            x += 1.4 * SWATCH + 6
        used = 0.0
        if group is not None and grouped:
            share = f"{figure(self._metric, group.sum)} · {percent(group.share)} of the total"
            used = paper.text(RIGHT, y, share, size=8.5, colour=GREY, align=Align.RIGHT)
        room = round((RIGHT - x - used) / 14 - 1, 2)
        paper.text(x, y, fit(name, Face.BOLD, room), Face.BOLD, 14)
        pages.y -= _HEADING - 6
        self._header()
        return name

    def _header(self) -> None:
        names = ((LEFT, "Date"), (self._rows.slug_at, "Slug"))
        draw_header(self._pages, names, self._layout)
        self._pages.y -= 2

    def _draw(self, rows: list[UsageRow]) -> Usage:
        if not rows:
            return ZERO
        self._rows.draw(rows, self._pages.y)
        self._pages.y -= len(rows) * LEADING
        return self._shape.add_up([row.usage for row in rows])

    def _sum(self, name: str, usage: Usage) -> None:
        pages = self._pages
        pages.y -= 3
        pages.paper.rule(LEFT, pages.y, RIGHT, INK, 1)
        y = pages.y - 12
        pages.paper.text(LEFT, y, name, Face.BOLD, SIZE)
        line = self._shape.line(usage)
        pages.paper.text(RIGHT, y, line, Face.MONO_BOLD, SIZE, align=Align.RIGHT)
        pages.y -= _SUBTOTAL
