"""Alerts on prompt caching that stops working, from the words to the direct message."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.bot.alerts.watch import DAY, HOUR, MINUTE, NOON, Truth, Watch


@pytest.fixture
def truth() -> Truth:
    """A week in which both keys had 80% of their prompt tokens from a cache, and lab 10%."""
    found = Truth()
    for hours in range(4, 10 * 24, 6):
        found.use(NOON - hours * HOUR, 1, "prod", cached=80)
        found.use(NOON - hours * HOUR, 1, "evals", cached=80)
        found.use(NOON - hours * HOUR, 1, "lab", cached=10)
    return found


def use(there: Watch, truth: Truth, by: timedelta, **shares: int) -> None:
    """Time passes, and the keys use a dollar's worth with these shares of cached tokens."""
    there.clock.now += by
    for key, share in shares.items():
        truth.use(there.clock.now - MINUTE, 1, key, cached=share)
    there.sync(truth, back=12 * DAY)
    there.tick()


def texts(there: Watch) -> list[str]:
    return [message["text"] for message in there.heard()]


def started(there: Watch, truth: Truth, words: str = "alert cache < 50% by key") -> None:
    there.sync(truth, back=12 * DAY)
    there.set_up(words)
    use(there, truth, HOUR, prod=80, evals=80, lab=10)
    assert texts(there) == []


def test_a_share_that_falls_is_sent_with_what_is_usual_and_what_that_costs(
    there: Watch, truth: Truth
) -> None:
    started(there, truth)
    use(there, truth, 4 * HOUR, prod=20, evals=80, lab=10)
    [text] = texts(there)
    assert "OpenRouter prompt caching below 50%: prod" in text
    assert "20.0% of prompt tokens came from a cache in the past 3 hours" in text
    # 60% of a million tokens are cached no more, at 500 nano-dollars each, in 3 hours
    assert "Usually 80.0% (the 7 days before). The difference costs about $0.10 an hour." in text


def test_a_share_that_is_back_is_told_and_may_fall_again(there: Watch, truth: Truth) -> None:
    started(there, truth)
    use(there, truth, 4 * HOUR, prod=20)
    use(there, truth, 4 * HOUR, prod=52)  # not clearly back
    assert there.answers() == []
    use(there, truth, 4 * HOUR, prod=80)
    [reply] = there.answers()
    assert "80.0% of prompt tokens came from a cache in the past 3 hours, above" in reply["text"]
    use(there, truth, 4 * HOUR, prod=20)
    assert len(texts(there)) == 2


def test_the_whole_is_watched_without_by(there: Watch, truth: Truth) -> None:
    started(there, truth, "alert cache < 50%")
    use(there, truth, 4 * HOUR, prod=10, evals=10, lab=10)
    [text] = texts(there)
    assert "whole organization" in text


def test_a_key_that_never_cached_sends_nothing(there: Watch, truth: Truth) -> None:
    started(there, truth)
    for _ in range(3):
        use(there, truth, 4 * HOUR, prod=80, evals=80, lab=5)
    assert texts(there) == []


@pytest.mark.parametrize("known_later", [False, True])
def test_unknown_cached_figures_send_nothing(there: Watch, truth: Truth, known_later: bool) -> None:
    truth.figures = frozenset()
    truth.cached.clear()
    there.sync(truth, back=12 * DAY)
    there.set_up("alert cache < 50% by key")
    truth.figures = frozenset({"cached", "saved"}) if known_later else frozenset()
    there.clock.now += 4 * HOUR
    truth.use(there.clock.now - MINUTE, 1, "prod", cached=0)
    there.sync(truth, back=3 * HOUR)  # the week before stays unknown
    there.tick()
    assert texts(there) == []


def test_a_handful_of_tokens_says_nothing(there: Watch, truth: Truth) -> None:
    started(there, truth)
    there.clock.now += 4 * HOUR
    truth.use(there.clock.now - MINUTE, 0.01, "prod", cached=0)
    there.sync(truth, back=12 * DAY)
    there.tick()
    assert texts(there) == []


def test_its_details_are_the_answer_on_caching(there: Watch, truth: Truth) -> None:
    started(there, truth)
    use(there, truth, 4 * HOUR, prod=20)
    [message] = there.heard()
    states = [block.get("block_id", "") for block in message["blocks"]]
    assert any("cache 7d by model key:prod" in state for state in states), json.dumps(states)
