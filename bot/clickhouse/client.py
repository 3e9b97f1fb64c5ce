"""A read-only client for ClickHouse's HTTP interface."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import httpx

from bot import __version__
from bot.clickhouse import statements
from bot.clickhouse.columns import TraceColumns, read_columns
from bot.clickhouse.errors import (
    LONGEST_TEXT,
    OTHER_SETTINGS,
    ClickHouseError,
    ClickHouseRefusedError,
    ClickHouseTooLongError,
    error_of,
    no_response,
    no_table,
)
from bot.clickhouse.selection import LiveSelection
from bot.clickhouse.traces import (
    LiveUsage,
    TraceCheck,
    TracePlace,
    TraceQuality,
    TraceUsage,
    read_check_row,
    read_line,
    read_live_row,
    read_place_row,
    read_quality_row,
    read_usage_row,
)
from bot.runtime.priority import pause_for_requests, pausing_for_requests
from reports.time.time_range import STEP, Granularity

T = TypeVar("T")

log = logging.getLogger(__name__)

TABLE = "OPENROUTER_TRACES"
QUERY_SECONDS = 120.0
"""How long the server may work on a query, including the time in which rows are stored here."""
STREAM_SECONDS = 300.0
"""How long a whole response may take, in case the server never stops sending."""
TRIES = 3
LIVE_SECONDS = 15.0
"""How long the server may work on a query that somebody waits for. A month of five million requests
takes a few seconds; there are two queries a question, and two more for what it is compared with."""
MOST_ROWS = 200_000
"""Rows of an answer: 31 days of 6,000 end users a day, which take about 100 MB here."""
_TRY_AGAIN_SECONDS = 2.0
_PAUSE_EVERY = 64
"""Rows between two pauses for Slack's requests, as in other loops over rows."""
LONGEST_LINE = 2**20
"""The maximum length of a row in bytes; names of keys and models take a few hundred at most."""
_LONGEST_ERROR = 4_000
_MOST_ERROR_LINES = 20
_EXCEPTION = {"exception"}
"""The name in a row that versions 23.9 to 25.10 write if a query fails after its first rows."""
_CODE = re.compile(r"^([0-9]{1,5})$|Code: ([0-9]{1,5})[.,] ")


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds that the server may work on a query and that its response may take, and tries."""

    query: float = QUERY_SECONDS
    stream: float = STREAM_SECONDS
    tries: int = TRIES


LIVE = TimeLimits(LIVE_SECONDS, LIVE_SECONDS + 5, 1)
"""The limits of queries that somebody waits for: who asks can try again."""
_MODES: tuple[Mapping[str, str], ...] = (
    {"readonly": "1", "cancel_http_readonly_queries_on_client_close": "1"},
    {"readonly": "1"},
    {},
)
"""Settings of a query, which ends when nobody reads its response any more. A user who is already
read-only may change neither settings nor data; other users may have limits of their own."""
_Rows = Generator[Mapping[str, Any], None, None]
_SECOND = timedelta(seconds=1)
_MILLISECOND = timedelta(milliseconds=1)
_CONNECT_SECONDS, _MARGIN = 10.0, 15.0
"""How long connecting may take, and how much longer a response may take than the query."""


class ClickHouse:
    """Reads usage from the table of traces. Every call may raise ClickHouseError.

    `url` is https://user:password@host:8443/database; `wait` sleeps for some seconds. Several
    threads may use it at a time.
    """

    def __init__(
        self,
        url: str,
        table: str = TABLE,
        *,
        wait: Callable[[float], object] | None = None,
        limits: TimeLimits = TimeLimits(),
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
        self._limits = limits
        headers = {
            "X-ClickHouse-User": unquote(parts.username or "") or "default",
            "X-ClickHouse-Key": self._password,
            "X-ClickHouse-Database": database,
            "User-Agent": f"activity/{__version__}",
        }
        self._http = httpx.Client(
            headers={name.encode(): value.encode() for name, value in headers.items()},
            timeout=httpx.Timeout(
                limits.query + min(_MARGIN, limits.query),
                connect=min(_CONNECT_SECONDS, limits.query / 3),
            ),
        )

    def __repr__(self) -> str:
        return f"ClickHouse({self._base!r}, {self.table!r})"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def columns(self, *, again: bool = False) -> TraceColumns:
        """The columns of the table, read on first use, or `again`."""
        if self._columns is None or again:
            try:
                found = list(self._rows(statements.COLUMNS, {"name": self._table}))
            except ClickHouseTooLongError as error:
                raise ClickHouseError(str(error)) from None  # it is away: nothing is shorter
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
            for number, row in enumerate(rows):  # each as it comes: the next may be an error
                if number % _PAUSE_EVERY == 0:
                    pause_for_requests()
                yield self._read(read_usage_row, row)

    def check(self, start: datetime, end: datetime) -> TraceCheck:
        """Count the rows and generations that the table has in a window (UTC, end exclusive)."""
        parameters = _window(start, end) | {"table": self._table}
        found = list(self._rows(statements.check(self.columns()), parameters))
        if len(found) != 1:
            raise ClickHouseError("ClickHouse's response has no row.")
        return self._read(read_check_row, found[0])

    def zone(self) -> str:
        """The time zone in which the server reads times of traces that are written without one."""
        found = list(self._rows(statements.zone(self.columns()), {"table": self._table}))
        return str(found[0].get("r_zone")) if found else ""

    def places(self, start: datetime, end: datetime, counted: datetime) -> list[TracePlace]:
        """The keys, owners and models of the requests in a window (UTC, end exclusive).

        Those from `counted` on are listed and not counted.
        """
        parameters = _window(start, end) | {"table": self._table}
        parameters["counted"] = _window(start, counted)["end"]
        rows = self._all(statements.places(self.columns()), parameters)
        return [self._read(read_place_row, row) for row in pausing_for_requests(rows)]

    def live_usage(
        self, buckets: Sequence[datetime], end: datetime, wanted: LiveSelection, *, models: bool
    ) -> list[LiveUsage]:
        """Usage of a range by bucket (given by their starts, UTC) and group, and model if wanted.

        Raises ClickHouseTooLongError if there are more than MOST_ROWS rows.
        """
        query = statements.live_usage(self.columns(), wanted.selection, models=models)
        rows = self._all(query, {**self._range(buckets, end), **wanted.parameters})
        return [self._read(read_live_row, row) for row in pausing_for_requests(rows)]

    def quality(
        self, buckets: Sequence[datetime], end: datetime, wanted: LiveSelection
    ) -> list[TraceQuality]:
        """Failed requests and latency of a range: of all, by bucket (start, UTC) and by group.

        Raises ClickHouseTooLongError if there are more than MOST_ROWS rows.
        """
        query = statements.quality(self.columns(), wanted.selection)
        rows = self._all(query, {**self._range(buckets, end), **wanted.parameters})
        return [self._read(read_quality_row, row) for row in pausing_for_requests(rows)]

    def _range(self, buckets: Sequence[datetime], end: datetime) -> dict[str, str]:
        epoch = datetime.fromtimestamp(0, UTC)
        edges = ",".join(str((one - epoch) // _SECOND) for one in buckets)
        return _window(buckets[0], end) | {"table": self._table, "edges": f"[{edges}]"}

    def _all(self, query: str, parameters: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """All rows of a response that is kept in memory."""
        with closing(self._rows(query, parameters)) as rows:
            found = list(islice(rows, MOST_ROWS + 1))
        if len(found) > MOST_ROWS:
            raise ClickHouseTooLongError(f"The answer has more than {MOST_ROWS:,} rows.")
        return found

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
                if (
                    error.permanent
                    or attempt == self._limits.tries
                    or error.__class__ is not ClickHouseError
                ):
                    self._columns = None  # the table may have been recreated
                    raise
                log.info("Trying again after: %s", error)
                self._wait(_TRY_AGAIN_SECONDS * attempt)
                attempt += 1
                continue
            with closing(rows):
                yield from () if first is None else chain([first], rows)
            return

    def _send(self, query: str, parameters: Mapping[str, str]) -> _Rows:
        params = {f"param_{name}": value for name, value in parameters.items()}
        end = monotonic() + self._limits.stream
        settings = dict(_MODES[self._mode])
        if self._mode == 0:
            settings["max_execution_time"] = str(int(self._limits.query))
        with self._response(query, settings | params) as response:
            if response.status_code != 200 or "X-ClickHouse-Exception-Code" in response.headers:
                raise self._error(response)
            lines = _lines(response)
            for number, line in enumerate(lines):
                if monotonic() > end:
                    raise ClickHouseError("ClickHouse's response took too long.")
                try:
                    row = read_line(line)
                except (ValueError, RecursionError):
                    rest = b"\n".join([line, *islice(lines, _MOST_ERROR_LINES)])
                    raise self._error_in_rows(rest, first=not number) from None
                if row.keys() == _EXCEPTION:
                    raise self._error_in_rows(line)
                yield row

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
            raise no_response(str(error), type(error).__name__) from None

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
        location = _origin(response.headers.get("Location", ""))
        return error_of(code, response.status_code, words, self.table, location)

    def _error_in_rows(self, lines: bytes, *, first: bool = False) -> ClickHouseError:
        """The error for lines that aren't a row: the server writes errors in place of rows.

        It writes the text alone, as a row, or between two marks, depending on its version.
        `first`: nothing came before them, so they may be a web page.
        """
        words = self._without_password(lines[:_LONGEST_ERROR])
        code = _code(words)
        if code:  # without the part of a row before it, which has names
            words = words[max(0, words.find("Code: ")) :]
        if code or (first and not lines.startswith(b"{")):
            return error_of(code, 200, words, self.table)
        return ClickHouseError("ClickHouse's response ended in the middle of a row.")

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


def _origin(location: str) -> str:
    """Scheme, host and port of where a response redirects to; "" if it names no host."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme or 'https'}://{host}"[:LONGEST_TEXT] if host else ""


def _code(words: str) -> int:
    """The number of an error, from a header or from a message like `Code: 60. DB::...`; or 0."""
    found = _CODE.search(words)
    return int(found[1] or found[2]) if found else 0


def _window(start: datetime, end: datetime) -> dict[str, str]:
    epoch = datetime.fromtimestamp(0, start.tzinfo)
    return {
        "start": str((start - epoch) // _MILLISECOND),
        "end": str((end - epoch) // _MILLISECOND),
    }
