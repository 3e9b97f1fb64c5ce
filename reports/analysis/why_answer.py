"""Presents what changed between two periods as an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from operator import itemgetter
from typing import Any

from reports.analysis.document import (
    AnalysisDocument,
    ExactTable,
    TableColumn,
    WaterfallStep,
    json_groups,
)
from reports.analysis.rounding import largest_remainder
from reports.analysis.text import iso
from reports.analysis.why import (
    CellChange,
    Cells,
    CellUsage,
    ChangeParts,
    Explanation,
    explain,
    order,
)
from reports.analysis.why_sentences import ComparedRanges, first_sentences
from reports.questions.query import Query
from reports.questions.unfinished import WholeChange, last_day
from reports.questions.wording import (
    DIMENSION_WORDS,
    capitalize_first,
    range_words,
    title,
)
from reports.time.time_range import Granularity, TimeRange
from reports.usage.dimensions import Dimension, Metric
from reports.usage.format import difference, money
from reports.usage.usage import NANO, dollars

NO_PERIOD_BEFORE = (
    "There is no earlier period to compare with: no usage is stored for {before}. Try a shorter or"
    " a later period."
)
NOTHING_CHANGED = "Nothing was used in either period, so nothing changed; try a longer period."
NOTHING_MATCHES = (
    "No usage matches these filters in either period, so nothing changed; remove a filter or try a"
    " longer period."
)
ALL_NEW = "Nothing was used in the period before, so there is nothing to split: all of it is new."
GRAIN = (
    "Worked out for each pair of API key and model{chatroom}. Volume is more or fewer tokens at the"
    " earlier prices, mix is tokens moving between these pairs (new and dropped ones included), and"
    " price is dollars per token: list prices, caching and the length of requests together. These"
    " are sums, not causes."
)
UNLIKE = "Some usage is missing from these periods (see below), so the true change may differ."
_CHATROOM = ", chatroom usage for each creator"
_ABOUT_NOTHING = "≈ $0"
"""A part that isn't zero, and rounds to zero cents."""
_TRACE = 10_000
"""A part below this fraction of the spend is only rounding, so no pairs are named for it."""
_BRIEF = {Granularity.MINUTE, Granularity.HOUR}
_CENT = NANO // 100
_IN_CENTS = NANO // 10 - NANO // 20_000
"""Below this, `money` shows more decimals than cents: amounts that round to less than $0.1000."""
_SMALL_SHARE = 20
"""A pair that accounts for less than a twentieth of a part isn't named."""
_PLACE = itemgetter(*(CellUsage._fields.index(name) for name in ("key", "model", "creator")))
_NAMED = 3
"""The number of pairs named for each part; the table has more."""


@dataclass(frozen=True, slots=True)
class DataStatus:
    """When the data was last synced, and phrases about missing data.

    `gaps`: whether usage of a whole bucket is missing in one of the periods. `notes` are sentences
    about how the data was read.
    """

    as_of: datetime | None
    partial: tuple[str, ...] = ()
    gaps: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AllUsage:
    """The spend (nano-dollars) of both ranges, and their cells, which only JSON needs (None: they
    weren't read).
    """

    totals: WholeChange
    cells: Callable[[], Cells] | None


def why_answer(
    query: Query,
    ranges: ComparedRanges,
    cells: Cells,
    status: DataStatus,
    everything: AllUsage | None = None,
) -> AnalysisDocument:
    """The answer why spend changed. `cells` have the spend of the source in the question.

    If `ranges` have whole days or months, `cells` are those of these, and `everything` is needed
    for what is left out.
    """
    found = explain(cells)
    shown_change = WholeChange(found.now, found.before)
    totals = everything.totals if everything else shown_change
    first, *left_out = first_sentences(
        query, ranges, totals, shown_change if ranges.whole else None
    )
    empty = not any((totals.before, totals.now, found.tokens_now))
    shown = not empty and not ranges.just_begun
    brief = f"{ranges.now.granularity}s" if ranges.now.granularity in _BRIEF else ""
    others = _sentences(found, _named(query, found), brief=brief) if shown else ()
    return AnalysisDocument(
        query=query,
        title=title(query),
        sentences=(nothing_changed(query),) if empty else (
            first, *left_out, *unlike(status), *others
        ),
        as_of=status.as_of,
        made=ranges.now.until,
        range=ranges.shown.now,
        before=ranges.shown.before,
        partial=status.partial,
        columns=_columns(query) if shown else (),
        rows=_rows(query, found) if shown else (),
        notes=(*status.notes, *((_grain(query),) if shown else ())),
        exact=lambda: _exact(query, found),
        data=lambda: _data(query, ranges, _of_everything(found, everything), found),
        groups=tuple(group.label for group in found.groups[: query.top]),
        steps=_steps(found) if shown and any(found.parts) else (),
        empty=empty,
    )  # fmt: skip


def _of_everything(found: Explanation, everything: AllUsage | None) -> Explanation:
    """The explanation of the whole ranges."""
    if everything is None:
        return found
    if everything.cells is None:
        raise ValueError("the cells of the whole ranges weren't read")
    return explain(everything.cells())


def nothing_changed(query: Query) -> str:
    """The sentence where neither period has usage."""
    return NOTHING_MATCHES if query.filters else NOTHING_CHANGED


def no_comparison(query: Query, ranges: ComparedRanges, status: DataStatus) -> AnalysisDocument:
    """The answer if nothing is stored for the previous period."""
    sentence = NO_PERIOD_BEFORE.format(before=range_words(ranges.before).partition(", by ")[0])
    return AnalysisDocument(
        query=query,
        title=title(query),
        sentences=(sentence,),
        as_of=status.as_of,
        made=ranges.now.until,
        range=ranges.now,
        partial=status.partial,
        data=lambda: {
            "metric": str(query.metric or Metric.SPEND),
            "before": span_json(ranges.before),
            "range": span_json(ranges.now),
            **dict.fromkeys(("from", "to", "change", "parts")),
            "cells": [],
            "groups": [],
            "partial": [*status.partial, sentence[:1].lower() + sentence[1:].rstrip(".")],
        },
        empty=True,
    )


def group_of(by: Dimension | None) -> Callable[[CellUsage], str] | None:
    """The label of the group that a cell belongs to, by a dimension."""
    if by is None:
        return None
    return {
        Dimension.MODEL: lambda cell: cell.model,
        Dimension.KEY: lambda cell: cell.key,
        Dimension.CREATOR: lambda cell: cell.creator,
    }[by]


def unlike(status: DataStatus) -> tuple[str, ...]:
    """That the two periods lack different data, where they do."""
    return (UNLIKE,) if status.gaps else ()


def _sentences(found: Explanation, named: _Named, *, brief: str) -> tuple[str, ...]:
    if not found.tokens_before:
        return (ALL_NEW,) if found.now or found.tokens_now else ()
    volume, mix, price = _shown(found.parts)
    lines = []
    if found.parts.volume:
        sentence = difference(Metric.TOKENS, found.tokens_now, found.tokens_before)
        lines.append(f"Volume {volume}: tokens are {sentence}.")
    if found.parts.mix:
        lines.append(f"Mix {mix}{_led_by(named[_MIX], _MIX)}")
    if found.parts.price:
        lines.append(f"Price {price}{_led_by(named[_PRICE], _PRICE)}")
    return (*lines, *_new_and_gone(found, brief=brief))


_MIX, _PRICE = ChangeParts._fields.index("mix"), ChangeParts._fields.index("price")
_Named = Mapping[int, Sequence[CellChange]]
"""The pairs that a sentence names for each part."""


def _named(query: Query, found: Explanation) -> _Named:
    """The pairs that account for most of mix and of price, in the same direction."""
    return {part: _most(found, part, min(_NAMED, query.top)) for part in (_MIX, _PRICE)}


def _most(found: Explanation, part: int, count: int) -> list[CellChange]:
    """None if the part is only rounding."""
    whole = found.parts[part]
    if not whole or abs(whole) * _TRACE < max(found.before, found.now):
        return []
    sign = 1 if whole >= 0 else -1
    least = abs(whole) // _SMALL_SHARE
    towards = found.towards(part, sign, least, count)
    return [cell for cell in towards if _shown(cell.parts)[part] != _ABOUT_NOTHING]


def _led_by(cells: Sequence[CellChange], part: int) -> str:
    """The pairs named for a part, with its amounts as in their rows of the table."""
    named = [f"{_name(cell.usage)} {_shown(cell.parts)[part]}" for cell in cells]
    return f", led by {', '.join(named)}." if named else "."


def _new_and_gone(found: Explanation, *, brief: str) -> tuple[str, ...]:
    """The pairs used in one period only; `brief`: `hours` or `minutes`, which say
    little about use later."""
    new = [row[5] for row in found.rows if not (row[2] or row[4]) and (row[3] or row[5])]
    gone = [row[4] for row in found.rows if (row[2] or row[4]) and not (row[3] or row[5])]
    added = f"used in these {brief} only" if brief else "new"
    ended = f"not used in these {brief}" if brief else "no longer used"
    parts = []
    if new:
        parts.append(f"{_pairs(new)} {added} ({money(sum(new))} now)")
    if gone:
        parts.append(f"{_pairs(gone)} {ended} ({money(sum(gone))} before)")
    return (f"Of the pairs of API key and model, {' and '.join(parts)}.",) if parts else ()


def _pairs(spent: Sequence[int]) -> str:
    return f"{len(spent):,} {'is' if len(spent) == 1 else 'are'}"


def _grain(query: Query) -> str:
    return GRAIN.format(chatroom=_CHATROOM if query.by is Dimension.CREATOR else "")


def _name(cell: CellUsage) -> str:
    return f"{cell.key} × {short_model(cell.model)}"


def short_model(model: str) -> str:
    """A model without its vendor, because the table is narrow."""
    return model.rpartition("/")[2] or model


def _plus(nano: int) -> str:
    return f"+{money(nano)}" if nano > 0 else money(nano)


def _shown(parts: ChangeParts) -> tuple[str, ...]:
    """The parts of a change, rounded so that they add up to the change as shown.

    A part that isn't zero and rounds to zero is `≈ $0`. Below ten cents, where money has more
    decimals than cents, parts are shown like all other amounts.
    """
    rounded = _in_cents(parts)
    if rounded is None:
        return tuple(map(_plus, parts))
    return tuple(_cents(cents, part) for cents, part in zip(rounded, parts, strict=True))


def _in_cents(parts: ChangeParts) -> tuple[int, ...] | None:
    """The parts in whole cents that add up to the change; None for a change below ten cents."""
    if max(map(abs, (*parts, parts.change))) < _IN_CENTS:
        return None
    whole = round(Fraction(parts.change, _CENT))
    return largest_remainder([Fraction(part, _CENT) for part in parts], whole)


def _cents(cents: int, exact: int) -> str:
    if not cents:
        return _ABOUT_NOTHING if exact else "$0"
    sign = "+" if cents > 0 else "-"
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02}"


def _columns(query: Query) -> tuple[TableColumn, ...]:
    labels: tuple[str, ...]
    labels = (
        ("API key", "Model") if query.by is None else (capitalize_first(DIMENSION_WORDS[query.by]),)
    )
    heads = ("Before", "Now", "Change", "Volume", "Mix", "Price")
    return (*(TableColumn(label, right=False) for label in labels), *map(TableColumn, heads))


_Line = tuple[tuple[str, ...], int, int, ChangeParts]
"""Names, spend before, spend now, and the parts of the change."""


def _rows(query: Query, found: Explanation) -> tuple[tuple[str, ...], ...]:
    lines: list[_Line]
    blank: tuple[str, ...]
    if query.by is None:
        cells, count = found.largest(query.top)
        lines = [
            ((usage.key, short_model(usage.model)), usage.spend_before, usage.spend_now, parts)
            for usage, parts in _listed(query, cells, _named(query, found))
        ]
        blank = ("",)
    else:
        groups = [group for group in found.groups if group.before or group.now] or found.groups
        count = len(groups)
        lines = [
            ((group.label,), group.before, group.now, group.parts) for group in groups[: query.top]
        ]
        blank = ()
    rows = [_row(names, before, now, parts) for names, before, now, parts in lines]
    whole = (("All", *blank), found.before, found.now, found.parts)
    if count > len(lines):
        name = f"Others ({count - len(lines):,})"
        rows.append(_row((name, *blank), *_without(whole, lines)))
    return (*rows, *([_row(*whole)] if count > 1 else []))


def _listed(query: Query, largest: Sequence[CellChange], named: _Named) -> Sequence[CellChange]:
    """The pairs with a row of their own: those that sentences name, and the largest changes."""
    left = {_PLACE(cell.usage): cell for some in named.values() for cell in some}
    most = max(query.top - len(left), 0)
    listed = []
    for cell in largest:
        is_named = left.pop(_PLACE(cell.usage), None) is not None
        if is_named or most > 0:
            listed.append(cell)
            most -= not is_named
    return [*listed, *sorted(left.values(), key=order)]


def _without(whole: _Line, lines: Sequence[_Line]) -> tuple[int, int, ChangeParts]:
    """The whole without some lines."""
    remainder = [part - sum(line[3][at] for line in lines) for at, part in enumerate(whole[3])]
    return (
        whole[1] - sum(line[1] for line in lines),
        whole[2] - sum(line[2] for line in lines),
        ChangeParts(*remainder),
    )


def _row(names: tuple[str, ...], before: int, now: int, parts: ChangeParts) -> tuple[str, ...]:
    return (*names, money(before), money(now), _plus(parts.change), *_shown(parts))


def _steps(found: Explanation) -> tuple[WaterfallStep, ...]:
    """The waterfall; its amounts are rounded as those in the sentences and in the table."""
    rounded = _in_cents(found.parts)
    volume, mix, price = found.parts if rounded is None else (one * _CENT for one in rounded)
    return (
        WaterfallStep("Before", found.before, level=True),
        WaterfallStep("Volume", volume),
        WaterfallStep("Mix", mix),
        WaterfallStep("Price", price),
        WaterfallStep("Now", found.now, level=True),
    )


def _exact(query: Query, found: Explanation) -> ExactTable:
    """The exact rows of every cell, with the figures behind its parts, sorted by the size of its
    change.

    The parts can be recomputed from these and the sums of tokens.
    """
    creator = ("Creator",) if query.by is Dimension.CREATOR else ()
    names = ("API Key", "Slug", *creator)
    columns = (
        *names, "Tokens Before", "Tokens", "Spend Before", "Spend", "Volume", "Mix", "Price",
    )  # fmt: skip
    rows = tuple(
        (
            one.usage.key,
            one.usage.model,
            *((one.usage.creator,) if creator else ()),
            one.usage.tokens_before,
            one.usage.tokens_now,
            dollars(one.usage.spend_before),
            dollars(one.usage.spend_now),
            dollars(one.parts.volume),
            dollars(one.parts.mix),
            dollars(one.parts.price),
        )
        for one in found.cells
    )
    return ExactTable(columns, rows, frozenset(range(len(names), len(columns))))


def _data(
    query: Query, ranges: ComparedRanges, found: Explanation, whole: Explanation
) -> dict[str, Any]:
    return {
        "metric": str(query.metric or Metric.SPEND),
        **_explained(query, ranges, found),
        **whole_json(ranges, lambda shown: _explained(query, shown, whole)),
    }


def whole_json(
    ranges: ComparedRanges, explained: Callable[[ComparedRanges], Mapping[str, Any]]
) -> dict[str, Any]:
    """The same through the last whole day or month, where a range isn't over."""
    if ranges.whole is None:
        return {}
    return {"whole": {"through": last_day(ranges.whole.current), **explained(ranges.shown)}}


def _explained(query: Query, ranges: ComparedRanges, found: Explanation) -> dict[str, Any]:
    return {
        "before": span_json(ranges.before),
        "range": span_json(ranges.now),
        **_change(found.before, found.now, found.parts),
        "cells": [
            {
                "key": one.usage.key,
                "model": one.usage.model,
                **({"creator": one.usage.creator} if query.by is Dimension.CREATOR else {}),
                "volume": dollars(one.parts.volume),
                "mix": dollars(one.parts.mix),
                "price": dollars(one.parts.price),
                "from": dollars(one.usage.spend_before),
                "to": dollars(one.usage.spend_now),
            }
            for one in found.cells
        ],
        "groups": json_groups(
            query,
            (
                {"label": one.label, **_change(one.before, one.now, one.parts)}
                for one in found.groups
            ),
            _change(found.before, found.now, found.parts),
        ),
    }


def _change(before: int, now: int, parts: ChangeParts) -> dict[str, Any]:
    return {
        "from": dollars(before),
        "to": dollars(now),
        "change": dollars(parts.change),
        "parts": _parts(parts),
    }


def _parts(parts: ChangeParts) -> dict[str, str]:
    return {
        "volume": dollars(parts.volume),
        "mix": dollars(parts.mix),
        "price": dollars(parts.price),
    }


def span_json(span: TimeRange) -> dict[str, str]:
    """A range as JSON values."""
    return {"start": iso(span.start), "end": iso(span.until)}
