"""Presents the forecast of a running period as an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from reports.analysis.document import AnalysisDocument, ExactTable, TableColumn, json_groups
from reports.analysis.forecast import Band, ForecastRecord, PeriodForecast
from reports.analysis.limited_keys import LimitedKey, Reason
from reports.analysis.text import iso
from reports.questions.query import Query
from reports.questions.wording import DIMENSION_WORDS, capitalize_first, period_words, stamp, title
from reports.time.period import Calendar, Unit
from reports.time.time_range import TimeRange
from reports.usage.dimensions import Dimension
from reports.usage.format import money, percent
from reports.usage.usage import dollars, nano_dollars

NO_DATA = "Spend of the days right before today isn't stored, so there is nothing to forecast from."
NOTHING_SPENT = (
    "Nothing was spent in this period or in the weeks before it, so there is nothing to forecast"
    " from{remove}."
)
BEGUN_TODAY = (
    "{amount} was spent so far. Usage began today, so there is no earlier day to forecast from yet."
)
NO_BAND = "There are too few earlier days to say how far off this may be, so there is no range yet."
AT_LIMIT = "That is all that the limit lets through, so there is no range."
NO_RANGE = "Nothing is expected to come, so there is no range."
_FROM_TOMORROW = "What was first used today counts from tomorrow on."
SHARED = (
    "What is to come is divided by what each {name} usually spent in the past two weeks. "
    f"{_FROM_TOMORROW}"
)
SHARE = (
    "What is to come is this part's share of all expected spend, by what it usually spent in the"
    f" past two weeks. {_FROM_TOMORROW}"
)
OUTLYING = (
    "Single days far above the usual aren't continued, and a lasting change of level counts from"
    " its fourth day."
)
_MOST_NAMED = 3
"""Keys of which less is expected that get a sentence; the others are counted."""
FEWEST_RECORD = 3
"""Fewer earlier periods say too little about the accuracy of forecasts."""
UNKNOWN = "–"
_METHODS = {
    "pace": "every day to come costs what a day of the past week cost",
    "weekday": "each day to come costs the average of the last four same weekdays",
    "profile": "the average of the past two weeks, spread over weekdays as in the past eight weeks",
}


@dataclass(frozen=True, slots=True)
class ForecastGroup:
    """One group, or the whole: its forecast, and the previous period's total in nano-dollars (None
    if unknown).
    """

    label: str
    found: PeriodForecast
    previous: int | None


@dataclass(frozen=True, slots=True)
class ForecastScope:
    """The period of a forecast: its part so far, and the end of the whole (UTC), in a zone.

    `stored`: usage of the days before today is stored. `begun`: what was spent so far, in
    nano-dollars, where usage began today. `of_part`: it is about a part of what the asker may see.
    `own_only`: the asker only sees their own usage. `held_back` are the keys that can't spend their
    share, and `stopped` those of a question about keys that can't spend anything, with their
    labels.
    """

    range: TimeRange
    end: datetime
    zone: str
    as_of: datetime | None
    partial: tuple[str, ...]
    stored: bool = True
    begun: int = 0
    of_part: bool = False
    own_only: bool = False
    held_back: tuple[tuple[str, LimitedKey], ...] = ()
    stopped: tuple[tuple[str, LimitedKey], ...] = ()


def forecast_answer(
    query: Query,
    scope: ForecastScope,
    whole: ForecastGroup | None,
    past: ForecastRecord,
    groups: Sequence[ForecastGroup] = (),
) -> AnalysisDocument:
    """The forecast of a period; `whole` is None if no usage is stored to forecast from."""
    ordered = sorted(groups, key=lambda one: (-one.found.end, one.label))
    listed = ordered[: query.top]
    any_spend = whole is not None and whole.found.end != 0
    return AnalysisDocument(
        query=query,
        title=title(query),
        sentences=_sentences(query, whole, past, scope),
        as_of=scope.as_of,
        made=scope.range.until,
        range=scope.range,
        partial=scope.partial,
        columns=_columns(query) if query.by and any_spend else (),
        rows=_rows(whole, listed, ordered[query.top :]) if query.by and any_spend else (),
        notes=_notes(query, whole, scope),
        exact=lambda: _exact(query, [*ordered, *([whole] if whole and not query.by else [])]),
        data=lambda: _data(query, scope, whole, past, ordered),
        groups=tuple(one.label for one in listed),
        empty=whole is None,
    )


def _sentences(
    query: Query, whole: ForecastGroup | None, past: ForecastRecord, scope: ForecastScope
) -> tuple[str, ...]:
    if whole is None and not scope.stored:
        return (NO_DATA,)
    if whole is None and scope.begun:
        return (BEGUN_TODAY.format(amount=money(scope.begun)), *_stopped(scope))
    if whole is None or not whole.found.end:
        stopped = _stopped(scope)
        removable = query.filters and not stopped and not scope.own_only
        filtered = "; remove a filter to see more" if removable else ""
        return (NOTHING_SPENT.format(remove=filtered), *stopped, *_before(query, whole))
    found = whole.found
    period = period_words(query.period)
    lines = [
        (
            f"{capitalize_first(period)} is expected to end at {money(found.end)}:"
            f" {money(found.so_far)} so far and {money(found.to_come)} to come."
        )
    ]
    lines.append(_range_sentence(found, scope))
    if limit := _limit(query):
        lines.append(_against(found, limit))
    lines += _before(query, whole)
    unit = query.period.unit if isinstance(query.period, Calendar) else Unit.MONTH
    lines.append(record_sentence(past, unit))
    return tuple(lines)


def _stopped(scope: ForecastScope) -> tuple[str, ...]:
    """Which keys of a question can't spend anything, and why."""
    return _held_back_notes(scope.stopped)


def _range_sentence(found: PeriodForecast, scope: ForecastScope) -> str:
    """The range; or why there is none, if it is a single key that can't spend its share."""
    if len(scope.held_back) != 1 or not scope.of_part:
        return band_sentence(found.band, found.to_come)
    [(label, one)] = scope.held_back
    if not found.to_come:
        return _held_back_note(label, one)
    if one.reason is Reason.LIMITED and found.band and (
        money(found.band.low) == money(found.band.high)
    ):  # fmt: skip
        return AT_LIMIT
    return band_sentence(found.band, found.to_come)


def _before(query: Query, whole: ForecastGroup | None) -> tuple[str, ...]:
    """What the period before came to; nothing where that is not known."""
    if whole and whole.previous:
        return (f"{capitalize_first(_last(query))} came to {money(whole.previous)}.",)
    if whole and whole.previous == 0 and whole.found.end:
        return (f"Nothing was spent {_last(query)}.",)
    return ()


def band_sentence(band: Band | None, to_come: int) -> str:
    """A sentence with the range of amounts, in plain text; `band` is None if the history is too
    short. `to_come` is the expected amount (nano-dollars) that the range is around."""
    if not to_come:
        return NO_RANGE
    if band is None:
        return NO_BAND
    if money(band.low) == money(band.high):
        return "Earlier days were all alike, so there is no range around it."
    return f"The 80% range is {money(band.low)} to {money(band.high)}."


def record_sentence(past: ForecastRecord, unit: Unit, what: str = "this forecast") -> str:
    """A sentence on the errors of earlier forecasts, in plain text; `what` was forecast."""
    if past.mean_error is None or past.worst_error is None or past.samples < FEWEST_RECORD:
        return f"There are fewer than three earlier {unit}s to judge this forecast by."
    return (
        f"At the same point in the last {past.samples} {unit}s, {what} was off by"
        f" {percent(past.mean_error)} on average and by {percent(past.worst_error)} at worst."
    )


def _limit(query: Query) -> int:
    """The amount (nano-dollars) that the question compares with; 0 without one."""
    return nano_dollars(Decimal(query.extra[1].removeprefix("$"))) if len(query.extra) == 2 else 0


def _against(found: PeriodForecast, limit: int) -> str:
    amount = money(limit)
    if found.so_far > limit:
        return f"It is already over {amount}."
    if found.band is None or not found.to_come:
        return f"That is {'over' if found.end > limit else 'within'} {amount}."
    if found.band.low > limit:
        return f"It is likely to go over {amount}: even the low end of the range is above it."
    if found.band.high <= limit:
        return f"It is likely to stay within {amount}: even the high end of the range is below it."
    side = "over" if found.end > limit else "within"
    return f"It may go either way: {amount} is within the range, and the expected end is {side} it."


def _last(query: Query) -> str:
    unit = query.period.unit if isinstance(query.period, Calendar) else Unit.MONTH
    return "yesterday" if unit is Unit.DAY else f"last {unit}"


def _notes(query: Query, whole: ForecastGroup | None, scope: ForecastScope) -> tuple[str, ...]:
    if whole is None or not whole.found.end or whole.found.method not in _METHODS:
        return ()
    compared = "" if whole.found.band is None else (
        " Of three simple methods, this was off least on the days so far."
    )  # fmt: skip
    how = f"How: {_METHODS[whole.found.method]}. {OUTLYING}{compared}"
    shared = (SHARED.format(name=DIMENSION_WORDS[query.by]),) if query.by else ()
    return (
        f"{how} The period ends {_end_words(scope)}.",
        *((SHARE,) if scope.of_part else ()),
        *shared,
        *(
            note
            for note in _held_back_notes(scope.held_back)
            if note != _range_sentence(whole.found, scope)
        ),
    )


def _end_words(scope: ForecastScope) -> str:
    """When the period ends, in its zone: `1 Dec 2026, 00:00 (Europe/Berlin)`."""
    if scope.zone == "UTC":
        return stamp(scope.end)
    at = scope.end.astimezone(ZoneInfo(scope.zone))
    return f"{at.day} {at:%b %Y}, {at:%H:%M} ({scope.zone})"


def _held_back_notes(held_back: Sequence[tuple[str, LimitedKey]]) -> tuple[str, ...]:
    """What is said of keys that can't spend their share, which come with their labels."""
    lines = [_held_back_note(label, one) for label, one in held_back[:_MOST_NAMED]]
    if others := held_back[_MOST_NAMED:]:
        less = money(sum(one.share - one.to_come for _, one in others))
        keys = "1 more key is" if len(others) == 1 else f"{len(others):,} more keys are"
        them = "it" if len(others) == 1 else "them"
        lines.append(
            f"{keys} disabled, deleted, expired or limited, so {less} less is expected of {them}."
        )
    return tuple(lines)


def _held_back_note(label: str, one: LimitedKey) -> str:
    if one.reason is not Reason.LIMITED:
        return f"Nothing more is expected of “{label}”, because the key is {one.reason}."
    if one.to_come <= 0:
        return (
            f"Nothing more is expected of “{label}”: its limit is used up and isn't reset before"
            " the period ends."
        )
    return (
        f"Only {money(one.to_come)} more is expected of “{label}”, because its limit allows no"
        f" more; at its usual pace it would be {money(one.share)}."
    )


def _columns(query: Query) -> tuple[TableColumn, ...]:
    name = capitalize_first(DIMENSION_WORDS[query.by]) if query.by else ""
    heads = ("So far", "To come", "End", "Low", "High", capitalize_first(_last(query)))
    return (TableColumn(name, right=False), *map(TableColumn, heads))


def _rows(
    whole: ForecastGroup | None, listed: Sequence[ForecastGroup], rest: Sequence[ForecastGroup]
) -> tuple[tuple[str, ...], ...]:
    rows = [_row(one.label, one) for one in listed]
    if rest:
        together = PeriodForecast(
            sum(one.found.so_far for one in rest), sum(one.found.to_come for one in rest), None, ""
        )
        known = [one.previous for one in rest if one.previous is not None]
        others = ForecastGroup("", together, sum(known) if len(known) == len(rest) else None)
        rows.append(_row(f"Others ({len(rest):,})", others))
    if whole is not None:
        rows.append(_row("All", whole))
    return tuple(rows)


def _row(label: str, one: ForecastGroup) -> tuple[str, ...]:
    found = one.found
    band = (UNKNOWN, UNKNOWN) if found.band is None else (
        money(found.band.low), money(found.band.high))  # fmt: skip
    previous = UNKNOWN if one.previous is None else money(one.previous)
    return (label, money(found.so_far), money(found.to_come), money(found.end), *band, previous)


def _exact(query: Query, groups: Sequence[ForecastGroup]) -> ExactTable:
    name = {None: "Group", Dimension.MODEL: "Slug", Dimension.KEY: "API Key",
            Dimension.CREATOR: "Creator"}[query.by]  # fmt: skip
    columns = (name, "So Far", "To Come", "End", "Low", "High", "Previous")
    rows = tuple((one.label, *(value or "" for value in _figures(one).values())) for one in groups)
    return ExactTable(columns, rows, frozenset(range(1, len(columns))))


def _figures(one: ForecastGroup) -> dict[str, str | None]:
    found, band = one.found, one.found.band
    return {
        "so_far": dollars(found.so_far),
        "to_come": dollars(found.to_come),
        "end": dollars(found.end),
        "low": dollars(band.low) if band else None,
        "high": dollars(band.high) if band else None,
        "previous": None if one.previous is None else dollars(one.previous),
    }


def _data(
    query: Query,
    scope: ForecastScope,
    whole: ForecastGroup | None,
    past: ForecastRecord,
    groups: Sequence[ForecastGroup],
) -> dict[str, Any]:
    names = ("so_far", "to_come", "end", "low", "high", "previous")
    figures: dict[str, str | None] = dict.fromkeys(names) if whole is None else _figures(whole)
    return {
        "range": {"start": iso(scope.range.start), "end": iso(scope.end)},
        **figures,
        "past": {
            "samples": past.samples,
            "mean_error": _share(past.mean_error),
            "worst_error": _share(past.worst_error),
        },
        "groups": json_groups(
            query, ({"label": one.label, **_figures(one)} for one in groups), figures
        ),
    }


def _share(error: Fraction | None) -> float | None:
    return None if error is None else float(error)
