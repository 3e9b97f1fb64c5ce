"""Modals over the real app: opened, looked at, wrong at a field, mended, saved, once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.access.policy import FOREIGN
from bot.demo.slack import Ack, Forge
from bot.demo.slack.payloads import Choice
from bot.modals.modal import TOO_LATE
from reports.questions.slack.form import SHORTCUT
from tests.world import World, say


def home(world: World, user: str = "ada") -> None:
    """Open somebody's Home."""
    before = published(world)
    world.bot_client.home_opened(user)
    world.slack.wait_for(lambda: published(world) > before)


def published(world: World) -> int:
    return sum(call.method == "views.publish" for call in world.slack.calls)


def filled(world: World, user: str = "ada") -> dict[str, Any]:
    """The modal in front of somebody, once it can be filled in."""
    return world.slack.wait_for(
        lambda: next((view for view in world.slack.views(user) if view["submit"]), None)
    )


def opened(
    world: World, button: str, user: str = "ada", block: str | None = None
) -> dict[str, Any]:
    """Open a modal from the Home."""
    home(world, user)
    before = {view["id"] for view in world.slack.views(user)}
    world.bot_client.click_in_view(user, button, block_id=block)
    world.slack.wait_for(lambda: {view["id"] for view in world.slack.views(user)} - before)
    return filled(world, user)


def elements(view: dict[str, Any]) -> dict[str, Any]:
    """The inputs of a modal, by their id."""
    inputs = (block for block in view["blocks"] if block["type"] == "input")
    return {block["block_id"]: block["element"] for block in inputs}


def looked(world: World, view: dict[str, Any], name: str, choice: Choice, **values: Choice) -> str:
    """Change something in a modal, and give what it foresees then."""
    user = view_user(world, view)
    world.bot_client.click_in_view(user, name, choice, view_id=view["id"], values=values)
    fresh = world.slack.wait_for(
        lambda: next((v for v in world.slack.views(user) if v["hash"] != view["hash"]), None)
    )
    view.clear()
    view.update(fresh)
    return preview_text(view)


def view_user(world: World, view: dict[str, Any]) -> str:
    return str(world.slack.modals.by_id[view["id"]]["_user"])


def preview_text(view: dict[str, Any]) -> str:
    """What a modal says of what would come of it."""
    found = next(block for block in view["blocks"] if block["block_id"] == "form_preview")
    return str(found["text"]["text"])


def errors(ack: Ack) -> dict[str, str]:
    """What a submission was refused for, by field."""
    answer = json.loads(ack.body)
    assert answer["response_action"] == "errors"
    return dict(answer["errors"])


def schedules(world: World) -> list[str]:
    return [
        f"{entry.draft.question} {entry.draft.schedule} {entry.draft.target}"
        for entry in world.bot.reports.schedules.of(None)
    ]


def alerts(world: World) -> list[str]:
    return [entry.draft.words for entry in world.bot.alerts.rules.of(None)]


# -- schedules


def test_a_schedule_is_set_up_from_the_home_and_listed_there(administered):
    view = opened(administered, "home_schedule")
    before = published(administered)
    assert administered.bot_client.submit("ada", view["id"]).body == ""
    assert schedules(administered) == [
        "spend last week by creator weekly mon 09:00 Europe/Berlin person"
    ]
    administered.slack.wait_for(lambda: published(administered) > before)
    assert "My schedules (1)" in json.dumps(administered.slack.home("ada"))
    assert administered.slack.views("ada") == []


def test_it_says_when_it_comes_next_and_what_it_would_say(administered):
    view = opened(administered, "home_schedule")
    said = preview_text(view)
    assert "*Next:* Mon" in said
    assert "*Preview* (last week): " in said  # on some days of the week there was none
    said = looked(administered, view, "form_often", "daily")
    assert "(yesterday): spend" in said
    assert "form_days" not in elements(view)
    said = looked(administered, view, "form_often", "monthly")
    assert "(last month)" in said
    assert "form_month_day" in elements(view)
    said = looked(administered, view, "form_question", "spend by kye")
    assert ":warning:" in said
    said = looked(administered, view, "form_question", "how much did ada spend")
    assert ":warning:" not in said


def test_a_channel_is_asked_for_and_looked_at(administered):
    view = opened(administered, "home_schedule")
    said = looked(administered, view, "form_to", "channel")
    assert "Choose a channel for the report." in said
    partners = administered.slack.channel("partners").id
    said = looked(administered, view, "form_channel", partners, form_to="channel")
    assert "shared with another company" in said
    values = {"form_to": "channel", "form_channel": partners}
    wrong = errors(administered.bot_client.submit("ada", view["id"], values))
    assert list(wrong) == ["form_channel"]
    values["form_channel"] = administered.slack.channel("spend").id
    assert administered.bot_client.submit("ada", view["id"], values).body == ""
    assert schedules(administered)[0].endswith("channel")


def test_a_private_channel_takes_reports_of_its_members_only(administered):
    finance = administered.slack.channel("finance").id
    values = {"form_to": "channel", "form_channel": finance}
    view = opened(administered, "home_schedule", "grace")
    looked(administered, view, "form_to", "channel")
    said = looked(administered, view, "form_channel", finance, form_to="channel")
    assert "You aren't a member of that private channel." in said
    wrong = errors(administered.bot_client.submit("grace", view["id"], values))
    assert "You aren't a member of that private channel." in wrong["form_channel"]
    assert schedules(administered) == []
    view = opened(administered, "home_schedule", "ada")
    looked(administered, view, "form_to", "channel")
    assert administered.bot_client.submit("ada", view["id"], values).body == ""
    assert len(schedules(administered)) == 1


@pytest.mark.parametrize(
    ("values", "field", "problem"),
    [
        ({"form_question": "spnd by key"}, "form_question", "spend"),
        ({"form_question": "spend key:prood"}, "form_question", "key:prod"),
        ({"form_zone": "Berln"}, "form_zone", "Europe/Berlin"),
        ({"form_days": []}, "form_days", "at least one day"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_can_be_mended(administered, values, field, problem):
    view = opened(administered, "home_schedule")
    wrong = errors(administered.bot_client.submit("ada", view["id"], values))
    assert problem in wrong[field]
    assert schedules(administered) == []
    assert administered.bot_client.submit("ada", view["id"]).body == ""
    assert len(schedules(administered)) == 1


def test_sent_twice_it_is_set_up_once(administered):
    view = opened(administered, "home_schedule")
    first, second = (administered.bot_client.submit("ada", view["id"]) for _ in range(2))
    assert (first.body, second.body) == ("", "")
    assert len(schedules(administered)) == 1


def edit(world: World, user: str = "ada") -> dict[str, Any]:
    """The modal of somebody's only schedule, opened from their Home or an admin's list."""
    return opened(world, "schedule_edit", user)


def test_a_schedule_is_edited_and_keeps_what_was_not_touched(administered):
    administered.words("schedule weekly tokens by key to me csv mon,thu 8:30 Asia/Kathmandu")
    view = edit(administered)
    ticked = [one["value"] for one in elements(view)["form_days"]["initial_options"]]
    assert ticked == ["mon", "thu"]
    assert administered.bot_client.submit("ada", view["id"], {"form_at": "10:15"}).body == ""
    assert schedules(administered) == [
        "tokens yesterday by key csv weekly mon,thu 10:15 Asia/Kathmandu person"
    ]


def test_who_edits_what_was_changed_meanwhile_sees_that_first(administered):
    administered.words("schedule weekly spend by key to me")
    one, two = edit(administered), edit(administered)
    assert administered.bot_client.submit("ada", one["id"], {"form_at": "10:00"}).body == ""
    answer = json.loads(administered.bot_client.submit("ada", two["id"], {"form_at": "11:00"}).body)
    assert answer["response_action"] == "update"
    assert "Someone else changed this schedule" in json.dumps(answer["view"])
    assert "10:00" in schedules(administered)[0]
    assert administered.bot_client.submit("ada", two["id"], {"form_at": "11:00"}).body == ""
    assert "11:00" in schedules(administered)[0]


def test_who_edits_what_was_deleted_meanwhile_reads_so(administered):
    administered.words("schedule weekly spend by key to me")
    view = edit(administered)
    [entry] = administered.bot.reports.schedules.of(None)
    administered.bot.reports.schedules.remove(entry.id)
    answer = json.loads(
        administered.bot_client.submit("ada", view["id"], {"form_at": "11:00"}).body
    )
    assert "no longer exists" in json.dumps(answer["view"])
    assert schedules(administered) == []


def test_of_two_who_save_at_once_only_one_does(administered):
    administered.words("schedule weekly spend by key to me")
    administered.words("alert spend > $50 per day by key")
    schedules_, rules = administered.bot.reports.schedules, administered.bot.alerts.rules
    [entry], [rule] = schedules_.of(None), rules.of(None)
    later = replace(entry.draft, question="spend last week")
    assert schedules_.change(entry.id, later, entry.draft) is not None
    assert schedules_.change(entry.id, replace(later, question="tokens 1d"), entry.draft) is None
    assert rules.change(rule.id, rule.draft, version=rule.version) is not None
    assert rules.change(rule.id, rule.draft, version=rule.version) is None


def test_a_form_under_an_old_answer_is_confirmed_in_the_direct_messages(administered):
    administered.words("spend 7d by key")
    [answer] = administered.slack.ephemerals("ada", "general")
    administered.bot_client.click("ada", "general", answer["ts"], "answer_schedule")
    view = filled(administered)
    administered.slack.fail("response_url", 404, times=3)
    assert administered.bot_client.submit("ada", view["id"]).body == ""
    dm = administered.slack.im("ada").id
    said = administered.slack.wait_for(lambda: administered.slack.messages(dm))
    assert said[0]["text"].startswith("Scheduled: ")


def test_who_slack_does_not_name_reads_so_in_the_modal(administered):
    administered.slack.fail("users.info", 500, times=1)
    administered.bot_client.shortcut("ada", SHORTCUT)
    said = "Slack isn't telling me who you are right now"
    administered.slack.wait_for(lambda: said in json.dumps(administered.slack.views("ada")))


def test_a_click_that_slack_expired_gets_a_hint_to_click_again(administered):
    home(administered)
    administered.slack.fail("views.open", "expired_trigger_id")
    administered.bot_client.click_in_view("ada", "home_schedule")
    dm = administered.slack.im("ada").id
    [said] = administered.slack.wait_for(lambda: administered.slack.messages(dm))
    assert said["text"] == TOO_LATE


def test_what_is_paused_and_deleted_in_the_home_is_seen_there_alone(administered):
    administered.words("schedule weekly spend by key to me")
    home(administered)
    for act, seen in (("schedule_pause", "paused by"), ("schedule_delete", "None yet. A sched")):
        before = published(administered)
        administered.bot_client.click_in_view("ada", act)
        administered.slack.wait_for(lambda before=before: published(administered) > before)
        assert seen in json.dumps(administered.slack.home("ada"))
    assert administered.slack.messages(administered.slack.im("ada").id) == []


def test_slack_being_slow_is_waited_for_behind_one_moment(administered, monkeypatch):
    monkeypatch.setattr("bot.listeners.forms.WAIT_SECONDS", 0)
    view = opened(administered, "home_schedule")
    answer = json.loads(administered.bot_client.submit("ada", view["id"]).body)
    assert "One moment" in json.dumps(answer["view"])
    administered.slack.wait_for(lambda: "Done." in json.dumps(administered.slack.views("ada")))
    assert len(schedules(administered)) == 1


# -- alerts


def test_an_alert_is_set_up_from_the_home_and_listed_there(administered):
    view = opened(administered, "home_alert")
    assert "(whole organization)" in preview_text(view)
    before = published(administered)
    assert administered.bot_client.submit("ada", view["id"], {"form_limit_above": "500"}).body == ""
    assert alerts(administered) == ["spend > $500 per day tz Europe/Berlin"]
    administered.slack.wait_for(lambda: published(administered) > before)
    assert "My alerts (1)" in json.dumps(administered.slack.home("ada"))


def test_each_kind_of_alert_asks_for_what_it_needs(administered):
    view = opened(administered, "home_alert")
    shown = {}
    for kind in ("spike", "budget", "credits", "forecast", "new", "sync", "above"):
        said = looked(administered, view, "form_kind", kind)
        assert ":warning:" not in said, (kind, said)
        shown[kind] = set(elements(view)) - {"form_kind", "form_to", "form_urgent"}
    assert shown == {
        "spike": {"form_limit_spike", "form_by", "form_whose"},
        "budget": {"form_limit_budget", "form_by", "form_whose"},
        "credits": {"form_limit_credits"},
        "forecast": {"form_metric", "form_limit_forecast", "form_by", "form_whose",
                     "form_zone_forecast"},
        "new": {"form_what", "form_by", "form_whose"},
        "sync": set(),
        "above": {
            "form_metric", "form_limit_above", "form_unit", "form_by", "form_whose", "form_zone"
        },
    }  # fmt: skip


def test_a_forecast_is_in_the_organizations_zone_by_form_as_by_words(administered):
    view = opened(administered, "home_alert")
    looked(administered, view, "form_kind", "forecast", form_limit_above="500")
    assert elements(view)["form_zone_forecast"]["initial_value"] == "UTC"
    values = {"form_kind": "forecast", "form_limit_forecast": "$900"}
    assert administered.bot_client.submit("ada", view["id"], values).body == ""
    administered.words("alert forecast > $800 per month")
    by_form, by_words = sorted(alerts(administered), key=lambda words: "$800" in words)
    assert by_form.replace("$900", "$800") == by_words
    assert "tz UTC" in by_words
    wrong = opened(administered, "home_alert")
    looked(administered, wrong, "form_kind", "forecast")
    said = administered.bot_client.submit("ada", wrong["id"], {"form_zone_forecast": "Berln"})
    assert "form_zone_forecast" in errors(said)


def test_what_is_wrong_with_an_alert_is_said_at_its_field(administered):
    view = opened(administered, "home_alert")
    values = {"form_limit_above": "€5"}
    wrong = errors(administered.bot_client.submit("ada", view["id"], values))
    assert "US dollars" in wrong["form_limit_above"]
    wrong = errors(administered.bot_client.submit("ada", view["id"], {"form_whose": "key:prood"}))
    assert "key:prod" in wrong["form_whose"]
    wrong = errors(administered.bot_client.submit("ada", view["id"], {"form_to": "owner"}))
    assert "form_to" in wrong
    assert alerts(administered) == []


def test_who_edits_an_alert_that_was_changed_meanwhile_sees_that_first(administered):
    administered.words("alert spend > $50 per day by key")
    one, two = (opened(administered, "alert_edit") for _ in range(2))
    assert administered.bot_client.submit("ada", one["id"], {"form_limit_above": "$60"}).body == ""
    answer = json.loads(
        administered.bot_client.submit("ada", two["id"], {"form_limit_above": "$70"}).body
    )
    assert "Someone else changed this alert" in json.dumps(answer["view"])
    assert "$60" in alerts(administered)[0]
    assert administered.bot_client.submit("ada", two["id"], {"form_limit_above": "$70"}).body == ""
    assert "$70" in alerts(administered)[0]


@pytest.mark.parametrize("what", ["alert", "schedule"])
def test_an_admin_who_edits_what_is_somebody_elses_reads_whose_it_is(administered, what):
    ada = administered.slack.user("ada").id
    administered.words("alert spend > $50 per day creator:me")
    administered.words("schedule daily spend creator:me to me")
    say(administered, f"{what}s", "katherine")
    listed = administered.slack.ephemerals("katherine", "general")[-1]
    buttons = [block for block in listed["blocks"] if block["type"] == "actions"]
    before = listed["blocks"][listed["blocks"].index(buttons[-1]) - 1]
    assert "spend" in json.dumps(before)
    administered.bot_client.click(
        "katherine", "general", listed["ts"], f"{what}_edit", block_id=buttons[-1]["block_id"]
    )
    view = filled(administered, "katherine")
    assert f"Set up by <@{ada}>" in json.dumps(view)
    assert "Its owner (DM)" in json.dumps(elements(view)["form_to"])
    looked(administered, view, "form_to", "channel")
    assert "Me (DM)" not in json.dumps(view)
    own = opened(administered, f"{what}_edit", "ada")
    assert "Me (DM)" in json.dumps(own)
    assert "Its owner" not in json.dumps(own)


# -- the question as a form


def asked(world: World, user: str = "ada") -> dict[str, Any]:
    """The form that the global shortcut opens."""
    ack = world.bot_client.shortcut(user, SHORTCUT)
    assert (ack.status, ack.body) == (200, "")
    return filled(world, user)


def test_the_shortcut_asks_and_is_answered_in_the_direct_messages(administered):
    view = asked(administered)
    assert "/activity 1d" in preview_text(view)
    values = {"form_ask_metric": "tokens", "form_ask_period": "7d", "form_ask_files": ["csv"]}
    values["form_ask_by"] = "key"
    assert administered.bot_client.submit("ada", view["id"], values).body == ""
    dm = administered.slack.im("ada").id

    def arrived() -> list[dict[str, Any]]:
        """A file that takes long is announced before it comes."""
        said = administered.slack.messages(dm)
        return [one for one in said if not one["text"].startswith("Preparing")]

    administered.slack.wait_for(lambda: len(arrived()) == 2)
    answer, file = arrived()
    assert answer["text"].startswith("Tokens by API key, past 7 days")
    assert "38.5K" in answer["text"]
    assert file["files"][0]["name"].endswith(".csv")


def test_the_shortcut_can_answer_a_whole_channel_but_no_outsiders(administered):
    view = asked(administered)
    values = {"form_ask_to": "channel"}
    looked(administered, view, "form_ask_to", "channel")
    for name, problem in (("partners", "another company"), ("random", "I'm not in that channel")):
        values["form_ask_channel"] = administered.slack.channel(name).id
        wrong = errors(administered.bot_client.submit("ada", view["id"], values))
        assert problem in wrong["form_ask_channel"]
    values["form_ask_channel"] = administered.slack.channel("spend").id
    assert administered.bot_client.submit("ada", view["id"], values).body == ""
    [message] = administered.slack.wait_for(lambda: administered.slack.messages("spend"))
    assert "shared this" in message["text"]


def test_a_private_channel_takes_alerts_of_its_members_only(administered):
    finance = administered.slack.channel("finance").id
    values = {"form_to": "channel", "form_channel": finance, "form_limit_above": "$50"}
    for user in ("grace", "ada"):
        view = opened(administered, "home_alert", user)
        looked(administered, view, "form_to", "channel")
        sent = administered.bot_client.submit(user, view["id"], values)
        if user == "grace":
            wrong = errors(sent)["form_channel"]
            assert wrong.startswith("You aren't a member of that private channel.")
        else:
            assert sent.body == ""
    [rule] = administered.bot.alerts.rules.of(administered.slack.user("ada").id)
    assert finance in rule.draft.words
    assert administered.bot.alerts.rules.of(administered.slack.user("grace").id) == []


def test_the_shortcut_answers_a_private_channel_for_its_members_only(administered):
    administered.bot_client.shortcut("grace", SHORTCUT)
    view = filled(administered, "grace")
    looked(administered, view, "form_ask_to", "channel")
    finance = administered.slack.channel("finance").id
    values = {"form_ask_to": "channel", "form_ask_channel": finance}
    wrong = errors(administered.bot_client.submit("grace", view["id"], values))
    assert "You aren't a member of that private channel." in wrong["form_ask_channel"]
    view = asked(administered)
    looked(administered, view, "form_ask_to", "channel")
    assert administered.bot_client.submit("ada", view["id"], values).body == ""
    administered.slack.wait_for(lambda: administered.slack.messages("finance"))


def test_a_period_of_ones_own_and_its_mistakes(administered):
    view = asked(administered)
    looked(administered, view, "form_ask_period", "other")
    values = {"form_ask_period": "other", "form_ask_other": "3 moons"}
    assert "form_ask_other" in errors(administered.bot_client.submit("ada", view["id"], values))
    values["form_ask_other"] = "3w"
    assert administered.bot_client.submit("ada", view["id"], values).body == ""


@pytest.mark.parametrize(("user", "words"), [("guest", "Guests can't see"), ("otto", FOREIGN)])
def test_the_shortcut_is_refused_to_people_who_may_not_use_the_bot(administered, user, words):
    administered.bot_client.shortcut(user, SHORTCUT)
    dm = administered.slack.im(user).id
    administered.slack.wait_for(lambda: administered.slack.messages(dm))
    assert words in administered.slack.messages(dm)[0]["text"]
    assert not any(view["submit"] for view in administered.slack.views(user))


def test_a_modal_of_another_workspace_is_left_alone(administered):
    view = opened(administered, "home_schedule")
    administered.bot_client.submit("ada", view["id"], forge=Forge(team_id="T0OTHER0001"))
    assert schedules(administered) == []


def test_with_own_visibility_forms_foresee_only_ones_own(own):
    view = asked(own)
    said = looked(own, view, "form_ask_period", "1m")
    assert "$26" in said
    assert "$39" not in said
    view = opened(own, "home_schedule")
    values = [one["value"] for one in elements(view)["form_to"]["options"]]
    assert values == ["person", "channel"]
    wrong = errors(
        own.bot_client.submit("ada", view["id"], {"form_question": "spend creator:grace*"})
    )
    assert "form_question" in wrong
