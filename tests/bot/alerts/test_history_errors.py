"""How long an alert waits while the recipient's history can't be read."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from bot.alerts.history_errors import must_wait
from bot.slack.types import DeliveryError
from bot.store import Database
from bot.store.expiring_keys import ExpiringKeys
from tests import databases

ALERT = SimpleNamespace(key="alert.1")


class Waiting:
    """An alert that may wait, at times in minutes."""

    def __init__(self, database: Database) -> None:
        self.now = datetime(2026, 11, 22, tzinfo=UTC)
        self.start = self.now
        self.services = SimpleNamespace(
            clock=lambda: self.now, expiring_keys=ExpiringKeys(database, lambda: self.now)
        )

    def waits(self, minutes: int, code: str = "internal_error", **how: float) -> bool:
        """Whether it waits after its history could not be read at a time."""
        self.now = self.start + timedelta(minutes=minutes)
        permanent = code == "missing_scope"
        error = DeliveryError(code, permanent=permanent, **how)
        return must_wait(error, ALERT, self.services)


@pytest.fixture
def alert(tmp_path) -> Waiting:
    return Waiting(Database(databases.at(tmp_path / "a.db")))


@pytest.mark.parametrize(
    ("times", "waits"),
    [
        ([0, 20, 40, 59, 60], [True, True, True, True, False]),
        ([0, 20, 40, 60, 61], [True, True, True, False, True]),
        ([0, 20, 90, 110, 130, 150], [True, True, True, True, True, False]),
        ([0, 20, 40, -10, 15, 40, 50], [True, True, True, True, True, True, False]),
    ],
    ids=["an hour", "anew after it was sent", "anew after a stop", "the clock was set back"],
)
def test_an_alert_waits_for_an_hour_of_failures(alert, times, waits):
    assert [alert.waits(at) for at in times] == waits


def test_pauses_that_slack_asks_for_are_part_of_the_wait(alert):
    assert [alert.waits(at, "ratelimited", retry_after=2_700) for at in (0, 45, 90)] == [
        True, True, False,
    ]  # fmt: skip


def test_an_alert_waits_for_a_new_token_but_not_for_a_scope(alert):
    assert alert.waits(0, "token_revoked")
    assert alert.waits(600, "token_revoked")
    assert not alert.waits(601, "missing_scope")
