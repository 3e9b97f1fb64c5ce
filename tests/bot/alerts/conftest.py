"""Fixtures for tests of alert rules."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.alerts.watch import DAY, NOON, Truth, Watch, watching


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Watch]:
    """Rules that are evaluated against a usage that the test makes, at noon."""
    with watching(tmp_path / "activity.db", NOON) as watch:
        yield watch


@pytest.fixture
def truth() -> Truth:
    """The usage so far: next to nothing, two days ago."""
    found = Truth()
    found.use(NOON - 2 * DAY, 1)
    return found
