"""Limits as rows and lines."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.demo.slack.blocks import validate
from reports.questions.slack.balance import limits_json, limits_message, limits_section, limits_text
from reports.usage.format import money
from reports.usage.limits import Limit, fullest_first
from reports.usage.usage import NANO

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


def test_a_limit_says_how_much_is_used_and_when_it_resets() -> None:
    limit = Limit("prod", 40 * NANO, 10 * NANO, "monthly", DECEMBER)
    line = f"• prod: {money(10 * NANO)} of {money(40 * NANO)} (25"
    assert limits_text([limit]).startswith(line)
    assert limits_text([limit]).endswith("resets Tue 1 Dec")


def test_what_is_not_known_is_unknown_and_not_nothing() -> None:
    limit = Limit("prod", 40 * NANO, None)
    assert "unknown of" in limits_text([limit])
    [plain] = limits_json([limit], "/activity", None)["budgets"]
    assert (plain["spent"], plain["share"]) == (None, None)


def test_the_fullest_limit_comes_first_and_unknown_ones_last() -> None:
    limits = [Limit("a", 10, None), Limit("b", 10, 5), Limit("c", 10, 12)]
    assert [one.label for one in fullest_first(limits)] == ["c", "b", "a"]


def test_slack_takes_many_limits_with_hostile_names() -> None:
    limits = [Limit("<!channel> & `x` " * 9, 10**18, 10**17)] * 400
    message = limits_message(limits)
    assert validate(list(message.blocks)) == []
    assert "<!channel>" not in message.text
    assert validate(limits_section(limits)) == []
    assert "<!channel>" not in str(limits_section(limits))
