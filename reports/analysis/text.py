"""Writes an analysis as text for the terminal, as JSON, and as CSV."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, BinaryIO

from reports.analysis.document import AnalysisDocument
from reports.questions.wording import stamp
from reports.render.csv import quoted
from reports.render.terminal import character_table
from reports.wording.safe_text import clean

_LONGEST_CELL = 60


def as_terminal(found: AnalysisDocument) -> str:
    """The answer as lines of text; names are cleaned of control characters."""
    lines = [clean(found.title, 300), *([clean(found.scope, 600)] if found.scope else []), ""]
    lines += [clean(words, 2_000) for words in found.sentences]
    if found.rows:
        rows = [[clean(cell, _LONGEST_CELL) if cell else "" for cell in row] for row in found.rows]
        align = "".join("r" if column.right else "l" for column in found.columns)
        heads = tuple(column.title for column in found.columns)
        lines += ["", character_table(rows, heads, align)]
    lines += ["", *(clean(words, 2_000) for words in found.notes)]
    lines.append(f"Data as of {stamp(found.as_of)}" if found.as_of else "Never synced")
    lines += [f"Incomplete: {clean(words, 2_000)}" for words in found.partial]
    return "\n".join(lines)


def analysis_json(found: AnalysisDocument, command: str = "/activity") -> dict[str, Any]:
    """The whole answer as plain JSON values; `command` is the command's name in Slack."""
    query = found.query
    span = found.range
    return {
        "query": {
            "command": query.command(command),
            "kind": str(query.kind),
            "metric": query.metric and str(query.metric),
            "period": str(query.period),
            "by": query.by and str(query.by),
            "source": str(query.source),
            "filters": [str(one) for one in query.filters],
        },
        **({"range": {"start": iso(span.start), "end": iso(span.until)}} if span else {}),
        "as_of": found.as_of and iso(found.as_of),
        "partial": list(found.partial),
        **found.data(),
    }


def iso(moment: datetime) -> str:
    """A time in UTC as formatted in JSON."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_analysis_csv(found: AnalysisDocument, out: BinaryIO) -> int:
    """Write the exact rows in the format of all CSV files; returns their number."""
    exact = found.exact()
    out.write((",".join(exact.columns) + "\n").encode())
    for row in exact.rows:
        cells = (
            f'"{cell}"' if isinstance(cell, int) or at in exact.figures else quoted(cell)
            for at, cell in enumerate(row)
        )
        out.write((",".join(cells) + "\n").encode())
    return len(exact.rows)
