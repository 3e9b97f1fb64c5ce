"""What the tests of the cache share."""

from collections.abc import Iterator

import pytest

from bot.demo.openrouter import LocalOpenRouter

from ..clock import Clock
from .cache_help import NOW, company


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def server(clock: Clock) -> Iterator[LocalOpenRouter]:
    """A local OpenRouter of the company that one may ask as often as one likes."""
    with LocalOpenRouter(company(), clock=clock) as started:
        started.requests_per_minute = None
        yield started
