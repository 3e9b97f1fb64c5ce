"""Updated messages of alerts: one limit, one state, all figures of the same time."""

import json
import re

import pytest

from reports.alerts.slack.messages import SNOOZE
from reports.commands import parse_command
from reports.questions.wording import stamp
from tests.bot.alerts.alert_bot import DAY, HOUR, MINUTE, NOON
from tests.bot.alerts.test_evaluate import limits, turn


def fired(bot, truth, words="alert spend > $20 per day", dollars=90):
    """A rule whose line is crossed, and told."""
    bot.sync(truth, back=3 * DAY)
    entry = bot.set_up(words)
    truth.use(NOON, dollars)
    turn(bot, truth)
    return entry


def changed(bot, entry, words) -> None:
    """The rule gets another line."""
    person = bot.alerts.services.slack.person(bot.slack.user("ada").id)
    draft = bot.alert_manager.draft(person, parse_command(words), "")
    assert bot.alert_manager.change(bot.alerts.rules.get(entry.id), draft)


def acknowledged(bot) -> str:
    """The first message, once somebody acknowledged this and it is drawn anew."""
    [first] = bot.direct_messages()
    [event] = [e for e in bot.alerts.events.of_message(1) if e.event.kind == "triggered"]
    bot.alerts.states.acknowledge([event.key], "U1")
    bot.alerts.messages.mark_outdated(1)
    bot.tick()
    [again] = bot.direct_messages()
    assert "acknowledged this" in json.dumps(again)
    assert again["ts"] == first["ts"]
    return again["text"]


def test_a_message_follows_a_changed_threshold(bot, truth):
    entry = fired(bot, truth)
    truth.use(NOON + MINUTE, 60)
    turn(bot, truth)
    changed(bot, entry, "alert spend > $200 per day")
    bot.tick()
    [first] = bot.direct_messages()
    assert "*Resolved.* $150.00; the limit is $200.00." in first["text"]
    truth.use(NOON + 2 * MINUTE, 60)
    turn(bot, truth)
    turn(bot, truth)
    [first] = bot.direct_messages()
    assert "over $200.00 today" in first["text"].splitlines()[0]
    assert "*$210.00 today, $10.00 over the $200.00 limit" in first["text"]
    assert "Resolved" not in json.dumps(first)
    assert ": $90.00 today, $70.00 over the $20.00 limit." in first["text"]
    answers = [one["text"] for one in bot.thread_replies()]
    assert answers[0].startswith(":white_check_mark: *Resolved.* $150.00; the limit")
    assert answers[1].startswith(":warning: *$210.00 today, $10.00 over the $200.00 limit; at")
    assert len(answers) == 2


@pytest.mark.parametrize(
    "words", ["alert spend > $20 per day", "alert spend > $20 per hour", "alert spike"]
)
def test_the_headline_and_the_details_have_figures_of_the_same_time(bot, truth, words):
    fired(bot, truth, words)
    truth.use(NOON + MINUTE, 10, "evals")
    bot.clock.now += 2 * MINUTE
    bot.sync(truth)
    text = acknowledged(bot)
    assert "*$100.00" in text
    top = re.search(r"Top keys[^:]*: prod \$90.00[^,]*, evals \$10.00", text)
    assert top, text
    assert "First alert (today 13:01): $90.00" in text
    assert f"Data as of {stamp(bot.clock())}" in json.dumps(bot.direct_messages())


def test_a_message_says_that_the_threshold_is_no_longer_exceeded(bot, truth):
    fired(bot, truth)
    truth.use(NOON, -80)  # OpenRouter corrects its figures
    bot.clock.now += MINUTE
    bot.sync(truth)
    text = acknowledged(bot)
    assert "*Now:* $10.00; the limit is $20.00." in text


def test_a_message_after_its_period_names_the_date(bot, truth):
    bot.sync(truth, back=3 * DAY)
    limits(bot)
    bot.set_up("alert budget 80% 100%")
    truth.use(NOON + MINUTE, 85, "evals")
    turn(bot, truth, 2 * MINUTE)
    bot.slack.faults.add("*", (503,), 10_000, 1)
    truth.use(NOON + 2 * MINUTE, 20, "evals")
    turn(bot, truth)
    bot.clock.now = NOON + 12 * HOUR + 20 * MINUTE
    bot.slack.faults.clear()
    bot.tick()
    [reply] = bot.thread_replies()
    assert "105% used: $105.00 of $100.00, $5.00 over. The limit has reset since." in reply["text"]


def test_replies_in_the_thread_use_the_recipients_zone(bot, truth):
    bot.sync(truth, back=3 * DAY)
    limits(bot)
    bot.set_up("alert budget 80% 100%")
    truth.use(NOON + MINUTE, 85, "evals")
    turn(bot, truth, 2 * MINUTE)
    truth.use(NOON + 2 * MINUTE, 20, "evals")
    turn(bot, truth)
    [reply] = bot.thread_replies()
    assert "(Berlin)" in reply["text"]


@pytest.mark.parametrize(
    ("words", "offered"),
    [("alert budget 80% key:lab", 2), ("alert credits < $200", 2), ("alert spend > $3 per day", 3)],
)
def test_snooze_until_the_period_ends_is_offered_if_there_is_a_period(bot, truth, words, offered):
    bot.sync(truth, back=3 * DAY)
    limits(bot)
    bot.set_up(words)
    truth.use(NOON + MINUTE, 4, "lab")
    turn(bot, truth, 2 * MINUTE)
    [message] = bot.direct_messages()
    [menu] = [
        one
        for block in message["blocks"]
        for one in block.get("elements", [])
        if one.get("action_id") == SNOOZE
    ]
    assert len(menu["options"]) == offered


def test_a_reminder_is_added_by_one_process_only(bot, truth):
    bot.sync(truth, back=3 * DAY)
    limits(bot)
    entry = bot.set_up("alert budget 80% 100% key:lab")
    truth.use(NOON + MINUTE, 3, "lab")
    turn(bot, truth, 2 * MINUTE)
    [(place, _)] = bot.alerts.states.triggered(entry.id)
    bot.alerts.silences.add(entry.id, place[1], bot.clock() + HOUR, "U1")
    truth.use(NOON + 2 * MINUTE, 10, "lab")
    turn(bot, truth)
    bot.clock.now += HOUR
    bot.delivery.batches.create(bot.alerts.events.claim(10))
    for _ in range(3):
        turn(bot, truth)
    [reply] = bot.thread_replies()
    assert "107% used" in reply["text"]
