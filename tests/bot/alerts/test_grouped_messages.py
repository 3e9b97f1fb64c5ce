"""More than five alerts at once to one recipient: one message with the state of each."""

import json
from datetime import timedelta

from bot.demo.slack import LocalSlack
from tests.bot.alerts.alert_bot import (
    DAY,
    DOLLAR,
    HOUR,
    MINUTE,
    NOON,
    OWNERS,
    PEOPLE,
    running_bot,
)
from tests.bot.alerts.test_evaluate import limits, turn


def low(bot, truth, dollars=50) -> None:
    """The balance is so low that six rules tell."""
    bot.sync(truth, back=3 * DAY)
    balance(bot, 500)
    for limit in range(100, 160, 10):
        bot.set_up(f"alert credits < ${limit}")
    balance(bot, dollars)
    turn(bot, truth)


def balance(bot, dollars: int) -> None:
    limits(bot, credits={"total": 1_000 * DOLLAR, "used": (1_000 - dollars) * DOLLAR})


def test_a_combined_message_shows_which_alerts_are_over(bot, truth):
    low(bot, truth)
    [first] = bot.direct_messages()
    assert "6 OpenRouter alerts" in first["text"]
    assert "over" not in first["text"].splitlines()[0]
    balance(bot, 125)
    turn(bot, truth)
    [again] = bot.direct_messages()
    assert again["ts"] == first["ts"]
    assert again["text"].startswith("6 OpenRouter alerts, 2 resolved")
    assert "Resolved. The credit balance is $125.00, back above $100.00." in again["text"]
    [reply] = bot.thread_replies()
    assert reply["text"].count(":white_check_mark:") == 2
    balance(bot, 500)
    turn(bot, truth)
    assert bot.direct_messages()[0]["text"].startswith("6 OpenRouter alerts, all resolved")
    assert "Acknowledge all" not in json.dumps(bot.direct_messages()[0]["blocks"])
    assert len(bot.thread_replies()) == 2


def test_a_combined_message_shows_periods_that_ended(bot, truth):
    bot.sync(truth, back=3 * DAY)
    for limit in range(10, 16):
        bot.set_up(f"alert spend > ${limit} per day tz UTC")
    truth.use(NOON, 60)
    turn(bot, truth)
    turn(bot, truth, 15 * HOUR + 10 * MINUTE, back=2 * DAY)
    turn(bot, truth)
    [message] = bot.direct_messages()
    assert message["text"].startswith("6 OpenRouter alerts, all resolved")
    assert "The day ended at $60.00, $50.00 over the $10.00 limit." in message["text"]


def test_alerts_redirected_from_a_creator_are_in_the_combined_message(bot, truth):
    people = [(ref, name, email.replace("grace@", "gone@")) for ref, name, email in PEOPLE]
    bot.store.list_members([], people, [*OWNERS])
    bot.sync(truth, back=3 * DAY)
    for limit in range(10, 14):
        bot.set_up(f"alert spend > ${limit} per day")
    bot.set_up("alert spend > $20 per day by key to owner")
    for key in ("evals", "lab"):
        truth.use(NOON, 60, key)
    turn(bot, truth)
    [message] = bot.direct_messages()
    assert "6 OpenRouter alerts" in message["text"]
    assert "For some of these: gone@example.com" in message["text"]
    assert "For some of these: The key's owner has no" in message["text"]


def test_an_undeliverable_combined_message_is_split_by_owner(bot, truth):
    bot.sync(truth, back=3 * DAY)
    channel = bot.slack.channel("spend").id
    for number, user in enumerate(("ada", "grace") * 3):
        words = f"alert spend > ${10 + number} per day in <#{channel}|spend>"
        bot.set_up(words, user=user)
    bot.slack.workspace.change_channel("spend", is_archived=True)
    truth.use(NOON, 60)
    turn(bot, truth)
    turn(bot, truth)
    assert bot.channel_messages("spend") == []
    for user, own, other in (("ada", "$10.00", "$11.00"), ("grace", "$11.00", "$10.00")):
        [message] = bot.direct_messages(user)
        assert message["text"].startswith("3 OpenRouter alerts")
        assert f"over {own} today" in message["text"]
        assert f"above {other} today" not in message["text"]


def test_later_events_are_sent_without_their_thread_if_it_is_gone(tmp_path, truth):
    slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
    with running_bot(tmp_path / "activity.db", NOON, slack) as bot:
        bot.sync(truth, back=3 * DAY)
        limits(bot)
        channel = bot.slack.channel("spend").id
        bot.set_up(f"alert budget 80% 100% in <#{channel}|spend>")
        truth.use(NOON + MINUTE, 85, "evals")
        turn(bot, truth, 2 * MINUTE)
        assert len(bot.channel_messages("spend")) == 1
        bot.slack.workspace.change_channel("spend", is_archived=True)
        bot.clock.now += HOUR
        truth.use(NOON + 2 * MINUTE, 20, "evals")
        turn(bot, truth)
        turn(bot, truth)
        [message] = bot.direct_messages()
        assert "OpenRouter budget more than 100% used" in message["text"]
        assert "105% used" in message["text"]
        assert "archived" in message["text"]
