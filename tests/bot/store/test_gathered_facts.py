"""What is gathered from facts and the directory is kept until one of them changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store import Database, Store
from reports.usage.dimensions import Dimension
from tests import databases


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """Two processes with one database."""
    address = databases.at(tmp_path / "activity.db")
    one, other = Store(Database(address)), Store(Database(address))
    yield one, other
    one.close()
    other.close()


def test_facts_are_gathered_anew_only_after_they_or_the_directory_change(
    stores: tuple[Store, Store],
) -> None:
    store, other = stores
    calls = []

    def gather(store: Store) -> tuple[str | None, int]:
        calls.append(1)
        return store.fact("limits"), len(store.directory().of[Dimension.KEY])

    def gathered() -> tuple[tuple[str | None, int], int]:
        for _ in range(2):
            found = store.gathered(gather, "limits")
        return found, len(calls)

    (_, none), _ = gathered()
    assert gathered() == ((None, none), 1)
    other.keep_fact("limits", "[1]")
    assert gathered() == (("[1]", none), 2)
    other.keep_fact("something else", "[1]")
    assert gathered() == (("[1]", none), 2)
    other.keep_fact("limits", "[2]")
    assert gathered() == (("[2]", none), 3)
    other.add_members(Dimension.KEY, [("hash", "new", "")])
    assert gathered() == (("[2]", none + 1), 4)
