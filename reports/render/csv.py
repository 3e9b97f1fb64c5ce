"""CSV files: the site's own Activity export, and the details of one metric.

The header is bare and every value quoted, lines end in LF, there is no byte order mark and no
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
from reports.usage import figures as table
from reports.usage.dimensions import NAMES, Metric, MoneySource
from reports.usage.usage import NANO, ZERO, Usage, UsageRow, dollars, total

SLUG = "Slug"
MEMBER = {dimension: names.csv for dimension, names in NAMES.items() if names.csv}
OVERVIEW = ",".join(figure.csv for figure in table.OVERVIEW)
DETAIL = {
    Metric.SPEND: "Credits,BYOK,Spend",
    Metric.TOKENS: "Prompt,Reasoning,Completion,Tokens",
    Metric.REQUESTS: "Requests,BYOK Requests",
}
_FORMULA = frozenset("=+-@")
_CHUNK = 4096  # rows at a time: enough to be fast, few enough that memory stays flat
_NAMES_KEPT = 50_000


def write_csv(query: Query, rows: Iterable[UsageRow], out: BinaryIO) -> int:
    """Write usage rows as CSV, in the order in which they come; returns how many there were.

    Where only credits or only BYOK are asked for, the other column of money is 0 and Spend is the
    one asked for, so that every column adds up to the answer. Memory does not grow with the rows.
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
    now: Iterable[UsageRow],
    before: Iterable[UsageRow] | None,
    out: BinaryIO,
) -> int:
    """Write the usage of each group and model beside that of the period before; returns the rows.

    One row for the whole range, dated `start`, since buckets of two periods do not match; largest
    first. What was used in one period only is 0 in the other. `before` is None where that period is
    not held: its values are then empty.
    """
    current = _by_group(now)
    earlier = None if before is None else _by_group(before)
    out.write(header(query).encode())
    figures = _figures(query)
    blank = ",".join(['""'] * len(_columns(query)))
    metric = query.metric or Metric.SPEND

    def largest_first(cell: tuple[str, str]) -> tuple[int, int, tuple[str, str]]:
        was = 0 if earlier is None else earlier.get(cell, ZERO).value(metric, query.source)
        return -current.get(cell, ZERO).value(metric, query.source), -was, cell

    cells = sorted({*current, *(earlier or ())}, key=largest_first)
    rows = (UsageRow(start, cell[0], cell[1], current.get(cell, ZERO)) for cell in cells)
    for cell, line in zip(cells, _lines(query, rows), strict=True):
        was = blank if earlier is None else figures(earlier.get(cell, ZERO))
        out.write(f"{line[:-1]},{was}\n".encode())
    return len(cells)


def _by_group(rows: Iterable[UsageRow]) -> dict[tuple[str, str], Usage]:
    """Usage by group and model, over all buckets."""
    summed: dict[tuple[str, str], Usage] = {}
    for _, member, model, usage in rows:
        summed[member, model] = total((summed.get((member, model), ZERO), usage))
    return summed


def _columns(query: Query) -> list[str]:
    """The names of the columns of figures."""
    return (OVERVIEW if query.metric is None else DETAIL[query.metric]).split(",")


def header(query: Query) -> str:
    """The first line of the file that answers a question, with its line end."""
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

    What no text file can hold (NUL, half of a surrogate pair) becomes `?`.
    """
    plain = name.encode("utf-8", "replace").decode().replace("\0", "?")
    # a full-width sign starts a formula too, and so does one behind spaces
    first = unicodedata.normalize("NFKC", plain.lstrip()[:1])
    prefix = "'" if first in _FORMULA or plain[:1] in {"\t", "\r"} else ""
    doubled = plain.replace('"', '""')
    return f'"{prefix}{doubled}"'


def _lines(query: Query, rows: Iterable[UsageRow]) -> Iterator[str]:
    """A line a row. Names are quoted once and dates written once a bucket: they repeat."""
    name = lru_cache(_NAMES_KEPT)(quoted)
    figures = _figures(query)
    has_member, overview = query.by in MEMBER, query.metric is None
    last: datetime | None = None
    date = ""
    for bucket, member, model, usage in rows:
        if bucket != last:
            last, date = bucket, f'"{bucket.astimezone(UTC):%Y-%m-%d %H:%M:%S}"'
        if not has_member:
            yield f"{date},{name(model)},{figures(usage)}\n"
        elif overview:
            yield f"{date},{name(model)},{figures(usage)},{name(member)}\n"
        else:
            yield f"{date},{name(member)},{name(model)},{figures(usage)}\n"


def _figures(query: Query) -> Callable[[Usage], str]:
    """What writes a usage's figures; for money, from the source asked for."""
    match query.metric:
        case None:
            return _overview(query.source)
        case Metric.SPEND:
            return _spend(query.source)
        case Metric.TOKENS:
            return _tokens
        case Metric.REQUESTS:
            return _requests


_overview_figures = itemgetter(*(table.NAMES.index(figure.name) for figure in table.OVERVIEW))


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
    """The same as `dollars`; a file holds millions of them."""
    if nano <= 0:
        return dollars(nano) if nano else "0"
    exact = "%d.%09d" % divmod(nano, NANO)  # noqa: UP031 - three times as fast as an f-string
    return exact.rstrip("0").rstrip(".")


def _tokens(usage: Usage) -> str:
    return f'"{usage.prompt}","{usage.reasoning}","{usage.completion}","{usage.tokens}"'


def _requests(usage: Usage) -> str:
    return f'"{usage.requests}","{usage.byok_requests}"'
