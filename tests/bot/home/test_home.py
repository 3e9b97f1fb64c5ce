"""The Home over the real app: who opens it gets what they may see, made anew each time."""

from __future__ import annotations

from typing import Any

import pytest

from bot.access.policy import FOREIGN
from bot.demo.slack import Forge
from tests import world as worlds
from tests.world import World


def published(world: World) -> int:
    return sum(call.method == "views.publish" for call in world.slack.calls)


def opened(world: World, user: str = "ada") -> dict[str, Any]:
    """The Home that somebody gets who opens it."""
    before = published(world)
    ack = world.bot_client.home_opened(user)
    assert (ack.status, ack.body) == (200, "")
    world.slack.wait_for(lambda: published(world) > before)
    view = world.slack.home(user)
    assert view is not None
    return view


def words(view: dict[str, Any]) -> str:
    """All that a Home says."""
    found = []
    for block in view["blocks"]:
        parts = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        found += [str(part.get("text", "")) for part in parts if part]
    return "\n".join(found)


def test_it_shows_what_was_used_and_by_whom(administered):
    said = words(opened(administered))
    assert "Past day\n*$28.00*" in said
    assert "Past month\n*$39.00*" in said
    assert "1. Ada Lovelace  $26.00 (66.7%)" in said
    assert "1. anthropic/claude-opus-4.5  $27.00" in said
    assert "*$965.00* left" in said


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ("bot.home.home.answer", "the usage"),
        ("bot.home.home.balance", "the balance"),
        ("reports.home.slack.home.schedules.card_blocks", "your schedules"),
        ("bot.alerts.manage.AlertManager.cards_of", "your alerts"),
        ("bot.home.home.status.status", "the status"),
    ],
)
def test_a_section_that_fails_leaves_the_others(administered, monkeypatch, broken, what):
    def fail(*_: object, **__: object) -> None:
        raise KeyError("broken")

    administered.words("schedule weekly spend by creator to me", "katherine")
    monkeypatch.setattr(broken, fail)
    said = words(opened(administered, "katherine"))
    assert f"I couldn't load {what}. Open this tab again in a minute." in said
    for section, sign in (
        ("the usage", "Past month\n*$39.00*"),
        ("the balance", "*$965.00* left"),
        ("your schedules", "spend last week by creator"),
        ("your alerts", "My alerts"),
        ("the status", "Activity 0."),
    ):
        assert (sign in said) == (section != what)


def test_it_is_made_anew_each_time_it_is_opened(administered):
    assert "None yet. A schedule" in words(opened(administered))
    administered.words("schedule weekly spend by creator to me")
    administered.words("alert spend > $50 per day by creator")
    said = words(opened(administered))
    assert "My schedules (1)" in said
    assert "spend last week by creator" in said
    assert "spend &gt; $50 per day by creator" in said
    assert "My schedules (1)" not in words(opened(administered, "grace"))


def test_the_home_shows_the_status_to_admins_only(administered, openrouter, database):
    worlds.fill(openrouter, database)  # the one that all tests share may be old by now
    assert "The data is up to date." in words(opened(administered, "katherine"))
    said = words(opened(administered))
    assert "The data is up to date." not in said
    assert "Data as of" in said


@pytest.mark.parametrize(
    ("user", "refusal"),
    [("guest", "Guests can't see this organization's usage"), ("otto", FOREIGN)],
)
def test_a_person_who_may_not_use_the_bot_sees_why_and_no_figures(administered, user, refusal):
    said = words(opened(administered, user))
    assert refusal in said
    assert "$" not in said
    assert [block["type"] for block in opened(administered, user)["blocks"]] == [
        "header",
        "section",
    ]


def test_an_event_of_another_workspace_is_left_alone(administered):
    before = published(administered)
    administered.bot_client.home_opened("ada", forge=Forge(team_id="T0OTHER0001"))
    opened(administered, "grace")
    assert published(administered) == before + 1


def test_the_messages_tab_is_none_of_its_business(administered):
    user = administered.slack.user("ada").id
    administered.bot_client.event({"type": "app_home_opened", "user": user, "tab": "messages"})
    opened(administered, "grace")
    assert administered.slack.home("ada") is None


def test_with_own_visibility_it_shows_nobody_else(own):
    said = words(opened(own))
    assert "Your own usage." in said
    assert "Past month\n*$26.00*" in said
    assert "Top API keys" in said
    assert "prod" in said
    for hidden in ("Grace", "evals", "*$39.00*", "Credits"):
        assert hidden not in said
    assert "*$39.00*" in words(opened(own, "katherine"))


def test_with_own_visibility_who_is_nobody_at_openrouter_reads_so(own):
    said = words(opened(own, "alan"))
    assert "no member of the OpenRouter organization has your address" in said
    assert "$" not in said


def test_who_slack_does_not_name_reads_so(administered):
    administered.slack.fail("users.info", 500, times=1)
    assert "Slack isn't telling me who you are right now" in words(opened(administered, "alan"))


def test_it_is_noted_who_opened_it(administered):
    opened(administered)
    opened(administered, "guest")
    worlds.wait_until(lambda: administered.bot.audit.count() == 2)
    said = administered.words("audit", "katherine")
    assert "opened the home" in said
    assert "refused" in said
