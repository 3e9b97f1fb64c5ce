"""What the tests of what people do in Slack share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.demo.openrouter.server import LocalOpenRouter

from .. import world as worlds
from ..world import World


@pytest.fixture
def there(openrouter: LocalOpenRouter, database: Path) -> Iterator[World]:
    """The web half, with Katherine as admin; the worker works where a test says so."""
    with worlds.administered(openrouter, database) as world:
        yield world


@pytest.fixture
def own(openrouter: LocalOpenRouter, database: Path) -> Iterator[World]:
    """The same where everybody but Katherine sees their own usage only."""
    with worlds.administered(openrouter, database, ACTIVITY_VISIBILITY="own") as world:
        yield world
