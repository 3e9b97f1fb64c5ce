"""Parses OpenRouter's Activity CSV and Logs CSV, and the bot's own overview CSV, row by row.

Columns are found by name. A spreadsheet may have saved the file with semicolons or tabs, decimal
commas, or dates like 22.11.2026. Errors name the line; no row is skipped.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from operator import itemgetter
from typing import NamedTuple, NoReturn

from reports.render.csv import MEMBER, SLUG, quoted
from reports.usage.dimensions import STORED, Dimension
from reports.usage.figure_table import OVERVIEW, FigureKind
from reports.usage.usage import NANO, Usage, nano_dollars
from reports.wording.safe_text import clean

LONGEST_LINE = 64 * 1024
"""In bytes; real lines have a few hundred."""
EARLIEST = datetime(2023, 1, 1, tzinfo=UTC)
"""OpenRouter didn't exist before then."""
COLUMNS = ("Date", SLUG, *(figure.csv for figure in OVERVIEW))
_LONGEST_NAME = 1_000  # real names have at most a few hundred characters
_MOST = 10**17
"""More than a row can have, in nano-dollars (a hundred million dollars), tokens or requests."""
_MOST_ADDED_UP = 10**18  # keeps sums within 64-bit integers
# Python 3.14 reads 24:00 as the midnight after that day, which no export means
_DATE = re.compile(r"\d{4}-\d\d-\d\d( (?!24)\d\d:\d\d(:\d\d)?)?", re.ASCII)
_DOTTED_DATE = re.compile(
    r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?: (\d{1,2}):(\d\d)(?::(\d\d))?)?", re.ASCII
)
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[ T](?!24)\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII
)
_COMMA = re.compile(r"-?(\d+|\d{1,3}(\.\d{3})+),\d+([eE][+-]?\d{1,2})?", re.ASCII)
_DELIMITERS = ",;\t"
_MONEY = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,40}))?([eE][+-]?\d{1,2})?", re.ASCII)
_COMPRESSED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")


class BadFileError(ValueError):
    """A file can't be imported; the text names the line and the reason."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)


class FileRow(NamedTuple):
    """One row: line number, start of the bucket (UTC), model slug, key or creator, and usage.

    `member` is "" if the file is grouped by model. `request` is the request id of a row of a Logs
    export; "" in an Activity export.
    """

    line: int
    bucket: datetime
    slug: str
    member: str
    usage: Usage
    request: str = ""


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A file's grouping, its rows (parsed lazily), and the names of ignored columns.

    `logs`: a Logs export, with a row per request, in any order, by key.
    """

    by: Dimension
    rows: Iterator[FileRow]
    unknown: tuple[str, ...] = ()
    logs: bool = False


def read_csv(lines: Iterable[bytes], now: datetime) -> ParsedFile:
    """Parse a file line by line. Raises BadFileError, also while iterating over the rows."""
    text = _decoded(lines)
    first_line, delimiter = _first_line(text)
    records = _records(chain([first_line], text), delimiter)
    first = next(records, None)
    if first is None:
        raise BadFileError("the file is empty")
    line, header = first
    amounts = _Amounts(delimiter)
    if "generation_id" in (name.strip().casefold() for name in header):
        positions = _log_columns(line, header)
        rows = _log_rows(records, len(header), positions, amounts, now)
        return ParsedFile(Dimension.KEY, rows, logs=True)
    by, order = _columns(line, header)
    unknown = tuple(name for n, name in enumerate(header) if n not in order)
    return ParsedFile(by, _rows(records, len(header), order, amounts, now), unknown)


def _first_line(lines: Iterator[str]) -> tuple[str, str]:
    """The first line and the delimiter: a comma, or what a spreadsheet wrote.

    A line like `sep=;` before the header, as written by spreadsheets, becomes an empty line.
    """
    first = next(lines, "")
    named = re.fullmatch(r"sep=([,;\t])\s*", first, re.IGNORECASE)
    if named:
        return "\n", named[1]
    bare = re.sub(r'"[^"]*"', "", first)
    found = {delimiter: bare.count(delimiter) for delimiter in _DELIMITERS}
    return first, "," if found[","] >= max(found.values()) else max(found, key=found.__getitem__)


class _Amounts:
    """Parses amounts of money; decimal commas are allowed if the delimiter isn't a comma.

    A file with both decimal commas and points is rejected, because one could be a thousands
    separator.
    """

    def __init__(self, delimiter: str) -> None:
        self._commas_allowed = delimiter != ","
        self._comma = self._point = False

    def read(self, line: int, column: str, text: str) -> int:
        """Parse an amount into nano-dollars. Raises BadFileError."""
        if self._commas_allowed and _COMMA.fullmatch(text):
            self._comma = True
            text = text.replace(".", "").replace(",", ".")
        elif "." in text:
            self._point = True
        if self._comma and self._point:
            _fail_value(
                line, column, text, "some amounts have a decimal comma and some a decimal point"
            )
        return _money(line, column, text)


def _decoded(lines: Iterable[bytes]) -> Iterator[str]:
    for number, raw in enumerate(lines, 1):
        if number == 1 and raw.startswith(_COMPRESSED):
            raise BadFileError(
                "this is a compressed file, not CSV; extract it or save it as CSV", 1
            )
        if len(raw) > LONGEST_LINE:
            raise BadFileError(f"longer than {LONGEST_LINE // 1024} KiB", number)
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise BadFileError("not UTF-8", number) from None
        if "\0" in text:
            raise BadFileError("contains a NUL byte", number)
        yield text


def _records(lines: Iterator[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Nonblank records with their first line number."""
    reader = csv.reader(lines, strict=True, delimiter=delimiter)
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


def _are_missing(names: Sequence[str]) -> str:
    columns, are = ("column", "is") if len(names) == 1 else ("columns", "are")
    return f"the {columns} {', '.join(names)} {are} missing"


def _columns(line: int, header: Sequence[str]) -> tuple[Dimension, list[int]]:
    """The file's grouping and the positions of its columns, the member last."""
    names = [name.strip().casefold() for name in header]
    members = [d for d in STORED if d in MEMBER and MEMBER[d].casefold() in names]
    if len(members) > 1:
        raise BadFileError("grouped by both API Key and Creator; choose one of them", line)
    wanted = [*COLUMNS, *(MEMBER[d] for d in members)]
    missing = [name for name in wanted if name.casefold() not in names]
    if missing:
        raise BadFileError(
            f"not an Activity export: {_are_missing(missing)}. Import OpenRouter's"
            " Activity or Logs export, or this bot's CSV of a question without a metric.",
            line,
        )
    if doubled := [name for name in wanted if names.count(name.casefold()) > 1]:
        raise BadFileError(f"the column {doubled[0]} appears twice", line)
    order = [names.index(name.casefold()) for name in wanted]
    return (members[0] if members else Dimension.MODEL), order


def _rows(
    records: Iterator[tuple[int, list[str]]],
    width: int,
    order: Sequence[int],
    amounts: _Amounts,
    now: datetime,
) -> Iterator[FileRow]:
    dates: dict[str, datetime] = {}
    sums = [0] * len(OVERVIEW)
    date_at, slug_at, *figures_at = order[: len(COLUMNS)]
    member_at = order[len(COLUMNS)] if len(order) > len(COLUMNS) else None
    for line, record in records:
        if len(record) != width:
            _fail(line, f"{len(record)} values, but the header has {width} columns")
        date = record[date_at]
        bucket = dates.get(date)
        if bucket is None:
            bucket = dates[date] = _date(line, date, now)
        figures = [
            (amounts.read if money else _count)(line, name, record[at])
            for (money, name), at in zip(_FIGURES, figures_at, strict=True)
        ]
        sums = list(map(int.__add__, sums, figures))
        if max(sums) > _MOST_ADDED_UP:
            _fail(line, "the total exceeds what any organization could have used")
        usage = Usage._make(_in_order((*figures, 0)))
        slug = _name(line, record[slug_at])
        if not slug:
            _fail(line, f"{SLUG} is missing")
        member = "" if member_at is None else _name(line, record[member_at])
        yield FileRow(line, bucket, slug, member, usage)


@dataclass(frozen=True, slots=True)
class _LogColumns:
    """The positions of the columns of a Logs export; None for missing optional ones."""

    request: int
    created: int
    cost: int
    prompt: int
    completion: int
    model: int
    reasoning: int | None
    byok: int | None
    key: int | None


_LOG_COLUMNS = (
    ("generation_id",),
    ("created_at",),
    ("cost_total",),
    ("tokens_prompt",),
    ("tokens_completion",),
    ("model_permaslug", "model"),
    ("tokens_reasoning",),
    ("byok_usage_inference",),
    ("api_key_name",),
)
"""The names of the columns, in the order of _LogColumns."""
_LOG_OPTIONAL = {"tokens_reasoning", "byok_usage_inference", "api_key_name"}


def _log_columns(line: int, header: Sequence[str]) -> _LogColumns:
    names = [name.strip().casefold() for name in header]
    missing = []
    positions: list[int | None] = []
    for candidates in _LOG_COLUMNS:
        found = [names.index(name) for name in candidates if name in names]
        positions.append(found[0] if found else None)
        if any(names.count(name) > 1 for name in candidates):
            raise BadFileError(f"the column {candidates[0]} appears twice", line)
        if not found and candidates[0] not in _LOG_OPTIONAL:
            missing.append(candidates[0])
    if missing:
        raise BadFileError(f"not a complete Logs export: {_are_missing(missing)}", line)
    required = [position for position in positions[:6] if position is not None]
    return _LogColumns(*required, *positions[6:])


def _log_rows(
    records: Iterator[tuple[int, list[str]]],
    width: int,
    at: _LogColumns,
    amounts: _Amounts,
    now: datetime,
) -> Iterator[FileRow]:
    """The rows of a Logs export, one per request, with its hour as the bucket."""
    for line, record in records:
        if len(record) != width:
            _fail(line, f"{len(record)} values, but the header has {width} columns")
        request, slug = record[at.request].strip(), _name(line, record[at.model].strip())
        if not request:
            _fail(line, "generation_id is missing")
        if len(request) > _LONGEST_NAME:
            _fail(line, f"generation_id has {len(request)} characters")
        if not slug:
            _fail(line, "model_permaslug is missing")
        own = _optional(record, at.byok, "0")
        byok = amounts.read(line, "byok_usage_inference", own)
        usage = Usage(
            1,
            1 if byok else 0,
            _count(line, "tokens_prompt", record[at.prompt] or "0"),
            _count(line, "tokens_completion", record[at.completion] or "0"),
            _count(line, "tokens_reasoning", _optional(record, at.reasoning, "0")),
            amounts.read(line, "cost_total", record[at.cost] or "0"),
            byok,
        )
        key = _name(line, _optional(record, at.key, ""))
        yield FileRow(line, _hour(line, record[at.created], now), slug, key, usage, request)


def _optional(record: Sequence[str], position: int | None, default: str) -> str:
    return (record[position] if position is not None else "") or default


def _hour(line: int, text: str, now: datetime) -> datetime:
    """The hour (UTC) of a time such as `2026-06-28 03:46:57.713`, which is UTC by default."""
    try:
        if _MOMENT.fullmatch(text):
            found = datetime.fromisoformat(text)
            found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        else:
            found = _parsed(text)
    except (ValueError, OverflowError):
        _fail_value(line, "created_at", text, "a date and time in UTC is required")
    if found < EARLIEST:
        _fail_value(line, "created_at", text, "before OpenRouter existed")
    if found > now:
        _fail_value(line, "created_at", text, "in the future")
    return found.replace(minute=0, second=0, microsecond=0)


def _date(line: int, text: str, now: datetime) -> datetime:
    try:
        found = _parsed(text)
    except ValueError:
        _fail_value(line, "Date", text, "YYYY-MM-DD HH:MM:SS in UTC is required")
    if found < EARLIEST:
        _fail_value(line, "Date", text, "before OpenRouter existed")
    if found > now:
        _fail_value(line, "Date", text, "in the future")
    return found


def _parsed(text: str) -> datetime:
    """Parse a date in OpenRouter's format, or with dots as in spreadsheets. Raises ValueError."""
    if _DATE.fullmatch(text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    dotted = _DOTTED_DATE.fullmatch(text)
    if dotted is None:
        raise ValueError("not a date")
    day, month, year, hour, minute, second = (int(part or 0) for part in dotted.groups())
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def _money(line: int, column: str, text: str) -> int:
    found = _MONEY.fullmatch(text)
    if found is None:
        _fail_value(line, column, text, "a plain dollar amount is required")
    sign, whole, part, exponent = found.groups(default="")
    if len(part) <= 9 and not exponent:
        nano = int(whole) * NANO + (int(part.ljust(9, "0")) if part else 0)
        nano = -nano if sign else nano
    else:
        # check the size first, because an exponent can make it huge
        amount = Decimal(text)
        nano = nano_dollars(amount) if abs(amount) <= _MOST else _MOST + 1
    if abs(nano) > _MOST:
        _fail_value(line, column, text, "more than any organization could have used")
    return nano


def _count(line: int, column: str, text: str) -> int:
    # int() alone would accept spaces, underscores, signs and digits of all scripts
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        _fail_value(line, column, text, "a whole number is required, digits only")
    count = int(text)
    if count > _MOST:
        _fail_value(line, column, text, "more than any organization could have used")
    return count


_NAMES = [figure.name for figure in OVERVIEW]
_FIGURES = [(figure.kind is FigureKind.MONEY, figure.csv) for figure in OVERVIEW]
_in_order = itemgetter(
    *(_NAMES.index(name) if name in _NAMES else len(_NAMES) for name in Usage._fields)
)
"""Reorders a row's figures and a 0 into the fields of Usage."""


def _name(line: int, text: str) -> str:
    """A name without the `'` that protects it from being run as a formula."""
    if len(text) > _LONGEST_NAME:
        _fail(line, f"a name has {len(text)} characters")
    guarded = text[:1] == "'" and quoted(text[1:])[1] == "'"
    return text[1:] if guarded else text


def _fail_value(line: int, column: str, text: str, reason: str) -> NoReturn:
    shown = f"“{clean(text, 40)}”" if text else "empty"
    _fail(line, f"{column} is {shown}: {reason}")


def _fail(line: int, reason: str) -> NoReturn:
    raise BadFileError(reason, line)
