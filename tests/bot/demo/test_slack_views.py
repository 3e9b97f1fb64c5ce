"""``views.*``: short-lived triggers, three modals deep, homes, and outdated hashes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.demo.slack import LocalSlack
from tests.bot.demo.slack_help import error_of, refusal

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def now() -> list[datetime]:
    return [NOON]


@pytest.fixture
def slack(now: list[datetime]) -> Iterator[LocalSlack]:
    with LocalSlack(clock=lambda: now[0]) as local:
        yield local


def modal(title: str = "Schedule", **fields: object) -> dict[str, object]:
    divider = {"type": "divider"}
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": title},
        "blocks": [divider],
        **fields,
    }


def home(text: str = "Hello") -> dict[str, object]:
    header = {"type": "header", "text": {"type": "plain_text", "text": text}}
    return {"type": "home", "blocks": [header]}


def trigger(slack: LocalSlack, user: str = "ada") -> str:
    return slack.modals.issue_trigger(slack.user(user).id)


def titles(slack: LocalSlack) -> list[str]:
    return [view["title"]["text"] for view in slack.views("ada")]


def test_a_modal_opens_before_its_person(slack, client):
    view = client.views_open(trigger_id=trigger(slack), view=modal(private_metadata="7"))["view"]
    assert (view["private_metadata"], view["root_view_id"]) == ("7", view["id"])
    assert titles(slack) == ["Schedule"]
    assert slack.views("grace") == []


def test_a_trigger_works_once(slack, client):
    once = trigger(slack)
    client.views_open(trigger_id=once, view=modal())
    assert error_of(client.views_open, trigger_id=once, view=modal()) == "exchanged_trigger_id"
    assert error_of(client.views_open, trigger_id="1.2.3", view=modal()) == "invalid_trigger_id"


def test_a_trigger_works_for_three_seconds(slack, client, now):
    in_time, late = trigger(slack), trigger(slack)
    now[0] += timedelta(seconds=3)
    client.views_open(trigger_id=in_time, view=modal())
    now[0] += timedelta(seconds=0.1)
    assert error_of(client.views_open, trigger_id=late, view=modal()) == "expired_trigger_id"


def test_modals_lie_three_deep(slack, client):
    client.views_open(trigger_id=trigger(slack), view=modal("1"))
    client.views_push(trigger_id=trigger(slack), view=modal("2"))
    top = client.views_push(trigger_id=trigger(slack), view=modal("3"))["view"]
    error = error_of(client.views_push, trigger_id=trigger(slack), view=modal("4"))
    assert error == "push_limit_reached"
    assert titles(slack) == ["1", "2", "3"]
    assert top["previous_view_id"] == slack.views("ada")[1]["id"]


def test_it_points_at_what_is_wrong_with_a_view(slack, client):
    answer = refusal(client.views_open, trigger_id=trigger(slack), view=modal("x" * 25))
    assert answer["error"] == "invalid_arguments"
    [message] = answer["response_metadata"]["messages"]
    assert message == "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]"
    assert slack.views("ada") == []


def test_a_home_cannot_be_opened_nor_a_modal_published(slack, client):
    ada = slack.user("ada").id
    error = error_of(client.views_open, trigger_id=trigger(slack), view=home())
    assert error == "invalid_arguments"
    assert error_of(client.views_publish, user_id=ada, view=modal()) == "invalid_arguments"


def test_a_modal_can_be_updated_unless_it_changed(slack, client):
    view = client.views_open(trigger_id=trigger(slack), view=modal("1", external_id="e"))["view"]
    client.views_update(view_id=view["id"], hash=view["hash"], view=modal("2", external_id="e"))
    error = error_of(client.views_update, view_id=view["id"], hash=view["hash"], view=modal("3"))
    assert error == "hash_conflict"
    client.views_update(external_id="e", view=modal("4"))
    assert titles(slack) == ["4"]
    assert error_of(client.views_update, view_id="V0NONE", view=modal()) == "not_found"


def test_a_closed_modal_cannot_be_updated(slack, client):
    view = client.views_open(trigger_id=trigger(slack), view=modal())["view"]
    slack.modals.take_away(slack.user("ada").id)
    assert error_of(client.views_update, view_id=view["id"], view=modal("2")) == "not_found"


@pytest.mark.parametrize(
    ("element", "problem"),
    [
        ({"max_length": 3, "initial_value": "four"}, "must be less than 4 characters"),
        ({"dispatch_action_config": {"trigger_actions_on": ["never"]}}, "valid enum value"),
        ({"dispatch_action_config": {}}, "missing required field: trigger_actions_on"),
    ],
)
def test_an_input_must_be_one_that_slack_takes(slack, client, element, problem):
    label = {"type": "plain_text", "text": "Words"}
    field = {"type": "plain_text_input", "action_id": "a", **element}
    view = modal(blocks=[{"type": "input", "label": label, "element": field}], submit=label)
    answer = refusal(client.views_open, trigger_id=trigger(slack), view=view)
    assert problem in answer["response_metadata"]["messages"][0]


def test_a_shortcut_carries_a_trigger(slack, app, bot_client, client):
    opened = []

    @app.shortcut("report")
    def on_report(ack, body):
        opened.append(client.views_open(trigger_id=body["trigger_id"], view=modal())["ok"])
        ack()

    assert bot_client.shortcut("ada", "report").ok
    assert opened == [True]


def test_a_home_is_each_persons_own(slack, client):
    ada = slack.user("ada").id
    first = client.views_publish(user_id=ada, view=home())["view"]
    again = client.views_publish(user_id=ada, view=home("Again"), hash=first["hash"])["view"]
    assert first["id"] == again["id"]
    assert slack.home("ada")["blocks"][0]["text"]["text"] == "Again"
    assert slack.home("grace") is None
    error = error_of(client.views_publish, user_id=ada, view=home(), hash=first["hash"])
    assert error == "hash_conflict"
    assert error_of(client.views_publish, user_id="U0NOBODY", view=home()) == "user_not_found"


def test_listeners_are_notified_of_views_and_homes(slack, client):
    heard = []
    slack.listen(lambda kind, _: heard.append(kind))
    client.views_open(trigger_id=trigger(slack), view=modal())
    client.views_publish(user_id=slack.user("ada").id, view=home())
    assert [kind for kind in heard if kind != "call"] == ["view", "home"]
