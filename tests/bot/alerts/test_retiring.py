"""Alerts on models that will be retired, from the words to the direct message."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bot.store.usage import details
from reports.alerts.kinds.retiring import stage
from tests.bot.alerts.watch import DAY, HOUR, MINUTE, NOON, Truth, Watch, watching

TODAY = NOON.date()


def ends(there: Watch, **days: int | None) -> None:
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
    there.store.keep_fact(details.MODELS, json.dumps(kept))


def turn(there: Watch, truth: Truth, by: timedelta = MINUTE) -> None:
    there.clock.now += by
    there.sync(truth, back=2 * DAY)
    there.tick()


def texts(there: Watch) -> list[str]:
    return [message["text"] for message in there.heard()]


def test_a_model_in_use_triggers_30_7_and_1_days_before_its_last_day(
    there: Watch, truth: Truth
) -> None:
    ends(there, x=32, y=10, z=None)  # nobody uses b/y
    truth.use(NOON - HOUR, 5, "prod")
    truth.use(NOON - HOUR, 7, "evals")
    there.sync(truth, back=40 * DAY)
    there.set_up("alert retiring")
    sent: dict[int, str] = {}
    for day in range(35):
        truth.use(there.clock.now, 1, "prod")
        turn(there, truth, DAY)
        for text in texts(there)[len(sent) :]:
            sent[32 - day - 1] = text
    assert sorted(sent, reverse=True) == [30, 7, 1]
    assert "OpenRouter model retires in 30 days: a/x" in sent[30]
    assert "Its last day at OpenRouter is Sun 20 Dec 2026." in sent[30]
    users = "Ada Lovelace $8.00, Grace Hopper $7.00"
    assert f"Spend in the past 30 days: $15.00, by {users}." in sent[30]
    assert "OpenRouter model retires in 7 days: a/x" in sent[7]
    assert "OpenRouter model retires tomorrow: a/x" in sent[1]


def test_a_model_that_nobody_uses_anymore_does_not_trigger(there: Watch, truth: Truth) -> None:
    ends(there, x=20)
    truth.used.clear()
    truth.use(NOON - 8 * DAY, 5, "prod")
    there.sync(truth, back=40 * DAY)
    there.set_up("alert retiring")
    turn(there, truth)
    assert texts(there) == []


def test_a_new_end_date_triggers_again(there: Watch, truth: Truth) -> None:
    ends(there, x=20)
    there.sync(truth, back=40 * DAY)
    there.set_up("alert retiring")
    turn(there, truth)
    ends(there, x=25)
    turn(there, truth)
    turn(there, truth)
    first, second = texts(there)
    assert "in 20 days" in first
    assert "in 25 days" in second


def test_only_the_usage_that_a_rule_is_about_counts(there: Watch, truth: Truth) -> None:
    ends(there, x=20, y=20)
    truth.use(NOON - HOUR, 5, "evals", "b/y")
    there.sync(truth, back=40 * DAY)
    there.set_up("alert retiring creator:grace@example.com")
    turn(there, truth)
    [text] = texts(there)
    assert "b/y" in text
    assert "Spend in the past 30 days: $5.00, by Grace Hopper $5.00." in text


def test_own_visibility_limits_retiring_models_to_those_in_use(
    tmp_path: Path, truth: Truth
) -> None:
    with watching(tmp_path / "activity.db", NOON, ACTIVITY_VISIBILITY="own") as there:
        ends(there, x=20, y=20)
        truth.use(NOON - HOUR, 5, "evals", "b/y")
        there.sync(truth, back=40 * DAY)
        there.set_up("alert retiring", user="grace")
        turn(there, truth)
        [message] = there.heard("grace")
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
