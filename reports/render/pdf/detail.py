"""The detail of one metric: a summary of all groups, a section per group, and the total."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from reports.questions.range_names import axis_date
from reports.questions.summary import Summary
from reports.render.canvas.canvas import GREY, INK, Align
from reports.render.charts.bar_data import stack
from reports.render.charts.draw_bars import Box, draw_bars
from reports.render.charts.palette import charted, color, colors
from reports.render.fonts import Face, fit
from reports.render.pdf.cover import CoverFacts, draw_cover, draw_figures
from reports.render.pdf.figure_columns import Columns, columns
from reports.render.pdf.groups import draw_groups
from reports.render.pdf.pages import LEFT, PAGE_WIDTH, RIGHT, Pages
from reports.render.pdf.rows import LEADING, Rows
from reports.render.pdf.table import SIZE, SWATCH, Layout, draw_header
from reports.usage.dimensions import Metric
from reports.usage.format import figure, percent
from reports.usage.usage import ZERO, Usage, UsageRow, total
from reports.wording.safe_text import clean

# heights of the parts of a page, in points; chosen by eye
_CHART = 150.0
_HEADING = 34.0
_HEADER = 19.0
_SUBTOTAL = 24.0
_SECTION_GAP = 16.0
_MIN_ROWS = 4  # a section starts on a new page if fewer rows than this fit


def write_detail(
    pages: Pages,
    summary: Summary,
    metric: Metric,
    sections: Iterable[tuple[str, Iterable[UsageRow]]],
    facts: CoverFacts,
) -> None:
    """Draw the whole detail, without finishing its last page.

    Raises ValueError if the rows don't add up to the summary.
    """
    figure_columns = columns(metric, summary.query.source, summary.totals)
    write_summary(pages, summary, metric, facts)
    writer = _Sections(pages, summary, metric, figure_columns, colors(summary))
    grand_total = total(writer.section(label, rows) for label, rows in sections)
    if figure_columns.values(grand_total) != figure_columns.values(summary.totals):
        raise ValueError("the rows do not add up to the summary")
    if writer.has_sections:
        writer.grand_total(grand_total)


def write_summary(
    pages: Pages, summary: Summary, metric: Metric, facts: CoverFacts, *, most: int | None = None
) -> None:
    """Draw the summary of one metric, with all groups or the `most` largest.

    Its last page isn't finished yet.
    """
    colors_by_label = colors(summary)
    draw_cover(pages, summary, facts)
    pages.paper.bookmark("Summary", 842)
    draw_figures(pages, summary, metric)
    bars = stack(summary.metrics[metric], charted(summary, metric))
    box = Box(LEFT, pages.y - _CHART, PAGE_WIDTH, _CHART)
    draw_bars(pages.paper, box, bars, summary.range, 7.5, date=axis_date)
    pages.y -= _CHART + 16
    draw_groups(pages, summary, colors_by_label, facts.organization, most=most)


class _Sections:
    """Draws sections one after another; short ones share a page."""

    def __init__(
        self,
        pages: Pages,
        summary: Summary,
        metric: Metric,
        shape: Columns,
        colors_by_label: dict[str, str],
    ) -> None:
        self._pages, self._summary, self._metric = pages, summary, metric
        self._shape, self._colors = shape, colors_by_label
        self._rows = Rows(pages.paper, summary.range, shape)
        self._sums = {group.label: group for group in summary.metrics[metric].groups}
        self._layout = Layout("Date", shape.titles, shape.widths)
        self.has_sections = False

    def section(self, label: str, rows: Iterable[UsageRow]) -> Usage:
        """Draw a group's rows over as many pages as they need; returns their total."""
        name = self._begin_section(label)
        subtotal = ZERO
        pending: list[UsageRow] = []
        source = iter(rows)
        while True:
            room = int(self._pages.room / LEADING)
            pending += islice(source, room + 1 - len(pending))
            if len(pending) * LEADING + _SUBTOTAL <= self._pages.room:
                break
            # never a subtotal alone on a page: keep at least one row with it
            count = min(room, len(pending) - 1)
            subtotal = total((subtotal, self._draw_rows(pending[:count])))
            del pending[:count]
            self._pages.next_page(name)
            self._header()
        subtotal = total((subtotal, self._draw_rows(pending)))
        self._draw_sum("SUBTOTAL", subtotal)
        return subtotal

    def grand_total(self, everything: Usage) -> None:
        """Draw the sum of all sections on the last page."""
        if self._pages.room < 60:
            self._pages.next_page("Total")
        self._pages.y -= 14
        self._pages.paper.bookmark("Total", self._pages.y + 12)
        self._pages.paper.rule(LEFT, self._pages.y + 2, RIGHT, INK, 1)
        self._draw_sum("TOTAL", everything)
        note = "All sections together: the total of the summary on page 1."
        self._pages.paper.text(LEFT, self._pages.y - 2, note, size=7.5, color=GREY)

    def _begin_section(self, label: str) -> str:
        """Draw a section's heading; returns the running header of its pages."""
        pages, paper = self._pages, self._pages.paper
        needed = _HEADING + _HEADER + _MIN_ROWS * LEADING + _SUBTOTAL
        grouped = self._summary.query.by is not None
        name, group = clean(label) if grouped else "All usage", self._sums.get(label)
        if not self.has_sections or pages.room < needed + _SECTION_GAP:
            pages.next_page(name)
        else:
            pages.y -= _SECTION_GAP
        self.has_sections = True
        paper.bookmark(name, pages.y + 6)
        y, x = pages.y - 14, LEFT
        if grouped:
            paper.box(x, y - 0.4, 1.4 * SWATCH, 1.4 * SWATCH, color(label, self._colors))
            x += 1.4 * SWATCH + 6
        used_width = 0.0
        if group is not None and grouped:
            share = f"{figure(self._metric, group.sum)} · {percent(group.share)} of the total"
            used_width = paper.text(RIGHT, y, share, size=8.5, color=GREY, align=Align.RIGHT)
        room = round((RIGHT - x - used_width) / 14 - 1, 2)
        paper.text(x, y, fit(name, Face.BOLD, room), Face.BOLD, 14)
        pages.y -= _HEADING - 6
        self._header()
        return name

    def _header(self) -> None:
        names = ((LEFT, "Date"), (self._rows.slug_at, "Slug"))
        draw_header(self._pages, names, self._layout)
        self._pages.y -= 2

    def _draw_rows(self, rows: list[UsageRow]) -> Usage:
        if not rows:
            return ZERO
        self._rows.draw(rows, self._pages.y)
        self._pages.y -= len(rows) * LEADING
        return self._shape.add_up([row.usage for row in rows])

    def _draw_sum(self, name: str, usage: Usage) -> None:
        pages = self._pages
        pages.y -= 3
        pages.paper.rule(LEFT, pages.y, RIGHT, INK, 1)
        y = pages.y - 12
        pages.paper.text(LEFT, y, name, Face.BOLD, SIZE)
        line = self._shape.line(usage)
        pages.paper.text(RIGHT, y, line, Face.MONO_BOLD, SIZE, align=Align.RIGHT)
        pages.y -= _SUBTOTAL
