"""Forecast alerts say how sure they are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.bot.alerts.alert_bot import DAY, MINUTE, NOON, AlertBot, Truth


@pytest.mark.parametrize("words", ["", " by key", " tz America/New_York", " key:prod"])
def test_the_message_has_the_range_and_the_record(bot: AlertBot, words: str) -> None:
    truth = Truth()
    for day in range(200):
        truth.use(NOON - day * DAY - timedelta(hours=1), 8 + day % 5, "prod")
    bot.sync(truth, back=210 * DAY)
    bot.set_up(f"alert forecast > $100 per month{words}")
    bot.clock.now += MINUTE
    bot.tick()
    [message] = bot.direct_messages()
    assert "At this pace the month will end at $" in message["text"]
    assert "Four times out of five it ends between $" in message["text"]
    assert "such a forecast was off by" in message["text"]
