"""The commands of `activity` with CLICKHOUSE_URL: a whole sync, and what the doctor finds."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from bot import doctor
from bot.__main__ import cli, main
from bot.answers.answer import answer
from bot.app import open_store
from bot.clickhouse import TraceColumn
from bot.config import load
from bot.demo.openrouter.organization import Key, Member, Organization, Record
from bot.demo.openrouter.server import LocalOpenRouter
from reports.questions.grammar import parse
from tests import databases
from tests import world as worlds
from tests.clickhouse_server import PASSWORD, ClickHouseServer, needs_engine
from tests.traces import traces_of

pytestmark = needs_engine


@pytest.fixture(scope="module")
def engine():
    with ClickHouseServer() as started:
        yield started


@pytest.fixture
def lake(engine):
    """The engine with an empty table."""
    engine.execute(f"TRUNCATE TABLE {engine.table}")
    return engine


@pytest.fixture
def organization():
    """Ada's key, used yesterday, half of it with a provider's key."""
    noon = worlds.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    key = Key("prod", creator="user_ada")
    ada = Member("user_ada", "Ada", "Lovelace", "ada@example.com")
    used = Record(
        noon, key.hash, ada.id, "a/x", 1_000, 500, 5_000, 700,
        credits_nano=7_000_000_001, byok_nano=3_000_000_001,
    )  # fmt: skip
    return Organization([ada], [key], records=[used], credits=10**12)


@pytest.fixture
def values(organization, lake, tmp_path, monkeypatch):
    """The environment of a bot whose usage comes from ClickHouse."""
    with worlds.quiet_logging(), LocalOpenRouter(organization) as openrouter:
        found = {
            "OPENROUTER_MANAGEMENT_KEY": openrouter.key,
            "OPENROUTER_BASE_URL": openrouter.base_url,
            "DATABASE_URL": databases.url(tmp_path / "activity.db"),
            "CLICKHOUSE_URL": lake.url,
        }
        monkeypatch.chdir(tmp_path)
        for name, value in found.items():
            monkeypatch.setenv(name, value)
        yield found


def test_a_sync_reads_clickhouse_and_takes_few_requests_to_openrouter(
    values, lake, organization, tmp_path, capsys
):
    lake.insert(traces_of(organization), tmp_path)
    assert cli.main(["sync"], standalone_mode=False) is None
    store = open_store(load(values))
    found = answer(store, parse("spend 7d by key").query, worlds.now(), "UTC", whole=True)
    [metric] = found.metrics.values()
    assert (metric.sum, [group.label for group in metric.groups]) == (10_000_000_002, ["prod"])
    assert found.partial == ()
    store.close()
    assert "canary" not in capsys.readouterr().err


def test_a_sync_that_fails_says_why_and_what_to_do(values, monkeypatch, capsys):
    monkeypatch.setenv("CLICKHOUSE_TABLE", "NOWHERE")
    with pytest.raises(SystemExit) as ended:
        main(["sync"])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "ClickHouse has no table traces.NOWHERE" in said
    assert PASSWORD not in said


def examined(values, capsys):
    doctor.examine(values)
    said = capsys.readouterr().out
    assert "canary" not in said
    return [line for line in said.splitlines() if "ClickHouse" in line or "CLICKHOUSE" in line]


def test_the_doctor_says_that_all_of_yesterday_is_there(
    values, lake, organization, tmp_path, capsys
):
    lake.insert(traces_of(organization), tmp_path)
    assert examined(values, capsys) == [
        "ok    CLICKHOUSE_URL: the table traces.OPENROUTER_TRACES can be read",
        "ok    ClickHouse: it has all 1,000 requests of yesterday",
    ]


def test_the_doctor_says_what_is_missing_and_what_is_there_twice(
    values, lake, organization, tmp_path, capsys
):
    traces = list(traces_of(organization, metadata=False))[250:]
    lake.insert(traces + traces[:10], tmp_path)
    _, share, costs, twice = examined(values, capsys)
    assert share.startswith("FAIL  ClickHouse: 24.9% of yesterday's requests are not in it")
    assert "sampling rate to 1" in share
    assert "turn on Cost under Additional generation metadata" in costs
    assert twice.startswith("ok    ClickHouse: 10 rows of yesterday are duplicates")


def test_the_doctor_says_that_there_is_too_much(values, lake, organization, tmp_path, capsys):
    lake.insert(traces_of(organization), tmp_path)
    lake.insert(
        (one | {"TRACE_ID": "other"} for one in list(traces_of(organization))[:100]), tmp_path
    )
    _, words = examined(values, capsys)
    assert words.startswith("FAIL  ClickHouse: it has 99 requests more than OpenRouter counted")


def test_the_doctor_says_what_columns_are_missing(values, lake, organization, capsys):
    lake.execute(
        "CREATE TABLE few (SPAN_ID String, SPAN_TYPE String, TIMESTAMP DateTime64(3), MODEL String,"
        " API_KEY_NAME String, PROMPT_TOKENS Int64, COMPLETION_TOKENS Int64, TOTAL_COST Float64)"
        " ENGINE = Memory"
    )
    said = "\n".join(examined(values | {"CLICKHOUSE_TABLE": "few"}, capsys))
    assert "FAIL  ClickHouse: the table has no METADATA: BYOK requests and their spend" in said
    assert "100.0% of yesterday's requests are not in it" in said
    [line] = examined(values | {"CLICKHOUSE_TABLE": "nowhere"}, capsys)
    assert line.startswith("FAIL  CLICKHOUSE_URL: ClickHouse has no table traces.nowhere")


@pytest.mark.parametrize(
    ("figure", "change", "words"),
    [
        ("TOTAL_COST", 0, "100.0% of yesterday's spend is not in it, although the requests are"),
        ("PROMPT_TOKENS", 4, "17.5% of yesterday's tokens are not in it, although the requests"),
        ("TOTAL_COST", 0.1, "it has more spend of yesterday than OpenRouter counted (1328.6%)"),
        ("COMPLETION_TOKENS", 6, "it has more tokens of yesterday than OpenRouter counted (93.0%)"),
    ],
)
def test_the_doctor_says_what_of_the_requests_differs(
    values, lake, organization, tmp_path, capsys, figure, change, words
):
    lake.insert((one | {figure: change} for one in traces_of(organization)), tmp_path)
    _, requests, differs = examined(values, capsys)
    assert requests == "ok    ClickHouse: it has all 1,000 requests of yesterday"
    assert differs.startswith(f"FAIL  ClickHouse: {words}")


def test_the_doctor_says_nothing_of_what_the_type_of_costs_rounds_off(
    values, lake, organization, tmp_path, capsys
):
    lake.create("rounded", "Decimal(18, 8)")
    lake.insert(traces_of(organization), tmp_path, "rounded")
    _, requests = examined(values | {"CLICKHOUSE_TABLE": "rounded"}, capsys)
    assert requests == "ok    ClickHouse: it has all 1,000 requests of yesterday"


ZONES = {"Asia/Kolkata": "5:30", "America/New_York": "[45]:00"}


@pytest.mark.parametrize("zone", ZONES)
def test_the_doctor_says_that_the_server_reads_times_in_another_zone(
    values, organization, tmp_path, capsys, zone
):
    record = organization.records[0]
    at = record.at.replace(hour=1 if zone.startswith("Asia") else 22)
    organization.records[:] = [replace(record, at=at)]
    with ClickHouseServer(zone=zone) as server:
        server.insert(traces_of(organization), tmp_path)  # in UTC, without saying so
        values |= {"CLICKHOUSE_URL": server.url}
        _, found = examined(values, capsys)
        assert re.match(
            rf"FAIL  ClickHouse: the hours of traces are off by {ZONES[zone]}: OpenRouter writes"
            rf" UTC, and TIMESTAMP is read in the time zone {zone}\.",
            found,
        )
        server.execute(re.search(r"ALTER .*, 'UTC'\)", found)[0])
        server.execute(f"TRUNCATE TABLE {server.table}")
        server.insert(traces_of(organization), tmp_path)
        _, found = examined(values, capsys)
        assert found == "ok    ClickHouse: it has all 1,000 requests of yesterday"


@pytest.mark.parametrize(
    ("type_", "altered"),
    [
        ("DateTime64(3)", "DateTime64(3, 'UTC')"),
        ("DateTime64(6, 'Asia/Tokyo')", "DateTime64(6, 'UTC')"),
        ("DateTime", "DateTime('UTC')"),
        ("DateTime('Asia/Tokyo')", "DateTime('UTC')"),
        ("Nullable(DateTime64(9))", "Nullable(DateTime64(9, 'UTC'))"),
    ],
)
def test_a_type_of_times_is_given_a_zone(type_, altered):
    assert doctor.in_utc(TraceColumn("TIMESTAMP", type_)) == altered
