"""Alerts on models that will be retired, from the words to the direct message."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bot.store.usage import openrouter_facts
from reports.alerts.kinds.retiring import stage
from tests.bot.alerts.alert_bot import DAY, HOUR, MINUTE, NOON, AlertBot, Truth, running_bot

TODAY = NOON.date()


def ends(bot: AlertBot, **days: int | None) -> None:
    """OpenRouter's list has models with last days so many days ahead; None: no end date."""
    slugs = {"x": "a/x", "y": "b/y", "z": "c/z"}
    models = [
        {
            "slugs": [slugs[name]], "name": slugs[name], "price": None,
            "ends": None if left is None else (TODAY + left * DAY).isoformat(),
        }
        for name, left in days.items()
    ]  # fmt: skip
    kept = {"at": NOON.isoformat(), "models": models}
    bot.store.keep_fact(openrouter_facts.MODELS, json.dumps(kept))


def turn(bot: AlertBot, truth: Truth, by: timedelta = MINUTE) -> None:
    bot.clock.now += by
    bot.sync(truth, back=2 * DAY)
    bot.tick()


def texts(bot: AlertBot) -> list[str]:
    return [message["text"] for message in bot.direct_messages()]


def test_a_model_in_use_triggers_30_7_and_1_days_before_its_last_day(
    bot: AlertBot, truth: Truth
) -> None:
    ends(bot, x=32, y=10, z=None)  # nobody uses b/y
    truth.use(NOON - HOUR, 5, "prod")
    truth.use(NOON - HOUR, 7, "evals")
    bot.sync(truth, back=40 * DAY)
    bot.set_up("alert retiring")
    sent: dict[int, str] = {}
    for day in range(35):
        truth.use(bot.clock.now, 1, "prod")
        turn(bot, truth, DAY)
        for text in texts(bot)[len(sent) :]:
            sent[32 - day - 1] = text
    assert sorted(sent, reverse=True) == [30, 7, 1]
    assert "OpenRouter model retires in 30 days: a/x" in sent[30]
    assert "Its last day at OpenRouter is Sun 20 Dec 2026." in sent[30]
    users = "prod $8.00, evals $7.00"
    assert f"Spend in the past 30 days: $15.00, by {users}." in sent[30]
    assert "OpenRouter model retires in 7 days: a/x" in sent[7]
    assert "OpenRouter model retires tomorrow: a/x" in sent[1]


def test_a_model_that_nobody_uses_anymore_does_not_trigger(bot: AlertBot, truth: Truth) -> None:
    ends(bot, x=20)
    truth.used.clear()
    truth.use(NOON - 8 * DAY, 5, "prod")
    bot.sync(truth, back=40 * DAY)
    bot.set_up("alert retiring")
    turn(bot, truth)
    assert texts(bot) == []


def test_a_new_end_date_triggers_again(bot: AlertBot, truth: Truth) -> None:
    ends(bot, x=20)
    bot.sync(truth, back=40 * DAY)
    bot.set_up("alert retiring")
    turn(bot, truth)
    ends(bot, x=25)
    turn(bot, truth)
    turn(bot, truth)
    first, second = texts(bot)
    assert "in 20 days" in first
    assert "in 25 days" in second


def test_only_the_usage_that_a_rule_is_about_counts(bot: AlertBot, truth: Truth) -> None:
    ends(bot, x=20, y=20)
    truth.use(NOON - HOUR, 5, "evals", "b/y")
    bot.sync(truth, back=40 * DAY)
    bot.set_up("alert retiring creator:grace@example.com")
    turn(bot, truth)
    [text] = texts(bot)
    assert "b/y" in text
    assert "Spend in the past 30 days: $5.00, by Grace Hopper $5.00." in text


def test_own_visibility_limits_retiring_models_to_those_in_use(
    tmp_path: Path, truth: Truth
) -> None:
    with running_bot(tmp_path / "activity.db", NOON, ACTIVITY_VISIBILITY="own") as bot:
        ends(bot, x=20, y=20)
        truth.use(NOON - HOUR, 5, "evals", "b/y")
        bot.sync(truth, back=40 * DAY)
        bot.set_up("alert retiring", user="grace")
        turn(bot, truth)
        [message] = bot.direct_messages("grace")
        assert "b/y" in message["text"]
        assert "Ada" not in json.dumps(message)


@given(st.integers(0, 400))
def test_each_day_before_the_last_one_is_in_one_stage(left: int) -> None:
    last = date(2026, 12, 20)
    found = stage(last, last - left * DAY)
    assert (found is None) == (left > 30)
    if found:
        days = (last - found.start.date()).days, (last - found.end.date()).days
        assert days == ((30, 7) if left > 7 else (7, 1) if left > 1 else (1, -1))
        assert days[1] < left <= days[0]
