"""Rates, and failures on demand: what a client sees, and whether the call was taken."""

import socket
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.client import IncompleteRead
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.webhook import WebhookClient

from bot.demo.slack import LocalSlack
from tests.bot.demo.slack_help import client_of, error_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def limited(call) -> int:
    with pytest.raises(SlackApiError) as refused:
        call()
    assert refused.value.response.status_code == 429
    assert refused.value.response["error"] == "ratelimited"
    return int(refused.value.response.headers["Retry-After"])


def test_posting_slows_down_to_one_a_second_and_channel():
    now = [NOON]
    with LocalSlack(clock=lambda: now[0]) as slack:
        client, where = client_of(slack), slack.channel("spend").id

        def post(place=where):
            client.chat_postMessage(channel=place, text="hi")

        for _ in range(5):
            post()
        assert limited(post) == 1
        post(slack.channel("general").id)
        now[0] += timedelta(seconds=1)
        post()
        assert limited(post) == 1
        assert len(slack.messages("spend")) == 6


@pytest.mark.parametrize(("method", "burst"), [("conversations.open", 50), ("users.info", 100)])
def test_each_method_has_its_tier(method, burst):
    with LocalSlack(clock=lambda: NOON) as slack:
        client, ada = client_of(slack), slack.user("ada").id

        def call():
            client.api_call(method, params={"user": ada, "users": ada})

        for _ in range(burst):
            call()
        assert limited(call) >= 1
        client.auth_test()


def test_limits_can_be_switched_off():
    with LocalSlack(clock=lambda: NOON, rate_limits=False) as slack:
        client, where = client_of(slack), slack.channel("spend").id
        for _ in range(20):
            client.chat_postMessage(channel=where, text="hi")
        assert len(slack.messages("spend")) == 20


def post(slack: LocalSlack, client: WebClient) -> None:
    client.chat_postMessage(channel=slack.channel("spend").id, text="hi")


@pytest.mark.parametrize("status", [500, 502, 503])
def test_it_answers_with_a_status(slack, client, status):
    slack.fail("chat.postMessage", status)
    with pytest.raises(SlackApiError) as refused:
        post(slack, client)
    assert refused.value.response.status_code == status
    post(slack, client)
    assert len(slack.messages("spend")) == 1


def test_it_asks_to_wait_and_the_sdk_obeys(slack):
    retrying = [RateLimitErrorRetryHandler(max_retry_count=1)]
    client = WebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=retrying)
    slack.fail("chat.postMessage", 429, retry_after=0)
    post(slack, client)
    assert [call.error for call in slack.calls] == ["429", None]


def test_it_refuses_by_name(slack, client):
    slack.fail("chat.postMessage", "account_inactive", "token_revoked")
    where = slack.channel("spend").id
    assert error_of(client.chat_postMessage, channel=where, text="hi") == "account_inactive"
    assert error_of(client.chat_postMessage, channel=where, text="hi") == "token_revoked"
    post(slack, client)


def test_the_whole_sequence_can_repeat(slack, client):
    slack.fail("auth.test", "fatal_error", times=2)
    assert error_of(client.auth_test) == "fatal_error"
    assert error_of(client.auth_test) == "fatal_error"
    client.auth_test()


def test_a_failure_of_all_methods_strikes_any(slack, client):
    slack.fail("*", "internal_error")
    assert error_of(client.api_test) == "internal_error"
    client.api_test()


def test_a_connection_dropped_before_leaves_nothing_behind(slack, client):
    slack.fail("chat.postMessage", "drop")
    with pytest.raises((URLError, OSError)):
        post(slack, client)
    assert slack.messages("spend") == []


def test_a_connection_dropped_after_leaves_the_message(slack, client):
    slack.fail("chat.postMessage", "drop_after")
    with pytest.raises((URLError, OSError)):
        post(slack, client)
    assert len(slack.messages("spend")) == 1


def test_the_sdks_own_retry_of_a_lost_answer_posts_twice(slack):
    slack.fail("chat.postMessage", "drop_after")
    post(slack, WebClient(slack.bot_token, base_url=slack.api_url))
    assert len(slack.messages("spend")) == 2


def test_half_an_answer_leaves_the_message(slack, client):
    slack.fail("chat.postMessage", "half")
    with pytest.raises(IncompleteRead):
        post(slack, client)
    assert len(slack.messages("spend")) == 1


def test_a_hanging_call_ends_with_the_clients_patience(slack):
    slack.fail("chat.postMessage", "hang")
    impatient = WebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[], timeout=1)
    with pytest.raises((TimeoutError, URLError)):
        post(slack, impatient)
    assert slack.messages("spend") == []


def test_each_step_of_an_upload_can_fail(slack, client):
    def send():
        client.files_upload_v2(filename="a.csv", content="x", channel=slack.channel("spend").id)

    for step in ("files.getUploadURLExternal", "upload", "files.completeUploadExternal"):
        slack.fail(step, 500)
        with pytest.raises((SlackApiError, HTTPError)):
            send()
    assert slack.files == []
    send()
    assert len(slack.files) == 1


def test_response_urls_fail_too(slack):
    hook = slack.hooks.issue(slack.user("ada").id, slack.channel("general"))
    url = WebhookClient(slack.url + hook, retry_handlers=[])
    slack.fail("response_url", 500)
    assert url.send(text="hi").status_code == 500
    slack.fail("response_url", "used_url")
    assert url.send(text="hi").status_code == 404
    assert url.send(text="hi").status_code == 200
    assert len(slack.ephemerals("ada", "general")) == 1


def test_it_stops_while_clients_hold_on():
    slack = LocalSlack().start()
    slack.fail("auth.test", "hang")
    client_of(slack).api_test()
    slack.stop()
    with pytest.raises((URLError, OSError)):
        client_of(slack).api_test()


def test_many_may_connect_before_the_first_is_accepted():
    slack = LocalSlack()  # listens, and accepts nobody until it is started
    place = urlsplit(slack.api_url).hostname, urlsplit(slack.api_url).port
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(socket.create_connection(place, timeout=10))
        stack.enter_context(slack)
        assert client_of(slack).auth_test()["ok"]


def test_a_call_that_its_client_gave_up_before_it_was_read_is_not_taken():
    slack = LocalSlack()
    place = urlsplit(slack.api_url).hostname, urlsplit(slack.api_url).port
    with socket.create_connection(place, timeout=10) as gone:
        gone.sendall(b"POST /api/api.test HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
    with slack:
        assert client_of(slack).auth_test()["ok"]
    assert [call.method for call in slack.calls] == ["auth.test"]
