"""Presents what prompt caching does as an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from reports.analysis.cache import (
    CacheFall,
    CacheReport,
    CacheUse,
    GroupUsage,
    Series,
    UnknownFigures,
    cache_report,
    together,
)
from reports.analysis.document import AnalysisDocument, ExactTable, ShareChart, TableColumn
from reports.analysis.nothing import nothing_used
from reports.analysis.text import iso
from reports.questions.query import Query
from reports.questions.wording import DIMENSION_WORDS, capitalize_first, since_words, title
from reports.time.time_range import Granularity, TimeRange
from reports.usage.format import money, number, percent
from reports.usage.usage import ZERO, dollars

DASH = "–"
NOTHING = "there is no caching to show"
UNKNOWN = (
    "How many prompt tokens came from a cache isn't known for this period: OpenRouter didn't report"
    " it, or it is still being fetched."
)
SAVED_UNKNOWN = "What caching saved isn't known for all of this period."
NO_CACHE = "No prompt tokens came from a cache."
_NOTE = (
    "Cached tokens and savings are OpenRouter's own figures. Savings are negative if writing to a "
    "cache cost more than reading from it saved."
)
_MORE_CACHED = (
    "OpenRouter counted more cached tokens than prompt tokens{where}, so the share is above 100%."
)
_NAMED = 3
"""The number of groups named in a sentence; the table has the others."""
_FIGURES = (
    "Prompt Tokens", "Cached Tokens", "Cached Share", "Saved", "Completion Tokens",
    "Reasoning Tokens", "Reasoning Share", "Fell Since",
)  # fmt: skip
_NAMES = {None: "Group", "model": "Slug", "key": "API Key", "creator": "Creator"}


def cache_answer(
    query: Query,
    span: TimeRange,
    groups: Series | GroupUsage,
    unknown: UnknownFigures,
    *,
    as_of: datetime | None,
    partial: Sequence[str],
) -> AnalysisDocument:
    """What caching did over a range.

    `groups` is the usage by label and index of the bucket, of a single group without a grouping;
    `unknown` are the indexes of the buckets in which cached tokens and savings are unknown.
    """
    daily = span.granularity in {Granularity.DAY, Granularity.MONTH}
    running = len(span.buckets) - 1 if span.unfinished else None
    found = cache_report(groups, unknown, falls=daily, running=running)
    whole = found.whole
    empty = not (whole.prompt or whole.completion)
    grouped = query.by is not None and not empty
    return AnalysisDocument(
        query=query,
        title=title(query),
        sentences=(nothing_used(query, partial, NOTHING),)
        if empty
        else _sentences(found, query, span),
        as_of=as_of,
        made=span.until,
        range=span,
        partial=(*partial, *_left_out(found, span)),
        columns=_columns(query) if grouped else (),
        rows=_rows(found, query) if grouped else (),
        notes=() if empty or whole.cached is None else (_NOTE,),
        exact=lambda: _exact(found, query, span),
        data=lambda: {
            **_figures(whole),
            "fell": _fell(whole.fall, span),
            "groups": [
                {"label": one.label, **_figures(one), "fell": _fell(one.fall, span)}
                for one in found.groups
            ],
        },
        groups=tuple(one.label for one in found.groups[: query.top]) if query.by else (),
        shares=_chart(found, span),
        empty=empty,
    )


def _sentences(found: CacheReport, query: Query, span: TimeRange) -> tuple[str, ...]:
    whole = found.whole
    if whole.cached is None:
        return (UNKNOWN, *_reasoning(whole))
    groups = found.groups if query.by else ()
    lines = [_share(whole), _saved(whole)]
    lines += _above_prompt(whole, groups)
    lines += _dearer(whole, groups)
    lines += _falls(whole, groups, span)
    return tuple(line for line in (*lines, *_reasoning(whole)) if line)


def _share(whole: CacheUse) -> str:
    if not whole.cached:
        return NO_CACHE
    if whole.share is None:
        return f"{number(whole.cached)} tokens came from a cache, but no prompt tokens are counted."
    return (
        f"{percent(whole.share)} of prompt tokens came from a cache: {number(whole.cached)} of"
        f" {number(whole.prompt)}."
    )


def _saved(whole: CacheUse) -> str:
    if whole.saved is None:
        return SAVED_UNKNOWN
    if whole.saved < 0:
        return (
            f"Caching cost {money(-whole.saved)} more than it saved: writing to a cache costs"
            " extra, and too little was read from it."
        )
    if not whole.saved:
        return "It saved nothing." if whole.cached else ""
    return f"Caching saved {money(whole.saved)}."


def _above_prompt(whole: CacheUse, groups: Sequence[CacheUse]) -> list[str]:
    over_all = [one for one in groups if one.share is not None and one.share > 1]
    if over_all:
        return [_MORE_CACHED.format(where=f" for {_names(over_all)}")]
    above = whole.share is not None and whole.share > 1
    return [_MORE_CACHED.format(where="")] if above else []


def _dearer(whole: CacheUse, groups: Sequence[CacheUse]) -> list[str]:
    """The groups for which writing cost more than reading saved, most expensive first."""
    losing = [one for one in groups if (one.saved or 0) < 0]
    losing.sort(key=lambda one: one.saved or 0)
    if not losing or ((whole.saved or 0) < 0 and len(groups) == 1):
        return []
    lost = sum(one.saved or 0 for one in losing)
    return [f"For {_names(losing)}, caching cost {money(-lost)} more than it saved."]


def _falls(whole: CacheUse, groups: Sequence[CacheUse], span: TimeRange) -> list[str]:
    """Describe where the share fell, the most expensive drops first; of the whole if nothing is
    grouped."""
    fallen = [one for one in groups if one.fall] or ([whole] if whole.fall else [])
    fallen.sort(key=lambda one: -((one.fall and one.fall.missed) or 0))
    lines = [_fall(one.label if groups else "", one.fall, span) for one in fallen if one.fall]
    more = len(lines) - _NAMED
    if more > 0:
        lines = [*lines[:_NAMED], f"The share fell for {more:,} more."]
    return lines


def _fall(label: str, fall: CacheFall, span: TimeRange) -> str:
    since = since_words(span.buckets[fall.since], span)
    whose = f"{label}: the share" if label else "The share"
    missed = ""
    if fall.missed is not None and fall.missed > 0:
        missed = f"; at the earlier share, caching would have saved about {money(fall.missed)} more"
    return (
        f"{whose} fell from {percent(fall.before)} to {percent(fall.after)} on {since} and has"
        f" stayed low{missed}."
    )


def _reasoning(whole: CacheUse) -> tuple[str, ...]:
    share = whole.reasoning_share
    if not share:
        return ()
    figures = f"{number(whole.reasoning)} of {number(whole.completion)}"
    return (f"Reasoning was {percent(share)} of completion tokens: {figures}.",)


def _names(groups: Sequence[CacheUse]) -> str:
    names = [one.label for one in groups[:_NAMED]]
    if len(groups) > _NAMED:
        return f"{', '.join(names)} and {len(groups) - _NAMED:,} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _left_out(found: CacheReport, span: TimeRange) -> tuple[str, ...]:
    """Describe the buckets for which nothing is known about caching."""
    left_out = found.left_out
    if not left_out or found.whole.cached is None:
        return ()
    what = "cached tokens are unknown"
    used = (index for index, usage in found.buckets.items() if usage.tokens)
    first = min(index for index in used if index not in left_out)
    if all(index < first for index in left_out):
        since = since_words(span.buckets[first], span)
        return (f"{what} before {since}, so the figures only cover the time since then",)
    count = len(left_out)
    buckets = f"{span.granularity}{'' if count == 1 else 's'}"
    return (f"{what} for {count:,} {buckets} of this period, which the figures leave out",)


def _chart(found: CacheReport, span: TimeRange) -> ShareChart | None:
    if not found.whole.cached or len(span.buckets) < 2:
        return None
    usage = [found.buckets.get(index, ZERO) for index in range(len(span.buckets))]
    return ShareChart(
        "Prompt tokens from a cache",
        tuple(one.cached for one in usage),
        tuple(one.prompt for one in usage),
        found.left_out,
    )


def _columns(query: Query) -> tuple[TableColumn, ...]:
    name = capitalize_first(DIMENSION_WORDS[query.by]) if query.by else ""
    heads = ("From cache", "Cached", "Prompt", "Saved", "Reasoning share")
    return (TableColumn(name, right=False), *map(TableColumn, heads))


def _rows(found: CacheReport, query: Query) -> tuple[tuple[str, ...], ...]:
    shown, other_groups = found.groups[: query.top], found.groups[query.top :]
    rows = [_row(one, one.label) for one in shown]
    if other_groups:
        rows.append(_row(together(other_groups), f"Others ({len(other_groups):,})"))
    if len(found.groups) > 1:
        rows.append(_row(found.whole, "All"))
    return tuple(rows)


def _row(one: CacheUse, label: str) -> tuple[str, ...]:
    return (
        label,
        DASH if one.share is None else percent(one.share),
        DASH if one.cached is None else number(one.cached),
        number(one.prompt),
        DASH if one.saved is None else money(one.saved),
        DASH if one.reasoning_share is None else percent(one.reasoning_share),
    )


def _figures(one: CacheUse) -> dict[str, Any]:
    return {
        "prompt": one.prompt,
        "cached": one.cached,
        "share": None if one.share is None else float(one.share),
        "saved": None if one.saved is None else dollars(one.saved),
        "completion": one.completion,
        "reasoning": one.reasoning,
        "reasoning_share": None if one.reasoning_share is None else float(one.reasoning_share),
    }


def _fell(fall: CacheFall | None, span: TimeRange) -> dict[str, Any] | None:
    """The row for where the share fell: the shares before and after, and the cost if known."""
    if fall is None:
        return None
    return {
        "since": iso(span.buckets[fall.since]),
        "from": float(fall.before),
        "to": float(fall.after),
        "missed": None if fall.missed is None else dollars(fall.missed),
    }


def _exact(found: CacheReport, query: Query, span: TimeRange) -> ExactTable:
    """The exact rows of every group; unknown figures are left empty."""
    rows = tuple(
        (
            one.label, one.prompt,
            "" if one.cached is None else one.cached,
            "" if one.share is None else f"{float(one.share):.6f}",
            "" if one.saved is None else dollars(one.saved),
            one.completion, one.reasoning,
            "" if one.reasoning_share is None else f"{float(one.reasoning_share):.6f}",
            iso(span.buckets[one.fall.since]) if one.fall else "",
        )
        for one in found.groups
    )  # fmt: skip
    columns = (_NAMES[query.by], *_FIGURES)
    return ExactTable(columns, rows, frozenset(range(1, len(columns))))
