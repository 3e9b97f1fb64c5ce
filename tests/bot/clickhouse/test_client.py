"""Reading usage from the real engine of ClickHouse, over real HTTP."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.clickhouse import (
    ClickHouse,
    ClickHouseRefusedError,
    ClickHouseTooLongError,
    TraceCheck,
)
from bot.clickhouse import client as client_module
from reports.time.time_range import Granularity
from reports.usage.usage import Usage
from tests.clickhouse_server import ClickHouseServer, needs_engine

pytestmark = needs_engine
DAY = datetime(2026, 11, 22, tzinfo=UTC)
TOMORROW = DAY + timedelta(days=1)
COSTS = ["Float64", "Decimal(18, 8)", "Decimal(38, 12)", "Decimal(76, 20)", "String", "Float32"]


@pytest.fixture(scope="module")
def server():
    with ClickHouseServer() as started:
        yield started


@pytest.fixture
def table(server, request):
    """An empty table of a test's own."""
    name = f"t_{abs(hash(request.node.name))}"
    server.create(name)
    yield name
    server.execute(f"DROP TABLE IF EXISTS {name}")


def trace(span, at="2026-11-22 10:00:00.123", **more):
    return {
        "TRACE_ID": "trace", "SPAN_ID": span, "TIMESTAMP": at, "START_TIME": at,
        "ENTITY_ID": "user_ada", "API_KEY_NAME": "prod", "MODEL": "a/x", "STATUS": "ok",
        "PROMPT_TOKENS": 100, "COMPLETION_TOKENS": 10, "CACHED_TOKENS": 5, "REASONING_TOKENS": 2,
        "TOTAL_COST": 0.001, "SPAN_TYPE": "GENERATION", "METADATA": "{}",
    } | more  # fmt: skip


def read(server, table, granularity=Granularity.HOUR, start=DAY, end=TOMORROW):
    client = ClickHouse(server.url, table, wait=lambda _: None)
    try:
        return list(client.usage(granularity, start, end))
    finally:
        client.close()


def test_a_span_counts_once_however_often_it_was_sent(server, table, tmp_path):
    server.insert([trace("1")] * 3 + [trace("2")], tmp_path, table)
    server.insert([trace("1")], tmp_path, table)
    [row] = read(server, table)
    assert row.usage == Usage(2, 0, 200, 20, 4, 2_000_000, 0, 10)


def test_only_generations_count_and_not_those_that_failed_at_once(server, table, tmp_path):
    nothing = {"PROMPT_TOKENS": None, "COMPLETION_TOKENS": 0, "TOTAL_COST": None}
    server.insert(
        [
            trace("1"),
            trace("2", SPAN_TYPE="SPAN"),
            trace("3", STATUS="error", **nothing),
            trace("4", STATUS="error"),
            trace("5", STATUS=None, **nothing),
        ],
        tmp_path,
        table,
    )
    [row] = read(server, table)
    assert (row.usage.requests, row.usage.prompt) == (3, 200)


def test_usage_comes_by_bucket_key_owner_and_model_with_the_newest_bucket_first(
    server, table, tmp_path
):
    server.insert(
        [
            trace("1", "2026-11-22 09:59:59.999"),
            trace("2", "2026-11-22 10:00:00.000"),
            trace("3", "2026-11-22 10:30:00.000", API_KEY_NAME=None),
            trace("4", "2026-11-22 10:30:00.000", MODEL="b/y"),
            trace("5", "2026-11-23 00:00:00.000"),
            trace("6", "2026-11-21 23:59:59.999"),
        ],
        tmp_path,
        table,
    )
    hours = read(server, table)
    assert [row.bucket.hour for row in hours] == [10, 10, 10, 9]
    assert {(row.key, row.model, row.owner) for row in hours if row.bucket.hour == 10} == {
        ("prod", "a/x", "user_ada"),
        ("", "a/x", "user_ada"),
        ("prod", "b/y", "user_ada"),
    }
    minutes = read(server, table, Granularity.MINUTE)
    assert [f"{row.bucket:%H:%M}" for row in minutes] == ["10:30", "10:30", "10:00", "09:59"]
    days = read(server, table, Granularity.DAY)
    assert {row.bucket for row in days} == {DAY}
    assert sum(row.usage.requests for row in days) == 4


@pytest.mark.parametrize("cost", COSTS)
def test_costs_of_any_type_are_summed_to_the_nano_dollar(server, tmp_path, cost):
    table = f"costs_{COSTS.index(cost)}"
    server.create(table, cost)
    amounts = ["0.00000003", "0.12345678", "7.00000001", "0.3"] + ["0.1"] * 70
    if cost == "Float32":
        amounts = ["0.5", "0.25"] * 40
    rows = [trace(str(n), TOTAL_COST=amount) for n, amount in enumerate(amounts)]
    server.insert(rows, tmp_path, table)
    [row] = read(server, table)
    expected = sum(int(float(amount) * 10**8 + 0.5) * 10 for amount in amounts)
    assert row.usage.credits == expected


def test_byok_comes_from_the_cost_metadata(server, table, tmp_path):
    byok = '{"openrouter_generation": {"is_byok": true, "byok_usage_inference": 0.000000007}}'
    not_byok = '{"openrouter_generation": {"is_byok": false, "byok_usage_inference": 5}}'
    server.insert(
        [
            trace("1", METADATA=byok),
            trace("2", METADATA=not_byok),
            trace("3", METADATA=None),
            trace("4", METADATA="no json"),
            trace("4", METADATA="no json"),
        ],
        tmp_path,
        table,
    )
    [row] = read(server, table)
    assert (row.usage.byok_requests, row.usage.byok) == (1, 7)
    client = ClickHouse(server.url, table)
    assert client.check(DAY, TOMORROW) == TraceCheck(rows=5, generations=4, with_costs=2)
    client.close()


@pytest.mark.parametrize(
    "name",
    ["'; DROP TABLE traces --", '{"a": 1}', "a\nb", "é\u202e💸", "{table:Identifier}", "\\N"],
)
def test_names_of_any_kind_come_back_as_they_are(server, table, tmp_path, name):
    server.insert([trace("1", API_KEY_NAME=name, MODEL=name)], tmp_path, table)
    [row] = read(server, table)
    assert (row.key, row.model) == (name, name)


def test_a_nul_in_a_name_is_left_out(server, table, tmp_path):
    server.insert([trace("1", API_KEY_NAME="a\0b")], tmp_path, table)
    assert [row.key for row in read(server, table)] == ["ab"]


def test_columns_may_be_spelled_otherwise_or_be_missing(server):
    server.execute(
        "CREATE TABLE other (span_id UUID, span_type Enum8('SPAN' = 0, 'GENERATION' = 1),"
        " start_time DateTime('America/New_York'), model LowCardinality(Nullable(String)),"
        " api_key_name String, prompt_tokens Float64, completion_tokens String,"
        " total_cost Nullable(Decimal(18, 8))) ENGINE = MergeTree ORDER BY start_time"
    )
    server.execute(
        "INSERT INTO other SELECT generateUUIDv4(), 'GENERATION',"
        " toDateTime('2026-11-22 23:30:00', 'UTC'), 'a/x', 'prod', 12, '34', 0.5 FROM numbers(3)"
    )
    client = ClickHouse(server.url, "other")
    missing = client.columns().missing()
    assert any(words.startswith("METADATA: BYOK requests") for words in missing)
    assert any(words.startswith("CACHED_TOKENS: ") for words in missing)
    [row] = client.usage(Granularity.DAY, DAY, TOMORROW)
    assert row.bucket == DAY
    assert row.usage == Usage(requests=3, prompt=36, completion=102, credits=1_500_000_000)
    client.close()


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ("SPAN_ID String", "has no column SPAN_TYPE, TIMESTAMP, MODEL, API_KEY_NAME"),
        (
            (
                "SPAN_ID String, SPAN_TYPE String, TIMESTAMP String, MODEL String, API_KEY_NAME"
                " String, PROMPT_TOKENS Int64, COMPLETION_TOKENS Int64, TOTAL_COST Float64"
            ),
            "TIMESTAMP in the table traces.wrong has the type String instead of DateTime64",
        ),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_the_reason(server, definition, words):
    server.execute(f"CREATE OR REPLACE TABLE wrong ({definition}) ENGINE = Memory")
    with pytest.raises(ClickHouseRefusedError, match=words):
        read(server, "wrong")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("activity:", "somebody:", "refused the user or the password"),
        ("p%40ss", "wrong", "refused the user or the password"),
        ("/traces", "/elsewhere", "has no table elsewhere.OPENROUTER_TRACES"),
    ],
)
def test_wrong_settings_are_said_without_the_password(server, old, new, words):
    client = ClickHouse(server.url.replace(old, new), wait=lambda _: None)
    with pytest.raises(ClickHouseRefusedError, match=words) as refused:
        client.columns()
    assert "canary" not in f"{refused.value}{client!r}"
    assert refused.value.permanent
    client.close()


def test_a_table_with_a_strange_name_is_a_parameter_and_nothing_else(server):
    with pytest.raises(ClickHouseRefusedError, match="has no table"):
        read(server, "x` FORMAT Null; DROP TABLE OPENROUTER_TRACES; --")
    assert server.execute("SELECT count() FROM OPENROUTER_TRACES FORMAT TSV").strip() == "0"


def test_a_query_that_takes_too_long_is_told_apart(server, table, tmp_path, monkeypatch):
    server.insert([trace(str(n)) for n in range(50)], tmp_path, table)
    modes = client_module._MODES
    few = {"max_rows_to_read": "10", "readonly": "1"}
    client = ClickHouse(server.url, table, wait=lambda _: None)
    client.columns()
    monkeypatch.setattr(client_module, "_MODES", (few,))
    with pytest.raises(ClickHouseTooLongError, match="more rows than max_rows_to_read allows"):
        list(client.usage(Granularity.DAY, DAY, TOMORROW))
    monkeypatch.setattr(client_module, "_MODES", modes)
    client.columns()
    little = {"max_memory_usage": "1000", "max_untracked_memory": "0", "readonly": "1"}
    monkeypatch.setattr(client_module, "_MODES", (little,))
    with pytest.raises(ClickHouseTooLongError, match="it took too much memory"):
        list(client.usage(Granularity.DAY, DAY, TOMORROW))
    client.close()
