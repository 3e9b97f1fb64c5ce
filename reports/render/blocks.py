"""A Summary as a Slack message: plain Block Kit dicts, within Slack's limits for any organisation.

The chart and the table are blocks that slack-sdk has no classes for, so everything is plain dicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from reports.grammar import EXAMPLES, CommandError
from reports.query import Metric
from reports.render.chart_data import chart_data
from reports.summary import MetricSummary, Series, Summary
from reports.text import change, clean, escape, figure, money, number, percent
from reports.timerange import Granularity
from reports.usage import NANO
from reports.words import DIMENSION_WORDS, filter_words, range_words, stamp, title

Block = dict[str, Any]

LONGEST_TEXT = 3_800
LONGEST_SECTION = 2_900
NAME_IN_TABLE = 60
UNITS = {Metric.SPEND: "USD", Metric.TOKENS: "tokens", Metric.REQUESTS: "requests"}
CHART = "data_visualization"
EXPORT = "export_"
"""How the actions of the export buttons begin; the format follows."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted: blocks, and the same figures as text for notifications and screen readers."""

    text: str
    blocks: tuple[Block, ...]

    def noted(self, words: str) -> Message:
        """The same with a sentence of ours above it."""
        return Message(f"{escape(words)}\n{self.text}", (_context([escape(words)]), *self.blocks))

    def without_chart(self) -> Message:
        """The same without chart or picture, which not every workspace takes."""
        return Message(
            self.text, tuple(b for b in self.blocks if b["type"] not in {CHART, "image"})
        )


def answer(
    summary: Summary,
    command: str = "/activity",
    *,
    exports: str = "",
    picture: str = "",
) -> Message:
    """The answer to a question; `command` is what the command is called.

    `exports` is the value of the buttons that export it (none: no buttons); `picture` the id of an
    uploaded chart, which stands in the place of the native one.
    """
    query = summary.query
    blocks: list[Block] = [_header(title(query)), _context([escape(_scope(summary))])]
    if summary.empty:
        blocks.append(_section(_nothing(summary)))
    elif query.metric:
        blocks += _detail(summary, summary.metrics[query.metric])
    else:
        blocks += _overview(summary)
    if picture:
        blocks = [_picture(summary, picture) if b["type"] == CHART else b for b in blocks]
    if exports and not summary.empty:
        blocks.append(_export_buttons(exports))
    blocks.append(_context(_footer(summary, command)))
    return Message(as_text(summary), tuple(blocks))


def as_text(summary: Summary) -> str:
    """The answer's figures in plain words, at most as long as Slack shows."""
    lines = [f"{title(summary.query)} ({_scope(summary)})"]
    for metric, part in summary.metrics.items():
        each = f"average {figure(metric, part.avg)} a {summary.range.granularity}"
        lines.append(
            f"{str(metric).capitalize()}: {figure(metric, part.sum)}, {each}{_versus(part)}"
        )
        if summary.query.by and summary.query.metric:
            lines += [
                f"• {clean(group.label, NAME_IN_TABLE)}: {figure(metric, group.sum)}"
                f" ({percent(group.share)})"
                for group in part.groups[: summary.query.top]
            ]
            if hidden := _hidden(summary, part):
                lines.append(f"• Others ({hidden[0]}): {figure(metric, hidden[1])}")
    lines += [_dated(summary), *(_sentence(words) for words in summary.partial)]
    text = escape("\n".join(lines))
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1].rpartition("\n")[0] + "…"


def error(wrong: CommandError, command: str = "/activity") -> Message:
    """What is said to words that were not understood: what was, the nearest right, examples."""
    sections = [escape(wrong.problem)]
    if wrong.suggestion:
        sections.append(f"Did you mean {_code(f'{command} {wrong.suggestion}')}?")
    if wrong.understood and wrong.understood != wrong.suggestion:
        sections.append(f"I understood {_code(wrong.understood)}.")
    examples = " · ".join(_code(f"{command} {example}") for example in EXAMPLES)
    sections.append(f"Examples: {examples}. All words: {_code(f'{command} help')}.")
    text = "\n".join(sections)[:LONGEST_SECTION]
    return Message(text, (_section(text),))


def figures(why: str, summary: Summary) -> Message:
    """The figures of an answer in plain words, after a sentence that says why no more."""
    text = f"{escape(why)}\n{as_text(summary)}"
    return Message(text, (_section(text[:LONGEST_SECTION]),))


def sentence(text: str) -> Message:
    """One sentence of ours as a message."""
    return Message(escape(text), (_section(escape(text)),))


def _overview(summary: Summary) -> list[Block]:
    fields = [_field(summary, metric, part) for metric, part in summary.metrics.items()]
    spend = summary.metrics[Metric.SPEND]
    charted = spend if spend.sum else summary.metrics[Metric.REQUESTS]
    blocks: list[Block] = [{"type": "section", "fields": fields}, _chart(summary, charted)]
    return [*blocks, _overview_table(summary)] if summary.query.by else blocks


def _detail(summary: Summary, part: MetricSummary) -> list[Block]:
    fields = [_field(summary, part.metric, part)]
    if parts := _parts(part):
        fields.append({"type": "mrkdwn", "text": parts})
    blocks: list[Block] = [{"type": "section", "fields": fields}]
    if any(part.buckets):
        blocks.append(_chart(summary, part))
    return [*blocks, _detail_table(summary, part)] if summary.query.by else blocks


def _field(summary: Summary, metric: Metric, part: MetricSummary) -> Block:
    average = f"{figure(metric, part.avg)} {_each(summary)} on average"
    lines = [f"*{str(metric).capitalize()}*  *{figure(metric, part.sum)}*", average]
    if versus := _versus(part):
        lines.append(versus.removeprefix(", "))
    return {"type": "mrkdwn", "text": "\n".join(lines)}


def _versus(part: MetricSummary) -> str:
    if part.previous is None:
        return ", nothing to compare with"
    if part.change is None:
        return ", none in the period before" if part.sum else ""
    return f", {change(part.change)} against {figure(part.metric, part.previous)} before"


def _parts(part: MetricSummary) -> str:
    shown = {name: figure(part.metric, value) for name, value in part.parts.items()}
    match part.metric:
        case Metric.TOKENS:
            return (
                f"Prompt {shown['prompt']}\nCompletion {shown['completion']}\n"
                f"of which reasoning {shown['reasoning']}"
            )
        case Metric.SPEND if len(shown) == 2:
            return f"Credits {shown['credits']}\nBYOK {shown['byok']} (estimated)"
        case Metric.REQUESTS:
            return f"of which BYOK {shown['byok']}"
        case _:
            return ""


def _chart(summary: Summary, part: MetricSummary) -> Block:
    data = chart_data(part, summary.range)
    by = f" by {DIMENSION_WORDS[summary.query.by]}" if summary.query.by else ""
    each = (
        f"{data.each} {summary.range.granularity}s"
        if data.each > 1
        else (f"{summary.range.granularity}")
    )
    labels = data.labels
    series = [
        {
            "name": name,
            "data": [
                {"label": label, "value": _plain(part.metric, value)}
                for label, value in zip(labels, values, strict=True)
            ],
        }
        for name, values in data.series
    ]
    axis = {"categories": list(labels), "y_label": UNITS[part.metric]}
    return {
        "type": CHART,
        "title": f"{str(part.metric).capitalize()}{by}, per {each}",
        "chart": {
            "type": "line" if len(series) > 1 else "bar",
            "series": series,
            "axis_config": axis,
        },
    }


def _plain(metric: Metric, value: int) -> int | float:
    """A figure to draw, not to add up."""
    return round(value / NANO, 6) if metric is Metric.SPEND else value


def _detail_table(summary: Summary, part: MetricSummary) -> Block:
    heads = [_head(summary), "Sum", "Share", "Avg", "Min", "Max"]
    rows = [_row(part.metric, group) for group in part.groups[: summary.query.top]]
    if hidden := _hidden(summary, part):
        share = Fraction(hidden[1], part.sum) if part.sum else Fraction(0)
        shown = figure(part.metric, hidden[1])
        rows.append([f"Others ({hidden[0]})", shown, percent(share), "–", "–", "–"])
    rows.append(["Total", figure(part.metric, part.sum), "100%" if part.sum else "–", *"–––"])
    return _table([heads, *rows])


def _row(metric: Metric, group: Series) -> list[str]:
    figures = (group.avg, group.min, group.max)
    shown = [figure(metric, value) if group.active else "–" for value in figures]
    label = clean(group.label, NAME_IN_TABLE)
    return [label, figure(metric, group.sum), percent(group.share), *shown]


def _overview_table(summary: Summary) -> Block:
    spend = summary.metrics[Metric.SPEND]
    shown = spend.groups[: summary.query.top]
    source = summary.query.source
    rows = [
        [
            clean(group.label, NAME_IN_TABLE),
            money(group.sum),
            percent(group.share),
            number(group.usage.tokens),
            number(group.usage.requests),
        ]
        for group in shown
    ]
    rest = len(spend.groups) + spend.rest - len(shown)
    sums = {metric: part.sum for metric, part in summary.metrics.items()}
    if rest:
        left = {
            metric: sums[metric] - sum(group.usage.value(metric, source) for group in shown)
            for metric in summary.metrics
        }
        share = Fraction(left[Metric.SPEND], spend.sum) if spend.sum else Fraction(0)
        rows.append(
            [
                f"Others ({rest})",
                money(left[Metric.SPEND]),
                percent(share),
                number(left[Metric.TOKENS]),
                number(left[Metric.REQUESTS]),
            ]
        )
    rows.append(
        [
            "Total",
            money(spend.sum),
            "100%" if spend.sum else "–",
            number(sums[Metric.TOKENS]),
            number(sums[Metric.REQUESTS]),
        ]
    )
    return _table([[_head(summary), "Spend", "Share", "Tokens", "Requests"], *rows])


def _each(summary: Summary) -> str:
    """An hour, a day."""
    granularity = summary.range.granularity
    return f"{'an' if granularity is Granularity.HOUR else 'a'} {granularity}"


def _head(summary: Summary) -> str:
    words = DIMENSION_WORDS[summary.query.by] if summary.query.by else "all"
    return words[0].upper() + words[1:]


def _hidden(summary: Summary, part: MetricSummary) -> tuple[int, int] | None:
    """How many groups are not shown and what they come to."""
    shown = part.groups[: summary.query.top]
    count = len(part.groups) + part.rest - len(shown)
    return (count, part.sum - sum(group.sum for group in shown)) if count else None


def _table(rows: list[list[str]]) -> Block:
    settings = [{"is_wrapped": True}, *({"align": "right"} for _ in rows[0][1:])]
    return {
        "type": "table",
        "column_settings": settings,
        "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in rows],
    }


def _scope(summary: Summary) -> str:
    filters = filter_words(summary.query)
    return range_words(summary.range) + (f", only {filters}" if filters else "")


def _footer(summary: Summary, command: str) -> list[str]:
    dated = escape(_dated(summary))
    if summary.as_of:
        fallback = stamp(summary.as_of)
        dated = (
            f"Data as of <!date^{int(summary.as_of.timestamp())}^{{date_short_pretty}} {{time}}"
            f"|{fallback}>"
        )
    notes = [f":warning: {escape(_sentence(words))}"[:1_900] for words in summary.partial[:5]]
    return [dated, *notes, _code(summary.query.command(command)[:1_500])]


def _dated(summary: Summary) -> str:
    return f"Data as of {stamp(summary.as_of)}" if summary.as_of else "Nothing has been synced yet"


def _nothing(summary: Summary) -> str:
    if summary.as_of is None:
        return "Nothing is held yet: the first sync is still to come. Ask again in a minute."
    return "No usage in this period." + (
        " The filters leave nothing of it." if summary.query.filters else ""
    )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(".") + "."


def _code(text: str) -> str:
    return f"`{escape(clean(text, 1_500).replace('`', chr(39)))}`"


def _picture(summary: Summary, file: str) -> Block:
    alt = f"Chart: {title(summary.query)}"
    return {"type": "image", "alt_text": alt, "slack_file": {"id": file}}


def _export_buttons(value: str) -> Block:
    return {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": f"{EXPORT}{name.lower()}",
                "text": {"type": "plain_text", "text": name},
                "value": value,
            }
            for name in ("CSV", "PDF")
        ],
    }


def _header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": clean(text, 150)}}


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _context(texts: list[str]) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text} for text in texts]}
