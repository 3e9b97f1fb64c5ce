"""Answers of the newer kinds in menus, on schedules and for people who see their own usage only."""

from typing import Any

import pytest

from bot.demo.slack import validate
from bot.schedules.deliver import ReportDelivery
from tests import world as worlds


def controls(payload: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The menus and buttons of a message, by action id."""
    rows = [block for block in payload["blocks"] if block["type"] == "actions"]
    return {element["action_id"]: element for row in rows for element in row["elements"]}


def test_an_answer_that_shows_a_change_offers_to_explain_it(shared):
    found = controls(shared.ask("spend 1d"))
    buttons = [one for one in found.values() if one["type"] == "button"]
    [why] = [one for one in buttons if one["text"]["text"] == "Why?"]
    assert why["value"] == "why spend 1d"


def test_a_price_has_the_menus_that_make_sense_for_it(shared):
    found = controls(shared.ask("price 7d by model"))
    assert {"follow_period", "follow_by", "export_csv", "export_pdf"} <= set(found)
    assert "follow_metric" not in found


def test_who_sees_their_own_usage_only_gets_prices_of_that(own):
    payload = own.ask("price 7d by creator", user="grace")
    assert validate(payload["blocks"]) == []
    assert "Ada" not in payload["text"]
    assert "$909.09 for a million tokens" in payload["text"]


def test_a_change_of_others_is_not_explained_to_who_sees_their_own_usage_only(own):
    text = own.words("why spend 1d", user="grace")
    assert "prod" not in text


def test_a_question_in_plain_words_says_how_it_was_read(shared):
    text = worlds.say(shared, "what is the average price per million tokens?")
    assert text.startswith("I read that as `/activity price 1m`.")
    assert "for a million tokens" in text


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("weekly price by model", "Price by model, last week"),
        ("weekly cache by key", "Cache by API key, last week"),
        ("weekly new models", "New models, last week"),
        ("weekly retiring", "Retiring models"),
        ("weekly why spend by creator", "What changed (spend) by creator, last week"),
        ("weekly forecast this month", "Forecast, this month"),
        ("weekly limits", "Limits"),
        ("weekly keys unlimited", "API keys"),
    ],
)
def test_an_answer_is_posted_on_a_schedule(administered, words, title):
    message = posted_on_schedule(administered, words)
    assert validate(message["blocks"]) == []
    assert message["text"].startswith(title)


def posted_on_schedule(administered, words) -> dict[str, Any]:
    """Set up a schedule by command, run it now by its button, and give what it posts."""
    worlds.say(administered, f"schedule {words} in #spend")
    administered.words("schedules")
    listed = administered.slack.ephemerals("ada", "general")[-1]
    row = next(block for block in listed["blocks"] if block["type"] == "actions")
    before = len(administered.slack.responses)
    administered.bot_client.click(
        "ada", "general", listed["ts"], "schedule_run", block_id=row["block_id"]
    )
    administered.slack.wait_for(lambda: administered.slack.responses[before:])
    ReportDelivery(administered.bot.reports).tick()
    [message] = [one for one in administered.slack.messages("spend") if one.get("metadata")]
    return message
