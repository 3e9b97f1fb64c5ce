"""Alerts on unused keys and on keys of people who left, from the words to the direct message."""

from __future__ import annotations

import json
from datetime import timedelta

from bot.store.sync_state import UNAVAILABLE
from tests.bot.alerts.watch import (
    DAY,
    HOUR,
    KEYS,
    MINUTE,
    NOON,
    OWNERS,
    PEOPLE,
    Truth,
    Watch,
    list_keys,
)

LONG = 70 * DAY


def turn(there: Watch, truth: Truth, by: timedelta = MINUTE) -> None:
    there.clock.now += by
    there.sync(truth, back=LONG)
    there.tick()


def started(there: Watch, truth: Truth, ago: timedelta = LONG) -> None:
    """All keys were created long ago, and usage is stored for longer than the alerts look back."""
    list_keys(there, created=ago)
    there.sync(truth, back=LONG)


def member_left(there: Watch, ref: str) -> None:
    there.store.list_members(
        [(key, name, f"sk-{name}") for key, name in KEYS],
        [one for one in PEOPLE if one[0] != ref],
        list(OWNERS),
    )


def texts(there: Watch) -> list[str]:
    return [message["text"] for message in there.heard()]


def test_an_unused_key_is_sent_once(there: Watch, truth: Truth) -> None:
    truth.use(NOON - 45 * DAY, 1, "lab")
    truth.use(NOON - DAY, 1, "evals")
    started(there, truth)
    said = there.say("alert key unused 40d")
    assert "each key that hasn't been used for 40 days" in said
    assert "*One is already unused for 40 days, so you'll get a message right away.*" in said
    for _ in range(3):
        turn(there, truth)
    [text] = texts(there)
    assert "OpenRouter key unused for 40 days: lab" in text
    assert "Last used 45 days ago." in text
    assert "disable or delete it at https://openrouter.ai/settings/keys" in text


def test_an_unused_key_is_sent_again_only_after_it_was_used(there: Watch, truth: Truth) -> None:
    truth.use(NOON - HOUR, 1, "evals")
    started(there, truth)
    there.set_up("alert key unused 40d")
    turn(there, truth)
    assert "Created 70 days ago, with no usage on record." in texts(there)[0]
    truth.use(NOON, 1, "lab")
    turn(there, truth)
    [reply] = there.answers()
    assert "Resolved.* The key is in use again." in reply["text"]
    turn(there, truth, 41 * DAY)
    assert sum("unused for 40 days: lab" in one for one in texts(there)) == 2


def test_a_key_that_is_newer_than_the_threshold_is_not_unused(there: Watch, truth: Truth) -> None:
    started(there, truth, ago=39 * DAY)
    there.set_up("alert key unused 40d")
    turn(there, truth)
    assert texts(there) == []


def test_no_key_is_called_unused_before_its_usage_is_stored(there: Watch, truth: Truth) -> None:
    list_keys(there, created=LONG)
    there.sync(truth, back=10 * DAY)
    there.set_up("alert key unused 40d")
    there.tick()
    assert texts(there) == []


def test_a_disabled_key_is_not_unused_and_ends_its_alert(there: Watch, truth: Truth) -> None:
    started(there, truth)
    there.set_up("alert key unused 40d key:lab")
    turn(there, truth)
    assert len(texts(there)) == 1
    list_keys(there, created=LONG, disabled=("hash_lab",))
    turn(there, truth)
    [reply] = there.answers()
    assert "The key was disabled or deleted." in reply["text"]


def test_a_key_of_somebody_who_left_that_still_spends_is_sent_once(
    there: Watch, truth: Truth
) -> None:
    truth.use(NOON - DAY, 5, "evals")
    truth.use(NOON - DAY, 7, "prod")
    started(there, truth)
    there.set_up("alert key orphaned")
    turn(there, truth)
    assert texts(there) == []
    member_left(there, "user_grace")
    for _ in range(3):
        turn(there, truth)
    [message] = there.heard()
    assert "OpenRouter key of someone who left still spends: evals" in message["text"]
    assert "$5.00 in the past 7 days" in message["text"]
    assert "delete this one at https://openrouter.ai/settings/keys" in message["text"]
    assert "Show details" in json.dumps(message["blocks"])


def test_a_key_of_somebody_who_left_is_sent_again_only_after_it_stopped(
    there: Watch, truth: Truth
) -> None:
    truth.use(NOON - DAY, 5, "evals")
    started(there, truth)
    member_left(there, "user_grace")
    there.set_up("alert key orphaned")
    turn(there, truth)
    turn(there, truth, 8 * DAY)
    assert "hasn't spent anything for 7 days" in there.answers()[0]["text"]
    truth.use(there.clock.now, 3, "evals")
    turn(there, truth)
    assert len(texts(there)) == 2


def test_a_key_whose_creator_is_back_ends_its_alert(there: Watch, truth: Truth) -> None:
    truth.use(NOON - DAY, 5, "evals")
    started(there, truth)
    member_left(there, "user_grace")
    there.set_up("alert key orphaned")
    turn(there, truth)
    list_keys(there, created=LONG)
    turn(there, truth)
    assert "its creator is a member again" in there.answers()[0]["text"]


def test_nobody_has_left_where_the_members_could_not_be_read(there: Watch, truth: Truth) -> None:
    truth.use(NOON - DAY, 5, "evals")
    started(there, truth)
    there.set_up("alert key orphaned")
    member_left(there, "user_grace")
    there.store.keep_fact(UNAVAILABLE, json.dumps({"members": "403"}))
    turn(there, truth)
    assert texts(there) == []
