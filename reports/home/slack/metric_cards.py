"""Creates the cards of App Home: each metric over the past day and month, and the top groups."""

from __future__ import annotations

from reports.block_kit.elements import Block, fields, mrkdwn
from reports.questions.summary import Summary
from reports.questions.wording import DIMENSION_WORDS, period_words
from reports.render.changes import change_words, whole_words
from reports.render.charts.sparkline import sparkline
from reports.render.tables import others, ranked_groups
from reports.usage.dimensions import Metric
from reports.usage.format import figure, money, percent
from reports.wording.safe_text import clean, escape

LONGEST_NAME = 40  # fits a column of App Home


def metric_cards(day: Summary, month: Summary) -> list[Block]:
    """A card per metric: its figure, change and sparkline over both periods."""
    return [_card(metric, day, month) for metric in Metric if metric in day.metrics]


def tops(*summaries: Summary) -> Block:
    """The groups with the highest spend, in columns."""
    return fields(*map(_top, summaries))


def _card(metric: Metric, day: Summary, month: Summary) -> Block:
    name = f"*{str(metric).capitalize()}*"
    card = fields(*(_half(metric, summary) for summary in (day, month)))
    return {**card, "text": mrkdwn(name)}


def _half(metric: Metric, summary: Summary) -> str:
    part = summary.metrics[metric]
    period = period_words(summary.query.period)
    lines = [
        f"{period[:1].upper()}{period[1:]}",
        f"*{figure(metric, part.sum)}*",
        escape(change_words(summary, part)),
        escape(whole_words(summary, part)),
        sparkline(part.buckets, unknown=part.unknown),
    ]
    return "\n".join(filter(None, lines))


def _top(summary: Summary) -> str:
    by = summary.query.by
    name = DIMENSION_WORDS[by] if by else "all"
    part = summary.metrics[Metric.SPEND]
    lines = [f"*Top {name}s, {period_words(summary.query.period)}*"]
    listed = ranked_groups(summary, part) if part.sum else ()
    lines += [
        f"{rank}. {escape(clean(group.label, LONGEST_NAME))}  {money(group.sum)}"
        f" ({escape(percent(group.share))})"
        for rank, group in enumerate(listed, 1)
    ]
    others_ = others(summary, part) if listed else None
    if others_ and others_[1]:
        lines.append(f"{others_[0]:,} more: {money(others_[1])}")
    if not listed:
        lines.append("Nothing was spent.")
    return "\n".join(lines)
