"""Signed but malformed bodies: whatever Slack's key has signed, the answer is never a 500."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from tests.bot.http.test_endpoints import sign
from tests.world import World, wait_until

NUMBER = count()
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, "", "x", "\x00", "\ud800", [], {}, [[]], [None], {"": None}, "<@U1>",
    {"id": None}, {"id": ["U1"]}, [{"id": 1}], "block_actions", "9" * 400,
)  # fmt: skip


def payloads() -> dict[str, dict[str, Any]]:
    """Payloads as Slack sends them, by kind."""
    user = {"id": "U0DEMO00001", "username": "ada", "team_id": "T0DEMO00001"}
    base = {
        "user": user,
        "team": {"id": "T0DEMO00001", "domain": "demo"},
        "api_app_id": "A1",
        "token": "t",
        "trigger_id": "1.2.3",
        "enterprise": None,
        "is_enterprise_install": False,
        "response_url": "http://127.0.0.1:9/none",
    }
    view = {
        "id": "V1",
        "hash": "1",
        "type": "modal",
        "callback_id": "form_question",
        "private_metadata": "{}",
        "title": {"type": "plain_text", "text": "Ask"},
        "state": {
            "values": {"b": {"form_ask_period": {"type": "plain_text_input", "value": "1d"}}}
        },
    }
    found = {
        "block_actions": {
            **base,
            "type": "block_actions",
            "channel": {"id": "C1", "name": "general"},
            "container": {"type": "message", "message_ts": "1.1", "channel_id": "C1"},
            "message": {"ts": "1.1", "blocks": []},
        },
        "view_submission": {**base, "type": "view_submission", "view": view},
        "view_closed": {**base, "type": "view_closed", "view": view},
        "shortcut": {**base, "type": "shortcut", "callback_id": "activity_report"},
        "message_action": {**base, "type": "message_action", "callback_id": "x"},
        "block_suggestion": {**base, "type": "block_suggestion", "action_id": "x", "value": ""},
    }
    for action in (
        "export_csv", "follow_by", "schedule_pause", "alert_snooze", "home_ask", "form_ask_by",
    ):  # fmt: skip
        acted = {"action_id": action, "block_id": "b", "value": "1", "action_ts": "1.2"}
        acted["type"] = "button"
        found[action] = {**found["block_actions"], "view": view, "actions": [acted]}
    return found


def events() -> dict[str, dict[str, Any]]:
    """Events as Slack sends them, by kind."""
    said = {"user": "U0DEMO00001", "channel": "D1", "ts": "1.1", "text": "help", "team": "T1"}
    return {
        kind: {
            "type": "event_callback",
            "team_id": "T0DEMO00001",
            "api_app_id": "A1",
            "event_id": "Ev1",
            "event_time": 1,
            "authorizations": [{"team_id": "T0DEMO00001", "user_id": "U2", "is_bot": True}],
            "event": {**said, "type": kind, **more},
        }
        for kind, more in {
            "message": {"channel_type": "im"},
            "app_mention": {},
            "app_home_opened": {"tab": "home"},
            "reaction_added": {"item": {"type": "message"}},
        }.items()
    } | {"url": {"type": "url_verification", "challenge": "c", "token": "t"}}


COMMAND = {
    "command": "/activity", "text": "help", "team_id": "T0DEMO00001", "user_id": "U0DEMO00001",
    "channel_id": "C1", "response_url": "http://127.0.0.1:9/none", "trigger_id": "1.2.3",
    "token": "t", "team_domain": "demo", "api_app_id": "A1",
}  # fmt: skip


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where everything in a JSON value is."""
    inside = value.items() if isinstance(value, dict) else ()
    inside = enumerate(value) if isinstance(value, list) else inside
    return [at, *(path for name, one in inside for path in paths(one, (*at, name)))]


def changed(value: Any, path: tuple[Any, ...], new: Any, *, gone: bool) -> Any:
    """A JSON value with another part at a path, or without it."""
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1 and gone:
        del copy[path[0]]
    else:
        copy[path[0]] = changed(copy[path[0]], path[1:], new, gone=gone)
    return copy


def as_form(payload: Any) -> tuple[bytes, str]:
    return ("payload=" + quote_plus(json.dumps(payload))).encode(), FORM


def as_event(payload: Any) -> tuple[bytes, str]:
    return json.dumps(payload).encode(), JSON


SEEDS: list[tuple[Any, Callable[[Any], tuple[bytes, str]]]] = [
    *((one, as_form) for one in payloads().values()),
    *((one, as_event) for one in events().values()),
]


@st.composite
def malformed(draw: st.DrawFn) -> tuple[bytes, str]:
    """A body that is nearly as Slack sends it, and its content type."""
    if draw(st.integers(0, 5)) == 0:
        fields: dict[str, Any] = dict(COMMAND)
        for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=4)):
            fields.pop(name, None)
            if draw(st.booleans()):
                fields[name] = draw(st.text(st.characters(codec="utf-8"), max_size=20))
        body, kind = urlencode(fields).encode(), FORM
    else:
        value, packed = draw(st.sampled_from(SEEDS))
        for _ in range(draw(st.integers(1, 3))):
            path = draw(st.sampled_from(paths(value)))
            value = changed(
                value, path, draw(st.sampled_from(ODD)), gone=bool(path) and draw(st.booleans())
            )
        body, kind = packed(value)
    if draw(st.integers(0, 3)) == 0 and body:
        at = draw(st.integers(0, len(body) - 1))
        body = body[:at] + draw(st.binary(max_size=4)) + body[at + draw(st.integers(0, 4)) :]
    return body, draw(st.sampled_from([kind, kind, kind, JSON, FORM, "text/plain", ""]))


def knock(world: World, body: bytes, kind: str) -> int:
    """The status of a signed request."""
    # another time each, since a request with the same signature is taken once
    stamp = str(int(world.bot.clock().timestamp()) - next(NUMBER) % 250)
    headers = {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": sign(body, stamp, world.slack.signing_secret),
    }
    return world.bot_client.sender.post(body, headers).status


@how(max_examples=250)  # `make trust` sends 10,000
@given(malformed())
def test_no_signed_body_makes_the_server_fail(shared: World, one: tuple[bytes, str]) -> None:
    assert knock(shared, *one) in {200, 400, 401, 404}


@pytest.mark.parametrize("kind", [JSON, FORM, "text/plain"])
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"payload=" + b"%5B" * 100_000,
        b"payload=%7B%22type%22%3A%22block_actions%22%7D",
        b"payload=" + b"%7B%22a%22%3A" * 30_000,
        b"payload=1e999",
        b"payload=NaN",
        b"payload=" + b"9" * 50_000,
        b"&" * 100_000,
        b"a=1&" * 20_000,
        b'{"type": "event_callback", "event": 7}',
        b'{"type": "event_callback", "event": {"type": {}}}',
    ],
)
def test_deep_and_odd_bodies_do_not_either(shared: World, body: bytes, kind: str) -> None:
    assert knock(shared, body, kind) in {200, 400, 401, 404}


@pytest.mark.parametrize("body", [b"\xff\xfe", b"text=\xe9", b'{"type": "\x80"}'])
def test_a_signed_body_that_is_no_utf8_is_malformed_and_not_badly_signed(
    shared: World, body: bytes
) -> None:
    assert knock(shared, body, FORM) == 400


@pytest.mark.parametrize("path", [("user", "id"), ("actions", 0, "value"), ("channel", "id")])
def test_half_a_surrogate_pair_is_refused_and_everything_else_is_still_stored(
    shared: World, path: tuple[Any, ...]
) -> None:
    body, kind = as_form(changed(payloads()["export_csv"], path, "\ud800", gone=False))
    assert knock(shared, body, kind) == 400
    assert knock(shared, *as_event(changed(events()["message"], ("event", "ts"), "\udfff",
                                           gone=False))) == 400  # fmt: skip
    whole = {**COMMAND, "text": "help \U0001f600"}
    assert knock(shared, urlencode(whole).encode(), FORM) == 200
    before = shared.bot.audit.count()
    shared.words("spend 1d")
    wait_until(lambda: shared.bot.audit.flush() and shared.bot.audit.count() > before)


def test_the_seeds_are_as_slack_sends_them(shared: World) -> None:
    for value, packed in SEEDS:
        assert knock(shared, *packed(value)) in {200, 404}, value
    assert dict(parse_qsl(urlencode(COMMAND))) == COMMAND
