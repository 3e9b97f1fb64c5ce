"""The balance, budgets and one's own month, asked in Slack and in the terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot import __main__ as cli
from bot import app
from bot.analysis.balance import balance
from bot.analysis.registry import analyze
from bot.config import load
from reports.analysis.document import AnalysisDocument
from reports.questions.query import Query, QueryKind
from reports.questions.slack.balance import balance_json
from reports.usage.format import money
from tests import databases
from tests import world as worlds
from tests.world import DOLLAR, World


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """The small organization with limits on two keys, and a cache synced from it."""
    organization = worlds.small()
    prod, evals, _ = organization.keys
    prod.limit_nano = 40 * DOLLAR
    evals.limit_nano = 10 * DOLLAR
    organization.credits = 36 * DOLLAR
    path = tmp_path_factory.mktemp("limited") / "activity.db"
    return worlds.filled(organization, path), path


@pytest.fixture
def limits(limited: tuple[Any, Path]) -> Iterator[World]:
    openrouter, path = limited
    with worlds.administered(openrouter, path) as world:
        yield world


@pytest.fixture
def own_limits(limited: tuple[Any, Path]) -> Iterator[World]:
    openrouter, path = limited
    with worlds.administered(openrouter, path, ACTIVITY_VISIBILITY="own") as world:
        yield world


@pytest.mark.parametrize("words", ["balance", "credits", "credits left"])
def test_the_balance_says_what_is_left_and_how_long_it_lasts(limits: World, words: str) -> None:
    text = limits.words(words)
    assert f"Credits: {money(DOLLAR)} left" in text
    assert re.search(r"At the usual pace, this lasts [a-z0-9 ]+, until about", text)
    assert "hour" in text
    assert "Times are in " in text


def test_credits_with_a_period_is_spend_from_credits(limits: World) -> None:
    assert "Credits: " not in limits.words("credits 1d")


def test_budgets_are_listed_the_fullest_first(limits: World) -> None:
    lines = limits.words("budget").splitlines()
    assert lines[0].startswith(f"• evals: {money(8 * DOLLAR)} of {money(10 * DOLLAR)} (80")
    assert lines[1].startswith("• prod: ")
    assert lines[1].endswith("never resets")


def test_my_month_is_mine_with_the_limits_of_my_keys(limits: World) -> None:
    payload = limits.ask("me", user="grace")
    assert payload["text"].startswith("Spend by model, this month")
    assert "creator:me" in str(payload["blocks"])
    shown = str(payload["blocks"])
    assert "Your limits" in shown
    assert "Your usual" in shown
    assert "Fewer than three earlier months" in shown
    assert "evals" in shown
    assert "prod" not in shown
    kinds = [block["type"] for block in payload["blocks"]]
    assert kinds[-1] == "actions"


def test_with_own_visibility_the_balance_is_for_admins(own_limits: World) -> None:
    for words in ("balance", "credits left"):
        assert "$" not in own_limits.words(words, user="grace")
        assert "Credits: " in own_limits.words(words, user="katherine")


def test_with_own_visibility_only_ones_own_limits_are_shown(own_limits: World) -> None:
    assert "prod" not in own_limits.words("budget", user="grace")
    assert "evals" in own_limits.words("budget", user="grace")
    assert "evals" not in str(own_limits.ask("me", user="ada"))
    assert "prod" in own_limits.words("budget", user="katherine")


def terminal(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[int, str, str]:
    monkeypatch.setenv("DATABASE_URL", databases.url(path))
    code = 0
    with worlds.quiet_logging():
        try:
            cli.main(["ask", *words])
        except SystemExit as ended:
            code = int(ended.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_terminal_answers_the_balance_and_budgets(
    limited: tuple[Any, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = limited[1]
    code, out, _ = terminal(path, capsys, monkeypatch, "balance")
    assert code == 0
    assert out.startswith(f"Credits: {money(DOLLAR)} left")
    code, out, _ = terminal(path, capsys, monkeypatch, "credits", "left", "--json")
    said = json.loads(out)
    assert (code, said["left"], said["bought"]) == (0, "1", "36")
    assert said["query"]["command"] == "/activity balance"
    assert 25 < float(said["pace"]["spend"]) <= 35  # without the hour that is still running
    assert 0 <= said["lasts"]["hours"] < 48
    assert said["full"]["from"] <= said["full"]["at"] == said["lasts"]["until"]
    code, out, _ = terminal(path, capsys, monkeypatch, "budget", "--json")
    [first, second] = json.loads(out)["budgets"]
    assert (first["label"], first["limit"], first["spent"]) == ("evals", "10", "8")
    assert (second["label"], second["resets"]) == ("prod", None)


@pytest.mark.parametrize(
    "words",
    [
        ["balance", "--csv", "-"], ["budget", "--csv", "-"], ["budget", "--pdf", "x.pdf"],
        ["balance", "pdf"], ["balance", "by", "key"], ["budget", "tz", "Mars/Olympus"],
    ],
)  # fmt: skip
def test_what_the_balance_and_the_budgets_do_not_take_is_one_sentence_in_the_terminal(
    limited: tuple[Any, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
) -> None:
    code, out, err = terminal(limited[1], capsys, monkeypatch, *words)
    assert (code, out, len(err.splitlines())) == (1, "", 1)


def test_the_balance_is_in_the_zone_that_was_asked_for(
    limits: World,
    limited: tuple[Any, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "Times are in Asia/Kathmandu." in limits.words("balance tz Asia/Kathmandu")
    _, out, _ = terminal(limited[1], capsys, monkeypatch, "balance", "tz", "Asia/Kathmandu")
    assert "Times are in Asia/Kathmandu." in out
    words = ["balance", "this", "year", "tz", "Asia/Kathmandu", "--json"]
    said = json.loads(terminal(limited[1], capsys, monkeypatch, *words)[1])
    assert said["query"]["command"] == "/activity balance this year tz Asia/Kathmandu"


def test_the_terminal_says_how_words_were_read_as_slack_does(
    limited: tuple[Any, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["budget", "for", "marketing"]
    code, out, err = terminal(limited[1], capsys, monkeypatch, *words)
    assert (code, out[:1]) == (0, "•")
    assert "I read that as `activity ask budget`." in err
    assert "I didn't look for “for marketing”." in err


def test_credits_run_out_at_one_time_for_the_balance_and_for_limits(
    limited: tuple[Any, Path],
) -> None:
    store, now = app.open_store(load({"DATABASE_URL": databases.url(limited[1])})), worlds.now()
    try:
        found = analyze(store, Query(kind=QueryKind.LIMITS), now, "UTC")
        said = balance_json(balance(store, now), "/activity", None)
    finally:
        store.close()
    assert isinstance(found, AnalysisDocument)
    [wall] = [one for one in found.data()["walls"] if one["kind"] == "credits"]
    assert wall["full"]["at"]
    assert (said["full"], said["left"]) == (wall["full"], wall["remaining"])


def test_the_terminal_does_not_know_who_me_is(
    limited: tuple[Any, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for words in (["me"], ["limits", "me"], ["keys", "me"], ["my", "spend", "this", "month"]):
        code, out, err = terminal(limited[1], capsys, monkeypatch, *words)
        assert (code, out) == (1, "")
        assert "--as ada@example.com" in err


def test_the_terminal_answers_for_whoever_it_is_told_asks(
    limited: tuple[Any, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ask(*words: str) -> tuple[int, str, str]:
        return terminal(limited[1], capsys, monkeypatch, *words, "--as", "grace@example.com")

    code, out, _ = ask("me")
    assert (code, out.splitlines()[0]) == (0, "Spend by model, this month")
    assert "Fewer than three earlier months" in out
    assert "evals: $8.00 of $10.00" in out
    assert "prod" not in out
    said = json.loads(ask("me", "--json")[1])
    assert (said["usual"], [one["label"] for one in said["budgets"]]) == (None, ["evals"])
    found = json.loads(ask("limits", "me", "--json")[1])
    assert [one["label"] for one in found["walls"]] == ["evals"]
    found = json.loads(ask("keys", "me", "--json")[1])
    assert [one["label"] for one in found["keys"]] == ["evals"]
    assert ask("me", "--csv", "-")[1].startswith("Date,Slug,")
    code, _, err = terminal(limited[1], capsys, monkeypatch, "me", "--as", "nobody@example.com")
    assert code != 0
    assert "Nobody in the OpenRouter organization has the address nobody@example.com" in err
