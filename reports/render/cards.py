"""Cards: what a metric came to over the past day and month, and who and what used most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reports.query import Metric
from reports.render.parts import Block, fields, moment, mrkdwn, section
from reports.render.rows import looked_at, others, versus
from reports.render.sparkline import sparkline
from reports.summary import Summary
from reports.text import clean, escape, figure, money, percent
from reports.words import DIMENSION_WORDS, period_words

LONGEST_NAME = 40
_FAR = 730


@dataclass(frozen=True, slots=True)
class Balance:
    """The purchased credits: nano-dollars left as told at a moment (UTC), and what was used.

    `used` is nano-dollars of the past week; `days` how many whole days the rest lasts at that
    pace, None where it does not shrink or is gone.
    """

    left: int
    told: datetime
    used: int
    days: int | None


def metric_cards(day: Summary, month: Summary) -> list[Block]:
    """A card for each metric: its figure, change and course over both periods."""
    return [_card(metric, day, month) for metric in Metric if metric in day.metrics]


def tops(*summaries: Summary) -> Block:
    """Who and what spent most, beside each other."""
    return fields(*map(_top, summaries))


def credits_card(balance: Balance) -> Block:
    """What is left of the credits, and for how long."""
    if balance.left <= 0:
        lasts = ":warning: They are used up."
    elif balance.days is None:
        lasts = "None were used in the past week."
    elif balance.days > _FAR:
        lasts = "At the pace of the past week they last for years."
    else:
        days = "1 more day" if balance.days == 1 else f"{balance.days} more days"
        mark = ":warning: " if balance.days < 7 else ""
        lasts = f"{mark}At the pace of the past week they last {days}."
    used = f" {money(balance.used)} went in the past week." if balance.used else ""
    head = f"*Credits*  *{money(balance.left)}* left, as of {moment(balance.told)}"
    return section(f"{head}\n{lasts}{used}")


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
        escape(versus(summary, part)),
        sparkline(part.buckets, unknown=part.unknown),
    ]
    return "\n".join(filter(None, lines))


def _top(summary: Summary) -> str:
    by = summary.query.by
    name = DIMENSION_WORDS[by] if by else "all"
    part = summary.metrics[Metric.SPEND]
    lines = [f"*Top {name}s, {period_words(summary.query.period)}*"]
    shown = looked_at(summary, part) if part.sum else ()
    lines += [
        f"{place}. {escape(clean(group.label, LONGEST_NAME))}  {money(group.sum)}"
        f" ({escape(percent(group.share))})"
        for place, group in enumerate(shown, 1)
    ]
    rest = others(summary, part) if shown else None
    if rest and rest[1]:
        lines.append(f"and {rest[0]:,} more with {money(rest[1])}")
    if not shown:
        lines.append("Nothing was spent.")
    return "\n".join(lines)
