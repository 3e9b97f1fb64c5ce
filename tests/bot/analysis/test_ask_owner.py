"""The menu under `keys` that asks the owner of a key, and who may use it."""

import json

import pytest

from bot.analysis.ask_owner import NO_KEY
from bot.answers.group_ids import group_id
from bot.demo.slack import validate
from reports.analysis.slack.ask_owner import ASK_OWNER
from reports.usage.dimensions import Dimension
from tests.world import World


def listed(world: World, user: str = "katherine") -> dict:
    world.ask("keys", user)
    return world.slack.ephemerals(user, "general")[-1]


def key_id(world: World, name: str) -> str:
    keys = world.bot.store.directory().of[Dimension.KEY]
    return next(group_id(one) for one in keys if one.name == name)


def choose(world: World, value: str, user: str = "katherine", message: dict | None = None) -> str:
    """Choose a key in the menu; the text of the answer."""
    if message is None:
        options = [{"text": {"type": "plain_text", "text": "x"}, "value": value}]
        element = {"type": "static_select", "action_id": ASK_OWNER, "options": options}
        element["placeholder"] = {"type": "plain_text", "text": "x"}
        blocks = [{"type": "actions", "block_id": "b", "elements": [element]}]
        channel = world.slack.channel("general")
        message = world.slack.chat.post(channel, {"text": "x", "blocks": blocks})
    before = len(world.slack.responses)
    world.bot_client.click(user, "general", message["ts"], ASK_OWNER, value)
    answers = world.slack.wait_for(lambda: world.slack.responses[before:])
    return str(answers[-1]["payload"]["text"])


def logged(world: World) -> list[str]:
    world.bot.audit.flush()
    with world.bot.database.read() as connection:
        rows = connection.execute("SELECT what, outcome FROM audit WHERE act = 'clicked'")
        return [f"{what}: {outcome}" for what, outcome in rows]


def test_an_admin_asks_the_owner_in_a_direct_message(administered):
    message = listed(administered)
    assert validate(message["blocks"]) == []
    said = choose(administered, key_id(administered, "evals"), message=message)
    assert said == "I asked Grace Hopper about “evals”."
    dm = administered.slack.messages(administered.slack.im("grace").id)[-1]
    assert validate(dm["blocks"]) == []
    katherine = administered.slack.user("katherine").id
    assert f"<@{katherine}> asks about your OpenRouter API key *evals*." in dm["text"]
    assert "It is unlimited." in dm["text"]
    assert logged(administered) == ["ask the owner of key evals: done"]


def test_who_is_no_admin_is_refused_and_nobody_is_asked(administered):
    said = choose(administered, key_id(administered, "evals"), user="ada")
    assert "Only bot admins can ask the owners of keys" in said
    assert administered.slack.messages(administered.slack.im("grace").id) == []
    [entry] = logged(administered)
    assert "refused" in entry


@pytest.mark.parametrize("value", ["0" * 24, "evals", "'; DROP TABLE member; --"])
def test_a_forged_id_asks_nobody(administered, value):
    assert choose(administered, value) == NO_KEY


def test_a_key_without_an_owner_has_nobody_to_ask(administered):
    said = choose(administered, key_id(administered, "laptop"))
    assert "nobody to ask" in said


def test_who_sees_their_own_only_is_offered_no_menu(own):
    assert ASK_OWNER not in json.dumps(listed(own, "grace"))
