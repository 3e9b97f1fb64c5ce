"""Crossings that begin and end while their messages are being delivered."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.bot.alerts.alert_bot import DAY, DOLLAR, MINUTE, Truth, running_bot

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
LOW, HIGH = 50, 500


@pytest.fixture
def bot(tmp_path):
    with running_bot(tmp_path / "activity.db", NOON) as watch:
        truth = Truth()
        truth.use(NOON - DAY, 1)
        watch.sync(truth, back=3 * DAY)
        balance(watch, HIGH)
        watch.set_up("alert credits < $100")
        yield watch


def balance(bot, dollars: int, by: timedelta = MINUTE) -> None:
    """Time passes, the balance is so many dollars, and is judged."""
    bot.clock.now += by
    bought = {"total": 1_000 * DOLLAR, "used": (1_000 - dollars) * DOLLAR}
    bot.store.keep_fact("limits", json.dumps({"at": bot.clock().isoformat(), "credits": bought}))
    bot.evaluator.evaluate_all()


def deliver(bot) -> None:
    """Time enough for what waits to be told."""
    for _ in range(8):
        bot.clock.now += 3 * MINUTE
        bot.delivery.tick()


def replies_to(bot, message) -> list[str]:
    return [one["text"] for one in bot.thread_replies() if one["thread_ts"] == message["ts"]]


def test_each_crossing_during_an_outage_gets_its_own_recovery(bot):
    for dollars in (LOW, HIGH, LOW - 1, HIGH + 1):
        balance(bot, dollars)
    deliver(bot)
    one, two = bot.direct_messages()
    assert "$50.00 in credits left" in one["text"]
    assert "$500.00, back above" in one["text"]
    assert "$49.00 in credits left" in two["text"]
    assert "$501.00, back above" in two["text"]
    assert bot.thread_replies() == []


def test_a_late_recovery_goes_into_the_thread_of_its_crossing(bot):
    balance(bot, LOW)
    deliver(bot)
    for dollars in (HIGH, LOW - 1):
        balance(bot, dollars)
    deliver(bot)
    one, two = bot.direct_messages()
    assert "$500.00, back above" in one["text"]
    assert len(replies_to(bot, one)) == 1
    assert replies_to(bot, two) == []
    assert "again" not in two["text"]


def test_a_recovery_waits_for_a_crossing_that_another_process_has_claimed(bot):
    balance(bot, LOW)
    deliver(bot)
    balance(bot, HIGH)
    deliver(bot)
    balance(bot, LOW - 1)
    assert bot.alerts.events.claim(10), "and that process dies"
    balance(bot, HIGH + 1)
    bot.delivery.tick()
    deliver(bot)
    one, two = bot.direct_messages()
    assert len(replies_to(bot, one)) == 1
    assert replies_to(bot, two) == []
    assert "$501.00, back above" in two["text"]


def test_a_recovery_during_sending_is_shown_in_the_message_soon_after(bot, monkeypatch):
    balance(bot, LOW)
    post = bot.alerts.posting.post

    def slowly(*what):
        posted = post(*what)
        balance(bot, HIGH)
        return posted

    with monkeypatch.context() as patch:
        patch.setattr(bot.alerts.posting, "post", slowly)
        bot.delivery.tick()
    deliver(bot)
    [one] = bot.direct_messages()
    assert "$500.00, back above" in one["text"]


def test_a_change_during_an_update_is_shown_in_the_message_too(bot, monkeypatch):
    balance(bot, LOW)
    deliver(bot)
    [entry] = bot.alerts.rules.of(None)
    [(place, _)] = bot.alerts.states.triggered(entry.id)
    message = bot.alerts.events.crossing_start(bot.alerts.events.newest(place)).message_id
    bot.alerts.messages.mark_outdated(message)
    update = bot.alerts.posting.update

    def slowly(*what):
        update(*what)
        balance(bot, HIGH)

    with monkeypatch.context() as patch:
        patch.setattr(bot.alerts.posting, "update", slowly)
        bot.delivery.tick()
    deliver(bot)
    [one] = bot.direct_messages()
    assert "$500.00, back above" in one["text"]


def test_a_message_being_sent_is_not_claimed_by_another_process(bot):
    """However long those took that were taken with it."""
    balance(bot, LOW)
    messages = bot.alerts.messages
    messages.create(bot.alerts.events.claim(1), bot.slack.user("ada").id)
    [one] = messages.claim(1)
    bot.clock.now += timedelta(seconds=110)
    assert messages.start_sending(one)
    bot.clock.now += timedelta(seconds=60)
    assert messages.claim(1) == []
    bot.clock.now += timedelta(seconds=61)
    assert messages.claim(1)


def test_a_lost_response_sends_no_duplicate_with_a_clock_ahead_of_slacks(bot):
    bot.clock.now = datetime.now(UTC) + DAY
    balance(bot, LOW)
    bot.slack.fail("chat.postMessage", "drop_after")
    deliver(bot)
    assert len(bot.direct_messages()) == 1
