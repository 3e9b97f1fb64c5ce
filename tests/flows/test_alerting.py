"""Alerts from the words of a rule to the direct message, on a clock that a test moves."""

from datetime import UTC, datetime

import pytest

from .watch import DAY, MINUTE, Truth, watching

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)


@pytest.fixture
def there(tmp_path):
    with watching(tmp_path / "activity.db", NOON) as watch:
        yield watch


@pytest.fixture
def truth():
    found = Truth()
    found.use(NOON - 2 * DAY, 1)
    return found


def test_a_crossing_is_told_in_a_direct_message_once(there, truth):
    there.sync(truth, back=3 * DAY)
    there.set_up("alert spend > $50 per day")
    there.tick()
    assert there.heard() == []
    truth.use(NOON, 60)
    there.clock.now += MINUTE
    for _ in range(3):
        there.sync(truth)
        there.tick()
        there.clock.now += MINUTE
    [message] = there.heard()
    assert "$60 today, $10 above $50" in message["text"]
    assert there.answers() == []
