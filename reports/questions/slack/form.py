"""The modal for asking a question without typing a command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reports.analysis.document import AnalysisDocument
from reports.block_kit.elements import Block, code, divider
from reports.block_kit.inputs import (
    Entered,
    Meta,
    channel_input,
    checkboxes,
    modal,
    preview,
    radio_input,
    select_input,
    text_input,
)
from reports.questions.form_fields import (
    ALL,
    ME,
    METRICS,
    OTHER,
    QuestionField,
    QuestionFields,
    periods_for,
)
from reports.questions.kinds import EXAMPLES, LABELS, NEEDS_WORDS, choices, takes
from reports.questions.query import FileFormat, QueryKind
from reports.questions.slack.answer import NOTHING_YET
from reports.questions.summary import Summary
from reports.render.changes import change_words, whole_words
from reports.render.tables import empty_words
from reports.usage.dimensions import STORED, form_label
from reports.usage.format import figure
from reports.wording.safe_text import clean, escape

CALLBACK = "question_form"
SHORTCUT = "activity_report"
TITLE = "Activity report"
CHANNEL = "channel"
KINDS = tuple((kind, LABELS[kind]) for kind in choices())
_EXTRA_LABELS = {
    QueryKind.FORECAST: "Compare with an amount",
    QueryKind.LIMITS: "Whose",
    QueryKind.KEYS: "Which keys",
    QueryKind.WHATIF: "Which model instead of which",
    QueryKind.NEW: "What is new",
}
_BYS = (
    (ALL, "None"),
    *((dimension, form_label(dimension)) for dimension in STORED),
)
_FILES = (
    (FileFormat.CSV, "CSV, for a spreadsheet"),
    (FileFormat.PDF, "PDF, to forward or print"),
    (FileFormat.SUMMARY, "PDF, summary only"),
)
_PLACES = ((ME, "Me, in a direct message"), (CHANNEL, "A channel, for everyone in it"))


def view(fields: QuestionFields, meta: Meta, words: str) -> dict[str, Any]:
    """The modal; `words` (mrkdwn) is its preview."""
    blocks = [*_inputs(fields), divider(), preview(words)]
    return modal(CALLBACK, TITLE, blocks, meta, submit="Ask")


def _inputs(fields: QuestionFields) -> Iterator[Block]:
    kind = QueryKind(fields.kind)
    yield select_input(QuestionField.KIND, "Kind of answer", KINDS, fields.kind)
    if kind in EXAMPLES:
        yield text_input(
            QuestionField.EXTRA,
            _EXTRA_LABELS.get(kind, "More"),
            fields.extra,
            example=EXAMPLES[kind],
            longest=200,
            optional=kind not in NEEDS_WORDS,
        )
    if takes(kind, "metric"):
        # a change is explained one metric at a time
        metrics = METRICS if kind is QueryKind.USAGE else METRICS[1:]
        metric = next((one for one, _ in metrics if one == fields.metric), metrics[0][0])
        yield select_input(QuestionField.METRIC, "What", metrics, metric)
    periods, chosen = periods_for(kind), fields.chosen_period
    if periods:
        name = QuestionField.PERIOD if kind is QueryKind.USAGE else QuestionField.SPAN
        yield select_input(name, "Period", periods, chosen)
    if chosen == OTHER:
        hint = "For example 3h, 14d, 2w, 6m, 2026-10 or 2026-10-01..2026-10-15"
        yield text_input(QuestionField.OTHER, "Other period", fields.other, hint=hint, longest=40)
    grouped = takes(kind, "dimension")
    if grouped:
        yield select_input(QuestionField.BY, "Group by", _BYS, fields.by)
    yield text_input(
        QuestionField.WHOSE,
        "Filter",
        fields.whose,
        hint="Leave empty for everyone. A minus leaves out: -key:ci*",
        example='model:claude*  key:"Prod key"  creator:me',
        longest=300,
        optional=True,
    )
    if fields.by != ALL or not grouped:
        label = "Number of groups" if grouped else "Number of rows"
        yield text_input(QuestionField.TOP, label, fields.top, longest=5)
    yield checkboxes(QuestionField.FILES, "Files", _FILES, fields.files, optional=True)
    yield radio_input(QuestionField.TO, "Send to", _PLACES, fields.to)
    if fields.to != ME:
        hint = "Invite me to the channel first with /invite."
        yield channel_input(QuestionField.CHANNEL, "Channel", fields.channel, hint=hint)


def entered(found: Entered) -> QuestionFields:
    """The values of the modal, with defaults for missing inputs."""
    usual = QuestionFields()
    kind = found.text(QuestionField.KIND, usual.kind)
    return QuestionFields(
        metric=found.text(QuestionField.METRIC, usual.metric),
        period=found.text(QuestionField.PERIOD, usual.period),
        other=found.text(QuestionField.OTHER),
        by=found.text(QuestionField.BY, usual.by),
        whose=found.text(QuestionField.WHOSE),
        top=found.text(QuestionField.TOP, usual.top),
        files=tuple(name for name in found.many(QuestionField.FILES) if name in set(FileFormat)),
        to=found.text(QuestionField.TO, usual.to),
        channel=found.text(QuestionField.CHANNEL),
        kind=kind if kind in choices() else usual.kind,
        span=found.text(QuestionField.SPAN, usual.span),
        extra=found.text(QuestionField.EXTRA),
    )


def preview_text(command: str, found: Summary | AnalysisDocument | str | None) -> str:
    """The preview: the command, and a short answer or a sentence why there is none.

    None: the answer takes too long for a preview.
    """
    lines = [f"Same as typing: {code(command, 400)}"]
    if found is None:
        return lines[0]
    if isinstance(found, str):
        return "\n".join([*lines, f":warning: {escape(clean(found, 600))}"])
    if isinstance(found, AnalysisDocument):
        return "\n".join([*lines, *(escape(clean(said, 600)) for said in found.sentences[:3])])
    if found.empty:
        return "\n".join([*lines, escape(empty_words(found, NOTHING_YET))])
    for metric, part in found.metrics.items():
        shown = ", ".join(filter(None, (figure(metric, part.sum), change_words(found, part))))
        lines.append(escape(f"{str(metric).capitalize()}: {shown}"))
    if whole := whole_words(found, *found.metrics.values()):
        lines.append(escape(whole))
    return "\n".join(lines)
