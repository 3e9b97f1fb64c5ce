"""Budget alerts on the guardrails of members and keys, from the words to the direct message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.analysis.registry import analyze
from bot.answers.visibility import Asker
from bot.store.usage import openrouter_facts
from reports.analysis.document import AnalysisDocument
from reports.questions.query import Query, QueryKind
from tests.bot.alerts.alert_bot import (
    DAY,
    DOLLAR,
    HOUR,
    MINUTE,
    NOON,
    AlertBot,
    Truth,
    list_keys,
    running_bot,
)


def guarded(bot: AlertBot, *, byok: bool = False) -> None:
    """Grace has $10 a month and the key prod $20 a day; prod's own limit is $1,000."""
    list_keys(bot, created=70 * DAY)
    limits = {
        "at": NOON.isoformat(),
        "keys": {
            "hash_prod": {
                "limit": 1_000 * DOLLAR, "remaining": 900 * DOLLAR, "reset": "monthly",
                "byok": False,
            }
        },
        "default": "w",
        "workspaces": [
            {"id": "w", "name": "Default", "slug": "default", "keys": ["hash_prod"], "byok": False,
             "budgets": []}
        ],
    }  # fmt: skip
    common = {"workspace": "w", "byok": byok}
    found = [
        {**common, "id": "g1", "name": "Interns", "limit": 10 * DOLLAR, "reset": "monthly",
         "members": ["user_grace"], "keys": []},
        {**common, "id": "g2", "name": "Key cap", "limit": 20 * DOLLAR, "reset": "daily",
         "members": [], "keys": ["hash_prod"]},
    ]  # fmt: skip
    kept = {"at": NOON.isoformat(), "guardrails": found}
    bot.store.keep_fact("limits", json.dumps(limits))
    bot.store.keep_fact(openrouter_facts.GUARDRAILS, json.dumps(kept))


def turn(bot: AlertBot, truth: Truth) -> None:
    bot.clock.now += MINUTE
    bot.sync(truth)
    bot.tick()


def texts(bot: AlertBot) -> list[str]:
    return [message["text"] for message in bot.direct_messages()]


def test_the_guardrails_of_members_and_keys_are_watched_and_named(
    bot: AlertBot, truth: Truth
) -> None:
    guarded(bot)
    bot.sync(truth, back=40 * DAY)
    bot.set_up("alert budget 80%")
    turn(bot, truth)
    assert texts(bot) == []
    truth.use(NOON - HOUR, 9, "evals")  # of Grace
    truth.use(NOON - HOUR, 19, "prod")
    turn(bot, truth)
    turn(bot, truth)
    key, member = sorted(texts(bot))
    assert "OpenRouter key guardrail more than 80% used: prod (guardrail Key cap)" in key
    assert "95% used: $19.00 of $20.00, $1.00 left" in key
    assert "Daily budget that a guardrail gives this API key" in key
    assert "OpenRouter member guardrail more than 80% used: Grace Hopper (guardrail" in member
    assert "90% used: $9.00 of $10.00, $1.00 left" in member
    assert (
        "Monthly budget that a guardrail gives this member, set at OpenRouter."
        " BYOK spend doesn't count."
    ) in member


def test_byok_counts_toward_a_guardrail_only_where_openrouter_counts_it(
    bot: AlertBot, truth: Truth
) -> None:
    truth.own_keys.add("evals")
    truth.use(NOON - HOUR, 9, "evals")
    guarded(bot)
    bot.sync(truth, back=40 * DAY)
    bot.set_up("alert budget 80%")
    turn(bot, truth)
    assert texts(bot) == []
    guarded(bot, byok=True)
    turn(bot, truth)
    assert "BYOK spend counts too." in texts(bot)[0]


@pytest.mark.parametrize(
    ("words", "members", "keys"),
    [
        ("", True, True),
        ("by key", False, True),
        ("by creator", True, False),
        ("creator:grace@example.com", True, False),
        ("creator:ada@example.com", False, True),
        ("key:prod", False, True),
    ],
)
def test_a_rule_watches_the_guardrails_that_it_means(
    bot: AlertBot, truth: Truth, words: str, members: bool, keys: bool
) -> None:
    guarded(bot)
    truth.use(NOON - HOUR, 9, "evals")
    truth.use(NOON - HOUR, 19, "prod")
    bot.sync(truth, back=40 * DAY)
    bot.set_up(f"alert budget 80% {words}")
    turn(bot, truth)
    said = "\n".join(texts(bot))
    assert ("Interns" in said, "Key cap" in said) == (members, keys)


def test_who_sees_their_own_usage_only_gets_their_own_guardrail(
    tmp_path: Path, truth: Truth
) -> None:
    with running_bot(tmp_path / "activity.db", NOON, ACTIVITY_VISIBILITY="own") as bot:
        guarded(bot)
        truth.use(NOON - HOUR, 9, "evals")
        truth.use(NOON - HOUR, 19, "prod")
        bot.sync(truth, back=40 * DAY)
        bot.set_up("alert budget 80%", user="grace")
        turn(bot, truth)
        [message] = bot.direct_messages("grace")
        assert "Interns" in message["text"]
        assert "prod" not in json.dumps(message)


@pytest.mark.parametrize("own_only", [False, True])
def test_an_alert_says_the_same_about_when_a_limit_is_full_as_the_answer_limits(
    tmp_path: Path, truth: Truth, own_only: bool
) -> None:
    settings = {"ACTIVITY_VISIBILITY": "own"} if own_only else {}
    with running_bot(tmp_path / "activity.db", NOON, **settings) as bot:
        for day in range(1, 29):  # every day $4 before noon and $14 at 18:00
            truth.use(NOON - day * DAY - 5 * MINUTE, 4, "prod")
            truth.use(NOON - day * DAY + 6 * HOUR, 14, "prod")
            if day % 7:  # others rest on this day of the week: their share of it is less
                truth.use(NOON - day * DAY - 6 * HOUR, 20, "evals")
        truth.use(NOON - 4 * HOUR, 14, "prod")
        guarded(bot)
        bot.sync(truth, back=40 * DAY)
        bot.set_up("alert budget 80%")
        truth.use(NOON - 5 * MINUTE, 3, "prod")
        turn(bot, truth)
        [alerted] = [one for one in texts(bot) if "prod (guardrail Key cap)" in one]
        asker = Asker("ada@example.com", own_only=own_only)
        query = Query(kind=QueryKind.LIMITS)
        answer = analyze(bot.store, query, bot.clock(), "Europe/Berlin", asker)
        assert isinstance(answer, AnalysisDocument)
        [full] = [row[2] for row in answer.rows if row[0].startswith("Key cap for prod")]
        assert f"At the usual pace, it is full about {full}, Berlin time." in alerted
        assert "now" not in full
