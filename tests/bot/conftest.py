"""Fixtures for tests of the bot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.demo.openrouter.server import LocalOpenRouter
from tests import world as worlds
from tests.bot.alerts.alert_bot import DAY, NOON, AlertBot, Truth, running_bot
from tests.cache_help import NOW, company
from tests.clock import Clock
from tests.world import World


@pytest.fixture
def administered(openrouter: LocalOpenRouter, database: Path) -> Iterator[World]:
    """The web half, with Katherine as admin; the worker works where a test says so."""
    with worlds.administered(openrouter, database) as world:
        yield world


@pytest.fixture
def own(openrouter: LocalOpenRouter, database: Path) -> Iterator[World]:
    """The same where everybody but Katherine sees their own usage only."""
    with worlds.administered(openrouter, database, ACTIVITY_VISIBILITY="own") as world:
        yield world


@pytest.fixture
def clock() -> Clock:
    """A clock that the test moves."""
    return Clock(NOW)


@pytest.fixture
def server(clock: Clock) -> Iterator[LocalOpenRouter]:
    """A local OpenRouter of the sample company, without a limit on requests."""
    with LocalOpenRouter(company(), clock=clock) as started:
        started.requests_per_minute = None
        yield started


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[AlertBot]:
    """Rules that are evaluated against a usage that the test makes, at noon."""
    with running_bot(tmp_path / "activity.db", NOON) as watch:
        yield watch


@pytest.fixture
def truth() -> Truth:
    """The usage so far: next to nothing, two days ago."""
    found = Truth()
    found.use(NOON - 2 * DAY, 1)
    return found
