"""Access: only people who may use the bot get an answer."""

import csv
import io
from dataclasses import replace

import pytest

from bot.access.policy import FOREIGN, Role, admins, role_of
from bot.answers.export import ONLY_YOURS
from bot.config import Guests, load
from bot.demo.slack import Forge, LocalSlack
from bot.slack.types import Identity, SlackUser
from reports.schedules.slack.cards import OWN_ONLY
from tests import world as worlds

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
        ("guest", "Guests can't see"),
        ("former", "Only people can use this bot."),
        ("activity", "Only people can use this bot."),
        ("otto", FOREIGN),
    ],
)
def test_it_refuses_who_is_no_full_member_of_the_team(world, user, words):
    assert said(world, user).startswith(words)


@pytest.mark.parametrize("flag", ["is_restricted", "is_ultra_restricted"])
def test_it_refuses_both_kinds_of_guests(world, flag):
    world.slack.workspace.add_user("visitor", "Vic Visitor", **{flag: True})
    assert said(world, "visitor").startswith("Guests can't see")


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


def test_it_asks_again_where_slack_is_busy_and_then_answers(world):
    world.slack.fail("users.info", 429)
    assert "38.5K" in world.words("tokens 7d")


@pytest.mark.parametrize("fault", ["drop", "half", "fatal_error"])
def test_it_says_so_however_slack_fails_to_tell(world, fault):
    world.slack.fail("users.info", fault)
    assert "Slack isn't telling me who you are" in said(world, "ada")


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
    with worlds.administered(openrouter, database, "ada", ACTIVITY_VISIBILITY="own") as world:
        own = world.words("tokens 7d by key", user="grace")
        assert "Tokens: 8.8K" in own
        assert "prod" not in own
        nothing = world.words("tokens 7d by key", user="alan")
        assert "no member of the OpenRouter organization has your address" in nothing
        assert f"Ask <@{world.slack.user('ada').id}>." in nothing
        assert "Tokens: 38.5K" in world.words("tokens 7d by key", user="ada")


def exported(world, user: str, message: dict) -> tuple[str, set[str]]:
    """What somebody is told who clicks CSV, and the keys in the file that comes."""
    before, files = len(world.slack.responses), len(world.slack.files)
    world.bot_client.click(user, "spend", message["ts"], "export_csv")
    said = world.slack.wait_for(lambda: world.slack.responses[before:])[-1]["payload"]["text"]
    rows = [
        row
        for file in world.slack.files[files:]
        for row in csv.DictReader(io.StringIO(file.data.decode()))
    ]
    return said, {row["API Key"] for row in rows}


def test_a_limited_answer_says_whose_it_is(own):
    payload = own.ask("tokens 7d by key", user="grace")
    assert "only creator:me" in payload["text"]
    assert "`/activity tokens 7d by key creator:me`" in str(payload)


def test_a_click_on_a_shared_answer_brings_each_what_they_may_see_and_privately(own):
    own.ask("tokens 7d by key share", user="katherine", channel="spend")
    [shared] = own.slack.messages("spend")
    said, keys = exported(own, "grace", shared)
    assert said.endswith("to your DM." + ONLY_YOURS)
    assert keys == {"evals"}
    said, keys = exported(own, "katherine", shared)
    assert said.endswith("to your DM.")
    assert keys == {"prod", "evals", "laptop", "(chatroom)"}
    assert len(own.slack.messages("spend")) == 1


def test_a_click_on_a_limited_answer_shows_an_admin_just_what_it_showed(own):
    own.ask("tokens 7d by key share", user="grace", channel="spend")
    [shared] = own.slack.messages("spend")
    assert exported(own, "katherine", shared)[1] == {"evals"}
    said, keys = exported(own, "ada", shared)
    assert said == (
        "This answer shows someone else's usage, and you can only see your own:"
        " `/activity tokens 7d by key creator:me`"
    )
    assert keys == set()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("creator:ada@example.com", "you can only filter to yourself as creator"),
        ("creator:nobody@example.com", "you can only filter to yourself as creator"),
        ("key:prod", "No key of yours is called “prod”."),
        ("key:prdo", "No key of yours is called “prdo”."),
        ("model:nobodys", "No usage"),
    ],
)
def test_others_and_nobody_are_answered_alike(own, words, problem):
    said = own.words(f"tokens 7d {words}", user="grace")
    assert problem in said
    assert "laptop" not in said


def test_only_admins_send_to_every_creator_where_people_see_their_own_only(own):
    said = own.words("schedule weekly spend to creators", user="grace")
    assert said.startswith("Only bot admins can send reports to every creator.")
    assert said.endswith(f"Ask <@{own.slack.user('katherine').id}>.")
    assert own.words("schedule weekly spend to creators", user="katherine").startswith("Scheduled")


def test_a_schedule_says_that_it_reports_on_ones_own_usage_only(own):
    words = "schedule weekly spend by creator to me"
    assert own.words(words, user="grace").endswith(OWN_ONLY)
    assert OWN_ONLY not in own.words(words, user="katherine")


def test_what_is_somebody_elses_says_who_the_admins_are(own):
    own.ask("schedule weekly spend to me", user="grace")
    shown = own.slack.ephemerals("grace", "general")[-1]
    posted = own.slack.chat.post(
        own.slack.channel("spend"), {"text": "x", "blocks": shown["blocks"]}
    )
    before = len(own.slack.responses)
    own.bot_client.click("ada", "spend", posted["ts"], "schedule_pause")
    said = own.slack.wait_for(lambda: own.slack.responses[before:])[-1]["payload"]["text"]
    assert said.endswith(f"bot admin can change it (<@{own.slack.user('katherine').id}>).")


@pytest.mark.parametrize(
    ("flags", "guests", "role"),
    [
        ({}, Guests.DENY, Role.MEMBER),
        ({"id": "U9"}, Guests.DENY, Role.ADMIN),
        ({"admin": True}, Guests.DENY, Role.MEMBER),
        ({"guest": True}, Guests.DENY, Role.GUEST),
        ({"guest": True}, Guests.ALLOW, Role.MEMBER),
        ({"guest": True, "id": "U9"}, Guests.DENY, Role.GUEST),
        ({"stranger": True, "id": "U9"}, Guests.ALLOW, Role.OUTSIDER),
        ({"team_id": "T2", "guest": True}, Guests.ALLOW, Role.OUTSIDER),
        ({"deleted": True}, Guests.ALLOW, Role.NOBODY),
        ({"bot": True}, Guests.ALLOW, Role.NOBODY),
    ],
)
def test_everybody_has_one_role(flags, guests, role):
    settings = replace(load({"ACTIVITY_ADMINS": "U9"}), guests=guests)
    person = SlackUser("U1", "T1", None, None, *[False] * 5)
    assert role_of(replace(person, **flags), Identity("T1", "B1", "UB"), settings) is role


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ("", ""),
        ("U1", "<@U1>"),
        ("U1,U2", "<@U1> and <@U2>"),
        ("U1,U2,U3,U4,U5", "<@U1>, <@U2>, <@U3>, <@U4> and <@U5>"),
        ("U1,U2,U3,U4,U5,U6", "<@U1>, <@U2>, <@U3>, <@U4>, <@U5> and one more"),
        ("U1,U2,U3,U4,U5,U6,U7", "<@U1>, <@U2>, <@U3>, <@U4>, <@U5> and 2 more"),
    ],
)
def test_admins_are_named_by_mentions(ids, words):
    assert admins(load({"ACTIVITY_ADMINS": ids})) == words
