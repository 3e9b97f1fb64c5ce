"""Alerts by commands and buttons in Slack: permissions, and what each click does."""

import json
import re

import pytest

from bot.access.policy import FOREIGN
from bot.alerts.deliver import AlertDelivery
from bot.demo.slack import Forge, escaped, validate
from tests import world as worlds
from tests.world import say


def tick(world) -> None:
    """What the worker does after a sync."""
    world.bot.evaluator.evaluate_all()
    AlertDelivery(world.bot.alerts, world.bot.evaluator).tick()


def inbox(world, user: str = "ada") -> list[dict]:
    messages = world.slack.messages(world.slack.im(user).id)
    return [m for m in messages if "thread_ts" not in m]


def triggered(world, words="alert spend > $5 per month", channel=None) -> dict:
    """The message of an alert whose line has been crossed for long."""
    said = say(world, words)
    assert said.startswith("*Alert set:*"), said
    tick(world)
    return (world.slack.messages(channel) if channel else inbox(world))[-1]


def row(message, action: str) -> str:
    """The id of the block that a button is in."""
    for block in message["blocks"]:
        if any(one.get("action_id") == action for one in block.get("elements", [])):
            return block["block_id"]
    raise AssertionError(f"no {action} in it")


def click(world, message, action, choice=None, user="ada", channel=None, forge=None) -> None:
    channel = channel or world.slack.im("ada").id
    more = {"forge": forge} if forge else {}
    world.bot_client.click(
        user, channel, message["ts"], action, choice, block_id=row(message, action), **more
    )


def answered(world, act) -> str:
    """The text of what is answered to a click."""
    before = len(world.slack.responses)
    act()
    answers = world.slack.wait_for(lambda: world.slack.responses[before:])
    return answers[-1]["payload"]["text"]


def listed(world, user="ada") -> dict:
    say(world, "alerts", user)
    return world.slack.ephemerals(user, "general")[-1]


def test_a_threshold_that_is_exceeded_already_sends_one_message(administered):
    message = triggered(administered)
    assert "OpenRouter spend over $5.00 this month: whole organization" in message["text"]
    assert re.search("Top keys[^:]*: prod", message["text"])
    tick(administered)
    tick(administered)
    assert len(inbox(administered)) == 1
    assert b'activity_alert_messages{state="sent"} 1.0' in administered.bot.metrics.text()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("spend > $50 per day in #partners", "shared with another company"),
        ("spend > $50 per day in #random", "I'm not in that channel"),
        ("spend > $50 per day in #archive", "That channel is archived"),
        ("spend > $50 per day key:prood", "alert spend > $50 per day key:prod"),
        ("spend > $50 per day creator:adda@example.com", "creator:ada@example.com"),
        ("spend > 50 EUR per day", "dollar"),
        ("spend > $-5 per day", "alert"),
        ("spend > per day", "alert"),
    ],
)
def test_an_invalid_alert_is_refused_with_the_reason(administered, words, problem):
    workspace = administered.slack.workspace
    workspace.change_channel("random", members=frozenset({administered.slack.user("ada").id}))
    assert problem in say(administered, f"alert {words}").replace("&gt;", ">")
    assert "You have no alerts yet." in say(administered, "alerts")


def test_alerts_in_a_private_channel_are_only_set_up_by_its_members(administered):
    words = "alert spend > $50 per day in #finance"
    refused = say(administered, words, "grace")
    assert refused.startswith("You aren't a member of that private channel.")
    assert "You have no alerts yet." in say(administered, "alerts", "grace")
    assert say(administered, words, "ada").startswith("*Alert set:*")


def test_members_list_their_own_alerts_and_admins_all(administered):
    triggered(administered)
    assert "Your alerts* (1)" in say(administered, "alerts")
    assert "You have no alerts yet." in say(administered, "alerts", "grace")
    # the admins have `alert sync` from the start
    assert "All alerts* (2)" in say(administered, "alerts", "katherine")


def test_details_answer_the_alerts_question_for_the_person_who_clicks(administered):
    message = triggered(administered)
    said = answered(administered, lambda: click(administered, message, "alert_details"))
    assert said.startswith("Spend by API key")
    assert "• prod" in said


def test_status_lists_delivered_and_failed_alerts_for_admins_only(administered):
    channel = administered.slack.channel("spend").id
    triggered(administered, "alert spend > $5 per month in #spend", "spend")
    for limit in range(6, 12):
        say(administered, f"alert spend > ${limit} per month")
    administered.slack.fail("chat.postMessage", "user_disabled")
    tick(administered)
    said = say(administered, "status", "katherine")
    assert f"alert spend &gt; $5 per month tz Europe/Berlin, in <#{channel}>: " in said
    assert ":white_check_mark: sent" in said
    ada = administered.slack.user("ada").id
    assert re.search(f"alert spend &gt; .* and 5 more, to <@{ada}>: :x: could not be deliv", said)
    assert "alert spend" not in say(administered, "status", "grace")


def test_an_acknowledgement_is_shown_in_the_message(administered):
    message = triggered(administered)
    click(administered, message, "alert_acknowledge")
    ada = administered.slack.user("ada").id
    worlds.wait_until(lambda: f"<@{ada}> acknowledged this" in json.dumps(inbox(administered)))
    assert "alert_acknowledge" not in json.dumps(inbox(administered)[-1])


def test_combined_alerts_are_acknowledged_together_and_link_to_the_list(administered):
    for limit in range(1, 7):
        assert "Alert set" in say(administered, f"alert spend > ${limit} per month")
    tick(administered)
    [message] = inbox(administered)
    assert "6 OpenRouter alerts\n" in message["text"]
    assert validate(message["blocks"]) == []
    assert message["text"].count("Top models (") == 5
    menus = [one for block in message["blocks"] for one in block.get("elements", ())
             if one.get("action_id") == "alert_why"]  # fmt: skip
    [chosen, *_] = [one["value"] for menu in menus for one in menu["options"]]
    why = answered(administered, lambda: click(administered, message, "alert_why", chosen))
    assert why.startswith("What changed (spend)")
    said = answered(administered, lambda: click(administered, message, "alert_list"))
    assert "Your alerts* (6)" in said
    click(administered, message, "alert_acknowledge")
    ada = administered.slack.user("ada").id
    worlds.wait_until(lambda: f"<@{ada}> acknowledged this" in json.dumps(inbox(administered)))
    assert "alert_acknowledge" not in json.dumps(inbox(administered))


@pytest.mark.parametrize("length", ["1h", "24h", "period"])
def test_a_snooze_is_shown_in_the_message(administered, length):
    message = triggered(administered)
    options = json.dumps(message)
    [value] = {v for v in options.split('"') if v.endswith(f" {length}") and v[0].isdigit()}
    click(administered, message, "alert_snooze", value)
    worlds.wait_until(lambda: "Snoozed until" in json.dumps(inbox(administered)))
    assert "snoozed until" in say(administered, "alerts")


def test_a_muted_rule_is_paused_until_it_is_resumed(administered):
    message = triggered(administered)
    assert "Muted." in answered(administered, lambda: click(administered, message, "alert_mute"))
    assert "paused by <@" in say(administered, "alerts")
    card = listed(administered)
    said = answered(
        administered, lambda: click(administered, card, "alert_resume", channel="general")
    )
    assert "paused" not in said
    tick(administered)
    assert len(inbox(administered)) == 1


def test_a_rule_is_edited_in_a_form_that_shows_errors_at_the_field(administered):
    message = triggered(administered)
    click(administered, message, "alert_change")
    [view] = administered.slack.wait_for(lambda: administered.slack.views("ada"))
    fields = {block["block_id"]: block.get("element", {}) for block in view["blocks"]}
    assert fields["form_limit_above"]["initial_value"] == "$5"
    assert fields["form_unit"]["initial_option"]["value"] == "month"
    administered.bot_client.submit("ada", view["id"], {"form_limit_above": "€5"})
    [view] = administered.slack.views("ada")
    administered.bot_client.submit("ada", view["id"], {"form_limit_above": "$500"})
    worlds.wait_until(lambda: "&gt; $500 " in say(administered, "alerts"))
    tick(administered)
    [first] = inbox(administered)
    assert "Resolved." in json.dumps(first)
    [reply] = [
        m for m in administered.slack.messages(administered.slack.im("ada").id) if "thread_ts" in m
    ]
    assert "the limit is $500.00" in reply["text"]


def test_a_deleted_rule_is_gone(administered):
    triggered(administered)
    card = listed(administered)
    said = answered(
        administered, lambda: click(administered, card, "alert_delete", channel="general")
    )
    assert said.startswith("Deleted:")
    assert "You have no alerts yet." in say(administered, "alerts")


def test_clicks_by_other_people_change_nothing(administered):
    message = triggered(administered, "alert spend > $5 per month in #spend", "spend")
    for user, action in (
        ("grace", "alert_mute"),
        ("grace", "alert_change"),
        ("guest", "alert_mute"),
        ("otto", "alert_acknowledge"),
    ):
        said = answered(
            administered,
            lambda u=user, a=action: click(administered, message, a, user=u, channel="spend"),
        )
        assert "Muted" not in said
    assert "paused" not in say(administered, "alerts")
    assert "acknowledged this" not in json.dumps(administered.slack.messages("spend"))


def test_a_click_from_another_team_is_refused(administered):
    message = triggered(administered)
    said = answered(
        administered,
        lambda: click(administered, message, "alert_details", forge=Forge(team_id="T0OTHER0001")),
    )
    assert said == FOREIGN


def test_an_admin_manages_the_rules_of_other_people(administered):
    message = triggered(administered, "alert spend > $5 per month in #spend", "spend")
    said = answered(
        administered,
        lambda: click(administered, message, "alert_mute", user="katherine", channel="spend"),
    )
    assert "Muted." in said
    assert "paused by <@" in say(administered, "alerts")


def test_quiet_hours_are_stored_and_shown(administered):
    assert "Quiet hours: 22:00 to 7:00 (Berlin)" in say(administered, "alert quiet 22:00-7:00")
    say(administered, "alert credits < $5")
    assert "quiet hours 22:00-07:00" in say(administered, "alerts")
    assert "Quiet hours are off" in say(administered, "alert quiet off")


def test_a_refusal_names_the_owner_and_the_admins_once_each(administered):
    message = triggered(administered, "alert spend > $5 per month in #spend", "spend")
    ada, katherine = (administered.slack.user(name).id for name in ("ada", "katherine"))

    def mute() -> str:
        return answered(
            administered,
            lambda: click(administered, message, "alert_mute", user="grace", channel="spend"),
        )

    admin = f" or a bot admin (<@{katherine}>)"
    assert mute() == f"That alert belongs to <@{ada}>. Only they{admin} can change it."
    administered.bot.alerts.rules.hand_over(ada, katherine, "")
    assert mute() == f"That alert belongs to <@{katherine}>. Only they can change it."


def test_a_recipient_who_mutes_an_alert_can_unmute_it(administered):
    words = "alert spend > $5 per month creator:@ada by creator to owner"
    assert "Alert set" in say(
        administered, escaped(administered.slack.workspace, words), "katherine"
    )
    tick(administered)
    message = inbox(administered)[-1]
    said = answered(administered, lambda: click(administered, message, "alert_mute"))
    assert said == "Muted. You won't get this alert again until you unmute it."
    katherine = administered.slack.user("katherine").id
    listed_ = listed(administered)
    assert f"set up by <@{katherine}>" in listed_["text"]
    worlds.wait_until(lambda: "alert_unmute" in json.dumps(inbox(administered)))
    [rule] = administered.bot.alerts.rules.of(katherine)[-1:]
    assert rule.paused is None
    said = answered(
        administered, lambda: click(administered, inbox(administered)[-1], "alert_unmute")
    )
    assert said == "Unmuted. You'll get this alert again."
    assert administered.bot.alerts.silences.all() == {}


def test_what_a_recipient_muted_stays_muted_when_its_owner_resumes_the_rule(administered):
    words = "alert spend > $5 per month creator:@ada by creator to owner"
    say(administered, escaped(administered.slack.workspace, words), "katherine")
    tick(administered)
    answered(administered, lambda: click(administered, inbox(administered)[-1], "alert_mute"))
    katherine = administered.slack.user("katherine").id
    [rule] = administered.bot.alerts.rules.of(katherine)[-1:]
    administered.bot.alerts.rules.pause(rule.id, "by me")
    administered.bot.alerts.rules.resume(rule.id, {katherine})
    assert len(administered.bot.alerts.silences.all()) == 1
    message = listed(administered)
    before = len(administered.slack.responses)
    administered.bot_client.click("ada", "general", message["ts"], "alert_unmute_listed")
    answers = administered.slack.wait_for(lambda: administered.slack.responses[before:])
    assert answers[-1]["payload"]["text"] == "Unmuted. You'll get this alert again."
    assert administered.bot.alerts.silences.all() == {}
