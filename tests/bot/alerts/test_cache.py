"""Alerts on prompt caching that stops working, from the words to the direct message."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.bot.alerts.alert_bot import DAY, HOUR, MINUTE, NOON, AlertBot, Truth


@pytest.fixture
def truth() -> Truth:
    """A week in which both keys had 80% of their prompt tokens from a cache, and lab 10%."""
    found = Truth()
    for hours in range(4, 10 * 24, 6):
        found.use(NOON - hours * HOUR, 1, "prod", cached=80)
        found.use(NOON - hours * HOUR, 1, "evals", cached=80)
        found.use(NOON - hours * HOUR, 1, "lab", cached=10)
    return found


def use(bot: AlertBot, truth: Truth, by: timedelta, **shares: int) -> None:
    """Time passes, and the keys use a dollar's worth with these shares of cached tokens."""
    bot.clock.now += by
    for key, share in shares.items():
        truth.use(bot.clock.now - MINUTE, 1, key, cached=share)
    bot.sync(truth, back=12 * DAY)
    bot.tick()


def texts(bot: AlertBot) -> list[str]:
    return [message["text"] for message in bot.direct_messages()]


def started(bot: AlertBot, truth: Truth, words: str = "alert cache < 50% by key") -> None:
    bot.sync(truth, back=12 * DAY)
    bot.set_up(words)
    use(bot, truth, HOUR, prod=80, evals=80, lab=10)
    assert texts(bot) == []


def test_a_share_that_falls_is_sent_with_what_is_usual_and_what_that_costs(
    bot: AlertBot, truth: Truth
) -> None:
    started(bot, truth)
    use(bot, truth, 4 * HOUR, prod=20, evals=80, lab=10)
    [text] = texts(bot)
    assert "OpenRouter prompt caching below 50%: prod" in text
    assert "20.0% of prompt tokens came from a cache in the past 3 hours" in text
    # 60% of a million tokens are cached no more, at 500 nano-dollars each, in 3 hours
    assert "Usually 80.0% (the 7 days before). The difference costs about $0.10 an hour." in text


def test_a_share_that_falls_is_sent_at_any_minute_of_an_hour(bot: AlertBot, truth: Truth) -> None:
    started(bot, truth)
    use(bot, truth, 4 * HOUR + 22 * MINUTE, prod=20, evals=80, lab=10)
    [text] = texts(bot)
    assert "OpenRouter prompt caching below 50%: prod" in text
    assert "Usually 80.0%" in text


def test_a_share_that_is_back_is_told_and_may_fall_again(bot: AlertBot, truth: Truth) -> None:
    started(bot, truth)
    use(bot, truth, 4 * HOUR, prod=20)
    use(bot, truth, 4 * HOUR, prod=52)  # not clearly back
    assert bot.thread_replies() == []
    use(bot, truth, 4 * HOUR, prod=80)
    [reply] = bot.thread_replies()
    assert "80.0% of prompt tokens came from a cache in the past 3 hours, above" in reply["text"]
    use(bot, truth, 4 * HOUR, prod=20)
    assert len(texts(bot)) == 2


def test_the_whole_is_watched_without_by(bot: AlertBot, truth: Truth) -> None:
    started(bot, truth, "alert cache < 50%")
    use(bot, truth, 4 * HOUR, prod=10, evals=10, lab=10)
    [text] = texts(bot)
    assert "whole organization" in text


def test_a_key_that_never_cached_sends_nothing(bot: AlertBot, truth: Truth) -> None:
    started(bot, truth)
    for _ in range(3):
        use(bot, truth, 4 * HOUR, prod=80, evals=80, lab=5)
    assert texts(bot) == []


@pytest.mark.parametrize("known_later", [False, True])
def test_unknown_cached_figures_send_nothing(
    bot: AlertBot, truth: Truth, known_later: bool
) -> None:
    truth.figures = frozenset()
    truth.cached.clear()
    bot.sync(truth, back=12 * DAY)
    bot.set_up("alert cache < 50% by key")
    truth.figures = frozenset({"cached", "saved"}) if known_later else frozenset()
    bot.clock.now += 4 * HOUR
    truth.use(bot.clock.now - MINUTE, 1, "prod", cached=0)
    bot.sync(truth, back=3 * HOUR)  # the week before stays unknown
    bot.tick()
    assert texts(bot) == []


def test_a_handful_of_tokens_says_nothing(bot: AlertBot, truth: Truth) -> None:
    started(bot, truth)
    bot.clock.now += 4 * HOUR
    truth.use(bot.clock.now - MINUTE, 0.01, "prod", cached=0)
    bot.sync(truth, back=12 * DAY)
    bot.tick()
    assert texts(bot) == []


def test_its_details_are_the_answer_on_caching(bot: AlertBot, truth: Truth) -> None:
    started(bot, truth)
    use(bot, truth, 4 * HOUR, prod=20)
    [message] = bot.direct_messages()
    states = [block.get("block_id", "") for block in message["blocks"]]
    assert any("cache 7d by model key:prod" in state for state in states), json.dumps(states)
