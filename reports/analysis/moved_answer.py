"""What moved tokens or requests between two periods, as an answer; they have no price to part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.analysis.document import AnalysisDocument, ExactTable, TableColumn, json_groups
from reports.analysis.why import moved
from reports.analysis.why_answer import (
    DataStatus,
    nothing_changed,
    short_model,
    span_json,
    unlike,
    whole_json,
)
from reports.analysis.why_sentences import ComparedRanges, first_sentences
from reports.questions.query import Query
from reports.questions.summary import ALL
from reports.questions.unfinished import WholeChange
from reports.questions.wording import DIMENSION_WORDS, capitalize_first, title
from reports.usage.dimensions import Dimension, Metric
from reports.usage.format import figure

GRAIN = "Listed for each pair of API key and model."
_NAMED = 3
"""How many are named in a sentence: more is what the table is for."""
_CSV_NAMES = {
    None: ("API Key", "Slug"),
    Dimension.MODEL: ("Slug",),
    Dimension.KEY: ("API Key",),
    Dimension.CREATOR: ("Creator",),
}
Names = tuple[str, ...]
"""The label of a group; without a grouping, an API key and a model."""


Groups = tuple[Mapping[Names, int], Mapping[Names, int]]
"""What each group used before, and now."""


def moved_answer(
    query: Query,
    ranges: ComparedRanges,
    groups: Groups,
    status: DataStatus,
    whole: Groups | None = None,
) -> AnalysisDocument:
    """Why tokens or requests changed: what each group moved, before and now by its names.

    `query.metric` is set. If `ranges` have whole days or months, `whole` is what was used in these:
    that is shown, and the JSON has both.
    """
    metric = query.metric or Metric.TOKENS
    figures, (before, now) = _totals(groups), whole or groups
    changes = () if ranges.just_begun else moved(before, now)
    empty = not figures.before and not figures.now
    heads = ("Before", "Now", "Change")
    first, *left_out = first_sentences(query, ranges, figures, whole and _totals(whole))
    return AnalysisDocument(
        query=query,
        title=title(query),
        sentences=(nothing_changed(query),) if empty else (
            first, *left_out, *unlike(status), *_largest(query, metric, changes)
        ),
        as_of=status.as_of,
        made=ranges.now.until,
        range=ranges.shown.now,
        before=ranges.shown.before,
        partial=status.partial,
        columns=(*(TableColumn(one, right=False) for one in _names(query)),
                 *map(TableColumn, heads)) if changes else (),
        rows=_rows(query, metric, before, now) if changes else (),
        notes=(*status.notes, *((GRAIN,) if changes and query.by is None else ())),
        exact=lambda: ExactTable(
            (*_CSV_NAMES[query.by], *heads),
            tuple((*names, *_figures(names, before, now)) for names, _ in moved(before, now)),
        ),
        data=lambda: {
            "metric": str(query.metric),
            **_data(query, ranges, *groups),
            **whole_json(ranges, lambda shown: _data(query, shown, before, now)),
        },
        groups=tuple(names[0] for names, _ in changes[: query.top]) if query.by else (),
        empty=empty,
    )  # fmt: skip


def _totals(groups: Groups) -> WholeChange:
    before, now = groups
    return WholeChange(sum(now.values()), sum(before.values()))


def _names(query: Query) -> tuple[str, ...]:
    return (capitalize_first(DIMENSION_WORDS[query.by]),) if query.by else ("API key", "Model")


def _largest(
    query: Query, metric: Metric, changes: tuple[tuple[Names, int], ...]
) -> tuple[str, ...]:
    if not changes:
        return ()
    most = min(_NAMED, query.top)  # those that have a row of their own
    named = ", ".join(f"{_called(one)} {_signed(metric, by)}" for one, by in changes[:most])
    return (f"Largest changes: {named}.",)


def _called(names: Names) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} × {short_model(names[1])}"


def _rows(
    query: Query, metric: Metric, before: Mapping[Names, int], now: Mapping[Names, int]
) -> tuple[tuple[str, ...], ...]:
    changes = moved(before, now)
    blank = ("",) * (len(_names(query)) - 1)

    def row(names: Names, was: int, is_: int) -> tuple[str, ...]:
        return (*names, figure(metric, was), figure(metric, is_), _signed(metric, is_ - was))

    shown = [names for names, _ in changes[: query.top]]
    rows = [row((one[0], *map(short_model, one[1:])), *_figures(one, before, now)[:2])
            for one in shown]  # fmt: skip
    remainder = [names for names, _ in changes[query.top :]]
    if remainder:
        was, is_ = (sum(usage.get(one, 0) for one in remainder) for usage in (before, now))
        rows.append(row((f"Others ({len(remainder):,})", *blank), was, is_))
    if len(changes) > 1:
        rows.append(row(("All", *blank), sum(before.values()), sum(now.values())))
    return tuple(rows)


def _figures(
    names: Names, before: Mapping[Names, int], now: Mapping[Names, int]
) -> tuple[int, int, int]:
    """Before, now, and the change."""
    was, is_ = before.get(names, 0), now.get(names, 0)
    return was, is_, is_ - was


def _data(
    query: Query, ranges: ComparedRanges, before: Mapping[Names, int], now: Mapping[Names, int]
) -> dict[str, Any]:
    was, is_ = sum(before.values()), sum(now.values())
    whole = {"from": was, "to": is_, "change": is_ - was}
    lines = [
        (names, dict(zip(("from", "to", "change"), _figures(names, before, now), strict=True)))
        for names, _ in moved(before, now)
    ]
    return {
        "before": span_json(ranges.before),
        "range": span_json(ranges.now),
        **whole,
        "parts": {names[0]: one["change"] for names, one in lines} if query.by else {
            ALL: is_ - was
        },
        "cells": [] if query.by else [
            {"key": names[0], "model": names[1], **one} for names, one in lines
        ],
        "groups": json_groups(query, ({"label": names[0], **one} for names, one in lines), whole),
    }  # fmt: skip


def _signed(metric: Metric, change: int) -> str:
    shown = figure(metric, change)
    return f"+{shown}" if change > 0 else shown
