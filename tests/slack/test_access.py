"""Who gets an answer and who does not: nobody learns a figure who may not ask."""

import pytest

from bot.access import FOREIGN
from bot.demo.slack import Forge, LocalSlack

from .. import world as worlds

FIGURES = ("38.5K", "22K", "prod", "evals", "$")


def said(world, user: str, text: str = "tokens 7d by key") -> str:
    payload = world.ask(text, user)
    assert payload["response_type"] == "ephemeral"
    assert not any(figure in str(payload) for figure in FIGURES)
    return payload["text"]


def test_it_answers_the_people_of_the_workspace(world):
    assert "38.5K" in world.words("tokens 7d by key", user="katherine")


def test_it_refuses_a_command_of_another_team_at_once(world):
    ack = world.send("tokens 7d by key", forge=Forge(team_id="T0OTHER0001"))
    assert (ack.status, ack.body) == (200, FOREIGN)
    assert [call.method for call in world.slack.calls] == ["auth.test"]


def test_it_refuses_a_command_of_another_team_before_it_knows_its_own(openrouter, database):
    with LocalSlack() as slack:
        slack.fail("auth.test", "drop")
        with worlds.running(openrouter, slack, database) as world:
            ack = world.send("tokens 7d", forge=Forge(team_id="T0OTHER0001"))
            assert (ack.status, ack.body) == (200, "")
            [answer] = slack.wait_for(lambda: slack.responses)
            assert answer["payload"]["text"] == FOREIGN
            assert "38.5K" in world.words("tokens 7d")


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("guest", "Guests of this workspace"),
        ("former", "Only people can ask."),
        ("activity", "Only people can ask."),
        ("otto", FOREIGN),
    ],
)
def test_it_refuses_who_is_no_full_member_of_the_team(world, user, words):
    assert said(world, user).startswith(words)


@pytest.mark.parametrize("flag", ["is_restricted", "is_ultra_restricted"])
def test_it_refuses_both_kinds_of_guests(world, flag):
    world.slack.workspace.add_user("visitor", "Vic Visitor", **{flag: True})
    assert said(world, "visitor").startswith("Guests of this workspace")


def test_it_answers_guests_where_the_settings_allow_it(openrouter, database):
    with (
        LocalSlack() as slack,
        worlds.running(openrouter, slack, database, ACTIVITY_GUESTS="allow") as world,
    ):
        assert "38.5K" in world.words("tokens 7d", user="guest")
        assert said(world, "otto") == FOREIGN


def test_it_refuses_somebody_of_another_team_who_is_no_stranger_yet(world):
    world.slack.workspace.add_user("eve", "Eve Elsewhere", team_id="T0OTHER0001")
    assert said(world, "eve") == FOREIGN


def test_it_says_so_when_slack_does_not_tell_who_asks(world):
    world.slack.fail("users.info", 500)
    assert said(world, "ada").endswith("Try again in a minute.")
    assert "38.5K" in world.words("tokens 7d")


@pytest.mark.parametrize("fault", ["drop", "half", 429, "fatal_error"])
def test_it_says_so_however_slack_fails_to_tell(world, fault):
    world.slack.fail("users.info", fault)
    assert "Slack does not say who you are" in said(world, "ada")


def test_it_names_the_doctor_where_trying_again_would_not_help(openrouter, database):
    scopes = {"commands", "chat:write"}
    with (
        LocalSlack(scopes=scopes) as slack,
        worlds.running(openrouter, slack, database) as world,
    ):
        words = said(world, "ada")
        assert "missing_scope" in words
        assert "`activity doctor`" in words


def test_it_shows_people_their_own_usage_only_where_the_settings_say_so(openrouter, database):
    with (
        LocalSlack() as slack,
        worlds.running(
            openrouter,
            slack,
            database,
            ACTIVITY_VISIBILITY="own",
            ACTIVITY_ADMINS=slack.user("ada").id,
        ) as world,
    ):
        own = world.words("tokens 7d by key", user="grace")
        assert "Tokens: 8.8K" in own
        assert "prod" not in own
        nothing = world.words("tokens 7d by key", user="alan")
        assert "no member of the OpenRouter organisation has your address" in nothing
        assert f"Ask <@{slack.user('ada').id}>." in nothing
        assert "Tokens: 38.5K" in world.words("tokens 7d by key", user="ada")
