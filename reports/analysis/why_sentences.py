"""The first sentences of an answer why something changed: how much, between which days."""

from __future__ import annotations

from dataclasses import dataclass

from reports.questions.query import Query
from reports.questions.unfinished import (
    WholeChange,
    through_words,
    unfinished_words,
)
from reports.questions.wording import (
    EARLIER,
    capitalize_first,
    dates_words,
    is_whole_months,
    metric_words,
    previous_words,
)
from reports.time.period import Calendar
from reports.time.time_range import Granularity, TimeRange
from reports.time.whole_buckets import WholeBuckets
from reports.usage.dimensions import Metric
from reports.usage.format import difference, figure


@dataclass(frozen=True, slots=True)
class ComparedRanges:
    """The requested range, and the one before it.

    `whole` is what is explained instead of an unfinished range: both through the last whole day or
    month. `just_begun`: only a day or month that isn't over is compared, so nothing can be
    explained.
    """

    before: TimeRange
    now: TimeRange
    whole: WholeBuckets | None = None
    just_begun: bool = False

    @property
    def shown(self) -> ComparedRanges:
        """What is explained to people: the whole days or months, if there are any."""
        if self.whole is None:
            return self
        return ComparedRanges(self.whole.previous, self.whole.current)


def first_sentences(
    query: Query, ranges: ComparedRanges, figures: WholeChange, whole: WholeChange | None
) -> tuple[str, ...]:
    """How much it was and is, as plain text.

    `figures` are those of the ranges, `whole` those through the last whole day or month: then the
    first sentence is about these, and a second one says what is left out.
    """
    if ranges.just_begun:
        return _begun(query, ranges, figures)
    if whole is None or ranges.whole is None:
        return (_change(query, ranges, figures),)
    return _through(query, ranges, ranges.whole, whole), _left_out(query, ranges, figures, whole)


def _change(query: Query, ranges: ComparedRanges, found: WholeChange) -> str:
    metric, now, before = query.metric or Metric.SPEND, found.now, found.before
    against = previous_words(query, ranges.now, ranges.before)
    if against[:1].isdigit():
        against = f"on {against}"
    elif query.versus not in EARLIER:  # `in the week before`, but `a week earlier`
        against = f"in {against}"
    name = capitalize_first(metric_words(query, metric))
    if before == now:
        return f"{name} did not change: {figure(metric, now)}, as {against}."
    shown = figure(metric, now)
    amount = f"{shown} now" if ranges.now.unfinished else f"then {shown}"
    return (
        f"{name} {_verb(metric)} {difference(metric, now, before)}:"
        f" {figure(metric, before)} {against}, {amount}."
    )


def _through(query: Query, ranges: ComparedRanges, of: WholeBuckets, found: WholeChange) -> str:
    metric = query.metric or Metric.SPEND
    name, last = metric_words(query, metric), through_words(ranges.now, of)
    then, now = _in(of.previous, of.current), _in(of.current, of.previous)
    if found.now == found.before:
        return (
            f"Through {last}, {name} did not change: {figure(metric, found.now)} {now}, as {then}."
        )
    return (
        f"Through {last}, {name} {_verb(metric)} {difference(metric, found.now, found.before)}:"
        f" {figure(metric, found.before)} {then}, {figure(metric, found.now)} {now}."
    )


def _left_out(query: Query, ranges: ComparedRanges, found: WholeChange, whole: WholeChange) -> str:
    """What the unfinished day adds; the figures are those of answers that include it."""
    metric = query.metric or Metric.SPEND
    unfinished = capitalize_first(unfinished_words(ranges.now, ranges.whole))
    before = f"{figure(metric, found.before)} {_in(ranges.before, ranges.now)}"
    return (
        f"{unfinished} isn't over and is left out: {figure(metric, found.now - whole.now)} so far."
        f" With it, {figure(metric, found.now)} against {before}."
    )


def _begun(query: Query, ranges: ComparedRanges, found: WholeChange) -> tuple[str, ...]:
    metric = query.metric or Metric.SPEND
    name = capitalize_first(metric_words(query, metric))
    unfinished = capitalize_first(unfinished_words(ranges.now, None))
    sentence = (
        f"{unfinished} isn't over, so there is no change to explain yet. {name}:"
        f" {figure(metric, found.now)} so far, against {figure(metric, found.before)}"
        f" {_in(ranges.before, ranges.now)}."
    )
    if not isinstance(query.period, Calendar) or ranges.now.granularity is not Granularity.DAY:
        return (sentence,)
    return sentence, "Ask about `today` to compare its hours with the same hours of yesterday."


def _verb(metric: Metric) -> str:
    return "is" if metric is Metric.SPEND else "are"


def _in(of: TimeRange, other: TimeRange) -> str:
    """When: `on 1–29 Oct`, `in Nov 2025 – Oct 2026`; with the year where the two differ in it."""
    years = of.end.year != other.end.year or of.start.year != of.end.year
    return f"{'in' if is_whole_months(of) else 'on'} {dates_words(of, year=years)}"
