"""More than five alerts at once to one recipient: one message with the state of each."""

import json
from datetime import timedelta

from bot.demo.slack import LocalSlack
from tests.bot.alerts.test_evaluate import limits, turn
from tests.bot.alerts.watch import DAY, DOLLAR, HOUR, MINUTE, NOON, OWNERS, PEOPLE, watching


def low(there, truth, dollars=50) -> None:
    """The balance is so low that six rules tell."""
    there.sync(truth, back=3 * DAY)
    balance(there, 500)
    for limit in range(100, 160, 10):
        there.set_up(f"alert credits < ${limit}")
    balance(there, dollars)
    turn(there, truth)


def balance(there, dollars: int) -> None:
    limits(there, credits={"total": 1_000 * DOLLAR, "used": (1_000 - dollars) * DOLLAR})


def test_a_combined_message_shows_which_alerts_are_over(there, truth):
    low(there, truth)
    [first] = there.heard()
    assert "6 OpenRouter alerts" in first["text"]
    assert "over" not in first["text"].splitlines()[0]
    balance(there, 125)
    turn(there, truth)
    [again] = there.heard()
    assert again["ts"] == first["ts"]
    assert again["text"].startswith("6 OpenRouter alerts, 2 resolved")
    assert "Resolved. The credit balance is $125.00, back above $100.00." in again["text"]
    [reply] = there.answers()
    assert reply["text"].count(":white_check_mark:") == 2
    balance(there, 500)
    turn(there, truth)
    assert there.heard()[0]["text"].startswith("6 OpenRouter alerts, all resolved")
    assert "Acknowledge all" not in json.dumps(there.heard()[0]["blocks"])
    assert len(there.answers()) == 2


def test_a_combined_message_shows_periods_that_ended(there, truth):
    there.sync(truth, back=3 * DAY)
    for limit in range(10, 16):
        there.set_up(f"alert spend > ${limit} per day tz UTC")
    truth.use(NOON, 60)
    turn(there, truth)
    turn(there, truth, 15 * HOUR + 10 * MINUTE, back=2 * DAY)
    turn(there, truth)
    [message] = there.heard()
    assert message["text"].startswith("6 OpenRouter alerts, all resolved")
    assert "The day ended at $60.00, $50.00 over the $10.00 limit." in message["text"]


def test_alerts_redirected_from_a_creator_are_in_the_combined_message(there, truth):
    people = [(ref, name, email.replace("grace@", "gone@")) for ref, name, email in PEOPLE]
    there.store.list_members([], people, [*OWNERS])
    there.sync(truth, back=3 * DAY)
    for limit in range(10, 14):
        there.set_up(f"alert spend > ${limit} per day")
    there.set_up("alert spend > $20 per day by key to owner")
    for key in ("evals", "lab"):
        truth.use(NOON, 60, key)
    turn(there, truth)
    [message] = there.heard()
    assert "6 OpenRouter alerts" in message["text"]
    assert "For some of these: gone@example.com" in message["text"]
    assert "For some of these: The key's owner has no" in message["text"]


def test_an_undeliverable_combined_message_is_split_by_owner(there, truth):
    there.sync(truth, back=3 * DAY)
    channel = there.slack.channel("spend").id
    for number, user in enumerate(("ada", "grace") * 3):
        words = f"alert spend > ${10 + number} per day in <#{channel}|spend>"
        there.set_up(words, user=user)
    there.slack.workspace.change_channel("spend", is_archived=True)
    truth.use(NOON, 60)
    turn(there, truth)
    turn(there, truth)
    assert there.said("spend") == []
    for user, own, other in (("ada", "$10.00", "$11.00"), ("grace", "$11.00", "$10.00")):
        [message] = there.heard(user)
        assert message["text"].startswith("3 OpenRouter alerts")
        assert f"over {own} today" in message["text"]
        assert f"above {other} today" not in message["text"]


def test_later_events_are_sent_without_their_thread_if_it_is_gone(tmp_path, truth):
    slack = LocalSlack(file_delay=timedelta(0), rate_limits=False)
    with watching(tmp_path / "activity.db", NOON, slack) as there:
        there.sync(truth, back=3 * DAY)
        limits(there)
        channel = there.slack.channel("spend").id
        there.set_up(f"alert budget 80% 100% in <#{channel}|spend>")
        truth.use(NOON + MINUTE, 85, "evals")
        turn(there, truth, 2 * MINUTE)
        assert len(there.said("spend")) == 1
        there.slack.workspace.change_channel("spend", is_archived=True)
        there.clock.now += HOUR
        truth.use(NOON + 2 * MINUTE, 20, "evals")
        turn(there, truth)
        turn(there, truth)
        [message] = there.heard()
        assert "OpenRouter budget more than 100% used" in message["text"]
        assert "105% used" in message["text"]
        assert "archived" in message["text"]
