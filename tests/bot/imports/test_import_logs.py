"""A Logs export (a row for each request) is summed by hour and by day, each request once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.answers.answer import answer
from bot.imports.import_csv import FileRefusedError, import_files
from bot.imports.summary_text import summary
from bot.store import Database, Store
from bot.store.encoding import StoredView
from reports.questions.grammar import parse
from reports.time.time_range import HOUR, Granularity
from reports.usage.dimensions import Dimension, Metric
from reports.usage.usage import Usage
from reports.usage.windows_to_fetch import Window
from tests import databases

NOW = datetime(2026, 11, 22, 10, 31, 7, tzinfo=UTC)
HEADER = (
    "generation_id,created_at,cost_total,cost_web_search,cost_cache,cost_file_processing,"
    "byok_usage_inference,tokens_prompt,tokens_completion,tokens_reasoning,tokens_cached,"
    "model_permaslug,provider_name,variant,cancelled,streamed,user,finish_reason_raw,"
    "finish_reason_normalized,generation_time_ms,time_to_first_token_ms,api_key_disabled,"
    "api_key_name,app_name\n"
)


@pytest.fixture
def store(tmp_path):
    made = Store(Database(databases.at(tmp_path / "activity.db")))
    made.list_members(
        [("h-prod", "prod", "sk-1"), ("h-lab", "lab", "sk-2")],
        [("u-ada", "Ada", "ada@x.org")],
        [("h-prod", "u-ada"), ("h-lab", "")],
    )
    yield made
    made.close()


def row(id_, at, cost="0.5", key="prod", model="openai/gpt-5", byok="0", prompt=100):
    return (
        f"{id_},{at},{cost},0,0,0,{byok},{prompt},20,5,0,{model},OpenAI,standard,false,true,,stop,"
        f"stop,900,300,false,{key},\n"
    )


def write(path: Path, *rows: str, header: str = HEADER) -> str:
    path.write_text(header + "".join(rows))
    return str(path)


def bring(store, *files):
    return [summary(done) for done in import_files(store, files, NOW)]


def spend(store, words):
    found = answer(store, parse(f"spend {words}").query, NOW, "UTC", whole=True)
    return {group.label: group.sum for group in found.metrics[Metric.SPEND].groups if group.sum}


def test_requests_are_summed_by_hour_key_and_model(store, tmp_path):
    [said] = bring(
        store,
        write(
            tmp_path / "log.csv",
            row("gen-3", "2025-03-04 11:59:59.999", "1.25", "lab", byok="0.75"),
            row("gen-1", "2025-03-04 10:00:00.000", "0.000000001"),
            row("gen-2", "2025-03-04 10:46:57.713", "0.5"),
            row("gen-4", "2025-03-04 10:46:57.713", "2", "", "a/b"),
        ),
    )
    assert "4 requests imported (2025-03-04 10:00 UTC to 2025-03-04 11:00 UTC" in said
    assert spend(store, "2025-03-04 by key") == {
        "prod": 500_000_001, "lab": 2_000_000_000, "(chatroom)": 2_000_000_000
    }  # fmt: skip
    assert spend(store, "2025-03 by creator")["Ada"] == 500_000_001
    assert spend(store, "2025-03 by model") == {"openai/gpt-5": 2_500_000_001, "a/b": 2 * 10**9}
    found = answer(store, parse("spend byok 2025-03-04").query, NOW, "UTC", whole=True)
    assert found.metrics[Metric.SPEND].sum == 750_000_000
    found = answer(store, parse("tokens 2025-03-04").query, NOW, "UTC", whole=True)
    assert found.metrics[Metric.TOKENS].sum == 4 * 120


def test_columns_are_found_by_name_in_any_order_and_number(store, tmp_path):
    header = "model_permaslug;cost_total;created_at;generation_id;tokens_completion;tokens_prompt\n"
    line = "a/x;1,5;2025-03-04T10:00:00Z;gen-1;7;8\n"
    bring(store, write(tmp_path / "log.csv", line, header=header))
    assert spend(store, "2025-03-04 by key") == {"(chatroom)": 1_500_000_000}


def test_a_file_that_comes_twice_counts_once(store, tmp_path):
    file = write(
        tmp_path / "log.csv",
        row("gen-1", "2025-03-04 10:00:00"),
        row("gen-2", "2025-03-05 10:00:00"),
    )
    bring(store, file)
    before = spend(store, "2025-03")
    [said] = bring(store, file)
    assert "nothing new in 2 requests" in said
    assert spend(store, "2025-03") == before == {"all": 10**9}


def test_files_that_overlap_within_an_hour_count_each_request_once(store, tmp_path):
    requests = [row(f"gen-{n}", f"2025-03-04 {10 + n // 6}:{n % 6}5:00") for n in range(18)]
    one = write(tmp_path / "one.csv", *requests[:10])
    two = write(tmp_path / "two.csv", *requests[7:])
    bring(store, one)
    [said] = bring(store, two)
    assert "8 requests imported" in said
    assert "3 more were already counted" in said
    assert spend(store, "2025-03-04") == spend(store, "2025-03") == {"all": 9 * 10**9}
    assert bring(store, one, two, one) is not None
    assert spend(store, "2025-03-04") == {"all": 9 * 10**9}


def test_a_request_that_is_in_a_file_twice_counts_once(store, tmp_path):
    bring(store, write(tmp_path / "log.csv", *[row("gen-1", "2025-03-04 10:00:00")] * 3))
    assert spend(store, "2025-03-04") == {"all": 500_000_000}


def test_what_openrouter_answered_for_stays(store, tmp_path):
    model = store.add_members(Dimension.MODEL, [("a/x", "a/x", "")]).ids[Dimension.MODEL, "a/x"]
    start = datetime(2025, 3, 4, 10, tzinfo=UTC)
    ids = store.directory().ids
    rows = [
        (
            (StoredView.KEY, int(start.timestamp()), ids[Dimension.KEY, "h-prod"], model),
            Usage(1, credits=7),
        ),
        (
            (StoredView.CREATOR, int(start.timestamp()), ids[Dimension.CREATOR, "u-ada"], model),
            Usage(1, credits=7),
        ),
    ]
    store.replace(Window(Granularity.HOUR, start, start + HOUR), rows, None)
    file = write(
        tmp_path / "log.csv",
        row("gen-1", "2025-03-04 10:00:00"),
        row("gen-2", "2025-03-04 11:00:00"),
    )
    bring(store, file)
    assert spend(store, "2025-03-04") == {"all": 500_000_007}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (row("", "2025-03-04 10:00:00"), "line 2: generation_id is missing"),
        (row("gen-1", "yesterday"), "line 2: created_at is “yesterday”"),
        (row("gen-1", "2027-03-04 10:00:00"), "in the future"),
        (row("gen-1", "2025-03-04 10:00:00", "much"), "cost_total is “much”"),
        (row("gen-1", "2025-03-04 10:00:00", model=""), "model_permaslug is missing"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_nothing_is_taken(store, tmp_path, line, said):
    with pytest.raises(FileRefusedError, match=said):
        bring(store, write(tmp_path / "log.csv", line))
    assert not any(store.state().coverage.values())


def test_a_logs_export_without_its_costs_is_refused(store, tmp_path):
    header = "generation_id,created_at,tokens_prompt,tokens_completion,model_permaslug\n"
    with pytest.raises(
        FileRefusedError, match="not a complete Logs export: the column cost_total is missing"
    ):
        bring(store, write(tmp_path / "log.csv", header=header))
