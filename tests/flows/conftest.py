"""What the tests of the cache share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.demo.openrouter.server import LocalOpenRouter

from ..clock import Clock
from .cache_help import NOW, company
from .watch import DAY, NOON, Truth, Watch, watching


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def server(clock: Clock) -> Iterator[LocalOpenRouter]:
    """A local OpenRouter of the company that one may ask as often as one likes."""
    with LocalOpenRouter(company(), clock=clock) as started:
        started.requests_per_minute = None
        yield started


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Watch]:
    """Whoever watches, at noon."""
    with watching(tmp_path / "activity.db", NOON) as watch:
        yield watch


@pytest.fixture
def truth() -> Truth:
    """What is used; so far next to nothing, two days ago."""
    found = Truth()
    found.use(NOON - 2 * DAY, 1)
    return found
