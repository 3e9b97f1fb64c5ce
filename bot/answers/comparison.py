"""Reads what an answer is compared with: the previous period, in all and by group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.store import Store
from bot.store.usage.read import UsageTotals
from bot.store.usage.selection import Selection
from reports.questions.query import Query
from reports.questions.summary import UsageFigures, WholeUsage
from reports.questions.unfinished import whole_part
from reports.time.time_range import TimeRange
from reports.time.whole_buckets import WholeBuckets, left_out
from reports.usage.coverage import AnswerableRange, answerable_range, is_stored
from reports.usage.dimensions import Dimension
from reports.usage.usage import ZERO, Usage, minus, total

if TYPE_CHECKING:
    from bot.answers.answer import Plan

NOTHING: Mapping[int, Usage] = {}
"""The buckets of a group without usage."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The usage of the previous period, in all and through the last whole day of an unfinished one.

    `buckets` and `groups` (by label) are None unless the question compares them. `partial` has
    phrases about what is missing.
    """

    usage: Usage
    range: TimeRange
    buckets: tuple[Usage, ...] | None
    groups: Mapping[str, Usage] | None
    whole: WholeUsage | None
    partial: tuple[str, ...]

    def added_to(self, figures: UsageFigures, *, whole: bool) -> UsageFigures:
        """The figures of an answer with what they are compared with.

        With `whole`, groups with usage only in the previous period are part of the change.
        """
        series = figures.series
        if whole:
            series = {**dict.fromkeys(self.groups or (), NOTHING), **series}
        return replace(
            figures,
            series=series,
            count=len(series) if whole else figures.count,
            previous=self.usage,
            before=self.groups,
            previous_buckets=None if whole else self.buckets,
            previous_range=self.range,
            through_whole=self.whole,
        )


def for_before(partial: Iterable[str]) -> tuple[str, ...]:
    """Phrases about missing data, as those about the previous period."""
    return tuple(f"for the period before, {words}" for words in partial)


def read_comparison(
    store: Store, plan: Plan, read: UsageTotals, labels: Mapping[int, str], *, whole: bool
) -> Comparison | None:
    """Read the previous period of an answer; None if it isn't stored.

    With `whole`, all groups are compared, including those without usage since; else those in
    `read`.
    """
    coverage = store.state().coverage
    before = answerable_range(plan.ranges.previous, coverage)
    if not is_stored(before.range, before.stored, coverage):
        return None
    return _Comparing(store, plan, before, read, labels, whole).comparison()


def stored_whole_part(
    store: Store, query: Query, now: AnswerableRange, before: AnswerableRange
) -> WholeBuckets | None:
    """The whole days or months of an unfinished range and of the previous one, if they are known.

    `before` is stored completely.
    """
    part = whole_part(query, now.range, before.range)
    rest = part and left_out(before.range, part.previous)
    if rest and not is_stored(rest, before.stored, store.state().coverage):
        return None  # such as a day of a month that was only imported as a whole
    return part


def without_groups(plan: Plan) -> Selection:
    """The selection of a question without its grouping, read from where its groups are read.

    By creator, that is what creators used, also where a filter by key alone would be read by key.
    OpenRouter's figures of keys and of creators may differ while it is still counting.
    """
    found = plan.selection.grouped(None)
    if plan.query.by is Dimension.CREATOR and (plan.selection.crossed or not found.views):
        return plan.selection
    return found


@dataclass(frozen=True, slots=True)
class _Comparing:
    store: Store
    plan: Plan
    before: AnswerableRange
    read: UsageTotals
    labels: Mapping[int, str]
    all_groups: bool

    def comparison(self) -> Comparison:
        before, labels = self.before, self.labels
        usage = self.store.sum_of(without_groups(self.plan), before.range, before.stored)
        compared = self._compared()
        groups = None if compared is None else self._by_group(compared, before.range)
        # notes on the range itself are enough
        notes = () if self.plan.source.partial else before.partial
        return Comparison(
            usage,
            before.range,
            self._buckets(),
            None if groups is None else {labels[id_]: used for id_, used in groups.items()},
            self._whole(usage, compared, groups),
            for_before(notes),
        )

    def _compared(self) -> Selection | None:
        """The groups that are compared; None if none are."""
        selection, by = self.plan.selection, self.plan.query.by
        if self.plan.query.versus is None or by is None:
            return None
        return selection if self.all_groups else selection.only(by, frozenset(self.read.series))

    def _by_group(self, of: Selection, wanted: TimeRange) -> Mapping[int, Usage]:
        return self.store.group_sums(of, wanted, self.before.stored)

    def _buckets(self) -> tuple[Usage, ...] | None:
        """The previous range by bucket, for a comparison of a single series."""
        before, query = self.before, self.plan.query
        if query.versus is None or query.by:
            return None
        if before.range.granularity is not self.plan.source.range.granularity:
            return None
        return tuple(self.store.whole(self.plan.selection, before.range, before.stored))

    def _whole(
        self, usage: Usage, compared: Selection | None, groups: Mapping[int, Usage] | None
    ) -> WholeUsage | None:
        """The usage through the last whole day: all without what is left out, a day or month."""
        now, before = self.plan.source, self.before
        part = stored_whole_part(self.store, self.plan.query, now, before)
        if part is None:
            return None
        rest, rest_before = left_out(now.range, part.current), left_out(before.range, part.previous)
        everything, of_groups = without_groups(self.plan), None
        if compared is not None and groups is not None:
            of_groups = self._whole_groups(compared, groups, rest, rest_before)
        return WholeUsage(
            part,
            minus(total(self.read.whole), self._left_out(everything, rest)),
            minus(usage, self._sum(everything, rest_before)),
            of_groups,
        )

    def _left_out(self, of: Selection, rest: TimeRange | None) -> Usage:
        """The usage of what is left out of the range itself; a whole bucket was read already."""
        now = self.plan.source
        if rest and rest.start == now.range.buckets[-1]:
            return self.read.whole[-1]
        return self.store.sum_of(of, rest, now.stored) if rest else ZERO

    def _sum(self, of: Selection, rest: TimeRange | None) -> Usage:
        return self.store.sum_of(of, rest, self.before.stored) if rest else ZERO

    def _whole_groups(
        self,
        compared: Selection,
        groups: Mapping[int, Usage],
        rest: TimeRange | None,
        rest_before: TimeRange | None,
    ) -> Mapping[str, tuple[Usage, Usage]]:
        """The usage of each group now and before, without what is left out."""
        now = self.plan.source
        if rest and rest.start == now.range.buckets[-1]:
            last = len(now.range.buckets) - 1
            rests = {id_: used.get(last, ZERO) for id_, used in self.read.series.items()}
        else:
            rests = dict(self.store.group_sums(compared, rest, now.stored)) if rest else {}
        rests_before = self._by_group(compared, rest_before) if rest_before else {}
        read = {id_: total(used.values()) for id_, used in self.read.series.items()}
        return {
            self.labels[id_]: (
                minus(read.get(id_, ZERO), rests.get(id_, ZERO)),
                minus(groups.get(id_, ZERO), rests_before.get(id_, ZERO)),
            )
            for id_ in {**groups, **read}
        }
