"""Creates the Slack message of a Summary, within Slack's limits for any organization.

slack-sdk has no classes for the chart and table blocks, so blocks are plain dicts.
"""

from __future__ import annotations

from reports.block_kit.elements import (
    LONGEST_CODE,
    LONGEST_SECTION,
    Block,
    code,
    context,
    fields,
    fit,
    header,
    moment,
    section,
    table,
)
from reports.block_kit.message import (
    CHART,
    Message,
    RunButton,
    as_sentence,
    run_buttons,
    shortened,
    text_sections,
)
from reports.questions.grammar import CommandError
from reports.questions.slack.controls import Controls, rows
from reports.questions.summary import MetricSummary, Summary
from reports.questions.wording import (
    DIMENSION_WORDS,
    capitalize_first,
    excluded_words,
    filter_words,
    metric_words,
    range_words,
    stamp,
    title,
)
from reports.render.changes import CHANGE, change_words, whole_words
from reports.render.charts.slack_chart_data import BEFORE, chart_data
from reports.render.tables import (
    LONGEST_NAME,
    average,
    detail_headers,
    detail_rows,
    empty_words,
    overview_headers,
    overview_rows,
    parts_words,
)
from reports.usage.dimensions import Dimension, Metric
from reports.usage.format import figure
from reports.usage.usage import NANO
from reports.wording.safe_text import clean, escape
from reports.wording.typed_text import readable

NAME_IN_TABLE = LONGEST_NAME
UNITS = {Metric.SPEND: "USD", Metric.TOKENS: "tokens", Metric.REQUESTS: "requests"}
LONGEST_CHART_TITLE = 50  # Slack's limit
NOTHING_YET = "No data yet: the first sync is still running. Try again in a minute."


def answer(
    summary: Summary,
    command: str = "/activity",
    *,
    controls: Controls | None = None,
    image: str = "",
) -> Message:
    """The answer to a question; `command` is the name of the slash command.

    `controls` are added below it if given; `image` is the file id of an uploaded chart, which
    replaces the native one.
    """
    query = summary.query
    scope = escape(range_words(summary.range))
    if filters := filter_words(query, code):  # as code, since `*` would make it bold
        scope += f", {filters}"
    blocks: list[Block] = [header(title(query)), context(scope)]
    if summary.empty:
        blocks.append(section(empty_words(summary, NOTHING_YET)))
    elif query.metric:
        blocks += _detail(summary, summary.metrics[query.metric])
    else:
        blocks += _overview(summary)
    if image:
        blocks = [_image_block(summary, image) if b["type"] == CHART else b for b in blocks]
    blocks.append(context(*_footer(summary, command)))
    if controls:
        blocks += rows(summary, controls)
    return Message(as_text(summary), tuple(blocks))


def as_text(summary: Summary) -> str:
    """The answer's figures as escaped plain text, within Slack's message limit."""
    lines = [f"{title(summary.query)} ({_scope(summary)})"]
    if summary.empty:
        lines.append(empty_words(summary, NOTHING_YET))
    else:
        for metric, part in summary.metrics.items():
            shown = [figure(metric, part.sum), average(summary, part), change_words(summary, part)]
            name = capitalize_first(metric_words(summary.query, metric))
            lines.append(f"{name}: {', '.join(filter(None, shown))}")
            if summary.query.metric and (parts := "\n".join(parts_words(part))):
                lines.append(parts.replace("\n", ", "))
        lines += filter(None, [whole_words(summary, *summary.metrics.values())])
        lines += _groups_as_text(summary)
    lines += [_dated(summary), *(as_sentence(words) for words in summary.partial)]
    return shortened(escape("\n".join(lines)))


def _groups_as_text(summary: Summary) -> list[str]:
    """A line per group of the table, for screen readers."""
    if not summary.query.by:
        return []
    if summary.query.metric:
        rows = detail_rows(summary, summary.metrics[summary.query.metric])
        if summary.compares:
            through = detail_headers(summary, summary.metrics[summary.query.metric])[-1]
            through = through.removeprefix(CHANGE)
            return [
                f"• {name}: {total} ({share}), before {before} ({change}{through})"
                for name, total, share, before, change in rows[:-1]
            ]
        return [f"• {name}: {total} ({share})" for name, total, share, *_ in rows[:-1]]
    if summary.compares:
        through = overview_headers(summary)[4].removeprefix(CHANGE)
        return [
            f"• {name}: {spend} ({share}), before {before} ({change}{through}), {tokens} tokens,"
            f" {requests} requests"
            for name, spend, share, before, change, tokens, requests in overview_rows(summary)[:-1]
        ]
    return [
        f"• {name}: {spend} ({share}), {tokens} tokens, {requests} requests"
        for name, spend, share, tokens, requests in overview_rows(summary)[:-1]
    ]


def error(problem: CommandError, command: str = "/activity", *, examples: bool = False) -> Message:
    """The reply to an invalid command: the problem, and a button that runs the suggestion.

    `examples` adds a line of examples for new users.
    """
    sentences = [fit(escape(clean(readable(problem.problem), LONGEST_SECTION)), LONGEST_CODE)]
    runs: list[RunButton] = []
    if problem.choices:  # the problem is a question, and the choices are its answers
        labels = problem.labels or tuple(readable(one) for one in problem.choices)
        runs += map(RunButton, labels, problem.choices)
    elif problem.suggestion:
        suggested = f"{command} {readable(problem.suggestion)}"
        sentences.append(f"Did you mean {code(suggested)}?")
        runs.append(RunButton("Run it", problem.suggestion))
    elif problem.understood:
        sentences.append(f"I understood {code(readable(problem.understood))}.")
    lines = [" ".join(sentences)]
    if examples and problem.examples:
        shown = " · ".join(code(f"{command} {example}") for example in problem.examples)
        lines.append(f"Try {shown}, or {code(f'{command} help')} for everything.")
    text = "\n".join(lines)
    return Message(text, (*text_sections(text), *run_buttons(runs)))


def figures(why: str, summary: Summary) -> Message:
    """The figures of an answer as text, after a sentence why there is no file."""
    text = f"{escape(why)}\n{as_text(summary)}"
    return Message(text, text_sections(text))


def _overview(summary: Summary) -> list[Block]:
    shown = [_figures(summary, metric, part) for metric, part in summary.metrics.items()]
    spend = summary.metrics[Metric.SPEND]
    charted = spend if spend.sum else summary.metrics[Metric.REQUESTS]
    blocks = [fields(*shown), *_whole(summary), *_chart(summary, charted)]
    if not summary.query.by:
        return blocks
    return [*blocks, table([overview_headers(summary), *overview_rows(summary)])]


def _detail(summary: Summary, part: MetricSummary) -> list[Block]:
    shown = filter(None, (_figures(summary, part.metric, part), "\n".join(parts_words(part))))
    blocks = [fields(*shown), *_whole(summary), *_chart(summary, part)]
    if not summary.query.by:
        return blocks
    return [*blocks, table([detail_headers(summary, part), *detail_rows(summary, part)])]


def _whole(summary: Summary) -> list[Block]:
    """The changes through the last whole day, if they differ."""
    words = whole_words(summary, *summary.metrics.values())
    return [section(escape(words))] if words else []


def _figures(summary: Summary, metric: Metric, part: MetricSummary) -> str:
    name = capitalize_first(metric_words(summary.query, metric))
    total = f"*{name}*  *{figure(metric, part.sum)}*"
    lines = [total, average(summary, part), change_words(summary, part)]
    return "\n".join(filter(None, lines))


def _chart(summary: Summary, part: MetricSummary) -> list[Block]:
    """The native chart, if there is anything to draw."""
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
    chart = {"type": kind, "series": series, "axis_config": axis}
    exclusions = excluded_words(summary.query)
    heading = (
        f"{capitalize_first(metric_words(summary.query, part.metric))}{by}{exclusions}, per {each}"
    )
    with_note = f"{heading} ({data.note})" if data.note else heading
    heading = with_note if len(with_note) <= LONGEST_CHART_TITLE else heading
    heading = clean(heading, LONGEST_CHART_TITLE)
    return [{"type": CHART, "title": heading, "chart": chart}]


def _plain(metric: Metric, value: int) -> int | float:
    """A figure for the chart, as a number; money is rounded to millionths of a dollar."""
    return round(value / NANO, 6) if metric is Metric.SPEND else value


def _scope(summary: Summary) -> str:
    filters = filter_words(summary.query)
    return range_words(summary.range) + (f", {filters}" if filters else "")


def _footer(summary: Summary, command: str) -> list[str]:
    as_of_text = escape(_dated(summary))
    if summary.as_of:
        as_of_text = f"Data as of {moment(summary.as_of)}"
    notes = [fit(f":warning: {escape(as_sentence(words))}", 900) for words in summary.partial[:5]]
    return [as_of_text, *notes, code(summary.query.command(command))]


def _dated(summary: Summary) -> str:
    return f"Data as of {stamp(summary.as_of)}" if summary.as_of else "No data yet"


def _image_block(summary: Summary, file: str) -> Block:
    alt = f"Chart: {title(summary.query)}"
    return {"type": "image", "alt_text": alt, "slack_file": {"id": file}}
