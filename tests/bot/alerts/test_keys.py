"""Alerts on unused keys and on keys of people who left, from the words to the direct message."""

from __future__ import annotations

import json
from datetime import timedelta

from bot.store.sync_state import UNAVAILABLE
from tests.bot.alerts.alert_bot import (
    DAY,
    HOUR,
    KEYS,
    MINUTE,
    NOON,
    OWNERS,
    PEOPLE,
    AlertBot,
    Truth,
    list_keys,
)

LONG = 70 * DAY


def turn(bot: AlertBot, truth: Truth, by: timedelta = MINUTE) -> None:
    bot.clock.now += by
    bot.sync(truth, back=LONG)
    bot.tick()


def started(bot: AlertBot, truth: Truth, ago: timedelta = LONG) -> None:
    """All keys were created long ago, and usage is stored for longer than the alerts look back."""
    list_keys(bot, created=ago)
    bot.sync(truth, back=LONG)


def member_left(bot: AlertBot, ref: str) -> None:
    bot.store.list_members(
        [(key, name, f"sk-{name}") for key, name in KEYS],
        [one for one in PEOPLE if one[0] != ref],
        list(OWNERS),
    )


def texts(bot: AlertBot) -> list[str]:
    return [message["text"] for message in bot.direct_messages()]


def test_an_unused_key_is_sent_once(bot: AlertBot, truth: Truth) -> None:
    truth.use(NOON - 45 * DAY, 1, "lab")
    truth.use(NOON - DAY, 1, "evals")
    started(bot, truth)
    said = bot.say("alert key unused 40d")
    assert "each key that hasn't been used for 40 days" in said
    assert "*One is already unused for 40 days, so you'll get a message right away.*" in said
    for _ in range(3):
        turn(bot, truth)
    [text] = texts(bot)
    assert "OpenRouter key unused for 40 days: lab" in text
    assert "Last used 45 days ago." in text
    assert "disable or delete it at https://openrouter.ai/settings/keys" in text


def test_an_unused_key_is_sent_again_only_after_it_was_used(bot: AlertBot, truth: Truth) -> None:
    truth.use(NOON - HOUR, 1, "evals")
    started(bot, truth)
    bot.set_up("alert key unused 40d")
    turn(bot, truth)
    assert "Created 70 days ago, with no usage on record." in texts(bot)[0]
    truth.use(NOON, 1, "lab")
    turn(bot, truth)
    [reply] = bot.thread_replies()
    assert "Resolved.* The key is in use again." in reply["text"]
    turn(bot, truth, 41 * DAY)
    assert sum("unused for 40 days: lab" in one for one in texts(bot)) == 2


def test_a_key_that_is_newer_than_the_threshold_is_not_unused(bot: AlertBot, truth: Truth) -> None:
    started(bot, truth, ago=39 * DAY)
    bot.set_up("alert key unused 40d")
    turn(bot, truth)
    assert texts(bot) == []


def test_no_key_is_called_unused_before_its_usage_is_stored(bot: AlertBot, truth: Truth) -> None:
    list_keys(bot, created=LONG)
    bot.sync(truth, back=10 * DAY)
    bot.set_up("alert key unused 40d")
    bot.tick()
    assert texts(bot) == []


def test_a_disabled_key_is_not_unused_and_ends_its_alert(bot: AlertBot, truth: Truth) -> None:
    started(bot, truth)
    bot.set_up("alert key unused 40d key:lab")
    turn(bot, truth)
    assert len(texts(bot)) == 1
    list_keys(bot, created=LONG, disabled=("hash_lab",))
    turn(bot, truth)
    [reply] = bot.thread_replies()
    assert "The key was disabled or deleted." in reply["text"]


def test_a_key_of_somebody_who_left_that_still_spends_is_sent_once(
    bot: AlertBot, truth: Truth
) -> None:
    truth.use(NOON - DAY, 5, "evals")
    truth.use(NOON - DAY, 7, "prod")
    started(bot, truth)
    bot.set_up("alert key orphaned")
    turn(bot, truth)
    assert texts(bot) == []
    member_left(bot, "user_grace")
    for _ in range(3):
        turn(bot, truth)
    [message] = bot.direct_messages()
    assert "OpenRouter key of someone who left still spends: evals" in message["text"]
    assert "$5.00 in the past 7 days" in message["text"]
    assert "delete this one at https://openrouter.ai/settings/keys" in message["text"]
    assert "Show details" in json.dumps(message["blocks"])


def test_a_key_of_somebody_who_left_is_sent_again_only_after_it_stopped(
    bot: AlertBot, truth: Truth
) -> None:
    truth.use(NOON - DAY, 5, "evals")
    started(bot, truth)
    member_left(bot, "user_grace")
    bot.set_up("alert key orphaned")
    turn(bot, truth)
    turn(bot, truth, 8 * DAY)
    assert "hasn't spent anything for 7 days" in bot.thread_replies()[0]["text"]
    truth.use(bot.clock.now, 3, "evals")
    turn(bot, truth)
    assert len(texts(bot)) == 2


def test_a_key_whose_creator_is_back_ends_its_alert(bot: AlertBot, truth: Truth) -> None:
    truth.use(NOON - DAY, 5, "evals")
    started(bot, truth)
    member_left(bot, "user_grace")
    bot.set_up("alert key orphaned")
    turn(bot, truth)
    list_keys(bot, created=LONG)
    turn(bot, truth)
    assert "its creator is a member again" in bot.thread_replies()[0]["text"]


def test_nobody_has_left_where_the_members_could_not_be_read(bot: AlertBot, truth: Truth) -> None:
    truth.use(NOON - DAY, 5, "evals")
    started(bot, truth)
    bot.set_up("alert key orphaned")
    member_left(bot, "user_grace")
    bot.store.keep_fact(UNAVAILABLE, json.dumps({"members": "403"}))
    turn(bot, truth)
    assert texts(bot) == []
