"""The newer kinds of alerts through the real app, on what a sync of OpenRouter stored."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.openrouter.guardrails import SampleGuardrail
from bot.demo.openrouter.models import SampleModel
from bot.demo.openrouter.server import LocalOpenRouter
from bot.demo.slack import validate
from tests import world as worlds
from tests.bot.alerts.test_commands_and_buttons import inbox, tick
from tests.world import DOLLAR, World, say


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalOpenRouter, Path]:
    """The small organization with a guardrail, a model that ends, and a key of who left."""
    organization = worlds.small()
    home = organization.default_workspace
    prod, _, laptop = organization.keys
    laptop.creator = "user_left"
    organization.guardrails = [
        SampleGuardrail("Key cap", home, 8 * DOLLAR, "monthly", keys=[prod.hash]),
    ]
    organization.models = [
        SampleModel("anthropic/claude-opus-4.5", 5_000, 25_000),
        SampleModel(
            "openai/gpt-5.1", 1_000, 5_000, ends=worlds.now().date() + timedelta(days=6)
        ),
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("kinds") / "activity.db"
    return worlds.filled(organization, path), path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("alert key orphaned", "OpenRouter key of someone who left still spends: laptop"),
        ("tell me if someone who left still spends", "key of someone who left still spends"),
        ("alert retiring", "OpenRouter model retires in 6 days: openai/gpt-5.1"),
        ("warn me before a model I use is retired", "OpenRouter model retires in 6 days"),
        ("alert budget 80%", "used: prod (guardrail Key cap)"),
    ],
)
def test_an_alert_is_set_up_and_sent(administered: World, words: str, expected: str) -> None:
    said = say(administered, words)
    assert "*Alert set:*" in said
    assert "right away" in said or "retiring" in said
    tick(administered)
    [message] = inbox(administered)
    assert validate(message["blocks"]) == []
    assert expected in message["text"]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("alert key unused 60d", "alert key unused 60d"),
        ("let me know when a key hasn't been used for 2 months", "alert key unused 60d"),
        ("alert cache < 50% by key", "alert cache &lt; 50% by key"),
        ("warn me if caching drops below 40%", "alert cache &lt; 40%"),
    ],
)
def test_an_alert_waits_for_its_reason_and_is_listed(
    administered: World, words: str, shown: str
) -> None:
    assert f"*Alert set:* `{shown}`" in say(administered, words)
    tick(administered)
    assert inbox(administered) == []
    assert f"`{shown}`" in say(administered, "alerts")


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [("unused", {"form_limit_unused"}), ("cache", {"form_limit_cache"}), ("retiring", set()),
     ("orphaned", set())],
)  # fmt: skip
def test_the_form_has_the_fields_of_the_kind(
    administered: World, kind: str, inputs: set[str]
) -> None:
    limit = {"unused": "45d", "cache": "60%"}.get(kind, "")
    words = {"unused": "key unused 30d", "cache": "cache < 50%", "orphaned": "key orphaned"}
    say(administered, f"alert {words.get(kind, kind)}")
    say(administered, "alerts")
    listed = administered.slack.ephemerals("ada", "general")[-1]
    administered.bot_client.click("ada", "general", listed["ts"], "alert_edit")
    [view] = administered.slack.wait_for(lambda: administered.slack.views("ada"))
    fields = {block["block_id"] for block in view["blocks"]}
    assert {one for one in fields if one.startswith("form_limit")} == inputs
    if limit:
        administered.bot_client.submit("ada", view["id"], {f"form_limit_{kind}": limit})
        worlds.wait_until(lambda: limit in say(administered, "alerts"))
