"""Creates the Slack message of an analysis, within Slack's limits for any organization."""

from __future__ import annotations

from collections.abc import Sequence

from reports.analysis.document import AnalysisDocument, TableColumn
from reports.analysis.latency_chart import latency_points
from reports.analysis.share_chart import share_points
from reports.analysis.slack.ask_owner import ask_owner_row
from reports.block_kit.elements import (
    LONGEST_SECTION,
    Block,
    code,
    context,
    fit,
    header,
    moment,
    packed,
    section,
)
from reports.block_kit.message import CHART, MOST_SECTIONS, Message, as_sentence, shortened
from reports.questions.slack.answer import LONGEST_CHART_TITLE
from reports.questions.slack.controls import Controls, analysis_rows
from reports.questions.wording import filter_words, stamp
from reports.usage.usage import NANO
from reports.wording.safe_text import clean, escape

_MOST_ROWS = 60
"""Rows of a table: Slack accepts 100, and about 13,200 characters in a whole message."""
_LONGEST_CELL = 60
_MOST_PARTIAL = 5


def analysis_message(
    found: AnalysisDocument,
    command: str = "/activity",
    *,
    controls: Controls | None = None,
    image: str = "",
) -> Message:
    """The answer with its menus and buttons; `image` is the file id of its uploaded chart."""
    filters = filter_words(found.query, code)
    small = ", ".join(part for part in (escape(found.when), filters) if part)
    blocks: list[Block] = [header(found.title), *([context(small)] if small else [])]
    texts = [fit(escape(clean(words, LONGEST_SECTION)), LONGEST_SECTION)
            for words in found.sentences]  # fmt: skip
    blocks += [section(text) for text in packed(texts)[:MOST_SECTIONS]]
    if not image:
        blocks += _chart(found)
    if image:
        alt = f"Chart: {found.title}"[:1_000]
        blocks.append({"type": "image", "alt_text": alt, "slack_file": {"id": image}})
    if found.rows:
        blocks.append(_table(found))
    blocks += [context(*_footer(found, command))]
    if controls:
        blocks += analysis_rows(found.query, found.range, found.groups, controls, empty=found.empty)
        blocks += ask_owner_row(() if controls.own_only else found.ask_about)
    return Message(analysis_text(found), tuple(blocks))


def analysis_text(found: AnalysisDocument) -> str:
    """The answer as text (mrkdwn) for notifications and screen readers."""
    scope = f" ({found.scope})" if found.scope else ""
    lines = [f"{found.title}{scope}", *found.sentences]
    heads = [column.title for column in found.columns]
    lines += [
        f"• {row[0]}: "
        + ", ".join(f"{head} {cell}" for head, cell in zip(heads[1:], row[1:], strict=True))
        for row in found.rows
    ]
    lines += [*found.notes, _dated(found), *(as_sentence(words) for words in found.partial)]
    return shortened(escape("\n".join(clean(line, LONGEST_SECTION) for line in lines)))


def _chart(found: AnalysisDocument) -> list[Block]:
    """Slack's own chart of an answer that has one."""
    if found.steps:
        return [_steps(found)]
    if found.latency and found.range:
        return _latency(*latency_points(found.latency, found.range))
    points = share_points(found.shares, found.range) if found.shares and found.range else ()
    if len(points) < 2 or found.shares is None:
        return []
    axis = {"categories": [label for label, _ in points], "y_label": "%"}
    data = [{"label": label, "value": value} for label, value in points]
    chart = {"type": "bar", "series": [{"name": "Share", "data": data}], "axis_config": axis}
    return [{"type": CHART, "title": clean(found.shares.name, LONGEST_CHART_TITLE), "chart": chart}]


def _latency(name: str, points: Sequence[tuple[str, float, float]]) -> list[Block]:
    """Slack's own chart of p50 and p95."""
    if len(points) < 2:
        return []
    series = [
        {"name": which, "data": [{"label": point[0], "value": point[at]} for point in points]}
        for at, which in ((1, "p50"), (2, "p95"))
    ]
    axis = {"categories": [point[0] for point in points], "y_label": "ms"}
    chart = {"type": "line", "series": series, "axis_config": axis}
    return [{"type": CHART, "title": clean(name, LONGEST_CHART_TITLE), "chart": chart}]


def _steps(found: AnalysisDocument) -> Block:
    """Slack has no waterfall chart, so only the changes are drawn as bars: next to the levels
    before and after, they would look like more levels.
    """
    changes = [step for step in found.steps if not step.level]
    points = [{"label": step.label, "value": round(step.amount / NANO, 6)} for step in changes]
    axis = {"categories": [step.label for step in changes], "y_label": "USD"}
    series = [{"name": "Change", "data": points}]
    chart = {"type": "bar", "series": series, "axis_config": axis}
    return {"type": CHART, "title": clean(found.title, LONGEST_CHART_TITLE), "chart": chart}


def _table(found: AnalysisDocument) -> Block:
    rows = [[column.title for column in found.columns]]
    rows += [
        [clean(cell, _LONGEST_CELL) if cell else "–" for cell in row]
        for row in found.rows[:_MOST_ROWS]
    ]
    return {
        "type": "table",
        "column_settings": [_setting(column) for column in found.columns],
        "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in rows],
    }


def _setting(column: TableColumn) -> Block:
    return {"align": "right"} if column.right else {"is_wrapped": True}


def _footer(found: AnalysisDocument, command: str) -> list[str]:
    dated = f"Data as of {moment(found.as_of)}" if found.as_of else escape(_dated(found))
    notes = [fit(escape(clean(words, 900)), 900) for words in found.notes[:3]]
    missing = [
        fit(f":warning: {escape(as_sentence(words))}", 900)
        for words in found.partial[:_MOST_PARTIAL]
    ]
    return [*notes, dated, *missing, code(found.query.command(command))]


def _dated(found: AnalysisDocument) -> str:
    return f"Data as of {stamp(found.as_of)}" if found.as_of else "No data yet"
