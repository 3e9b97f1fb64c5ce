"""The table of an analysis in a PDF: words are wrapped, figures stay whole."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pypdf

from reports.analysis.document import AnalysisDocument, TableColumn
from reports.analysis.pdf import write_analysis_pdf
from reports.questions.query import Query, QueryKind

NOW = datetime(2026, 11, 30, 2, 3, tzinfo=UTC)
COLUMNS = tuple(
    TableColumn(title, right=title == "Used")
    for title in ("Limit", "Used", "Full", "Resets", "Owner")
)
LONG = (
    "Research default for synthetic-data · Key guardrail",
    "$30,388.63 of $33,000.00 (92.1%)",
    "15 Dec (10 Dec to 19 Dec)",
    "Tue 1 Dec, 0:00",
    "Katarzyna Nowak of the research team",
)


def text_of(rows: tuple[tuple[str, ...], ...]) -> list[str]:
    found = AnalysisDocument(
        Query(kind=QueryKind.LIMITS), "Limits", ("Ask `limits me` for yours.",), NOW, NOW,
        columns=COLUMNS, rows=rows,
    )  # fmt: skip
    out = io.BytesIO()
    write_analysis_pdf(found, out, organization="Lumen Labs")
    return [page.extract_text() for page in pypdf.PdfReader(out).pages]


def test_words_that_are_too_long_for_a_column_are_wrapped_and_figures_are_not() -> None:
    [page] = text_of((LONG,))
    assert "…" not in page
    assert LONG[1] in page
    assert set(" ".join(LONG).split()) <= set(page.split())


def test_rows_of_several_lines_go_on_on_the_next_page_under_the_same_heads() -> None:
    pages = text_of((LONG,) * 40)
    assert len(pages) > 1
    assert sum(page.count(LONG[1]) for page in pages) == 40
    assert all("Owner" in page for page in pages)


def test_command_words_are_in_quotation_marks() -> None:
    [page] = text_of((LONG,))
    assert "Ask “limits me” for yours." in page
