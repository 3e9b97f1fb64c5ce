"""Crossings that begin and end while their messages are being delivered."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.bot.alerts.watch import DAY, DOLLAR, MINUTE, Truth, watching

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
LOW, HIGH = 50, 500


@pytest.fixture
def there(tmp_path):
    with watching(tmp_path / "activity.db", NOON) as watch:
        truth = Truth()
        truth.use(NOON - DAY, 1)
        watch.sync(truth, back=3 * DAY)
        balance(watch, HIGH)
        watch.set_up("alert credits < $100")
        yield watch


def balance(there, dollars: int, by: timedelta = MINUTE) -> None:
    """Time passes, the balance is so many dollars, and is judged."""
    there.clock.now += by
    bought = {"total": 1_000 * DOLLAR, "used": (1_000 - dollars) * DOLLAR}
    there.store.keep_fact(
        "limits", json.dumps({"at": there.clock().isoformat(), "credits": bought})
    )
    there.evaluator.evaluate_all()


def tell(there) -> None:
    """Time enough for what waits to be told."""
    for _ in range(8):
        there.clock.now += 3 * MINUTE
        there.delivery.tick()


def answers_to(there, message) -> list[str]:
    return [one["text"] for one in there.answers() if one["thread_ts"] == message["ts"]]


def test_each_crossing_during_an_outage_gets_its_own_recovery(there):
    for dollars in (LOW, HIGH, LOW - 1, HIGH + 1):
        balance(there, dollars)
    tell(there)
    one, two = there.heard()
    assert "$50.00 in credits left" in one["text"]
    assert "$500.00, back above" in one["text"]
    assert "$49.00 in credits left" in two["text"]
    assert "$501.00, back above" in two["text"]
    assert there.answers() == []


def test_a_late_recovery_goes_into_the_thread_of_its_crossing(there):
    balance(there, LOW)
    tell(there)
    for dollars in (HIGH, LOW - 1):
        balance(there, dollars)
    tell(there)
    one, two = there.heard()
    assert "$500.00, back above" in one["text"]
    assert len(answers_to(there, one)) == 1
    assert answers_to(there, two) == []
    assert "again" not in two["text"]


def test_a_recovery_waits_for_a_crossing_that_another_process_has_claimed(there):
    balance(there, LOW)
    tell(there)
    balance(there, HIGH)
    tell(there)
    balance(there, LOW - 1)
    assert there.alerts.events.claim(10), "and that process dies"
    balance(there, HIGH + 1)
    there.delivery.tick()
    tell(there)
    one, two = there.heard()
    assert len(answers_to(there, one)) == 1
    assert answers_to(there, two) == []
    assert "$501.00, back above" in two["text"]


def test_a_recovery_during_sending_is_shown_in_the_message_soon_after(there, monkeypatch):
    balance(there, LOW)
    post = there.alerts.posting.post

    def slowly(*what):
        posted = post(*what)
        balance(there, HIGH)
        return posted

    with monkeypatch.context() as patch:
        patch.setattr(there.alerts.posting, "post", slowly)
        there.delivery.tick()
    tell(there)
    [one] = there.heard()
    assert "$500.00, back above" in one["text"]


def test_a_change_during_an_update_is_shown_in_the_message_too(there, monkeypatch):
    balance(there, LOW)
    tell(there)
    [entry] = there.alerts.rules.of(None)
    [(place, _)] = there.alerts.states.triggered(entry.id)
    message = there.alerts.events.crossing_start(there.alerts.events.newest(place)).message_id
    there.alerts.messages.mark_outdated(message)
    update = there.alerts.posting.update

    def slowly(*what):
        update(*what)
        balance(there, HIGH)

    with monkeypatch.context() as patch:
        patch.setattr(there.alerts.posting, "update", slowly)
        there.delivery.tick()
    tell(there)
    [one] = there.heard()
    assert "$500.00, back above" in one["text"]


def test_a_message_being_sent_is_not_claimed_by_another_process(there):
    """However long those took that were taken with it."""
    balance(there, LOW)
    messages = there.alerts.messages
    messages.create(there.alerts.events.claim(1), there.slack.user("ada").id)
    [one] = messages.claim(1)
    there.clock.now += timedelta(seconds=110)
    assert messages.start_sending(one)
    there.clock.now += timedelta(seconds=60)
    assert messages.claim(1) == []
    there.clock.now += timedelta(seconds=61)
    assert messages.claim(1)


def test_a_lost_response_sends_no_duplicate_with_a_clock_ahead_of_slacks(there):
    there.clock.now = datetime.now(UTC) + DAY
    balance(there, LOW)
    there.slack.fail("chat.postMessage", "drop_after")
    tell(there)
    assert len(there.heard()) == 1
