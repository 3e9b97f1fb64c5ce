"""What people do reaches a real Bolt app over signed HTTP, and its answers come back."""

import json
from typing import Any

import pytest

from bot.demo.slack import Forge, LocalSlack, escaped


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def option(value: str) -> dict[str, Any]:
    return {"text": plain(value), "value": value}


BUTTON = {"type": "button", "action_id": "more", "value": "v1", "text": plain("More")}
MENU = {
    "type": "static_select",
    "action_id": "period",
    "options": [option("1d"), option("1m")],
    "initial_option": option("1d"),
}
ROW = {"type": "actions", "block_id": "row", "elements": [BUTTON, MENU]}
MODAL = {
    "type": "modal",
    "title": plain("Schedule"),
    "submit": plain("Save"),
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "what",
            "label": plain("Report"),
            "element": {"type": "plain_text_input", "action_id": "query", "initial_value": "spend"},
        },
        {
            "type": "input",
            "block_id": "who",
            "label": plain("People"),
            "element": {"type": "multi_users_select", "action_id": "people"},
        },
        {"type": "section", "block_id": "when", "text": plain("Every"), "accessory": MENU},
    ],
}


@pytest.fixture
def seen(app) -> list[dict[str, Any]]:
    """Every body that the app's middleware let through."""
    bodies: list[dict[str, Any]] = []

    @app.middleware
    def note(body, next):  # noqa: A002 - Bolt's own name
        bodies.append(body)
        next()

    return bodies


def test_a_command_is_acknowledged_and_answered_for_its_person_alone(slack, app, bot_client):
    @app.command("/activity")
    def run(ack, respond, command):
        ack()
        respond(f"{command['user_name']} in {command['channel_name']}: {command['text']}")

    ack = bot_client.command("ada", "general", "spend 1m by model")
    assert (ack.ok, ack.status, ack.body) == (True, 200, "")
    [shown] = slack.wait_for(lambda: slack.ephemerals("ada", "general"))
    assert shown["text"] == "ada in general: spend 1m by model"
    assert slack.messages("general") == []


def test_a_command_says_where_and_who_as_slack_does(slack, app, bot_client, seen):
    @app.command("/usage")
    def run(ack):
        ack()

    bot_client.command("ada", slack.im("ada").id, "creator:<@U0DEMO00002|grace>", command="/usage")
    [body] = seen
    assert (body["channel_name"], body["command"]) == ("directmessage", "/usage")
    assert (body["team_id"], body["api_app_id"]) == (slack.team_id, slack.app_id)
    assert body["text"] == "creator:<@U0DEMO00002|grace>"
    assert body["is_enterprise_install"] == "false"
    assert "enterprise_id" not in body


def test_an_acknowledgement_can_be_the_answer(slack, app, bot_client):
    @app.command("/activity")
    def run(ack):
        ack(text="at once", response_type="in_channel")

    assert bot_client.command("ada", "general").ok
    assert [message["text"] for message in slack.messages("general")] == ["at once"]


def test_a_refused_acknowledgement_is_an_error(slack, app, bot_client):
    @app.command("/activity")
    def run(ack):
        ack(text="t", blocks=[{"type": "nonsense"}])

    assert bot_client.command("ada", "general").error == "invalid_blocks"
    assert slack.ephemerals("ada", "general") == []


def test_a_trigger_of_a_command_opens_a_modal(slack, app, bot_client):
    @app.command("/activity")
    def run(ack, client, body):
        client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        ack()

    bot_client.command("ada", "general")
    assert [view["title"]["text"] for view in slack.views("ada")] == ["Schedule"]


def test_unhandled_and_unreachable_are_told_apart(slack, bot_client):
    assert (
        bot_client.command("ada", "general").status,
        bot_client.command("ada", "general").ok,
    ) == (
        404,
        False,
    )
    nowhere = slack.bot_client("http://127.0.0.1:1/slack/events").command("ada", "general")
    assert (nowhere.status, nowhere.error) == (0, "dispatch_failed")


def posted(slack, client, channel="spend", blocks=None) -> str:
    where = slack.channel(channel).id
    return str(client.chat_postMessage(channel=where, text="t", blocks=blocks or [ROW])["ts"])


def test_a_click_tells_what_where_and_by_whom(slack, app, client, bot_client, seen):
    @app.action("more")
    def more(ack, respond):
        ack()
        respond(text="replaced", replace_original=True)

    ts = posted(slack, client)
    assert bot_client.click("grace", "spend", ts, "more").ok
    slack.wait_for(lambda: slack.messages("spend")[0]["text"] == "replaced")
    [body] = seen
    [action] = body["actions"]
    assert (action["block_id"], action["value"], action["type"]) == ("row", "v1", "button")
    assert body["container"]["message_ts"] == body["message"]["ts"] == ts
    assert body["user"]["id"] == slack.user("grace").id
    assert body["user"]["team_id"] == body["team"]["id"] == slack.team_id
    assert body["state"]["values"]["row"]["period"]["selected_option"]["value"] == "1d"


def test_a_choice_is_one_of_those_on_offer(slack, app, client, bot_client, seen):
    @app.action("period")
    def period(ack):
        ack()

    ts = posted(slack, client)
    bot_client.click("ada", "spend", ts, "period", "1m")
    assert seen[0]["actions"][0]["selected_option"] == option("1m")
    assert seen[0]["state"]["values"]["row"]["period"]["selected_option"]["value"] == "1m"
    with pytest.raises(LookupError):
        bot_client.click("ada", "spend", ts, "period", "9y")
    with pytest.raises(LookupError):
        bot_client.click("ada", "spend", ts, "less")


def test_someone_of_another_company_clicks_under_our_team(slack, app, client, bot_client, seen):
    @app.action("more")
    def more(ack):
        ack()

    bot_client.click("otto", "partners", posted(slack, client, "partners"), "more")
    [body] = seen
    assert body["team"]["id"] == slack.team_id
    assert body["user"]["team_id"] == slack.user("otto").team_id != slack.team_id


def test_a_click_on_an_ephemeral_message_carries_no_message(slack, app, client, bot_client, seen):
    @app.action("more")
    def more(ack, respond):
        ack()
        respond(delete_original=True)

    where, ada = slack.channel("general").id, slack.user("ada").id
    ts = client.chat_postEphemeral(channel=where, user=ada, text="t", blocks=[ROW])["message_ts"]
    with pytest.raises(LookupError):
        bot_client.click("grace", "general", ts, "more")
    bot_client.click("ada", "general", ts, "more")
    slack.wait_for(lambda: not slack.ephemerals("ada", "general"))
    assert "message" not in seen[0]
    assert seen[0]["container"]["is_ephemeral"] is True


def opened(slack: LocalSlack, client: Any) -> str:
    trigger_id = slack.modals.issue_trigger(slack.user("ada").id)
    return str(
        client.views_open(trigger_id=trigger_id, view={**MODAL, "callback_id": "save"})["view"][
            "id"
        ]
    )


def test_a_modal_is_sent_off_with_what_was_filled_in(slack, app, client, bot_client, seen):
    @app.view("save")
    def save(ack):
        ack()

    grace = slack.user("grace").id
    assert bot_client.submit("ada", opened(slack, client), {"people": [grace], "period": "1m"}).ok
    values = seen[0]["view"]["state"]["values"]
    assert values["what"]["query"] == {"type": "plain_text_input", "value": "spend"}
    assert values["who"]["people"]["selected_users"] == [grace]
    assert values["when"]["period"]["selected_option"]["value"] == "1m"
    assert slack.views("ada") == []


def test_a_modal_with_mistakes_stays_open(slack, app, client, bot_client):
    @app.view("save")
    def save(ack):
        ack(response_action="errors", errors={"what": "No such word"})

    view_id = opened(slack, client)
    assert bot_client.submit("ada", view_id, {"query": "spned"}).ok
    [view] = slack.views("ada")
    assert view["_errors"] == {"what": "No such word"}
    with pytest.raises(LookupError):
        bot_client.submit("ada", view_id, {"color": "red"})


@pytest.mark.parametrize(
    ("answer", "titles"),
    [
        ({"response_action": "update", "view": {**MODAL, "title": plain("2")}}, ["2"]),
        ({"response_action": "push", "view": {**MODAL, "title": plain("2")}}, ["Schedule", "2"]),
        ({"response_action": "clear"}, []),
    ],
)
def test_a_submission_can_lead_on(slack, app, client, bot_client, answer, titles):
    @app.view("save")
    def save(ack):
        ack(**answer)

    assert bot_client.submit("ada", opened(slack, client)).ok
    assert [view["title"]["text"] for view in slack.views("ada")] == titles


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"response_action": "errors", "errors": {"nowhere": "x"}}, "invalid_errors"),
        ({"response_action": "update", "view": {"type": "modal"}}, "invalid_arguments"),
    ],
)
def test_a_submission_answered_wrongly_is_an_error(slack, app, client, bot_client, answer, error):
    @app.view("save")
    def save(ack):
        ack(**answer)

    assert bot_client.submit("ada", opened(slack, client)).error == error
    assert len(slack.views("ada")) == 1


def test_a_closed_modal_is_reported_on_request(slack, app, client, bot_client, seen):
    @app.view_closed("save")
    def closed(ack):
        ack()

    assert bot_client.close("ada", opened(slack, client)).ok
    assert slack.views("ada") == []
    trigger_id = slack.modals.issue_trigger(slack.user("ada").id)
    quiet = client.views_open(trigger_id=trigger_id, view={**MODAL, "notify_on_close": False})
    assert bot_client.close("ada", quiet["view"]["id"]) is None
    assert [body["type"] for body in seen] == ["view_closed"]


def test_a_home_is_opened_and_clicked_in(slack, app, client, bot_client, seen):
    @app.event("app_home_opened")
    def show(event, client):
        client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [ROW]})

    @app.action("more")
    def more(ack):
        ack()

    assert bot_client.home_opened("ada").ok
    slack.wait_for(lambda: slack.home("ada"))
    assert bot_client.click_in_view("ada", "more").ok
    assert seen[1]["view"]["id"] == slack.home("ada")["id"]
    assert "response_url" not in seen[1]


def test_a_menu_in_a_modal_can_be_used_before_sending(slack, app, client, bot_client, seen):
    @app.action("period")
    def period(ack):
        ack()

    view_id = opened(slack, client)
    assert bot_client.click_in_view("ada", "period", "1m", view_id=view_id).ok
    assert seen[0]["container"] == {"type": "view", "view_id": view_id}
    assert len(slack.views("ada")) == 1


def test_words_to_the_bot_arrive_as_events(slack, app, bot_client, seen):
    @app.event("app_mention")
    def mentioned(event, say):
        say("in channel")

    @app.event("message")
    def told(event, say):
        say("directly")

    assert bot_client.mention("ada", "spend", "spend 1d").ok
    assert bot_client.message("ada", "help").ok
    slack.wait_for(lambda: len(slack.messages("spend")) == 2)
    slack.wait_for(lambda: len(slack.messages(slack.im("ada").id)) == 2)
    mention, message = (body["event"] for body in seen)
    assert mention["text"] == f"<@{slack.bot_user_id}> spend 1d"
    assert (message["channel_type"], message["text"]) == ("im", "help")


def test_an_event_can_be_told_again(app, bot_client, seen):
    @app.event("app_home_opened")
    def show():
        pass

    event = {"type": "app_home_opened", "user": "U0DEMO00001", "tab": "home"}
    for retry in range(4):
        assert bot_client.event(event, event_id="Ev1", retry=retry).ok
    assert [body["event_id"] for body in seen] == ["Ev1"] * 4


FORGED = [
    Forge(signature="wrong"),
    Forge(signature="missing"),
    Forge(seconds_off=-600),
    Forge(seconds_off=600),
]


@pytest.mark.parametrize("forge", FORGED, ids=str)
def test_forged_requests_are_turned_away(app, bot_client, seen, forge):
    @app.command("/activity")
    def run(ack):
        ack()

    ack = bot_client.command("ada", "general", "spend", forge=forge)
    assert (ack.status, ack.error) == (401, "dispatch_failed")
    assert seen == []
    assert bot_client.command("ada", "general", "spend").ok


@pytest.mark.parametrize(
    "forge",
    [Forge(timestamp="soon"), Forge(timestamp="١٧٩٥"), Forge(signature="non-ascii")],
    ids=str,
)
def test_malformed_requests_do_not_run_the_command(app, bot_client, seen, forge):
    @app.command("/activity")
    def run(ack):
        ack()

    assert not bot_client.command("ada", "general", "spend", forge=forge).ok
    assert seen == []


def test_a_foreign_team_is_forged_on_every_way_in(slack, app, client, bot_client, seen):
    @app.command("/activity")
    @app.action("more")
    def run(ack):
        ack()

    @app.event("app_home_opened")
    def show():
        pass

    foreign = Forge(team_id="T0FOREIGN")
    bot_client.command("ada", "general", forge=foreign)
    bot_client.click("ada", "spend", posted(slack, client), "more", forge=foreign)
    bot_client.home_opened("ada", forge=foreign)
    command, click, event = seen
    assert command["team_id"] == event["team_id"] == "T0FOREIGN"
    assert click["team"]["id"] == click["user"]["team_id"] == "T0FOREIGN"


def test_the_same_bytes_can_be_sent_again(app, bot_client, seen):
    @app.command("/activity")
    def run(ack):
        ack()

    ack = bot_client.command("ada", "general", "spend")
    assert bot_client.replay(ack).status == 200
    assert seen[0] == seen[1]


def test_slack_checks_the_request_url(app, bot_client, seen):
    assert bot_client.ssl_check().status == 200
    challenge = bot_client.url_verification("3eZbrw1aB")
    assert json.loads(challenge.body) == {"challenge": "3eZbrw1aB"}
    assert seen == []


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("creator:@ada", "creator:<@U0DEMO00001|ada>"),
        ("ada@example.com", "ada@example.com"),
        ("@ada", "<@U0DEMO00001|ada>"),
        ("in #general and #finance", "in <#C0DEMO00001|general> and <#C0DEMO00003|>"),
        ("a < b & c", "a &lt; b &amp; c"),
        ("@nobody", "@nobody"),
    ],
)
def test_typed_mentions_are_escaped(slack, typed, sent):
    assert escaped(slack.workspace, typed) == sent
