"""Questions for ClickHouse by every door: Slack, the terminal, files and reports."""

import csv
import io
import json
import re
import socket
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

import pytest

from bot.__main__ import cli
from bot.analysis import live
from bot.demo.slack import LocalSlack
from bot.schedules.content import ReportBuilder
from bot.slack.scopes import SCOPES
from reports.questions.follow_up import FollowUpAction
from tests import world as worlds
from tests.bot.clickhouse.test_responses import COLUMNS, Server, begins, says
from tests.clickhouse_server import ClickHouseServer, needs_engine
from tests.traces import traces_of, with_quality

pytestmark = needs_engine


@pytest.fixture(scope="module")
def engine():
    with ClickHouseServer() as started:
        yield started


@pytest.fixture(scope="module")
def organization():
    return worlds.small()


@pytest.fixture(scope="module")
def filled(engine, organization, tmp_path_factory):
    """OpenRouter, and a database with its usage; the same requests are in ClickHouse."""
    folder = tmp_path_factory.mktemp("doors")
    engine.insert(with_quality(traces_of(organization), failing=0.4), folder)
    path = folder / "activity.db"
    return worlds.filled(organization, path), path


@contextmanager
def bot(filled, url, **more):
    openrouter, path = filled
    with (
        LocalSlack(scopes=SCOPES, rate_limits=False, file_delay=timedelta(0)) as slack,
        worlds.running(openrouter, slack, path, CLICKHOUSE_URL=url, **more) as world,
    ):
        yield world


@pytest.fixture(scope="module")
def world(filled, engine):
    with bot(filled, engine.url) as found:
        yield found


ANSWERS = {
    "spend 1w by provider": ("Spend by provider, past week", "Anthropic"),
    "tokens 1w by user": ("Tokens by end user, past week", "customer-1"),
    "latency 1w by model": ("Latency by model, past week", "p95"),
    "errors 1w by provider": ("Failed requests by provider, past week", "of requests failed"),
    "how slow is opus": ("Latency, past day", "p50 is "),
    "which provider fails most": ("Failed requests by provider, past day", "of requests failed"),
    "spend 1w by provider vs before": ("Spend by provider, past week", "vs the week before"),
    "tokens 1w by user vs last week": ("Tokens by end user, past week", "vs a week earlier"),
    "latency 1w by model vs before": ("Change of p95", "vs the week before"),
    "errors 1w vs before": ("Failed requests, past week", "vs the week before"),
    "how slow was opus last week compared to the week before": (
        "Latency, last week",
        "the week before",
    ),
}


@pytest.mark.parametrize(("asked", "expected"), ANSWERS.items())
def test_the_command_answers(world, asked, expected):
    answered = world.ask(asked)
    shown = json.dumps(answered, ensure_ascii=False)
    assert all(words in shown for words in expected), shown
    assert "not in ClickHouse" not in shown


def test_by_user_says_whom_it_means(world):
    shown = json.dumps(world.ask("tokens 1w by user"))
    assert "These are the end users that requests name" in shown
    assert "These are" not in json.dumps(world.ask("tokens 1w by end-user"))


def test_by_user_stays_creators_where_it_means_nothing_else(world):
    assert "Price by creator" in json.dumps(world.ask("price 1m by user"))
    assert "Spend by creator" in json.dumps(world.ask("spend 1w by member"))


def test_a_menu_changes_the_answer_and_offers_what_fits(world):
    answered = world.ask("spend 1w by provider")
    shown = json.dumps(answered)
    assert "By end user" in shown
    assert "Compare with" in shown
    assert '"Why?"' not in shown
    assert "Alert me" not in shown
    assert "By end user" not in json.dumps(world.ask("spend 1w by model"))


def test_hostile_names_are_shown_as_text(world):
    shown = json.dumps(world.ask("tokens 1w by user"), ensure_ascii=False)
    assert "DROP TABLE" in shown
    assert "<b>" not in shown.replace("\\u003c", "<") or "&lt;b&gt;" in shown


def test_a_fragment_compares_the_answer_before_it_in_a_direct_message_and_a_thread(world):
    slack, client = world.slack, world.bot_client
    own = slack.im("ada").id

    def said(channel, send):
        before = len(slack.messages(channel))
        assert send().status == 200
        found = slack.wait_for(
            lambda: [one for one in slack.messages(channel)[before:] if one.get("blocks")]
        )
        return found[-1]

    said(own, lambda: client.message("ada", "latency 1w by model"))
    compared = said(own, lambda: client.message("ada", "vs before"))
    assert "latency 1w by model vs before" in json.dumps(compared)
    asked = said(
        slack.channel("general").id,
        lambda: client.mention("ada", "general", "spend 1w by provider"),
    )
    thread = asked.get("thread_ts", asked["ts"])
    compared = said(
        slack.channel("general").id,
        lambda: client.mention("ada", "general", "vs last week", thread=thread),
    )
    shown = json.dumps(compared)
    assert "spend 1w by provider vs last week" in shown
    assert "vs a week earlier" in shown


@pytest.mark.parametrize("words", ["spend 1w by provider", "latency 1w", "errors 1w by key"])
def test_an_answer_can_be_compared_from_its_menu(world, words):
    world.ask(words)
    message = world.slack.ephemerals("ada", "general")[-1]
    before = len(world.slack.responses)
    place = message["channel"], message["ts"]
    ack = world.bot_client.click("ada", *place, FollowUpAction.VERSUS, "before")
    assert (ack.status, ack.body) == (200, "")
    compared = world.slack.wait_for(lambda: world.slack.responses[before:])[-1]["payload"]
    assert f"{words} vs before" in json.dumps(compared)
    assert "the week before" in json.dumps(compared)


@pytest.mark.parametrize(
    "words",
    [
        "spend 1w by provider",
        "latency 1w by key",
        "errors 1w by key",
        "spend 1w by user vs last week",
        "errors 1w by key vs before",
    ],
)
@pytest.mark.parametrize("kind", ["csv", "pdf"])
def test_files_are_made_in_their_own_process_too(world, words, kind):
    before = len(world.slack.files)
    world.ask(f"{words} {kind}")
    file = world.slack.wait_for(lambda: world.slack.files[before:])[0]
    assert file.name.endswith(f".{kind}")
    assert file.name.startswith(f"openrouter-{words.split()[0]}-by-")
    assert (file.data or b"").startswith(b"%PDF") if kind == "pdf" else file.data.count(b"\n") > 1


def test_limited_visibility_shows_only_the_requests_of_ones_own_keys(filled, engine):
    with bot(filled, engine.url, ACTIVITY_VISIBILITY="own") as world:
        shown = json.dumps(world.ask("errors 1w by key", user="grace"), ensure_ascii=False)
        assert "evals" in shown
        assert "prod" not in shown
        assert "laptop" not in shown


@pytest.fixture
def terminal(filled, engine, monkeypatch, tmp_path):
    openrouter, path = filled
    with worlds.quiet_logging():
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("DATABASE_URL", worlds.databases.url(path))
        monkeypatch.setenv("CLICKHOUSE_URL", engine.url)
        monkeypatch.setenv("OPENROUTER_MANAGEMENT_KEY", openrouter.key)
        yield lambda *words: cli.main(["ask", *words], standalone_mode=False)


def test_the_terminal_prints_json_of_all_groups(terminal, capsys):
    terminal("spend 1w by provider", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["query"]["by"] == "provider"
    spend = found["metrics"]["spend"]
    assert spend["sum"] == "39"
    assert {"min", "max", "avg", "sum", "share", "buckets"} <= spend["groups"][0].keys()
    terminal("latency 1w by provider", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["p95_ms"] >= found["p50_ms"] > 0
    assert {"label", "p50_ms", "p95_ms", "requests", "failed"} <= found["groups"][0].keys()
    terminal("errors 1w by provider", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["share"] == found["failed"] / found["requests"]


def test_the_terminal_compares_in_json_and_files(terminal, capsys):
    terminal("spend 1w by provider vs before", "--json")
    spend = json.loads(capsys.readouterr().out)["metrics"]["spend"]
    assert {"previous", "change"} <= spend.keys() & spend["groups"][0].keys()
    terminal("spend 1w by provider vs before", "--csv", "-")
    read = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert read[0][-3:] == ["Previous Credits", "Previous BYOK", "Previous Spend"]
    terminal("latency 1w by model vs before", "--json")
    found = json.loads(capsys.readouterr().out)
    assert {"before", "previous", "change"} <= found.keys()
    terminal("latency 1w by model vs before", "--csv", "-")
    read = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert read[0][5:7] == ["Previous p50 (ms)", "Previous p95 (ms)"]


def test_the_terminal_writes_files_and_text(terminal, capsys, tmp_path):
    terminal("spend 1w by end user", "--csv", "-")
    read = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert read[0] == ["Date", "End User", "Slug", "Credits", "BYOK", "Spend"]
    assert len(read) > 3
    for words in ("spend 1w by provider", "latency 1w by model", "errors 1w vs before"):
        terminal(words, "--png", "chart.png", "--pdf", "answer.pdf")
        assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / "answer.pdf").read_bytes().startswith(b"%PDF")
    terminal("latency 1w by provider")
    assert "p95" in capsys.readouterr().out


def test_the_terminal_says_in_one_line_what_is_wrong(terminal, monkeypatch, capsys):
    monkeypatch.setenv("CLICKHOUSE_URL", "http://activity:x@127.0.0.1:9/traces")
    for words in ("latency 1d", "spend 1w by provider"):
        with pytest.raises(Exception, match="ClickHouse can't be reached right now"):
            terminal(words)
    assert capsys.readouterr().out == ""


PLACE = b'{"r_key":"prod","r_owner":"","r_model":"a/x","r_requests":1}\n'
FAILURES = {
    "a web page": ([says(b"<html>\nSign in\n")], live.REFUSED),
    "a wrong password": (
        [says(b"Code: 516. DB::Exception: ada: canary is wrong: Authentication failed", 403, 516)],
        live.REFUSED,
    ),
    "too much work": ([says(b"Code: 159. DB::Exception: Timeout exceeded", 500, 159)], live.SLOW),
    "another query fails": (
        [says(b"Code: 999. DB::Exception: canary, ada", 500, 999)],
        live.AWAY,
    ),
    "an end in the middle of a row": ([begins(PLACE[:20])], live.AWAY),
    "an end in the middle of the second query": ([says(PLACE), begins(b'{"r_kind"')], live.AWAY),
    "an end in the middle of the period before": (
        [says(PLACE), says(PLACE), says(b""), begins(b'{"r_kind"')],
        live.AWAY,
    ),
    "an error after the first rows": (
        [says(PLACE + b"Code: 241. DB::Exception: Memory limit exceeded")],
        live.SLOW,
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_server_that_fails_is_one_sentence_without_the_password(
    terminal, monkeypatch, capfd, failure
):
    responses, sentence = FAILURES[failure]
    server = Server()
    server.responses = [says(COLUMNS + b'{"name":"STATUS","type":"String"}\n'), *responses]
    monkeypatch.setenv("CLICKHOUSE_URL", server.url)
    with pytest.raises(Exception, match=sentence.partition("`")[0]) as failed:
        terminal("errors 1w vs before")
    server.stop()
    said = capfd.readouterr()
    assert said.out == ""
    assert "A question could not be answered from ClickHouse: " in said.err
    assert "canary" not in f"{failed.value}{said.err}"


@contextmanager
def silent_server():
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://activity:secret-canary@127.0.0.1:{listening.getsockname()[1]}/traces"


def test_while_clickhouse_is_slow_everything_else_answers_at_once(filled, caplog, monkeypatch):
    monkeypatch.setattr("bot.clickhouse.LIVE", live_limits(4))
    with silent_server() as url, bot(filled, url) as world:
        begun = monotonic()
        for number in range(live.AT_ONCE):
            ack = world.send(f"latency {number + 1}d", user=("ada", "grace")[number % 2])
            assert (ack.status, ack.error) == (200, None)
        assert monotonic() - begun < 3
        begun = monotonic()
        assert "Spend" in json.dumps(world.ask("spend 1d by model", user="katherine"))
        assert monotonic() - begun < 3
        said = world.slack.wait_for(
            lambda: [one for one in world.slack.responses if "ClickHouse" in str(one["payload"])]
        )
        assert live.AWAY in str(said[0]["payload"])
    assert "canary" not in caplog.text


def live_limits(seconds):
    from bot.clickhouse.client import TimeLimits  # noqa: PLC0415 - only here

    return TimeLimits(seconds, seconds + 2, 1)


SCHEDULED = {
    "errors by provider": "of requests failed",
    "spend by provider": r"(from( \$0)?|the same as) the day before",  # which depends on the day
}


@pytest.mark.parametrize(("words", "expected"), SCHEDULED.items())
def test_a_report_can_be_scheduled_and_previewed(world, words, expected):
    said = world.ask(f"schedule daily 8:30 {words} to me", user="grace")
    assert words.split()[0] in json.dumps(said)
    reports = world.bot.reports
    builder = ReportBuilder(reports.services, reports.runs, reports.posting)
    [entry] = [
        one for one in reports.schedules.of(None) if one.draft.question.startswith(words[:5])
    ]
    content = builder.preview(entry, entry.draft.owner, worlds.now())
    assert re.search(expected, content.payload)
    assert content.spend is None
