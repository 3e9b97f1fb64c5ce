"""`share` puts an answer in front of the whole channel, unless outsiders would read it."""

import pytest

from bot.access.policy import OUTSIDERS, UNSEEN


def test_an_answer_is_for_its_asker_alone(world):
    payload = world.ask("tokens 7d by key")
    assert payload["response_type"] == "ephemeral"
    assert world.slack.messages("general") == []
    [shown] = world.slack.ephemerals("ada", "general")
    assert "38.5K" in shown["text"]


@pytest.mark.parametrize("channel", ["general", "random", "finance"])
def test_a_shared_answer_is_for_the_whole_channel(world, channel):
    payload = world.ask("tokens 7d by key share", channel=channel)
    assert payload["response_type"] == "in_channel"
    [posted] = world.slack.messages(channel)
    assert "38.5K" in posted["text"]
    assert posted["_typed"]["text"] == "/activity tokens 7d by key share"


@pytest.mark.parametrize("flag", ["is_ext_shared"])
def test_nothing_is_shared_where_people_of_other_companies_read_along(world, flag):
    world.slack.workspace.change_channel("spend", **{flag: True})
    payload = world.ask("tokens 7d by key share", channel="spend")
    assert payload["response_type"] == "ephemeral"
    assert payload["text"].startswith(OUTSIDERS)
    assert payload["blocks"][0]["elements"][0]["text"] == OUTSIDERS
    assert "38.5K" in payload["text"]
    assert world.slack.messages("spend") == []


def test_nothing_is_shared_where_the_bot_cannot_see_who_reads(world):
    ada, grace = world.slack.user("ada"), world.slack.user("grace")
    world.slack.workspace.add_channel("secret", [ada, grace], kind="private")
    payload = world.ask("tokens 7d share", channel="secret")
    assert payload["response_type"] == "ephemeral"
    assert payload["text"].startswith(UNSEEN)
    assert world.slack.messages("secret") == []


def test_nothing_is_shared_while_slack_does_not_say_who_reads(world):
    world.slack.fail("conversations.info", 500)
    assert world.ask("tokens 7d share")["response_type"] == "ephemeral"
    assert world.ask("tokens 7d share")["response_type"] == "in_channel"


@pytest.mark.parametrize("text", ["tokns share", "tokens key:nobody share", "help share"])
def test_what_was_not_understood_is_never_shared(world, text):
    assert world.ask(text)["response_type"] == "ephemeral"
    assert world.slack.messages("general") == []


def test_a_refusal_is_never_shared(world):
    assert world.ask("tokens 7d share", user="guest")["response_type"] == "ephemeral"


def test_share_means_nothing_in_the_direct_messages_of_the_bot(world):
    dm = world.slack.im("ada").id
    payload = world.ask("tokens 7d by key share csv", channel=dm)
    assert payload["response_type"] == "ephemeral"
    assert "\nTokens by API key" in payload["text"]
    world.bot_client.message("ada", "tokens 7d by key share")
    world.slack.wait_for(
        lambda: [one for one in world.slack.messages(dm) if "38.5K" in one.get("text", "")]
    )
    world.slack.wait_for(lambda: world.slack.files)
    assert all(file.name.endswith(".csv") for file in world.slack.files), "no picture for nobody"
