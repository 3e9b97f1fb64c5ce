"""Crossings of a line that come and go faster than they can be told."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from .watch import DAY, DOLLAR, MINUTE, Truth, watching

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
    there.judging.judge()


def tell(there) -> None:
    """Time enough for what waits to be told."""
    for _ in range(8):
        there.clock.now += 3 * MINUTE
        there.delivery.tick()


def answers_to(there, message) -> list[str]:
    return [one["text"] for one in there.answers() if one["thread_ts"] == message["ts"]]


def test_each_of_two_falls_while_slack_is_down_is_told_with_its_own_rise(there):
    for dollars in (LOW, HIGH, LOW - 1, HIGH + 1):
        balance(there, dollars)
    tell(there)
    one, two = there.heard()
    assert "$50 of purchased credits left" in one["text"]
    assert "$500 of credits again" in one["text"]
    assert "$49 of purchased credits left" in two["text"]
    assert "$501 of credits again" in two["text"]
    assert there.answers() == []


def test_a_rise_that_is_told_late_goes_into_the_thread_of_its_own_fall(there):
    balance(there, LOW)
    tell(there)
    for dollars in (HIGH, LOW - 1):
        balance(there, dollars)
    tell(there)
    one, two = there.heard()
    assert "$500 of credits again" in one["text"]
    assert len(answers_to(there, one)) == 1
    assert answers_to(there, two) == []
    assert "again" not in two["text"]


def test_a_rise_waits_for_its_fall_that_another_process_is_about_to_tell(there):
    balance(there, LOW)
    tell(there)
    balance(there, HIGH)
    tell(there)
    balance(there, LOW - 1)
    assert there.alerts.tellings.claim(10), "and that process dies"
    balance(there, HIGH + 1)
    there.delivery.tick()
    tell(there)
    one, two = there.heard()
    assert len(answers_to(there, one)) == 1
    assert answers_to(there, two) == []
    assert "$501 of credits again" in two["text"]
