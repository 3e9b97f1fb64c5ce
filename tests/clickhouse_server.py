"""The real engine of ClickHouse behind its HTTP interface, as far as the bot uses that.

The engine is the package chdb, which `make test-clickhouse` installs. It runs in a process
of its own.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest

ROOT = Path(__file__).parent.parent
INSTALLED = importlib.util.find_spec("chdb") is not None
needs_engine = pytest.mark.skipif(
    not INSTALLED, reason="the engine of ClickHouse is not installed: make test-clickhouse"
)
USER, PASSWORD, DATABASE = "activity", "p@ss/wörd:canary", "traces"
SETTINGS = (
    "readonly",
    "max_execution_time",
    "cancel_http_readonly_queries_on_client_close",
    "max_memory_usage",
    "max_untracked_memory",
    "max_rows_to_read",
)

_SHARD = "<shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard>"
CONFIG = (
    f"<clickhouse><tcp_port>9000</tcp_port><remote_servers><one>{_SHARD}</one>"
    f"<two>{_SHARD}{_SHARD}</two></remote_servers></clickhouse>"
)
"""Clusters of one shard and of two, all of them this server at the address that it would have."""

TABLE = """
CREATE TABLE {table} (
    TRACE_ID String, SPAN_ID String, PARENT_SPAN_ID Nullable(String), USER_ID Nullable(String),
    SESSION_ID Nullable(String), ORGANIZATION_ID Nullable(String), ENTITY_ID String,
    API_KEY_NAME Nullable(String), TIMESTAMP DateTime64(3), START_TIME DateTime64(3),
    END_TIME Nullable(DateTime64(3)), DURATION_MS Nullable(Float64), MODEL Nullable(String),
    PROVIDER_NAME Nullable(String), PROVIDER_SLUG Nullable(String), STATUS Nullable(String),
    LEVEL Nullable(String), FINISH_REASON Nullable(String), PROMPT_TOKENS Nullable(Int64),
    COMPLETION_TOKENS Nullable(Int64), TOTAL_TOKENS Nullable(Int64),
    CACHED_TOKENS Nullable(Int64), REASONING_TOKENS Nullable(Int64), INPUT_COST Nullable({cost}),
    OUTPUT_COST Nullable({cost}), TOTAL_COST Nullable({cost}),
    INPUT_UNIT_PRICE Nullable(Float64), OUTPUT_UNIT_PRICE Nullable(Float64),
    SPAN_TYPE LowCardinality(String), SPAN_KIND Nullable(String), OPERATION_NAME Nullable(String),
    ATTRIBUTES Nullable(String), INPUT Nullable(String), OUTPUT Nullable(String),
    METADATA Nullable(String), TAGS Array(String), MODEL_PARAMETERS Nullable(String),
    RESOURCE_ATTRIBUTES Nullable(String), SCHEMA_VERSION Int64
) ENGINE = MergeTree ORDER BY (TIMESTAMP, TRACE_ID)
"""
"""The columns that OpenRouter shows, in their order: the first eleven, with their types, are in the
picture of the set-up of ClickHouse; the others have the names that they have in BigQuery. Other
types, the engine and the order of rows are not public.
"""


class ClickHouseServer:
    """A server in a process of its own, with an empty table, for as long as it is entered.

    `zone` is the time zone of the machine that it runs on.
    """

    def __init__(
        self, cost: str = "Float64", table: str = "OPENROUTER_TRACES", zone: str = "UTC"
    ) -> None:
        self.table, self._cost, self._zone = table, cost, zone
        self.port = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.clickhouse_server"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"TZ": self._zone},
        )  # fmt: skip
        self.port = int(self._process.stdout.readline())
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=600)
        self.execute(f"CREATE DATABASE {DATABASE}", database="default")
        self.create(self.table, self._cost)
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    @property
    def url(self) -> str:
        """What CLICKHOUSE_URL is."""
        return f"http://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def version(self) -> tuple[int, int]:
        """The version of ClickHouse, as in (26, 9)."""
        said = json.loads(self.execute("SELECT version() AS v FORMAT JSONEachRow"))
        year, month, *_ = said["v"].split(".")
        return int(year), int(month)

    @property
    def cpu_seconds(self) -> float:
        """CPU time that the server has taken so far."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def create(self, table: str, cost: str = "Float64") -> None:
        """Create a table of traces; costs have the type `cost`."""
        self.execute(TABLE.format(table=table, cost=cost))

    def execute(self, statement: str, database: str = DATABASE) -> str:
        """Whatever a person does in the database, with what comes back."""
        headers = {"X-ClickHouse-User": USER, "X-ClickHouse-Database": database}
        headers = {name: value.encode() for name, value in headers.items()}
        headers["X-ClickHouse-Key"] = PASSWORD.encode()
        answered = self._http.post("/", content=statement.encode(), headers=headers)
        assert answered.status_code == 200, answered.text
        return answered.text

    def insert(self, rows: Iterable[Mapping[str, Any]], folder: Path, table: str = "") -> None:
        """Insert traces, by way of a file in a folder."""
        file = folder / "traces.jsonl"
        with file.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)
        table = table or self.table
        source = f"file('{file}', 'JSONEachRow', {_literal(self._columns(table))})"
        self.execute(f"INSERT INTO {table} SELECT * FROM {source}")
        file.unlink()

    def _columns(self, table: str) -> str:
        said = self.execute(
            "SELECT name, type FROM system.columns WHERE database = currentDatabase()"
            f" AND table = '{table}' ORDER BY position FORMAT JSONEachRow"
        )
        found = [json.loads(line) for line in said.splitlines()]
        return ", ".join(f"{one['name']} {one['type']}" for one in found)


def _literal(text: str) -> str:
    """A text as it is written in a statement."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    session: Any
    lock = threading.Lock()

    def do_POST(self) -> None:
        """Run a statement, with parameters and settings from the query string."""
        arguments = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        key = (self.headers.get("X-ClickHouse-Key") or "").encode("latin-1").decode()
        user = self.headers.get("X-ClickHouse-User")
        if (user, key) != (USER, PASSWORD):
            self._fail(403, f"Code: 516. DB::Exception: {user}: Authentication failed.")
            return
        statement = arguments.get("query") or body
        settings = [f"{one} = {int(arguments[one])}" for one in SETTINGS if one in arguments]
        if settings:
            statement += f" SETTINGS {', '.join(settings)}"
        given = {
            name.removeprefix("param_"): value
            for name, value in arguments.items()
            if name.startswith("param_")
        }
        with self.lock:
            try:
                database = self.headers.get("X-ClickHouse-Database") or "default"
                self.session.query(f"USE `{database}`")
                self._stream(statement, given)
            except ConnectionError:
                self.close_connection = True  # the client has read enough
            except Exception as error:  # noqa: BLE001 - whatever the engine says is the answer
                self._fail(500, str(error))

    def _stream(self, statement: str, given: Mapping[str, str]) -> None:
        """Send the rows part by part, as the engine has them."""
        if "FORMAT" not in statement:
            self.session.query(statement)
            self._begin(200)
            self.wfile.write(b"0\r\n\r\n")
            return
        parts = self._parts(statement, given)
        first = next(parts, None)  # which may be an error
        self._begin(200)
        for data in filter(None, chain([first], parts)):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")

    def _parts(self, statement: str, given: Mapping[str, str]) -> Iterator[bytes]:
        """The rows of an answer, in parts if the package can: versions before 4 take no parameters
        beside a statement."""
        if "params" in inspect.signature(self.session.query).parameters:
            found = self.session.send_query(statement, "JSONEachRow", params=dict(given))
            yield from (part.bytes() for part in found)
            return
        before = "".join(f"SET param_{name} = {_literal(value)}; " for name, value in given.items())
        yield self.session.query(before + statement, "JSONEachRow").bytes()

    def _begin(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _fail(self, status: int, words: str) -> None:
        raw = words.encode()
        self.send_response(status)
        if found := re.search(r"Code: (\d+)", words):
            self.send_header("X-ClickHouse-Exception-Code", found[1])
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _serve() -> None:
    """Print the port, and serve until there is no more input."""
    from chdb import session  # noqa: PLC0415 - only installed where its tests are run

    with TemporaryDirectory() as folder:
        config = Path(folder) / "config.xml"
        config.write_text(CONFIG)
        _Handler.session = session.Session(f"{folder}/data?config-file={config}")
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        sys.stdin.read()
        server.shutdown()
        _Handler.session.close()


if __name__ == "__main__":
    _serve()
