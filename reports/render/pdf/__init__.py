"""PDF files: an overview of all metrics, or one metric in every detail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from reports.questions.summary import Summary
from reports.render.canvas.canvas import PageCanvas
from reports.render.pdf.cover import Sheet, document_title, restrictions
from reports.render.pdf.detail import write_detail, write_summary
from reports.render.pdf.groups import MOST_ON_A_SUMMARY
from reports.render.pdf.overview import write_overview
from reports.render.pdf.pages import Pages
from reports.usage.usage import UsageRow

Sections = Iterable[tuple[str, Iterable[UsageRow]]]


def write_pdf(
    summary: Summary,
    sections: Sections,
    out: BinaryIO,
    *,
    organization: str,
    source: str = "OpenRouter analytics",
    command: str = "/activity",
) -> int:
    """Write an answer as a PDF document to `out`; returns how many pages it has.

    `sections` are the groups of a detail in the order of the document, each with its rows, newest
    first; an overview reads none. Pages are written as they are finished, so that memory does not
    grow with the rows. Raises ValueError if the rows do not add up to the summary; what was
    written by then is worthless.
    """
    pages, sheet = _begin(summary, out, Sheet(organization, source, summary.query.command(command)))
    if summary.query.metric is None:
        write_overview(pages, summary, sheet)
    else:
        write_detail(pages, summary, summary.query.metric, sections, sheet)
    return pages.finish()


def write_pdf_summary(
    summary: Summary,
    out: BinaryIO,
    *,
    organization: str,
    source: str = "OpenRouter analytics",
    command: str = "/activity",
) -> int:
    """Write the summary alone, one or two pages with the largest groups; returns how many."""
    pages, sheet = _begin(summary, out, Sheet(organization, source, summary.query.command(command)))
    if summary.query.metric is None:
        write_overview(pages, summary, sheet, most=MOST_ON_A_SUMMARY)
    else:
        write_summary(pages, summary, summary.query.metric, sheet, most=MOST_ON_A_SUMMARY)
    return pages.finish()


def _begin(summary: Summary, out: BinaryIO, sheet: Sheet) -> tuple[Pages, Sheet]:
    limited = restrictions(summary.query)
    title = document_title(summary) + (f" · {limited}" if limited else "")
    paper = PageCanvas(out, title=f"{title} · {sheet.organization}")
    return Pages(paper, title, summary.as_of, summary.range.until), sheet
