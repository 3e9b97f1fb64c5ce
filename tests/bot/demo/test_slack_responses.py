"""Response URLs: whom an answer reaches, what it replaces, how often and how long it works."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from slack_sdk.webhook import WebhookClient

from bot.demo.slack import LocalSlack
from tests.bot.demo.slack_help import client_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HEADER = {"type": "header", "text": {"type": "plain_text", "text": "Spend"}}


@pytest.fixture
def now() -> list[datetime]:
    return [NOON]


@pytest.fixture
def slack(now: list[datetime]) -> Iterator[LocalSlack]:
    with LocalSlack(clock=lambda: now[0]) as local:
        yield local


def url_for(slack: LocalSlack, channel: str = "general", **about: object) -> WebhookClient:
    path = slack.hooks.issue(slack.user("ada").id, slack.channel(channel), **about)
    return WebhookClient(slack.url + path, retry_handlers=[])


def error(answer: object) -> tuple[int, str]:
    return answer.status_code, json.loads(answer.body)["error"]


def test_an_answer_is_for_its_person_alone(slack):
    assert url_for(slack).send(text="yours", blocks=[HEADER]).status_code == 200
    assert [message["text"] for message in slack.ephemerals("ada", "general")] == ["yours"]
    assert slack.messages("general") == []


def test_an_answer_to_all_shows_what_was_typed(slack):
    hook = url_for(slack, typed="/activity spend")
    hook.send(text="ours", response_type="in_channel")
    [message] = slack.messages("general")
    assert message["text"] == "ours"
    assert message["_typed"] == {"user": slack.user("ada").id, "text": "/activity spend"}


def test_it_works_where_the_bot_is_no_member(slack):
    url_for(slack, "random").send(text="ours", response_type="in_channel")
    assert [message["text"] for message in slack.messages("random")] == ["ours"]


def test_it_works_five_times(slack):
    hook = url_for(slack)
    assert [hook.send(text=str(number)).status_code for number in range(5)] == [200] * 5
    assert error(hook.send(text="5")) == (404, "used_url")
    assert len(slack.ephemerals("ada", "general")) == 5


def test_it_works_for_thirty_minutes(slack, now):
    hook = url_for(slack)
    now[0] += timedelta(minutes=30)
    assert hook.send(text="in time").status_code == 200
    now[0] += timedelta(seconds=1)
    assert error(hook.send(text="late")) == (404, "expired_url")
    assert len(slack.ephemerals("ada", "general")) == 1


def test_it_refuses_bad_blocks_and_empty_answers(slack):
    bad = [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]
    assert error(url_for(slack).send(text="t", blocks=bad)) == (404, "invalid_blocks")
    assert error(url_for(slack).send_dict({})) == (404, "no_text")
    assert [answer["error"] for answer in slack.responses] == ["invalid_blocks", "no_text"]
    assert slack.ephemerals("ada", "general") == []


def test_it_knows_only_urls_that_it_gave(slack):
    made_up = f"{slack.url}/commands/{slack.team_id}/1/2"
    assert error(WebhookClient(made_up).send(text="x")) == (404, "invalid_url")


def test_answers_are_kept_in_order(slack):
    hook = url_for(slack)
    hook.send(text="1")
    hook.send(text="2")
    payloads = slack.wait_for(lambda: len(slack.responses) == 2 and slack.responses)
    assert [answer["payload"]["text"] for answer in payloads] == ["1", "2"]
    assert {answer["user"] for answer in payloads} == {slack.user("ada").id}


def test_the_original_can_be_replaced_and_deleted(slack):
    client, general = client_of(slack), slack.channel("general")
    ts = client.chat_postMessage(channel=general.id, text="old", blocks=[HEADER])["ts"]
    hook = url_for(slack, message=slack.chat.find(general.id, ts))
    hook.send(text="new", replace_original=True)
    [message] = slack.messages("general")
    assert (message["ts"], message["text"], message["blocks"]) == (ts, "new", [])
    hook.send(delete_original=True)
    assert slack.messages("general") == []


def test_an_ephemeral_original_can_be_replaced_but_not_published(slack):
    client, general, ada = client_of(slack), slack.channel("general"), slack.user("ada").id
    ts = client.chat_postEphemeral(channel=general.id, user=ada, text="old")["message_ts"]
    hook = url_for(slack, message=slack.chat.find(general.id, ts))
    hook.send(text="new", replace_original=True, response_type="in_channel")
    assert [message["text"] for message in slack.ephemerals("ada", "general")] == ["new"]
    assert slack.messages("general") == []
    hook.send(delete_original=True)
    assert slack.ephemerals("ada", "general") == []


def test_without_a_wish_an_answer_to_a_click_is_new_and_for_one(slack):
    client, general = client_of(slack), slack.channel("general")
    ts = client.chat_postMessage(channel=general.id, text="old")["ts"]
    url_for(slack, message=slack.chat.find(general.id, ts)).send(text="more")
    assert [message["text"] for message in slack.messages("general")] == ["old"]
    assert [message["text"] for message in slack.ephemerals("ada", "general")] == ["more"]
