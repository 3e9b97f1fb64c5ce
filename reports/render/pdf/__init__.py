"""PDF files: an overview of all metrics, or one metric in full detail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from reports.questions.summary import Summary
from reports.render.canvas.canvas import PageCanvas
from reports.render.pdf.cover import CoverFacts, document_title, restrictions
from reports.render.pdf.detail import write_detail, write_summary
from reports.render.pdf.groups import MOST_ON_A_SUMMARY
from reports.render.pdf.overview import write_overview
from reports.render.pdf.pages import Pages
from reports.usage.usage import UsageRow
from reports.wording.safe_text import clean

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
    """Write an answer as a PDF document to `out`; returns the number of pages.

    `sections` are the groups of a metric's detail in document order, each with its rows, newest
    first; an overview doesn't read them. Pages are written as they are finished, so that memory
    use is constant. Raises ValueError if the rows don't add up to the summary; the output is then
    unusable.
    """
    pages, facts = _begin(
        summary, out, CoverFacts(organization, source, summary.query.command(command))
    )
    if summary.query.metric is None:
        write_overview(pages, summary, facts)
    else:
        write_detail(pages, summary, summary.query.metric, sections, facts)
    return pages.finish()


def write_pdf_summary(
    summary: Summary,
    out: BinaryIO,
    *,
    organization: str,
    source: str = "OpenRouter analytics",
    command: str = "/activity",
) -> int:
    """Write one or two pages with the largest groups; returns the number of pages."""
    pages, facts = _begin(
        summary, out, CoverFacts(organization, source, summary.query.command(command))
    )
    if summary.query.metric is None:
        write_overview(pages, summary, facts, most=MOST_ON_A_SUMMARY)
    else:
        write_summary(pages, summary, summary.query.metric, facts, most=MOST_ON_A_SUMMARY)
    return pages.finish()


def _begin(summary: Summary, out: BinaryIO, facts: CoverFacts) -> tuple[Pages, CoverFacts]:
    limited = restrictions(summary.query)
    title = document_title(summary) + (f" · {limited}" if limited else "")
    paper = PageCanvas(out, title=f"{title} · {clean(facts.organization)}")
    return Pages(paper, title, summary.as_of, summary.range.until), facts
