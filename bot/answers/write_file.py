"""Writes the answer to a question as a CSV, PDF or PNG file."""

from __future__ import annotations

import marshal
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import chain, groupby, islice
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from bot.analysis.registry import GATHERERS, analyze
from bot.analysis.request import AnalysisRequest
from bot.answers import visibility
from bot.answers.answer import Plan, answer, make_plan, zone_of
from bot.answers.visibility import ANYONE, Asker
from bot.store import Store
from bot.store.usage import read as reading
from reports.analysis.document import AnalysisDocument
from reports.questions.grammar import CommandError, QuestionCommand, parse
from reports.questions.query import DEFAULT_TOP, Query, QueryKind, Versus
from reports.questions.range_names import file_words
from reports.questions.summary import ALL, Summary, in_order
from reports.questions.wording import filter_words
from reports.time.period_to_range import NotStartedError, ranges
from reports.usage.coverage import answerable_range, is_stored
from reports.usage.dimensions import Dimension
from reports.usage.usage import Usage, UsageRow
from reports.wording.safe_text import clean

if TYPE_CHECKING:
    from bot.clickhouse import ClickHouse

NO_CHART = "This answer has no chart."
_BATCH = 4_096  # rows per write to the temporary file
_MOST_PDF_ROWS = 500
"""Rows of an analysis in a PDF, about ten pages, unless the question says how many; CSV has all."""
_ORGANIZATION = "organisation"  # the fact's name since the first version
_LIVE_SOURCE = "ClickHouse, by OpenRouter's Broadcast"
_NO_ORGANIZATION = "OpenRouter organization"


class Format(StrEnum):
    """A kind of file."""

    CSV = "csv"
    PDF = "pdf"
    SUMMARY = "pdf summary"
    PNG = "png"

    @property
    def suffix(self) -> str:
        """The extension of a file's name, without the dot."""
        return "pdf" if self is Format.SUMMARY else str(self)


@dataclass(frozen=True, slots=True)
class Job:
    """A file to write: question, time (UTC), default zone, format, and whose visibility applies."""

    words: str
    at: datetime
    zone: str
    format: Format
    asker: Asker = ANYONE
    command: str = "/activity"

    def as_json(self) -> dict[str, Any]:
        """The job as JSON values, for another process."""
        return asdict(self) | {"at": self.at.isoformat(), "format": str(self.format)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Job:
        """A job from the values of `as_json`."""
        asker = values["asker"]
        people = tuple((mention, email) for mention, email in asker["people"])
        return cls(
            words=values["words"],
            at=datetime.fromisoformat(values["at"]),
            zone=values["zone"],
            format=Format(values["format"]),
            asker=Asker(asker["email"], asker["own_only"], people),
            command=values["command"],
        )


class UnanswerableError(Exception):
    """The question of a file can no longer be answered; the text is meant for people."""


def write_file(
    store: Store, job: Job, out: BinaryIO, traces: ClickHouse | None = None
) -> Summary | AnalysisDocument:
    """Write the file to `out`; returns the answer in it. Raises UnanswerableError.

    All figures are read from one snapshot, which ends before rendering starts, so that a sync never
    waits for it; or from `traces`, the organization's ClickHouse.
    """
    parsed = parse(job.words)
    if not isinstance(parsed, QuestionCommand):
        raise UnanswerableError("This question can no longer be read. Please ask it again.")
    if parsed.query.kind in GATHERERS:
        return _write_analysis(store, parsed.query, job, out, traces)
    if parsed.query.live:
        return _write_live(store, parsed.query, job, out, traces)
    with tempfile.TemporaryFile() as spool:
        with store.snapshot():
            plan = make_plan(store, parsed.query, job.at, job.zone, job.asker)
            found = _answer(store, parsed.query, job)
            if isinstance(plan, CommandError) or isinstance(found, CommandError):
                wrong = plan if isinstance(plan, CommandError) else found
                raise UnanswerableError(wrong.problem if isinstance(wrong, CommandError) else "")
            _spool(_rows(store, plan, found, job), spool)
            organization = store.fact(_ORGANIZATION) or _NO_ORGANIZATION
            directory = store.directory()
            labels = visibility.labels(directory, job.asker)
        names = _Names(labels, {i: m.name for i, m in directory.members.items()})
        _render(found, plan, job, _unspool(spool), names, organization, out)
    return found


def _write_live(
    store: Store, query: Query, job: Job, out: BinaryIO, traces: ClickHouse | None
) -> Summary:
    """Write usage that only ClickHouse has; its rows are few enough to be kept in memory."""
    from bot.analysis.live import live_usage  # noqa: PLC0415 - loads the client of ClickHouse

    asked = _compared(query, job)
    request = AnalysisRequest(store, asked, job.at, job.zone, job.asker, traces)
    found = live_usage(request, rows=job.format in {Format.CSV, Format.PDF})
    if isinstance(found, CommandError):
        raise UnanswerableError(found.problem)
    summary = replace(found.summary, query=replace(found.summary.query, versus=query.versus))
    organization = store.fact(_ORGANIZATION) or _NO_ORGANIZATION
    match job.format:
        case Format.CSV:
            from reports.render.csv import write_compared_csv, write_csv  # noqa: PLC0415

            if query.versus is None:
                write_csv(summary.query, iter(found.rows), out)
            else:
                start = summary.range.buckets[0]
                write_compared_csv(summary.query, start, found.rows, found.earlier_rows, out)
        case Format.PDF:
            from reports.render.pdf import write_pdf  # noqa: PLC0415

            part = next(iter(summary.metrics.values()))
            rows: dict[str, list[UsageRow]] = defaultdict(list)
            for row in found.rows:
                rows[row.member].append(row)
            groups = in_order(part.groups) if summary.query.metric else ()
            sections = ((group.label, iter(rows[group.label])) for group in groups)
            write_pdf(
                summary, sections, out,
                organization=organization, command=job.command, source=_LIVE_SOURCE,
            )  # fmt: skip
        case Format.SUMMARY:
            from reports.render.pdf import write_pdf_summary  # noqa: PLC0415

            write_pdf_summary(
                summary, out, organization=organization, command=job.command, source=_LIVE_SOURCE
            )
        case Format.PNG:
            from reports.render.charts.png import chart_png  # noqa: PLC0415

            out.write(chart_png(summary))
    return summary


def _write_analysis(
    store: Store, query: Query, job: Job, out: BinaryIO, traces: ClickHouse | None
) -> Summary | AnalysisDocument:
    lists_all = job.format is Format.PDF and query.top == DEFAULT_TOP
    asked = replace(query, top=_MOST_PDF_ROWS) if lists_all else query
    found = analyze(store, asked, job.at, job.zone, job.asker, traces=traces)
    if isinstance(found, CommandError):
        raise UnanswerableError(found.problem)
    if lists_all:
        found = replace(found, query=replace(found.query, top=query.top))
    organization = store.fact(_ORGANIZATION) or _NO_ORGANIZATION
    match job.format:
        case Format.CSV:
            # imported only when needed
            from reports.analysis.text import write_analysis_csv  # noqa: PLC0415

            write_analysis_csv(found, out)
        case Format.PDF | Format.SUMMARY:
            from reports.analysis.pdf import write_analysis_pdf  # noqa: PLC0415

            write_analysis_pdf(found, out, organization=organization, command=job.command)
        case Format.PNG:
            out.write(_png(found))
    return found


def _png(found: AnalysisDocument) -> bytes:
    """The chart of an analysis as PNG. Raises UnanswerableError if it has none."""
    dates = found.scope.partition(", by ")[0]
    if found.steps:
        from reports.render.charts.waterfall import waterfall_png  # noqa: PLC0415

        steps = [(step.label, step.amount, step.level) for step in found.steps]
        return waterfall_png(clean(f"{found.title} ({dates})", 300), steps)
    if found.latency and found.range:
        from reports.analysis.latency_chart import NAME, latency_png  # noqa: PLC0415

        narrowed = filter_words(found.query)
        name = f"{NAME}{narrowed and f', {narrowed}'} ({dates})"
        return latency_png(clean(name, 300), found.latency, found.range)
    if found.shares and found.range:
        from reports.analysis.share_chart import share_png  # noqa: PLC0415

        narrowed = filter_words(found.query)
        title = f"{found.shares.name}{narrowed and f', {narrowed}'} ({dates})"
        return share_png(clean(title, 300), found.shares, found.range)
    raise UnanswerableError(NO_CHART)


def file_name(query: Query, at: datetime, zone: str, format_: Format) -> str:
    """The name of an exported file, as in `openrouter-spend-by-creator-2026-10.pdf`.

    It contains no names that others chose. `zone` is the default zone of calendar periods.
    """
    by = f"-by-{query.by}" if query.by else ""
    try:
        when = file_words(ranges(query.period, at, zone_of(query, zone)).current)
    except NotStartedError:  # the export reports the reason later
        when = str(query.period).replace("..", "_")
    about = str(query.metric or "activity")
    if query.kind is not QueryKind.USAGE:
        about = f"{query.kind}-{query.metric}" if query.metric else str(query.kind)
    summary = "-summary" if format_ is Format.SUMMARY else ""
    return f"openrouter-{about}{by}-{when}{summary}.{format_.suffix}"


def _answer(store: Store, query: Query, job: Job) -> Summary | CommandError:
    """The answer with all groups; in a PDF each is compared with the previous period."""
    found = answer(store, _compared(query, job), job.at, job.zone, job.asker, whole=True)
    if isinstance(found, CommandError):
        return found
    return replace(found, query=replace(found.query, versus=query.versus))


def _compared(query: Query, job: Job) -> Query:
    """What is asked for a file: each group in a PDF is compared with the previous period."""
    compares = job.format in {Format.PDF, Format.SUMMARY} and query.versus is None
    return replace(query, versus=Versus.BEFORE) if compares else query


@dataclass(frozen=True, slots=True)
class _Names:
    labels: Any
    members: dict[int, str]


_Row = tuple[int, int, int, Usage]
"""Group id, bucket index, model id, usage."""
_PREVIOUS = -1
"""The bucket index that marks rows of the previous period."""


def _rows(store: Store, plan: Plan, found: Summary, job: Job) -> Iterable[_Row]:
    """The rows that a format needs, in its order."""
    selection, wanted, stored = plan.selection, plan.source.range, plan.source.stored
    if job.format is Format.CSV:
        rows = _grouped(plan, store.rows(selection, wanted, stored))
        if plan.query.versus is None:
            return rows
        coverage = store.state().coverage
        before = answerable_range(plan.ranges.previous, coverage)
        if not is_stored(before.range, before.stored, coverage):
            return rows
        earlier = store.rows(selection, before.range, before.stored)
        marked = (
            (group, _PREVIOUS, model, used) for group, _, model, used in _grouped(plan, earlier)
        )
        return chain(rows, marked)
    metric = found.query.metric
    if job.format is not Format.PDF or metric is None:
        return ()
    labels = visibility.labels(store.directory(), job.asker)
    ids = {label: i for i, label in labels.items() if _of(store, i, plan)}
    groups = in_order(found.metrics[metric].groups)
    order = [ids[group.label] for group in groups if group.label in ids]
    return store.rows_by_group(selection, wanted, stored, order)


def _grouped(plan: Plan, rows: Iterable[reading.Row]) -> Iterator[_Row]:
    """Rows with the group of the question's dimension."""
    by_model = plan.query.by is Dimension.MODEL
    for index, member, model, usage in rows:
        yield model if by_model else member, index, model, usage


def _of(store: Store, member: int, plan: Plan) -> bool:
    return store.directory().members[member].dimension is plan.query.by


def _render(
    found: Summary,
    plan: Plan,
    job: Job,
    rows: Iterator[_Row],
    names: _Names,
    organization: str,
    out: BinaryIO,
) -> None:
    buckets = plan.source.range.buckets

    def named(row: _Row) -> UsageRow:
        group, index, model, usage = row
        label = names.labels[group] if group else ALL
        return UsageRow(buckets[index], label, names.members[model], usage)

    match job.format:
        case Format.CSV:
            # imported only when needed
            from reports.render.csv import write_compared_csv, write_csv  # noqa: PLC0415

            if found.query.versus is None:
                write_csv(found.query, map(named, rows), out)
                return
            now: list[UsageRow] = []
            before: list[UsageRow] = []
            for row in rows:
                (before if row[1] == _PREVIOUS else now).append(named(row))
            known = any(part.previous is not None for part in found.metrics.values())
            write_compared_csv(found.query, buckets[0], now, before if known else None, out)
        case Format.PDF:
            from reports.render.pdf import write_pdf  # noqa: PLC0415

            sections = (
                (names.labels[group] if group else ALL, map(named, part))
                for group, part in groupby(rows, key=lambda row: row[0])
            )
            write_pdf(found, sections, out, organization=organization, command=job.command)
        case Format.SUMMARY:
            from reports.render.pdf import write_pdf_summary  # noqa: PLC0415

            write_pdf_summary(found, out, organization=organization, command=job.command)
        case Format.PNG:
            from reports.render.charts.png import chart_png  # noqa: PLC0415

            out.write(chart_png(found))


def _spool(rows: Iterable[_Row], spool: IO[bytes]) -> None:
    """Put rows on disk in batches, so that the snapshot ends as soon as they have been read."""
    plain = ((*row[:3], *row[3]) for row in rows)
    while batch := list(islice(plain, _BATCH)):
        marshal.dump(batch, spool)
    spool.seek(0)


def _unspool(spool: IO[bytes]) -> Iterator[_Row]:
    while True:
        try:
            batch = marshal.load(spool)  # our own of just now  # noqa: S302  # nosec B302
        except EOFError:
            return
        for row in batch:
            yield row[0], row[1], row[2], Usage(*row[3:])
