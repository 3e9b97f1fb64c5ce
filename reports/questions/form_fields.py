"""The fields of the question form, and the question that they make."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reports.questions.form_error import (
    FormError,
    QuestionWords,
    parse_typed,
    said,
    strict_words,
)
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import Query
from reports.usage.dimensions import Metric, MoneySource

OVERVIEW, ALL, OTHER, ME = "overview", "all", "other", "me"
METRICS = (
    (OVERVIEW, "All three: spend, tokens, requests"),
    (Metric.SPEND, "Spend"),
    (f"{Metric.SPEND} {MoneySource.CREDITS}", "Spend from credits"),
    (f"{Metric.SPEND} {MoneySource.BYOK}", "Spend on own provider keys"),
    (Metric.TOKENS, "Tokens"),
    (Metric.REQUESTS, "Requests"),
)
PERIODS = (
    ("1h", "Past hour"),
    ("1d", "Past day"),
    ("7d", "Past 7 days"),
    ("1m", "Past month"),
    ("1y", "Past year"),
    ("today", "Today"),
    ("yesterday", "Yesterday"),
    ("this week", "This week"),
    ("last week", "Last week"),
    ("this month", "This month"),
    ("last month", "Last month"),
    ("this year", "This year"),
    (OTHER, "Another period"),
)


class QuestionField(StrEnum):
    """The fields of the form."""

    METRIC = "form_ask_metric"
    PERIOD = "form_ask_period"
    OTHER = "form_ask_other"
    BY = "form_ask_by"
    WHOSE = "form_ask_whose"
    TOP = "form_ask_top"
    FILES = "form_ask_files"
    TO = "form_ask_to"
    CHANNEL = "form_ask_channel"


@dataclass(frozen=True, slots=True)
class QuestionFields:
    """What the form holds; `other` counts where `period` is none of the usual ones.

    `to` is `me` or `channel`.
    """

    metric: str = OVERVIEW
    period: str = "1d"
    other: str = ""
    by: str = ALL
    whose: str = ""
    top: str = "10"
    files: tuple[str, ...] = ()
    to: str = ME
    channel: str = ""


def read_fields(fields: QuestionFields, rewrite: QuestionWords = strict_words) -> Query | FormError:
    """The question that the fields stand for, or what is wrong in which of them.

    `rewrite` reads natural language in the fields of the period and of the filters.
    """
    period = fields.other.strip() if fields.period == OTHER else fields.period
    dated, period = parse_typed(period, rewrite)
    if isinstance(dated, CommandError):
        return FormError(QuestionField.OTHER, said(dated))
    alone = isinstance(dated, QuestionCommand) and dated.query == Query(period=dated.query.period)
    if not (alone and isinstance(dated, QuestionCommand) and dated.dated):
        return FormError(QuestionField.OTHER, "Enter only a period, such as 3w or 2026-10.")
    filtered, filters = parse_typed(fields.whose, rewrite)
    if isinstance(filtered, CommandError):
        return FormError(QuestionField.WHOSE, said(filtered))
    whose = filtered.query.filters if isinstance(filtered, QuestionCommand) else ()
    if not isinstance(filtered, QuestionCommand) or filtered.query != Query(filters=whose):
        return FormError(
            QuestionField.WHOSE,
            "Enter only filters, for example key:prod, model:claude* or -key:ci*",
        )
    top = fields.top.strip()
    limited = parse(f"top {top}")
    if not isinstance(limited, QuestionCommand) or limited.query != Query(top=limited.query.top):
        problem = limited.problem if isinstance(limited, CommandError) else "Enter a number."
        return FormError(QuestionField.TOP, problem[:1_000])
    if fields.to != ME and not fields.channel:
        return FormError(QuestionField.CHANNEL, "Choose a channel.")
    words = [
        "" if fields.metric == OVERVIEW else fields.metric,
        period,
        "" if fields.by == ALL else f"by {fields.by}",
        filters,
        f"top {top}",
        *fields.files,
        "" if fields.to == ME else "share",
    ]
    found = parse(" ".join(filter(None, words)))
    if isinstance(found, CommandError):
        return FormError(QuestionField.METRIC, said(found))
    if not isinstance(found, QuestionCommand):
        return FormError(QuestionField.WHOSE, "That isn't a question.")
    return found.query
