"""The *Why?* button under alerts and reports: what it answers, and to whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.demo.slack import validate
from bot.schedules.deliver import ReportDelivery
from tests.bot.alerts.alert_bot import DAY, NOON, AlertBot, Truth
from tests.bot.alerts.test_commands_and_buttons import answered, click, tick, triggered
from tests.world import World, say


def buttons(message: dict[str, Any]) -> dict[str, str]:
    """The action ids of a message's buttons, by label."""
    rows = [block for block in message["blocks"] if block["type"] == "actions"]
    return {
        one["text"]["text"]: one["action_id"]
        for row in rows
        for one in row["elements"]
        if one["type"] == "button"
    }


def test_why_explains_the_change_of_the_period_of_an_alert(administered: World) -> None:
    message = triggered(administered, "alert spend > $5 per month key:prod")
    assert validate(message["blocks"]) == []
    assert buttons(message)["Why?"] == "alert_why"
    said = answered(administered, lambda: click(administered, message, "alert_why"))
    assert said.startswith("What changed (spend)")
    assert "prod" in said


def test_an_alert_that_shows_no_change_has_no_why(bot: AlertBot, truth: Truth) -> None:
    bot.sync(truth, back=366 * DAY)
    bot.set_up("alert new model")
    truth.use(NOON, 7, model="c/z")
    bot.clock.now += timedelta(minutes=1)
    bot.sync(truth)
    bot.tick()
    [message] = bot.direct_messages()
    assert "Why?" not in buttons(message)


def test_only_those_who_were_sent_an_alert_get_its_why(administered: World) -> None:
    message = triggered(administered)
    said = answered(
        administered,
        lambda: click(administered, message, "alert_why", user="grace"),
    )
    assert said == "That alert wasn't sent to you."


def test_why_shows_who_sees_their_own_usage_only_nothing_of_others(own: World) -> None:
    assert say(own, "alert spend > $5 per month in #spend", "katherine").startswith("*Alert set")
    tick(own)
    message = own.slack.messages("spend")[-1]
    said = answered(own, lambda: click(own, message, "alert_why", user="grace", channel="spend"))
    assert "Ada" not in said
    assert "prod" not in said
    assert "only creator:me" in said


def test_a_daily_report_that_shows_a_change_offers_why(administered: World) -> None:
    say(administered, "schedule daily tokens in #spend")
    say(administered, "schedules")
    listed = administered.slack.ephemerals("ada", "general")[-1]
    row = next(block for block in listed["blocks"] if block["type"] == "actions")
    before = len(administered.slack.responses)
    administered.bot_client.click(
        "ada", "general", listed["ts"], "schedule_run", block_id=row["block_id"]
    )
    administered.slack.wait_for(lambda: administered.slack.responses[before:])
    ReportDelivery(administered.bot.reports).tick()
    [message] = [one for one in administered.slack.messages("spend") if one.get("metadata")]
    action = buttons(message)["Why?"]
    said = answered(administered, lambda: click(administered, message, action, channel="spend"))
    yesterday = (datetime.now(UTC).astimezone(ZoneInfo("Europe/Berlin")) - timedelta(days=1)).date()
    assert said.startswith("What changed (tokens)")
    assert f"{yesterday.day} {yesterday:%b %Y}" in said  # not what is yesterday later on
