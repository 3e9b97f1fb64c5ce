"""An outage of the database: a log line a minute, and one message to each admin."""

from __future__ import annotations

import logging
import threading

import pytest

from bot.admin import database_monitor
from bot.admin.database_monitor import DatabaseMonitor
from bot.slack.types import DeliveryError
from bot.store import DatabaseBusyError, DiskFullError, StoreError
from tests.world import wait_until

FULL = DiskFullError("The disk is full, so nothing can be saved in a.db.")


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(database_monitor, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Admins:
    """Remembers who got which text; `away` can't be reached."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.away: set[str] = set()
        self.tried = 0

    def tell(self, user: str, words: str) -> None:
        self.tried += 1
        if user in self.away:
            raise DeliveryError("ratelimited", permanent=False)
        self.sent.append((user, words))


def settled() -> bool:
    return not any(one.name == "database-outage" for one in threading.enumerate())


def test_it_logs_a_failure_once_a_minute_and_how_many_more_there_were(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    monitor = DatabaseMonitor((), Admins().tell)
    for _ in range(120):
        monitor.failed(FULL)
        clock.now += 1
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [str(FULL), f"{FULL} (59 more failures since the last line)"]


def test_each_admin_gets_one_message_an_outage(clock: Clock) -> None:
    admins = Admins()
    monitor = DatabaseMonitor({"U2", "U1"}, admins.tell)
    for _ in range(300):
        monitor.failed(FULL)
        monitor.written()
        clock.now += 5
    wait_until(settled)
    assert [user for user, _ in admins.sent] == ["U1", "U2"]
    assert "disk is full" in admins.sent[0][1]
    clock.now += database_monitor.QUIET_SECONDS + 1
    monitor.failed(FULL)
    wait_until(settled)
    assert len(admins.sent) == 4


def test_an_admin_who_cannot_be_reached_is_tried_again_a_minute_later(clock: Clock) -> None:
    admins = Admins()
    admins.away = {"U1"}
    monitor = DatabaseMonitor({"U1", "U2"}, admins.tell)
    for _ in range(2):
        monitor.failed(FULL)
        wait_until(settled)
    assert (admins.tried, [user for user, _ in admins.sent]) == (2, ["U2"])
    admins.away = set()
    clock.now += database_monitor.AGAIN_SECONDS
    monitor.failed(FULL)
    wait_until(settled)
    assert [user for user, _ in admins.sent] == ["U2", "U1"]


def test_a_lock_of_another_program_is_a_warning_and_no_outage(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    admins = Admins()
    monitor = DatabaseMonitor({"U1"}, admins.tell)
    monitor.failed(DatabaseBusyError("in use"))
    wait_until(settled)
    assert admins.sent == []
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_it_logs_that_writing_goes_well_again_once_it_has_for_a_while(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monitor = DatabaseMonitor((), Admins().tell)
    monitor.written()
    monitor.failed(StoreError("broken"))
    monitor.written()
    clock.now += database_monitor.SETTLED_SECONDS
    monitor.written()
    monitor.written()
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["broken", "The database can be written again"]
