"""`forecast` by every way of asking."""

import json
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bot.demo.slack import validate


def test_a_forecast_is_what_was_spent_and_what_is_to_come(ask):
    code, out, _ = ask("forecast", "this", "month", "by", "creator", "--json")
    found = json.loads(out)
    assert code == 0
    assert Decimal(found["so_far"]) + Decimal(found["to_come"]) == Decimal(found["end"])
    assert set(found["past"]) == {"samples", "mean_error", "worst_error"}
    spent = sum(Decimal(group["so_far"]) for group in found["groups"])
    assert spent == Decimal(found["so_far"])


def test_a_forecast_in_slack_says_that_there_is_too_little_to_judge_it_by(shared):
    payload = shared.ask("forecast")
    assert validate(payload["blocks"]) == []
    assert "is expected to end at" in payload["text"]
    assert "fewer than three earlier months" in payload["text"]


def test_only_a_running_period_can_be_forecast(ask):
    code, out, err = ask("forecast", "last", "month")
    assert (code, out) == (1, "")
    assert "still running" in err


def test_a_period_before_in_days_of_utc_instead_of_a_zone_is_said(ask):
    if datetime.now(ZoneInfo("Asia/Kolkata")).day == 1:
        pytest.skip("on the first day of a month, all of the month before is stored by hour")
    _, out, _ = ask("forecast", "tz", "Asia/Kolkata")
    assert "for the period before, days are UTC days" in out
