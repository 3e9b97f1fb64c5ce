"""Converts the fields of the question form to a question."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from reports.questions.form_error import (
    FormError,
    QuestionWords,
    field_error_text,
    parse_typed,
    strict_words,
)
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.kinds import EXAMPLES, NEEDS_WORDS, takes
from reports.questions.query import DEFAULT_PERIODS, WITHOUT_PERIOD, Query, QueryKind
from reports.questions.wording import period_words
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


USUAL = "usual"
FORECAST_PERIODS = frozenset({"today", "this week", "this month", "this year"})
"""The periods that are still running, whose end can be forecast."""


def periods_for(kind: QueryKind) -> tuple[tuple[str, str], ...]:
    """The periods to choose from in a question of a kind, as (words, label); empty if it takes
    none.

    Kinds with their own default period start with it.
    """
    if kind in WITHOUT_PERIOD:
        return ()
    fitting: tuple[tuple[str, str], ...] = PERIODS
    if kind is QueryKind.FORECAST:
        fitting = tuple(one for one in PERIODS if one[0] in FORECAST_PERIODS)
    if kind not in DEFAULT_PERIODS:
        return fitting
    return (USUAL, f"Usual: {period_words(DEFAULT_PERIODS[kind])}"), *fitting


class QuestionField(StrEnum):
    """The fields of the form."""

    KIND = "form_ask_kind"
    EXTRA = "form_ask_extra"
    SPAN = "form_ask_span"
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
    """The values of the form; `other` counts if the period isn't one of the listed ones.

    `kind` is a QueryKind. `period` counts for usage, `span` for the other kinds, most of which have
    their own usual period. `extra` are words that only the kind takes. `to` is `me` or `channel`.
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
    kind: str = QueryKind.USAGE
    span: str = USUAL
    extra: str = ""

    @property
    def chosen_period(self) -> str:
        """The choice in the menu of periods: words, `USUAL` or `OTHER`; empty if there is no such
        menu.

        A choice made for another kind isn't valid for this one.
        """
        usage = self.kind == QueryKind.USAGE
        chosen = self.period if usage else self.span
        values = [value for value, _ in periods_for(QueryKind(self.kind))]
        return chosen if chosen in values else next(iter(values), "")


def read_fields(fields: QuestionFields, rewrite: QuestionWords = strict_words) -> Query | FormError:
    """The question of the fields, or errors by field.

    `rewrite` reads natural language in the period and filter fields.
    """
    kind = QueryKind(fields.kind)
    head, begun = _head(fields, kind, rewrite)
    if isinstance(begun, FormError):
        return begun
    period = _period(fields, rewrite)
    if isinstance(period, FormError):
        return period
    filtered, filters = parse_typed(fields.whose, rewrite)
    if isinstance(filtered, CommandError):
        return FormError(QuestionField.WHOSE, field_error_text(filtered))
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
        head,
        "" if fields.metric == OVERVIEW or not takes(kind, "metric") else fields.metric,
        period,
        "" if fields.by == ALL or not takes(kind, "dimension") else f"by {fields.by}",
        filters,
        f"top {top}",
        *fields.files,
        "" if fields.to == ME else "share",
    ]
    found = parse(" ".join(filter(None, words)))
    if isinstance(found, CommandError):
        return FormError(QuestionField.KIND, field_error_text(found))
    if not isinstance(found, QuestionCommand):
        return FormError(QuestionField.WHOSE, "That isn't a question.")
    return found.query


def _head(
    fields: QuestionFields, kind: QueryKind, rewrite: QuestionWords
) -> tuple[str, FormError | None]:
    """The first words of a question of a kind, and what is wrong with them."""
    if kind is QueryKind.USAGE:
        return "", None
    typed = fields.extra.strip() if kind in EXAMPLES else ""
    if kind is QueryKind.WHATIF and typed and len(typed.split()) == 1:
        typed = f"-> {typed}"  # one model: everything is repriced on it
    begun, words = parse_typed(f"{kind} {typed}".strip(), rewrite)
    if isinstance(begun, CommandError):
        return "", FormError(QuestionField.EXTRA if kind in EXAMPLES else QuestionField.KIND,
                             field_error_text(begun))  # fmt: skip
    if isinstance(begun, QuestionCommand):
        plain = parse(str(kind) if kind not in NEEDS_WORDS else f"{kind} {EXAMPLES[kind]}")
        usual = plain.query if isinstance(plain, QuestionCommand) else Query()
        if begun.query == replace(usual, extra=begun.query.extra):
            return words, None
    example = EXAMPLES.get(kind, "")
    return "", FormError(QuestionField.EXTRA, f"Enter only words such as {example}.")


def _period(fields: QuestionFields, rewrite: QuestionWords) -> str | FormError:
    """The words of the period; empty if the kind takes none, or if it is the usual one."""
    chosen = fields.chosen_period
    if chosen in {"", USUAL}:
        return ""
    dated, period = parse_typed(fields.other.strip() if chosen == OTHER else chosen, rewrite)
    if isinstance(dated, CommandError):
        return FormError(QuestionField.OTHER, field_error_text(dated))
    alone = isinstance(dated, QuestionCommand) and dated.query == Query(period=dated.query.period)
    if not (alone and isinstance(dated, QuestionCommand) and dated.dated):
        return FormError(QuestionField.OTHER, "Enter only a period, such as 3w or 2026-10.")
    return period
