"""CSV files: OpenRouter's Activity export format, and the details of one metric.

The header is unquoted and every value quoted, lines end in LF, there is no byte order mark and no
totals row. Dates are UTC, money is plain decimal dollars, counts are whole numbers.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import BinaryIO

from reports.questions.query import Query
from reports.usage import figure_table
from reports.usage.dimensions import NAMES, Metric, MoneySource
from reports.usage.usage import NANO, ZERO, Usage, UsageRow, dollars, total

SLUG = "Slug"
MEMBER = {dimension: names.csv for dimension, names in NAMES.items() if names.csv}
OVERVIEW = ",".join(figure.csv for figure in figure_table.OVERVIEW)
DETAIL = {
    Metric.SPEND: "Credits,BYOK,Spend",
    Metric.TOKENS: "Prompt,Reasoning,Completion,Tokens",
    Metric.REQUESTS: "Requests,BYOK Requests",
}
_FORMULA = frozenset("=+-@")
_CHUNK = 4096  # rows per write: enough to be fast, few enough for constant memory
_NAMES_KEPT = 50_000  # quoted names in the cache: more than any organization has keys and models


def write_csv(query: Query, rows: Iterable[UsageRow], out: BinaryIO) -> int:
    """Write usage rows as CSV (UTF-8), in the given order; returns the number of rows.

    If the question is about credits or BYOK only, the other money column is 0 and Spend equals the
    requested one, so that every column adds up to the answer. Memory use is constant.
    """
    out.write(header(query).encode())
    written = 0
    lines = _lines(query, rows)
    while chunk := list(islice(lines, _CHUNK)):
        out.write("".join(chunk).encode())
        written += len(chunk)
    return written


def write_compared_csv(
    query: Query,
    start: datetime,
    current_rows: Iterable[UsageRow],
    previous_rows: Iterable[UsageRow] | None,
    out: BinaryIO,
) -> int:
    """Write each group and model with its usage in the range and in the previous period.

    One row per group and model, dated `start` (buckets of two periods don't match), largest first.
    Usage in only one of the periods is 0 in the other. `previous_rows` is None if the previous
    period isn't stored; its values are then empty. Returns the number of rows.
    """
    current_usage = _by_group(current_rows)
    previous_usage = None if previous_rows is None else _by_group(previous_rows)
    out.write(header(query).encode())
    figures = _figures(query)
    blank = ",".join(['""'] * len(_columns(query)))
    metric = query.metric or Metric.SPEND

    def largest_first(group: tuple[str, str]) -> tuple[int, int, tuple[str, str]]:
        now, earlier = (
            usage.get(group, ZERO).value(metric, query.source)
            for usage in (current_usage, previous_usage or {})
        )
        return -now, -earlier, group

    groups = sorted({*current_usage, *(previous_usage or ())}, key=largest_first)
    rows = (
        UsageRow(start, member, model, current_usage.get((member, model), ZERO))
        for member, model in groups
    )
    for group, line in zip(groups, _lines(query, rows), strict=True):
        previous = blank if previous_usage is None else figures(previous_usage.get(group, ZERO))
        out.write(f"{line[:-1]},{previous}\n".encode())
    return len(groups)


def _by_group(rows: Iterable[UsageRow]) -> dict[tuple[str, str], Usage]:
    """Usage by group and model, over all buckets."""
    summed: dict[tuple[str, str], Usage] = {}
    for _, member, model, usage in rows:
        summed[member, model] = total((summed.get((member, model), ZERO), usage))
    return summed


def _columns(query: Query) -> list[str]:
    """The headers of the figure columns."""
    return (OVERVIEW if query.metric is None else DETAIL[query.metric]).split(",")


def header(query: Query) -> str:
    """The header line of a question's file, with its line end."""
    member = [MEMBER[query.by]] if query.by in MEMBER else []
    figures = _columns(query)
    if query.metric is None:
        names = ["Date", SLUG, *figures, *member]
    else:
        names = ["Date", *member, SLUG, *figures]
    compared = [] if query.versus is None else [f"Previous {name}" for name in figures]
    return ",".join([*names, *compared]) + "\n"


def quoted(name: str) -> str:
    """A name as a quoted value; one that a spreadsheet would run as a formula gets a leading `'`.

    Characters that a text file can't contain (NUL, unpaired surrogates) become `?`.
    """
    text = name.encode("utf-8", "replace").decode().replace("\0", "?")
    # full-width signs and signs after spaces start a formula too
    first = unicodedata.normalize("NFKC", text.lstrip()[:1])
    prefix = "'" if first in _FORMULA or text[:1] in {"\t", "\r"} else ""
    doubled = text.replace('"', '""')
    return f'"{prefix}{doubled}"'


def _lines(query: Query, rows: Iterable[UsageRow]) -> Iterator[str]:
    """One line per row; quoted names and formatted dates are cached, because they repeat."""
    name = lru_cache(_NAMES_KEPT)(quoted)
    figures = _figures(query)
    has_member, overview = query.by in MEMBER, query.metric is None
    last_bucket: datetime | None = None
    date = ""
    for bucket, member, model, usage in rows:
        if bucket != last_bucket:
            last_bucket, date = bucket, f'"{bucket.astimezone(UTC):%Y-%m-%d %H:%M:%S}"'
        if not has_member:
            yield f"{date},{name(model)},{figures(usage)}\n"
        elif overview:
            yield f"{date},{name(model)},{figures(usage)},{name(member)}\n"
        else:
            yield f"{date},{name(member)},{name(model)},{figures(usage)}\n"


def _figures(query: Query) -> Callable[[Usage], str]:
    """A function that formats a usage's figures; money only from the requested source."""
    match query.metric:
        case None:
            return _overview(query.source)
        case Metric.SPEND:
            return _spend(query.source)
        case Metric.TOKENS:
            return _tokens
        case Metric.REQUESTS:
            return _requests


_overview_figures = itemgetter(
    *(figure_table.NAMES.index(figure.name) for figure in figure_table.OVERVIEW)
)


def _overview(source: MoneySource) -> Callable[[Usage], str]:
    def figures(usage: Usage) -> str:
        credits_, byok, requests, prompt, completion, reasoning = _overview_figures(usage)
        paid = _money(0 if source is MoneySource.BYOK else credits_)
        own = _money(0 if source is MoneySource.CREDITS else byok)
        return f'"{paid}","{own}","{requests}","{prompt}","{completion}","{reasoning}"'

    return figures


def _spend(source: MoneySource) -> Callable[[Usage], str]:
    def figures(usage: Usage) -> str:
        paid = 0 if source is MoneySource.BYOK else usage.credits
        own = 0 if source is MoneySource.CREDITS else usage.byok
        return f'"{_money(paid)}","{_money(own)}","{_money(paid + own)}"'

    return figures


def _money(nano: int) -> str:
    """The same as `dollars`, but faster: a file contains millions of amounts."""
    if nano <= 0:
        return dollars(nano) if nano else "0"
    exact = "%d.%09d" % divmod(nano, NANO)  # noqa: UP031 - three times as fast as an f-string
    return exact.rstrip("0").rstrip(".")


def _tokens(usage: Usage) -> str:
    return f'"{usage.prompt}","{usage.reasoning}","{usage.completion}","{usage.tokens}"'


def _requests(usage: Usage) -> str:
    return f'"{usage.requests}","{usage.byok_requests}"'
