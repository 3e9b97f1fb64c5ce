"""What answers about the latency of requests and about failed requests have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from reports.analysis.document import AnalysisDocument, ExactTable, TableColumn
from reports.analysis.request_figures import (
    EarlierRequests,
    MeasuredRequests,
    RequestFigures,
    csv_name,
    first_column,
    together,
)
from reports.analysis.text import iso
from reports.analysis.why_answer import span_json
from reports.questions.query import Query
from reports.questions.wording import previous_words, title

NO_REQUESTS = "ClickHouse has no requests like that in this period."
NOT_COMPARED = "ClickHouse has no data for {before}."
NONE_BEFORE = "Not compared with {before}: there were no requests like that then."


class RequestMeasure(ABC):
    """What is said about requests: of all of them, of each bucket and of each group.

    Where earlier figures are asked for, they are None if they are unknown.
    """

    note: ClassVar[str]
    """What the figures are."""
    heads: ClassVar[tuple[str, ...]]
    """The titles of the columns after the group's."""
    compared_heads: ClassVar[tuple[str, ...]]
    exact_heads: ClassVar[tuple[str, ...]]

    @abstractmethod
    def known(self, whole: RequestFigures) -> bool:
        """Whether there are any figures to show."""

    @abstractmethod
    def ranked(self, groups: Sequence[RequestFigures]) -> tuple[RequestFigures, ...]:
        """The groups in the order in which they are listed."""

    @abstractmethod
    def sentences(self, whole: RequestFigures, ranked: Sequence[RequestFigures]) -> tuple[str, ...]:
        """The answer in sentences, the first one about all requests."""

    @abstractmethod
    def comparison(self, now: RequestFigures, earlier: RequestFigures, before: str) -> str:
        """The change in a sentence; `before` names the earlier period."""

    @abstractmethod
    def cells(self, one: RequestFigures) -> tuple[str, ...]:
        """The cells of a table's row."""

    @abstractmethod
    def compared_cells(
        self, one: RequestFigures, earlier: RequestFigures | None
    ) -> tuple[str, ...]:
        """The cells of a row with the change."""

    @abstractmethod
    def exact(self, one: RequestFigures) -> tuple[str | int, ...]:
        """The values of a row in a CSV file."""

    @abstractmethod
    def data(self, one: RequestFigures) -> dict[str, Any]:
        """The figures as JSON values."""

    @abstractmethod
    def change(self, now: RequestFigures, earlier: RequestFigures) -> dict[str, Any]:
        """The change as JSON values, None where it is unknown."""


def request_answer(
    measure: RequestMeasure,
    query: Query,
    found: MeasuredRequests,
    *,
    as_of: datetime,
    partial: Sequence[str],
) -> AnalysisDocument:
    """The answer to a question about requests, without a chart."""
    return _Answer(measure, query, found).document(as_of, tuple(partial))


class _Answer:
    def __init__(self, measure: RequestMeasure, query: Query, found: MeasuredRequests) -> None:
        self._measure, self._query, self._found = measure, query, found
        self._before: EarlierRequests | None = found.before
        groups = self._before.groups if self._before else ()
        self._earlier = {one.label: one for one in groups}
        self._earlier_range = self._before.range if self._before else None
        self._earlier_whole = self._before.whole if self._before else None
        used_now = {one.label for one in found.groups}
        self._ranked = measure.ranked(found.groups) if query.by else ()
        only_before = (RequestFigures(one.label) for one in groups if one.label not in used_now)
        self._all_groups = (*self._ranked, *(only_before if query.by else ()))

    def document(self, as_of: datetime, partial: tuple[str, ...]) -> AnalysisDocument:
        """The answer."""
        query, found, measure = self._query, self._found, self._measure
        known = measure.known(found.whole)
        heads = measure.compared_heads if self._before else measure.heads
        listed = self._ranked if known else ()
        first, *others = measure.sentences(found.whole, self._ranked)
        return AnalysisDocument(
            query=query,
            title=title(query),
            sentences=(first, *self._comparison(), *others),
            as_of=as_of,
            made=found.range.until,
            range=found.range,
            before=self._earlier_range,
            partial=partial,
            columns=(first_column(query), *map(TableColumn, heads)) if listed else (),
            rows=self._rows(listed) if listed else (),
            notes=(measure.note,) if known else (),
            exact=self._exact,
            data=self._data,
            groups=tuple(one.label for one in self._ranked[: query.top]),
            empty=not known,
        )

    def _comparison(self) -> tuple[str, ...]:
        query, found = self._query, self._found
        if query.versus is None:
            return ()
        before = previous_words(query, found.range, self._earlier_range)
        if self._before is None:
            return (NOT_COMPARED.format(before=before),)
        if not self._measure.known(found.whole):
            return ()
        return (self._measure.comparison(found.whole, self._before.whole, before),)

    def _rows(self, ranked: Sequence[RequestFigures]) -> tuple[tuple[str, ...], ...]:
        top = self._query.top
        rows = [self._row(one, self._earlier_of(one)) for one in ranked[:top]]
        if others := ranked[top:]:
            label = f"Others ({len(others):,})"
            earlier = together([one for one in map(self._earlier_of, others) if one], label)
            rows.append(self._row(together(others, label), earlier))
        if len(ranked) > 1:
            everything = replace(self._found.whole, label="All")
            rows.append(self._row(everything, self._earlier_whole))
        return tuple(rows)

    def _earlier_of(self, one: RequestFigures) -> RequestFigures | None:
        """The earlier figures of a group, or of everything if there is no grouping."""
        if self._before is None:
            return None
        if self._query.by is None:
            return self._earlier_whole
        return self._earlier.get(one.label, RequestFigures(one.label))

    def _row(self, one: RequestFigures, earlier: RequestFigures | None) -> tuple[str, ...]:
        measure = self._measure
        cells = measure.compared_cells(one, earlier) if self._before else measure.cells(one)
        return one.label, *cells

    def _exact(self) -> ExactTable:
        """The rows of the CSV file; unknown earlier figures are empty."""
        measure, compares = self._measure, self._query.versus is not None
        heads = measure.exact_heads
        columns = (csv_name(self._query), *heads)
        if compares:
            columns += tuple(f"Previous {head}" for head in heads)
        rows: list[tuple[str | int, ...]] = []
        for one in self._all_groups or (self._found.whole,):
            earlier = self._earlier_of(one)
            if not (one.requests or (earlier and earlier.requests)):
                continue
            row = (one.label or "all", *measure.exact(one))
            if compares:
                row += measure.exact(earlier) if earlier else ("",) * len(heads)
            rows.append(row)
        return ExactTable(columns, tuple(rows), frozenset(range(1, len(columns))))

    def _data(self) -> Mapping[str, Any]:
        found = self._found
        before = {"before": span_json(self._before.range)} if self._before else {}
        starts = zip(found.range.buckets, found.by_bucket(), strict=True)
        return {
            **before,
            **self._figures(found.whole, self._earlier_whole),
            "buckets": [{"start": iso(at), **self._measure.data(one)} for at, one in starts],
            "groups": [
                {"label": one.label, **self._figures(one, self._earlier_of(one))}
                for one in self._all_groups
            ],
        }

    def _figures(self, one: RequestFigures, earlier: RequestFigures | None) -> dict[str, Any]:
        """Figures, and where the question compares, the earlier ones (None: unknown)."""
        figures = self._measure.data(one)
        if self._query.versus is None:
            return figures
        return {
            **figures,
            "previous": earlier and self._measure.data(earlier),
            "change": earlier and self._measure.change(one, earlier),
        }
