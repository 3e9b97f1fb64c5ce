"""The table as OpenRouter defines it for its other warehouses, with rows in the documented form and
values that surprise: each figure is right to the nano-dollar."""

import json
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.clickhouse import ClickHouse, TraceCheck, TraceField, live_selection
from reports.time.time_range import Granularity
from reports.usage.usage import ZERO, Usage, plus
from tests.clickhouse_server import ClickHouseServer, needs_engine

pytestmark = needs_engine
DAY = datetime(2026, 11, 22, tzinfo=UTC)
END = DAY + timedelta(days=1)
LAYOUTS = {
    "BigQuery's": ("", "Float64", "String"),
    "Snowflake's": ("Nullable", "Nullable(Decimal(18, 8))", "Nullable(String)"),
}
"""What is around the types of names and tokens that BigQuery requires, and the types of costs and
JSON. ClickHouse's definition is shown only where Broadcast is set up. Its first eleven columns are
public: they have the names, the order and the nulls of BigQuery's.
"""


def definition(around, cost, document):
    """The definition of a table like OpenRouter's."""
    text, whole = (f"{around}({type_})" if around else type_ for type_ in ("String", "Int64"))
    return f"""(
        TRACE_ID String, SPAN_ID String, PARENT_SPAN_ID Nullable(String),
        USER_ID Nullable(String), SESSION_ID Nullable(String), ORGANIZATION_ID Nullable(String),
        ENTITY_ID String, API_KEY_NAME Nullable(String), TIMESTAMP DateTime64(3),
        START_TIME DateTime64(3), END_TIME Nullable(DateTime64(3)),
        DURATION_MS Nullable(Float64), MODEL Nullable(String), PROVIDER_NAME Nullable(String),
        PROVIDER_SLUG Nullable(String), STATUS {text}, LEVEL {text},
        FINISH_REASON Nullable(String), PROMPT_TOKENS {whole}, COMPLETION_TOKENS {whole},
        TOTAL_TOKENS {whole}, CACHED_TOKENS {whole}, REASONING_TOKENS {whole}, INPUT_COST {cost},
        OUTPUT_COST {cost}, TOTAL_COST {cost}, INPUT_UNIT_PRICE Nullable(Float64),
        OUTPUT_UNIT_PRICE Nullable(Float64), SPAN_TYPE LowCardinality(String), SPAN_KIND {text},
        OPERATION_NAME {text}, ATTRIBUTES {document}, INPUT {document}, OUTPUT {document},
        METADATA {document}, TAGS Array(String), MODEL_PARAMETERS {document},
        RESOURCE_ATTRIBUTES {document}, SCHEMA_VERSION UInt8 DEFAULT 1
    ) ENGINE = MergeTree PARTITION BY toYYYYMM(TIMESTAMP)
    ORDER BY (TIMESTAMP, TRACE_ID, SPAN_ID) TTL toDateTime(TIMESTAMP) + INTERVAL 50 YEAR"""


def generation(**costs):
    """What Broadcast writes about a generation with the option for cost metadata."""
    return json.dumps({"team": "search", "openrouter_generation": costs})


def trace(number, **more):
    at = "2026-11-22 10:00:00.123"
    return {
        "TRACE_ID": "9f4d2c6e8a1b4f0c9d7e6a5b4c3d2e1f", "SPAN_ID": f"{number:016x}",
        "PARENT_SPAN_ID": None, "USER_ID": "user_12345", "SESSION_ID": "session_abc",
        "ORGANIZATION_ID": "org_1", "ENTITY_ID": "org_1", "API_KEY_NAME": "prod", "TIMESTAMP": at,
        "START_TIME": at, "END_TIME": "2026-11-22 10:00:01.357", "DURATION_MS": 1234.5,
        "MODEL": "openai/gpt-4o", "PROVIDER_NAME": "OpenAI", "PROVIDER_SLUG": "openai",
        "STATUS": "ok", "LEVEL": "DEFAULT", "FINISH_REASON": "stop", "PROMPT_TOKENS": 100,
        "COMPLETION_TOKENS": 10, "TOTAL_TOKENS": 110, "CACHED_TOKENS": 5, "REASONING_TOKENS": 2,
        "INPUT_COST": 0.00025, "OUTPUT_COST": 0.0001, "TOTAL_COST": 0.00035,
        "INPUT_UNIT_PRICE": 0.0000025, "OUTPUT_UNIT_PRICE": 0.00001, "SPAN_TYPE": "GENERATION",
        "SPAN_KIND": "CLIENT", "OPERATION_NAME": "chat",
        "ATTRIBUTES": '{"gen_ai.request.model":"openai/gpt-4o"}', "INPUT": "", "OUTPUT": "",
        "METADATA": generation(is_byok=False, usage=0.00035), "TAGS": [],
        "MODEL_PARAMETERS": '{"temperature":0.7}', "RESOURCE_ATTRIBUTES": "{}",
        "SCHEMA_VERSION": 1,
    } | more  # fmt: skip


NOTHING = {"PROMPT_TOKENS": 0, "COMPLETION_TOKENS": 0, "TOTAL_COST": 0}
BYOK = generation(is_byok=True, usage=0, byok_usage_inference=0.000000007)
ROWS = [
    trace(0),
    trace(1, SPAN_TYPE="SPAN", MODEL=None, OPERATION_NAME="", **NOTHING),
    trace(2, SPAN_TYPE="EVENT", **NOTHING),
    trace(3, API_KEY_NAME=None, USER_ID=None, SESSION_ID=None),  # as of the chatroom
    trace(4, API_KEY_NAME="", USER_ID="", SESSION_ID=""),
    trace(5, MODEL=None, PROVIDER_NAME=None, PROVIDER_SLUG=None),
    trace(6, MODEL="", PROVIDER_NAME="", PROVIDER_SLUG=""),
    trace(7, DURATION_MS=-1.5),
    trace(8, DURATION_MS=None, END_TIME=None),
    trace(9, DURATION_MS=1e300),
    trace(10, DURATION_MS=0),
    trace(11, TOTAL_COST=0),  # unknown
    trace(12, TOTAL_COST=-0.00000002),  # a refund
    trace(13, TOTAL_COST=12345678.9),
    trace(14, TOTAL_COST=0, METADATA=BYOK),
    trace(15, METADATA=""),
    trace(16, METADATA="null"),
    trace(17, METADATA="[1, 2]"),
    trace(18, METADATA='{"openrouter_generation": null}'),
    trace(19, METADATA='{"openrouter_generation": {"is_byok": "yes"}}'),
    trace(20, METADATA=generation(is_byok=True, byok_usage_inference=None)),
    trace(21, METADATA='{"openrouter_generation": {"is_byok": tr'),  # cut off
    trace(22, STATUS="error", LEVEL="ERROR", FINISH_REASON="error", **NOTHING),
    trace(23, STATUS="error", LEVEL="ERROR", FINISH_REASON=None),  # after it used something
    trace(24, STATUS="", LEVEL=""),
    trace(25, PROMPT_TOKENS=2**40, CACHED_TOKENS=2**40, TOTAL_TOKENS=2**41),
    trace(26, MODEL="a/\"model\"\\ \n'x' 💸", API_KEY_NAME="prod, \"eu\" \\ 'x'"),
    *(trace(100 + n, TOTAL_COST=0.00000001 * (n % 7 + 1)) for n in range(300)),
    trace(0),  # again
    trace(13, TOTAL_COST=12345678.9),
]
FAILED_AT_ONCE = {22}
ROW_OF_SPAN = {int(row["SPAN_ID"], 16): row for row in ROWS if row["SPAN_TYPE"] == "GENERATION"}


def expected():
    """The usage by key and model."""
    found = defaultdict(lambda: ZERO)
    for number, row in ROW_OF_SPAN.items():
        if number in FAILED_AT_ONCE:
            continue
        usage = Usage(
            requests=1,
            byok_requests=number in {14, 20},
            prompt=row["PROMPT_TOKENS"],
            completion=row["COMPLETION_TOKENS"],
            reasoning=row["REASONING_TOKENS"],
            credits=int(round(Decimal(repr(row["TOTAL_COST"])), 8) * 10**9),
            byok=7 * (number == 14),
            cached=row["CACHED_TOKENS"],
        )
        place = row["API_KEY_NAME"] or "", row["MODEL"] or ""
        found[place] = plus(found[place], usage)
    return dict(found)


@pytest.fixture(scope="module")
def server():
    with ClickHouseServer() as started:
        yield started


@pytest.fixture(scope="module", params=LAYOUTS)
def client(server, request, tmp_path_factory):
    name = "like_" + request.param.partition("'")[0]
    server.execute(f"CREATE TABLE {name} {definition(*LAYOUTS[request.param])}")
    server.insert(ROWS, tmp_path_factory.mktemp("broadcast"), name)
    made = ClickHouse(server.url, name, wait=lambda _: None)
    yield made
    made.close()


def test_nothing_is_unknown_of_such_a_table(client):
    assert client.columns().missing() == ()


def test_usage_is_right_to_the_nano_dollar(client):
    rows = list(client.usage(Granularity.HOUR, DAY, END))
    assert {row.bucket for row in rows} == {DAY + timedelta(hours=10)}
    assert {row.owner for row in rows} == {"org_1"}
    assert {(row.key, row.model): row.usage for row in rows} == expected()


def test_each_generation_counts_once_and_the_doctor_knows_how_many_have_costs(client):
    known = sum('"is_byok"' in row["METADATA"] for row in ROW_OF_SPAN.values()) - 1  # cut off
    assert client.check(DAY, END) == TraceCheck(
        rows=len(ROW_OF_SPAN) + 2, generations=len(ROW_OF_SPAN), with_costs=known
    )


@pytest.mark.parametrize("impossible", ["nan", "inf", "-inf", "1e300", "-1e300"])
@pytest.mark.parametrize("type_", ["Float64", "Nullable(Float64)", "Nullable(Float32)"])
def test_figures_that_cannot_be_are_unknown_and_fail_no_query(server, type_, impossible):
    server.execute("DROP TABLE IF EXISTS odd")
    server.execute(
        "CREATE TABLE odd (SPAN_ID String, SPAN_TYPE String, TIMESTAMP DateTime64(3), MODEL String,"
        f" API_KEY_NAME String, PROMPT_TOKENS {type_}, COMPLETION_TOKENS {type_},"
        f" TOTAL_COST {type_}, DURATION_MS {type_}, STATUS String, PROVIDER_NAME String)"
        " ENGINE = MergeTree ORDER BY SPAN_ID"
    )
    at, day = "'a/x', 'prod'", f"toDateTime64('{DAY:%F} 10:00:00', 3, 'UTC')"
    server.execute(
        f"INSERT INTO odd SELECT 'ok', 'GENERATION', {day}, {at}, 10, 1, 0.5, 20, 'ok', ''"
    )
    server.execute(
        f"INSERT INTO odd SELECT 'odd', 'GENERATION', {day}, {at}, {impossible}, {impossible},"
        f" {impossible}, {impossible}, 'ok', ''"
    )
    with closing(ClickHouse(server.url, "odd", wait=lambda _: None)) as odd:
        [row] = odd.usage(Granularity.HOUR, DAY, END)
        assert row.usage == Usage(requests=2, prompt=10, completion=1, credits=500_000_000)
        groups = odd.quality([DAY], END, live_selection(TraceField.PROVIDER))
        whole = next(row for row in groups if row.kind == "all")
        assert (whole.requests, whole.timed, whole.p95) == (2, 1, 20_000)


def test_durations_that_cannot_be_are_unknown(client):
    groups = client.quality([DAY], END, live_selection(TraceField.PROVIDER))
    everything = next(row for row in groups if row.kind == "all")
    assert everything.requests == len(ROW_OF_SPAN)
    assert everything.failed == 2
    assert everything.timed == len(ROW_OF_SPAN) - 2 - 3
    assert everything.p50 == everything.p95 == 1_234_500


def test_empty_names_and_missing_ones_are_one_group(client):
    for field in (TraceField.PROVIDER, TraceField.END_USER):
        rows = client.live_usage([DAY], END, live_selection(field), models=False)
        assert {row.group: row.usage.requests for row in rows}[""] == 2
        assert sum(row.usage.requests for row in rows) == len(ROW_OF_SPAN) - len(FAILED_AT_ONCE)
