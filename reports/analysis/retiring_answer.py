"""Presents models that end soon, and who still uses them, as an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from reports.analysis.document import AnalysisDocument, ExactTable, TableColumn
from reports.analysis.retiring import ModelUser, RetiringModel
from reports.questions.query import Query
from reports.questions.wording import DIMENSION_WORDS, capitalize_first, title
from reports.usage.dimensions import Dimension
from reports.usage.format import money, number
from reports.usage.usage import dollars

NO_LIST = "OpenRouter's list of models could not be read yet, so I don't know which models end."
NONE_RETIRES = "None of the models that {used} in the past 30 days has an end date{before}."
NONE_USED = "No model was used{by} in the past 30 days, so none of those that end concerns you."
_SOURCE = "End dates are from OpenRouter's list of models. `whatif` shows what another model costs."
_NAMED = 3
"""The number of models or users named in a row; the files have all of them."""


def retiring_answer(
    query: Query,
    models: Sequence[RetiringModel],
    unused: int,
    now: datetime,
    *,
    used: bool = True,
    own: bool = False,
    before: date | None = None,
    as_of: datetime | None,
    partial: Sequence[str],
) -> AnalysisDocument:
    """The answer; `models` are in use, soonest first; `unused` counts others with an end date.

    `query.by` says whether the users are API keys or creators. `used`: any model was used.
    `own`: only one's own usage was looked at.
    `before` is set if only models that end before that day were asked for.
    """
    today = now.date()
    return AnalysisDocument(
        query=query,
        title=title(query),
        sentences=_sentences(models, unused, today, before, used=used, own=own),
        as_of=as_of,
        made=now,
        partial=tuple(partial),
        columns=_columns(query) if models else (),
        rows=_rows(models, query, today) if models else (),
        notes=(_SOURCE,) if models else (),
        exact=lambda: _exact(query, models),
        data=lambda: {"models": [_data(one, today) for one in models], "unused": unused},
        groups=tuple(one.label for one in models[: query.top]),
        empty=not models,
    )


def ends_words(ends: date, today: date) -> str:
    """When a model ends: `24 Dec 2026, in 25 days`, `29 Nov 2026, today`."""
    day, days = f"{ends.day} {ends:%b %Y}", (ends - today).days
    if days == 0:
        return f"{day}, today"
    count = f"{abs(days):,} day{'' if abs(days) == 1 else 's'}"
    return f"{day}, in {count}" if days > 0 else f"{day}, {count} ago"


def _sentences(
    models: Sequence[RetiringModel],
    unused: int,
    today: date,
    before: date | None,
    *,
    used: bool,
    own: bool,
) -> tuple[str, ...]:
    by_you = " by you" if own else ""
    by_then = f" before {before.day} {before:%b %Y}" if before else ""
    others = (
        f"{unused:,} other model{'' if unused == 1 else 's'} with an end date{by_then}"
        f" {'was' if unused == 1 else 'were'} not used{by_you} in the past 30 days."
    )
    more = (others,) if unused else ()
    if not models:
        none = NONE_USED.format(by=by_you)
        if used:
            none = NONE_RETIRES.format(used="you used" if own else "were used", before=by_then)
        return (none, *more)
    spend = money(sum(one.spend for one in models))
    are = f"1 model has an end date{by_then} and is" if len(models) == 1 else (
        f"{len(models):,} models have an end date{by_then} and are"
    )  # fmt: skip
    first = f"{are} still used{by_you}: {spend} in the past 30 days."
    lines = [f"{one.label}: {ends_words(one.ends, today)}{_used_by(one)}." for one in models]
    left = len(lines) - _NAMED
    return (first, *lines[:_NAMED], *([f"And {left:,} more."] if left > 0 else []), *more)


def _used_by(one: RetiringModel) -> str:
    named = [f"{user.label} ({money(user.spend)})" for user in one.users[:_NAMED]]
    more = len(one.users) - _NAMED
    if more > 0:
        named.append(f"{more:,} more")
    listed = " and ".join(filter(None, (", ".join(named[:-1]), *named[-1:])))
    return f"; used by {listed}" if named else ""


def _columns(query: Query) -> tuple[TableColumn, ...]:
    users = f"{capitalize_first(DIMENSION_WORDS[query.by or Dimension.KEY])}s"
    return (
        TableColumn("Model", right=False),
        TableColumn("Last day", right=False),
        TableColumn("Spend, 30 days"),
        TableColumn("Tokens"),
        TableColumn("Requests"),
        TableColumn(users, right=False),
    )


def _rows(
    models: Sequence[RetiringModel], query: Query, today: date
) -> tuple[tuple[str, ...], ...]:
    rows = [
        (
            one.label,
            ends_words(one.ends, today),
            money(one.spend),
            number(one.tokens),
            number(one.requests),
            _user_names(one.users),
        )
        for one in models[: query.top]
    ]
    others = models[query.top :]
    if others:
        spend, tokens = sum(one.spend for one in others), sum(one.tokens for one in others)
        requests = number(sum(one.requests for one in others))
        rows.append((f"Others ({len(others):,})", "–", money(spend), number(tokens), requests, "–"))
    return tuple(rows)


def _user_names(users: Sequence[ModelUser]) -> str:
    names = [user.label for user in users[:_NAMED]]
    more = len(users) - _NAMED
    return ", ".join([*names, *([f"{more:,} more"] if more > 0 else [])]) or "–"


def _data(one: RetiringModel, today: date) -> dict[str, Any]:
    return {
        "label": one.label,
        "ends": one.ends.isoformat(),
        "days": one.days_left(today),
        "spend_30d": dollars(one.spend),
        "tokens_30d": one.tokens,
        "requests_30d": one.requests,
        "users": [{"label": user.label, "spend_30d": dollars(user.spend)} for user in one.users],
    }


def _exact(query: Query, models: Sequence[RetiringModel]) -> ExactTable:
    """The exact rows: one for each model and user."""
    user = "Creator" if query.by is Dimension.CREATOR else "API Key"
    rows = tuple(
        (one.label, one.ends.isoformat(), each.label, dollars(each.spend))
        for one in models
        for each in one.users
    )
    return ExactTable(("Slug", "Ends", user, "Spend 30 Days"), rows, frozenset({3}))
