"""``chat.*``, ``conversations.*`` and ``users.*`` through slack_sdk over real HTTP."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from urllib.request import Request, urlopen

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.demo.slack import LocalSlack
from bot.demo.slack.api import SCOPES
from tests.bot.demo.slack_help import client_of, error_of, refusal

HEADER = {"type": "header", "text": {"type": "plain_text", "text": "Spend"}}
HISTORY = {"channels:history", "groups:history", "im:history"}


def with_scopes(*more: str, **kwargs) -> LocalSlack:
    return LocalSlack(scopes=SCOPES | set(more), **kwargs)


def test_it_tells_who_the_bot_is(slack, client):
    answer = client.auth_test()
    assert answer["team_id"] == slack.team_id
    assert (answer["user_id"], answer["bot_id"]) == (slack.bot_user_id, slack.bot_id)
    assert "chat:write" in answer.headers["X-OAuth-Scopes"].split(",")


def test_it_keeps_what_was_posted(slack, client):
    where = slack.channel("spend").id
    metadata = {"event_type": "report", "event_payload": {"run": "7"}}
    answer = client.chat_postMessage(
        channel=where, text="$15.9", blocks=[HEADER], metadata=metadata
    )
    [message] = slack.messages("spend")
    assert message["ts"] == answer["ts"]
    assert message["text"] == "$15.9"
    assert message["metadata"] == metadata
    assert message["blocks"][0]["block_id"]
    assert (message["bot_id"], message["app_id"]) == (slack.bot_id, slack.app_id)


def test_it_takes_forms_as_well_as_json(slack):
    form = f"channel={slack.channel('spend').id}&blocks=%5B%7B%22type%22%3A%22divider%22%7D%5D"
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    with urlopen(Request(f"{slack.api_url}chat.postMessage", form.encode(), headers)) as answer:
        assert json.load(answer)["ok"]
    assert slack.messages("spend")[0]["blocks"][0]["type"] == "divider"


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("C0NOWHERE", "channel_not_found"),
        ("archive", "is_archived"),
        ("random", "not_in_channel"),
        ("", "channel_not_found"),
    ],
)
def test_it_refuses_to_post_where_the_bot_cannot(slack, client, place, error):
    with suppress(KeyError):
        place = slack.channel(place).id
    assert error_of(client.chat_postMessage, channel=place, text="hi") == error


def test_a_private_channel_without_the_bot_does_not_exist(slack, client):
    secret = slack.workspace.add_channel("secret", [slack.user("ada")], kind="private").id
    assert error_of(client.chat_postMessage, channel=secret, text="hi") == "channel_not_found"
    assert error_of(client.conversations_info, channel=secret) == "channel_not_found"


def test_the_right_scope_opens_public_channels():
    with with_scopes("chat:write.public") as slack:
        client_of(slack).chat_postMessage(channel=slack.channel("random").id, text="hi")
        assert slack.messages("random")


def test_it_posts_to_a_person(slack, client):
    client.chat_postMessage(channel=slack.user("ada").id, text="hi")
    assert [message["text"] for message in slack.messages(slack.im("ada").id)] == ["hi"]


def test_it_does_not_post_to_someone_who_left(slack, client):
    left = slack.user("former").id
    assert error_of(client.chat_postMessage, channel=left, text="hi") == "channel_not_found"
    assert error_of(client.conversations_open, users=left) == "user_disabled"


def test_a_message_shows_something(slack, client):
    where = slack.channel("spend").id
    for nothing in ({}, {"text": ""}, {"text": " \n"}, {"text": "", "blocks": []}):
        args = {"channel": where, **nothing}
        error = error_of(client.api_call, api_method="chat.postMessage", json=args)
        assert error == "no_text"


def test_it_cuts_very_long_text(slack, client):
    client.chat_postMessage(channel=slack.channel("spend").id, text="x" * 40_001)
    assert len(slack.messages("spend")[0]["text"]) == 40_000


def test_refused_blocks_are_pointed_at(slack, client):
    bad = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}
    answer = refusal(
        client.chat_postMessage, channel=slack.channel("spend").id, text="t", blocks=[HEADER, bad]
    )
    where = "must be less than 3001 characters [json-pointer:/blocks/1/text/text]"
    assert answer["error"] == "invalid_blocks"
    assert answer["errors"] == [where]
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {where}"]
    assert slack.messages("spend") == []


def test_too_many_characters_have_an_error_of_their_own(slack, client):
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_900}}
    where = slack.channel("spend").id
    error = error_of(client.chat_postMessage, channel=where, text="t", blocks=[long] * 5)
    assert error == "msg_blocks_too_long"


def test_numbers_that_json_does_not_know_are_refused(slack, client):
    pie = {"type": "pie", "segments": [{"label": "a", "value": float("nan")}]}
    chart = {"type": "data_visualization", "title": "t", "chart": pie}
    where = slack.channel("spend").id
    assert error_of(client.chat_postMessage, channel=where, text="t", blocks=[chart])


def test_an_older_workspace_refuses_charts_and_data_tables():
    pie = {"type": "pie", "segments": [{"label": "a", "value": 1}]}
    chart = {"type": "data_visualization", "title": "t", "chart": pie}
    with LocalSlack(refuse_charts=True) as slack:
        client, where = client_of(slack), slack.channel("spend").id
        answer = refusal(client.chat_postMessage, channel=where, text="t", blocks=[HEADER, chart])
        assert answer["error"] == "invalid_blocks"
        assert answer["errors"] == ["unsupported type: data_visualization [json-pointer:/blocks/1]"]
        client.chat_postMessage(channel=where, text="t", blocks=[HEADER])
    with LocalSlack() as slack:
        where = slack.channel("spend").id
        client_of(slack).chat_postMessage(channel=where, text="t", blocks=[chart])


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"event_type": "report"}, "invalid_metadata_format"),
        ({"event_type": "a b", "event_payload": {}}, "invalid_metadata_format"),
        ({"event_type": "report", "event_payload": []}, "invalid_metadata_schema"),
        ({"event_type": "report", "event_payload": {"x": "x" * 16_000}}, "metadata_too_large"),
    ],
)
def test_it_refuses_metadata_of_another_shape(slack, client, metadata, error):
    where = slack.channel("spend").id
    assert error_of(client.chat_postMessage, channel=where, text="t", metadata=metadata) == error


def test_only_one_person_sees_an_ephemeral_message(slack, client):
    where, ada = slack.channel("general").id, slack.user("ada").id
    client.chat_postEphemeral(channel=where, user=ada, text="for you")
    assert [message["text"] for message in slack.ephemerals("ada", "general")] == ["for you"]
    assert slack.ephemerals("grace", "general") == []
    assert slack.messages("general") == []


def test_an_ephemeral_message_is_short_and_for_a_member(slack, client):
    where, ada = slack.channel("general").id, slack.user("ada").id
    outsider = slack.user("otto").id
    post = client.chat_postEphemeral
    assert error_of(post, channel=where, user=outsider, text="t") == "user_not_in_channel"
    assert error_of(post, channel=where, user=ada, text="ä" * 2_001) == "msg_too_long"
    post(channel=where, user=ada, text="ä" * 2_000)


def test_it_changes_only_the_bots_own_messages(slack, client):
    where = slack.channel("spend").id
    mine = client.chat_postMessage(channel=where, text="old", blocks=[HEADER])["ts"]
    client.chat_update(channel=where, ts=mine, text="new")
    [message] = slack.messages("spend")
    assert (message["text"], message["blocks"][0]["type"]) == ("new", "header")
    theirs = slack.chat.post_as_user(slack.channel("spend"), slack.user("ada").id, "hi")["ts"]
    assert error_of(client.chat_update, channel=where, ts=theirs, text="x") == "cant_update_message"
    assert error_of(client.chat_update, channel=where, ts="1.2", text="x") == "message_not_found"
    long = "x" * 4_001
    assert error_of(client.chat_update, channel=where, ts=mine, text=long) == "msg_too_long"


def test_it_deletes_only_the_bots_own_messages(slack, client):
    where = slack.channel("spend").id
    mine = client.chat_postMessage(channel=where, text="old")["ts"]
    theirs = slack.chat.post_as_user(slack.channel("spend"), slack.user("ada").id, "hi")["ts"]
    client.chat_delete(channel=where, ts=mine)
    assert error_of(client.chat_delete, channel=where, ts=mine) == "message_not_found"
    assert error_of(client.chat_delete, channel=where, ts=theirs) == "cant_delete_message"
    assert [message["text"] for message in slack.messages("spend")] == ["hi"]


def test_an_ephemeral_message_can_be_neither_changed_nor_deleted(slack, client):
    where, ada = slack.channel("general").id, slack.user("ada").id
    ts = client.chat_postEphemeral(channel=where, user=ada, text="for you")["message_ts"]
    assert error_of(client.chat_update, channel=where, ts=ts, text="x") == "message_not_found"
    assert error_of(client.chat_delete, channel=where, ts=ts) == "message_not_found"


def test_threads_hang_on_a_message_that_is_there():
    with with_scopes(*HISTORY) as slack:
        client, where = client_of(slack), slack.channel("spend").id
        root = client.chat_postMessage(channel=where, text="root")["ts"]
        reply = client.chat_postMessage(channel=where, text="reply", thread_ts=root)["ts"]
        client.chat_postMessage(channel=where, text="deeper", thread_ts=reply)
        error = error_of(client.chat_postMessage, channel=where, text="x", thread_ts="1.2")
        assert error == "cannot_reply_to_message"
        thread = client.conversations_replies(channel=where, ts=root)["messages"]
        assert [message["text"] for message in thread] == ["root", "reply", "deeper"]
        history = client.conversations_history(channel=where)["messages"]
        assert [message["text"] for message in history] == ["root"]
        assert error_of(client.conversations_replies, channel=where, ts="1.2") == "thread_not_found"


def test_history_comes_in_pages_newest_first():
    with with_scopes(*HISTORY, longest_history_page=2, rate_limits=False) as slack:
        client, where = client_of(slack), slack.channel("spend").id
        for number in range(5):
            client.chat_postMessage(channel=where, text=str(number))
        pages, cursor = [], None
        while True:
            page = client.conversations_history(channel=where, cursor=cursor, limit=999)
            pages.append([message["text"] for message in page["messages"]])
            cursor = page["response_metadata"]["next_cursor"]
            if not page["has_more"]:
                break
        assert pages == [["4", "3"], ["2", "1"], ["0"]]
        error = error_of(client.conversations_history, channel=where, cursor="nonsense")
        assert error == "invalid_cursor"


def test_history_is_cut_by_time_and_tells_metadata_on_request():
    with with_scopes(*HISTORY) as slack:
        client, where = client_of(slack), slack.channel("spend").id
        metadata = {"event_type": "report", "event_payload": {"run": 7}}
        first = client.chat_postMessage(channel=where, text="1")["ts"]
        second = client.chat_postMessage(channel=where, text="2", metadata=metadata)["ts"]

        def texts(**args):
            found = client.conversations_history(channel=where, **args)["messages"]
            return [message["text"] for message in found]

        assert texts(oldest=first) == ["2"]
        assert texts(oldest=first, inclusive=True) == ["2", "1"]
        assert texts(latest=second) == ["1"]
        [plain, _] = client.conversations_history(channel=where)["messages"]
        assert "metadata" not in plain
        told = client.conversations_history(channel=where, include_all_metadata=True)["messages"]
        assert told[0]["metadata"] == metadata


def test_each_kind_of_channel_needs_its_own_scope():
    with LocalSlack(scopes=SCOPES - HISTORY) as slack:
        client = WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])

        def needed(name):
            return refusal(client.conversations_history, channel=name)["needed"]

        assert needed(slack.channel("spend").id) == "channels:history"
        assert needed(slack.channel("finance").id) == "groups:history"
        assert needed(slack.im("ada").id) == "im:history"


def test_it_tells_about_channels(slack, client):
    def told(name):
        return client.conversations_info(channel=slack.channel(name).id)["channel"]

    assert told("partners")["is_ext_shared"] is True
    assert told("spend")["is_ext_shared"] is False
    assert told("finance")["is_private"] is True
    assert told("archive")["is_archived"] is True
    assert (told("spend")["is_member"], told("random")["is_member"]) == (True, False)
    slack.workspace.change_channel("spend", is_ext_shared=True)
    assert told("spend")["is_ext_shared"] is True


def test_it_opens_one_conversation_a_person(slack, client):
    first = client.conversations_open(users=slack.user("ada").id)["channel"]["id"]
    again = client.conversations_open(users=[slack.user("ada").id])["channel"]["id"]
    assert first == again == slack.im("ada").id
    assert first.startswith("D")
    assert error_of(client.conversations_open, users="U0NOBODY") == "user_not_found"


def test_it_tells_about_people(slack, client):
    def told(name):
        return client.users_info(user=slack.user(name).id)["user"]

    assert told("ada")["is_admin"] is True
    assert told("ada")["profile"]["email"] == "ada@example.com"
    assert told("guest")["is_restricted"] is True
    assert told("former")["deleted"] is True
    otto = told("otto")
    assert otto["is_stranger"] is True
    assert otto["team_id"] != slack.team_id
    assert "email" not in otto["profile"]
    assert told(slack.bot_user_id)["is_bot"] is True
    slack.workspace.change_user("ada", is_admin=False)
    assert told("ada")["is_admin"] is False


def test_it_finds_people_by_mail_but_not_those_who_left(slack, client):
    found = client.users_lookupByEmail(email="Grace@Example.com")["user"]["id"]
    assert found == slack.user("grace").id
    for mail in ("nobody@example.com", "former@example.com", "otto@other.example", ""):
        assert error_of(client.users_lookupByEmail, email=mail) == "users_not_found"


def test_mails_need_their_scope():
    with LocalSlack(scopes={"users:read"}) as slack:
        client = client_of(slack)
        told = client.users_info(user=slack.user("ada").id)["user"]
        assert "email" not in told["profile"]
        answer = refusal(client.users_lookupByEmail, email="ada@example.com")
        assert answer["error"] == "missing_scope"
        assert (answer["needed"], answer["provided"]) == ("users:read.email", "users:read")


def test_the_people_can_be_chosen():
    people = [("lin@acme.example", "Lin"), ("max@acme.example", "Max")]
    with LocalSlack(people=people) as slack:
        assert slack.user("lin").is_admin
        found = client_of(slack).users_lookupByEmail(email="max@acme.example")["user"]
        assert found["real_name"] == "Max"


def test_it_knows_its_callers(slack):
    assert error_of(WebClient("xoxb-wrong", base_url=slack.api_url).auth_test) == "invalid_auth"
    assert error_of(WebClient(base_url=slack.api_url).auth_test) == "not_authed"
    assert WebClient(base_url=slack.api_url).api_test()["ok"]


def test_it_does_not_know_every_method(slack, client):
    assert error_of(client.conversations_list) == "unknown_method"


def test_it_remembers_calls_but_no_tokens(slack, client):
    where = slack.channel("spend").id
    client.chat_postMessage(channel=where, text="hi")
    error_of(client.chat_postMessage, channel="C0NOWHERE", text="hi")
    urlopen(f"{slack.api_url}auth.test?token={slack.bot_token}").close()
    assert [(call.method, call.error) for call in slack.calls] == [
        ("chat.postMessage", None),
        ("chat.postMessage", "channel_not_found"),
        ("auth.test", None),
    ]
    assert slack.calls[0].args["channel"] == where
    assert slack.bot_token not in repr(slack.calls)


def test_it_tells_listeners_of_every_change(slack, client):
    heard = []
    stop = slack.listen(lambda kind, data: heard.append((kind, data.get("text"))))
    where = slack.channel("spend").id
    ts = client.chat_postMessage(channel=where, text="a")["ts"]
    client.chat_update(channel=where, ts=ts, text="b")
    client.chat_delete(channel=where, ts=ts)
    client.chat_postEphemeral(channel=where, user=slack.user("ada").id, text="c")
    error_of(client.chat_postMessage, channel="C0NOWHERE", text="e")
    told = [entry for entry in heard if entry[0] != "call"]
    assert told == [
        ("message", "a"),
        ("message_changed", "b"),
        ("message_deleted", "b"),
        ("ephemeral", "c"),
        ("refused", None),
    ]
    stop()
    client.chat_postMessage(channel=where, text="d")
    assert "d" not in [text for _, text in heard]


def test_timestamps_follow_the_clock_and_never_repeat():
    now = datetime(2026, 11, 22, 10, 31, tzinfo=UTC)
    with LocalSlack(clock=lambda: now) as slack:
        client, where = client_of(slack), slack.channel("spend").id
        first = client.chat_postMessage(channel=where, text="1")
        second = client.chat_postMessage(channel=where, text="2")
        assert first["ts"].startswith(f"{int(now.timestamp())}.")
        assert first["ts"] < second["ts"]
        assert first.headers["Date"] == "Sun, 22 Nov 2026 10:31:00 GMT"


def test_waiting_ends_when_it_happens_or_fails(slack, client):
    client.chat_postMessage(channel=slack.channel("spend").id, text="hi")
    assert slack.wait_for(lambda: slack.messages("spend"))[0]["text"] == "hi"
    with pytest.raises(TimeoutError):
        slack.wait_for(lambda: slack.messages("general"), timeout=0.01)


def test_an_unnamed_member_is_looked_up_by_name_or_id(slack):
    assert slack.user("ada") == slack.user(slack.user("ada").id)
    assert slack.channel("#spend") == slack.channel("spend")
    with pytest.raises(KeyError):
        slack.user("nobody")


def test_errors_reach_the_sdk_as_its_own(client):
    with pytest.raises(SlackApiError, match="channel_not_found"):
        client.chat_postMessage(channel="C0NOWHERE", text="hi")
