"""What an alert showed while its owner saw more than they do today is not shown anymore."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo.slack import LocalSlack
from bot.slack.types import MessageLocation, ReplyTarget
from reports.alerts.grammar import ListAlerts
from tests.bot.alerts.alert_bot import DAY, DOLLAR, HOUR, MINUTE, AlertBot, Truth, running_bot

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def slack() -> LocalSlack:
    return LocalSlack(file_delay=timedelta(0), rate_limits=False)


@pytest.fixture
def truth() -> Truth:
    found = Truth()
    found.use(NOON - 2 * DAY, 1)
    found.use(NOON - HOUR, 60, "prod")  # of Ada
    found.use(NOON - HOUR, 70, "evals")  # of Grace
    return found


@contextmanager
def narrowed(tmp_path: Path, slack: LocalSlack, truth: Truth, *rules: str) -> Iterator[AlertBot]:
    """Ada saw everything when her rules told of it, and sees her own usage only by now."""
    with running_bot(tmp_path / "activity.db", NOON, slack) as wide:
        wide.sync(truth, back=3 * DAY)
        limited(wide)
        for one in rules:
            wide.set_up(one)
        turn(wide, truth)
        own = AlertBot(tmp_path / "activity.db", wide.clock, slack, ACTIVITY_VISIBILITY="own")
        yield own
        own.close()


def limited(bot: AlertBot) -> None:
    told: dict[str, Any] = {
        "at": bot.clock().isoformat(),
        "credits": {"total": 1000 * DOLLAR, "used": 850 * DOLLAR},
        "keys": {
            f"hash_{name}": {
                "limit": 100 * DOLLAR, "remaining": 5 * DOLLAR, "reset": None, "byok": False
            }
            for name in ("prod", "evals")
        },
    }  # fmt: skip
    bot.store.keep_fact("limits", json.dumps(told))


def turn(bot: AlertBot, truth: Truth, by: timedelta = MINUTE) -> None:
    bot.clock.now += by
    bot.sync(truth)
    bot.tick()


def listed(bot: AlertBot) -> str:
    person = bot.alerts.services.slack.person(bot.slack.user("ada").id)
    cards, _ = bot.alert_manager.cards_of(person.id, 10)
    standing = [reading.label for card in cards for reading in card.triggered]
    return bot.alert_manager.listed(person, ListAlerts()).message.text + " ".join(standing)


WIDE = (
    "alert spend > $50 per day",
    "alert spend > $50 per day by key",
    "alert budget 80%",
    "alert credits < $200",
)


def test_the_list_leaves_out_alerts_measured_with_wider_visibility(tmp_path, slack, truth):
    with narrowed(tmp_path, slack, truth, *WIDE) as bot:
        said = listed(bot)
        assert "$130.00" not in said
        assert "evals" not in said
        assert "$150.00" not in said
        assert ":warning:" not in said


def test_a_rule_is_evaluated_again_with_the_narrower_visibility(tmp_path, slack, truth):
    with narrowed(tmp_path, slack, truth, *WIDE) as bot:
        before = {one["ts"] for one in bot.direct_messages()}
        turn(bot, truth)
        new = [one for one in bot.direct_messages() if one["ts"] not in before]
        said = " ".join(one["text"] for one in new)
        assert "$60.00 today, $10.00 over the $50.00 limit" in said
        assert "evals" not in said
        assert "$130.00" not in said
        assert "credits" not in said
        assert "$60.00 today" in listed(bot)
        turn(bot, truth)
        assert len(bot.direct_messages()) == len(before) + len(new)


def test_a_message_measured_with_wider_visibility_is_not_updated(tmp_path, slack, truth):
    with narrowed(tmp_path, slack, truth, "alert spend > $50 per day") as bot:
        [old] = bot.direct_messages()
        for _ in range(4):
            turn(bot, truth, 7 * HOUR)  # its period is over by then
        assert next(one for one in bot.direct_messages() if one["ts"] == old["ts"]) == old
        assert bot.thread_replies() == []


@pytest.mark.parametrize("act", ["acknowledge", "details", "snooze"])
def test_a_click_on_an_old_message_shows_no_new_figures(tmp_path, slack, truth, act):
    with narrowed(tmp_path, slack, truth, "alert spend > $50 per day by key") as bot:
        [event, *_] = [one.event for one in bot.delivered_crossings()]
        before = bot.direct_messages()
        ada = slack.user("ada").id
        im = slack.im("ada").id
        value = f"{event} 1h" if act == "snooze" else str(event)
        spot = MessageLocation(im, "", hidden=False)
        getattr(bot.message_actions, act)(
            ReplyTarget("", ada, shared=True, channel=im), spot, value
        )
        said = [one["text"] for one in slack.messages(im) if one not in before]
        assert bot.direct_messages() == before
        assert "covers different usage now" in said[-1]


def test_a_pending_event_is_dropped_when_visibility_narrows(tmp_path, slack, truth):
    path = tmp_path / "activity.db"
    with running_bot(path, NOON, slack) as wide:
        wide.sync(truth, back=3 * DAY)
        wide.set_up("alert spend > $50 per day by key")
        wide.clock.now += MINUTE
        own = AlertBot(path, wide.clock, slack, ACTIVITY_VISIBILITY="own")
        own.delivery.tick()
        assert own.direct_messages() == []
        turn(own, truth)
        assert "evals" not in json.dumps(own.direct_messages())
        assert len(own.direct_messages()) == 1
        own.close()


def test_a_rule_triggers_again_when_visibility_widens(tmp_path, slack, truth):
    path = tmp_path / "activity.db"
    with running_bot(path, NOON, slack, ACTIVITY_VISIBILITY="own") as own:
        own.sync(truth, back=3 * DAY)
        own.set_up("alert spend > $50 per day")
        turn(own, truth)
        [first] = own.direct_messages()
        assert "$60.00 today" in first["text"]
        wide = AlertBot(path, own.clock, slack)
        turn(wide, truth)
        second = wide.direct_messages()[-1]
        assert "$130.00 today" in second["text"]
        assert wide.direct_messages()[0] == first
        wide.close()


def test_a_reminder_leaves_out_what_was_measured_with_wider_visibility(tmp_path, slack, truth):
    with narrowed(tmp_path, slack, truth, "alert credits < $200") as bot:
        [rule] = [one.id for one in bot.alerts.rules.of(None)]
        bot.alerts.silences.add(rule, "*", bot.clock() + HOUR, slack.user("ada").id)
        turn(bot, truth, 2 * HOUR)
        assert len(bot.direct_messages()) == 1
        assert bot.thread_replies() == []


# -- whose own usage it is, where others read it


def in_spend(bot: AlertBot) -> str:
    channel = bot.slack.channel("spend")
    return f"in <#{channel.id}|spend>"


@pytest.mark.parametrize("visibility", ["own", "org"])
def test_other_readers_see_the_owners_name_instead_of_me(tmp_path, slack, truth, visibility):
    admin = slack.user("katherine").id
    with running_bot(
        tmp_path / "activity.db", NOON, slack, ACTIVITY_VISIBILITY=visibility, ACTIVITY_ADMINS=admin
    ) as bot:
        bot.sync(truth, back=3 * DAY)
        bot.set_up(f"alert spend > $50 per day creator:me {in_spend(bot)}")
        turn(bot, truth)
        [message] = bot.channel_messages(slack.channel("spend").id)
        assert 'over $50.00 today: creator:"Ada Lovelace"' in message["text"]
        assert "creator:me" not in json.dumps(message)
        person = bot.alerts.services.slack.person(admin)
        assert (
            'creator:"Ada Lovelace"' in bot.alert_manager.listed(person, ListAlerts()).message.text
        )
        assert "creator:me" in listed(bot)  # who made it is meant


def details(bot: AlertBot, user: str) -> str:
    """What somebody is answered who wants the details of the one alert that was told."""
    [event] = [one.event for one in bot.delivered_crossings()]
    im = bot.slack.im(user).id
    place = ReplyTarget("", bot.slack.user(user).id, shared=True, channel=im)
    spot = MessageLocation(bot.slack.channel("spend").id, "", hidden=False)
    bot.message_actions.details(place, spot, str(event))
    return str(bot.slack.messages(im)[-1]["text"])


def test_details_cover_the_owners_usage_for_every_person_who_clicks(tmp_path, slack, truth):
    with running_bot(tmp_path / "activity.db", NOON, slack) as bot:
        bot.sync(truth, back=3 * DAY)
        bot.set_up(f"alert spend > $50 per day creator:me {in_spend(bot)}")
        turn(bot, truth)
        for user in ("ada", "grace"):
            said = details(bot, user)
            assert "• prod: $60.00" in said
            assert "evals" not in said


def test_a_person_who_may_not_see_the_usage_learns_whose_it_is(tmp_path, slack, truth):
    with running_bot(tmp_path / "activity.db", NOON, slack, ACTIVITY_VISIBILITY="own") as bot:
        bot.sync(truth, back=3 * DAY)
        bot.set_up(f"alert spend > $50 per day {in_spend(bot)}")
        turn(bot, truth)
        assert "• prod: $60.00" in details(bot, "ada")
        said = details(bot, "grace")
        assert f"about <@{slack.user('ada').id}>'s own usage, and you can only see yours" in said
