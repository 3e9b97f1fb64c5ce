"""Alerts from the words of a rule to the direct message, on a clock that a test moves."""

import json
from datetime import timedelta

import pytest

from bot.analysis.balance import balance
from bot.demo.slack import LocalSlack
from bot.slack.types import MessageLocation, ReplyTarget
from reports.alerts.periods import QuietHours
from reports.analysis.balance import lasting_sentence
from reports.time.time_range import Granularity, floor
from reports.usage.windows_to_fetch import Window
from tests.bot.alerts.alert_bot import (
    DAY,
    DOLLAR,
    HOUR,
    KEYS,
    MINUTE,
    NOON,
    OWNERS,
    PEOPLE,
    Truth,
    running_bot,
)


def turn(bot, truth, by=MINUTE, **how) -> None:
    """Time passes, then a sync and what follows it."""
    bot.clock.now += by
    bot.sync(truth, **how)
    bot.tick()


def test_a_crossing_sends_one_direct_message(bot, truth):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per day")
    bot.tick()
    assert bot.direct_messages() == []
    truth.use(NOON, 60)
    for _ in range(3):
        turn(bot, truth)
    [message] = bot.direct_messages()
    assert "$60.00 today, $10.00 over the $50.00 limit" in message["text"]
    assert bot.thread_replies() == []


def test_a_new_rule_that_is_exceeded_sends_one_message_at_once(bot, truth):
    truth.use(NOON - HOUR, 60)
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per day")
    bot.tick()
    assert len(bot.direct_messages()) == 1
    for _ in range(3):
        turn(bot, truth)
    assert len(bot.direct_messages()) == 1


def test_a_period_that_ended_before_the_rule_was_set_up_is_not_evaluated(bot, truth):
    truth.use(NOON - 90 * MINUTE, 60)
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per hour")
    turn(bot, truth)
    assert bot.direct_messages() == []


def test_the_next_period_can_trigger_again(bot, truth):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per hour")
    truth.use(NOON, 60)
    turn(bot, truth)
    truth.use(NOON + HOUR, 70)
    turn(bot, truth, HOUR)
    assert len(bot.direct_messages()) == 2


def test_a_crossing_is_found_after_its_hour_is_over(bot, truth):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per hour")
    truth.use(NOON + 59 * MINUTE, 60)
    turn(bot, truth, 2 * HOUR)
    [message] = bot.direct_messages()
    assert "on 18 Nov from 13:00 to 14:00" in message["text"]  # of Berlin


def test_each_member_triggers_separately(bot, truth):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per day by key")
    truth.use(NOON, 60)
    truth.use(NOON, 70, "evals")
    truth.use(NOON, 5, "lab")
    turn(bot, truth)
    said = " ".join(one["text"] for one in bot.direct_messages())
    assert len(bot.direct_messages()) == 2
    assert "prod" in said
    assert "evals" in said


def test_more_than_five_alerts_at_once_are_one_message(bot, truth):
    bot.sync(truth, back=3 * DAY)
    for limit in range(10, 16):
        bot.set_up(f"alert spend > ${limit} per day")
    truth.use(NOON, 60)
    turn(bot, truth)
    [message] = bot.direct_messages()
    assert "6 OpenRouter alerts" in message["text"]
    assert all(f"${limit}.00 today" in message["text"] for limit in range(10, 16))
    turn(bot, truth)
    assert len(bot.direct_messages()) == 1


def test_five_alerts_at_once_are_five_messages(bot, truth):
    bot.sync(truth, back=3 * DAY)
    for limit in range(10, 15):
        bot.set_up(f"alert spend > ${limit} per day")
    truth.use(NOON, 60)
    for _ in range(5):
        turn(bot, truth)
    assert len(bot.direct_messages()) == 5


def ticks(bot, length) -> None:
    """The worker works on, but nothing can be synced."""
    for _ in range(length // (4 * MINUTE)):
        bot.clock.now += 4 * MINUTE
        bot.tick()


YEAR = 366 * DAY


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("alert new model", "c/z"),
        ("alert new model by creator", "c/z, used by Ada Lovelace"),
        ("alert new model creator:ada@example.com", "c/z"),
        ("alert new key", None),
    ],
)
def test_the_first_use_of_a_model_triggers(bot, truth, words, label):
    truth.use(NOON - 2 * DAY, 3)
    bot.sync(truth, back=YEAR)
    bot.set_up(words)
    truth.use(NOON, 4)
    turn(bot, truth)
    assert bot.direct_messages() == []
    truth.use(NOON, 7, model="c/z")
    turn(bot, truth)
    turn(bot, truth)
    said = [one["text"] for one in bot.direct_messages()]
    assert [f"New model at OpenRouter: {label}" in one for one in said] == [True] * bool(label)
    assert all("$7.00 so far" in one for one in said)
    assert ["Used by Ada Lovelace." in one for one in said] == [
        bool(label) and "by creator" not in words
    ] * len(said)


def test_the_first_use_of_a_key_triggers(bot, truth):
    bot.sync(truth, back=YEAR)
    bot.set_up("alert new key")
    bot.set_up("alert new key creator:ada@example.com")
    truth.use(NOON, 7, "lab")
    turn(bot, truth)
    [message] = bot.direct_messages()
    assert "New API key at OpenRouter: lab" in message["text"]
    assert "Created by" not in message["text"]  # OpenRouter doesn't say who did
    turn(bot, truth, 4 * DAY, back=5 * DAY)
    assert len(bot.direct_messages()) == 1


def test_the_first_use_by_a_person_triggers_an_alert_once(bot, truth):
    truth.use(NOON - 2 * DAY, 3)
    bot.sync(truth, back=YEAR)
    bot.set_up("alert new creator")
    bot.set_up("alert new creator creator:ada@example.com")
    truth.use(NOON, 7, "evals")
    turn(bot, truth)
    turn(bot, truth)
    [message] = bot.direct_messages()
    assert "New creator at OpenRouter: Grace Hopper" in message["text"]
    assert "Used OpenRouter for the first time: $7.00 so far." in message["text"]
    assert "With a/x." in message["text"]


def key_made(bot, name: str, ago: timedelta, owner: str = "user_ada") -> None:
    """OpenRouter's directory lists one more key."""
    ref = f"hash_{name}"
    listed = [(ref_, name_, f"sk-{name_}") for ref_, name_ in KEYS]
    bot.store.list_members(
        [*listed, (ref, name, f"sk-{name}")],
        PEOPLE,
        [*OWNERS, (ref, owner)],
        [(ref, bot.clock() - ago)],
    )


def test_a_new_key_triggers_before_it_is_used(bot, truth):
    bot.sync(truth, back=3 * DAY)  # not all history is there yet
    key_made(bot, "before", DAY)
    bot.set_up("alert new key")
    bot.set_up("alert new key creator:grace@example.com")
    turn(bot, truth)
    assert bot.direct_messages() == []
    key_made(bot, "fresh", timedelta())
    turn(bot, truth)
    [message] = bot.direct_messages()
    assert "New API key at OpenRouter: fresh" in message["text"]
    assert "This API key was just created and hasn't been used yet." in message["text"]
    assert "Created by Ada Lovelace." in message["text"]
    bot.sync(truth, back=YEAR)
    for _ in range(3):
        turn(bot, truth, HOUR)
    assert len(bot.direct_messages()) == 1


def test_a_new_key_does_not_trigger_again_at_its_first_use(bot, truth):
    bot.sync(truth, back=YEAR)
    bot.set_up("alert new key")
    bot.clock.now += MINUTE
    key_made(bot, "lab", timedelta())
    turn(bot, truth)
    assert len(bot.direct_messages()) == 1
    truth.use(bot.clock(), 7, "lab")
    turn(bot, truth)
    turn(bot, truth, DAY)
    assert len(bot.direct_messages()) == 1


def test_nothing_is_new_before_all_history_is_synced(bot, truth):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert new model")
    truth.use(NOON, 7, model="c/z")
    turn(bot, truth)
    assert bot.direct_messages() == []
    bot.sync(truth, back=YEAR)
    bot.tick()
    assert len(bot.direct_messages()) == 1


def test_new_by_creator_names_only_the_creator_who_used_it_first(bot, truth):
    truth.use(NOON - 40 * DAY, 3, "evals", "c/z")
    bot.sync(truth, back=YEAR)
    bot.set_up("alert new model by creator")
    bot.set_up("alert new model")
    truth.use(NOON, 7, "prod", "c/z")
    truth.use(NOON, 7, "evals", "c/z")
    turn(bot, truth)
    [message] = bot.direct_messages()
    assert "New model at OpenRouter: c/z, used by Ada Lovelace\n" in message["text"]
    assert message["text"].count("used by") == 1
    [event] = bot.alerts.events.of_message(1)
    place = ReplyTarget("", bot.slack.user("ada").id, shared=True, channel=bot.slack.im("ada").id)
    bot.message_actions.details(
        place, MessageLocation(place.channel, "", hidden=False), str(event.id)
    )
    assert "• prod: $7.00" in bot.slack.messages(bot.slack.im("ada").id)[-1]["text"]


def test_a_spike_triggers_and_recovers(bot, truth):
    for hours in range(1, 24 * 30):
        truth.use(NOON - hours * HOUR, 1 + hours % 3 / 10)
    bot.sync(truth, back=31 * DAY)
    bot.set_up("alert spike by key")
    truth.use(NOON, 30)
    turn(bot, truth)
    [message] = bot.direct_messages()
    assert "spend spike: prod" in message["text"]
    for _ in range(5):
        turn(bot, truth, HOUR)
    [first], [reply] = bot.direct_messages(), bot.thread_replies()
    assert "Back to normal" in reply["text"]
    assert "Resolved." in json.dumps(first["blocks"])


def test_a_forecast_triggers(bot, truth):
    for days in range(1, 29):
        truth.use(NOON - days * DAY, 10)
    bot.sync(truth, back=31 * DAY)
    bot.set_up("alert forecast > $400 per month")
    turn(bot, truth)
    assert bot.direct_messages() == []
    truth.use(NOON, 250)
    turn(bot, truth)
    [message] = bot.direct_messages()
    assert "is on track to exceed $400.00 this month" in message["text"]


def limits(bot, **more) -> None:
    """What the last look at OpenRouter's directory told."""
    told = {
        "at": bot.clock().isoformat(),
        "credits": {"total": 1000 * DOLLAR, "used": 850 * DOLLAR},
        "budgets": {"Default": [{"limit": 100 * DOLLAR, "reset": "daily"}]},
        "workspaces": {"Default": ["hash_prod", "hash_evals"]},
        "keys": {
            "hash_lab": {
                "limit": 40 * DOLLAR, "remaining": 10 * DOLLAR, "reset": None, "byok": False
            }
        },
    }  # fmt: skip
    bot.store.keep_fact("limits", json.dumps({**told, **more}))


def test_limits_and_budgets_trigger_at_their_percentages(bot, truth):
    bot.sync(truth, back=3 * DAY)
    limits(bot)
    bot.set_up("alert budget 80% 100%")
    truth.use(NOON + MINUTE, 85, "evals")
    truth.use(NOON + MINUTE, 4, "lab")
    turn(bot, truth, 2 * MINUTE)
    said = " ".join(one["text"] for one in bot.direct_messages())
    assert "85% used: $85.00 of $100.00, $15.00 left" in said
    assert "lab" in said
    assert "85% used: $34.00 of $40.00, $6.00 left" in said
    truth.use(NOON + 2 * MINUTE, 20, "prod")
    turn(bot, truth)
    assert len(bot.direct_messages()) == 2
    [reply] = bot.thread_replies()
    assert "105% used" in reply["text"]


def workspace(id_, name, keys, byok=False, limit=100):
    budget = {"limit": limit * DOLLAR, "reset": "monthly"}
    return {
        "id": id_, "name": name, "slug": f"slug-{id_}", "keys": keys, "byok": byok,
        "budgets": [budget],
    }  # fmt: skip


@pytest.mark.parametrize(("byok", "said"), [(True, "96% used: $96.00 of $100.00"), (False, "")])
def test_byok_counts_toward_a_workspace_budget_if_openrouter_counts_it(bot, truth, byok, said):
    truth.own_keys.add("evals")
    bot.sync(truth, back=31 * DAY)
    keys = ["hash_prod", "hash_evals"]
    limits(bot, workspaces=[workspace("w1", "Default", keys, byok)], keys={})
    bot.set_up("alert budget 90%")
    truth.use(NOON + MINUTE, 78, "prod")
    truth.use(NOON + MINUTE, 17, "evals")
    turn(bot, truth, 2 * MINUTE)
    heard = " ".join(one["text"] for one in bot.direct_messages())
    assert (said in heard) if said else heard == ""


def test_missing_usage_causes_no_recovery(bot, truth):
    for days in range(1, 29):
        truth.use(NOON - days * DAY, 10)
    bot.sync(truth, back=31 * DAY)
    bot.set_up("alert forecast > $400 per month")
    truth.use(NOON, 250)
    turn(bot, truth)
    assert len(bot.direct_messages()) == 1
    day = Window(Granularity.DAY, floor(NOON, Granularity.DAY), bot.clock() + HOUR)
    lost = Truth({place: used for place, used in truth.used.items() if place[0] < NOON})
    bot.clock.advance(MINUTE)
    bot.sync(lost, back=DAY, evaluate=False)
    bot.store.note(day, ["OpenRouter sent only part of the rows of some days"])
    bot.evaluator.evaluate_all()
    bot.tick()
    assert bot.thread_replies() == []
    bot.store.note(day, [])
    bot.clock.advance(MINUTE)
    bot.sync(lost, back=DAY)
    bot.tick()
    assert len(bot.thread_replies()) == 1


def test_workspaces_with_the_same_name_have_separate_budgets(bot, truth):
    bot.sync(truth, back=31 * DAY)
    both = [workspace("w1", "Team", ["hash_prod"]), workspace("w2", "Team", ["hash_evals"])]
    limits(bot, workspaces=both, keys={})
    bot.set_up("alert budget 80%")
    truth.use(NOON + MINUTE, 84, "prod")
    truth.use(NOON + MINUTE, 95, "evals")
    turn(bot, truth, 2 * MINUTE)
    said = " ".join(one["text"] for one in bot.direct_messages())
    assert "workspace Team (slug-w1)" in said
    assert "85% used: $85.00 of $100.00" in said
    assert "workspace Team (slug-w2)" in said
    assert "95% used: $95.00 of $100.00" in said


def test_a_low_balance_says_when_it_runs_out_as_the_balance_does(bot, truth):
    for days in range(7):
        truth.use(NOON - days * DAY - HOUR, 20)
    bot.sync(truth, back=10 * DAY)
    limits(bot)
    bot.set_up("alert credits < $200")
    turn(bot, truth)
    [message] = bot.direct_messages()
    assert "$150.00 in credits left, below $200.00" in message["text"]
    left = balance(bot.store, bot.clock())
    assert left is not None
    assert "this lasts about 7 days, until about 26 Nov" in lasting_sentence(left, "UTC")
    assert lasting_sentence(left, "Europe/Berlin") in message["text"]
    limits(bot, credits={"total": 2000 * DOLLAR, "used": 860 * DOLLAR})
    turn(bot, truth)
    [reply] = bot.thread_replies()
    assert "balance is $1,140.00" in reply["text"]


# -- who hears it


def crossed_by(bot, truth, key):
    """A key's owner is to hear of a line, and the key crosses it."""
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per day by key to owner")
    truth.use(NOON, 60, key)
    turn(bot, truth)


def test_an_alert_to_owner_goes_to_the_keys_creator(bot, truth):
    crossed_by(bot, truth, "evals")
    [message] = bot.direct_messages("grace")
    ada = bot.slack.user("ada").id
    assert f"<@{ada}> set up this alert" in json.dumps(message)
    assert bot.direct_messages() == []


def test_the_rules_owner_gets_it_if_the_creator_has_no_slack_account(bot, truth):
    people = [(ref, name, email.replace("grace@", "gone@")) for ref, name, email in PEOPLE]
    keys = [(ref, name, "") for ref, name in KEYS]
    bot.store.list_members(keys, people, [("hash_evals", "user_grace")])
    crossed_by(bot, truth, "evals")
    [message] = bot.direct_messages()
    assert "gone@example.com has no Slack account here" in message["text"]


def test_the_rules_owner_gets_it_if_the_key_has_no_creator(bot, truth):
    crossed_by(bot, truth, "lab")
    [message] = bot.direct_messages()
    assert "has no Slack account here" in message["text"]


def test_an_alert_goes_to_a_channel(bot, truth):
    bot.sync(truth, back=3 * DAY)
    channel = bot.slack.channel("spend").id
    bot.set_up(f"alert spend > $50 per day in <#{channel}|spend>")
    truth.use(NOON, 60)
    turn(bot, truth)
    assert len(bot.channel_messages("spend")) == 1
    assert bot.direct_messages() == []


@pytest.mark.parametrize(
    ("change", "mend"),
    [
        ({"is_ext_shared": True}, "shared with another company"),
        ({"is_archived": True}, "archived"),
        ({"members": frozenset()}, "Invite me there"),
    ],
)
def test_a_channel_is_checked_at_each_post_and_the_owner_gets_it_instead(bot, truth, change, mend):
    bot.sync(truth, back=3 * DAY)
    channel = bot.slack.channel("spend").id
    bot.set_up(f"alert spend > $50 per day in <#{channel}|spend>")
    bot.slack.workspace.change_channel("spend", **change)
    truth.use(NOON, 60)
    turn(bot, truth)
    assert bot.channel_messages("spend") == []
    [message] = bot.direct_messages()
    assert mend in message["text"]


def test_the_rules_of_an_owner_who_left_go_to_an_admin(tmp_path, truth):
    slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
    admins = ",".join(slack.user(name).id for name in ("grace", "katherine"))
    with running_bot(tmp_path / "activity.db", NOON, slack, ACTIVITY_ADMINS=admins) as bot:
        bot.sync(truth, back=3 * DAY)
        entry = bot.set_up("alert spend > $50 per day")
        slack.workspace.change_user("ada", deleted=True)
        bot.alerts.services.slack._people.clear()
        truth.use(NOON, 60)
        turn(bot, truth)
        [message] = bot.direct_messages("grace")
        assert "$60.00 today" in message["text"]
        assert bot.alerts.rules.get(entry.id).draft.owner == slack.user("grace").id
        told = bot.alerts.notices.claim(10)
        assert {one.person for one in told} == set(admins.split(","))
        assert "left the workspace" in told[0].message["text"]
        assert "spend &gt; $50 per day" in told[0].message["text"]


def test_a_message_to_an_owner_who_has_just_left_goes_to_an_admin(tmp_path, truth):
    slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
    admin = slack.user("grace").id
    with running_bot(tmp_path / "activity.db", NOON, slack, ACTIVITY_ADMINS=admin) as bot:
        bot.sync(truth, back=3 * DAY)
        entry = bot.set_up("alert spend > $50 per day")
        turn(bot, truth)
        bot.alerts.services.slack.person(slack.user("ada").id)
        slack.workspace.change_user("ada", deleted=True)
        truth.use(NOON, 60)
        turn(bot, truth)
        [message] = bot.direct_messages("grace")
        assert "$60.00 today" in message["text"]
        assert bot.alerts.rules.get(entry.id).draft.owner == admin


def test_an_owner_who_left_is_noticed_within_a_day(tmp_path, truth):
    slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
    admin = slack.user("grace").id
    with running_bot(tmp_path / "activity.db", NOON, slack, ACTIVITY_ADMINS=admin) as bot:
        bot.sync(truth, back=3 * DAY)
        entry = bot.set_up("alert spend > $50 per day")
        bot.tick()
        slack.workspace.change_user("ada", deleted=True)
        bot.alerts.services.slack._people.clear()
        turn(bot, truth, DAY)
        assert bot.alerts.rules.get(entry.id).draft.owner == admin


def test_an_owner_who_may_not_use_the_bot_anymore_gets_nothing(bot, truth):
    bot.sync(truth, back=3 * DAY)
    entry = bot.set_up("alert spend > $50 per day")
    bot.slack.workspace.change_user("ada", is_restricted=True)
    bot.alerts.services.slack._people.clear()
    truth.use(NOON, 60)
    turn(bot, truth)
    assert bot.direct_messages() == []
    paused = bot.alerts.rules.get(entry.id).paused
    assert paused.startswith("its owner can't use this bot anymore: Guests can't see")


def test_own_visibility_limits_alerts_to_the_owners_usage(tmp_path, truth):
    with running_bot(tmp_path / "activity.db", NOON, ACTIVITY_VISIBILITY="own") as bot:
        bot.sync(truth, back=3 * DAY)
        bot.set_up("alert spend > $50 per day")
        bot.set_up("alert spend > $50 per day by key")
        bot.set_up("alert new key")
        truth.use(NOON, 900, "evals")
        turn(bot, truth)
        assert bot.direct_messages() == []
        truth.use(NOON, 60, "prod")
        turn(bot, truth)
        said = " ".join(one["text"] for one in bot.direct_messages())
        assert "$60.00 today" in said
        assert "evals" not in said
        assert "900" not in said


# -- when


def test_quiet_hours_delay_all_but_urgent_alerts(bot, truth):
    bot.sync(truth, back=3 * DAY)
    ada = bot.slack.user("ada").id
    # noon in UTC is 13:00 in Berlin
    bot.alerts.quiet_hours.set(
        ada, QuietHours(NOON.time().replace(hour=12), NOON.time().replace(hour=15))
    )
    bot.set_up("alert spend > $50 per day")
    bot.set_up("alert spend > $40 per day urgent")
    truth.use(NOON, 60)
    turn(bot, truth)
    [message] = bot.direct_messages()
    assert "$40.00" in message["text"]
    turn(bot, truth, HOUR)
    assert len(bot.direct_messages()) == 1
    turn(bot, truth, HOUR)
    assert len(bot.direct_messages()) == 2


def test_an_alert_that_ended_during_quiet_hours_is_sent_as_ended(bot, truth):
    bot.sync(truth, back=3 * DAY)
    ada = bot.slack.user("ada").id
    bot.alerts.quiet_hours.set(
        ada, QuietHours(NOON.time().replace(hour=12), NOON.time().replace(hour=15))
    )
    entry = bot.set_up("alert sync")
    ticks(bot, 80 * MINUTE)
    turn(bot, truth)
    assert bot.direct_messages() == []
    bot.clock.now += HOUR
    bot.sync(truth)
    bot.tick()
    [message] = bot.direct_messages()
    assert "Resolved." in json.dumps(message)
    assert bot.thread_replies() == []
    assert entry


def test_a_snoozed_alert_sends_a_reminder_in_its_thread(bot, truth):
    bot.sync(truth, back=3 * DAY)
    entry = bot.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    turn(bot, truth)
    bot.alerts.silences.add(entry.id, "", bot.clock() + HOUR, "U1")
    turn(bot, truth)
    assert bot.thread_replies() == []
    turn(bot, truth, HOUR)
    turn(bot, truth)
    assert len(bot.direct_messages()) == 1
    assert len(bot.thread_replies()) == 1


def test_an_event_that_a_snooze_delayed_gets_no_reminder_as_well(bot, truth):
    bot.sync(truth, back=3 * DAY)
    limits(bot)
    entry = bot.set_up("alert budget 80% 100% key:lab")
    truth.use(NOON + MINUTE, 3, "lab")
    turn(bot, truth, 2 * MINUTE)
    assert len(bot.direct_messages()) == 1
    [(place, _)] = bot.alerts.states.triggered(entry.id)
    bot.alerts.silences.add(entry.id, place[1], bot.clock() + HOUR, "U1")
    truth.use(NOON + 2 * MINUTE, 10, "lab")
    turn(bot, truth)
    assert bot.thread_replies() == []
    turn(bot, truth, HOUR)
    turn(bot, truth)
    [reply] = bot.thread_replies()
    assert "107% used" in reply["text"]


def test_a_snooze_that_outlasts_the_period_ends_without_a_reminder(bot, truth):
    bot.sync(truth, back=3 * DAY)
    entry = bot.set_up("alert spend > $50 per day tz UTC")
    truth.use(NOON, 60)
    turn(bot, truth)
    bot.alerts.silences.add(entry.id, "", NOON + 13 * HOUR, "U1")
    turn(bot, truth, 13 * HOUR, back=DAY)
    turn(bot, truth)
    assert bot.thread_replies() == []


def test_a_reminder_has_current_figures_and_is_left_out_after_a_recovery(bot, truth):
    bot.sync(truth, back=3 * DAY)
    entry = bot.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    turn(bot, truth)
    bot.alerts.silences.add(entry.id, "", bot.clock() + HOUR, "U1")
    truth.use(NOON + MINUTE, 7)
    turn(bot, truth, 2 * HOUR)
    [reply] = bot.thread_replies()
    assert "$67.00 today" in reply["text"]
    bot.alerts.silences.add(entry.id, "", bot.clock() + HOUR, "U1")
    truth.use(NOON, -30)  # OpenRouter corrects its figures
    turn(bot, truth, 2 * HOUR, back=DAY)
    assert len(bot.thread_replies()) == 1


def test_a_recovery_goes_into_the_thread_and_the_first_message(bot, truth):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert sync")
    ticks(bot, 64 * MINUTE)
    [message] = bot.direct_messages()
    assert "OpenRouter data is out of date" in message["text"]
    turn(bot, truth)
    [reply] = bot.thread_replies()
    assert "up to date again" in reply["text"]
    assert "Resolved." in json.dumps(bot.direct_messages()[0]["blocks"])


def test_the_first_message_says_that_its_period_is_over(bot, truth):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per day tz UTC")
    truth.use(NOON, 60)
    turn(bot, truth)
    turn(bot, truth, 15 * HOUR, back=DAY)
    turn(bot, truth, HOUR)
    [message] = bot.direct_messages()
    assert "The day ended at $60.00" in json.dumps(message["blocks"])
    assert bot.thread_replies() == []


# -- Slack in trouble


def test_an_outage_of_slack_loses_and_duplicates_nothing(bot, truth):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    bot.slack.faults.add("*", (503,), 10_000, 1)
    for _ in range(12):
        turn(bot, truth, 15 * MINUTE)
    assert bot.direct_messages() == []
    bot.slack.faults.clear()
    turn(bot, truth, 15 * MINUTE)
    turn(bot, truth, 15 * MINUTE)
    assert len(bot.direct_messages()) == 1


@pytest.mark.parametrize("fault", ["drop", "drop_after", "half", 500, "fatal_error"])
def test_a_lost_response_neither_loses_nor_duplicates_a_message(bot, truth, fault):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    bot.slack.faults.add("chat.postMessage", (fault,), 1, 1)
    for _ in range(4):
        turn(bot, truth, 2 * MINUTE)
    assert len(bot.direct_messages()) == 1


def test_a_crash_after_posting_sends_no_duplicate(bot, truth, monkeypatch):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert sync")
    for where, count in (("direct_messages", 1), ("thread_replies", 1)):
        with monkeypatch.context() as patch:
            patch.setattr(bot.alerts.messages, "mark_sent", lambda *_: 1 / 0)
            ticks(bot, 68 * MINUTE if where == "direct_messages" else 4 * MINUTE)
            if where == "thread_replies":
                turn(bot, truth)
        for _ in range(3):
            turn(bot, truth, 3 * MINUTE) if where == "thread_replies" else ticks(bot, 4 * MINUTE)
        assert len(getattr(bot, where)()) == count


@pytest.mark.parametrize("code", ["invalid_auth", "token_revoked", "account_inactive"])
def test_while_slack_refuses_the_token_an_uncertain_message_waits_for_the_history(bot, truth, code):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    bot.slack.faults.add("chat.postMessage", ("drop_after",), 1, 1)
    bot.slack.faults.add("conversations.history", (code,), 2, 1)
    for _ in range(6):
        turn(bot, truth, 5 * MINUTE)
    assert len(bot.direct_messages()) == 1
    assert bot.alerts.messages.counts() == {"sent": 1}


@pytest.fixture
def one_clock(bot, monkeypatch) -> None:
    """Slack's clock, and the times of its messages, are those of the bot."""
    monkeypatch.setattr(bot.alerts.services.slack, "now", bot.clock)
    monkeypatch.setattr(bot.slack.workspace, "clock", bot.clock)


@pytest.mark.usefixtures("one_clock")
def test_an_uncertain_message_waits_for_the_history_for_about_an_hour(bot, truth):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    bot.slack.faults.add("chat.postMessage", ("drop",), 1, 1)
    bot.slack.faults.add("conversations.history", (500,), 100_000, 1)
    for _ in range(11):
        turn(bot, truth, 5 * MINUTE)
    assert bot.direct_messages() == []
    for _ in range(6):
        turn(bot, truth, 5 * MINUTE)
    assert len(bot.direct_messages()) == 1
    assert bot.alerts.messages.counts() == {"sent": 1}


@pytest.mark.usefixtures("one_clock")
def test_a_message_from_before_a_long_outage_is_found_after_it(bot, truth):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    bot.slack.faults.add("chat.postMessage", ("drop_after",), 1, 1)
    turn(bot, truth, 5 * MINUTE)
    bot.slack.faults.add("*", (503,), 10_000, 1)
    for _ in range(30):
        turn(bot, truth, 5 * MINUTE)
    bot.slack.faults.clear()
    for _ in range(6):
        turn(bot, truth, 5 * MINUTE)
    assert len(bot.direct_messages()) == 1
    assert bot.alerts.messages.counts() == {"sent": 1}


@pytest.mark.usefixtures("one_clock")
def test_the_wait_for_the_history_begins_when_it_could_not_be_read(bot, truth):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    bot.slack.faults.add("chat.postMessage", ("drop_after",), 1, 1)
    turn(bot, truth, 5 * MINUTE)
    bot.slack.faults.add("conversations.history", (500,), 1, 1)
    turn(bot, truth, 90 * MINUTE)  # the bot wasn't running
    for _ in range(6):
        turn(bot, truth, 5 * MINUTE)
    assert len(bot.direct_messages()) == 1
    assert bot.alerts.messages.counts() == {"sent": 1}


def stands_still(bot, monkeypatch, meanwhile) -> None:
    """The next message is posted only after what another process does meanwhile."""
    posting = bot.alerts.posting
    post = posting.post

    def late(*arguments):
        monkeypatch.setattr(posting, "post", post)
        bot.clock.now += 5 * MINUTE
        meanwhile()
        return post(*arguments)

    monkeypatch.setattr(posting, "post", late)


def test_a_process_that_stood_still_deletes_its_late_copy(bot, truth, monkeypatch):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)

    def delivered_by_another_process():
        bot.delivery.tick()
        assert len(bot.direct_messages()) == 1

    stands_still(bot, monkeypatch, delivered_by_another_process)
    turn(bot, truth)
    assert len(bot.direct_messages()) == 1


def test_a_copy_of_a_lost_lease_is_the_message_if_there_is_no_other(bot, truth, monkeypatch):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    claimed = []
    stands_still(bot, monkeypatch, lambda: claimed.extend(bot.alerts.messages.claim(10)))
    turn(bot, truth)
    [message] = claimed
    assert not bot.alerts.messages.start_sending(message)
    turn(bot, truth, 5 * MINUTE)
    assert len(bot.direct_messages()) == 1
    assert bot.alerts.messages.counts() == {"sent": 1}


def test_a_process_that_stood_still_before_posting_leaves_it_to_the_next(bot, truth, monkeypatch):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    hours = iter((0.0, 3_600.0))
    with monkeypatch.context() as patch:
        patch.setattr("bot.alerts.send.monotonic", lambda: next(hours))
        turn(bot, truth)
    assert bot.direct_messages() == []
    turn(bot, truth, 5 * MINUTE)
    assert len(bot.direct_messages()) == 1


def test_retry_after_is_respected(bot, truth):
    bot.sync(truth, back=3 * DAY)
    bot.set_up("alert spend > $50 per day")
    truth.use(NOON, 60)
    bot.slack.faults.add("chat.postMessage", (429,), 1, 90)
    turn(bot, truth)
    turn(bot, truth)
    assert bot.direct_messages() == []
    turn(bot, truth)
    assert len(bot.direct_messages()) == 1


def test_a_rule_that_fails_does_not_stop_the_others(bot, truth, monkeypatch):
    bot.sync(truth, back=3 * DAY)
    bad = bot.set_up("alert spend > $40 per day")
    bot.set_up("alert spend > $50 per day")
    watched = bot.evaluator.watched

    def broken(entry, rule, judged):
        if entry.id == bad.id:
            raise ValueError("a bad rule")
        return watched(entry, rule, judged)

    monkeypatch.setattr(bot.evaluator, "watched", broken)
    truth.use(NOON, 60)
    turn(bot, truth)
    monkeypatch.undo()
    turn(bot, truth)
    assert len(bot.direct_messages()) == 2


def test_admins_have_an_alert_on_stale_data_from_the_start(tmp_path, truth):
    slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
    admin = slack.user("ada").id
    with running_bot(tmp_path / "activity.db", NOON, slack, ACTIVITY_ADMINS=admin) as bot:
        bot.sync(truth, back=3 * DAY)
        bot.tick()
        [entry] = bot.alerts.rules.of(admin)
        bot.clock.now += 2 * HOUR
        bot.tick()
        assert bot.direct_messages() == []  # the machine has slept, and nobody could sync yet
        ticks(bot, 8 * MINUTE)
        assert len(bot.direct_messages()) == 1
        bot.alerts.rules.delete(entry.id)
        bot.tick()
        assert bot.alerts.rules.of(admin) == []
