"""What is known to be wrong with usage is said by every question that counts it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.store import Database, Store
from reports.time.period import Counted, Unit
from reports.time.period_to_range import ranges
from reports.time.time_range import Granularity
from reports.usage.windows_to_fetch import Window
from tests import databases

NOW = datetime(2026, 11, 22, 10, 31, tzinfo=UTC)
MINUTES, HOURS, DAYS, _ = Granularity
APART = "usage by creator does not add up"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    one = Store(Database(databases.at(tmp_path / "activity.db")))
    yield one
    one.close()


def noted(store: Store, grain: Granularity, start: datetime, length: timedelta) -> None:
    store.replace(Window(grain, start, start + length), [], NOW, [APART])


def said(store: Store, grain: Granularity, unit: Unit) -> tuple[str, ...]:
    return store.notes(grain, ranges(Counted(1, unit), NOW, "UTC").current)


def test_a_minute_of_the_hour_that_runs_is_told_of_by_hours_and_days(store: Store) -> None:
    noted(store, MINUTES, NOW - timedelta(minutes=9), timedelta(minutes=1))
    noted(store, MINUTES, NOW - timedelta(minutes=7), timedelta(minutes=1))
    assert said(store, MINUTES, Unit.HOUR) == (APART,)
    assert said(store, HOURS, Unit.DAY) == (APART,)
    assert said(store, DAYS, Unit.WEEK) == (APART,)


def test_an_hour_of_today_is_told_of_by_days(store: Store) -> None:
    noted(store, HOURS, NOW.replace(hour=3, minute=0), timedelta(hours=1))
    assert said(store, DAYS, Unit.WEEK) == (APART,)


def test_what_is_over_is_compared_itself(store: Store) -> None:
    noted(store, MINUTES, NOW.replace(hour=9, minute=50), timedelta(minutes=1))
    noted(store, HOURS, NOW - timedelta(days=1, minutes=31), timedelta(hours=1))
    assert said(store, HOURS, Unit.DAY) == (APART,)  # the hour of yesterday, not the minute
    assert said(store, DAYS, Unit.WEEK) == ()
