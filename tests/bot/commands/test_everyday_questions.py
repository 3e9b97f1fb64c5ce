"""Ordinary questions, asked by slash command and in the terminal: both give the same answer."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import __main__ as cli
from bot.demo.openrouter.models import SampleModel
from bot.demo.openrouter.organization import Key, Member, Organization, Record
from tests import databases
from tests import world as worlds
from tests.world import DOLLAR, World

OPUS, SONNET = "anthropic/claude-opus-4.5", "anthropic/claude-sonnet-4.5"
GPT, GEMINI = "openai/gpt-5.1", "google/gemini-3-pro"
NEW = "deepseek/deepseek-v3.2"
ANSWERED = {
    "how much did we spend yesterday": "spend yesterday",
    "spend this week vs last week": "spend this week vs last week",
    "who is my top spender": "spend 1d by creator top 1",
    "which models does ada use": "1d by model creator:ada@example.com",
    "how much did grace spend on gpt last month":
        r"spend last month creator:grace@example.com model:\*gpt\*",
    "what did the ci-004 key cost in october": r"spend \d+-10 key:ci-004",
    "total tokens last 7 days": "tokens 7d",
    "how many requests did we make today": "requests today",
    "show me spend by key for november": r"spend \d+-11 by key",
    "most expensive model this month": "spend this month by model top 1",
    "top 5 models by cost last 30 days": "spend 30d by model top 5",
    "spend per day last week": "spend last week",
    "break down prod-006 by model": "1d by model key:prod-006",
    "compare ada and grace":
        "1d by creator creator:ada@example.com creator:grace@example.com",
    "compare october and september": r"\d+-10 vs before",
    "24h": "24h",
    "usage": "1d",
    "overview": "1d",
    "forecast creator:ada": "forecast this month creator:ada",
    "spend creator:ada": "spend 1d creator:ada",
    "Oct 2026": "2026-10",
    "last quarter": r"[0-9-]+\.\.[0-9-]+",
    "since monday": r"[0-9-]+(\.\.[0-9-]+)?( tz \S+)?",
    "3 Oct": r"\d+-10-03",
    "03.11.2026": "2026-11-03",
    "without opus": r"1d -model:\*opus\*",
    "spend opus": r"spend 1d model:\*opus\*",
    "who uses gemini?": r"1d by creator model:\*gemini\*",
    "what's our biggest cost?": "spend 1d by model top 1",
    "new models this month": "new models this month",
    "what is Ada spending on?": "spend 1d by model creator:ada@example.com",
    "will we go over $5000 this month?": r"forecast over \$5000 this month",
    "why is today so expensive?": "why spend today",
    "what is the average price per million tokens?": "price 1m",
    "how much did caching save us?": "cache 1m",
    "what if we moved opus to sonnet?": "whatif opus -> sonnet 1m",
    "which key has no limit?": "keys unlimited",
    "what changed since last week?": "why this week",
}  # fmt: skip
"""Each question, and the command (a pattern) that its answer shows."""
REFUSED = {
    "10/03/2026": "Does “10/03/2026” mean 3 October or 10 March 2026?",
    "which provider is most used": "Usage by provider needs ClickHouse",
    "spend by app last month": "I can't group or filter by app yet",
    "spend by team": "I can't group or filter by team yet",
    "spend > 100": "What is to be over $100",
    "errors today": "The share of failed requests needs ClickHouse",
    "how slow is sonnet": "Latency needs ClickHouse",
    "tokens by end user": "Usage by end user needs ClickHouse",
    "our uptime": "I can't show throughput or uptime",
    "spend 2099": "is in the future",
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """Two people, two keys and five models, used every third day for a year."""
    at = worlds.now().replace(second=0, microsecond=0)
    ada = Member("user_ada", "Ada", "Lovelace", "ada@example.com", "org:admin")
    grace = Member("user_grace", "Grace", "Hopper", "grace@example.com")
    prod, ci = (
        Key("prod-006", creator=ada.id, limit_nano=100 * DOLLAR),
        Key("ci-004", creator=grace.id),
    )

    def used(days: int, key: Key, model: str) -> Record:
        moment = at - timedelta(days=days, minutes=3)
        return Record(moment, key.hash, key.creator or "", model, 2, prompt=1_000, completion=100,
                      credits_nano=DOLLAR, cached=500, saved_nano=DOLLAR // 4)  # fmt: skip

    records = [used(n, key, model) for n in range(0, 360, 3) for key, model in
               ((prod, OPUS), (prod, GEMINI), (ci, GPT), (ci, OPUS), (ci, SONNET))]  # fmt: skip
    records.append(used(0, prod, NEW))
    organization = Organization([ada, grace], [prod, ci], records=records, credits=10**13)
    organization.models = [SampleModel(one, 3_000, 15_000, 300) for one in (OPUS, SONNET, GPT)]
    path = tmp_path_factory.mktemp("everyday") / "activity.db"
    return worlds.filled(organization, path), path


@pytest.fixture
def terminal(
    filled: tuple[Any, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Iterator[Any]:
    """`activity ask` in this process: all that it prints."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("SLACK_", "OPENROUTER_", "ACTIVITY_", "LOG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATABASE_URL", databases.url(filled[1]))

    def call(question: str) -> str:
        with suppress(SystemExit):
            cli.main(["ask", *question.split()])
        said = capsys.readouterr()
        return said.out + said.err

    with worlds.quiet_logging():
        yield call


def commands(payload: dict[str, Any]) -> list[str]:
    """The command that an answer shows, which is the last of its small print."""
    rows = [block for block in payload["blocks"] if block["type"] == "context"]
    shown = (row["elements"][-1].get("text", "") for row in rows)
    return [text.strip("`").removeprefix("/activity ").replace("&gt;", ">") for text in shown]


@pytest.mark.parametrize(("question", "command"), ANSWERED.items())
def test_a_question_is_answered_in_slack(shared: World, question: str, command: str) -> None:
    payload = shared.ask(question)
    assert any(re.fullmatch(command, one) for one in commands(payload)), payload["text"]
    assert "unknown" not in payload["text"].partition("\n")[0]


@pytest.mark.parametrize("question", ANSWERED)
def test_it_is_answered_in_the_terminal_too(terminal: Any, question: str) -> None:
    said = terminal(question)
    assert "Data as of" in said, said
    assert "Did you mean" not in said


@pytest.mark.parametrize(("question", "reason"), REFUSED.items())
def test_what_has_no_answer_is_refused_with_the_reason(
    shared: World, terminal: Any, question: str, reason: str
) -> None:
    assert reason in shared.words(question)
    assert reason in terminal(question)


def test_a_document_is_answered_and_sent(shared: World) -> None:
    before = len(shared.slack.responses)
    shared.send("pdf of october by creator")
    # the answer, and where the file is
    texts = shared.slack.wait_for(
        lambda: [one["payload"]["text"] for one in shared.slack.responses[before:]][1:]
    )
    assert ".pdf" in texts[-1]


@pytest.mark.parametrize("question", ["how much is left", "balance"])
def test_the_balance_is_answered(shared: World, question: str) -> None:
    assert "$" in shared.words(question)


def test_ones_own_month_has_the_limits_of_ones_own_keys_and_the_month_before(
    shared: World,
) -> None:
    payload = shared.ask("me", user="ada")
    assert "only creator:me" in payload["text"]
    assert ", before $" in payload["text"]
    everything = json.dumps(payload["blocks"])
    assert "prod-006" in everything
    assert "ci-004" not in everything
