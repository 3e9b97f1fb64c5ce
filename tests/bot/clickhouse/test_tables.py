"""Tables that hold the same traces in other ways, on the real engine: each is read alike, to the
nano-dollar, or refused with the reason."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from bot.clickhouse import (
    ClickHouse,
    ClickHouseRefusedError,
    ClickHouseTooLongError,
    TraceField,
    live_selection,
)
from bot.clickhouse.client import TimeLimits
from reports.time.time_range import Granularity
from tests.clickhouse_server import TABLE, ClickHouseServer, needs_engine
from tests.traces import ORGANIZATION_ID

pytestmark = needs_engine
START = datetime(2026, 11, 20, tzinfo=UTC)
DAYS = [START + timedelta(days=day) for day in range(3)]
END = DAYS[-1] + timedelta(days=1)
_DEFINED = " ".join(TABLE.partition("(")[2].partition(") ENGINE")[0].split())
COLUMNS = [one.split(" ", 1) for one in _DEFINED.format(cost="Float64").split(", ")]
"""The names of the columns and their types."""


def traces():
    """Requests of two keys, some with BYOK, some failed, with costs of many sizes."""
    found = []
    for n in range(60):
        at = (START + n * timedelta(hours=1, minutes=7)).strftime("%Y-%m-%d %H:%M:%S.000")
        failed = n % 11 == 0
        byok = {"is_byok": n % 5 == 0, "byok_usage_inference": n * 1e-9 if n % 5 == 0 else 0}
        row = {
            "TRACE_ID": f"6f1b7c1e-0000-4000-8000-{n // 2:012}",  # two requests each
            "SPAN_ID": f"6f1b7c1e-0000-4000-8000-{n:012}",
            "USER_ID": f"customer-{n % 4}" if n % 7 else None,
            "ENTITY_ID": ORGANIZATION_ID,
            "API_KEY_NAME": ("prod", "ci", None)[n % 3],
            "TIMESTAMP": at,
            "START_TIME": at,
            "DURATION_MS": 100 + n * 37,
            "MODEL": f"a/model-{n % 3}",
            "PROVIDER_NAME": ("Anthropic", "Azure")[n % 2],
            "STATUS": "error" if failed else "ok",
            "PROMPT_TOKENS": 0 if failed else 1_000 + n,
            "COMPLETION_TOKENS": 0 if failed else n,
            "CACHED_TOKENS": n % 9,
            "REASONING_TOKENS": n % 4,
            "TOTAL_COST": 0 if failed else (n * 10 ** (n % 9) + 1) / 10**9,
            "SPAN_TYPE": "SPAN" if n % 13 == 5 else "GENERATION",
            "METADATA": json.dumps({"openrouter_generation": byok, "team": "a"}),
        }
        found.append(row)
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with ClickHouseServer() as started:
        started.insert(traces(), tmp_path_factory.mktemp("tables"))
        yield started


def read(url, table):
    """All that the bot reads from a table."""
    client = ClickHouse(url, table, wait=lambda _: None)
    try:
        wanted = live_selection(TraceField.PROVIDER)
        return {
            "usage": sorted(client.usage(Granularity.DAY, START, END)),
            "live": sorted(client.live_usage(DAYS, END, wanted, models=True)),
            "quality": sorted(map(str, client.quality(DAYS, END, wanted))),
            "places": sorted(client.places(START, END, END)),
            "generations": client.check(START, END).generations,
            "with costs": client.check(START, END).with_costs,
        }
    finally:
        client.close()


@pytest.fixture(scope="module")
def expected(server):
    found = read(server.url, server.table)
    spend = sum(row.usage.credits for row in found["usage"])
    assert spend == sum(
        round(row["TOTAL_COST"] * 10**9) for row in traces() if row["SPAN_TYPE"] == "GENERATION"
    )
    assert sum(row.usage.byok for row in found["usage"]) > 0
    return found


def test_the_table_that_is_tested_has_all_columns_that_the_bot_looks_for(server):
    client = ClickHouse(server.url)
    assert client.columns().missing() == ()
    client.close()
    known = {name for field in TraceField for name in field.names}
    assert known - {name for name, _ in COLUMNS} == {"CREATOR_USER_ID"}


TEXTS = dict.fromkeys(
    (name for name, type_ in COLUMNS if type_ in {"String", "Nullable(String)"}),
    "LowCardinality(Nullable(String))",
)
JSON_OF_COSTS = "JSONExtractRaw(METADATA, 'openrouter_generation')"
VARIANTS = {
    "low cardinality, nanoseconds and small numbers": (
        {
            **TEXTS, "TIMESTAMP": "DateTime64(9)", "START_TIME": "DateTime64(9)",
            "PROMPT_TOKENS": "UInt32", "COMPLETION_TOKENS": "UInt16", "CACHED_TOKENS": "UInt8",
            "DURATION_MS": "UInt32",
        },
        {
            name: f"ifNull({name}, 0)"
            for name in ("PROMPT_TOKENS", "COMPLETION_TOKENS", "CACHED_TOKENS", "DURATION_MS")
        },
    ),
    "a time zone, enums and decimals": (
        {
            "TIMESTAMP": "DateTime64(6, 'America/New_York')", "TOTAL_COST": "Decimal(38, 18)",
            "STATUS": "Enum8('ok' = 1, 'error' = 2)", "SPAN_TYPE": "Enum16('GENERATION', 'SPAN')",
            "DURATION_MS": "Nullable(Decimal(18, 3))",
        },
        {"STATUS": "assumeNotNull(STATUS)",
         "TOTAL_COST": "toDecimal128(toString(assumeNotNull(TOTAL_COST)), 18)"},
    ),
    "seconds": ({"TIMESTAMP": "DateTime", "START_TIME": "DateTime"}, {}),
    "times that may be missing": ({"TIMESTAMP": "Nullable(DateTime64(3))"}, {}),
    "numbers as text": (
        {"TOTAL_COST": "String", "PROMPT_TOKENS": "String", "DURATION_MS": "Nullable(String)"},
        {"TOTAL_COST": "toString(assumeNotNull(TOTAL_COST))",
         "PROMPT_TOKENS": "toString(assumeNotNull(PROMPT_TOKENS))"},
    ),
    "metadata as JSON": ({"METADATA": "JSON"}, {"METADATA": "assumeNotNull(METADATA)"}),
    "metadata as a map": (
        {"METADATA": "Map(String, String)"},
        {"METADATA": f"map('team', 'a', 'openrouter_generation', {JSON_OF_COSTS})"},
    ),
    "metadata as a map with short names": (
        {"METADATA": "Map(LowCardinality(String), Nullable(String))"},
        {"METADATA": f"map('openrouter_generation', {JSON_OF_COSTS})"},
    ),
    "identifiers that are no text": ({"TRACE_ID": "UUID", "SPAN_ID": "FixedString(36)"}, {}),
    "columns of any type": (
        {"TOTAL_COST": "Dynamic", "PROMPT_TOKENS": "Variant(Int64, String)", "STATUS": "Dynamic"},
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_types_may_be_others(server, expected, variant):
    types, values = VARIANTS[variant]
    if {"JSON", "Dynamic"} & set(types.values()) and server.version < (25, 3):
        pytest.skip("such types are an experiment in this version")
    made = ", ".join(f"{name} {types.get(name, type_)}" for name, type_ in COLUMNS)
    copied = ", ".join(f"{values.get(name, name)} AS {name}" for name, _ in COLUMNS)
    server.execute("DROP TABLE IF EXISTS VARIANT")
    server.execute(f"CREATE TABLE VARIANT ({made}) ENGINE = MergeTree ORDER BY tuple()")
    server.execute(f"INSERT INTO VARIANT SELECT {copied} FROM (SELECT * FROM {server.table})")
    assert read(server.url, "VARIANT") == expected


def test_columns_may_be_in_another_order_and_case_among_others(server, expected):
    made = ", ".join(f"{name.lower()} {type_}" for name, type_ in reversed(COLUMNS))
    names = ", ".join(name for name, _ in COLUMNS)
    server.execute(
        f"CREATE TABLE MORE (`a b` Array(String), {made}, `x-y` Map(String, UInt8),"
        " r_model Nullable(String), r_cost Float64, r_bucket String) ENGINE = Log"
    )
    server.execute(f"INSERT INTO MORE ({names.lower()}) SELECT {names} FROM {server.table}")
    assert read(server.url, "MORE") == expected


ENGINES = {
    "ReplacingMergeTree": "ENGINE = ReplacingMergeTree ORDER BY (TIMESTAMP, TRACE_ID, SPAN_ID)",
    "with a version": (
        "ENGINE = ReplacingMergeTree(SCHEMA_VERSION) PARTITION BY toYYYYMM(TIMESTAMP)"
        " ORDER BY (TIMESTAMP, SPAN_ID)"
    ),
    "MergeTree": "ENGINE = MergeTree ORDER BY tuple()",
}


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_that_came_twice_count_once_before_and_after_they_are_merged(server, expected, engine):
    server.execute("DROP TABLE IF EXISTS TWICE")
    server.execute(f"CREATE TABLE TWICE AS {server.table} {ENGINES[engine]}")
    for _ in range(3):
        server.execute(f"INSERT INTO TWICE SELECT * FROM {server.table}")
    assert read(server.url, "TWICE") == expected
    server.execute("OPTIMIZE TABLE TWICE FINAL")
    assert read(server.url, "TWICE") == expected


PLACES = {
    "a view": f"CREATE VIEW PLACE AS SELECT * FROM {{table}} WHERE ENTITY_ID = '{ORGANIZATION_ID}'",
    "a table over several": (
        "CREATE TABLE PLACE AS {table} ENGINE = Merge('traces', '^{table}$')"
    ),
    "a materialized view": (
        "CREATE MATERIALIZED VIEW PLACE ENGINE = MergeTree ORDER BY TIMESTAMP POPULATE AS"
        " SELECT * FROM {table}"
    ),
    "a distributed table": (
        "CREATE TABLE PLACE AS {table} ENGINE = Distributed(one, traces, {table})"
    ),
    "a distributed table whose shards have the same rows": (
        "CREATE TABLE PLACE AS {table} ENGINE = Distributed(two, traces, {table}, rand())"
    ),
    "a distributed table without definitions of its own": (
        "CREATE TABLE PLACE ENGINE = Distributed(two, currentDatabase(), {table})"
    ),
    "a table of another server": "CREATE TABLE PLACE AS remote('127.0.0.1', traces, {table})",
}  # fmt: skip


@pytest.mark.parametrize("kind", PLACES)
def test_something_else_may_stand_in_place_of_the_table(server, expected, kind):
    server.execute("DROP TABLE IF EXISTS PLACE")
    server.execute(PLACES[kind].format(table=server.table))
    assert read(server.url, "PLACE") == expected
    with closing(ClickHouse(server.url, "PLACE")) as client:
        assert client.zone() == "UTC"
    server.execute("DROP TABLE PLACE")


def test_a_table_may_be_over_distributed_ones(server, expected):
    """As where an organization has moved its traces from one cluster to another."""
    for name, cluster in (("SHARDS_1", "one"), ("SHARDS_2", "two")):
        server.execute(
            f"CREATE TABLE {name} AS {server.table}"
            f" ENGINE = Distributed({cluster}, traces, {server.table})"
        )
    server.execute(f"CREATE TABLE SHARDS AS {server.table} ENGINE = Merge(traces, '^SHARDS_[12]$')")
    server.execute("CREATE VIEW SEEN AS SELECT * FROM SHARDS")
    assert read(server.url, "SHARDS") == expected
    assert read(server.url, "SEEN") == expected


@pytest.mark.parametrize("shards", ["one", "two"])
def test_a_distributed_table_is_given_up_after_the_time_limit(server, shards):
    server.execute("DROP TABLE IF EXISTS SLOW")
    server.execute("DROP TABLE IF EXISTS SLOWLY")
    columns = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS)
    others = ", ".join(name for name, _ in COLUMNS if name != "SPAN_TYPE")
    server.execute(
        f"CREATE VIEW SLOW AS SELECT {others},"
        " if(sleepEachRow(0.03) = 0, 'GENERATION', '') AS SPAN_TYPE"
        f" FROM (SELECT * FROM {server.table})"
    )
    server.execute(f"CREATE TABLE SLOWLY ({columns}) ENGINE = Distributed({shards}, traces, SLOW)")
    client = ClickHouse(server.url, "SLOWLY", limits=TimeLimits(1, 60, 1))
    client._http.timeout = 60  # the server's limit is meant, however slow the machine is
    with pytest.raises(ClickHouseTooLongError, match="too long"):
        client.check(START, END)
    client.close()


def test_the_database_may_be_any(server, expected):
    server.execute("CREATE DATABASE `my lake`", database="default")
    server.execute(f"CREATE TABLE `my lake`.TRACES AS traces.{server.table}")
    server.execute(f"INSERT INTO `my lake`.TRACES SELECT * FROM traces.{server.table}")
    url = server.url.rpartition("/")[0] + "/my%20lake"
    assert read(url, "TRACES") == expected


def test_latency_is_unknown_where_times_are_text_and_nothing_else_changes(server, expected):
    made = ", ".join(
        f"{name} {'Nullable(String)' if name in {'START_TIME', 'END_TIME'} else type_}"
        for name, type_ in COLUMNS
        if name != "DURATION_MS"
    )
    names = ", ".join(name for name, _ in COLUMNS if name != "DURATION_MS")
    server.execute(f"CREATE TABLE TEXTS ({made}) ENGINE = Memory")
    server.execute(f"INSERT INTO TEXTS SELECT {names} FROM {server.table}")
    found = read(server.url, "TEXTS")
    assert found["usage"] == expected["usage"]
    client = ClickHouse(server.url, "TEXTS")
    assert "DURATION_MS: latency is unknown" in client.columns().missing()
    client.close()


def test_a_table_made_for_something_else_is_refused_by_the_names_of_what_it_lacks(server):
    """As in a guide to ClickHouse that has a table of this name with columns of its own."""
    server.execute(
        "CREATE TABLE OTHER (timestamp DateTime64(3, 'UTC'), trace_id String, model String,"
        " user_id Nullable(String), prompt_tokens UInt32, completion_tokens UInt32,"
        " total_cost Float64, latency_ms Float64, status String) ENGINE = MergeTree"
        " ORDER BY timestamp"
    )
    with pytest.raises(ClickHouseRefusedError, match="has no column SPAN_ID, SPAN_TYPE, API_KEY"):
        read(server.url, "OTHER")


def test_a_user_who_may_only_read_and_change_no_setting_is_answered(tmp_path, expected):
    with ClickHouseServer() as server:
        server.insert(traces(), tmp_path)
        server.execute("SET readonly = 1")
        with pytest.raises(AssertionError, match="Code: 164"):
            server.execute("SELECT 1 SETTINGS max_execution_time = 15 FORMAT JSONEachRow")
        assert read(server.url, server.table) == expected


def test_a_server_with_a_time_zone_of_its_own_is_read_alike(tmp_path, expected):
    with ClickHouseServer(zone="Asia/Kolkata") as server:
        rows = [row | dict.fromkeys(("TIMESTAMP", "START_TIME"), seconds(row)) for row in traces()]
        server.insert(rows, tmp_path)
        shown = server.execute(
            f"SELECT min(TIMESTAMP) AS at FROM {server.table} FORMAT JSONEachRow"
        )
        assert json.loads(shown)["at"] == "2026-11-20 05:30:00.000"
        assert read(server.url, server.table) == expected


def seconds(row):
    """When a request was, in a form that no time zone changes."""
    return str(int(datetime.fromisoformat(row["TIMESTAMP"]).replace(tzinfo=UTC).timestamp()))
