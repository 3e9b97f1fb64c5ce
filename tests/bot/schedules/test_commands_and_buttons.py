"""Schedules by words and buttons in Slack: whose they are, and what a click does."""

import json
import re

import pytest

from bot import app
from bot.access.policy import FOREIGN
from bot.config import ConfigError, Need, load
from bot.demo.slack import Forge, escaped
from bot.schedules.deliver import ReportDelivery
from tests import world as worlds
from tests.world import say


def listed(world, user: str = "ada") -> dict:
    """The newest list that somebody sees."""
    world.words("schedules", user)
    return world.slack.ephemerals(user, "general")[-1]


def click(world, message, action: str, user: str = "ada", n: int = 0) -> str:
    """Click a schedule's button; the text of what is answered."""
    rows = [block for block in message["blocks"] if block["type"] == "actions"]
    before = len(world.slack.responses)
    world.bot_client.click(user, "general", message["ts"], action, block_id=rows[n]["block_id"])
    answers = world.slack.wait_for(lambda: world.slack.responses[before:])
    return answers[-1]["payload"]["text"]


def tick(world) -> None:
    """What the worker does."""
    ReportDelivery(world.bot.reports).tick()


def test_it_says_what_was_set_up_and_when_it_is_next(administered):
    said = say(administered, "schedule weekly spend by creator in #spend mon 9:00 Europe/Berlin")
    assert said.startswith("Scheduled: `spend last week by creator`, every Monday at 9:00 (Berlin)")
    assert f"in <#{administered.slack.channel('spend').id}>" in said
    assert re.search(r"Next: Mon \d+ [A-Z][a-z]{2}, 9:00 \(Berlin\)", said)
    again = say(administered, "schedule weekly spend by creator in #spend mon 9:00 Europe/Berlin")
    assert again.startswith("This schedule already exists")


def test_it_takes_the_zone_and_the_conversation_of_who_says_it(administered):
    administered.slack.workspace.change_user("ada", tz="Asia/Kathmandu")
    said = say(administered, "schedule daily", channel="spend")
    assert "every day at 9:00 (Kathmandu)" in said
    assert f"in <#{administered.slack.channel('spend').id}>" in said


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("weekly spend in #partners", "shared with another company"),
        ("weekly spend in #random", "I'm not in that channel"),
        ("weekly spend in #archive", "That channel is archived"),
        ("weekly spend in <#C0NOWHERE|gone>", "I can't see that channel"),
        ("weekly spend key:prood", "schedule weekly mon 09:00 spend last week key:prod"),
        ("weekly spend mon 25:00", "I can't read “25:00” as a time"),
        ("weekly spend mon 9:00 Europe/Berln", "Europe/Berlin"),
        ("0 9 31 2 * spend", "never run"),
    ],
)
def test_it_says_why_it_sets_nothing_up(administered, words, problem):
    workspace = administered.slack.workspace
    workspace.change_channel("random", members=frozenset({administered.slack.user("ada").id}))
    assert problem in administered.words(
        f"schedule {escaped(workspace, words)}".replace("&lt;", "<")
    )
    assert "You have no schedules yet." in say(administered, "schedules")


def test_people_see_their_own_and_admins_all(administered):
    say(administered, "schedule weekly spend by creator to me")
    assert "Your schedules* (1)" in say(administered, "schedules")
    assert "You have no schedules yet." in say(administered, "schedules", "grace")
    assert "All schedules* (1)" in say(administered, "schedules", "katherine")


def test_a_click_of_somebody_else_changes_nothing(administered):
    say(administered, "schedule weekly spend to me")
    message = listed(administered)
    posted = administered.slack.chat.post(
        administered.slack.channel("general"), {"text": "x", "blocks": message["blocks"]}
    )
    for user in ("grace", "otto", "guest"):
        click(administered, posted, "schedule_delete", user)
    assert "(1)" in say(administered, "schedules")
    click(administered, posted, "schedule_delete", "katherine")
    assert "You have no schedules yet." in say(administered, "schedules")


def test_a_click_from_another_team_is_refused(administered):
    say(administered, "schedule weekly spend to me")
    message = listed(administered)
    row = next(block for block in message["blocks"] if block["type"] == "actions")
    before = len(administered.slack.responses)
    administered.bot_client.click(
        "ada", "general", message["ts"], "schedule_run", block_id=row["block_id"],
        forge=Forge(team_id="T0OTHER0001"),
    )  # fmt: skip
    answers = administered.slack.wait_for(lambda: administered.slack.responses[before:])
    assert answers[-1]["payload"]["text"] == FOREIGN


def test_it_pauses_goes_on_and_deletes(administered):
    say(administered, "schedule weekly spend to me")
    assert "paused by <@" in click(administered, listed(administered), "schedule_pause")
    assert "Next:" in click(administered, listed(administered), "schedule_resume")
    assert click(administered, listed(administered), "schedule_delete").startswith("Deleted:")
    assert "You have no schedules yet." in say(administered, "schedules")


def test_run_now_posts_once_however_often_slack_sends_the_click(administered):
    say(administered, "schedule weekly spend by creator in #spend")
    assert "Sending it" in click(administered, listed(administered), "schedule_run")
    tick(administered)
    tick(administered)
    [message] = [m for m in administered.slack.messages("spend") if m.get("metadata")]
    assert "Sent by" in json.dumps(message)
    assert "Last: :white_check_mark: sent" in say(administered, "schedules")
    assert b'activity_report_runs{state="sent"} 1.0' in administered.bot.metrics.text()


def test_a_preview_is_what_would_be_posted_and_only_who_clicks_sees_it(
    administered, openrouter, database
):
    worlds.fill(openrouter, database)  # a report says how old its figures are, a preview does not
    say(administered, "schedule weekly spend by creator in #spend csv")
    assert "Preview sent to your DM" in click(
        administered, listed(administered), "schedule_preview"
    )
    preview, files = administered.slack.messages(administered.slack.im("ada").id)
    assert administered.slack.messages("spend") == []
    click(administered, listed(administered), "schedule_run")
    tick(administered)
    posted = administered.slack.messages("spend")[0]
    assert posted["text"] == preview["text"]
    assert "Preview, only visible to you" in json.dumps(preview)
    kinds = [[block["type"] for block in m["blocks"]] for m in (preview, posted)]
    assert kinds[0] == kinds[1]
    assert files["files"][0]["name"].endswith(".csv")


def test_it_is_edited_in_a_dialog_that_says_what_is_wrong(administered):
    say(administered, "schedule weekly spend by creator in #spend")
    message = listed(administered)
    row = next(block for block in message["blocks"] if block["type"] == "actions")
    administered.bot_client.click(
        "ada", "general", message["ts"], "schedule_edit", block_id=row["block_id"]
    )
    [view] = administered.slack.wait_for(lambda: administered.slack.views("ada"))
    assert view["blocks"][0]["element"]["initial_value"] == "spend by creator"
    administered.bot_client.submit("ada", view["id"], {"form_zone": "Berln"})
    [view] = administered.slack.views("ada")
    general = administered.slack.channel("general").id
    values = {
        "form_question": "tokens by model",
        "form_often": "daily",
        "form_at": "08:00",
        "form_zone": "UTC",
        "form_channel": general,
    }
    administered.bot_client.submit("ada", view["id"], values)
    worlds.wait_until(lambda: "tokens yesterday by model" in say(administered, "schedules"))
    assert f"in <#{general}>" in say(administered, "schedules")


def test_the_offer_is_taken_with_one_click_and_only_once(administered):
    tick(administered)
    [offer] = administered.slack.messages(administered.slack.im("katherine").id)
    im = administered.slack.im("katherine").id
    administered.bot_client.click("katherine", im, offer["ts"], "offer_take")
    administered.slack.wait_for(
        lambda: "offer_take" not in json.dumps(administered.slack.messages(im)[0])
    )
    tick(administered)
    assert len(administered.slack.messages(im)) == 1
    said = say(administered, "schedules", "katherine")
    assert "(1)" in said
    assert "spend last week by creator" in said
    assert "every Monday at 9:00 (Berlin)" in said


def test_the_worker_needs_a_token_to_post_with(tmp_path):
    values = {"OPENROUTER_MANAGEMENT_KEY": "sk-or-v1-x"}
    with pytest.raises(ConfigError, match="SLACK_BOT_TOKEN"):
        load(values, Need.OPENROUTER, Need.POSTING)
    load({**values, "SLACK_BOT_TOKEN": "xoxb-1"}, Need.OPENROUTER, Need.POSTING)
    assert app.REPORT_TICK <= 30


def test_a_report_that_failed_is_sent_by_the_button_that_its_owner_gets(administered):
    say(administered, "schedule weekly spend by creator in #spend")
    click(administered, listed(administered), "schedule_run")
    administered.slack.fail("chat.postMessage", "not_in_channel")
    tick(administered)
    im = administered.slack.im("ada").id
    [notice] = administered.slack.messages(im)
    assert "Invite me there" in notice["text"]
    click(administered, listed(administered), "schedule_pause")
    [row] = [block for block in notice["blocks"] if block["type"] == "actions"]
    for said in ("Sending it again now.", "Someone else already decided that."):
        before = len(administered.slack.responses)
        administered.bot_client.click(
            "ada", im, notice["ts"], "run_again", block_id=row["block_id"]
        )
        answers = administered.slack.wait_for(
            lambda before=before: administered.slack.responses[before:]
        )
        assert answers[-1]["payload"]["text"] == said
    tick(administered)
    [posted] = [m for m in administered.slack.messages("spend") if m.get("metadata")]
    assert f"Sent by <@{administered.slack.user('ada').id}>" in json.dumps(posted)


def elements(message) -> dict[str, dict]:
    """A message's buttons and menus by action id."""
    blocks = message["blocks"]
    found = [one for block in blocks for one in block.get("elements", []) if "action_id" in one]
    found += [block["accessory"] for block in blocks if "accessory" in block]
    return {one["action_id"]: one for one in found}


def test_a_report_has_the_controls_of_an_answer_and_those_of_its_schedule(administered):
    say(administered, "schedule daily spend 60d by creator in #spend")
    click(administered, listed(administered), "schedule_run")
    tick(administered)
    [posted] = [m for m in administered.slack.messages("spend") if m.get("metadata")]
    administered.words("spend 1m by creator share", "ada", "spend")
    answer = administered.slack.wait_for(lambda: administered.slack.messages("spend")[1:])[-1]
    assert elements(answer).keys() <= elements(posted).keys()
    assert {"schedule_edit", "schedule_pause"} <= elements(posted).keys()
    assert len({block["block_id"] for block in posted["blocks"]}) == len(posted["blocks"])


def test_a_report_menu_answers_the_person_who_chooses_and_keeps_the_report(administered):
    say(administered, "schedule daily spend 60d by creator in #spend")
    click(administered, listed(administered), "schedule_run")
    tick(administered)
    [posted] = [m for m in administered.slack.messages("spend") if m.get("metadata")]
    before = len(administered.slack.responses)
    administered.bot_client.click("ada", "spend", posted["ts"], "follow_by", "model")
    [said] = administered.slack.wait_for(lambda: administered.slack.responses[before:])
    assert said["payload"]["text"].startswith("Spend by model")
    assert said["payload"]["response_type"] == "ephemeral"
    assert not said["payload"]["replace_original"]
    assert administered.slack.messages("spend") == [posted]


def test_a_report_is_paused_from_its_own_message(administered):
    say(administered, "schedule daily spend 60d by creator in #spend")
    click(administered, listed(administered), "schedule_run")
    tick(administered)
    [posted] = [m for m in administered.slack.messages("spend") if m.get("metadata")]
    before = len(administered.slack.responses)
    administered.bot_client.click("grace", "spend", posted["ts"], "schedule_pause")
    answers = administered.slack.wait_for(lambda: administered.slack.responses[before:])
    assert "belongs to someone else" in answers[-1]["payload"]["text"]
    before = len(administered.slack.responses)
    administered.bot_client.click("ada", "spend", posted["ts"], "schedule_pause")
    answers = administered.slack.wait_for(lambda: administered.slack.responses[before:])
    assert "paused by <@" in answers[-1]["payload"]["text"]


def test_stars_of_a_filter_are_shown_as_they_are(administered):
    words = "schedule daily spend 60d by key model:*claude* in #spend"
    assert "`spend 60d by key model:*claude*`" in say(administered, words)
    click(administered, listed(administered), "schedule_run")
    tick(administered)
    [posted] = [m for m in administered.slack.messages("spend") if m.get("metadata")]
    assert "only `model:*claude*`" in json.dumps(posted)


def test_it_says_who_will_see_a_report_in_a_channel_and_offers_to_change_that(administered):
    say(administered, "schedule weekly spend by creator in #spend")
    message = administered.slack.ephemerals("ada", "general")[-1]
    channel = administered.slack.channel("spend").id
    assert f"<#{channel}> is a public channel: everyone in this workspace" in message["text"]
    [change] = [b["accessory"] for b in message["blocks"] if "accessory" in b]
    assert change["text"]["text"] == "Change"
    assert change["action_id"] == "schedule_edit"
    assert "public channel" not in administered.words("schedule weekly spend by creator to me")
