"""A Summary as a Slack message: plain Block Kit dicts, within Slack's limits for any organisation.

The chart and the table are blocks that slack-sdk has no classes for, so everything is plain dicts.
"""

from __future__ import annotations

from dataclasses import dataclass

from reports.grammar import CommandError
from reports.query import Dimension, Metric
from reports.render.chart_data import BEFORE, chart_data
from reports.render.controls import Controls, rows
from reports.render.parts import (
    LONGEST_CODE,
    LONGEST_SECTION,
    Block,
    code,
    context,
    fields,
    fit,
    header,
    moment,
    packed,
    section,
    table,
)
from reports.render.rows import (
    LONGEST_NAME,
    average,
    detail_heads,
    detail_rows,
    nothing,
    overview_heads,
    overview_rows,
    versus,
)
from reports.summary import MetricSummary, Summary
from reports.text import as_typed, clean, escape, figure
from reports.usage import NANO
from reports.words import (
    DIMENSION_WORDS,
    filter_words,
    range_words,
    stamp,
    title,
)

LONGEST_TEXT = 3_800
MOST_SECTIONS = 4
NAME_IN_TABLE = LONGEST_NAME
UNITS = {Metric.SPEND: "USD", Metric.TOKENS: "tokens", Metric.REQUESTS: "requests"}
CHART = "data_visualization"
NOTHING_YET = "Nothing is held yet: the first sync is still to come. Ask again in a minute."


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted: blocks, and the same figures as text for notifications and screen readers."""

    text: str
    blocks: tuple[Block, ...]

    def noted(self, words: str) -> Message:
        """The same with a sentence of ours above it."""
        return Message(f"{escape(words)}\n{self.text}", (context(escape(words)), *self.blocks))

    def by(self, user: str) -> Message:
        """The same with the word above it that a Slack user shared it."""
        return self._under(f"<@{user}> shared this")

    def _under(self, words: str) -> Message:
        return Message(f"{words}\n{self.text}", (context(words), *self.blocks))

    def standing_for(self, state: str) -> Message:
        """The same with what it stands for as the id of its first block (255 characters)."""
        first, *others = self.blocks
        return Message(self.text, ({**first, "block_id": state}, *others))

    def without_chart(self) -> Message:
        """The same without chart or picture, which not every workspace takes."""
        return Message(
            self.text, tuple(b for b in self.blocks if b["type"] not in {CHART, "image"})
        )


def answer(
    summary: Summary,
    command: str = "/activity",
    *,
    controls: Controls | None = None,
    picture: str = "",
) -> Message:
    """The answer to a question; `command` is what the command is called.

    `controls` is what stands under it (none: nothing does); `picture` the id of an uploaded chart,
    which stands in the place of the native one.
    """
    query = summary.query
    scope = escape(range_words(summary.range))
    if filters := filter_words(query, code):  # as code, since `*` would make it bold
        scope += f", {filters}"
    blocks: list[Block] = [header(title(query)), context(scope)]
    if summary.empty:
        blocks.append(section(nothing(summary, NOTHING_YET)))
    elif query.metric:
        blocks += _detail(summary, summary.metrics[query.metric])
    else:
        blocks += _overview(summary)
    if picture:
        blocks = [_picture(summary, picture) if b["type"] == CHART else b for b in blocks]
    blocks.append(context(*_footer(summary, command)))
    if controls:
        blocks += rows(summary, controls)
    return Message(as_text(summary), tuple(blocks))


def as_text(summary: Summary) -> str:
    """The answer's figures in plain words, at most as long as Slack shows."""
    lines = [f"{title(summary.query)} ({_scope(summary)})"]
    if summary.empty:
        lines.append(nothing(summary, NOTHING_YET))
    else:
        for metric, part in summary.metrics.items():
            shown = [figure(metric, part.sum), average(summary, part), versus(summary, part)]
            lines.append(f"{str(metric).capitalize()}: {', '.join(filter(None, shown))}")
            if summary.query.metric and (parts := _parts(part)):
                lines.append(parts.replace("\n", ", "))
        lines += _groups_as_text(summary)
    lines += [_dated(summary), *(_sentence(words) for words in summary.partial)]
    return shortened(escape("\n".join(lines)))


def shortened(escaped: str) -> str:
    """Text cut to as many whole lines as Slack shows."""
    if len(escaped) <= LONGEST_TEXT:
        return escaped
    return fit(escaped[:LONGEST_TEXT].rpartition("\n")[0] + "\n…", LONGEST_TEXT)


def _groups_as_text(summary: Summary) -> list[str]:
    """A line for each group of the table, for those who hear it and do not see it."""
    if not summary.query.by:
        return []
    if summary.query.metric:
        rows = detail_rows(summary, summary.metrics[summary.query.metric])
        return [f"• {name}: {total} ({share})" for name, total, share, *_ in rows[:-1]]
    return [
        f"• {name}: {spend} ({share}), {tokens} tokens, {requests} requests"
        for name, spend, share, tokens, requests in overview_rows(summary)[:-1]
    ]


def error(wrong: CommandError, command: str = "/activity", *, examples: bool = True) -> Message:
    """What to say to words that were not understood: why, the commands that may be meant, examples.

    `examples` False leaves the examples out, for who has seen them already.
    """
    sections = [fit(escape(clean(wrong.problem, LONGEST_SECTION)), LONGEST_CODE)]
    if wrong.candidates:
        meant = [code(f"{command} {as_typed(one)}") for one in wrong.candidates]
        sections.append(f"Did you mean {' or '.join(meant)}?")
    if examples:
        shown = " · ".join(code(f"{command} {example}") for example in wrong.examples)
        sections.append(f"Examples: {shown}. All words: {code(f'{command} help')}.")
    text = "\n".join(sections)
    return Message(text, _sections(text))


def figures(why: str, summary: Summary) -> Message:
    """The figures of an answer in plain words, after a sentence that says why no more."""
    text = f"{escape(why)}\n{as_text(summary)}"
    return Message(text, _sections(text))


def sentence(text: str) -> Message:
    """One sentence of ours as a message."""
    return Message(fit(escape(text), LONGEST_TEXT), _sections(escape(text)))


def _overview(summary: Summary) -> list[Block]:
    shown = [_figures(summary, metric, part) for metric, part in summary.metrics.items()]
    spend = summary.metrics[Metric.SPEND]
    charted = spend if spend.sum else summary.metrics[Metric.REQUESTS]
    blocks: list[Block] = [fields(*shown), *_chart(summary, charted)]
    if not summary.query.by:
        return blocks
    return [*blocks, table([overview_heads(summary), *overview_rows(summary)])]


def _detail(summary: Summary, part: MetricSummary) -> list[Block]:
    shown = filter(None, (_figures(summary, part.metric, part), _parts(part)))
    blocks: list[Block] = [fields(*shown), *_chart(summary, part)]
    if not summary.query.by:
        return blocks
    return [*blocks, table([detail_heads(summary), *detail_rows(summary, part)])]


def _figures(summary: Summary, metric: Metric, part: MetricSummary) -> str:
    total = f"*{str(metric).capitalize()}*  *{figure(metric, part.sum)}*"
    lines = [total, average(summary, part), versus(summary, part)]
    return "\n".join(filter(None, lines))


def _parts(part: MetricSummary) -> str:
    shown = {name: figure(part.metric, value) for name, value in part.parts.items()}
    match part.metric:
        case Metric.TOKENS:
            return (
                f"Prompt {shown['prompt']}\nCompletion {shown['completion']}\n"
                f"of which reasoning {shown['reasoning']}"
            )
        case Metric.SPEND if len(shown) == 2:
            estimated = " (estimated)" if part.parts["byok"] else ""
            return f"Credits {shown['credits']}\nBYOK {shown['byok']}{estimated}"
        case Metric.REQUESTS if part.parts["byok"]:
            return f"Including {shown['byok']} through own provider keys (BYOK)"
        case _:
            return ""


def _chart(summary: Summary, part: MetricSummary) -> list[Block]:
    """The chart, where there is anything to draw."""
    if len(part.buckets) < 2 or not any(part.buckets):
        return []
    slugs = summary.query.by is Dimension.MODEL
    data = chart_data(part, summary.range, slugs=slugs)
    by = f" by {DIMENSION_WORDS[summary.query.by]}" if summary.query.by else ""
    each = (
        f"{data.each} {summary.range.granularity}s"
        if data.each > 1
        else (f"{summary.range.granularity}")
    )
    labels = data.labels
    series = [
        {
            "name": name if by or name == BEFORE else str(part.metric).capitalize(),
            "data": [
                {"label": label, "value": _plain(part.metric, value)}
                for label, value in zip(labels, values, strict=True)
            ],
        }
        for name, values in data.series
    ]
    axis = {"categories": list(labels), "y_label": UNITS[part.metric]}
    kind = "line" if len(series) > 1 else "bar"
    drawn = {"type": kind, "series": series, "axis_config": axis}
    heading = f"{str(part.metric).capitalize()}{by}, per {each}"
    return [{"type": CHART, "title": heading, "chart": drawn}]


def _plain(metric: Metric, value: int) -> int | float:
    """A figure to draw, not to add up."""
    return round(value / NANO, 6) if metric is Metric.SPEND else value


def _scope(summary: Summary) -> str:
    filters = filter_words(summary.query)
    return range_words(summary.range) + (f", {filters}" if filters else "")


def _footer(summary: Summary, command: str) -> list[str]:
    dated = escape(_dated(summary))
    if summary.as_of:
        dated = f"Data as of {moment(summary.as_of)}"
    notes = [fit(f":warning: {escape(_sentence(words))}", 900) for words in summary.partial[:5]]
    return [dated, *notes, code(summary.query.command(command))]


def _dated(summary: Summary) -> str:
    return f"Data as of {stamp(summary.as_of)}" if summary.as_of else "Nothing has been synced yet"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(".") + "."


def _picture(summary: Summary, file: str) -> Block:
    alt = f"Chart: {title(summary.query)}"
    return {"type": "image", "alt_text": alt, "slack_file": {"id": file}}


def _sections(text: str) -> tuple[Block, ...]:
    """Text of any length in sections that Slack takes, parted where lines end."""
    parts = packed(fit(line, LONGEST_SECTION) for line in text.split("\n"))
    return tuple(section(part) for part in parts[:MOST_SECTIONS] if part.strip())
