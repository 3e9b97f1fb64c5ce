"""The confirmation of a new alert: what it watches, and which thresholds are exceeded already."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.store.alerts.rules import NewRule
from reports.alerts.grammar import ListAlerts, rule_of
from reports.alerts.periods import QuietHours
from tests.bot.alerts.alert_bot import DAY, DOLLAR, HOUR, MINUTE, AlertBot, Truth, running_bot

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[AlertBot]:
    with running_bot(tmp_path / "activity.db", NOON) as watch:
        yield watch


def used(bot: AlertBot, dollars: float, key: str = "prod") -> Truth:
    truth = Truth()
    truth.use(NOON - 2 * DAY, 1, "prod")
    truth.use(NOON - 2 * DAY, 1, "evals")
    truth.use(NOON - HOUR, dollars, key)
    bot.sync(truth, back=3 * DAY)
    return truth


def limited(bot: AlertBot, **keys: float) -> None:
    """Keys have limits of $100.00, of which so much is used."""
    confirmation: dict[str, Any] = {
        "at": (bot.clock() - HOUR).isoformat(),
        "keys": {
            f"hash_{name}": {
                "limit": 100 * DOLLAR, "remaining": round((100 - spent) * DOLLAR), "reset": None,
                "byok": False,
            }
            for name, spent in keys.items()
        },
    }  # fmt: skip
    bot.store.keep_fact("limits", json.dumps(confirmation))


def confirmation(bot: AlertBot, user: str = "ada") -> str:
    bot.clock.now += MINUTE
    bot.tick()
    return "\n".join(message["text"] for message in bot.direct_messages(user))


# -- what is above its line already


def test_a_confirmation_says_that_the_threshold_is_exceeded_already(bot: AlertBot) -> None:
    used(bot, 60)
    said = bot.say("alert spend > $50 per day")
    assert said.splitlines()[2:] == [
        "Now: $60.00 of $50.00 (whole organization).",
        "*It's already over the limit, so you'll get a message right away.*",
    ]
    assert "$60.00 today, $10.00 over the $50.00 limit" in confirmation(bot)
    assert len(bot.direct_messages()) == 1


def test_a_confirmation_is_silent_about_thresholds_that_are_not_exceeded(
    bot: AlertBot,
) -> None:
    used(bot, 60)
    assert "already" not in bot.say("alert spend > $70 per day")
    assert "already" not in bot.say("alert spike")
    assert confirmation(bot) == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("by key", "It's already over the limit, so you'll get a message right away."),
        (
            "to owner key:prod",
            "It's already over the limit, so the creator will get a message right away.",
        ),
        (
            "in <#C0GENERAL>",
            "It's already over the limit, so the channel will get a message right away.",
        ),
    ],
)
def test_a_confirmation_names_the_subject_and_the_recipient(
    bot: AlertBot, words: str, said: str
) -> None:
    used(bot, 60)
    channel = bot.slack.channel("general").id
    rule = f"alert spend > $50 per day {words.replace('C0GENERAL', channel)}"
    assert said in bot.say(rule)


def test_a_confirmation_says_that_the_creator_gets_the_message(bot: AlertBot) -> None:
    used(bot, 60)
    said = bot.say("alert spend > $50 per day by creator to owner")
    assert "`, to the creator\n" in said
    bot.set_up("alert spend > $50 per day by creator to owner", user="grace")
    confirmation(bot)
    [_, of_grace] = bot.direct_messages()
    assert "set up this alert. You get it because" in json.dumps(of_grace)


def test_a_confirmation_counts_the_subjects_that_exceed_the_threshold(bot: AlertBot) -> None:
    truth = used(bot, 60)
    truth.use(NOON - HOUR, 5, "evals")
    bot.sync(truth, back=3 * DAY)
    assert "*One is already over the limit, so" in bot.say("alert spend > $50 per day by key")
    assert "*2 are already over the limit, so" in bot.say("alert spend > $2 per day by key")


def test_a_message_is_announced_for_after_quiet_hours_unless_it_is_urgent(
    bot: AlertBot,
) -> None:
    used(bot, 60)
    bot.alerts.quiet_hours.set(bot.slack.user("ada").id, QuietHours(time(12), time(15)))
    assert "so you'll get a message after your quiet hours." in bot.say("alert spend > $50 per day")
    assert "so you'll get a message right away." in bot.say("alert spend > $55 per day urgent")
    assert "over $55.00" in confirmation(bot)
    assert "above $50.00" not in confirmation(bot)


def test_a_message_that_was_sent_before_is_not_announced_again(bot: AlertBot) -> None:
    used(bot, 60)
    bot.say("alert spend > $50 per day")
    said = bot.say("alert spend > $50 per day")
    assert said.startswith("*You already have this alert:*")
    assert said.endswith("*It's already over the limit.*")


def test_a_confirmation_mentions_balances_and_limits_that_are_exceeded_already(
    bot: AlertBot,
) -> None:
    used(bot, 1)
    limited(bot, prod=90, evals=10)
    facts = json.loads(bot.store.fact("limits") or "{}")
    facts["credits"] = {"total": 1000 * DOLLAR, "used": 950 * DOLLAR}
    bot.store.keep_fact("limits", json.dumps(facts))
    assert "*It's already below that, so you'll get a message right away.*" in bot.say(
        "alert credits < $100"
    )
    said = bot.say("alert budget 80%")
    assert "*One is already at 80% or more, so you'll get a message right away.*" in said


# -- what is watched


def test_limits_are_called_your_own_with_own_visibility(tmp_path: Path) -> None:
    with running_bot(tmp_path / "activity.db", NOON, ACTIVITY_VISIBILITY="own") as bot:
        used(bot, 1)
        limited(bot, prod=90, evals=95)
        said = bot.say("alert budget 80%")
        assert "`alert budget 80% creator:me`" in said
        watched = "the limits and guardrail budgets set at OpenRouter, for creator:me."
        assert f"Alerts at 80% of {watched}" in said
        assert "evals" not in said
        assert "$90.00 of $100.00" in confirmation(bot)
        assert "evals" not in confirmation(bot)


def test_limits_are_called_all_limits_with_full_visibility(bot: AlertBot) -> None:
    used(bot, 1)
    said = bot.say("alert budget 80%")
    assert "Alerts at 80% of every limit and budget set at OpenRouter." in said


def test_a_budget_alert_by_key_leaves_out_workspace_budgets(bot: AlertBot) -> None:
    used(bot, 30)
    limited(bot, prod=30)
    kept = json.loads(bot.store.fact("limits") or "")
    kept |= {
        "workspaces": {"Engineering": ["hash_prod"]},
        "budgets": {"Engineering": [{"limit": 100 * DOLLAR, "reset": "monthly"}]},
    }
    bot.store.keep_fact("limits", json.dumps(kept))
    said = bot.say("alert budget 20% by key")
    assert "Alerts at 20% of each key's limit and guardrail budget set at OpenRouter." in said
    assert "prod" in said
    assert "workspace" not in said
    assert "workspace" not in confirmation(bot)
    assert "workspace Engineering, monthly: 31% used" in bot.say("alert budget 20%")


def test_an_edited_threshold_keeps_its_states_with_own_visibility(tmp_path: Path) -> None:
    with running_bot(tmp_path / "activity.db", NOON, ACTIVITY_VISIBILITY="own") as bot:
        used(bot, 60)
        entry = bot.set_up("alert spend > $50 per day")
        assert confirmation(bot)
        person = bot.alerts.services.slack.person(bot.slack.user("ada").id)
        draft = bot.alert_manager.draft(person, rule_of("spend > $55 per day"), "")
        assert isinstance(draft, NewRule)
        assert bot.alert_manager.change(entry, draft)
        confirmation(bot)
        assert len(bot.direct_messages()) == 1
        [reply] = bot.thread_replies()
        assert "$5.00 over the $55.00 limit" in reply["text"]


@pytest.mark.parametrize("words", ["creator:me", "creator:me by key", "creator:me key:prod"])
def test_a_creator_filter_watches_the_limits_of_their_keys(bot: AlertBot, words: str) -> None:
    used(bot, 1)
    limited(bot, prod=90, evals=95)
    assert "prod" in bot.say(f"alert budget 80% {words}")
    assert "$90.00 of $100.00" in confirmation(bot)
    assert "$95.00 of $100.00" not in confirmation(bot)


@pytest.mark.parametrize(
    "words",
    ["spend > $50 per day by creator creator:me", "spend > $50 per day by key creator:me",
     "spend > $50 per day by key key:prod", "spend > $50 per day by model creator:me key:prod"],
)  # fmt: skip
def test_a_filter_on_one_member_and_by_have_the_same_subject(bot: AlertBot, words: str) -> None:
    truth = used(bot, 60)
    truth.use(NOON - HOUR, 70, "evals")
    bot.sync(truth, back=3 * DAY)
    said = bot.say(f"alert {words}")
    assert "$60.00 of $50.00" in said
    assert "$70.00" not in said
    assert "$60.00 today, $10.00 over the $50.00 limit" in confirmation(bot)
    assert len(bot.direct_messages()) == 1


def test_a_spike_by_member_with_a_filter_on_it_is_found(bot: AlertBot) -> None:
    truth = used(bot, 1)
    bot.set_up("alert spike by creator creator:me")
    truth.use(NOON, 900, "prod")
    truth.use(NOON, 900, "evals")
    bot.clock.now += MINUTE
    bot.sync(truth)
    assert "Ada Lovelace" in confirmation(bot)
    assert len(bot.direct_messages()) == 1


# -- how it stands later on


def listed(bot: AlertBot) -> str:
    """The list of alerts, which is what the Home shows as well."""
    person = bot.alerts.services.slack.person(bot.slack.user("ada").id)
    return bot.alert_manager.listed(person, ListAlerts()).message.text


def later(bot: AlertBot, truth: Truth, by: timedelta = MINUTE) -> None:
    bot.clock.now += by
    bot.sync(truth)
    bot.tick()


def test_the_list_shows_current_figures(bot: AlertBot) -> None:
    truth = used(bot, 60)
    limited(bot, prod=90)
    for words in ("spend > $50 per day", "spend > $50 per day by key", "budget 80%"):
        bot.set_up(f"alert {words}")
    later(bot, truth)
    truth.use(NOON, 40)
    later(bot, truth)
    said = listed(bot)
    assert "whole organization: $100.00 today, $50.00 over the $50.00 limit" in said
    assert "prod: $100.00 today" in said
    assert "prod: 130% used" in said
    assert "$60.00" not in said
    assert "as of" not in said


def balance(bot: AlertBot, dollars: int) -> None:
    credits_ = {"total": 1000 * DOLLAR, "used": (1000 - dollars) * DOLLAR}
    kept = {"at": bot.clock().isoformat(), "credits": credits_, "keys": {}}
    bot.store.keep_fact("limits", json.dumps(kept))


def test_the_list_shows_the_current_balance_only_below_its_threshold(bot: AlertBot) -> None:
    truth = used(bot, 1)
    balance(bot, 150)
    bot.set_up("alert credits < $200")
    later(bot, truth)
    balance(bot, -30)
    assert "The credit balance is -$30.00" in listed(bot)
    balance(bot, 205)  # which is not clearly above yet
    later(bot, truth)
    assert "warning" not in listed(bot)


def test_the_list_dates_figures_that_are_not_current(bot: AlertBot) -> None:
    truth = used(bot, 60)
    bot.set_up("alert spend > $50 per day")
    later(bot, truth)
    bot.clock.now += 2 * HOUR  # nothing can be synced
    assert "$60.00 today, $10.00 over the $50.00 limit. (as of today 13:01)" in listed(bot)


def test_the_list_leaves_out_alerts_that_a_revision_has_undone(bot: AlertBot) -> None:
    truth = used(bot, 60)
    bot.set_up("alert spend > $50 per day")
    later(bot, truth)
    assert "warning" in listed(bot)
    truth.use(NOON - HOUR, -30)
    later(bot, truth)
    assert "warning" not in listed(bot)


def test_the_list_shows_stored_forecasts_by_member_with_their_date(bot: AlertBot) -> None:
    truth = Truth()
    for days in range(8):
        truth.use(NOON - days * DAY - HOUR, 20)
    bot.sync(truth, back=10 * DAY)
    bot.set_up("alert forecast > $50 per month by key")
    later(bot, truth)
    later(bot, truth, 20 * MINUTE)
    assert "prod: At this pace the month will end at" in listed(bot)
    assert "(as of today 12:00)" in listed(bot)
    bot.set_up("alert forecast > $50 per month")
    later(bot, truth, 20 * MINUTE)
    assert listed(bot).count("as of") == 1
