"""A read-only client for ClickHouse's HTTP interface."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from itertools import chain
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import httpx

from bot import __version__
from bot.clickhouse import statements
from bot.clickhouse.columns import TraceColumns, read_columns
from bot.clickhouse.errors import (
    OTHER_SETTINGS,
    ClickHouseError,
    ClickHouseRefusedError,
    error_of,
    no_table,
)
from bot.clickhouse.traces import (
    TraceCheck,
    TraceUsage,
    read_check_row,
    read_line,
    read_usage_row,
)
from bot.runtime.priority import pausing_for_requests
from reports.time.timerange import STEP, Granularity

T = TypeVar("T")

log = logging.getLogger(__name__)

TABLE = "OPENROUTER_TRACES"
QUERY_SECONDS = 120
"""How long the server may work on a query, including the time in which rows are stored here."""
STREAM_SECONDS = 300.0
"""How long a whole response may take, in case the server never stops sending."""
TRIES = 3
_TRY_AGAIN_SECONDS = 2.0
LONGEST_LINE = 2**20
"""The maximum length of a row in bytes; names of keys and models take a few hundred at most."""
_LONGEST_ERROR = 4_000
_MODES: tuple[Mapping[str, str], ...] = (
    {
        "readonly": "1",
        "max_execution_time": str(QUERY_SECONDS),
        "cancel_http_readonly_queries_on_client_close": "1",
    },
    {"readonly": "1"},
    {},
)
"""Settings of a query, which ends when nobody reads its response any more. A user who is already
read-only may change neither settings nor data; other users may have limits of their own."""
_Rows = Generator[Mapping[str, Any], None, None]
_SECOND = timedelta(seconds=1)
_MILLISECOND = timedelta(milliseconds=1)
_TIMEOUT = httpx.Timeout(QUERY_SECONDS + 15.0, connect=10.0)


class ClickHouse:
    """Reads usage from the table of traces. Every call may raise ClickHouseError.

    `url` is https://user:password@host:8443/database; `wait` sleeps for some seconds.
    """

    def __init__(
        self, url: str, table: str = TABLE, *, wait: Callable[[float], object] | None = None
    ) -> None:
        parts = urlsplit(url)
        self._base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"
        self._password = unquote(parts.password or "")
        database = unquote(parts.path.strip("/")) or "default"
        self.table = f"{database}.{table}"
        self._table = table
        self._wait = threading.Event().wait if wait is None else wait
        self._columns: TraceColumns | None = None
        self._mode = 0
        headers = {
            "X-ClickHouse-User": unquote(parts.username or "") or "default",
            "X-ClickHouse-Key": self._password,
            "X-ClickHouse-Database": database,
            "User-Agent": f"activity/{__version__}",
        }
        self._http = httpx.Client(
            headers={name.encode(): value.encode() for name, value in headers.items()},
            timeout=_TIMEOUT,
        )

    def __repr__(self) -> str:
        return f"ClickHouse({self._base!r}, {self.table!r})"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def columns(self) -> TraceColumns:
        """The columns of the table, read on first use."""
        if self._columns is None:
            found = list(self._rows(statements.COLUMNS, {"name": self._table}))
            if not found:
                raise ClickHouseRefusedError(no_table(self.table))
            types = {str(row.get("name")): str(row.get("type")) for row in found}
            self._columns = read_columns(types, self.table)
        return self._columns

    def usage(
        self, granularity: Granularity, start: datetime, end: datetime
    ) -> Generator[TraceUsage, None, None]:
        """Usage of a window (UTC, end exclusive), newest bucket first; each span counts once.

        The response is read row by row. Raises ClickHouseTooLongError if the window is too large.
        """
        parameters = _window(start, end) | {
            "table": self._table,
            "step": str(STEP[granularity] // _SECOND),
        }
        query = statements.usage(self.columns())
        with closing(self._rows(query, parameters)) as rows:
            for row in pausing_for_requests(rows):
                yield self._read(read_usage_row, row)

    def check(self, start: datetime, end: datetime) -> TraceCheck:
        """Count the rows and generations that the table has in a window (UTC, end exclusive)."""
        parameters = _window(start, end) | {"table": self._table}
        found = list(self._rows(statements.check(self.columns()), parameters))
        if len(found) != 1:
            raise ClickHouseError("ClickHouse's response has no row.")
        return self._read(read_check_row, found[0])

    def _read(self, read: Callable[[Mapping[str, Any]], T], row: Mapping[str, Any]) -> T:
        try:
            return read(row)
        except (ValueError, KeyError, TypeError, OverflowError, OSError):
            raise ClickHouseError("ClickHouse sent a row that can't be read.") from None

    def _rows(self, query: str, parameters: Mapping[str, str]) -> _Rows:
        """The rows of a response. A failure before the first one is retried if that may help."""
        attempt = 1
        while True:
            rows = self._send(query, parameters)
            try:
                first = next(rows, None)
            except _OtherSettingsError:
                self._mode += 1
                continue
            except ClickHouseError as error:
                if error.permanent or attempt == TRIES or error.__class__ is not ClickHouseError:
                    self._columns = None  # the table may have been recreated
                    raise
                log.info("ClickHouse: %s Retrying.", error)
                self._wait(_TRY_AGAIN_SECONDS * attempt)
                attempt += 1
                continue
            with closing(rows):
                yield from () if first is None else chain([first], rows)
            return

    def _send(self, query: str, parameters: Mapping[str, str]) -> _Rows:
        params = {f"param_{name}": value for name, value in parameters.items()}
        end = monotonic() + STREAM_SECONDS
        with self._response(query, dict(_MODES[self._mode]) | params) as response:
            if response.status_code != 200 or "X-ClickHouse-Exception-Code" in response.headers:
                raise self._error(response)
            for line in _lines(response):
                if monotonic() > end:
                    raise ClickHouseError("ClickHouse's response took too long.")
                try:
                    yield read_line(line)
                except (ValueError, RecursionError):
                    raise self._error_in_rows(line) from None

    @contextmanager
    def _response(self, query: str, params: Mapping[str, str]) -> Iterator[httpx.Response]:
        """A response that is still to be read."""
        try:
            with self._http.stream(
                "POST", self._base, params=params, content=query.encode()
            ) as response:
                yield response
        except httpx.TimeoutException:
            raise ClickHouseError("ClickHouse took too long to answer.") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise ClickHouseError(
                f"No complete response from ClickHouse ({type(error).__name__}). Check the host and"
                " the port in CLICKHOUSE_URL, and the network."
            ) from None

    def _error(self, response: httpx.Response) -> ClickHouseError:
        raw = bytearray()
        for part in response.iter_bytes():
            raw += part
            if len(raw) > _LONGEST_ERROR:
                break
        words = self._without_password(bytes(raw[:_LONGEST_ERROR]))
        code = _code(response.headers.get("X-ClickHouse-Exception-Code", "") or words)
        if code in OTHER_SETTINGS and self._mode + 1 < len(_MODES):
            return _OtherSettingsError()
        return error_of(code, response.status_code, words, self.table)

    def _error_in_rows(self, line: bytes) -> ClickHouseError:
        """The error for a line that isn't a row: the server writes errors in place of rows."""
        words = self._without_password(line)
        code = _code(words)
        return error_of(code, 200, words, self.table) if code else ClickHouseError(
            "ClickHouse's response ended in the middle of a row."
        )  # fmt: skip

    def _without_password(self, raw: bytes) -> str:
        words = raw.decode("utf-8", "replace")
        return words.replace(self._password, "***") if self._password else words


class _OtherSettingsError(ClickHouseError):
    """The user may not use these settings of a query; others are tried."""


def _lines(response: httpx.Response) -> Iterator[bytes]:
    """The lines of a response, none longer than LONGEST_LINE."""
    rest = b""
    for part in response.iter_bytes():
        *lines, rest = (rest + part).split(b"\n")
        yield from filter(None, lines)
        if len(rest) > LONGEST_LINE:
            raise ClickHouseError("A row of ClickHouse's response is too long.")
    if rest:
        yield rest


def _code(words: str) -> int:
    """The number of an error, from a header or from a message that begins `Code: 60. `; or 0."""
    digits = words.removeprefix("Code: ").partition(".")[0].strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 0


def _window(start: datetime, end: datetime) -> dict[str, str]:
    epoch = datetime.fromtimestamp(0, start.tzinfo)
    return {
        "start": str((start - epoch) // _MILLISECOND),
        "end": str((end - epoch) // _MILLISECOND),
    }
