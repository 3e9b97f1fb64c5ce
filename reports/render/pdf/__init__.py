"""PDF files: an overview of all metrics, or one metric in every detail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from reports.render.labels import heading
from reports.render.paper import Paper
from reports.render.pdf.cover import Sheet
from reports.render.pdf.detail import write_detail
from reports.render.pdf.overview import write_overview
from reports.render.pdf.pages import Pages
from reports.summary import Summary
from reports.usage import UsageRow

Sections = Iterable[tuple[str, Iterable[UsageRow]]]


def write_pdf(
    summary: Summary,
    sections: Sections,
    out: BinaryIO,
    *,
    organisation: str,
    source: str = "OpenRouter analytics",
    command: str = "/activity",
) -> int:
    """Write an answer as a PDF document; returns how many pages it has.

    `sections` are the groups of a detail, each with its rows, newest first, in the order in which
    they are to stand; an overview reads none. Pages go out as they are finished, so that memory
    does not grow with the rows. ValueError if the rows do not add up to the summary: what was
    written by then is worthless.
    """
    query = summary.query
    paper = Paper(out, title=f"{heading(query)} · {organisation}")
    pages = Pages(paper, heading(query), summary)
    sheet = Sheet(organisation, source, query.command(command))
    if query.metric is None:
        write_overview(pages, summary, sheet)
    else:
        write_detail(pages, summary, query.metric, sections, sheet)
    return pages.finish()
