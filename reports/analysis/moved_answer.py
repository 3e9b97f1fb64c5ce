"""What moved tokens or requests between two periods, as an answer; they have no price to part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports.analysis.document import AnalysisDocument, ExactTable, TableColumn, json_groups
from reports.analysis.moved import Moved, MovedGroup, Names
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


def moved_answer(
    query: Query,
    ranges: ComparedRanges,
    groups: Moved,
    status: DataStatus,
    whole: Moved | None = None,
) -> AnalysisDocument:
    """Why tokens or requests changed: what each group moved.

    `query.metric` is set. If `ranges` have whole days or months, `whole` is what was used in these:
    that is shown, and the JSON has both.
    """
    metric = query.metric or Metric.TOKENS
    figures, shown = groups.totals, whole or groups
    changes = [] if ranges.just_begun else shown.largest(query.top)
    empty = not figures.before and not figures.now
    heads = ("Before", "Now", "Change")
    first, *left_out = first_sentences(query, ranges, figures, whole and shown.totals)
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
        rows=_rows(query, metric, shown, changes) if changes else (),
        notes=(*status.notes, *((GRAIN,) if changes and query.by is None else ())),
        exact=lambda: ExactTable(
            (*_CSV_NAMES[query.by], *heads),
            tuple((*one.names, one.before, one.now, one.change) for one in shown.largest()),
        ),
        data=lambda: {
            "metric": str(query.metric),
            **_data(query, ranges, groups),
            **whole_json(ranges, lambda of: _data(query, of, shown)),
        },
        groups=tuple(one.names[0] for one in changes) if query.by else (),
        empty=empty,
    )  # fmt: skip


def _names(query: Query) -> tuple[str, ...]:
    return (capitalize_first(DIMENSION_WORDS[query.by]),) if query.by else ("API key", "Model")


def _largest(query: Query, metric: Metric, changes: Sequence[MovedGroup]) -> tuple[str, ...]:
    if not changes:
        return ()
    most = min(_NAMED, query.top)  # those that have a row of their own
    named = ", ".join(
        f"{_called(one.names)} {_signed(metric, one.change)}" for one in changes[:most]
    )
    return (f"Largest changes: {named}.",)


def _called(names: Names) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} × {short_model(names[1])}"


def _rows(
    query: Query, metric: Metric, moved: Moved, shown: Sequence[MovedGroup]
) -> tuple[tuple[str, ...], ...]:
    blank = ("",) * (len(_names(query)) - 1)

    def row(names: Names, before: int, now: int) -> tuple[str, ...]:
        return (*names, figure(metric, before), figure(metric, now), _signed(metric, now - before))

    rows = [row((one.names[0], *map(short_model, one.names[1:])), one.before, one.now)
            for one in shown]  # fmt: skip
    others, before, now = moved.without(shown)
    if others:
        rows.append(row((f"Others ({others:,})", *blank), before, now))
    if len(rows) > 1:
        whole = moved.totals
        rows.append(row(("All", *blank), whole.before, whole.now))
    return tuple(rows)


def _data(query: Query, ranges: ComparedRanges, moved: Moved) -> dict[str, Any]:
    totals = moved.totals
    whole = {"from": totals.before, "to": totals.now, "change": totals.now - totals.before}
    lines = [
        (one.names, {"from": one.before, "to": one.now, "change": one.change})
        for one in moved.largest()
    ]
    return {
        "before": span_json(ranges.before),
        "range": span_json(ranges.now),
        **whole,
        "parts": {names[0]: one["change"] for names, one in lines} if query.by else {
            ALL: whole["change"]
        },
        "cells": [] if query.by else [
            {"key": names[0], "model": names[1], **one} for names, one in lines
        ],
        "groups": json_groups(query, ({"label": names[0], **one} for names, one in lines), whole),
    }  # fmt: skip


def _signed(metric: Metric, change: int) -> str:
    shown = figure(metric, change)
    return f"+{shown}" if change > 0 else shown
