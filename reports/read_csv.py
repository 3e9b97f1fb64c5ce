"""Reading the site's Activity CSV, and our own overview of the same form, row by row.

Columns are found by name. What is wrong is said with its line; nothing is guessed or skipped.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple, NoReturn

from reports.query import Dimension
from reports.render.csv import MEMBER, OVERVIEW, SLUG, quoted
from reports.text import clean
from reports.usage import NANO, Usage, nano_dollars

LONGEST_LINE = 64 * 1024
"""Bytes; a real line has a few hundred."""
EARLIEST = datetime(2023, 1, 1, tzinfo=UTC)
"""No usage can be older: there was no OpenRouter yet."""
COLUMNS = ("Date", SLUG, *OVERVIEW.split(","))
_LONGEST_NAME = 1_000
_MOST = 10**17
"""More than any one row can have: nano-dollars (a hundred million dollars), tokens, requests."""
_MOST_ADDED_UP = 10**18
_DATE = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?", re.ASCII)
_MONEY = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,40}))?([eE][+-]?\d{1,2})?", re.ASCII)
_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")


class BadFileError(ValueError):
    """A file cannot be taken; the text says on which line, and why."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)


class FileRow(NamedTuple):
    """One row: its line, the start of its bucket (UTC), slug, key or creator, and usage.

    Where the file is grouped by model, the member is empty.
    """

    line: int
    bucket: datetime
    slug: str
    member: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class File:
    """What a file is grouped by, its rows, read as they are asked for, and columns left out."""

    by: Dimension
    rows: Iterator[FileRow]
    unknown: tuple[str, ...] = ()


def read_csv(lines: Iterable[bytes], now: datetime) -> File:
    """Read a file line by line. Raises BadFileError, also while the rows are asked for."""
    records = _records(_decoded(lines))
    first = next(records, None)
    if first is None:
        raise BadFileError("the file is empty")
    line, header = first
    by, order = _columns(line, header)
    unknown = tuple(name for n, name in enumerate(header) if n not in order)
    return File(by, _rows(records, len(header), order, now), unknown)


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    for number, raw in enumerate(lines, 1):
        if number == 1 and raw.startswith(_PACKED):
            raise BadFileError("this is a packed file, not CSV; unpack it or save it as CSV", 1)
        if len(raw) > LONGEST_LINE:
            raise BadFileError(f"longer than {LONGEST_LINE // 1024} KiB", number)
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise BadFileError("not UTF-8", number) from None
        if "\0" in text:
            raise BadFileError("a NUL byte", number)
        yield text


def _records(lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Records that are not blank, with the line that each begins on."""
    reader = csv.reader(lines, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadFileError(f"not valid CSV ({error})", line) from None
        if record:
            yield line, record


def _columns(line: int, header: Sequence[str]) -> tuple[Dimension, list[int]]:
    """What the file is grouped by, and where the columns are; the member comes last."""
    names = [name.strip().casefold() for name in header]
    members = [d for d, name in MEMBER.items() if name.casefold() in names]
    if len(members) > 1:
        raise BadFileError("grouped by API Key and by Creator at once; one of them is wanted", line)
    wanted = [*COLUMNS, *(MEMBER[d] for d in members)]
    missing = [name for name in wanted if name.casefold() not in names]
    if missing:
        raise BadFileError(
            f"not an Activity export: no column {', '.join(missing)}. Wanted is the site's export,"
            " or ours of a question without a metric.",
            line,
        )
    if doubled := [name for name in wanted if names.count(name.casefold()) > 1]:
        raise BadFileError(f"the column {', '.join(doubled)} is there twice", line)
    order = [names.index(name.casefold()) for name in wanted]
    return (members[0] if members else Dimension.MODEL), order


def _rows(
    records: Iterator[tuple[int, list[str]]], width: int, order: Sequence[int], now: datetime
) -> Iterator[FileRow]:
    dates: dict[str, datetime] = {}
    sums = [0] * 6
    date_at, slug_at, *figures_at = order[:8]
    member_at = order[8] if len(order) > 8 else None
    for line, record in records:
        if len(record) != width:
            _refuse(line, f"{len(record)} values, where the header has {width}")
        date = record[date_at]
        bucket = dates.get(date)
        if bucket is None:
            bucket = dates[date] = _date(line, date, now)
        figures = [
            read(line, name, record[at])
            for (read, name), at in zip(_FIGURES, figures_at, strict=True)
        ]
        sums = list(map(int.__add__, sums, figures))
        if max(sums) > _MOST_ADDED_UP:
            _refuse(line, "more than any organisation can have used, added up")
        paid, own, requests, prompt, completion, reasoning = figures
        usage = Usage(requests, 0, prompt, completion, reasoning, paid, own)
        slug = _name(line, record[slug_at])
        if not slug:
            _refuse(line, f"no {SLUG}")
        member = "" if member_at is None else _name(line, record[member_at])
        yield FileRow(line, bucket, slug, member, usage)


def _date(line: int, text: str, now: datetime) -> datetime:
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        found = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        _refuse_value(line, "Date", text, "YYYY-MM-DD HH:MM:SS in UTC is wanted")
    if found < EARLIEST:
        _refuse_value(line, "Date", text, "before there was OpenRouter")
    if found > now:
        _refuse_value(line, "Date", text, "in the future")
    return found


def _money(line: int, column: str, text: str) -> int:
    found = _MONEY.fullmatch(text)
    if found is None:
        _refuse_value(line, column, text, "dollars as a plain number are wanted")
    sign, whole, part, exponent = found.groups(default="")
    if len(part) <= 9 and not exponent:
        nano = int(whole) * NANO + (int(part.ljust(9, "0")) if part else 0)
        nano = -nano if sign else nano
    else:
        # an exponent can make it anything; the largest that counts is far below
        amount = Decimal(text)
        nano = nano_dollars(amount) if abs(amount) <= _MOST else _MOST + 1
    if abs(nano) > _MOST:
        _refuse_value(line, column, text, "more than any organisation can have used")
    return nano


def _count(line: int, column: str, text: str) -> int:
    # int() alone would take spaces, underscores, signs and the digits of all scripts
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        _refuse_value(line, column, text, "a whole number is wanted, digits alone")
    count = int(text)
    if count > _MOST:
        _refuse_value(line, column, text, "more than any organisation can have used")
    return count


_READERS: dict[bool, Callable[[int, str, str], int]] = {True: _money, False: _count}
_FIGURES = [(_READERS[name in {"Usage", "BYOK Usage"}], name) for name in OVERVIEW.split(",")]


def _name(line: int, text: str) -> str:
    """A name without the sign that guards it from being run as a formula."""
    if len(text) > _LONGEST_NAME:
        _refuse(line, f"a name of {len(text)} characters")
    guarded = text[:1] == "'" and quoted(text[1:])[1] == "'"
    return text[1:] if guarded else text


def _refuse_value(line: int, column: str, text: str, reason: str) -> NoReturn:
    shown = f"“{clean(text, 40)}”" if text else "empty"
    _refuse(line, f"{column} is {shown}: {reason}")


def _refuse(line: int, reason: str) -> NoReturn:
    raise BadFileError(reason, line)
