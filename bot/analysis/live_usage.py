"""Answers about usage by or of providers and end users, from what ClickHouse sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.analysis.live_plan import NO_MODEL, LivePlan
from bot.analysis.request import AnalysisRequest
from bot.answers.comparison import Comparison
from bot.clickhouse import LiveUsage
from bot.runtime import priority
from reports.questions.summary import Summary, UsageFigures, WholeUsage, summarize
from reports.time.time_range import TimeRange
from reports.time.whole_buckets import WholeBuckets
from reports.usage.usage import ZERO, Usage, UsageRow, plus, total


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """The answer, and its rows by bucket, group and model (none unless they were asked for).

    `earlier_rows` are those of the period that it is compared with; None if that is unknown.
    """

    summary: Summary
    rows: tuple[UsageRow, ...] = ()
    earlier_rows: tuple[UsageRow, ...] | None = None


@dataclass(frozen=True, slots=True)
class LiveAnswering:
    """Makes the answer to a question about usage from what ClickHouse sent about its range and
    the earlier one; `part` is what is compared of an unfinished range.
    """

    request: AnalysisRequest
    found: LivePlan
    part: WholeBuckets | None
    now: Sequence[LiveUsage]
    earlier: Sequence[LiveUsage]

    def answered(self, *, rows: bool) -> LiveAnswer:
        """The answer, with its rows if they are wanted."""
        found, span = self.found, self.found.span
        whole = [ZERO] * len(span.buckets)
        series: dict[str, dict[int, Usage]] = defaultdict(dict)
        for row in priority.pausing_for_requests(self.now):
            index, label = span.index(row.bucket), found.label(row.group)
            whole[index] = plus(whole[index], row.usage)
            series[label][index] = plus(series[label].get(index, ZERO), row.usage)
        figures = UsageFigures(tuple(whole), series, len(series))
        compared = self._comparison()
        if compared:
            figures = compared.added_to(figures, whole=self.request.whole)
        partial = (*found.partial, *(compared.partial if compared else ()))
        summary = summarize(found.query, span, figures, self.request.now, partial)
        if not rows:
            return LiveAnswer(summary)
        earlier = self._rows(self.earlier, found.before) if found.before else None
        return LiveAnswer(summary, self._rows(self.now, span), earlier)

    def _comparison(self) -> Comparison | None:
        """The previous period; None if nothing is known about it."""
        query, span, before = self.found.query, self.found.span, self.found.before
        if before is None:
            return None
        by_group = self._by_group(self.earlier) if query.versus and query.by else None
        buckets = None
        if query.versus and query.by is None and before.granularity is span.granularity:
            each = [ZERO] * len(before.buckets)
            for row in self.earlier:
                index = before.index(row.bucket)
                each[index] = plus(each[index], row.usage)
            buckets = tuple(each)
        return Comparison(
            _sum(self.earlier), before, buckets, by_group, self._whole(by_group),
            self.found.partial_before,
        )  # fmt: skip

    def _whole(self, compared: Mapping[str, Usage] | None) -> WholeUsage | None:
        """The usage through the last whole hour, day or month of an unfinished range."""
        if self.part is None:
            return None
        now = _within(self.now, self.part.current)
        before = _within(self.earlier, self.part.previous)
        groups = None
        if compared is not None:
            of_now, of_before = self._by_group(now), self._by_group(before)
            labels = {**compared, **self._by_group(self.now)}
            groups = {one: (of_now.get(one, ZERO), of_before.get(one, ZERO)) for one in labels}
        return WholeUsage(self.part, _sum(now), _sum(before), groups)

    def _by_group(self, rows: Iterable[LiveUsage]) -> Mapping[str, Usage]:
        """The usage of each group."""
        found: dict[str, Usage] = {}
        for row in rows:
            label = self.found.label(row.group)
            found[label] = plus(found.get(label, ZERO), row.usage)
        return found

    def _rows(self, rows: Iterable[LiveUsage], of: TimeRange) -> tuple[UsageRow, ...]:
        """The usage in a range by bucket, group and model."""
        found: dict[tuple[int, str, str], Usage] = {}
        for row in rows:
            place = (of.index(row.bucket), self.found.label(row.group), row.model or NO_MODEL)
            found[place] = plus(found.get(place, ZERO), row.usage)
        return tuple(
            UsageRow(of.buckets[index], group, model, used)
            for (index, group, model), used in sorted(found.items())
        )


def _within(rows: Iterable[LiveUsage], of: TimeRange) -> Sequence[LiveUsage]:
    return [row for row in rows if of.start <= row.bucket < of.end]


def _sum(rows: Iterable[LiveUsage]) -> Usage:
    return total(row.usage for row in rows)


def edges(of: TimeRange, whole: TimeRange | None) -> Sequence[datetime]:
    """Where a range is cut: at its buckets, and where its whole days begin and end."""
    cuts = {*of.buckets, *((whole.start, whole.end) if whole else ())}
    return sorted(cut for cut in cuts if cut < of.until)
