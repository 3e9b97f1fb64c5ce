"""Files hold what the answer shows, to the nano-dollar, whatever the question."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pypdf
import pytest

from bot.answers.answer import answer
from bot.answers.file_worker import Renderer, RenderError
from bot.answers.write_file import Format, Job, UnanswerableError, file_name, write_file
from bot.store import Database, Store
from reports.questions.grammar import QuestionCommand, parse
from reports.questions.query import Query
from reports.questions.summary import Summary
from reports.render.json import as_json
from reports.usage.dimensions import Metric
from reports.usage.usage import nano_dollars
from tests import databases, world

NOW = world.now()
ROOT = Path(__file__).parents[3]
COLUMN = {Metric.SPEND: "Spend", Metric.TOKENS: "Tokens", Metric.REQUESTS: "Requests"}


@pytest.fixture
def store(database: Path) -> Store:
    return Store(Database(databases.at(database), must_exist=True))


def query_of(words: str) -> Query:
    parsed = parse(words)
    assert isinstance(parsed, QuestionCommand)
    return parsed.query


def answered(store: Store, words: str) -> Summary:
    found = answer(store, query_of(words), NOW, "UTC", whole=True)
    assert isinstance(found, Summary)
    return found


def written(store: Store, words: str, format_: Format) -> bytes:
    out = io.BytesIO()
    write_file(store, Job(words, NOW, "UTC", format_), out)
    return out.getvalue()


QUESTIONS = [
    f"{metric} {period} {by}".strip()
    for metric in Metric
    for period in ("1d", "7d", "1y", "today tz Europe/Berlin")
    for by in ("", "by model", "by key", "by creator")
]


@pytest.mark.parametrize("words", [*QUESTIONS, "spend 7d by key creator:ada*", "spend 7d byok"])
def test_csv_adds_up_to_the_answer(store: Store, words: str) -> None:
    rows = list(csv.DictReader(io.StringIO(written(store, words, Format.CSV).decode())))
    metric = query_of(words).metric
    assert metric
    values = [row[COLUMN[metric]] for row in rows]
    told = as_json(answered(store, words))["metrics"][metric]
    if metric is Metric.SPEND:
        assert sum(map(Decimal, values)) == Decimal(told["sum"])
    else:
        assert sum(map(int, values)) == told["sum"]
    assert told["sum"] not in {0, "0"}


@pytest.mark.parametrize("words", ["1d", "7d by model", "7d by key", "1y by creator"])
def test_overview_csv_adds_up_to_all_three_metrics(store: Store, words: str) -> None:
    rows = list(csv.DictReader(io.StringIO(written(store, words, Format.CSV).decode())))
    metrics = answered(store, words).metrics
    money = (r[column] for r in rows for column in ("Usage", "BYOK Usage"))
    spend = sum(nano_dollars(Decimal(amount)) for amount in money)
    assert spend == metrics[Metric.SPEND].sum
    tokens = sum(int(r["Prompt Tokens"]) + int(r["Completion Tokens"]) for r in rows)
    assert tokens == metrics[Metric.TOKENS].sum
    assert sum(int(r["Requests"]) for r in rows) == metrics[Metric.REQUESTS].sum


@pytest.mark.parametrize("words", ["tokens 7d by key", "tokens 1d by model", "tokens 7d"])
def test_pdf_subtotals_are_the_groups_of_the_answer(store: Store, words: str) -> None:
    document = pypdf.PdfReader(io.BytesIO(written(store, words, Format.PDF)))
    text = "\n".join(page.extract_text() for page in document.pages)
    found = answered(store, words).metrics[Metric.TOKENS]
    for group in found.groups:
        assert f"{group.usage.prompt:,}" in text
        assert f"{group.usage.completion:,}" in text
    assert f"{found.parts['prompt']:,}" in text


@pytest.mark.parametrize("words", ["forecast by key", "keys", "price 7d by key", "why spend 1w"])
def test_an_analysis_as_pdf_lists_every_row_unless_the_question_says_how_many(
    store: Store, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{write_file.__module__}.DEFAULT_TOP", 1)  # the organization is small

    def text(top: int) -> str:
        query = replace(query_of(words), top=top)
        out = io.BytesIO()
        write_file(store, Job(query.command(""), NOW, "UTC", Format.PDF), out)
        document = pypdf.PdfReader(io.BytesIO(out.getvalue()))
        return "\n".join(page.extract_text() for page in document.pages)

    assert "Others (" in text(2)
    assert "Others (" not in text(1)
    assert "`" not in text(1)


def test_sections_are_in_the_order_of_the_answer(store: Store) -> None:
    document = pypdf.PdfReader(io.BytesIO(written(store, "tokens 7d by key", Format.PDF)))
    bookmarks = [str(entry["/Title"]) for entry in document.outline if isinstance(entry, dict)]
    labels = [g.label for g in answered(store, "tokens 7d by key").metrics[Metric.TOKENS].groups]
    assert [name for name in bookmarks if name in labels] == labels


def test_rows_of_an_unfiltered_csv_come_newest_first(store: Store) -> None:
    lines = written(store, "requests 7d by key", Format.CSV).decode().splitlines()[1:]
    dates = [re.findall(r'"([^"]*)"', line)[0] for line in lines]
    assert dates == sorted(dates, reverse=True)
    assert len(set(dates)) > 1


@pytest.mark.parametrize("by", ["", "by model", "by key", "by creator"])
def test_a_csv_of_a_comparison_adds_up_in_both_periods(store: Store, by: str) -> None:
    words = f"requests 2d {by} vs before"
    lines = list(csv.DictReader(io.StringIO(written(store, words, Format.CSV).decode())))
    found = answered(store, words).metrics[Metric.REQUESTS]
    assert sum(int(line["Requests"]) for line in lines) == found.sum
    assert found.previous is not None
    assert sum(int(line["Previous Requests"]) for line in lines) == found.previous
    assert len({line["Date"] for line in lines}) == 1


def test_a_csv_leaves_an_earlier_period_without_stored_usage_empty(store: Store) -> None:
    text = written(store, "requests 1y by key vs before", Format.CSV).decode()
    assert {line["Previous Requests"] for line in csv.DictReader(io.StringIO(text))} == {""}


def test_the_same_question_gives_the_same_bytes(store: Store) -> None:
    for format_ in Format:
        assert written(store, "spend 7d by key", format_) == written(
            store, "spend 7d by key", format_
        )


def test_a_file_keeps_the_range_of_its_moment(store: Store) -> None:
    early = NOW - timedelta(days=1)
    out = io.BytesIO()
    found = write_file(store, Job("spend today", early, "UTC", Format.CSV), out)
    assert found.range.until == early
    assert f'"{NOW:%Y-%m-%d}' not in out.getvalue().decode()


@pytest.mark.parametrize(
    ("words", "format_", "name"),
    [
        ("spend 2026-10 by creator", Format.PDF, "openrouter-spend-by-creator-2026-10.pdf"),
        ("last month by model", Format.CSV, "openrouter-activity-by-model-2026-10.csv"),
        ("tokens 2026-10 by key key:../../x", Format.PDF, "openrouter-tokens-by-key-2026-10.pdf"),
        (
            "spend 1m by creator",
            Format.CSV,
            "openrouter-spend-by-creator-2026-10-22_2026-11-22.csv",
        ),
        ("spend 1d", Format.PNG, "openrouter-spend-2026-11-22T1031.png"),
        ("1h by key", Format.CSV, "openrouter-activity-by-key-2026-11-22T1031.csv"),
        ("spend yesterday", Format.CSV, "openrouter-spend-2026-11-21.csv"),
        ("spend last year", Format.PDF, "openrouter-spend-2025.pdf"),
        (
            "spend 2026-10 by creator",
            Format.SUMMARY,
            "openrouter-spend-by-creator-2026-10-summary.pdf",
        ),
        ("spend 2030-01", Format.CSV, "openrouter-spend-2030-01.csv"),
        ("spend today tz Asia/Tokyo", Format.CSV, "openrouter-spend-2026-11-22T1931.csv"),
    ],
)
def test_file_names_say_what_and_when(words: str, format_: Format, name: str) -> None:
    at = NOW.replace(year=2026, month=11, day=22, hour=10, minute=31, second=7)
    assert file_name(query_of(words), at, "UTC", format_) == name


def test_a_summary_has_the_first_pages_and_no_rows(store: Store) -> None:
    summary, whole = (
        pypdf.PdfReader(io.BytesIO(written(store, "spend 1m by creator", format_)))
        for format_ in (Format.SUMMARY, Format.PDF)
    )
    assert len(summary.pages) == 1 < len(whole.pages)
    assert "SUBTOTAL" not in summary.pages[0].extract_text()
    assert "SUBTOTAL" in whole.pages[1].extract_text()


def test_a_job_survives_the_way_to_another_process() -> None:
    job = Job("spend 1d", NOW, "Europe/Berlin", Format.PDF)
    assert Job.from_json(json.loads(json.dumps(job.as_json()))) == job


def test_another_process_writes_the_same_file(store: Store, database: Path) -> None:
    job = Job("spend 7d by key", NOW, "UTC", Format.CSV)
    with Renderer(databases.at(database)).file(job) as path:
        assert path.read_bytes() == written(store, "spend 7d by key", Format.CSV)
        assert path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0
    assert not path.exists()


def test_a_question_that_no_longer_works_gets_an_explanation(store: Store, database: Path) -> None:
    with pytest.raises(UnanswerableError, match="No key is called “gone”"):
        written(store, "spend key:gone", Format.CSV)
    with (
        pytest.raises(RenderError, match="No key is called “gone”"),
        Renderer(databases.at(database)).file(Job("spend key:gone", NOW, "UTC", Format.CSV)),
    ):
        pass


def run_ask(database: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "ask", *words],
        cwd=cwd,
        env={**os.environ, "DATABASE_URL": databases.url(database), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )


def test_a_file_goes_where_a_link_points_and_into_a_pipe(database: Path, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    (tmp_path / "real.csv").write_text("old")
    assert run_ask(database, "spend", "7d", "--csv", "link.csv", cwd=tmp_path).returncode == 0
    assert (tmp_path / "link.csv").is_symlink()
    whole = (tmp_path / "real.csv").read_bytes()
    assert whole.startswith(b"Date,Slug,")
    piped = run_ask(database, "spend", "7d", "--csv", "/dev/stdout", cwd=tmp_path)
    assert piped.stdout == whole


def test_a_place_that_cannot_be_written_is_named(database: Path, tmp_path: Path) -> None:
    for place in (str(tmp_path), "no/such/folder.csv"):
        done = run_ask(database, "spend", "7d", "--csv", place, cwd=tmp_path)
        assert done.returncode == 1
        assert f"{place} can't be written".encode() in done.stderr
        assert b"tmp" not in done.stderr.replace(place.encode(), b"")


def test_the_words_for_files_write_them_in_the_terminal_too(database: Path, tmp_path: Path) -> None:
    done = run_ask(database, "spend", "7d", "by", "key", "csv", cwd=tmp_path)
    assert done.returncode == 0
    [file] = tmp_path.glob("openrouter-spend-by-key-*.csv")
    assert file.read_bytes().startswith(b"Date,API Key,Slug,")
    assert b"Spend by API key" in done.stdout


@pytest.mark.parametrize("words", ["summary", "pdf summary", "summary pdf"])
def test_the_summary_goes_where_the_terminal_says(
    database: Path, tmp_path: Path, words: str
) -> None:
    done = run_ask(
        database,
        "spend",
        "last",
        "month",
        "by",
        "key",
        *words.split(),
        "--pdf",
        "a.pdf",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.glob("*.pdf")] == ["a.pdf"]
    assert len(pypdf.PdfReader(tmp_path / "a.pdf").pages) <= 2


def test_a_filter_called_summary_stays_a_filter(database: Path, tmp_path: Path) -> None:
    done = run_ask(database, "spend", "key:summary*", "--pdf", "a.pdf", cwd=tmp_path)
    assert "No key is called “summary*”".encode() in done.stderr
