"""Budget alerts on the guardrails of members and keys, from the words to the direct message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.store.usage import details
from tests.bot.alerts.watch import (
    DAY,
    DOLLAR,
    HOUR,
    MINUTE,
    NOON,
    Truth,
    Watch,
    list_keys,
    watching,
)


def guarded(there: Watch, *, byok: bool = False) -> None:
    """Grace has $10 a month and the key prod $20 a day; prod's own limit is $1,000."""
    list_keys(there, created=70 * DAY)
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
    there.store.keep_fact("limits", json.dumps(limits))
    there.store.keep_fact(details.GUARDRAILS, json.dumps(kept))


def turn(there: Watch, truth: Truth) -> None:
    there.clock.now += MINUTE
    there.sync(truth)
    there.tick()


def texts(there: Watch) -> list[str]:
    return [message["text"] for message in there.heard()]


def test_the_guardrails_of_members_and_keys_are_watched_and_named(
    there: Watch, truth: Truth
) -> None:
    guarded(there)
    there.sync(truth, back=40 * DAY)
    there.set_up("alert budget 80%")
    turn(there, truth)
    assert texts(there) == []
    truth.use(NOON - HOUR, 9, "evals")  # of Grace
    truth.use(NOON - HOUR, 19, "prod")
    turn(there, truth)
    turn(there, truth)
    key, member = sorted(texts(there))
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
    there: Watch, truth: Truth
) -> None:
    truth.own_keys.add("evals")
    truth.use(NOON - HOUR, 9, "evals")
    guarded(there)
    there.sync(truth, back=40 * DAY)
    there.set_up("alert budget 80%")
    turn(there, truth)
    assert texts(there) == []
    guarded(there, byok=True)
    turn(there, truth)
    assert "BYOK spend counts too." in texts(there)[0]


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
    there: Watch, truth: Truth, words: str, members: bool, keys: bool
) -> None:
    guarded(there)
    truth.use(NOON - HOUR, 9, "evals")
    truth.use(NOON - HOUR, 19, "prod")
    there.sync(truth, back=40 * DAY)
    there.set_up(f"alert budget 80% {words}")
    turn(there, truth)
    said = "\n".join(texts(there))
    assert ("Interns" in said, "Key cap" in said) == (members, keys)


def test_who_sees_their_own_usage_only_gets_their_own_guardrail(
    tmp_path: Path, truth: Truth
) -> None:
    with watching(tmp_path / "activity.db", NOON, ACTIVITY_VISIBILITY="own") as there:
        guarded(there)
        truth.use(NOON - HOUR, 9, "evals")
        truth.use(NOON - HOUR, 19, "prod")
        there.sync(truth, back=40 * DAY)
        there.set_up("alert budget 80%", user="grace")
        turn(there, truth)
        [message] = there.heard("grace")
        assert "Interns" in message["text"]
        assert "prod" not in json.dumps(message)
