"""Ids in buttons may be forged: every action asks whether the person was sent that message."""

import json
from collections.abc import Callable

import pytest

from bot.alerts.deliver import AlertDelivery
from bot.alerts.message_actions import NOT_SENT_TO_YOU
from bot.alerts.permissions import GONE
from bot.answers.answer_state import TOO_OLD
from bot.demo.slack.bot_client import HONEST
from bot.schedules import manage as subscriptions
from bot.schedules.deliver import ReportDelivery
from tests.world import say

ADMIN = "katherine"


def alert_tick(world) -> None:
    """Evaluate the alert rules and send what is due."""
    world.bot.evaluator.evaluate_all()
    AlertDelivery(world.bot.alerts, world.bot.evaluator).tick()


def fired(world, user: str, words: str, channel: str = "") -> tuple[str, str]:
    """An alert that triggered: the id of its event, and all of its message as JSON."""
    assert "Alert set" in say(world, words, user)
    alert_tick(world)
    place = channel or world.slack.im(user).id
    message = [m for m in world.slack.messages(place) if "thread_ts" not in m][-1]
    [event] = {
        one["value"]
        for block in message["blocks"]
        for one in block.get("elements", [])
        if one.get("action_id") == "alert_mute"
    }
    return event, json.dumps(message)


def forge(world, user: str, action: str, value: str, channel: str = "general") -> str:
    """Press a button that carries an id the person made up; the answer's text."""
    if action == "alert_snooze":
        options = [{"text": {"type": "plain_text", "text": "1 hour"}, "value": f"{value} 1h"}]
        element = {
            "type": "static_select",
            "placeholder": {"type": "plain_text", "text": "Snooze"},
            "options": options,
        }
        choice = f"{value} 1h"
    else:
        element = {"type": "button", "value": value}
        element["text"] = {"type": "plain_text", "text": "x"}
        choice = None
    blocks = [{"type": "actions", "block_id": "b1", "elements": [{**element, "action_id": action}]}]
    message = world.slack.chat.post(world.slack.channel(channel), {"text": "x", "blocks": blocks})
    before = len(world.slack.responses)
    world.bot_client.click(user, channel, message["ts"], action, choice)
    answers = world.slack.wait_for(lambda: world.slack.responses[before:])
    return answers[-1]["payload"]["text"]


def opened(world) -> bool:
    """Whether Ada has a form to fill in; a modal that only says why not is none."""
    return any(view.get("callback_id") for view in world.slack.views("ada"))


def refused(world, user: str) -> list[str]:
    """What the audit log has of what a person was refused."""
    world.bot.audit.flush()
    with world.bot.database.read() as connection:
        return [
            row[0]
            for row in connection.execute(
                "SELECT what FROM audit WHERE person = ? AND outcome = 'refused'",
                (world.slack.user(user).id,),
            )
        ]


MESSAGE_ACTIONS = (
    "alert_details", "alert_acknowledge", "alert_snooze", "alert_mute", "alert_unmute",
    "alert_change", "alert_why",
)  # fmt: skip


@pytest.mark.parametrize("action", MESSAGE_ACTIONS)
def test_nobody_acts_on_an_alert_in_somebody_elses_direct_messages(administered, action):
    event, before = fired(administered, ADMIN, "alert spend > $5 per month")
    assert forge(administered, "ada", action, event) == NOT_SENT_TO_YOU
    message = [
        m
        for m in administered.slack.messages(administered.slack.im(ADMIN).id)
        if "thread_ts" not in m
    ]
    assert json.dumps(message[-1]) == before
    assert administered.bot.alerts.silences.all() == {}
    assert not opened(administered)
    assert any("alert spend" in what for what in refused(administered, "ada"))


@pytest.mark.parametrize("action", MESSAGE_ACTIONS)
def test_an_alert_of_a_channel_is_acted_on_in_that_channel_only(administered, action):
    event, _ = fired(administered, ADMIN, "alert spend > $5 per month in #spend", "spend")
    assert forge(administered, "ada", action, event, "general") == NOT_SENT_TO_YOU
    assert administered.bot.alerts.silences.all() == {}


@pytest.mark.parametrize("action", ["alert_snooze", "alert_mute", "alert_unmute"])
def test_a_channels_members_silence_no_alert_that_they_do_not_manage(administered, action):
    event, _ = fired(administered, ADMIN, "alert spend > $5 per month in #spend", "spend")
    said = forge(administered, "ada", action, event, "spend")
    assert said.startswith(f"That alert belongs to <@{administered.slack.user(ADMIN).id}>")
    assert administered.bot.alerts.silences.all() == {}


def test_an_event_that_does_not_exist_says_so(administered):
    for value in ("999999", "x", "-1", "1" * 40):
        assert forge(administered, "ada", "alert_acknowledge", value) == GONE.text


@pytest.mark.parametrize("action", ["alert_pause", "alert_resume", "alert_delete", "alert_edit"])
def test_nobody_manages_somebody_elses_alert_rule(administered, action):
    fired(administered, ADMIN, "alert spend > $5 per month")
    rule = administered.bot.alerts.rules.of(administered.slack.user(ADMIN).id)[-1]
    assert "That alert belongs to" in forge(administered, "ada", action, rule.id)
    assert administered.bot.alerts.rules.get(rule.id) == rule
    assert not opened(administered)


def test_nobody_unmutes_what_somebody_else_muted(administered):
    fired(administered, ADMIN, "alert spend > $5 per month")
    katherine = administered.slack.user(ADMIN).id
    rule = administered.bot.alerts.rules.of(katherine)[-1]
    administered.bot.alerts.silences.add(rule.id, "", None, katherine)
    said = forge(administered, "ada", "alert_unmute_listed", f"{rule.id} ")
    assert said == NOT_SENT_TO_YOU
    assert (rule.id, "") in administered.bot.alerts.silences.all()


SCHEDULE_ACTIONS = (
    "schedule_preview", "schedule_run", "schedule_pause", "schedule_resume", "schedule_delete",
    "schedule_edit",
)  # fmt: skip


@pytest.mark.parametrize("action", SCHEDULE_ACTIONS)
def test_nobody_manages_somebody_elses_schedule(administered, action):
    say(administered, "schedule weekly spend by creator to me", ADMIN)
    [entry] = administered.bot.reports.schedules.of(None)
    assert subscriptions.NOT_YOURS in forge(administered, "ada", action, entry.id)
    assert administered.bot.reports.schedules.get(entry.id) == entry
    assert administered.bot.reports.runs.counts() == {}
    assert not opened(administered)
    assert administered.slack.messages(administered.slack.im("ada").id) == []


def sent_to_creators(world) -> tuple[int, str]:
    """A report that went to every creator: the id of Ada's run, and of its schedule."""
    say(world, "schedule daily spend 60d by creator to creators", ADMIN)
    [entry] = world.bot.reports.schedules.of(None)
    world.bot.reports.runs.add_now(entry, world.slack.user(ADMIN).id, "1")
    ReportDelivery(world.bot.reports).tick()
    with world.bot.database.read() as connection:
        [(run,)] = connection.execute(
            "SELECT id FROM run WHERE channel = ?", (world.slack.im("ada").id,)
        ).fetchall()
    return run, entry.id


def own_button(world, action: str) -> str:
    """Press a button in Ada's direct messages; the text of the newest message there."""
    im = world.slack.im("ada").id
    messages = [m for m in world.slack.messages(im) if action in json.dumps(m.get("blocks", []))]
    world.bot_client.click("ada", im, messages[-1]["ts"], action)
    return im


def test_who_gets_a_report_for_every_creator_can_stop_it_and_start_it_again(administered):
    _, schedule = sent_to_creators(administered)
    ada, entry = administered.slack.user("ada").id, administered.bot.reports.schedules.get(schedule)
    im = own_button(administered, "report_stop")
    administered.slack.wait_for(
        lambda: [m for m in administered.slack.messages(im) if "I won't send you" in m["text"]]
    )
    assert administered.bot.reports.opt_outs.has(ada, entry)
    assert ":no_bell: You stopped" in say(administered, "schedules")
    before = len(administered.slack.responses)
    own_button(administered, "report_start")
    answers = administered.slack.wait_for(lambda: administered.slack.responses[before:])
    assert answers[-1]["payload"]["text"] == "OK, I'll send you this report again."
    assert not administered.bot.reports.opt_outs.has(ada, entry)


def test_nobody_stops_a_report_for_somebody_else(administered):
    run, schedule = sent_to_creators(administered)
    assert forge(administered, "grace", "report_stop", str(run)) == subscriptions.NOT_SENT_TO_YOU
    assert forge(administered, "grace", "report_start", schedule) == subscriptions.NOT_SENT_TO_YOU
    assert forge(administered, "grace", "report_stop", "999") == subscriptions.GONE
    entry = administered.bot.reports.schedules.get(schedule)
    assert not any(
        administered.bot.reports.opt_outs.has(administered.slack.user(name).id, entry)
        for name in ("ada", "grace")
    )


@pytest.mark.parametrize("action", ["run_again", "run_there"])
def test_nobody_decides_about_somebody_elses_report(administered, action):
    run, _ = sent_to_creators(administered)
    with administered.bot.database.write() as connection:
        connection.execute("UPDATE run SET state = 'uncertain' WHERE id = ?", (run,))
    assert subscriptions.NOT_YOURS in forge(administered, "ada", action, str(run))
    assert administered.bot.reports.runs.get(run).state == "uncertain"


@pytest.mark.parametrize("action", ["offer_take", "offer_decline"])
def test_only_admins_answer_the_offer_of_a_report(administered, action):
    assert "Only bot admins can" in forge(administered, "ada", action, "UTC")
    assert administered.bot.reports.schedules.of(None) == []


FORMS: dict[str, Callable[..., str]] = {
    "schedule_form": lambda world: world.bot.reports.schedules.of(None)[0].id,
    "alert_form": lambda world: world.bot.alerts.rules.of(world.slack.user(ADMIN).id)[-1].id,
}


@pytest.mark.parametrize(("callback", "opens"), [
    ("schedule_form", "home_schedule"), ("alert_form", "home_alert"),
])  # fmt: skip
def test_a_form_with_a_forged_id_saves_nothing(administered, callback, opens):
    say(administered, "schedule weekly spend by creator to me", ADMIN)
    say(administered, "alert spend > $5000 per month", ADMIN)
    forged = FORMS[callback](administered)
    rules = administered.bot.alerts.rules.of(None)
    schedules = administered.bot.reports.schedules.of(None)
    administered.bot_client.home_opened("ada")
    administered.slack.wait_for(lambda: administered.slack.home("ada"))
    administered.bot_client.click_in_view("ada", opens)
    [view] = administered.slack.wait_for(
        lambda: [
            one for one in administered.slack.views("ada") if one.get("callback_id") == callback
        ]
    )
    stored = administered.slack.modals.by_id[view["id"]]
    stored["private_metadata"] = json.dumps({"id": forged, "version": "1"})
    administered.bot_client.submit("ada", view["id"])
    assert "belongs to" in json.dumps(administered.slack.views("ada"))
    assert administered.bot.alerts.rules.of(None) == rules
    assert administered.bot.reports.schedules.of(None) == schedules


def test_an_answer_with_a_forged_state_changes_nothing_in_a_channel(administered):
    administered.words("spend 1m by creator share", ADMIN, "spend")
    [posted] = administered.slack.wait_for(lambda: administered.slack.messages("spend"))
    [row] = [b for b in posted["blocks"] if "follow_by" in json.dumps(b)]
    admin, ada = administered.slack.user(ADMIN), administered.slack.user("ada")
    channel, bot_client = administered.slack.channel("spend"), administered.bot_client
    chosen = {"text": {"type": "plain_text", "text": "By model"}, "value": "model"}
    action = {
        "type": "static_select",
        "action_id": "follow_by",
        "block_id": row["block_id"].replace(admin.id, ada.id),
        "selected_option": chosen,
        "action_ts": "1.0",
    }
    payload = {
        **bot_client._payload("block_actions", ada, HONEST),
        "actions": [action],
        "container": {
            "type": "message",
            "message_ts": posted["ts"],
            "channel_id": channel.id,
            "is_ephemeral": False,
        },
        "channel": {"id": channel.id, "name": channel.name},
        "message": posted,
        "response_url": bot_client._response_url(ada, channel, posted),
    }
    before = len(administered.slack.responses)
    bot_client.sender.form({"payload": json.dumps(payload)}, HONEST)
    answers = administered.slack.wait_for(lambda: administered.slack.responses[before:])
    assert answers[-1]["payload"]["text"] == TOO_OLD
    assert administered.slack.messages("spend") == [posted]
