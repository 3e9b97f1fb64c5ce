"""The commands as a shell sees them: data on stdout, one plain line on stderr, exit codes."""

import json
import os
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

from bot import __main__ as cli
from bot.store import Database, Store
from tests.reports.render.test_json import SCHEMA

from .. import databases
from .. import world as worlds

ROOT = Path(__file__).parents[2]
KEEP = ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")


def process(words: list[str], folder: Path, **values: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, with these settings and no others."""
    kept = {name: os.environ[name] for name in KEEP if name in os.environ}
    environ = kept | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | values
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """The same within this process, which is faster: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("SLACK_", "OPENROUTER_", "ACTIVITY_", "LOG_")):
            monkeypatch.delenv(name)
    for name in ("PORT", "HOST", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def call(*words: str, **values: str) -> tuple[int, str, str]:
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        code = 0
        try:
            cli.main(list(words))
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        assert "Traceback" not in said.err + said.out
        return code, said.out, said.err

    with worlds.quiet_logging():
        yield call


@pytest.fixture
def ask(run, database):
    """`activity ask` of the filled cache."""
    return lambda *words: run("ask", *words, DATABASE_URL=databases.url(database))


def test_an_answer_is_a_table_on_stdout(database, tmp_path):
    done = process(
        ["ask", "tokens", "7d", "by", "key"], tmp_path, DATABASE_URL=databases.url(database)
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "Tokens by API key, past 7 days"
    assert lines[3].split()[:2] == ["Tokens", "38.5K"]
    assert lines[4].startswith("Prompt ")
    table = [line.split()[:3] for line in lines[8:13]]
    assert table == [
        ["prod", "22K", "57.1%"],
        ["evals", "8.8K", "22.9%"],
        ["(chatroom)", "6.6K", "17.1%"],
        ["laptop", "1.1K", "2.9%"],
        ["Total", "38.5K", "100.0%"],
    ]


def test_json_is_the_whole_answer_exactly(ask):
    code, out, err = ask("7d", "by", "key", "--json")
    assert (code, err) == (0, "")
    said = json.loads(out)
    jsonschema.validate(said, SCHEMA)
    assert said["query"]["command"] == "/activity 7d by key"
    assert set(said["metrics"]) == {"spend", "tokens", "requests"}
    spend, tokens, requests = (said["metrics"][name] for name in ("spend", "tokens", "requests"))
    assert spend["sum"] == "39"
    assert spend["parts"] == {"credits": "35", "byok": "4"}
    assert {group["label"]: group["sum"] for group in spend["groups"]} == {
        "prod": "20", "evals": "8", "(chatroom)": "6", "laptop": "5",
    }  # fmt: skip
    assert tokens["sum"] == 38_500
    assert tokens["parts"] == {"prompt": 35_000, "completion": 3_500, "reasoning": 1_400}
    assert requests["sum"] == 21
    assert sum(Decimal(g["sum"]) for g in spend["groups"]) == 39
    assert sum(map(sum, (g["buckets"] for g in tokens["groups"]))) == 38_500
    shares = [group["share"] for group in requests["groups"]]
    assert shares == pytest.approx([9 / 21, 6 / 21, 3 / 21, 3 / 21])


def test_json_holds_all_groups_whatever_the_top(ask):
    _, out, _ = ask("tokens", "7d", "by", "key", "top", "1", "--json")
    assert len(json.loads(out)["metrics"]["tokens"]["groups"]) == 4


def test_without_words_it_is_the_overview_of_a_day(ask):
    code, out, _ = ask()
    assert code == 0
    assert out.startswith("Activity, past day\n")
    for metric in ("Spend", "Tokens", "Requests"):
        assert f"\n{metric} " in out


@pytest.mark.parametrize("words", [["help"], ["?"], ["tokens", "help"]])
def test_help_is_an_answer(ask, words):
    code, out, err = ask(*words)
    assert (code, err) == (0, "")
    assert "creator:me" in out


@pytest.mark.parametrize(
    ("words", "problem", "meant"),
    [
        (["tokns"], "I don't recognize “tokns”.", "activity ask tokens 1d"),
        (["spend", "1x"], "I can't read “1x” as a date.", ""),
        (["key:prd"], "No key is called “prd”.", "activity ask 1d key:prod"),
        (["x" * 10_000], "That is 10,000 characters", ""),
        (["tok\udcffns"], "I don't recognize “tokns”.", "activity ask tokens 1d"),
    ],
)
def test_wrong_words_are_wrong_usage(ask, words, problem, meant):
    code, out, err = ask(*words)
    assert (code, out) == (2, "")
    assert err.startswith(problem)
    assert f"Did you mean: {meant}" in err or not meant


def test_a_question_in_plain_english_is_answered_and_says_how_it_was_read(ask):
    code, out, err = ask("how", "many", "tokens", "in", "the", "past", "7", "days", "by", "key?")
    assert code == 0
    assert out.startswith("Tokens by API key, past 7 days")
    assert err.startswith("I read that as `activity ask tokens 7d by key`.")


def test_what_is_left_out_is_in_the_json(ask):
    code, out, _ = ask("spend", "7d", "without", "gpt", "--json")
    said = json.loads(out)
    assert code == 0
    assert said["query"]["command"] == "/activity spend 7d -model:*gpt*"
    assert said["query"]["filters"] == ["-model:*gpt*"]
    assert said["metrics"]["spend"]["sum"] == "27"


@pytest.mark.parametrize("filters", [["-model:*gpt*"], ["-model:*gpt*", "-key:hash"]])
def test_a_filter_with_a_minus_is_no_option(ask, filters):
    code, out, _ = ask("spend", "7d", *filters[:1], "--json")
    assert (code, json.loads(out)["query"]["filters"]) == (0, filters[:1])
    code, _, err = ask("spend", "7d", *filters)
    assert "option" not in err.lower()
    assert code == 0 or f"called “{filters[-1].partition(':')[2]}”" in err


def test_a_date_that_can_be_two_is_answered_with_a_command_for_each(ask):
    code, out, err = ask("10/03/2026")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "Does “10/03/2026” mean 3 October or 10 March 2026?",
        "Did you mean: activity ask 2026-10-03",
        "Did you mean: activity ask 2026-03-10",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("spend by team", "I can't group or filter by team yet; model, key and creator work."),
    ],
)
def test_what_has_no_answer_yet_is_one_sentence(ask, words, said):
    code, out, err = ask(*words.split())
    assert (code, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1


def test_names_with_spaces_may_lose_their_quotes_to_the_shell(ask):
    code, _, err = ask("tokens", "key:Prod key")
    assert (code, err.splitlines()[0]) == (2, "No key is called “Prod key”.")


def test_nobody_is_me_in_a_terminal(ask):
    code, _, err = ask("creator:me")
    assert code == 1
    assert "The terminal doesn't know who you are" in err


def test_a_cache_that_is_not_there_is_said(run, tmp_path):
    code, out, err = run("ask", DATABASE_URL=f"sqlite:///{tmp_path}/none.db")
    assert (code, out) == (1, "")
    assert err == (
        f"There is no database at {tmp_path}/none.db. Run `activity sync` to create it.\n"
    )
    assert not (tmp_path / "none.db").exists()


def test_an_empty_cache_is_said(run, tmp_path):
    path = tmp_path / "empty.db"
    Store(Database(databases.at(path))).close()
    code, out, _ = run("ask", DATABASE_URL=databases.url(path))
    assert code == 0
    assert "No data yet. Run `activity sync` to fetch it." in out


def test_a_file_that_is_no_database_is_said_and_left_alone(run, tmp_path):
    path = tmp_path / "diary.db"
    path.write_text("Dear diary, " * 1_000)
    code, out, err = run("ask", DATABASE_URL=f"sqlite:///{path}")
    assert (code, out) == (1, "")
    assert err.startswith(f"{path} is damaged or not a database")
    assert len(err.splitlines()) == 1
    assert path.read_text() == "Dear diary, " * 1_000


def newer(path):
    Database(path).close()
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
        " VALUES ('activity', 'm999_later', '2027-01-01')"
    )
    connection.commit()
    connection.close()


def foreign(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE customers (name)")
    connection.close()


@pytest.mark.parametrize("command", [["ask"], ["sync"]])
@pytest.mark.parametrize(
    ("make", "words"),
    [(newer, "written by a newer version of Activity"), (foreign, "a database of another program")],
)
def test_a_database_that_is_not_for_this_version_is_refused_in_one_line(
    run, tmp_path, command, make, words
):
    path = tmp_path / "other.db"
    make(path)
    before = path.read_bytes()
    code, out, err = run(
        *command, DATABASE_URL=f"sqlite:///{path}", OPENROUTER_MANAGEMENT_KEY="sk-or-v1-x"
    )
    assert (code, out) == (1, "")
    assert words in err
    assert len(err.splitlines()) == 1
    assert "DATABASE_URL" in err
    assert path.read_bytes() == before


@pytest.mark.sqlite_only("about the file")
def test_a_damaged_database_is_said_in_one_line(run, database):
    whole = bytearray(database.read_bytes())
    for page in range(2, len(whole) // 4_096):
        whole[page * 4_096 : page * 4_096 + 64] = b"\xff" * 64
    database.write_bytes(whole)
    code, out, err = run("ask", "tokens", "7d", DATABASE_URL=databases.url(database))
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "database" in err


def test_what_nobody_thought_of_is_one_line_as_well(run, database, monkeypatch):
    monkeypatch.setattr("bot.analysis.registry.answer", lambda *_, **__: 1 / 0)
    code, _, err = run("ask", DATABASE_URL=databases.url(database))
    assert code == 1
    assert err == "Something went wrong (ZeroDivisionError). Set LOG_LEVEL=DEBUG to see where.\n"


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_it_tells_its_commands(run, flag):
    code, out, err = run(flag)
    assert (code, err) == (0, "")
    for name in ("ask", "demo", "doctor", "run", "sync", "web", "worker"):
        assert f"\n  {name} " in out


@pytest.mark.parametrize("name", ["ask", "demo", "doctor", "run", "sync", "web", "worker"])
def test_every_command_tells_of_itself(run, name):
    code, out, err = run(name, "--help")
    assert (code, err) == (0, "")
    assert f"activity {name}" in out


@pytest.mark.parametrize("words", [["nope"], ["ask", "--nope"], ["run", "now"], ["demo", "--port"]])
def test_wrong_commands_are_wrong_usage(run, words):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert "Error: " in err


def test_two_things_cannot_go_to_stdout(ask):
    code, out, err = ask("--json", "--csv", "-")
    assert (code, out) == (2, "")
    assert "Only one of --json and the files can go to stdout." in err


@pytest.mark.parametrize("command", ["run", "web", "worker", "sync"])
def test_all_that_is_missing_is_said_before_anything_starts(run, tmp_path, command):
    code, out, err = run(command)
    assert (code, out) == (2, "")
    lines = err.splitlines()
    assert lines[0] == "Settings are missing or wrong:"
    missing = {line.split()[0] for line in lines[1:]}
    needed = {
        "run": {"OPENROUTER_MANAGEMENT_KEY", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"},
        "web": {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"},
        "worker": {"OPENROUTER_MANAGEMENT_KEY", "SLACK_BOT_TOKEN"},
        "sync": {"OPENROUTER_MANAGEMENT_KEY"},
    }
    assert missing == needed[command]
    assert list(tmp_path.iterdir()) == []


def test_settings_can_be_read_from_a_file(tmp_path, database):
    (tmp_path / "token").write_text("xoxb-canary\n")
    (tmp_path / ".env").write_text(f"DATABASE_URL={databases.url(database)}\nPORT=none\n")
    done = process(["ask"], tmp_path, SLACK_BOT_TOKEN_FILE=str(tmp_path / "token"))
    assert done.returncode == 2
    assert done.stderr == "Settings are missing or wrong:\nPORT must be a number from 0 to 65535.\n"
    assert process(["ask"], tmp_path, PORT="1").returncode == 0


def test_a_reader_that_goes_away_is_no_failure(tmp_path, database):
    environ = os.environ | {"DATABASE_URL": databases.url(database), "PYTHONPATH": str(ROOT)}
    words = f"{sys.executable} -m bot ask 1m | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", words], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["Activity, past month", "0"]


def test_migrate_creates_the_tables_and_does_nothing_the_second_time(run, tmp_path):
    path = tmp_path / "new.db"
    for _ in range(2):
        code, out, err = run("migrate", DATABASE_URL=f"sqlite:///{path}")
        assert (code, out, err) == (0, "", "The tables are up to date.\n")
    assert path.exists()


@pytest.mark.parametrize("named", [True, False], ids=["with --to", "into DATABASE_URL"])
def test_copy_makes_another_database_that_answers_the_same(run, ask, database, tmp_path, named):
    _, before, _ = ask("tokens", "7d", "by", "key", "--json")
    url = f"sqlite:///{tmp_path / 'copy.db'}"
    words = ["copy", "--from", databases.url(database), *(["--to", url] if named else [])]
    code, out, err = run(*words, DATABASE_URL="sqlite:///elsewhere.db" if named else url)
    assert (code, out) == (0, "")
    assert f"into {tmp_path / 'copy.db'}; both have the same totals." in err
    _, after, _ = run("ask", "tokens", "7d", "by", "key", "--json", DATABASE_URL=url)
    old, new = json.loads(before), json.loads(after)
    assert new["metrics"] == old["metrics"]
    assert old["metrics"]["tokens"]["sum"] > 0
    code, _, err = run(*words)
    assert code == 1
    assert "is not empty" in err


def test_copy_says_which_url_is_wrong_without_showing_it(run):
    code, _, err = run("copy", "--from", "mysql://u:canary@host/a")
    assert code == 2
    assert "--from is not of the form sqlite:///" in err
    assert "canary" not in err


def test_sync_fetches_everything_once(run, openrouter, tmp_path, monkeypatch):
    monkeypatch.setattr("bot.app.make_openrouter", worlds.eager)
    path = tmp_path / "new.db"
    values = {
        "OPENROUTER_MANAGEMENT_KEY": openrouter.key,
        "OPENROUTER_BASE_URL": openrouter.base_url,
        "DATABASE_URL": databases.url(path),
    }
    code, out, _ = run("sync", **values)
    assert (code, out) == (0, "")
    assert databases.on_postgres() or path.stat().st_mode & 0o077 == 0
    _, out, _ = run("ask", "tokens", "7d", "--json", **values)
    assert json.loads(out)["metrics"]["tokens"]["sum"] == 38_500


def test_sync_says_which_key_is_wanted(run, openrouter, tmp_path):
    code, out, err = run(
        "sync",
        OPENROUTER_MANAGEMENT_KEY=openrouter.inference_key,
        OPENROUTER_BASE_URL=openrouter.base_url,
        DATABASE_URL=databases.url(tmp_path / "new.db"),
    )
    assert (code, out) == (1, "")
    assert "a management key is required, not a regular API key" in err
    assert openrouter.inference_key not in err


def test_the_doctor_fails_where_something_is_wrong(run):
    code, out, err = run("doctor")
    assert (code, err) == (1, "")
    assert "FAIL  settings: OPENROUTER_MANAGEMENT_KEY is not set" in out


def test_schedules_and_alerts_go_into_a_file_and_back(run, database, tmp_path):
    url = databases.url(database)
    code, out, err = run("export", str(tmp_path / "kept.json"), DATABASE_URL=url)
    assert (code, out, err) == (0, "", f"Wrote {tmp_path}/kept.json\n")
    assert (tmp_path / "kept.json").stat().st_mode & 0o077 == 0
    code, out, err = run("restore", str(tmp_path / "kept.json"), DATABASE_URL=url)
    assert (code, out) == (0, "")
    assert err == "Added schedules: 0, alerts: 0. Already there: 0.\n"


def test_a_file_that_is_no_export_is_said(run, database, tmp_path):
    other = tmp_path / "other.json"
    other.write_text("{}")
    code, _, err = run("restore", str(other), DATABASE_URL=databases.url(database))
    assert code == 1
    assert (
        err == f"Error: {other}: This file is incomplete, or wasn't written by `activity export`.\n"
    )
